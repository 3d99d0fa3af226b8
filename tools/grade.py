#!/usr/bin/env python3
"""Run scenarios on the kernel and say which points they earn: "make grade".

    make grade LAB=5            the scenarios of a lab       SEED=7  other numbers
    make scenario S=lab5/fork   one, with its timeline       JOBS=4  machines at a time
    make replay R=bundle        a run that failed, again (tools/replay.py)

    make grade BOARD=/dev/ttyUSB0   on a board, over its serial line   RESET='command'
    make grade DISK=build/sdcard.img   on QEMU, started from that disk by U-Boot

A scenario (docs/scenarios.md) says what to do; the model of tools/faultmodel works out
what must happen; the guest reports what did.  Nothing that is printed counts, only
records with this run's key.  Verdicts: PASS; FAIL: a step was different; CRASH: the
kernel ended; HANG: it said nothing for a long time; BLOCKED: machines ended
again and again before it; TODO: in a hand-out, an exercise that it needs is
untouched; INFRA: our fault, no points lost.
Exit status: 0 all passed, 1 not all, 2 the grader could not do its work.
"""
import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import course  # noqa: E402
import fakeboard  # noqa: E402
import grade_batch  # noqa: E402
import grade_board  # noqa: E402
import grade_export  # noqa: E402
import grade_handout  # noqa: E402
import grade_hints  # noqa: E402
import grade_judge  # noqa: E402
import grade_look  # noqa: E402
import grade_machine  # noqa: E402
import grade_report  # noqa: E402
import grade_terminal  # noqa: E402
import qemu  # noqa: E402
import replay  # noqa: E402
from faultmodel import (boot, buddy, harts, laying, memory, pagetable, slots,  # noqa: E402
                        stride, traps)

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(TOP, "lab-tests", "scenarios")
# Models of what the kernel runs itself.
LOW = {0: boot, 1: traps, 2: buddy, 3: pagetable, 4: laying, 6: slots, 8: stride, 9: harts}
SILENCE = 60        # seconds
ROOM = 32 << 20     # bytes of disk that a run may need


class Case:
    """A scenario, what is expected of it, and how it went."""

    def __init__(self, name, path, scn):
        self.name, self.path, self.scn = name, path, scn
        self.story = self.verdict = self.image = None
        self.worth, self.row = None, None   # in the course, see course.py
        self.expected, self.notes = [], []
        self.panic = []             # what the kernel said of itself, see grade_console.py
        self.where_it_is = []       # if it hangs: what qemu.Result.where has
        self.on_disk = {}           # {name: bytes} that the disk has afterwards
        self.durable = None         # what a crash may leave there, if crashes are looked at
        self.crashes = 0            # how many were
        self.given_back = 0         # frames of swap that are free in the end
        self.number = 0             # in the list of its machine
        self.machine_run = None     # the qemu.Machine it ran on
        self.bundle = None          # where it can be run again from
        self.where = ""         # "board"
        self.seen = False           # has the host looked at its page tables?
        self.high = 0               # pages it found above 4 GiB there
        with open(path, encoding="utf-8", errors="replace") as f:
            self.text = f.read().splitlines()

    def infra(self, *why):
        self.verdict = grade_judge.Verdict("INFRA", list(why), None, None, None)

    def kernel(self):
        """Is it run inside the kernel?"""
        return self.scn.get("kernel", False)

    def world(self):
        if not self.kernel():
            return memory.World(self.scn)
        if self.lab() not in LOW:
            raise memory.Unknown("steps of the kernel in lab %d" % self.lab())
        return LOW[self.lab()].World(self.scn)

    def judge(self, story):
        """Where the kernel may choose, the model goes along with what it chose."""
        self.story = story
        if self.kernel():
            self.expected = self.world().walk(story.steps)
        self.verdict = grade_judge.judge(self.expected, story, self.given_back,
                                          self.scn.get("only", 0))

    def expect(self):
        if "error" in self.scn:
            self.infra(self.scn["error"])
            return
        unknown = grade_hints.wrong(self.scn["hints"], memory.COUNTERS)
        if unknown:
            self.infra("a hint asks for %s, which is nothing that differs" % unknown[0])
            return
        try:
            world = self.world()
            self.expected = world.walk()
            if not self.kernel():
                self.on_disk = world.disk_files()
                self.durable = world.durable
                self.given_back = world.machine.given_back
        except memory.Unknown as e:
            self.infra("the model has no rule for %s" % e)
            return
        if world.wrong:
            self.infra(*world.wrong)

    def source(self, line):
        return self.text[line - 1].split("#")[0].split("->")[0].strip()

    def line_text(self, line):
        return "line %d (%s)" % (line, " ".join(self.source(line).split()))

    def step_text(self, step):
        """As the scenario has it; of what the kernel does, with the numbers drawn."""
        if self.kernel():
            return LOW[self.lab()].World.describe(step)
        return self.source(step["line"])

    def lab(self):
        """Of what cannot be read: as its folder says."""
        folder = self.name.partition("/")[0]
        return self.scn.get("lab", int(folder[3:]) if folder[3:].isdigit() else 0)

    def points(self):
        return self.scn.get("points", 0) if self.worth is None else self.worth

    def looked_at(self, look):
        """What the host saw itself counts more than what the kernel said."""
        look.thread.join(5)
        self.seen = look.map is not None
        wrong = grade_look.compare(self, look) if self.seen else []
        self.high = sum(pa >= 1 << 32 for pa, _ in look.map.values()) if self.seen else 0
        if wrong and self.verdict.word == "PASS":
            self.verdict = grade_judge.Verdict(
                "FAIL", ["the host looked at the page tables:"] + wrong, look.step, None, None)

    def counted(self):
        """The points it can be graded for: our faults cost nobody any."""
        return 0 if self.verdict.word == "INFRA" else self.points()

    def score(self):
        return self.points() if self.verdict.word == "PASS" else 0

    def machine(self):
        return tuple(self.scn[k] for k in ("harts", "memory", "boot", "disk")) + (
            self.image, self.lab() if self.kernel() else None)

    def place(self, handout, run_todo):
        """On which kernel it runs, or why it need not."""
        self.image = handout.image(self.lab())
        why = handout.todo(self.name, self.lab())
        if why and self.verdict is None and not run_todo:
            self.verdict = grade_judge.Verdict("TODO", why, None, None, None)


