#!/usr/bin/env python3
"""Boot the kernel on every machine of a list and collect what it says.

The list is in ktest_rows.py, what is made for a row in ktest_prepare.py.

Seven kinds of rows:

    tests    boot ktest.img (or "image") with "test=all"; its records say which tests passed:
             "test NAME begin|pass|fail FILE:LINE TEXT|skip REASON",
             "done PASSED FAILED", "exit CODE"
    boot     boot Image and wait for the record "boot prompt"
    dialog   boot Image and type at its prompt; the kernel must answer as the
             row says, and power off with success when told to, or say what
             ends the row ("until")
    user     boot ktest.img with the boot archive and a program that runs the
             programs of lab-tests/user; the records are those of "tests", and
             nothing but the device /dev/utest, which only that image has, makes
             records of what programs say
    die      boot ktest.img with one test that commits a crime; the kernel must
             print what the row says, and power off with failure
    refuse   something is wrong on purpose; the kernel must print exactly one
             line that begins with "boot: " and power off with failure

What the test vm_transcript records ("vm ...") must be the same in all rows
that ran it, whatever the paging mode, the number of harts, and who sets
accessed and dirty bits; that is a verdict of its own, "transcripts".  So is
"replacement": the victims recorded are those of tools/faultmodel.

Verdicts: PASS, FAIL, SKIP, HANG (no output for a long time), INFRA (QEMU
itself did not work).  Nothing is judged by the clock.  The console and the
records of each row are kept below BUILD/ktest/.
"""
import argparse
import concurrent.futures
import itertools
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fdtedit  # noqa: E402
import ktest_victims  # noqa: E402
import qemu  # noqa: E402
from ktest_prepare import Infra, Skip, prepare  # noqa: E402
from ktest_rows import MATRIX, row  # noqa: E402

PROMPT = r"boot prompt"


# ---- judging ----

class Verdict:
    def __init__(self, word, passed=0, failed=0, skipped=0, lines=(), seconds=0.0):
        self.word, self.lines, self.seconds = word, list(lines), seconds
        self.passed, self.failed, self.skipped = passed, failed, skipped
        self.story = []     # the records of vm_transcript
        self.victims = None     # what is wrong with them, see ktest_victims.py


def tail(result, n=12):
    return ["| " + s for s in result.text.rstrip().splitlines()[-n:]]


def collect_tests(records):
    """(passed, failed lines, skipped lines, begun but never ended)."""
    passed, failed, skipped, open_tests = [], [], [], []
    for r in records:
        if r.id != "test" or len(r.args) < 2:
            continue
        name, what = r.args[0], r.args[1]
        if what == "begin":
            open_tests.append(name)
            continue
        if name in open_tests:
            open_tests.remove(name)
        line = " ".join([name] + r.args[2:])
        if what == "pass":
            passed.append(name)
        elif what == "skip":
            skipped.append(line)
        else:
            failed.append(line)
    return passed, failed, skipped, open_tests


def judge_tests(result):
    passed, failed, skipped, unfinished = collect_tests(result.records)
    lines = ["fail " + f for f in failed] + ["skip " + s for s in skipped]
    lines += ["never ended: " + n for n in unfinished]
    done = [r for r in result.records if r.id == "done"]
    code = result.exit_code()
    wrong = result.damage[:5]
    if not done:
        wrong.append("no record 'done'")
    elif done[-1].args[:2] != [str(len(passed)), str(len(failed))]:
        wrong.append("'%s' but %d passed and %d failed were recorded"
                     % (done[-1], len(passed), len(failed)))
    if done and not passed:
        wrong.append("no test ran")
    if code is None:
        wrong.append("the kernel did not say how it ended")
        wrong.append("QEMU: %s, status %s%s" % (
            result.how, result.status,
            "".join("; " + e for e in
                    result.errors.decode("utf-8", "replace").split("\n")[:3] if e)))
    elif code != 0 and not failed:
        wrong.append("ended with code %d" % code)
    elif code == 0 and result.how == "exit" and result.status != 0:
        wrong.append("QEMU ended with status %d" % result.status)
    bad = bool(failed or wrong or unfinished)
    lines += [w for w in wrong if w not in lines]
    if wrong or unfinished:
        lines += tail(result)
    extra = 1 if (wrong or unfinished) else 0
    return Verdict("FAIL" if bad else "PASS", len(passed), len(failed) + extra,
                   len(skipped), lines)


def judge_refuse(result):
    said = re.findall(r"^boot: .*$", result.text, re.M)
    wrong = []
    if len(said) != 1:
        wrong.append("%d lines begin with 'boot: ', want one" % len(said))
    if result.how != "exit":
        wrong.append("did not power off")
    if not result.exit_code():
        wrong.append("ended without saying failure (status %s, code %s)"
                     % (result.status, result.exit_code()))
    if wrong:
        return Verdict("FAIL", 0, 1, 0, said + wrong + tail(result))
    return Verdict("PASS", 1, 0, 0, said)


