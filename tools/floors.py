#!/usr/bin/env python3
"""Check who includes whom.

kern/FLOORS gives each folder (or file) a floor.  A file may include its own
folder and lower floors.  kern/ext mirrors kern: kern/ext/mm stands where
kern/mm stands, may include kern/mm, and the core may never name it.
"""
import argparse
import os
import re
import sys

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
FOLDERS = ("libs", "kern")


class Plan:
    """The floors, longest prefix first."""

    def __init__(self, path):
        self.floors = []
        with open(path) as f:
            for no, line in enumerate(f, 1):
                words = line.split("#")[0].split()
                if not words:
                    continue
                if len(words) < 2 or not words[0].isdigit():
                    sys.exit("%s:%d: want FLOOR FOLDER" % (path, no))
                self.floors.append((words[1], int(words[0])))
        self.floors.sort(key=lambda f: -len(f[0]))

    def find(self, path):
        """(the entry that holds PATH, its floor), or None.

        A file of kern/ext stands on the floor of its mirror."""
        if path.startswith("kern/ext/"):
            path = "kern/" + path[len("kern/ext/"):]
        for prefix, floor in self.floors:
            if path == prefix or path.startswith((prefix + "/", prefix + ".")):
                return prefix, floor
        return None


def sources():
    for top in FOLDERS:
        for folder, _, files in sorted(os.walk(top)):
            for name in sorted(files):
                if name.endswith((".c", ".h", ".S")):
                    yield os.path.join(folder, name)


def resolve(path, name):
    """The file of this tree an include means; None: the compiler's."""
    for guess in ("kern/" + name, "libs/" + name, name,
                  os.path.join(os.path.dirname(path), name)):
        if os.path.exists(guess):
            return os.path.normpath(guess)
    return None


def check_include(plan, path, home, quote, name):
    """What is wrong with this include, or None."""
    if ".." in name.split("/"):
        return "an include names its folder, not .."
    target = resolve(path, name)
    if target is None or target.startswith("lab-tests/"):
        return "no such header in this tree" if quote == '"' else None
    if target.startswith("kern/ext/") and not path.startswith("kern/ext/"):
        return "core never names ext: %s" % target
    there = plan.find(target)
    if there is None:
        return "%s stands on no floor" % target
    if quote == '"' and target.startswith("libs/"):
        return "libs are included with <>"
    if quote == "<" and target.startswith("kern/"):
        return "kernel headers are included with quotes"
    if quote == '"' and name.count("/") == 0:
        return "say the folder: %s" % target[len("kern/"):]
    if there[0] == home[0] or there[1] < home[1]:
        return None
    return "%s (floor %d) may not see %s (floor %d)" % (
        home[0], home[1], target, there[1])


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("floors", nargs="?", default="kern/FLOORS")
    plan = Plan(ap.parse_args().floors)
    bad = files = 0
    for path in sources():
        files += 1
        home = plan.find(path)
        if home is None:
            print("%s: stands on no floor of kern/FLOORS" % path)
            bad += 1
            continue
        with open(path, encoding="utf-8") as f:
            for no, line in enumerate(f, 1):
                m = INCLUDE.match(line)
                wrong = m and check_include(plan, path, home, m[1], m[2])
                if wrong:
                    print("%s:%d: %s" % (path, no, wrong))
                    bad += 1
    if not bad:
        print("floors: %d files, every include goes down" % files)
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit("floors: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
