"""Saying how scenarios went: a table, why one failed, JSON, JUnit."""
import json
import os
import sys
from xml.sax.saxutils import escape, quoteattr

import grade_hints
from faultmodel.counters import say

COLORS = {"PASS": 32, "FAIL": 31, "CRASH": 31, "HANG": 31, "INFRA": 35}
BAR = 24


def on_terminal():
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def paint(word):
    text = word.ljust(5)
    return "\x1b[%dm%s\x1b[0m" % (COLORS.get(word, 33), text) if on_terminal() else text


class Progress:
    """A bar on a terminal; else a line now and then."""

    def __init__(self, total):
        self.total, self.done, self.said = total, 0, 0

    def add(self, n=1):
        self.done += n
        if on_terminal():
            full = BAR * self.done // max(self.total, 1)
            sys.stdout.write("\r[%s%s] %d/%d " % ("#" * full, "." * (BAR - full),
                                                  self.done, self.total))
            if self.done >= self.total:
                sys.stdout.write("\r" + " " * (BAR + 20) + "\r")
        elif self.done - self.said >= 20 and self.done < self.total:
            self.said = self.done
            print("... %d of %d" % (self.done, self.total))
        sys.stdout.flush()


def show_value(what, value):
    if what == "result":
        return say(str(value))
    return "no longer alive" if value is None else str(value)


def why(case):
    """Lines that say what went wrong."""
    v, out = case.verdict, []
    if v.step is None:
        out += [str(d) for d in v.detail]
    else:
        step = case.scn["steps"][v.step]
        out.append("line %d: %s   (step %d of %d)" % (
            step["line"], case.step_text(step), v.step + 1, len(case.scn["steps"])))
        for d in v.detail:
            if isinstance(d, str):
                out.append("  " + d)
                continue
            out.append("  %-22s expected %s" % (d[0], show_value(d[0], d[1])))
            out.append("  %-22s got      %s" % ("", show_value(d[0], d[2])))
    out += ["hint: " + h for h in grade_hints.hints(case)]
    return out + case.notes


def timeline(case, most=40):
    """A line per step that was run: what it was, and the pages it left."""
    out, v, cells = [], case.verdict, {}
    steps = case.story.steps if case.story else {}
    rows = []
    for i, want in case.expected:
        if i not in steps:
            break
        step = case.scn["steps"][i]
        cells.update(steps[i].cells)
        who = case.scn["procs"][step["proc"]]
        if steps[i].areas is None and not case.kernel():
            cells = {k: c for k, c in cells.items() if k[0] != who}
        text = "  ".join("%s%s %s" % ("" if k[0] in ("main", "kernel") else k[0] + ":", k[1], c)
                         for k, c in sorted(cells.items()))
        rows.append("%s%4d %-34s %s" % (">" if i == v.step else " ", step["line"],
                                        case.step_text(step)[:34], text[:160]))
        if i == v.step:
            break
    if len(rows) > most:
        out.append("      ... %d steps before" % (len(rows) - most))
    return out + rows[-most:]


KEY = ("pages: - no area, . nothing yet, z zero page, W writable, R read only, "
       "p private but not mapped, f F of a file; letters name frames")


def events(case, most=20):
    lines = case.story.lines if case.story else []
    lines = [s for s in lines if not s.startswith("pt ")]
    at = len(lines)
    if case.verdict.step is not None:
        for n, line in enumerate(lines):
            if line.startswith("step %d " % case.verdict.step):
                at = n + 1
                while at < len(lines) and lines[at].startswith("area"):
                    at += 1
    return lines[:at][-most:]


def full_story(case):
    out = why(case)
    out += ["timeline:" if case.kernel() else "timeline (%s):" % KEY] + timeline(case)
    return out + ["last events:"] + ["  " + e for e in events(case)]


