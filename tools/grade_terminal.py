"""How grading looks on a terminal, and where there is none.

A bar and colours only on a terminal that can show them (not with TERM=dumb, colours not
with NO_COLOR); else a line now and then.  Of what failed the first few are told at length,
in the order to look at them, and the others in two lines: report.html has all."""
import os
import shutil
import sys

import grade_hints
import grade_report

COLORS = {"PASS": 32, "FAIL": 31, "CRASH": 31, "HANG": 31, "INFRA": 35}
BAR = 32
AT_LENGTH = 3
KEY = ("pages: - no area, . nothing yet, z zero page, W writable, R read only, "
       "p private but not mapped, s in swap, f F of a file; letters name frames")


def on_terminal():
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def columns():
    return shutil.get_terminal_size().columns if on_terminal() else 10000


def paint(word):
    text = word.ljust(5)
    if not on_terminal() or os.environ.get("NO_COLOR"):
        return text
    return "\x1b[%dm%s\x1b[0m" % (COLORS.get(word, 33), text)


class Progress:
    """A bar on a terminal; else a line now and then."""

    def __init__(self, total):
        self.total, self.done, self.said = total, 0, 0
        self.add(0)

    def add(self, n=1):
        self.done += n
        if on_terminal():
            self.bar()
        elif self.done - self.said >= 20 and self.done < self.total:
            self.said = self.done
            print("... %d of %d" % (self.done, self.total))
        sys.stdout.flush()

    def bar(self):
        width = max(4, min(BAR, columns() - 14))
        full = width * self.done // max(self.total, 1)
        sys.stdout.write("\r[%s%s] %d/%d" % ("#" * full, "." * (width - full), self.done,
                                             self.total))

    def clear(self):
        if on_terminal():
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()


def at_length(case):
    out = grade_report.why(case)
    out += ["hint: " + h for h in grade_hints.hints(case)] + case.notes
    lines = grade_report.timeline(case)
    if lines:
        out += ["timeline:" if case.kernel() else "timeline (%s):" % KEY] + lines
    frames = grade_report.frames(case)
    if frames:
        out += ["who has which frame:"] + ["  " + f for f in frames]
    events = grade_report.events(case)
    return out + (["last events:"] + ["  " + e for e in events] if events else [])


def in_brief(case):
    if case.verdict.word == "TODO":
        return []           # print_todo() has it
    out = [" ".join(grade_report.why(case)[:2 if case.verdict.step is None else 1])]
    if case.verdict.step is not None:
        out += (case.panic or case.where_it_is)[:1]
    return out + ["hint: " + h for h in grade_hints.hints(case)[:1]]


def print_cases(cases, arg):
    """The line of each; of those that failed what is to be known."""
    most = len(cases) if arg.show or arg.names else AT_LENGTH
    long = {c.name for c in grade_report.failed(cases)[:most]}
    long |= {c.name for c in cases if c.verdict.word == "INFRA"}
    told = []       # in brief; the same again, for the same reason, is not told again
    for c in cases:
        head = "%-32s %2d/%-2d %s" % ((c.where + " " + c.name).strip(), c.score(), c.points(), c.scn.get("title", ""))
        print("%s %s" % (paint(c.verdict.word), head[:max(20, columns() - 7)].rstrip()))
        lines = []
        if c.verdict.word != "PASS":
            lines = at_length(c) if c.name in long else in_brief(c)
            if c.name not in long and c.verdict.step is None:
                told, lines = told + [lines], [] if lines in told else lines
        elif arg.show:
            lines = grade_report.timeline(c, 400)
        for line in lines:
            print("      " + line)
    sys.stdout.flush()


def print_todo(cases):
    """What was not run, by the exercise that it waits for."""
    waits = {}
    for c in cases:
        for why in c.verdict.detail if c.verdict.word == "TODO" else ():
            waits.setdefault(why, []).append(c.name)
    for why, names in waits.items():
        print("%s; %d scenario%s wait%s for it" % (
            why, len(names), "s" if len(names) > 1 else "", "" if len(names) > 1 else "s"))


def print_so_far(known, total):
    """What is known when somebody stops us."""
    run = [c for c in known if c.verdict.word not in ("TODO", "INFRA")]
    print("stopped: %d of %d scenarios were run, %d passed" % (
        len(run), total, sum(c.verdict.word == "PASS" for c in run)))
    for c in grade_report.failed(run)[:AT_LENGTH]:
        print("%s %s" % (paint(c.verdict.word), c.name))
        for line in in_brief(c):
            print("      " + line)
    sys.stdout.flush()


def print_table(cases, plan):
    """A line for each lab of the course that has cases, and their sum."""
    print("%-6s %9s %7s %7s" % ("lab", "scenarios", "passed", "points"))
    for lab in grade_report.by_lab(cases, plan) + [grade_report.sum_of("all", cases)]:
        line = "%-6s %9d %7d %4d/%-4d %s" % (lab["lab"], lab["scenarios"], lab["passed"],
                                             lab["score"], lab["points"], lab["title"])
        print(line[:max(34, columns())].rstrip())


def print_begin(cases):
    first = grade_report.begin(cases)
    if first is not None:
        print("begin with %s: %s" % (first.name, grade_report.hint_to_begin(first)))
