#!/usr/bin/env python3
"""Count lines against the budgets, so that growth is seen.

The core is what kern/CORE lists.  Lines count with their comments, but not the
tasks of exercises (tools/markers.py): those belong to the labs.  Each part has a plan, the size the design asked for, and a ceiling, the size it has been
allowed to reach; docs/design/core-budget.md says why they differ.  A part over
its plan is shown in red; exits with 1 when a ceiling is exceeded, a function is
longer than 70 lines or a .c file longer than 500.
"""
import argparse
import fnmatch
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import exercises  # noqa: E402

BUDGETS = [  # name, patterns within the core, plan, ceiling
    ("core", ["*"], 8000, 33050),
    ("mm", ["kern/mm/*"], 3000, 13000),
    ("fault path", ["kern/mm/fault.c", "kern/mm/fault_wp.c"], 400, 400),
]
OTHERS = [("libs", "libs"), ("ext", "kern/ext"), ("user", "user"),
          ("tests, kernel", "lab-tests/kernel"), ("tests, host", "lab-tests/host"),
          ("tools", "tools")]
CODE = (".c", ".h", ".S", ".ld")
FUNCTION_MAX, FILE_MAX = 70, 500


def files_below(top, kinds=CODE):
    return sorted(os.path.join(d, f) for d, _, names in os.walk(top)
                  for f in names if f.endswith(kinds))


def lines_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


def core_files(path, bad):
    """Resolve kern/CORE and compare it with the tree, both ways."""
    have = [f for f in files_below("kern") if not f.startswith("kern/ext/")]
    core = []
    for no, line in enumerate(lines_of(path), 1):
        pattern = line.split("#")[0].strip()
        if not pattern:
            continue
        hits = [f for f in have if fnmatch.fnmatch(f, pattern)]
        if not hits and not os.path.isdir(os.path.dirname(pattern)):
            bad.append("%s:%d: nothing is called %s" % (path, no, pattern))
        core += hits
    for f in have:
        if f not in core:
            bad.append("%s: neither in kern/CORE nor below kern/ext" % f)
    return sorted(set(core))


def functions(lines):
    """Yield (name, first line number, length) of the functions of a .c file.

    The house style puts the name at the start of a line and both braces of the
    body into the first column."""
    name, first = None, 0
    for no, line in enumerate(lines, 1):
        m = re.match(r"(\w+)\(", line)
        if m:
            name, first = m[1], no
        elif line.startswith("}") and name and line.rstrip() == "}":
            yield name, first, no - first + 1
            name = None


def check_lengths(paths, bad):
    """Complain about long functions and files; return (longest, mean)."""
    lengths = []
    for path in paths:
        lines = lines_of(path)
        size = len(lines) - exercises.text_lines(lines)
        if path.endswith(".c") and size > FILE_MAX:
            bad.append("%s: %d lines, at most %d" % (path, size, FILE_MAX))
        if not path.endswith(".c"):
            continue
        for name, first, n in functions(lines):
            n -= exercises.text_lines(lines[first - 1:first - 1 + n])
            lengths.append(n)
            if n > FUNCTION_MAX:
                bad.append("%s:%d: %s() has %d lines, at most %d"
                           % (path, first, name, n, FUNCTION_MAX))
    lengths.sort()
    return lengths


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--files", action="store_true", help="also each core file")
    ap.add_argument("--quiet", action="store_true", help="complaints only")
    arg = ap.parse_args()
    bad, size = [], {}
    core = core_files("kern/CORE", bad)
    for f in core:
        lines = lines_of(f)
        size[f] = len(lines) - exercises.text_lines(lines)
    rows = []
    for name, patterns, plan, most in BUDGETS:
        n = sum(size[f] for f in core
                if any(fnmatch.fnmatch(f, p) for p in patterns))
        rows.append((name, n, plan, most))
        if n > most:
            bad.append("%s: %d lines, at most %d" % (name.strip(), n, most))
    lengths = check_lengths(core + files_below("kern/ext") + files_below("libs"), bad)
    if not arg.quiet:
        red = ("\033[31m", "\033[0m") if sys.stdout.isatty() else ("", "")
        print("%-16s %7s %7s %7s" % ("", "lines", "plan", "ceiling"))
        for name, n, plan, most in rows:
            over = "  %sover the plan by %d%s" % (red[0], n - plan, red[1])
            print("%-16s %7d %7d %7d%s" % (name, n, plan, most,
                                            over if n > plan else ""))
        for folder in sorted({f.split("/")[1] for f in core}):
            n = sum(size[f] for f in core if f.split("/")[1] == folder)
            print("  %-14s %7d" % (folder, n))
        for name, top in OTHERS:
            n = sum(len(lines_of(f)) for f in files_below(top, CODE + (".py", ".sh")))
            print("%-16s %7d" % (name, n))
        if lengths:
            print("functions: %d, median %d lines, 95 %% within %d, longest %d" % (
                len(lengths), lengths[len(lengths) // 2],
                lengths[len(lengths) * 95 // 100], lengths[-1]))
        if arg.files:
            for f in core:
                print("%7d %s" % (size[f], f))
    for text in bad:
        print(text)
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit("count: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
