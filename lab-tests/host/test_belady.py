#!/usr/bin/env python3
"""make belady: what it asks of a kernel, what it makes of the answers, what it draws.

The kernel is a small program here: it reads the scenarios that belady.py writes, takes
the accesses out of their steps again, and lets the model say which of them fault.  So the
way from a trace to a scenario and back is part of the test."""
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import types
import xml.etree.ElementTree

from hostcheck import check, over, TOOLS, TOP
import belady
import grade_batch
import grade_judge
import grade_machine
import qemu
from faultmodel import policies, traces


class Kernel:
    """Stands in for grade_batch.run_all(); STOP: of this policy it does not all."""

    def __init__(self, stop=None):
        self.stop, self.asked = stop, []

    def run_all(self, cases, arg):
        grade_machine.change(qemu.Machine(), arg, "")   # ARG has all that it asks for
        for case in cases:
            self.run(case)

    def run(self, case):
        steps = case.scn["steps"]
        made = [(i, traces.Access(s["first"], s["op"] == "store"))
                for i, s in enumerate(steps) if s["op"] in ("load", "store")]
        quota = [s for s in steps if s["op"] == "quota"][-1]
        self.asked.append((quota["word"], quota["value"], len(made),
                           sum(s["op"] == "tick" for s in steps)))
        accesses = [a for _, a in made]
        case.story = grade_judge.Story(case.name)
        before = 0
        for n, (i, _) in enumerate(made, 1):
            if self.stop == quota["word"] and n == len(made):
                break
            faults = policies.simulate(quota["word"], quota["value"], accesses[:n]).faults
            case.story.steps[i] = grade_judge.Step("value:1", {"swpin": faults - before}, None)
            before = faults


def build(folder):
    """The parser of scenarios."""
    here = os.path.join(TOP, "lab-tests", "scenario")
    subprocess.run(["gcc", "-std=gnu11", "-o", os.path.join(folder, "scn")] +
                   [os.path.join(here, f) for f in sorted(os.listdir(here))
                    if f.endswith(".c")], check=True)
    return types.SimpleNamespace(build=folder)


def printed(call, *args):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        call(*args)
    return out.getvalue()


def arguments():
    check("belady_string", [a.page for a in belady.accesses_of(traces.BELADY)],
          [0, 1, 2, 3, 0, 1, 4, 0, 1, 2, 3, 4])
    check("pages_are_numbered_as_they_come",
          [tuple(a) for a in belady.accesses_of("wz ra wz")],
          [(0, True), (1, False), (0, True)])
    check("from_a_seed", len(belady.accesses_of("local:7")), belady.REFS)
    check("same_seed_same_trace", belady.accesses_of("zipf:3"), belady.accesses_of("zipf:3"))
    check("frames", (belady.frames_of("4"), belady.frames_of("2-5")), ([4], [2, 3, 4, 5]))
    for name, call, text in (("no_page", belady.accesses_of, "1 ? 2"),
                             ("nothing", belady.accesses_of, ""),
                             ("too_long", belady.accesses_of, "1 " * 381),
                             ("too_many", belady.accesses_of,
                              " ".join(map(str, range(40)))),
                             ("no_frame", belady.frames_of, "0-3"),
                             ("backwards", belady.frames_of, "5-2"),
                             ("words", belady.frames_of, "many")):
        try:
            call(text)
            check("refuses_" + name, False)
        except traces.Bad:
            check("refuses_" + name, True)


def measured(arg):
    trace, frames = belady.accesses_of(traces.BELADY), [3, 4]
    kernel = Kernel()
    grade_batch.run_all = kernel.run_all
    result = belady.measure(trace, frames, arg)
    check("asks_for_each", sorted(kernel.asked), sorted(
        (p, n, 12, 12 if p == "lru" else 0) for p in belady.MEASURED for n in frames))
    check("fifo", result["fifo"], [9, 10])
    check("lru", result["lru"], [10, 8])
    check("opt", result["opt"], [7, 6])
    text = printed(belady.table, frames, result)
    check("says_the_anomaly", "fifo: 3 frames fault 9 times, 4 frames 10 times: "
          "Belady's anomaly" in text)
    check("says_it_of_fifo_alone", text.count("anomaly"), 1 + (
        result["clock"][1] > result["clock"][0]))
    return frames, result


def drawn(frames, result, arg):
    lines = printed(belady.text_plot, frames, result).splitlines()
    check("plot_has_the_highest_on_top", lines[0].split()[0], "10")
    check("plot_has_the_lowest_below", lines[-4].split()[0], "0")
    signs = "".join(lines[:-3])
    check("plot_has_all", sum(signs.count(s) for s in "FCLO*") > len(frames))
    path = os.path.join(arg.build, "belady.svg")
    belady.svg(path, frames, result)
    root = xml.etree.ElementTree.parse(path).getroot()
    lines = [e for e in root.iter() if e.tag.endswith("polyline")]
    check("svg_has_a_line_each", len(lines), 4)
    check("svg_has_a_point_each", {len(e.get("points").split()) for e in lines},
          {len(frames)})
    fifo = [float(p.split(",")[1]) for p in lines[0].get("points").split()]
    check("svg_more_is_higher", fifo[1] < fifo[0])


def unfinished(arg):
    """A kernel that does not all accesses has no number, and the rest is drawn."""
    grade_batch.run_all = Kernel(stop="clock").run_all
    frames = [2, 3]
    result = belady.measure(belady.accesses_of("1 2 3 1 2 3"), frames, arg)
    check("no_number", result["clock"], [None, None])
    check("table_says_so", printed(belady.table, frames, result).splitlines()[2].split(),
          ["clock", "-", "-"])
    check("plot_goes_on", "frames" in printed(belady.text_plot, frames, result))
    belady.svg(os.path.join(arg.build, "belady.svg"), frames, result)


def command():
    for name, args in (("trace", ["--trace", "1 ?"]), ("frames", ["--frames", "9-2"])):
        done = subprocess.run([sys.executable, os.path.join(TOOLS, "belady.py")] + args,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True)
        check("status_of_a_wrong_" + name, (done.returncode, "Traceback" in done.stdout),
              (2, False))


with tempfile.TemporaryDirectory() as where:
    how = build(where)
    arguments()
    drawn(*measured(how), how)
    unfinished(how)
    command()
over()
