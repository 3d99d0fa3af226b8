#!/usr/bin/env python3
"""Add up the totals the test runners left behind.

Prints "N passed, N failed" (and ", N skipped" if there are any).  A file that
is missing counts as one failure: that part did not run to its end.
"""
import argparse
import json
import sys


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("files", nargs="+")
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for name in ap.parse_args().files:
        try:
            with open(name) as f:
                part = json.load(f)
        except (OSError, ValueError):
            print("%s: no results" % name)
            part = {"failed": 1}
        for key in total:
            total[key] += part.get(key, 0)
    text = "%(passed)d passed, %(failed)d failed" % total
    print(text + (", %(skipped)d skipped" % total if total["skipped"] else ""))
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
