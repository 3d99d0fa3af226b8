#!/usr/bin/env python3
"""All checks that need no machine: "make lint".

Each check prints "ok NAME" or "FAIL NAME" with what it found.  The symbol half
of "core never names ext" is the link of core.elf, which make does first.
"""
import argparse
import ast
import json
import os
import re
import subprocess
import sys

PLACES = ("kern", "libs", "user", "tools", "lab-tests", "docs", ".ci")
SHOW = 40           # lines of each complaint that are printed
ODD = re.compile(r"[ \t]+$")


def run(argv):
    """(did it succeed, what it said)."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL)
    except OSError as e:
        return False, "%s: %s" % (argv[0], e.strerror)
    return done.returncode == 0, done.stdout.decode("utf-8", "replace").strip()


def all_files():
    """Every file that is, or may be, part of the project."""
    ok, text = run(["git", "ls-files", "-co", "--exclude-standard"])
    names = text.splitlines() if ok else [
        os.path.join(d, f) for top in PLACES for d, _, fs in os.walk(top) for f in fs]
    return sorted(n for n in set(names) if os.path.isfile(n))


def read(name):
    with open(name, encoding="utf-8") as f:
        return f.read()


def is_shell(name):
    if name.endswith(".sh"):
        return True
    if "." in os.path.basename(name):
        return False
    with open(name, "rb") as f:
        return re.match(rb"#!\s*/\S*(sh|bash|env sh|env bash)\b", f.readline()) is not None


def check_format(files):
    c = [f for f in files if f.endswith((".c", ".h"))]
    if not c:
        return True, ""
    ok, text = run(["clang-format", "--dry-run", "-Werror"] + c)
    places = re.findall(r"^(\S+:\d+):\d+: (?:error|warning):", text, re.M)
    if ok or not places:
        return ok, text
    return False, "\n".join(places) + "\n(make format rewrites them)"


def check_cppcheck(files):
    c = [f for f in files if f.endswith(".c") and f.startswith(("kern/", "libs/"))]
    if not c:
        return True, ""
    return run(["cppcheck", "--quiet", "--error-exitcode=1", "--inline-suppr", "-j2",
                "--enable=warning,portability", "--std=c11", "--platform=unix64",
                "-D__riscv=1", "-D__riscv_xlen=64", "-D__GNUC__=12",
                "-D__SIZEOF_POINTER__=8", "-Ikern", "-Ilibs",
                "--suppress=missingIncludeSystem", "--suppress=unmatchedSuppression",
                "--suppress=preprocessorErrorDirective",
                # linker symbols are compared and subtracted on purpose, and
                # a tree or list may know that a pointer cannot be null here
                "--suppress=comparePointers",
                "--suppress=nullPointerRedundantCheck"] + c)


def check_shell(files):
    sh = [f for f in files if is_shell(f)]
    return run(["shellcheck"] + sh) if sh else (True, "")


def check_python(files):
    wrong = []
    for name in [f for f in files if f.endswith(".py")]:
        try:
            tree = ast.parse(read(name), name, feature_version=(3, 8))
            compile(tree, name, "exec")
        except SyntaxError as e:
            wrong.append("%s:%s: %s" % (name, e.lineno, e.msg))
    return not wrong, "\n".join(wrong)


def check_blanks(files):
    wrong = []
    for name in files:
        if name.endswith(".patch"):     # an empty line of context is a blank
            continue
        try:
            text = read(name)
        except UnicodeDecodeError:
            continue
        if not text:
            continue
        if not text.endswith("\n"):
            wrong.append("%s: no newline at the end" % name)
        tabs = os.path.basename(name) in ("Makefile", ".gitmodules")
        for no, line in enumerate(text.split("\n"), 1):
            if ODD.search(line) or "\r" in line:
                wrong.append("%s:%d: blank at the end of the line" % (name, no))
            elif "\t" in line and not tabs and name.endswith(
                    (".c", ".h", ".S", ".ld", ".py", ".sh", ".md", ".yml")):
                wrong.append("%s:%d: tab" % (name, no))
    return not wrong, "\n".join(wrong)


ROWS = [str(n) for n in range(1, 106)] + ["M%d" % n for n in range(1, 13)]
ROW_LINE = re.compile(r"^\| (M?\d+) \|(.*)\|(.*)\|(.*)\|$", re.M)


def rows_of_name(name):
    """vm_row_80_81_text, layer_rows_79_to_81_text: which rows a test is of."""
    m = re.match(r"\w+?_rows?((?:_(?:to_)?M?\d+)+)(?:_|$)", name)
    rows, span = [], False
    for word in m[1].strip("_").split("_") if m else []:
        if word == "to":
            span = True
            continue
        rows += map(str, range(int(rows[-1]) + 1, int(word) + 1)) if span else [word]
        span = False
    return rows


def check_rows(files):
    """docs/design/mm.md names a test for each row, or says what is missing."""
    have = set()
    for name in files:
        if name.startswith(("lab-tests/kernel/", "lab-tests/user/")) and name.endswith(".c"):
            have |= set(re.findall(r"^[KU]TEST\((\w+)\)", read(name), re.M))
        elif name.startswith("lab-tests/host/") and name.endswith(".c"):
            have.add(os.path.basename(name)[:-2])
            have |= set(re.findall(r"^(test_\w+)\(", read(name), re.M))
    wrong, named = [], {}
    for row, _, tests, rest in ROW_LINE.findall(read("docs/design/mm.md")):
        named.setdefault(row, []).extend(re.findall(r"`(\w+\*?)`", tests))
        if not tests.strip() and "later:" not in rest:
            wrong.append("row %s has neither a test nor a word about later" % row)
    wrong += ["row %s is missing" % r for r in ROWS if r not in named]
    for row, names in named.items():
        for n in names:
            if not (n in have or n.endswith("*") and
                    any(h.startswith(n[:-1]) for h in have)):
                wrong.append("row %s: no test is called %s" % (row, n))
    for h in sorted(have):
        for row in rows_of_name(h):
            if not any(h == n or n.endswith("*") and h.startswith(n[:-1])
                       for n in named.get(row, ())):
                wrong.append("row %s does not name %s" % (row, h))
    return not wrong, "\n".join(wrong)


def check_mutants(files):
    """A mutant of the kernel (tools/mutants.py) follows the code it breaks."""
    wrong = []
    for name in [f for f in files if f.endswith(".patch")]:
        ok, text = run(["patch", "-p1", "-s", "-f", "--dry-run", "-i", name])
        if not ok:
            wrong.append("%s: %s" % (name, text.splitlines()[0] if text else "no"))
    return not wrong, "\n".join(wrong)


def checks(files, link):
    me = sys.executable
    yield "floors", run([me, "tools/floors.py"])
    yield "markers", run([me, "tools/markers.py", "--check"])
    yield "labpages", run([me, "tools/labpages.py", "--check"])
    if link:
        yield "ext", run(["tools/extcheck.sh"] + link)
    yield "budgets", run([me, "tools/count.py", "--quiet"])
    yield "format", check_format(files)
    yield "cppcheck", check_cppcheck(files)
    yield "shellcheck", check_shell(files)
    yield "python-3.8", check_python(files)
    yield "blanks", check_blanks(files)
    yield "rows", check_rows(files)
    yield "mutants", check_mutants(files)
    yield "lab-mutants", run([me, "tools/labmutants.py", "--list"])
    yield "lab-solutions", run([me, "tools/labsolutions.py", "--list"])


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rewrite", action="store_true",
                    help="only run clang-format, and let it change the files")
    ap.add_argument("--results", help="folder for lint.json, the totals")
    ap.add_argument("link", nargs="*", metavar="LINK",
                    help="after --: build folder and link command, for the check "
                    "that each file of kern/ext can be deleted")
    arg = ap.parse_args()
    files = all_files()
    if arg.rewrite:
        ok, text = run(["clang-format", "-i"] +
                       [f for f in files if f.endswith((".c", ".h"))])
        if text:
            print(text)
        return 0 if ok else 1
    passed = failed = 0
    for name, (ok, text) in checks(files, arg.link):
        print("%s %s" % ("ok" if ok else "FAIL", name))
        if not ok:
            lines = text.splitlines()
            print("\n".join("    " + s for s in lines[:SHOW]))
            if len(lines) > SHOW:
                print("    ... and %d lines more" % (len(lines) - SHOW))
        passed, failed = passed + ok, failed + (not ok)
        sys.stdout.flush()
    if arg.results:
        os.makedirs(arg.results, exist_ok=True)
        with open(os.path.join(arg.results, "lint.json"), "w") as f:
            json.dump({"passed": passed, "failed": failed}, f)
    print("lint: %d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
