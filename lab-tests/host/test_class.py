#!/usr/bin/env python3
"""Grading a class, and carrying answers from one hand-out into another."""
import csv
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

from hostcheck import check, over, TOP
import class_page
import submissions
import transplant
from transplant import digest

folder = tempfile.TemporaryDirectory()

FILE = """#include "a.h"
{more}
int
answer(int n)
{{
    /* LAB 3.2{mark}: say how much it is{text}. */
    {body}
}}
"""
# A Makefile that builds what does not say "oops", and a grader that looks for an answer.
MAKE = """build/%: kern/a.c
\t@mkdir -p build/bin; test ! -e kern/slow.c || sleep 60
\t@! grep -n oops kern/*.c | sed 's/oops/error: oops/' | grep . && cat kern/*.c > $@
"""
GRADER = """import json, os, sys
out = sys.argv[sys.argv.index("--out") + 1]
os.makedirs(out, exist_ok=True)
text = open("build/Image").read()
one = {"name": "lab3/answer", "title": "It is 42", "points": 10, "score": 0,
       "verdict": "TODO" if "return -1" in text else "FAIL"}
if "42" in text:
    one.update(score=10, verdict="PASS")
if "no points" in text:
    sys.exit("the disk is full")
bad = one["verdict"] != "PASS"
json.dump({"score": one["score"], "points": 10, "bonus": [0, 0], "scenarios": [one],
           "begin": {"name": "lab3/answer", "hint": ""} if bad else None},
          open(out + "/results.json", "w"))
sys.exit(bad)
"""
STUB, GOOD, POOR = "return -1;", "return 42 + 0 * n + 0 * n;", "return 41 + 0 * n;"


def source(body, more="", text="", reference=False):
    if reference:
        body += "\n    /* STUB: %s */\n    /* END 3.2 */" % STUB
    return FILE.format(body=body, more=more, text=text,
                       mark="" if reference else " YOUR CODE")


def write(at, files):
    for name, text in files.items():
        path = os.path.join(at, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="latin-1", newline="") as f:
            f.write(text)


def read(*path):
    with open(os.path.join(*path), encoding="latin-1") as f:
        return f.read()