def judge_die(result, says):
    wrong = ["nothing matches %r" % p for p in says
             if not re.search(p, result.text, re.M)]
    # "again" is a fault while reporting, which must end the report.
    if len(re.findall(r"^panic: (?!again)", result.text, re.M)) != 1 or \
            len(re.findall(r"^panic: again", result.text, re.M)) > 1:
        wrong.append("want exactly one panic")
    if not result.exit_code():
        wrong.append("ended without saying failure (status %s, code %s)"
                     % (result.status, result.exit_code()))
    if wrong:
        return Verdict("FAIL", 0, 1, 0, wrong + tail(result, 40))
    return Verdict("PASS", 1)


def judge_boot(result):
    if result.how == "until" and not result.damage:
        return Verdict("PASS", 1)
    return Verdict("FAIL", 0, 1, 0, ["no record 'boot prompt'"] +
                   result.damage[:5] + tail(result))


def judge_dialog(result):
    wrong = ["the kernel did not print %r" % p for p, _ in result.untyped[:1]]
    if result.how not in ("exit", "until") and not result.untyped and result.exit_code() is None:
        wrong.append("did not power off")
    if result.exit_code() not in (0, None):
        wrong.append("ended with code %d" % result.exit_code())
    if wrong:
        return Verdict("FAIL", 0, 1, 0, wrong + tail(result))
    return Verdict("PASS", 1)


def judge(r, result):
    if result.how in ("hang", "infra"):
        passed, failed, _, unfinished = collect_tests(result.records)
        lines = ["fail " + f for f in failed] + [result.note]
        lines += ["never ended: " + n for n in unfinished]
        if result.untyped:
            lines.append("the kernel did not print %r" % result.untyped[0][0])
        return Verdict(result.how.upper(), len(passed), len(failed) + 1, 0,
                       lines + tail(result))
    if r["kind"] == "die":
        return judge_die(result, r["says"])
    return {"tests": judge_tests, "user": judge_tests, "refuse": judge_refuse,
            "boot": judge_boot, "dialog": judge_dialog}[r["kind"]](result)


# ---- running ----

