#!/usr/bin/env python3
"""Write the tables of the lab pages: "make labpages".

Pages docs/labs/labN.md and docs/labs/zh/labN.md are written by hand, but for what is
between these lines:

    <!-- exercises -->  the exercises of lab N, from the source
    <!-- scenarios -->  its scenarios, from lab-tests/scenarios and course.json
    <!-- end -->

With --check nothing is written: exit status 1 if a table of exercises is old, a lab with
exercises has no page, or the text of an exercise is in no translation; "make lint" does
that.  A table of scenarios that is old, or a title that is not translated, is only told,
so that who adds a scenario need not touch pages; with --strict it counts.
"""
import argparse
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import course  # noqa: E402
import exercises  # noqa: E402

FOLDERS = {"en": "docs/labs", "zh": "docs/labs/zh"}
HEADS = {
    "en": (("", "function", "file", "what it is about"),
           ("scenario", "points", "what it shows")),
    "zh": (("", "函数", "文件", "内容"), ("场景", "分值", "说明")),
}
# What a text of a table is in another language, by the English text: one that is new
# or was changed stays English, and is told, until somebody translates it.
TEXTS = {"zh": "docs/labs/zh/tables.json"}
SLOT = re.compile(r"<!-- (exercises|scenarios) -->\n.*?<!-- end -->", re.S)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows])


def cell(text):
    return text.replace("|", "\\|")


def first_sentence(task):
    text = " ".join(task).split("  ")[0]
    m = re.match(r"(.*?[.?!:])(?: [A-Z]|$)", text)
    return (m[1] if m else text).rstrip(".:")


def exercise_rows(lab):
    rows = []
    for path, some in exercises.in_tree():
        rows += [(e.name, "`%s()`" % e.function, "`%s`" % path,
                  cell(first_sentence(e.task))) for e, _, _ in some if e.lab == lab]
    return sorted(rows, key=lambda r: exercises.key(r[0]))


def title_of(path):
    with open(path, encoding="utf-8") as f:
        m = re.search(r"(?m)^\s*title\s+(.*?)\s*(?:#.*)?$", f.read())
    return m[1] if m else ""


def scenario_rows(lab, plan):
    rows = []
    for here, _, files in os.walk(course.FOLDER):
        for f in files:
            path = os.path.join(here, f)
            name = os.path.relpath(path, course.FOLDER)[:-4]
            if f.endswith(".scn"):
                with open(path, encoding="utf-8") as text:
                    if course.head(text.read())[0] == lab:
                        rows.append((name, str(plan.worth.get(name, 0)),
                                     cell(title_of(path))))
    return sorted(rows)


def texts_of(language):
    with open(TEXTS[language], encoding="utf-8") as f:
        return json.load(f)


def translated(rows, language):
    if language not in TEXTS:
        return rows
    texts = texts_of(language)
    return [r[:-1] + (texts.get(r[-1], r[-1]),) for r in rows]


def untranslated(language, plan):
    """([exercise], [scenario], [text]): without a translation, and translations of nothing."""
    texts, out = texts_of(language), []
    rows = [[r for lab in range(10) for r in some(lab)] for some in
            (exercise_rows, lambda lab: scenario_rows(lab, plan))]
    for some in rows:
        out.append(["%s: %s" % (r[0], r[-1]) for r in some if r[-1] not in texts])
    return out + [sorted(set(texts) - {r[-1] for some in rows for r in some})]


def filled(text, lab, language, plan, only=None):
    heads = HEADS[language]

    def one(m):
        if only not in (None, m[1]):
            return m[0]
        if m[1] == "exercises":
            body = table(heads[0], translated(exercise_rows(lab), language))
        else:
            body = table(heads[1], translated(scenario_rows(lab, plan), language))
        return "<!-- %s -->\n%s\n<!-- end -->" % (m[1], body)
    return SLOT.sub(one, text)


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--check", action="store_true", help="only say what is not right")
    ap.add_argument("--strict", action="store_true", help="old scenarios are wrong, too")
    arg = ap.parse_args()
    plan, bad, notes, n = course.Course(), [], [], 0
    labs = {e.lab for _, some in exercises.in_tree() for e, _, _ in some}
    for language, folder in sorted(FOLDERS.items()):
        for lab in range(10):
            path = os.path.join(folder, "lab%d.md" % lab)
            if not os.path.exists(path):
                if lab in labs:
                    bad.append("%s is missing" % path)
                continue
            with open(path, encoding="utf-8") as f:
                text = f.read()
            new = filled(text, lab, language, plan)
            slots = SLOT.findall(text)
            n += 1
            if sorted(slots) != ["exercises", "scenarios"]:
                bad.append("%s: wants one table of exercises and one of scenarios" % path)
            elif new != text and arg.check:
                old = "%s: a table is old; make labpages writes it" % path
                if arg.strict or filled(text, lab, language, plan, "exercises") != text:
                    bad.append(old)
                else:
                    notes.append(old)
            elif new != text:
                with open(path, "w", encoding="utf-8") as f:
                    f.write(new)
    for language, path in sorted(TEXTS.items()):
        mine, titles, unused = untranslated(language, plan)
        bad += ["%s: not translated: exercise %s" % (path, x) for x in mine]
        old = ["%s: not translated: %s" % (path, x) for x in titles] + \
            ["%s: nothing says any more: %s" % (path, x) for x in unused]
        (bad if arg.strict else notes).extend(old)
    for text in notes:
        print("note: " + text)
    print("\n".join(bad + ["labpages: %d pages, %d complaints" % (n, len(bad))]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