def tool(name, *argv, cwd=None):
    done = subprocess.run([sys.executable, os.path.join(TOP, "tools", name)] + list(argv),
                          cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    return done.returncode, done.stdout.strip().splitlines()


def project(text=""):
    """A reference with one exercise, what is built of it, and where it is."""
    at = tempfile.mkdtemp(dir=folder.name)
    write(at, {"kern/a.c": source(GOOD, text=text, reference=True), "kern/a.h": "int x;\n",
               "kern/ext/watch.c": "int watch;\n", "Makefile": MAKE,
               "README.md": "hi\n", "tools/grade.py": GRADER, "build/k/kern/a.c.o": "A",
               "bin/xobjcopy": '#!/bin/sh\ncp "$2" "$3"\n'})
    os.chmod(os.path.join(at, "bin/xobjcopy"), 0o755)
    return at


def handout(at, name="out"):
    out = os.path.join(at, name)
    status, said = tool("handout.py", "--lab", "3", "--cross", at + "/bin/x", out, cwd=at)
    check("class_handout", (status, len(said)), (0, 1))
    return out


# ---- what was handed in ----

def archive(path, files):
    if path.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as z:
            for name, text in files.items():
                z.writestr(name, text)
        return
    with tarfile.open(path, "w:gz") as t, tempfile.TemporaryDirectory() as at:
        for i, (name, text) in enumerate(files.items()):
            write(at, {str(i): text})
            t.add(os.path.join(at, str(i)), name)


def refused(path):
    try:
        return sorted(submissions.read(path)[0])
    except submissions.Bad as e:
        return str(e).split(":")[0]


def reading():
    at = tempfile.mkdtemp(dir=folder.name)
    inside = {"x/lab3/kern/a.c": "1", "x/lab3/libs/b.h": "2", "x/lab3/Makefile": "3",
              "x/lab3/kern/a.o": "4"}
    for name in ("a.tar.gz", "b.zip"):
        archive(os.path.join(at, name), inside)
        check("submission_" + name, submissions.read(os.path.join(at, name))[0],
              {"kern/a.c": b"1", "libs/b.h": b"2"})
    write(os.path.join(at, "c"), inside)
    os.symlink("/etc", os.path.join(at, "c/x/lab3/kern/etc"))
    os.symlink("/etc/passwd", os.path.join(at, "c/x/lab3/kern/passwd.c"))
    check("submission_folder", submissions.read(os.path.join(at, "c"))[0],
          {"kern/a.c": b"1", "libs/b.h": b"2"})
    archive(at + "/d.zip", {"../../kern/x.c": "1", "kern/../../y.c": "2", "/kern/z.c": "3"})
    check("submission_stays_inside", refused(at + "/d.zip"), ["kern/z.c"])
    archive(at + "/e.zip", {"kern/x.c": "x" * (submissions.FILE + 1)})
    check("submission_too_large", refused(at + "/e.zip").split(" has ")[0], "kern/x.c")
    archive(at + "/f.zip", {"kern/x.c": "1", "a/kern/x.c": "2"})
    check("submission_two_trees", refused(at + "/f.zip"), "kern/x.c is there twice")
    write(at, {"g.tar.gz": "no archive", "h.zip": "PK no archive", "i/readme": "hello"})
    check("submission_no_archive", [refused(at + "/g.tar.gz"), refused(at + "/h.zip")],
          ["it cannot be read"] * 2)
    check("submission_empty", refused(at + "/i")[:8], "there is")
    check("submission_names", [n for n, _ in submissions.find(at)], list("abcdefghi"))
    os.mkdir(at + "/a")
    try:
        submissions.find(at)
    except OSError as e:
        check("submission_two_of_one", str(e), "a and a.tar.gz are both of a")
    for bad in (b"", b"{}", b'{"files": [1]}', b'{"files": {"a": {}}}', b"\xff"):
        check("submission_manifest_%r" % bad, submissions.manifest_of(bad), None)


# ---- carrying ----

def into(old, was, new, name="kern/a.c"):
    """What becomes of a file that was WAS, is OLD there and NEW here."""
    manifest = {"files": {name: transplant.describe(name, was.encode())}}
    data, notes, sure = transplant.Old({name: old.encode()}, manifest).into(
        name, new.encode())
    return data.decode(), len(notes), sure


def transplanting():
    was, more = source(STUB), "int helper;"
    check("transplant_body", into(source(GOOD), was, source(STUB, "int new;")),
          (source(GOOD, "int new;"), 0, True))
    check("transplant_whole_file", into(source(GOOD, more), was, source(STUB)),
          (source(GOOD, more), 0, True))
    check("transplant_both_changed", into(source(GOOD, more), was, source(STUB, "int new;")),
          (source(GOOD, more), 1, False))
    check("transplant_other_task", into(source(GOOD), was, source(STUB, text=" now")),
          (source(GOOD, text=" now"), 1, True))
    other = source(STUB).replace("answer(", "reply(")
    check("transplant_other_function", into(source(GOOD), was, other), (other, 1, True))
    gone = source(STUB).replace("LAB 3.2", "LAB 3.4")
    check("transplant_other_number", into(source(GOOD), was, gone), (gone, 2, True))
    check("transplant_ends_of_lines", digest(b"a\r\nb\n"), digest(b"a\nb\n"))
    old = transplant.Old({"kern/a.c": was.encode(), "kern/b.h": b"1", "kern/c.c": b"2"},
                         {"files": {"kern/a.c": transplant.describe("kern/a.c", was.encode()),
                                    "kern/b.h": transplant.describe("kern/b.h", b"0")}})
    check("transplant_changed", old.changed(), ["kern/b.h", "kern/c.c"])


def carrying():
    old = handout(project())
    new = handout(project(" in the new version"))
    write(old, {"kern/a.c": source("/* \xe9 */ " + GOOD), "kern/mine.c": "int mine;\n"})
    status, said = tool("carry.py", "--dry", old, cwd=new)
    check("carry_dry", (status, said[-1], "42" in read(new, "kern/a.c")),
          (1, "carry: 2 files would be taken, 1 things to look at", False))
    status, said = tool("carry.py", old, cwd=new)
    check("carry_done", (status, said), (1, [
        "kern/a.c: 3.2", "kern/mine.c: your file",
        "look at this: kern/a.c: the task of 3.2 is another one now: read it again",
        "carry: 2 files taken, 1 things to look at"]))
    check("carry_bytes", read(new, "kern/a.c"),
          source("/* \xe9 */ " + GOOD, text=" in the new version"))
    check("carry_again", tool("carry.py", old, cwd=new)[1][-1],
          "carry: 0 files taken, 1 things to look at")
    write(new, {"kern/a.c": source(POOR, text=" in the new version")})
    check("carry_begun", (tool("carry.py", old, cwd=new)[1][-2], "41" in
                          read(new, "kern/a.c")),
          ("look at this: kern/a.c: you changed it here already, so it stays", True))
    other = handout(project(" too"))
    write(other, {"kern/a.c": read(other, "kern/a.c").replace("int\n", "int new;\nint\n")})
    manifest = json.loads(read(other, "ref/manifest.json"))
    manifest["files"]["kern/a.c"] = transplant.describe(
        "kern/a.c", read(other, "kern/a.c").encode("latin-1"))
    write(other, {"ref/manifest.json": json.dumps(manifest)})
    write(old, {"kern/a.c": source(GOOD, "int helper;")})
    status, said = tool("carry.py", old, cwd=other)
    check("carry_conflict", (status, read(other, "kern/a.c.yours"), "42" in
                             read(other, "kern/a.c"), said[-1][:21]),
          (1, source(GOOD, "int helper;"), False, "carry: 1 files taken,"))
    check("carry_itself", tool("carry.py", ".", cwd=new), (2, ["carry: FROM is this very tree"]))
    check("carry_no_handout", tool("carry.py", new, cwd=folder.name)[1],
          ["carry: this is no hand-out: it has no ref/manifest.json"])
    check("carry_nothing", tool("carry.py", new + "/ref", cwd=new)[0], 2)


# ---- a class ----

def grade(at, subs, *more):
    return tool("grade_class.py", "--dir", subs, "--lab", "3", "--cross", at + "/bin/x",
                *more, cwd=at)


def a_class():
    at = project()
    out, subs = handout(at), os.path.join(at, "in")
    given = {n: read(out, n) for n in ("kern/a.c", "kern/a.h", "kern/ext/watch.c",
                                       "ref/manifest.json")}

    def hand_in(name, **files):
        write(os.path.join(subs, name), dict(given, **{
            k.replace("_", "/", 1) + ".c": v for k, v in files.items()}))

    hand_in("ann", kern_a=source(GOOD))
    hand_in("bob", kern_a=source(POOR))
    hand_in("=cy", kern_a=source("oops"))
    hand_in("dan")
    hand_in("eve", kern_a=source(POOR), kern_mine="/* 41 */\n")
    write(os.path.join(subs, "eve"), {"kern/ext/watch.c": "/* 42 */\n",
                                      "tools/grade.py": "42"})
    write(subs, {"fay.zip": "nothing"})
    # Of an older version, which had another header: what was not changed is not taken.
    older = handout(project(" then"))
    write(older, {"kern/a.c": source(GOOD, text=" then"), "kern/a.h": "int oops;\n"})
    manifest = json.loads(read(older, "ref/manifest.json"))
    manifest["files"]["kern/a.h"]["all"] = digest(b"int oops;\n")
    write(older, {"ref/manifest.json": json.dumps(manifest)})
    archive(subs + "/gil.tar.gz", {"gil/" + n: read(older, n) for n in given})
    status, said = grade(at, subs)
    check("class_status", (status, said[-1].split(";")[0]),
          (1, "grade-class: 5 graded, 2 not"))
    where = os.path.join(at, "build/class/lab3")
    with open(where + "/class.csv", newline="") as f:
        rows = {r["name"]: r for r in csv.DictReader(f)}
    check("class_points", {n: (r["status"], r["score"], r["lab3/answer"])
                           for n, r in rows.items()},
          {"ann": ("graded", "10", "PASS"), "bob": ("graded", "0", "FAIL"),
           "'=cy": ("no kernel", "0", ""), "dan": ("graded", "0", "TODO"),
           "eve": ("graded", "0", "FAIL"), "fay": ("no sources", "0", ""),
           "gil": ("graded", "10", "PASS")})
    check("class_first_error", "error: oops" in rows["'=cy"]["why"])
    notes = {r["name"]: r["notes"] for r in json.loads(read(where, "class.json"))["students"]}
    check("class_says_what_it_left", (notes["ann"], notes["eve"]),
          ([], ["kern/ext/watch.c is ours: not taken", "kern/mine.c: new"]))
    check("class_only_results_stay", sorted(os.listdir(where)),
          ["class.csv", "class.html", "class.json", "students"])
    page = read(where, "class.html")
    check("class_page", ("students/ann/grade/report.html" in page, "<script" in page,
                         "2 have all points; lowest 0, median 0, highest 10" in page),
          (True, False, True))
    check("class_again", [s for s in grade(at, subs)[1] if "work" in s],
          ["grade-class: 7 need no work, 0 are left"])
    write(subs, {"bob/kern/a.c": source(GOOD)})
    check("class_one_is_new", [s for s in grade(at, subs)[1] if s.startswith(("bob", "ann"))],
          ["bob                      10 of 10"])
    write(subs, {"dan/kern/mine.c": "/* no points */"})
    check("class_our_fault", [s for s in grade(at, subs)[1] if s.startswith("dan")],
          ["dan                      grader: the disk is full"])
    check("class_our_fault_again", "grade-class: 6 need no work, 1 are left" in
          grade(at, subs)[1])
    hand_in("hal", kern_slow="int slow;\n")
    check("class_too_slow", [s for s in grade(at, subs, "--seconds", "1")[1]
                             if s.startswith("hal")][0][:33], "hal                      too slow")
    refusals(at, subs)
    stopping(at, subs)


def refusals(at, subs):
    check("class_no_folder", grade(at, at + "/none"),
          (2, ["grade-class: %s/none is no folder" % at]))
    os.mkdir(at + "/empty")
    check("class_empty", grade(at, at + "/empty"),
          (2, ["grade-class: %s/empty: no folder and no archive is in it" % at]))
    check("class_in_itself", grade(at, subs, "--out", subs + "/out"),
          (2, ["grade-class: OUT is in DIR: results would be graded"]))
    check("class_no_lab", tool("grade_class.py", "--dir", subs, "--lab", "two")[1],
          ["grade-class: lab: invalid int value: 'two'"])


def stopping(at, subs):
    """Ctrl-C: what is graded stays, nothing runs on, and it says how to go on."""
    p = subprocess.Popen([sys.executable, os.path.join(TOP, "tools", "grade_class.py"),
                          "--dir", subs, "--lab", "3", "--cross", at + "/bin/x", "--jobs",
                          "1"], cwd=at, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         universal_newlines=True, start_new_session=True,
                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    slow = os.path.join(at, "build/class/lab3/bench0/kern/slow.c")
    while not os.path.exists(slow):
        time.sleep(0.02)
    time.sleep(0.2)
    os.kill(p.pid, signal.SIGINT)
    said = p.communicate()[0].splitlines()
    check("class_stopped", (p.returncode, said[-1]),
          (130, "grade-class: stopped; the same command goes on from here"))
    check("class_stopped_cleanly", sorted(os.listdir(at + "/build/class/lab3")),
          ["class.csv", "class.html", "class.json", "students"])


def numbers():
    check("class_median", (class_page.middle([1]), class_page.middle([4, 1]),
                           class_page.middle([3, 9, 1])), ((1, 1, 1), (1, 2.5, 4), (1, 3, 9)))
    check("class_no_formula", [class_page.cell_text(s) for s in ("=1+1", "-x", "ann", "")],
          ["'=1+1", "'-x", "ann", ""])


reading()
transplanting()
carrying()
a_class()
numbers()
over()