def run_tool(r, arg):
    command, *more = r["tool"]
    r["build"] = arg.build
    try:
        prepare(r, qemu.Machine(), None)
    except Skip as e:
        return Verdict("SKIP", 0, 0, 1, [str(e)])
    folder = os.path.dirname(os.path.abspath(__file__))
    start = time.monotonic()
    done = subprocess.run([sys.executable, os.path.join(folder, command), "--build",
                           arg.build] + [m.format(build=arg.build) for m in more],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    lines = done.stdout.splitlines()
    bad = done.returncode != 0
    return Verdict("FAIL" if bad else "PASS", not bad, bad, 0, lines,
                   time.monotonic() - start)


def run_row(r, arg):
    """Prepare, run and judge one row."""
    if r["kind"] == "tool":
        return run_tool(r, arg)
    work = os.path.join(arg.build, "ktest", r["name"])
    image = "ktest.img" if r["kind"] in ("tests", "user", "die") else "Image"
    image = r.get("image", image)
    names = ("smp", "mem", "append", "machine", "cpu", "mode", "legacy",
             "extra")
    elf = "kernel.elf" if image == "Image" else image.replace(".img", ".elf")
    m = qemu.Machine(kernel=os.path.join(arg.build, image), elf=os.path.join(arg.build, elf),
                     **{n: r[n] for n in names if n in r})
    if r["kind"] == "user":
        r.setdefault("initrd", "initrd")
    if "initrd" in r:
        m.initrd = os.path.join(arg.build, r["initrd"])
    words = [m.append]
    if r["kind"] in ("tests", "die"):
        words.append("test=" + r.get("test", "all"))
    if r["kind"] == "user":
        words.append("run=/bin/utest" + "".join("," + p for p in r.get("run", ())))
    if not m.has_virtio():
        words.append("events=console")
    m.append = " ".join(w for w in words if w)
    r["build"] = arg.build
    made = r["made"] = [work + ".elf", work + ".hop", work + ".disk", work + ".dtb"]
    try:
        prepare(r, m, work)
        result = qemu.run(m, work, PROMPT if r["kind"] == "boot" else r.get("until"),
                          r.get("dialog"), arg.silence)
        verdict = judge(r, result)
        verdict.seconds = result.seconds
        verdict.story = [str(x) for x in result.records if x.id == "vm"]
        verdict.victims = ktest_victims.complaints(result.records)
    except Skip as e:
        verdict = Verdict("SKIP", 0, 0, 1, [str(e)])
    except (Infra, OSError, fdtedit.Bad) as e:
        verdict = Verdict("INFRA", 0, 1, 0, [str(e)])
    finally:
        for path in made:
            if os.path.exists(path) and not arg.keep:
                os.unlink(path)
    return verdict


def compare_stories(done):
    """The verdict about all (row, verdict) that told one; None: too few did."""
    told = [(r["name"], v.story) for r, v in done if v.story and v.word == "PASS"]
    if len(told) < 2:
        return None
    first, story = told[0]
    wrong = []
    for name, other in told[1:]:
        for a, b in itertools.zip_longest(story, other, fillvalue="nothing"):
            if a != b:
                wrong.append("%s: %s; %s: %s" % (first, a, name, b))
                break
    return Verdict("FAIL" if wrong else "PASS", len(told) - len(wrong), len(wrong),
                   lines=wrong)


def compare_victims(done):
    """The verdict about all (row, verdict) that told victims; None: nobody did."""
    told = [(r["name"], v.victims) for r, v in done
            if v.victims is not None and v.word == "PASS"]
    wrong = ["%s: %s" % (name, line) for name, lines in told for line in lines]
    bad = sum(1 for _, lines in told if lines)
    return Verdict("FAIL" if bad else "PASS", len(told) - bad, bad, lines=wrong) \
        if told else None


def color(word):
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return word.ljust(5)
    code = {"PASS": 32, "SKIP": 33}.get(word, 31)
    return "\x1b[%dm%-5s\x1b[0m" % (code, word)


def report(r, v, verbose):
    counts = "%3d passed" % v.passed
    counts += ", %d failed" % v.failed if v.failed else ""
    counts += ", %d skipped" % v.skipped if v.skipped else ""
    print("%s %-18s %-28s %6.1f s" % (color(v.word), r["name"], counts, v.seconds))
    if v.word != "PASS" or verbose:
        for line in v.lines[:40]:
            print("      " + line)
        if len(v.lines) > 40:
            print("      ... and %d lines more" % (len(v.lines) - 40))
    sys.stdout.flush()


def write_junit(path, rows):
    from xml.sax.saxutils import escape, quoteattr
    with open(path, "w") as f:
        f.write('<testsuite name="ktest" tests="%d">\n' % len(rows))
        for r, v in rows:
            f.write('<testcase name=%s time="%.1f">' % (quoteattr(r["name"]), v.seconds))
            if v.word == "SKIP":
                f.write("<skipped/>")
            elif v.word != "PASS":
                f.write("<failure>%s</failure>" % escape("\n".join(v.lines)))
            f.write("</testcase>\n")
        f.write("</testsuite>\n")


def select(arg):
    rows = [r for r in MATRIX if r["fast"] or not arg.fast]
    if arg.filter:
        names = {r["name"] for r in rows}
        words = arg.filter.split(",")
        rows = [r for r in rows
                if any(w == r["name"] or w not in names and w in r["name"] and
                       not r["long"] for w in words)]
    else:
        rows = [r for r in rows if not r["long"]]
    if not rows:
        sys.exit("ktest: no row is called %s; --list shows them" % arg.filter)
    return rows


def run_all(rows, arg):
    done = []
    pool = concurrent.futures.ThreadPoolExecutor(arg.jobs)
    try:
        todo = [(r, pool.submit(run_row, r, arg)) for r in rows]
        for r, future in todo:
            v = future.result()
            report(r, v, arg.verbose)
            done.append((r, v))
    except BaseException:
        for _, future in todo:
            future.cancel()
        # Ends the QEMUs of the rows under way, and their threads with them.
        qemu.stop_all()
        raise
    finally:
        pool.shutdown()
    return done


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--filter", help="row names or parts of them, with commas")
    ap.add_argument("--fast", action="store_true", help="a few rows only")
    ap.add_argument("--list", action="store_true", help="print the rows and stop")
    ap.add_argument("--jobs", type=int, default=2, help="rows at a time")
    ap.add_argument("--silence", type=int, default=qemu.SILENCE,
                    help="seconds without output that make a hang")
    ap.add_argument("--results", help="folder for ktest.json, the totals")
    ap.add_argument("--junit", help="also write this file")
    ap.add_argument("--keep", action="store_true", help="keep disks and wrappers")
    ap.add_argument("--verbose", action="store_true")
    arg = ap.parse_args()
    if arg.list or arg.filter == "list":
        for r in MATRIX:
            print("%-18s %-7s %s" % (r["name"], r["kind"], "fast" if r["fast"] else ""))
        return 0
    qemu.stop_on_term()
    rows = run_all(select(arg), arg)
    for name, verdict in (("transcripts", compare_stories(rows)),
                          ("replacement", compare_victims(rows))):
        if verdict is not None:
            rows.append((row(name, "compare"), verdict))
            report(rows[-1][0], verdict, arg.verbose)
    total = {k: sum(getattr(v, k) for _, v in rows)
             for k in ("passed", "failed", "skipped")}
    if arg.results:
        os.makedirs(arg.results, exist_ok=True)
        with open(os.path.join(arg.results, "ktest.json"), "w") as f:
            json.dump(total, f)
    if arg.junit:
        write_junit(arg.junit, rows)
    for r, v in rows:       # once more, where nobody has to look for them
        if v.word not in ("PASS", "SKIP"):
            print("%s %s: %s" % (v.word, r["name"], "; ".join(v.lines[:3])))
    print("ktest: %d rows: %d passed, %d failed, %d skipped"
          % (len(rows), total["passed"], total["failed"], total["skipped"]))
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit("ktest: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
