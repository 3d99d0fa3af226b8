#!/usr/bin/env python3
"""Check the exercise markers.

An exercise is the whole body of a function:

    {
        /* LAB 3.2: the task, and hints */
        ... the solution ...
        /* STUB: return -ENOSYS; */      any number of them, or none
        /* END 3.2 */
    }

Each number is used once, the END has the number of its LAB, and one .c file
holds exercises of one lab only.
"""
import argparse
import os
import re
import sys

LAB = re.compile(r"\s*/\* LAB (\d+)\.(\d+)\b(.?)")
STUB = re.compile(r"\s*/\* STUB: .*\*/\s*$")
END = re.compile(r"\s*/\* END (\d+\.\d+) \*/\s*$")
LOOSE = re.compile(r"/\*\s*(LAB\s*\d|STUB\b|END\s*\d)")
FOLDERS = ("kern", "libs", "user")


def scan(path, lines):
    """Return (exercises in this file, complaints)."""
    found, wrong, inside, hint = [], [], None, False

    def complain(no, text):
        wrong.append("%s:%d: %s" % (path, no, text))

    for no, line in enumerate(lines, 1):
        lab, end = LAB.match(line), END.match(line)
        if lab and line.strip() == "/* LAB %s FILE */" % lab[1]:
            continue
        if lab:
            name = "%s.%s" % (lab[1], lab[2])
            if inside:
                complain(no, "LAB %s begins inside %s" % (name, inside))
            if lab[3] != ":":
                complain(no, "want 'LAB %s:' and the task" % name)
            if no < 2 or lines[no - 2].rstrip() != "{":
                complain(no, "an exercise is a whole function body: "
                             "no '{' in the first column above")
            inside = name
            found.append((name, no))
            hint = "*/" not in line
        elif hint:
            hint = "*/" not in line
        elif end:
            if inside is None:
                complain(no, "END %s without its LAB" % end[1])
            elif end[1] != inside:
                complain(no, "END %s closes LAB %s" % (end[1], inside))
            if no >= len(lines) or lines[no].rstrip() != "}":
                complain(no, "an exercise is a whole function body: "
                             "no '}' in the first column below")
            inside = None
        elif STUB.match(line):
            if inside is None:
                complain(no, "STUB outside an exercise")
        elif LOOSE.search(line):
            complain(no, "not quite a marker: %s" % line.strip())
        elif inside and line.rstrip() == "}":
            complain(no, "the function ends before END %s" % inside)
            inside = None
    if inside:
        complain(len(lines), "LAB %s has no END" % inside)
    return found, wrong


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--check", action="store_true", help="print complaints only")
    arg = ap.parse_args()
    seen, bad = {}, []
    for top in FOLDERS:
        for folder, _, files in sorted(os.walk(top)):
            for name in sorted(files):
                if not name.endswith((".c", ".h", ".S")):
                    continue
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as f:
                    found, wrong = scan(path, f.read().splitlines())
                bad += wrong
                labs = {n.split(".")[0] for n, _ in found}
                if len(labs) > 1:
                    bad.append("%s: exercises of more than one lab: %s"
                               % (path, ", ".join(sorted(labs))))
                for n, no in found:
                    if n in seen:
                        bad.append("%s:%d: exercise %s is also in %s"
                                   % (path, no, n, seen[n]))
                    seen.setdefault(n, "%s:%d" % (path, no))
    for text in bad:
        print(text)
    if not arg.check:
        for n in sorted(seen, key=lambda e: [int(x) for x in e.split(".")]):
            print("LAB %-6s %s" % (n, seen[n]))
    if not bad:
        print("markers: %d exercises" % len(seen))
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
