"""Say what a policy does with a script.

    python3 tools/faultmodel --frames 3 "1 2 3 4 1 2 5 1 2 3 4 5"
    python3 tools/faultmodel --frames 3,4 --policy clock --steps "wa rb wc rd ra"

Words: a page, or r (read) or w (write) and a page.  Without --steps it prints a line
per policy and number of frames: faults, dirty pages that had to go, and the victims in
order.  With it, each step: the frames with A (used) and D (dirty), and > at the hand.
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from faultmodel import policies, traces  # noqa: E402


def show(frame, marked):
    text = "." if frame is None else "%s%s%s" % (
        frame[0], "'A" if frame[1] else "", "'D" if frame[2] else "")
    return ((">" if marked else " ") + text).ljust(9)


def main():
    ap = argparse.ArgumentParser(
        prog="faultmodel", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("script", help="the accesses, as one word of the command line")
    ap.add_argument("--frames", default="3", help="one number, or several with commas")
    ap.add_argument("--policy", choices=sorted(policies.POLICIES),
                    help="only this one (default: all)")
    ap.add_argument("--steps", action="store_true", help="show every access")
    arg = ap.parse_args()
    try:
        accesses = traces.script(arg.script)
        counts = [int(n) for n in arg.frames.split(",")]
    except traces.Bad as e:
        ap.error(str(e))
    except ValueError:
        ap.error("--frames: '%s' is not a list of numbers" % arg.frames)
    if min(counts) < 1:
        ap.error("--frames: at least one frame is needed")
    for name in [arg.policy] if arg.policy else policies.POLICIES:
        for frames in counts:
            r = policies.simulate(name, frames, accesses)
            print("%-9s %2d frames: %3d faults, %3d dirty: %s"
                  % (name, frames, r.faults, r.writes, " ".join(map(str, r.victims))))
            for n, s in enumerate(r.steps if arg.steps else [], 1):
                print("%5d  %s%-4s %s  %s" % (
                    n, "w" if s.access.write else "r", s.access.page,
                    "".join(show(f, i == s.hand) for i, f in enumerate(s.frames)),
                    "" if not s.fault else "fault" if s.victim is None else
                    "fault, %s goes%s" % (s.victim, " (dirty)" if s.dirty else "")))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        sys.exit(0)
