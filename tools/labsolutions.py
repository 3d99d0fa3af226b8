#!/usr/bin/env python3
"""Do other right solutions get all points, too?  "make lab-solutions [M=name]"

lab-tests/solutions/NAME.patch solves exercises another way than the tree does: another
data structure, another order, less that is shared.  Its first line says how.  Each is put
into a copy of the sources and all labs are graded: a point that is lost is a demand that
no lab may make.  Exit status: 0 all points; 1 not; 2 a patch does not apply or build.
"""
import argparse
import glob
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import labmutants  # noqa: E402
import qemu  # noqa: E402
from ktest import color  # noqa: E402

FOLDER = os.path.join(labmutants.TOP, "lab-tests", "solutions")


class Solution:
    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.name = os.path.basename(path)[:-len(".patch")]
        with open(path, encoding="utf-8") as f:
            first = f.readline()
        if not first.startswith("# "):
            raise ValueError("%s: the first line says what it does: # ..." % path)
        self.what = first[2:].strip()


def try_solution(tree, s, seeds, silence):
    """[(scenario, verdict, why)] that are not passed."""
    wrong = tree.patch(s)
    if wrong:
        raise OSError("%s does not apply: %s" % (s.name, wrong.splitlines()[0]))
    try:
        wrong = tree.make()
        if wrong:
            raise OSError("%s does not build: %s" % (s.name, wrong.strip().splitlines()[0]))
        return [(c["name"], c["verdict"], c["why"]) for seed in seeds
                for c in labmutants.grade(tree, None, s.name, silence, seed)["scenarios"]
                if c["verdict"] != "PASS"]
    finally:
        tree.patch(s, "-R")


def options():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--seed", type=int, nargs="+", default=[1, 2, 3], help="each is tried")
    ap.add_argument("--silence", type=int, default=30,
                    help="seconds without a word that make a hang")
    ap.add_argument("--list", action="store_true", help="print them and stop")
    ap.add_argument("names", nargs="*", help="only these")
    return ap.parse_args()


def main():
    arg = options()
    some = [Solution(p) for p in sorted(glob.glob(os.path.join(FOLDER, "*.patch")))]
    unknown = set(arg.names) - {s.name for s in some}
    if unknown:
        raise ValueError("there is no " + ", ".join(sorted(unknown)))
    some = [s for s in some if not arg.names or s.name in arg.names]
    if arg.list:
        for s in some:
            print("%-28s %s" % (s.name, s.what))
        return 0
    qemu.stop_on_term()
    tree = labmutants.make_tree(arg.build)
    bad = 0
    for s in some:
        start = time.monotonic()
        lost = try_solution(tree, s, arg.seed, arg.silence)
        bad += bool(lost)
        print("%s %-28s %5.1f s  %s" % (color("FAIL" if lost else "PASS"), s.name,
                                        time.monotonic() - start, s.what))
        for name, verdict, why in lost:
            print("      %s %s: %s" % (verdict, name, " ".join(" ".join(why[:3]).split())))
        sys.stdout.flush()
    print("lab-solutions: %d passed, %d failed" % (len(some) - bad, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as e:
        print("lab-solutions: %s" % e, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
