#!/usr/bin/env python3
"""What a board showed, as a small file that can be given away: "make board-report".

Made of build/grade of a "make grade BOARD=...": which scenarios passed, which firmware
and kernel said what of themselves, which commit.  Only what is listed here by its
form gets in - versions, numbers, names of models and scenarios; no line is copied
because it was there.  So no host name, serial number, address or key can.
"""
import argparse
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# name: what to look for; its first group is kept.
FACTS = (
    ("spl", r"U-Boot SPL (20\d\d\.\d\d(?:-rc\d+)?)"),
    ("u_boot", r"\nU-Boot (20\d\d\.\d\d(?:-rc\d+)?)"),
    ("opensbi", r"OpenSBI v(\d+\.\d+(?:\.\d+)?)"),
    ("model", r"\nucore-sv on ((?:StarFive VisionFive V?2(?: v?\d\.\d[A-Za-z]?)?|"
              r"riscv-virtio,qemu|SiFive HiFive Unleashed A00))\n"),
    ("harts", r"\n  (\d+ harts \(\d+ skipped\), memory: \d+ MiB)"),
    ("boot_hart", r"\n  boot hart (\d+)"),
    ("ad_bits", r"A/D bits: (\w+)"),
    ("paging", r"\n  (Sv\d\d, \d+ ASID bits)"),
    ("sbi", r"SBI (\d+\.\d+)"),
    ("flush", r"tlb (\w+)"),
    ("timer", r"\n  timer by (\w+)"),
    ("root", r"\n  root: (\w+ on \w+)"),
    ("no_disk", r"\n  (no disk): the root"),
)


def facts(console):
    """{name: value} of what a boot said, out of the last boot that is in CONSOLE."""
    text = "\n" + console.replace("\r", "")
    out = {}
    for name, pattern in FACTS:
        found = re.findall(pattern, text)
        if found:
            out[name] = found[-1]
    return out


def commit():
    def git(*words):
        done = subprocess.run(("git", "-C", TOP) + words, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, universal_newlines=True)
        return done.stdout.strip() if done.returncode == 0 else ""
    name = git("rev-parse", "--short=12", "HEAD")
    return (name or "unknown") + (" and changes" if git("status", "--porcelain") else "")


def scenario_name(name):
    return name if re.match(r"lab\d+/[a-z0-9_]{1,40}$", name) else "another"


def bundle(results, console, date):
    """All of it, as it is written."""
    mine = [s for s in results["scenarios"] if s.get("where")]
    labs = {}
    for s in mine:
        row = labs.setdefault("lab%d" % s["lab"], {"passed": 0, "scenarios": 0})
        row["scenarios"] += 1
        row["passed"] += s["verdict"] == "PASS"
    line = results.get("line") or {}
    return {"where": mine[0]["where"] if mine else "nowhere", "date": date,
            "commit": commit(), "seed": int(results["seed"]),
            "machine": facts(console), "labs": labs,
            "not_passed": [{"name": scenario_name(s["name"]), "verdict": s["verdict"]}
                           for s in mine if s["verdict"] != "PASS"],
            "line": {k: int(v) for k, v in line.items() if isinstance(v, int)}}


def row(b):
    """The line of docs/boards/README.md."""
    m, labs = b["machine"], b["labs"].values()
    return "| %s | %s | U-Boot %s, OpenSBI %s | %s | %d of %d | %s |" % (
        b["date"], m.get("model", "unknown"), m.get("u_boot", "unknown"),
        m.get("opensbi", "unknown"), b["commit"], sum(x["passed"] for x in labs),
        sum(x["scenarios"] for x in labs), b["where"])


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--grade", default="build/grade", help="where make grade wrote")
    ap.add_argument("--date", required=True, help="2025-01-31")
    ap.add_argument("-o", "--output", default="build/board-report.json")
    arg = ap.parse_args()
    if not re.match(r"\d{4}-\d\d-\d\d$", arg.date):
        ap.error("--date is year-month-day")
    with open(os.path.join(arg.grade, "results.json")) as f:
        results = json.load(f)
    console = os.path.join(arg.grade, "board.console")
    if not any(s.get("where") for s in results["scenarios"]) or \
            not os.path.exists(console):
        raise OSError("the last make grade was not on a board; make grade BOARD=...")
    with open(console, "rb") as f:
        b = bundle(results, f.read().decode("utf-8", "replace"), arg.date)
    with open(arg.output, "w") as f:
        json.dump(b, f, indent=1)
        f.write("\n")
    print(row(b))
    if "u_boot" not in b["machine"]:
        print("# nobody saw it boot: press reset within make grade's first seconds, for "
              "the versions")
    print("# %s is for docs/boards/, and the line above for its README.md" % arg.output)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError) as e:
        sys.exit("board_report: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
