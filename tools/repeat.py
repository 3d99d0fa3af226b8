#!/usr/bin/env python3
"""Run a command N times and see whether its verdicts are the same each time.

Each run adds one line to OUT/NAME.jsonl; started again, it goes on where it
stopped (--fresh begins anew).  Verdicts are the lines that begin with ok, PASS,
FAIL, SKIP, HANG or INFRA, and those that end with totals; times in them are
ignored.  With --results they are the scenarios of that results.json (make grade),
with the step each went wrong at.  --load keeps the processors busy with other work meanwhile.  Exits
with 1 when a run differs from the first, or failed.
"""
import argparse
import hashlib
import json
import multiprocessing
import os
import re
import shlex
import signal
import subprocess
import sys
import time

VERDICT = re.compile(r"^\s*(ok|PASS|FAIL|SKIP|HANG|CRASH|BLOCKED|INFRA)\b|\d+ passed, \d+ failed")
CLOCK = re.compile(r"\s*\b\d+(\.\d+)? ?(s|ms|seconds)\b")


def spin():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    x = 1
    while os.getppid() == parent:
        for _ in range(100000):
            x = (x * 1103515245 + 12345) & 0x7FFFFFFF


def verdicts(text):
    lines = [CLOCK.sub("", s).rstrip() for s in text.splitlines() if VERDICT.search(s)]
    return sorted(lines)


def graded(path):
    """What results.json says of each scenario; its absence is a verdict, too."""
    try:
        with open(path) as f:
            return ["%s %s %s" % (s["name"], s["verdict"], s["step"])
                    for s in json.load(f)["scenarios"]]
    except (OSError, ValueError) as e:
        return ["no results: %s" % e]


def one_run(number, command, results):
    start = time.monotonic()
    if results and os.path.exists(results):
        os.unlink(results)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        text = process.communicate()[0].decode("utf-8", "replace")
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    return {"run": number, "exit": process.returncode,
            "seconds": round(time.monotonic() - start, 1), "verdicts": graded(results) if results else verdicts(text),
            "tail": text.splitlines()[-30:] if process.returncode else []}


def load_results(path):
    runs = []
    try:
        with open(path) as f:
            for line in f:
                try:
                    runs.append(json.loads(line))
                except ValueError:      # the line we were interrupted in
                    pass
    except OSError:
        pass
    return runs


def differences(runs):
    first, n = runs[0], 0
    for r in runs:
        extra = [v for v in r["verdicts"] if v not in first["verdicts"]]
        gone = [v for v in first["verdicts"] if v not in r["verdicts"]]
        if r["verdicts"] != first["verdicts"] or r["exit"] != first["exit"]:
            n += 1
            print("run %d differs from run %d (exit %d):" % (r["run"], first["run"], r["exit"]))
            for v in gone:
                print("  - " + v)
            for v in extra:
                print("  + " + v)
    return n


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("-n", type=int, default=20, help="how many runs in all")
    ap.add_argument("--load", action="store_true", help="busy processors meanwhile")
    ap.add_argument("--fresh", action="store_true", help="forget earlier runs")
    ap.add_argument("--name", help="of the results file; made from the command")
    ap.add_argument("--out", default="build/repeat")
    ap.add_argument("--results", metavar="FILE", help="a results.json that COMMAND writes")
    ap.add_argument("command", nargs=argparse.REMAINDER, help="after --")
    arg = ap.parse_args()
    command = arg.command[1:] if arg.command[:1] == ["--"] else arg.command
    if not command:
        ap.error("no command")
    text = " ".join(shlex.quote(c) for c in command) + (" +load" if arg.load else "")
    slug = re.sub(r"\W+", "-", text).strip("-")[:40]
    name = arg.name or "%s-%s" % (slug, hashlib.sha1(text.encode()).hexdigest()[:6])
    path = os.path.join(arg.out, name + ".jsonl")
    os.makedirs(arg.out, exist_ok=True)
    if arg.fresh and os.path.exists(path):
        os.unlink(path)
    runs = load_results(path)[:arg.n]
    if runs:
        print("%d runs are in %s already" % (len(runs), path))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    spinners = []
    if arg.load and len(runs) < arg.n:
        for _ in range(os.cpu_count() or 2):
            spinners.append(multiprocessing.Process(target=spin, daemon=True))
            spinners[-1].start()
    try:
        for number in range(len(runs) + 1, arg.n + 1):
            r = one_run(number, command, arg.results)
            runs.append(r)
            with open(path, "a") as f:
                f.write(json.dumps(r) + "\n")
            print("run %d/%d: exit %d, %d verdicts, %.1f s"
                  % (number, arg.n, r["exit"], len(r["verdicts"]), r["seconds"]))
            sys.stdout.flush()
    finally:
        for s in spinners:
            s.terminate()
    different = differences(runs)
    failed = sum(1 for r in runs if r["exit"])
    print("%d runs: %d like the first, %d different, %d failed (%s)"
          % (len(runs), len(runs) - different, different, failed, path))
    return 1 if different or failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit("repeat: %s" % e)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here")
        sys.exit(130)
