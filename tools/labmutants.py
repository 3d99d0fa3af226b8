#!/usr/bin/env python3
"""Do the labs find bugs put in?  "make lab-mutants [LAB=5] [M=lab5-reuse-always]"

A seeded bug is lab-tests/mutants/labs/labN-NAME.patch:

    # lab: 5                                the lab that must lose points by it
    # cause: a store to a shared page is done in place
    # hint: owner                           words that the hint must have

    --- a/kern/mm/fault.c                   a unified diff
    ...

Each one is put into a copy of the sources, the kernel is built, and its lab is graded.
A bug is caught if the lab loses a point.  The hint that is looked at is the one
"make grade" tells a student to begin with.
Exit status: 0 all were caught, and four hints of five name the cause; 1 not; 2 a patch
does not apply or build, or the kernel itself does not get all points.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutants  # noqa: E402
import qemu  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(TOP, "lab-tests", "mutants", "labs")
HEADER = re.compile(r"^# (lab|cause|hint): (.*\S)$", re.M)
# Without a word for so long it is a hang, and a hang is found.
SILENCE = 15
GOOD_HINTS = 0.8


class Bug:
    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.name = os.path.basename(path)[:-len(".patch")]
        with open(path, encoding="utf-8") as f:
            head = dict(HEADER.findall(f.read().split("\n--- ")[0]))
        missing = [w for w in ("lab", "cause", "hint") if w not in head]
        if missing or not head["lab"].isdigit():
            raise ValueError("%s: its head has no '# %s: ...'" % (path, (missing or ["lab"])[0]))
        self.lab, self.cause, self.hint = int(head["lab"]), head["cause"], head["hint"]
        if not self.name.startswith("lab%d-" % self.lab):
            raise ValueError("%s: the name does not begin with lab%d-" % (path, self.lab))


class Outcome:
    """What the lab said of a bug."""

    def __init__(self, results):
        got, more = results["bonus"]
        self.points = results["points"] + more
        self.lost = self.points - results["score"] - got
        self.failed = {s["name"]: s["verdict"] for s in results["scenarios"]
                       if s["verdict"] not in ("PASS", "INFRA")}
        begin = results["begin"] or {"name": "", "hint": ""}
        self.begin, self.hint = begin["name"], begin["hint"]

    def names(self, bug):
        return bug.hint.lower() in self.hint.lower()


def grade(tree, lab, name, silence, seed=1):
    """Grade LAB (None: all) on the kernel of TREE: its results."""
    out = os.path.join(tree.top, name)
    done = subprocess.run(
        [sys.executable, os.path.join(TOP, "tools", "grade.py"), "--build", tree.build,
         "--silence", str(silence), "--seed", str(seed), "--out", out] +
        ([] if lab is None else ["--lab", str(lab)]),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode not in (0, 1):
        raise OSError("grading %s: %s" % (name, done.stdout.strip().splitlines()[-1:]))
    with open(os.path.join(out, "results.json")) as f:
        return json.load(f)


def make_tree(build):
    tree = mutants.Tree(build, "lab-mutants", "Image")
    os.makedirs(os.path.join(tree.build, "bin"), exist_ok=True)
    for f in ("scn", "mksfs", "fsck.sfs", "sfs", "bin/init", "bin/scenario"):
        shutil.copy2(os.path.join(build, f), os.path.join(tree.build, f))
    return tree


def try_bug(tree, bug, silence):
    """Its Outcome; raises OSError when it cannot be tried."""
    wrong = tree.patch(bug)
    if wrong:
        raise OSError("%s does not apply: %s" % (bug.name, wrong.splitlines()[0]))
    try:
        wrong = tree.make()
        if wrong:
            raise OSError("%s does not build: %s" % (bug.name, wrong.splitlines()[0]))
        return Outcome(grade(tree, bug.lab, bug.name, silence))
    finally:
        tree.patch(bug, "-R")


def say(bug, out, seconds):
    if not out.lost:
        print("%s %-30s %5.1f s  no point lost: %s" % (mutants.ktest.color("FAIL"), bug.name,
                                                       seconds, bug.cause))
    else:
        print("%s %-30s %5.1f s  -%d of %d, %d scenarios; begin with %s" % (
            mutants.ktest.color("PASS"), bug.name, seconds, out.lost, out.points,
            len(out.failed), out.begin))
        print("     %s: %s" % ("the hint names it" if out.names(bug) else
                               "the hint does NOT name it (%s)" % bug.hint, out.hint))
    sys.stdout.flush()


def matrix(bugs, outcomes):
    """Which scenario fails on which bug; a column is a bug."""
    names = sorted({n for o in outcomes for n in o.failed})
    signs = {"FAIL": "x", "CRASH": "C", "HANG": "H", "BLOCKED": "b"}
    lines = ["%3d  %s" % (i + 1, b.name) for i, b in enumerate(bugs)] + [""]
    for digit in (10, 1):
        lines.append("%-32s" % "" + "".join(str((i + 1) // digit % 10)
                                            for i in range(len(bugs))))
    for n in names:
        lines.append("%-32s" % n + "".join(signs.get(o.failed.get(n), ".")
                                           for o in outcomes))
    return lines


def unused(tree, bugs, outcomes):
    """Scenarios of these labs that no bug fails."""
    failed = {n for o in outcomes for n in o.failed}
    out = []
    for lab in sorted({b.lab for b in bugs}):
        with open(os.path.join(tree.top, "unchanged%d" % lab, "results.json")) as f:
            out += [s["name"] for s in json.load(f)["scenarios"] if s["name"] not in failed]
    return out


def check_unchanged(tree, labs, silence):
    wrong = tree.make()
    if wrong:
        raise OSError("the kernel itself does not build: " + wrong.splitlines()[0])
    for lab in labs:
        results = grade(tree, lab, "unchanged%d" % lab, silence)
        if results["score"] != results["points"]:
            raise OSError("lab %d loses points without a bug: make grade LAB=%d"
                          % (lab, lab))


def write(arg, bugs, outcomes):
    """All, for other programs, and the totals."""
    os.makedirs(arg.results, exist_ok=True)
    lost = sum(o.lost > 0 for o in outcomes)
    with open(os.path.join(arg.results, "labmutants.json"), "w") as f:
        json.dump({"passed": lost, "failed": len(bugs) - lost, "skipped": 0,
                   "hints": sum(o.names(b) for b, o in zip(bugs, outcomes)),
                   "bugs": [{"name": b.name, "lab": b.lab, "cause": b.cause, "lost": o.lost,
                             "failed": o.failed, "begin": o.begin, "hint": o.hint,
                             "named": o.names(b)} for b, o in zip(bugs, outcomes)]},
                  f, indent=1)


def options():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--lab", type=int, help="only the bugs of this lab")
    ap.add_argument("--silence", type=int, default=SILENCE,
                    help="seconds without a word that make a hang")
    ap.add_argument("--results", default="build/results", help="folder for labmutants.json")
    ap.add_argument("--list", action="store_true", help="print them and stop")
    ap.add_argument("names", nargs="*", help="only these")
    return ap.parse_args()


def choose(arg):
    bugs = [Bug(p) for p in sorted(glob.glob(os.path.join(FOLDER, "*.patch")))]
    unknown = set(arg.names) - {b.name for b in bugs}
    if unknown:
        raise ValueError("there is no " + ", ".join(sorted(unknown)))
    bugs = [b for b in bugs if (not arg.names or b.name in arg.names) and
            (arg.lab is None or b.lab == arg.lab)]
    if not bugs:
        raise ValueError("no bug is of lab %s" % arg.lab)
    return bugs


def main():
    arg = options()
    bugs = choose(arg)
    if arg.list:
        for b in bugs:
            print("%-30s %s" % (b.name, b.cause))
        return 0
    qemu.stop_on_term()
    tree = make_tree(arg.build)
    check_unchanged(tree, sorted({b.lab for b in bugs}), arg.silence)
    outcomes = []
    for b in bugs:
        start = time.monotonic()
        outcomes.append(try_bug(tree, b, arg.silence))
        say(b, outcomes[-1], time.monotonic() - start)
    print("\n".join(matrix(bugs, outcomes)))
    if not arg.names:
        left = unused(tree, bugs, outcomes)
        print("no bug fails: " + (", ".join(left) or "none"))
    write(arg, bugs, outcomes)
    missed = [b.name for b, o in zip(bugs, outcomes) if not o.lost]
    named = sum(o.names(b) for b, o in zip(bugs, outcomes))
    print("lab-mutants: %d caught, %d not%s; the first hint names the cause of %d" % (
        len(bugs) - len(missed), len(missed), ": " + ", ".join(missed) if missed else "",
        named))
    return 1 if missed or (not arg.names and named < GOOD_HINTS * len(bugs)) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as e:
        print("lab-mutants: %s" % e, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
