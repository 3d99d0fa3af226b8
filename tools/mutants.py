#!/usr/bin/env python3
"""Does the race test find the bug?  Build the kernel with one bug each.

A mutant is lab-tests/mutants/NAME.patch: one line about the bug, "Test:" the
test that must find it, "Rounds:" how many it gets, then a unified diff.  The
test is one of the kernel's, or, with "Program:", one of that program's of
lab-tests/user, which runs on the same image.
For each one a copy of the sources is patched, races.img is built and the test
is run.  A mutant that the test does not find is a failure; so is one whose
patch does not apply any more, or that is not found only because it does not
compile.  The unchanged kernel must pass every one of the tests first.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ktest  # noqa: E402
import qemu  # noqa: E402

SHORT = ["retire-no-flush", "publish-no-compare", "layer-no-recheck",
         "read-layer-unlocked"]
# No output for so long is a hang, and a hang is found.
SILENCE = 60


class Mutant:
    def __init__(self, path):
        self.name = os.path.basename(path)[:-len(".patch")]
        self.path = os.path.abspath(path)
        with open(path) as f:
            text = f.read()
        self.why = text.splitlines()[0]
        self.test = re.search(r"^Test: (\S+)$", text, re.M).group(1)
        self.rounds = int(re.search(r"^Rounds: (\d+)$", text, re.M).group(1))
        program = re.search(r"^Program: (\S+)$", text, re.M)
        self.program = program and program.group(1)


class Tree:
    """A copy of the sources, in a folder NAME, and of what was built from them."""

    def __init__(self, build, name="race-mutants", image="races.img"):
        self.image = image
        self.top = os.path.abspath(os.path.join(build, name))
        self.src = os.path.join(self.top, "src")
        # The files that say which headers an object needs name it as here.
        self.given = "build" if os.path.isabs(build) else build
        self.build = os.path.join(self.src, self.given)
        self.initrd = os.path.abspath(os.path.join(build, "initrd"))
        # Anew: an object of the last mutant would look newer than its source.
        shutil.rmtree(self.src, ignore_errors=True)
        os.makedirs(self.src)
        for part in ("Makefile", "kern", "libs", "lab-tests", "tools"):
            copy = shutil.copytree if os.path.isdir(part) else shutil.copy2
            copy(part, os.path.join(self.src, part))
        for part in ("k", "r"):
            have, want = os.path.join(build, part), os.path.join(self.build, part)
            if os.path.isdir(have) and build == self.given:
                shutil.copytree(have, want)

    def patch(self, mutant, *options):
        done = subprocess.run(["patch", "-p1", "-s", "-f", "-i", mutant.path, *options],
                              cwd=self.src, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True)
        return done.stdout if done.returncode else ""

    def make(self):
        """"" or what the compiler said."""
        image = os.path.join(self.given, self.image)
        env = {k: v for k, v in os.environ.items()
               if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        done = subprocess.run(["make", "-s", "B=" + self.given, "STUDENT=1", image],
                              cwd=self.src, env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True)
        return done.stdout if done.returncode else ""

    def run(self, name, test, program, rounds, seed):
        m = qemu.Machine(kernel=os.path.join(self.build, self.image), smp=4,
                         mem="256M")
        if program:
            m.initrd = self.initrd
            m.append = "run=/bin/utest,%s,rounds=%d" % (program, rounds)
        else:
            m.append = "test=%s rounds=%d seed=%d" % (test, rounds, seed)
        result = qemu.run(m, os.path.join(self.top, name), silence=SILENCE)
        verdict = ktest.judge({"kind": "tests"}, result)
        verdict.seconds = result.seconds
        return verdict


def say(word, name, seconds, line):
    print("%s %-24s %6.1f s  %s" % (ktest.color(word), name, seconds, line))
    sys.stdout.flush()


def try_seed(tree, mutant, seed):
    """True: found."""
    v = tree.run(mutant.name, mutant.test, mutant.program, mutant.rounds, seed)
    found = v.word == "HANG" or v.word == "FAIL" and (
        not mutant.program or any(mutant.test in line for line in v.lines))
    how = "not found by " + mutant.test if v.word == "PASS" else \
        (v.lines or [v.word])[0]
    say("PASS" if found else "FAIL", mutant.name, v.seconds,
        "seed %d: %s" % (seed, how))
    return found


def try_mutant(tree, mutant, seeds):
    """True: found with each seed."""
    wrong = tree.patch(mutant)
    if wrong:
        say("FAIL", mutant.name, 0, "does not apply: " + wrong.splitlines()[0])
        return False
    try:
        wrong = tree.make()
        if wrong:
            say("FAIL", mutant.name, 0, "does not compile: " + wrong.splitlines()[0])
            return False
        return all([try_seed(tree, mutant, seed) for seed in seeds])
    finally:
        tree.patch(mutant, "-R")


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--short", action="store_true", help="only some, for every day")
    ap.add_argument("--results", help="folder for mutants.json, the totals")
    ap.add_argument("--seed", type=int, nargs="+", default=[1],
                    help="of the delays; each must find every mutant")
    ap.add_argument("--list", action="store_true", help="print them and stop")
    ap.add_argument("names", nargs="*", help="only these")
    arg = ap.parse_args()
    mutants = [Mutant(p) for p in sorted(glob.glob("lab-tests/mutants/*.patch"))]
    wanted = arg.names or (SHORT if arg.short else [m.name for m in mutants])
    unknown = set(wanted) - {m.name for m in mutants}
    if unknown:
        sys.exit("mutants: there is no " + ", ".join(sorted(unknown)))
    mutants = [m for m in mutants if m.name in wanted]
    if arg.list:
        for m in mutants:
            print("%-24s %-42s %s" % (m.name, m.test, m.why))
        return 0
    qemu.stop_on_term()
    tree = Tree(arg.build)
    wrong = tree.make()
    if wrong:
        sys.exit("mutants: the kernel itself does not build:\n" + wrong)
    for test, program in sorted({(m.test, m.program or "") for m in mutants}):
        v = tree.run("unchanged", test, program, 64, arg.seed[0])
        if v.word != "PASS":
            sys.exit("mutants: %s fails without a mutant: %s" % (test, v.lines[:1]))
    missed = [m.name for m in mutants if not try_mutant(tree, m, arg.seed)]
    found = len(mutants) - len(missed)
    if arg.results:
        os.makedirs(arg.results, exist_ok=True)
        with open(os.path.join(arg.results, "mutants.json"), "w") as f:
            json.dump({"passed": found, "failed": len(missed), "skipped": 0}, f)
    print("mutants: %d passed, %d failed%s" % (
        found, len(missed), "; not found: " + ", ".join(missed) if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
