"""Exercises as text: where they are, and what becomes of one that is cut.

The reference has "LAB n.m: task", the solution, STUB lines, "END n.m"; what is cut has
"LAB n.m YOUR CODE: task" and the stub.  tools/markers.py says what is well formed."""
import collections
import hashlib
import os
import re

import markers

Exercise = collections.namedtuple("Exercise", "name lab path line function task body stub")
STUB = re.compile(r"(\s*)/\* STUB: ?(.*?) ?\*/\s*$")
OPEN = re.compile(r"\s*/\* LAB (\d+\.\d+)(?: YOUR CODE)?:(.*)")
NAME = re.compile(r"(\w+)\(")


class Bad(Exception):
    """The tree is not as it should be; the text says where."""


def key(name):
    """So that 4.10 comes after 4.9."""
    return [int(n) for n in name.split(".")]


def function_above(lines, at):
    """The name of the function whose '{' is in line AT, counted from 0."""
    for i in range(at - 1, max(at - 12, -1), -1):
        m = NAME.match(lines[i])
        if m:
            return m[1]
    return "?"


def comment_end(lines, at):
    """The line after the comment that begins in line AT."""
    while "*/" not in lines[at]:
        at += 1
    return at + 1


def task_of(lines, start, end):
    """The comment without its frame, as one paragraph per empty line."""
    text = "\n".join(lines[start:end])
    text = re.sub(r"^\s*/\* LAB \d+\.\d+(?: YOUR CODE)?: ?", "", text)
    text = re.sub(r"\s*\*/\s*$", "", text)
    return [re.sub(r"^\s*\* ?", "", s).strip() if i else s.strip()
            for i, s in enumerate(text.split("\n"))]


def regions(path, lines):
    """[(Exercise, first line, line after the last)], both counted from 0, of a file,
    whether it is the reference's or one that was cut.  The lines are those between
    the braces."""
    out = []
    for at, line in enumerate(lines):
        m = OPEN.match(line)
        if not m or at == 0 or lines[at - 1].rstrip() != "{":
            continue
        end = at
        while end < len(lines) and lines[end].rstrip() != "}":
            end += 1
        after = comment_end(lines, at)
        body = [s for s in lines[after:end]
                if not STUB.match(s) and not markers.END.match(s)]
        stub = [m2[1] + m2[2] for m2 in map(STUB.match, lines[after:end]) if m2 and m2[2]]
        out.append((Exercise(m[1], key(m[1])[0], path, at + 1,
                             function_above(lines, at - 1), task_of(lines, at, after),
                             body, stub), at, end))
    return out


def read(path):
    """Comments may be in another encoding than ours."""
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        return f.read().splitlines()


def checked(path, lines):
    """The regions of a reference file; Bad if its markers are wrong."""
    found, wrong = markers.scan(path, lines)
    if wrong:
        raise Bad("\n".join(wrong))
    out = regions(path, lines)
    labs = {e.lab for e, _, _ in out}
    if len(labs) > 1:
        raise Bad("%s: exercises of more than one lab: %s"
                  % (path, ", ".join(map(str, sorted(labs)))))
    assert [e.name for e, _, _ in out] == [n for n, _ in found], path
    return out


def cut(path, lines, wanted):
    """LINES with the exercises for which WANTED(name) is true cut out."""
    out, done = [], 0
    for e, start, end in checked(path, lines):
        if not wanted(e.name):
            continue
        after = comment_end(lines, start)
        out += lines[done:start]
        out.append(lines[start].replace("LAB %s:" % e.name,
                                        "LAB %s YOUR CODE:" % e.name, 1))
        out += lines[start + 1:after] + e.stub
        done = end
    return out + lines[done:]


def text_lines(lines):
    """How many of these lines are of exercises, not of the program."""
    n, at = 0, 0
    while at < len(lines):
        begin = at
        if OPEN.match(lines[at]):
            at = comment_end(lines, at)
        elif STUB.match(lines[at]) or markers.END.match(lines[at]):
            at += 1
        n += at - begin
        at = max(at, begin + 1)
    return n


def body_hash(body):
    """Of what a function does: comments stay, layout does not matter."""
    text = " ".join(" ".join(body).split())
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def in_tree(top=".", look=checked):
    """[(path, regions)] of all files with exercises, in order.  In a hand-out, where markers
    are cut, LOOK is regions."""
    out = []
    for folder in markers.FOLDERS:
        for here, folders, files in os.walk(os.path.join(top, folder)):
            folders.sort()
            for name in sorted(files):
                if name.endswith(".c"):
                    full = os.path.join(here, name)
                    path = os.path.relpath(full, top)
                    some = look(path, read(full))
                    if some:
                        out.append((path, some))
    return out