def find(names):
    """[(name, path)] of scenario files; NAMES: paths, or parts of names; none: all."""
    every = {}
    for here, folders, files in os.walk(FOLDER):
        folders.sort()
        for f in sorted(files):
            if f.endswith(".scn"):
                path = os.path.join(here, f)
                every[os.path.relpath(path, FOLDER)[:-4]] = path
    if not names:
        return sorted(every.items())
    out = {}
    for name in names:
        if os.path.isfile(name):
            out[os.path.basename(name).rsplit(".", 1)[0]] = name
            continue
        some = {n: p for n, p in every.items() if name in n}
        if name in every:
            some = {name: every[name]}
        if not some:
            raise OSError("no scenario is called %s" % name)
        out.update(some)
    return sorted(out.items())


def load(files, seed, build):
    """The cases, each with what the model expects."""
    tool = os.path.join(build, "scn")
    done = subprocess.run([tool, str(seed)] + [p for _, p in files],
                          stdout=subprocess.PIPE, universal_newlines=True)
    lines = done.stdout.splitlines()
    if len(lines) != len(files):
        raise OSError("%s gave %d lines for %d files" % (tool, len(lines), len(files)))
    cases = []
    for (name, path), line in zip(files, lines):
        cases.append(Case(name, path, json.loads(line)))
        cases[-1].expect()
    return cases


# ---- running ----

def run_board(cases, arg):
    """Over a serial line: that of a board, or of QEMU started from a disk."""
    board = fakeboard.FakeBoard(arg.disk) if arg.disk else contextlib.nullcontext()
    with board as fake:
        arg.board = fake.path if fake else arg.board
        for c in cases:
            c.where = "disk" if fake else "board"
        return grade_board.run_all(cases, arg)


def of_lines(cases):
    """Those that a board can run: no machine of their own.  Swap space the runner takes
    from what there is (user/scenario/spaces.c)."""
    out = [c for c in cases if not c.kernel() and not c.scn.get("disk") and
           all(w.startswith("swapspace=ram:") for w in c.scn.get("boot", "").split())]
    if len(out) < len(cases):
        print("not run here, as they need boot arguments or a disk of their own: %d of %d scenarios"
              % (len(cases) - len(out), len(cases)))
    return out


def check_alike(cases):
    """No two scenarios may expect the same events: one would prove nothing."""
    seen = {}
    for c in cases:
        if c.verdict is not None:
            continue
        key = json.dumps([[e.result, sorted(e.count.items()), e.areas,
                           sorted(e.cells.items())] for _, e in c.expected], default=str)
        other = seen.setdefault(key, c)
        if other is not c:
            c.infra("it expects the same events as " + other.name)


class Options(argparse.ArgumentParser):
    """LAB=two is told in a line."""

    def error(self, message):
        self.exit(2, "grade: %s\n" % message.replace("argument --", "", 1))


