"""What there is to say of scenarios that were run: why one failed, the pages after each
step, where to begin; as_json() is all of it, and the truth for every other form
(grade_export.py).  grade_terminal.py prints it."""
import re

import grade_console
import grade_hints
from faultmodel.counters import say

CELL = re.compile(r"[RWfF]\S|\S")


def show_value(what, value):
    if what == "result":
        return say(str(value))
    if value is None:
        return "no longer alive"
    return str(value - (1 << 64) if isinstance(value, int) and value >> 63 == 1 else value)


def differences(case):
    """[(what, expected, got)] of the first step that was different."""
    return [(d[0], show_value(d[0], d[1]), show_value(d[0], d[2]))
            for d in case.verdict.detail if not isinstance(d, str)]


def where(case):
    """The step it is about, or "" if it is about none."""
    v = case.verdict
    if v.step is None:
        return ""
    step = case.scn["steps"][v.step]
    return "line %d: %s   (step %d of %d)" % (
        step["line"], case.step_text(step), v.step + 1, len(case.scn["steps"]))


def why(case):
    """Lines that say what went wrong."""
    out = [where(case)] if where(case) else []
    out += [str(d) for d in case.verdict.detail if isinstance(d, str)]
    for what, expected, got in differences(case):
        out.append("  %-22s expected %s" % (what, expected))
        out.append("  %-22s got      %s" % ("", got))
    return out + case.panic + case.where_it_is


def rows(case):
    """A row per step that was run: what it was, and the pages it left."""
    out, cells = [], {}
    steps = case.story.steps if case.story else {}
    for i, _ in case.expected:
        if i not in steps:
            break
        step = case.scn["steps"][i]
        cells.update(steps[i].cells)
        who = case.scn["procs"][step["proc"]]
        if steps[i].areas is None and not case.kernel():
            cells = {k: c for k, c in cells.items() if k[0] != who}
        out.append({"line": step["line"], "text": case.step_text(step),
                    "here": i == case.verdict.step,
                    "areas": [{"who": k[1] if k[0] in ("main", "kernel") else "%s:%s" % k,
                               "cells": c} for k, c in sorted(cells.items())]})
        if i == case.verdict.step:
            break
    return out


def timeline(case, most=40):
    """The rows as text."""
    out = []
    for r in rows(case):
        text = "  ".join("%s %s" % (a["who"], a["cells"]) for a in r["areas"])
        out.append("%s%4d %-34s %s" % (">" if r["here"] else " ", r["line"],
                                       r["text"][:34], text[:160]))
    before = ["      ... %d steps before" % (len(out) - most)] if len(out) > most else []
    return before + out[-most:]


def frames(case, most=16):
    """After the last step that was run: which pages show which frame."""
    seen, some = {}, rows(case)
    if case.kernel() or not some:
        return []
    for a in some[-1]["areas"]:
        for n, cell in enumerate(CELL.findall(a["cells"])):
            if len(cell) == 2:
                kind = {"W": "writable", "R": "read only", "F": "file, writable",
                        "f": "file"}[cell[0]]
                seen.setdefault(cell[1], []).append("%s[%d] (%s)" % (a["who"], n, kind))
            elif cell == "z":
                seen.setdefault("z", []).append("%s[%d]" % (a["who"], n))
    out = ["%s  %s" % ("zero page" if k == "z" else "frame " + k, ", ".join(v))
           for k, v in sorted(seen.items())]
    return out[:most] + (["... and %d frames more" % (len(out) - most)]
                         if len(out) > most else [])


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


def failed(cases):
    """Those that failed, in the order to look at them: a broken order of locks, which ends
    the machine wherever it is met; then the lowest lab first, and in it what went wrong
    after the fewest steps."""
    bad = [c for c in cases if c.verdict.word not in ("PASS", "INFRA", "BLOCKED", "TODO")]
    return sorted(bad, key=lambda c: (
        not grade_console.lock_order(c.panic), c.lab(), len(c.expected) if c.verdict.step is None else c.verdict.step,
        len(c.expected), c.name))


def begin(cases):
    return next(iter(failed(cases)), None)


def hint_to_begin(case):
    return (grade_hints.hints(case) or why(case) or [""])[0]


def sum_of(name, mine, title="", bonus=False):
    return {"lab": str(name), "title": title, "bonus": bonus, "scenarios": len(mine),
            "passed": sum(c.verdict.word == "PASS" for c in mine),
            "score": sum(c.score() for c in mine),
            "points": sum(c.counted() for c in mine)}


def by_lab(cases, plan):
    """A sum for each lab of the course that has cases."""
    out = []
    for row in plan.in_order() + [None]:
        mine = [c for c in cases if c.row is row]
        if mine:
            out.append(sum_of(row.name, mine, row.title, bool(row.bonus)) if row
                       else sum_of("other", mine))
    return out


def total(cases, bonus):
    """(score, points) of those that are bonus, or not."""
    mine = [c for c in cases if bool(c.row and c.row.bonus) == bonus]
    return sum(c.score() for c in mine), sum(c.counted() for c in mine)


def sums(cases):
    text = "%d of %d points" % total(cases, False)
    score, points = total(cases, True)
    return text + (" and %d of %d more" % (score, points) if points else "")


def one(c):
    v, bad = c.verdict, c.verdict.word != "PASS"
    return {"name": c.name, "title": c.scn.get("title", ""), "lab": c.lab(),
            "group": c.scn.get("group", 0), "verdict": v.word, "where": c.where,
            "score": c.score(),
            "points": c.points(), "step": v.step,
            "line": c.scn["steps"][v.step]["line"] if v.step is not None else None,
            "steps": len(c.expected), "why": why(c) if bad else [],
            "hints": grade_hints.hints(c),
            "differences": [dict(zip(("what", "expected", "got"), d))
                            for d in differences(c)],
            "timeline": rows(c)[-200:] if bad else [], "frames": frames(c) if bad else [],
            "events": events(c) if bad else [], "notes": c.notes,
            "source": c.text if bad else [], "replay": c.bundle}


def as_json(cases, arg, plan):
    """All of it.  Points of what could not be graded (INFRA) are in no sum."""
    first = begin(cases)
    score, points = total(cases, False)
    return {"seed": arg.seed, "profile": arg.profile,
            "begin": first and {"name": first.name, "hint": hint_to_begin(first)},
            "score": score, "points": points, "bonus": list(total(cases, True)),
            "looks": sum(c.seen for c in cases), "high": sum(c.high for c in cases),
            "infra": sum(c.verdict.word == "INFRA" for c in cases),
            "labs": by_lab(cases, plan), "scenarios": [one(c) for c in cases]}
