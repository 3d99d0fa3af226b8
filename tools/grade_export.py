"""Results of grading for other programs: JUnit, Gradescope, a page of HTML.

    python3 tools/grade_export.py build/grade/results.json [FOLDER]

results.json is the truth (grade_report.as_json); all here is made of it alone, so it can
be made again, elsewhere and later.  Files are written beside their place and moved there:
a full disk leaves the old ones."""
import json
import os
import sys
from xml.sax.saxutils import escape, quoteattr

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import grade_html  # noqa: E402


def save(path, text):
    """Write TEXT to PATH, or leave what is there.  OSError says which file and why."""
    new = path + ".new"
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(new, "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(new, path)
    except OSError as e:
        if os.path.lexists(new):
            os.unlink(new)
        raise OSError("cannot write %s: %s" % (path, e.strerror)) from None


def explain(s):
    """Why a scenario failed, as text."""
    return "\n".join(s["why"] + ["hint: " + h for h in s["hints"]])


def printable(text):
    """XML has no word for most control characters."""
    return "".join(c if c >= " " or c in "\n\t" else "?" for c in text)


def junit(results):
    some = results["scenarios"]
    bad = sum(s["verdict"] not in ("PASS", "INFRA") for s in some)
    out = ['<?xml version="1.0" encoding="UTF-8"?>',
           '<testsuite name="grade" tests="%d" failures="%d" errors="%d">'
           % (len(some), bad, sum(s["verdict"] == "INFRA" for s in some))]
    for s in some:
        head = "<testcase classname=%s name=%s" % (quoteattr("lab%d" % s["lab"]),
                                                   quoteattr(s["name"]))
        if s["verdict"] == "PASS":
            out.append(head + "/>")
            continue
        kind = "error" if s["verdict"] == "INFRA" else "failure"
        out.append("%s><%s message=%s>%s</%s></testcase>" % (
            head, kind, quoteattr(s["verdict"]), escape(printable(explain(s))), kind))
    return "\n".join(out + ["</testsuite>", ""])


def gradescope(results):
    """What Gradescope's autograder reads; what could not be graded has no score."""
    tests = []
    for s in results["scenarios"]:
        one = {"name": s["name"] + ": " + s["title"], "number": str(len(tests) + 1),
               "tags": ["lab %d" % s["lab"]], "output_format": "text",
               "output": "" if s["verdict"] == "PASS" else
               "%s\n%s" % (s["verdict"], explain(s))}
        if s["verdict"] != "INFRA":
            one.update(score=s["score"], max_score=s["points"],
                       status="passed" if s["verdict"] == "PASS" else "failed")
        tests.append(one)
    begin = results["begin"]
    return {"score": results["score"] + results["bonus"][0],
            "output": "begin with %s: %s" % (begin["name"], begin["hint"]) if begin else "",
            "tests": tests}


def export(results, folder):
    """All files of RESULTS; the truth first."""
    def at(name):
        return os.path.join(folder, name)
    save(at("results.json"), json.dumps(results, indent=1) + "\n")
    save(at("junit.xml"), junit(results))
    save(at("gradescope.json"), json.dumps(gradescope(results), indent=1) + "\n")
    save(at("report.html"), grade_html.page(results))


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-"):
        print(__doc__)
        return 0 if "--help" in sys.argv else 2
    with open(sys.argv[1], encoding="utf-8") as f:
        results = json.load(f)
    export(results, sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(sys.argv[1]))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError) as e:
        print("grade_export: %s" % e, file=sys.stderr)
        sys.exit(2)
