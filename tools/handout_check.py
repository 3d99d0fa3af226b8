#!/usr/bin/env python3
"""Is each exercise seen by its lab, and by no other? "make handout-check [LAB=n]"

For each lab a hand-out is cut and built.  As it is, it must have 0 points in its lab
and all points in every other.  Then each exercise is left undone alone, the others are
solved: at least one scenario of the lab must be lost, and none of another lab.  Those
run on build/rest.img, which has no part of this lab's source (tools/grade_handout.py):
so it must come out byte for byte as the one that was graded with everything undone.
--others (OTHERS=1) grades them each time all the same.  Prints a table, exercise by
exercise.

--growth (GROWTH=1) prints instead what a student sees: the points of the lab after each
exercise, in the order of its page (tools/handout_growth.py).

--write keeps what was found in lab-tests/needs.json: which exercises a scenario needs.
The grader says TODO by it.  Exit status 1 if any of this is not so.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import exercises  # noqa: E402
import handout  # noqa: E402
import handout_growth  # noqa: E402

NEEDS = os.path.join("lab-tests", "needs.json")


class Lab:
    def __init__(self, number, arg):
        self.number, self.arg, self.bad = number, arg, []
        self.tree = os.path.join(arg.build, "handout", "lab%d" % number)
        self.files = {p: [e.name for e, _, _ in some] for p, some in exercises.in_tree()
                      if some[0][0].lab == number}
        self.lost = {}          # exercise: names of scenarios
        self.rest = None        # digest of the rest.img that was graded

    def complain(self, text):
        self.bad.append("lab %d: %s" % (self.number, text))

    def make(self):
        """Cut it; what was built of an earlier one is used again."""
        kept = self.tree + ".build"
        if os.path.isdir(os.path.join(self.tree, "build")):
            shutil.rmtree(kept, ignore_errors=True)
            os.rename(os.path.join(self.tree, "build"), kept)
        shutil.rmtree(self.tree, ignore_errors=True)
        os.makedirs(os.path.dirname(self.tree), exist_ok=True)
        handout.make(handout.options(["--lab", str(self.number), "--build",
                                      self.arg.build, "--cross", self.arg.cross,
                                      self.tree]))
        if os.path.isdir(kept):
            os.rename(kept, os.path.join(self.tree, "build"))

    def build(self, *targets):
        done = subprocess.run(["make", "-s", "-C", self.tree, "CROSS=" + self.arg.cross,
                               "B=build"] + ["build/" + t for t in targets],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True, env=clean_env())
        if done.returncode != 0:
            raise handout.Bad("lab %d does not build:\n%s" % (self.number,
                                                              done.stdout[-2000:]))

    def grade(self, lab=None):
        """The scenarios as the grader saw them."""
        out = os.path.join("build", "grade-check")
        argv = [sys.executable, "tools/grade.py", "--run-todo", "--deaths", "1000",
                "--silence", str(self.arg.silence), "--jobs", str(self.arg.jobs),
                "--out", out]
        path = os.path.join(self.tree, out, "results.json")
        if os.path.exists(path):
            os.unlink(path)
        done = subprocess.run(argv + (["--lab", str(lab)] if lab is not None else []),
                              cwd=self.tree, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True)
        if done.returncode not in (0, 1) or not os.path.exists(path):
            raise handout.Bad("the grader failed:\n" + done.stdout[-2000:])
        with open(path, encoding="utf-8") as f:
            return json.load(f)["scenarios"]

    def names(self):
        return sorted((n for some in self.files.values() for n in some), key=exercises.key)

    def digest(self):
        with open(os.path.join(self.tree, "build", "rest.img"), "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()

    def leave_undone(self, *names):
        """All files of the lab solved, but for NAMES."""
        for path in self.files:
            lines = exercises.read(path)
            text = exercises.cut(path, lines, lambda e: e in names)
            to = os.path.join(self.tree, path)
            if exercises.read(to) != text:
                with open(to, "w", encoding="utf-8") as f:
                    f.write("\n".join(text) + "\n")

    def check_cut(self):
        self.build("Image", "rest.img", "scn", "mksfs", "fsck.sfs", "sfs", "bin/init",
                   "bin/scenario")
        results = self.grade()
        self.rest = self.digest()
        for r in results:
            if r["verdict"] == "INFRA":
                self.complain("%s is INFRA: %s" % (r["name"], "; ".join(r["why"][:2])))
            elif r["lab"] == self.number and r["verdict"] == "PASS":
                self.complain("%s passes with nothing done" % r["name"])
            elif r["lab"] != self.number and r["verdict"] != "PASS":
                self.complain("%s of lab %d is %s" % (r["name"], r["lab"], r["verdict"]))
        mine = [r for r in results if r["lab"] == self.number]
        print("lab %d as it is handed out: %d of its %d scenarios pass, %d of %d others"
              % (self.number, sum(r["verdict"] == "PASS" for r in mine), len(mine),
                 sum(r["verdict"] == "PASS" for r in results) -
                 sum(r["verdict"] == "PASS" for r in mine), len(results) - len(mine)))
        return bool(mine)

    def check_each(self):
        for name in self.names():
            self.leave_undone(name)
            self.build("Image", "rest.img")
            if self.digest() != self.rest:
                self.complain("rest.img depends on exercise %s" % name)
            results = self.grade(None if self.arg.others else self.number)
            self.check_others(name, [r for r in results if r["lab"] != self.number])
            results = [r for r in results if r["lab"] == self.number]
            lost = [r for r in results if r["verdict"] != "PASS"]
            self.lost[name] = [r["name"] for r in lost]
            kinds = {}
            for r in lost:
                kinds[r["verdict"]] = kinds.get(r["verdict"], 0) + 1
            print("  %-5s loses %2d of %2d  %-24s %s" % (
                name, len(lost), len(results),
                " ".join("%s %d" % k for k in sorted(kinds.items())),
                " ".join(r["name"].split("/")[-1] for r in lost[:4]) +
                (" ..." if len(lost) > 4 else "")))
            sys.stdout.flush()
            if not lost:
                self.complain("nobody sees that exercise %s is not done" % name)

    def check_others(self, name, results):
        for r in results:
            if r["verdict"] != "PASS":
                self.complain("without exercise %s %s of lab %d is %s" % (
                    name, r["name"], r["lab"], r["verdict"]))
        if results:
            print("  %-5s leaves %d of %d scenarios of other labs as they are" % (
                name, sum(r["verdict"] == "PASS" for r in results), len(results)))

    def check_solved(self):
        self.leave_undone()
        self.build("Image")
        for r in self.grade(self.number):
            if r["verdict"] != "PASS":
                self.complain("%s is %s with everything solved" % (r["name"],
                                                                  r["verdict"]))


def clean_env():
    """What make sets for those it starts must not reach the make of a hand-out."""
    return {k: v for k, v in os.environ.items()
            if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "LAB", "B", "OUT")}


def write_needs(labs):
    try:
        with open(NEEDS, encoding="utf-8") as f:
            needs = json.load(f)
    except OSError:
        needs = {}
    checked = {str(lab.number) for lab in labs}
    needs = {s: [x for x in some if x.split(".")[0] not in checked]
             for s, some in needs.items()}
    for lab in labs:
        for x, names in lab.lost.items():
            for s in names:
                needs.setdefault(s, []).append(x)
    needs = {s: sorted(some, key=exercises.key) for s, some in sorted(needs.items())
             if some}
    with open(NEEDS, "w", encoding="utf-8") as f:
        f.write("{\n" + ",\n".join(" %s: %s" % (json.dumps(s), json.dumps(x))
                                   for s, x in needs.items()) + "\n}\n")


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build", help="where the reference was built")
    ap.add_argument("--cross", default="riscv64-linux-gnu-", help="prefix of the tools")
    ap.add_argument("--lab", type=int, action="append", help="only this one")
    ap.add_argument("--jobs", type=int, default=2, help="machines at a time")
    ap.add_argument("--silence", type=int, default=20,
                    help="seconds without a word that make a hang")
    ap.add_argument("--write", action="store_true", help="keep it in " + NEEDS)
    ap.add_argument("--others", action="store_true",
                    help="grade all other labs for each exercise, too")
    ap.add_argument("--growth", action="store_true",
                    help="only print how the points of a lab grow")
    arg = ap.parse_args()
    every = sorted({e.lab for _, some in exercises.in_tree() for e, _, _ in some})
    labs = [Lab(n, arg) for n in arg.lab or every]
    if arg.growth:
        return handout_growth.run(labs)
    for lab in labs:
        lab.make()
        if lab.check_cut():
            lab.check_each()
            lab.check_solved()
        else:
            print("  (no scenario is of lab %d)" % lab.number)
    if arg.write:
        write_needs(labs)
    bad = [text for lab in labs for text in lab.bad]
    print("\n".join(bad))
    print("handout-check: %d exercises, %d complaints" % (
        sum(len(lab.lost) for lab in labs), len(bad)))
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (handout.Bad, OSError) as e:
        print("handout-check: %s" % e, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
