#!/usr/bin/env python3
"""Run the host tests, two at a time, and add up what they say.

A host test prints "ok NAME" or "FAIL NAME ..." for each case and ends with
"PROGRAM: N passed, N failed".  A fuzz_ program may end with one line of its own
that begins with its name; that counts as one case.  Any other program that ends without that line, or with
another status than its counts deserve, counts as one failure more.
"""
import argparse
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import time

LAST = re.compile(r"^\S+: (\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")
FULL = ("fuzz_", "explore_", "tsan_")


def fixed_addresses():
    """ThreadSanitizer wants addresses it knows; some kernels shuffle too far."""
    words = ["setarch", os.uname().machine, "-R"]
    try:
        ok = subprocess.run(words + ["true"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        ok = False
    return words if ok else []


class Outcome:
    def __init__(self, path):
        self.name = os.path.basename(path)
        self.passed = self.failed = self.skipped = 0
        self.seconds, self.lines, self.info = 0.0, [], []


children = set()


def run_one(path, arg, prefix):
    out = Outcome(path)
    env = dict(os.environ)
    env.pop("FAST", None)
    if arg.fast:
        env["FAST"] = "1"
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.setdefault("TSAN_OPTIONS", "halt_on_error=1")
    argv = (prefix if out.name.startswith("tsan_") else []) + [os.path.abspath(path)]
    start = time.monotonic()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, env=env,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    children.add(process)
    text = process.communicate()[0].decode("utf-8", "replace")
    children.discard(process)
    out.seconds = time.monotonic() - start
    judge(out, process.returncode, text)
    with open(path + ".log", "w") as f:
        f.write(text)
    return out


def judge(out, status, text):
    lines = text.splitlines()
    last = None
    for line in lines:
        last = LAST.match(line) or last
    out.lines = [s for s in lines if s.startswith("FAIL")]
    out.info = [s for s in lines if s.startswith(("# ", "coverage"))]
    if last:
        out.passed, out.failed = int(last[1]), int(last[2])
        out.skipped = int(last[3] or 0)
    if last is None and out.name.startswith("fuzz_") and status == 0:
        out.info += [s for s in lines if s.startswith(out.name + ": ")]
        out.passed = 1 if out.info else 0
        if out.info:
            return
    if last is None or (status != 0) != (out.failed != 0):
        out.failed += 1
        how = "signal %d" % -status if status < 0 else "status %d" % status
        out.lines.append("ended with %s%s" % (how, "" if last else ", without totals"))
        out.lines += ["| " + s for s in lines[-25:]]


def color(word):
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return word.ljust(5)
    return "\x1b[%dm%-5s\x1b[0m" % (32 if word == "PASS" else 31, word)


def report(out):
    counts = "%d passed" % out.passed
    counts += ", %d failed" % out.failed if out.failed else ""
    counts += ", %d skipped" % out.skipped if out.skipped else ""
    print("%s %-24s %-22s %6.1f s" % (color("FAIL" if out.failed else "PASS"), out.name,
                                      counts, out.seconds))
    for line in out.info + (out.lines if out.failed else []):
        print("      " + line)
    sys.stdout.flush()


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("tests", nargs="*", help="programs, build/h/test_...")
    ap.add_argument("--fast", action="store_true",
                    help="no fuzz, explore or tsan programs; FAST=1 for the others")
    ap.add_argument("--filter", help="only names that contain this")
    ap.add_argument("--jobs", type=int, default=2)
    ap.add_argument("--results", help="folder for host.json, the totals")
    arg = ap.parse_args()
    tests = [t for t in sorted(arg.tests)
             if (not arg.filter or arg.filter in os.path.basename(t)) and
             not (arg.fast and os.path.basename(t).startswith(FULL))]
    if arg.filter and not tests:
        sys.exit("hosttests: no test is called %s" % arg.filter)
    prefix = fixed_addresses() if any("tsan_" in t for t in tests) else []
    # The long ones first, so that no core idles at the end.
    tests.sort(key=lambda t: not os.path.basename(t).startswith(FULL))
    total = Outcome("")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    pool = concurrent.futures.ThreadPoolExecutor(arg.jobs)
    try:
        todo = [pool.submit(run_one, t, arg, prefix) for t in tests]
        for future in todo:
            out = future.result()
            report(out)
            total.passed += out.passed
            total.failed += out.failed
            total.skipped += out.skipped
    except BaseException:
        for future in todo:
            future.cancel()
        for process in list(children):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        pool.shutdown()
    if arg.results:
        os.makedirs(arg.results, exist_ok=True)
        with open(os.path.join(arg.results, "host.json"), "w") as f:
            json.dump({k: getattr(total, k) for k in ("passed", "failed", "skipped")}, f)
    print("host: %d programs: %d passed, %d failed" % (len(tests), total.passed,
                                                      total.failed))
    return 1 if total.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit("hosttests: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
