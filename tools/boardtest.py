#!/usr/bin/env python3
"""Grading over a bad serial line, end to end: QEMU, started from the SD card's image
by U-Boot, behind a pseudo-terminal that is slow, loses and flips bytes in both
directions, and whose machine starts again in the middle.

All scenarios of the labs asked for must pass, marked "board", and the line must
really have been bad: else this proves nothing.
"""
import argparse
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fakeboard  # noqa: E402
import grade  # noqa: E402
import grade_board  # noqa: E402
import qemu  # noqa: E402


def missing(build, no_disk):
    if not os.path.exists(os.path.join(build, "sdcard.img")):
        return "no sdcard.img"
    return None if no_disk or os.path.exists(qemu.uboot()) else "no u-boot-qemu"


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("names", nargs="*", help="scenarios (default: some of labs 4 to 6)")
    ap.add_argument("--build", default="build")
    ap.add_argument("--seed", type=int, default=1, help="of the noise")
    ap.add_argument("--noise", type=float, default=0.0006,
                    help="chance of a byte to be lost, and of one to be flipped")
    ap.add_argument("--rate", type=int, default=11520, help="bytes per second")
    ap.add_argument("--reset", type=int, default=90, help="after so many records")
    ap.add_argument("--no-disk", action="store_true",
                    help="the kernel finds none: root and swap are in memory")
    ap.add_argument("--seconds", type=int, default=400, help="then it is given up")
    arg = ap.parse_args()
    arg.names = arg.names or ["lab4/d", "lab4/m", "lab4/r", "lab5/c", "lab5/k",
                              "lab6/full", "lab6/read_e", "lab6/reclaim_a",
                              "lab6/swapoff"]
    why = missing(arg.build, arg.no_disk)
    if why:
        print("boardtest: " + why)
        return 2
    qemu.stop_on_term()
    cases = grade.of_lines(grade.load(grade.find(arg.names), 1, arg.build))
    options = argparse.Namespace(
        board=None, baud=115200, reset=None, seed=1, silence=60,
        out=os.path.join(arg.build, "boardtest"),
        until=time.monotonic() + arg.seconds)
    disk = os.path.join(arg.build, "sdcard.img")
    if arg.no_disk:
        disk = [os.path.join(arg.build, "Image"), os.path.join(arg.build, "sd", "initrd")]
    with fakeboard.FakeBoard(disk,
                             bytes_per_second=arg.rate, drop=arg.noise, flip=arg.noise,
                             resets=[arg.reset] if arg.reset else [],
                             seed=arg.seed) as board:
        options.board = board.path
        for c in cases:
            c.where = "board"
        numbers = grade_board.run_all(cases, options)
    wrong = ["%s %s: %s" % (c.verdict.word, c.name, c.verdict.detail or c.notes)
             for c in cases if c.verdict.word != "PASS"]
    if arg.noise and not (board.dropped and board.flipped and numbers["damaged"]):
        wrong.append("the line was not bad enough")
    if arg.reset and not (board.restarts == 1 and numbers["restarts"] >= 1):
        wrong.append("it did not start again")
    for line in wrong:
        print(line)
    print("%d scenarios, %d bytes lost, %d flipped, %d resets" % (
        len(cases), board.dropped, board.flipped, board.restarts))
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit("boardtest: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
