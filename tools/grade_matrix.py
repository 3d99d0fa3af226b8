#!/usr/bin/env python3
"""Run the scenarios of processes on many machines, one after the other.

    make grade-matrix [M='sv39 harts-4']    depths of tables, A and D by faults, harts,
                                            sizes of memory; labs 4 to 9
    make board-matrix [M='asid-0 old-sbi']  what is different on a board, each thing alone,
                                            and all of it at once; labs 4 to 7

The model knows nothing of machines, so a scenario has the same verdict on all, which is
PASS.  Exit status: 0 all passed, 1 not all.
"""
import argparse
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import backports  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOFTWARE = [("plain", []),
            ("sv39", ["--boot", "mmu=sv39"]), ("sv48", ["--boot", "mmu=sv48"]),
            ("sv57", ["--boot", "mmu=sv57"]), ("adsim", ["--boot", "adsim=1"]),
            ("harts-2", ["--harts", "2"]), ("harts-4", ["--harts", "4"]),
            ("memory-64", ["--memory", "64"]), ("memory-512", ["--memory", "512"]),
            ("memory-1024", ["--memory", "1024"]),
            ("sv39-adsim-2", ["--boot", "adsim=1 mmu=sv39", "--harts", "2"])]
# The last one is all of them, but for what only a newer QEMU has.
BOARD = [("plain", []),
         ("asid-0", ["--boot", "asid=0"]),
         ("adsim", ["--boot", "adsim=1"]),
         ("svade", ["--newer", "--cpu", backports.CPU]),
         ("sv39", ["--boot", "mmu=sv39"]),
         ("no-sstc", ["--cpu", "rv64,sstc=off"]),
         ("no-dbcn", ["--newer", "--boot", "sbi=no-dbcn"]),
         ("no-srst", ["--boot", "sbi=no-srst"]),
         ("old-sbi", ["--boot", "sbi=0.3"]),
         # its records, too
         ("console", ["--boot", "uart=none events=console"]),
         ("across-4g", ["--across"]),
         ("memory-8g", ["--memory", "8192"]),
         ("boot-hart-1", ["--boot-hart", "1"]),
         ("all-at-once", ["--boot", "asid=0 adsim=1 mmu=sv39 sbi=0.3 uart=none "
                          "events=console", "--cpu", "rv64,sstc=off", "--across",
                          "--boot-hart", "1"])]
SKIPPED = "skipped: "


def labs(last):
    """Those whose scenarios are processes."""
    folder = os.path.join(TOP, "lab-tests", "scenarios")
    return sorted("%s/" % d for d in os.listdir(folder)
                  if d[3:].isdigit() and 3 < int(d[3:]) <= last)


def by_lab(scenarios):
    out = {}
    for s in scenarios:
        passed, n = out.get(s["lab"], (0, 0))
        out[s["lab"]] = passed + (s["verdict"] == "PASS"), n + 1
    return "  ".join("lab%d %d/%d" % (lab, *out[lab]) for lab in sorted(out))


def run(name, options, arg, last):
    """(scenarios run, how many did not pass) on one machine."""
    out = os.path.join(arg.build, "grade", "matrix-" + name)
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, os.path.join(TOP, "tools", "grade.py"), "--build", arg.build,
         "--seed", str(arg.seed), "--out", out] + options + labs(last),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if SKIPPED in done.stderr:
        print("%-14s %s" % (name, done.stderr[done.stderr.index(SKIPPED):].strip()))
        return 0, 0
    if done.returncode not in (0, 1, 2) or not os.path.exists(out + "/results.json"):
        print("%-14s %s" % (name, done.stderr.strip()))
        return 0, 1
    with open(os.path.join(out, "results.json")) as f:
        results = json.load(f)
    scenarios = results["scenarios"]
    bad = [s for s in scenarios if s["verdict"] != "PASS"]
    print("%-14s %4d of %d   %s   %4.0f s" % (
        name, len(scenarios) - len(bad), len(scenarios), by_lab(scenarios),
        time.monotonic() - start))
    for s in bad:
        print("    %-6s %s: %s" % (s["verdict"], s["name"], "; ".join(s["why"][:3])))
    wrong = len(bad)
    if name == "across-4g" and results["looks"] and not results["high"]:
        print("    the host saw no page above 4 GiB")
        wrong += 1
    sys.stdout.flush()
    return len(scenarios), wrong or done.returncode


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("rows", nargs="*", help="of: " + " ".join(n for n, _ in SOFTWARE) +
                    "; with --board: " + " ".join(n for n, _ in BOARD))
    ap.add_argument("--board", action="store_true", help="machines that are as a board is")
    ap.add_argument("--build", default="build")
    ap.add_argument("--seed", type=int, default=1)
    arg = ap.parse_args()
    rows, last = (BOARD, 7) if arg.board else (SOFTWARE, 9)
    unknown = set(arg.rows) - {n for n, _ in rows}
    if unknown:
        ap.error("no row is called " + ", ".join(sorted(unknown)))
    start = time.monotonic()
    done = [run(n, o, arg, last) for n, o in rows if not arg.rows or n in arg.rows]
    wrong = sum(bad for _, bad in done)
    print("matrix: %d machines, %d runs of scenarios, %d verdicts differ, %.0f s" % (
        sum(n > 0 for n, _ in done), sum(n for n, _ in done), wrong,
        time.monotonic() - start))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