def options():
    ap = Options(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("names", nargs="*", help="scenarios: parts of names, or files")
    ap.add_argument("--build", default="build")
    ap.add_argument("--lab", type=int, help="only this lab")
    ap.add_argument("--profile", default="course", choices=course.names(),
                    help="how labs count, see lab-tests/course.json (default: course)")
    ap.add_argument("--seed", type=int, default=1, help="of what is random (default: 1)")
    ap.add_argument("--jobs", type=int, default=2, help="machines at a time")
    ap.add_argument("--show", action="store_true", help="the timeline of those that pass")
    ap.add_argument("--list", action="store_true", help="print names and stop")
    ap.add_argument("--check", action="store_true",
                    help="only read the scenarios and ask the model; run nothing")
    ap.add_argument("--silence", type=int, default=SILENCE,
                    help="seconds without a word that make a hang")
    ap.add_argument("--deaths", type=int, default=grade_batch.DEATHS,
                    help="machines in a row that end, then the rest is BLOCKED")
    ap.add_argument("--run-todo", action="store_true",
                    help="run also what needs an exercise that is not done")
    ap.add_argument("--board", metavar="TTY", help="a board, by its serial line")
    ap.add_argument("--baud", type=int, default=115200, help="of that line")
    ap.add_argument("--reset", metavar="COMMAND", help="resets that board, if it hangs")
    ap.add_argument("--disk", help="as on a board: QEMU, started from this disk")
    grade_machine.options(ap)
    ap.add_argument("--no-look", dest="look", action="store_false",
                    help="do not stop machines to look at page tables")
    ap.add_argument("--out", help="folder for results.json, junit.xml, gradescope.json, "
                    "report.html")
    arg = ap.parse_args()
    arg.jobs = max(1, arg.jobs)
    arg.out = arg.out or os.path.join(arg.build, "grade")
    return arg


def look_around(arg):
    """What would look like the kernel's fault later."""
    if shutil.which(qemu.Machine().qemu) is None:
        raise OSError("there is no %s: make doctor says what to install"
                      % qemu.Machine().qemu)
    os.makedirs(arg.out, exist_ok=True)
    for folder in (arg.build, arg.out):
        disk = os.statvfs(folder)
        if disk.f_bavail * disk.f_frsize < ROOM:
            raise OSError("%s: less than %d MiB are free there" % (folder, ROOM >> 20))


def main():
    arg = options()
    start = time.monotonic()
    cases = load(find(arg.names), arg.seed, arg.build)
    plan = course.Course(arg.profile)
    for c in cases:
        c.worth = plan.worth.get(c.name)
        row = plan.row_of(c.name, c.lab())
        c.row = None if row is None else plan.rows[row]
    cases = [c for c in cases if arg.lab is None or c.lab() == arg.lab]
    if not cases:
        raise OSError("no scenario is of lab %s" % arg.lab)
    if arg.list:
        for c in cases:
            print("%-36s lab %d  %2d points  %s" % (c.name, c.lab(), c.points(),
                                                    c.scn.get("title", c.scn.get("error"))))
        return 0
    if arg.board or arg.disk:
        cases = of_lines(cases)
    check_alike(cases)
    cases = grade_machine.elsewhere(cases, arg)
    numbers = None
    if arg.check:
        for c in cases:
            if c.verdict is None:
                c.verdict = grade_judge.Verdict("PASS", [], None, None, None)
    else:
        handout = grade_handout.Handout(arg.build)
        for name in handout.changed_headers():
            print("%s is not as it was given out, and objects in ref/ know the old one: if a "
                  "struct changed, anything may go wrong" % name)
        for c in cases:
            c.place(handout, arg.run_todo)
        if not arg.board:
            look_around(arg)
            grade_machine.look_for(arg)
        qemu.stop_on_term()
        if arg.board or arg.disk:
            numbers = run_board(cases, arg)
        else:
            grade_batch.run_all(cases, arg)
            replay.pack(cases, arg)
    grade_terminal.print_cases(cases, arg)
    grade_terminal.print_todo(cases)
    grade_terminal.print_table(cases, plan)
    grade_terminal.print_begin(cases)
    results = grade_report.as_json(cases, arg, plan)
    results["line"] = numbers
    grade_export.export(results, arg.out)
    print("grade: %s, seed %d, %.1f s; %s" % (
        grade_report.sums(cases), arg.seed, time.monotonic() - start,
        os.path.join(arg.out, "report.html")))
    if results["infra"]:
        print("grade: %d scenarios could not be graded, and their points are in no sum"
              % results["infra"])
        return 2
    missing = any(c.verdict.word != "PASS" for c in cases)
    if missing and "MAKELEVEL" in os.environ:
        print("grade: not everything passed, so the status is 1 for scripts; make calls "
              "that \"Error 1\", and it is none of make or the grader")
    return 1 if missing else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subprocess.CalledProcessError) as e:
        print("grade: %s" % e, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("grade: stopped", file=sys.stderr)
        sys.exit(130)