def print_case(case, verbose, quiet_pass=False):
    if quiet_pass and case.verdict.word == "PASS" and not verbose:
        return
    print("%s %-32s %2d/%-2d %s" % (paint(case.verdict.word), case.name, case.score(),
                                    case.points(), case.scn.get("title", "")))
    if case.verdict.word == "TODO":
        print("\n".join("      " + s for s in case.verdict.detail))
    elif case.verdict.word != "PASS":
        print("\n".join("      " + s for s in full_story(case)))
    elif verbose:
        print("\n".join("      " + s for s in timeline(case, 400)))
    sys.stdout.flush()


def table_line(name, mine, title):
    return "%-6s %9d %7d %4d/%-4d %s" % (
        name, len(mine), sum(c.verdict.word == "PASS" for c in mine),
        sum(c.score() for c in mine), sum(c.points() for c in mine), title)


def print_table(cases, plan):
    """A line for each lab of the course that has cases, and their sum."""
    print("%-6s %9s %7s %7s" % ("lab", "scenarios", "passed", "points"))
    for row in plan.in_order() + [None]:
        mine = [c for c in cases if c.row is row]
        if mine:
            print(table_line(row.name if row else "other", mine, row.title if row else ""))
    print(table_line("all", cases, ""))


def total(cases, bonus):
    """(score, points) of those that are bonus, or not."""
    mine = [c for c in cases if bool(c.row and c.row.bonus) == bonus]
    return sum(c.score() for c in mine), sum(c.points() for c in mine)


def sums(cases):
    text = "%d of %d points" % total(cases, False)
    score, points = total(cases, True)
    return text + (" and %d of %d more" % (score, points) if points else "")


def begin(cases):
    """Which of those that failed to look at first: of the lowest lab the one that went
    wrong after the fewest steps.  None: there is none."""
    bad = [c for c in cases if c.verdict.word not in ("PASS", "INFRA", "BLOCKED")]
    return min(bad, default=None, key=lambda c: (
        c.lab(), len(c.expected) if c.verdict.step is None else c.verdict.step,
        len(c.expected), c.name))


def print_begin(cases):
    first = begin(cases)
    if first is not None:
        print("begin with %s: %s" % (first.name,
                                     (grade_hints.hints(first) or why(first))[0]))


def as_json(cases, seed):
    def one(c):
        v = c.verdict
        return {"name": c.name, "title": c.scn.get("title", ""), "lab": c.lab(),
                "group": c.scn.get("group", 0), "verdict": v.word, "score": c.score(),
                "points": c.points(), "step": v.step,
                "line": c.scn["steps"][v.step]["line"] if v.step is not None else None,
                "why": [] if v.word == "PASS" else why(c),
                "hints": grade_hints.hints(c),
                "events": [] if v.word == "PASS" else events(c),
                "steps": len(c.expected)}
    first = begin(cases)
    return {"seed": seed, "begin": first and {
                "name": first.name, "hint": (grade_hints.hints(first) or [""])[0]},
            "score": total(cases, False)[0], "points": total(cases, False)[1],
            "bonus": total(cases, True), "scenarios": [one(c) for c in cases]}


def write(cases, seed, folder):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "results.json"), "w") as f:
        json.dump(as_json(cases, seed), f, indent=1)
        f.write("\n")
    with open(os.path.join(folder, "junit.xml"), "w") as f:
        bad = sum(c.verdict.word not in ("PASS", "INFRA") for c in cases)
        infra = sum(c.verdict.word == "INFRA" for c in cases)
        f.write('<testsuite name="grade" tests="%d" failures="%d" errors="%d">\n'
                % (len(cases), bad, infra))
        for c in cases:
            f.write("<testcase classname=%s name=%s>" % (
                quoteattr("lab%d" % c.lab()), quoteattr(c.name)))
            if c.verdict.word != "PASS":
                kind = "error" if c.verdict.word == "INFRA" else "failure"
                f.write("<%s message=%s>%s</%s>" % (
                    kind, quoteattr(c.verdict.word), escape("\n".join(why(c))), kind))
            f.write("</testcase>\n")
        f.write("</testsuite>\n")
