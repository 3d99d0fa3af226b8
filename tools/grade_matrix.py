#!/usr/bin/env python3
"""Run the scenarios of processes on many machines: "make grade-matrix [M='sv39 harts-4']".

Three depths of tables, A and D set by faults, 1, 2 and 4 harts, three sizes of memory:
the model knows nothing of these, so all must pass on all.  Names choose rows.
Exit status: 0 all passed, 1 not all.
"""
import argparse
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROWS = [("plain", []),
        ("sv39", ["--boot", "mmu=sv39"]), ("sv48", ["--boot", "mmu=sv48"]),
        ("sv57", ["--boot", "mmu=sv57"]), ("adsim", ["--boot", "adsim=1"]),
        ("harts-2", ["--harts", "2"]), ("harts-4", ["--harts", "4"]),
        ("memory-64", ["--memory", "64"]), ("memory-512", ["--memory", "512"]),
        ("memory-1024", ["--memory", "1024"]),
        ("sv39-adsim-2", ["--boot", "adsim=1 mmu=sv39", "--harts", "2"])]


def labs():
    """Those whose scenarios are processes."""
    folder = os.path.join(TOP, "lab-tests", "scenarios")
    return sorted("%s/" % d for d in os.listdir(folder) if d[3:].isdigit() and int(d[3:]) > 3)


def run(name, options, arg):
    out = os.path.join(arg.build, "grade", "matrix-" + name)
    done = subprocess.run(
        [sys.executable, os.path.join(TOP, "tools", "grade.py"), "--build", arg.build,
         "--seed", str(arg.seed), "--out", out] + options + labs(),
        stdout=subprocess.PIPE, universal_newlines=True)
    with open(os.path.join(out, "results.json")) as f:
        scenarios = json.load(f)["scenarios"]
    bad = [s for s in scenarios if s["verdict"] != "PASS"]
    print("%-14s %4d of %d" % (name, len(scenarios) - len(bad), len(scenarios)))
    for s in bad:
        print("    %-6s %s: %s" % (s["verdict"], s["name"], "; ".join(s["why"][:3])))
    sys.stdout.flush()
    return bool(bad) or done.returncode != 0


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("rows", nargs="*", help="of: " + " ".join(n for n, _ in ROWS))
    ap.add_argument("--build", default="build")
    ap.add_argument("--seed", type=int, default=1)
    arg = ap.parse_args()
    unknown = set(arg.rows) - {n for n, _ in ROWS}
    if unknown:
        ap.error("no row is called " + ", ".join(sorted(unknown)))
    bad = [run(n, o, arg) for n, o in ROWS if not arg.rows or n in arg.rows]
    return 1 if any(bad) else 0


if __name__ == "__main__":
    sys.exit(main())
