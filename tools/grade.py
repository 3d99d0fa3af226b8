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
import concurrent.futures
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import course  # noqa: E402
import fakeboard  # noqa: E402
import grade_board  # noqa: E402
import grade_export  # noqa: E402
import grade_handout  # noqa: E402
import grade_hints  # noqa: E402
import grade_judge  # noqa: E402
import grade_look  # noqa: E402
import grade_report  # noqa: E402
import grade_terminal  # noqa: E402
import qemu  # noqa: E402
import replay  # noqa: E402
from faultmodel import boot, buddy, memory, pagetable, traps  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(TOP, "lab-tests", "scenarios")
BATCH = 12          # scenarios on one machine
KERNEL_BATCH = 40   # ... that the kernel runs itself
LOW = {0: boot, 1: traps, 2: buddy, 3: pagetable}    # models of the kernel's own labs
SILENCE = 60        # seconds
ROOM = 32 << 20     # bytes of disk that a run may need
DEATHS = 3          # machines in a row that end, then the rest waits


class Case:
    """A scenario, what is expected of it, and how it went."""

    def __init__(self, name, path, scn):
        self.name, self.path, self.scn = name, path, scn
        self.story = self.verdict = self.image = None
        self.worth, self.row = None, None   # in the course, see course.py
        self.expected, self.notes = [], []
        self.on_disk = {}           # {name: bytes} that the disk has afterwards
        self.number = 0             # in the list of its machine
        self.machine_run = None     # the qemu.Machine it ran on
        self.bundle = None          # where it can be run again from
        self.where = ""         # "board"
        self.seen = False           # has the host looked at its page tables?
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
        self.verdict = grade_judge.judge(self.expected, story)

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
        except memory.Unknown as e:
            self.infra("the model has no rule for %s" % e)
            return
        if world.wrong:
            self.infra(*world.wrong)

    def source(self, line):
        return self.text[line - 1].split("#")[0].split("->")[0].strip()

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

class Batch:
    """Some cases that can share a machine, until it ends."""

    def __init__(self, number, cases, arg):
        self.cases, self.arg, self.machine, self.look = cases, arg, None, None
        self.number = number
        for n, case in enumerate(cases):
            case.number = n
        self.work = os.path.join(arg.build, "grade", "run%d" % number)

    def initrd(self):
        os.makedirs(os.path.dirname(self.work), exist_ok=True)
        with open(self.work + ".list", "w") as f:
            f.write("\n".join([str(self.arg.seed)] + [c.name for c in self.cases]) + "\n")
        b = os.path.join(self.arg.build, "bin")
        files = [] if self.cases[0].kernel() else \
            ["/bin/%s=%s/%s" % (p, b, p) for p in ("init", "scenario")]
        files += ["/scn/%s.scn=%s" % (c.name, c.path) for c in self.cases]
        subprocess.run([sys.executable, os.path.join(TOP, "tools", "mkinitrd.py"), "-o",
                        self.work + ".initrd", "/scn/list=%s.list" % self.work] + files,
                       check=True)
        return self.work + ".initrd"

    def boot(self, skip, n):
        """One machine.  Returns its Channel and Result."""
        key = (secrets.randbits(64), secrets.randbits(64))
        harts, memory_mb, boot, disk, image, lab = self.cases[0].machine()
        run = "run=/bin/scenario,%d" % skip if lab is None else \
            "scenario=%d,%d" % (lab, skip)
        look = None
        if skip == 0 and self.arg.look and harts == 1:
            look = grade_look.choose(self.cases, self.arg, self.number,
                                     elf_of(image), self.work + ".gdb")
        if look is not None:
            run += ",%d,%d" % (look.number, look.step)
        words = [run, "scnkey=%016x%016x" % key, boot] + (["root=archive"] if disk else [])
        image_of_disk = self.work + ".disk"
        if disk:
            subprocess.run([os.path.join(self.arg.build, "mksfs"), "-s", "%dM" % disk,
                            image_of_disk], check=True, stdout=subprocess.DEVNULL)
        # One hart runs on counted instructions: the same run gives the same records.
        m = self.machine = qemu.Machine(
            kernel=image, smp=harts,
            mem="%dM" % memory_mb, append=" ".join(w for w in words if w),
            disks=[image_of_disk] if disk else [], initrd=self.work + ".initrd",
            mode="icount" if harts == 1 else "mttcg")
        if look is not None:
            m.extra = look.arguments()
            look.thread.start()
        result = qemu.run(m, "%s.%d" % (self.work, n), silence=self.arg.silence)
        m.extra = []
        self.look = look
        channel = grade_judge.Channel(key)
        for record in result.records:
            channel.take(record)
        return channel, result

    def run(self):
        self.initrd()
        skip = n = deaths = 0
        while skip < len(self.cases) and deaths < self.arg.deaths:
            channel, result = self.boot(skip, n)
            stories = channel.stories[:len(self.cases) - skip]
            if result.how == "infra":
                break           # QEMU's fault: INFRA below
            if not stories:
                self.stop(self.cases[skip:], "HANG" if result.how == "hang" else "CRASH",
                          "the machine ended before the first step", result)
                break
            halted = not channel.done and stories[-1].halt is not None and \
                stories[-1].halt not in stories[-1].steps
            if halted:
                stories[-1].ended("hang" if result.how == "hang" else str(result.status))
            for case, story in zip(self.cases[skip:], stories):
                case.judge(story)
                self.look_at_disk(case)
                case.machine_run = self.machine
                if self.look is not None and self.look.number == case.number:
                    case.looked_at(self.look)
                if channel.forged:
                    case.notes.append("%d records were not signed with this run's key"
                                      % channel.forged)
            if channel.done or halted:
                deaths = 0
            else:
                self.died(self.cases[skip + len(stories) - 1], result)
                deaths = deaths + 1 if len(stories) == 1 else 1
            skip, n = skip + len(stories), n + 1
            if channel.done and skip < len(self.cases):
                break           # whoever says "done" too early: INFRA below
        for case in self.cases:
            if case.verdict is None and deaths >= self.arg.deaths:
                self.stop([case], "BLOCKED", "%d machines in a row ended before it"
                          % deaths, None)
            elif case.verdict is None:
                case.infra("it was not run", *result.note.splitlines())
        return self.cases

    def look_at_disk(self, case):
        """Who passed must have left a sound disk, with all files on it."""
        if not case.scn.get("disk") or case.verdict.word != "PASS":
            return
        image, why = self.work + ".disk", []
        tool = os.path.join(self.arg.build, "fsck.sfs")
        done = subprocess.run([tool, "-n", image], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True)
        if done.returncode:
            why += ["fsck.sfs: " + s for s in done.stdout.splitlines()[:5]]
        for name, data in sorted(case.on_disk.items()):
            path = "/%s.%s" % (case.name.rpartition("/")[2], name)
            got = subprocess.run([os.path.join(self.arg.build, "sfs"), image, "cat", path],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            if got != data:
                at = next((i for i, (a, b) in enumerate(zip(got, data)) if a != b),
                          min(len(got), len(data)))
                why.append("%s on the disk differs from byte %d on: %d bytes, not %d"
                           % (name, at, len(got), len(data)))
        if why:
            case.verdict = grade_judge.Verdict("FAIL", why, None, None, None)

    @staticmethod
    def stop(cases, word, why, result):
        for case in cases:
            case.verdict = grade_judge.Verdict(word, [why], None, None, None)
            if result is not None:
                case.notes += ["console: " + s
                               for s in result.text.rstrip().splitlines()[-8:]]

    @staticmethod
    def died(case, result):
        """The machine ended within CASE."""
        word = "HANG" if result.how == "hang" else "CRASH"
        if case.verdict.word in ("PASS", "CRASH"):
            case.verdict = case.verdict._replace(word=word)
        case.notes += ["console: " + s for s in result.text.rstrip().splitlines()[-12:]]


def batches(cases, arg):
    by_machine, out = {}, []
    for case in cases:
        if case.verdict is None:
            by_machine.setdefault(case.machine(), []).append(case)
    # Harts that race wait for each other much: they begin, and the others run beside.
    for some in sorted(by_machine.values(), key=lambda some: -some[0].scn["harts"]):
        most = KERNEL_BATCH if some[0].kernel() else BATCH
        size = min(most, max(1, -(-len(some) // max(1, arg.jobs))))
        out += [some[i:i + size] for i in range(0, len(some), size)]
    return [Batch(n, some, arg) for n, some in enumerate(out)]


def run_all(cases, arg):
    progress = grade_terminal.Progress(sum(c.verdict is None for c in cases))
    pool = concurrent.futures.ThreadPoolExecutor(arg.jobs)
    todo = []
    try:
        todo = [pool.submit(b.run) for b in batches(cases, arg)]
        for future in concurrent.futures.as_completed(todo):
            progress.add(len(future.result()))
    except BaseException:
        for future in todo:
            future.cancel()
        qemu.stop_all()
        raise
    finally:
        progress.clear()
        pool.shutdown()


def run_board(cases, arg):
    """Over a serial line: that of a board, or of QEMU started from a disk."""
    board = fakeboard.FakeBoard(arg.disk) if arg.disk else contextlib.nullcontext()
    with board as fake:
        arg.board = fake.path if fake else arg.board
        for c in cases:
            c.where = "disk" if fake else "board"
        return grade_board.run_all(cases, arg)


def of_lines(cases):
    """Those that a board can run: no machine of their own."""
    out = [c for c in cases if not c.kernel() and not c.scn.get("boot") and
           not c.scn.get("disk")]
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


def elsewhere(cases, arg):
    """On other machines than the scenarios ask for; what is expected stays the same."""
    for scn in (c.scn for c in cases if c.verdict is None and not c.kernel()):
        if arg.boot and arg.boot.split("=")[0] not in scn["boot"]:
            scn["boot"] = (scn["boot"] + " " + arg.boot).strip()
        scn["harts"] = max(scn["harts"], arg.harts)
        scn["memory"] = arg.memory or scn["memory"]


def options():
    ap = argparse.ArgumentParser(
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
    ap.add_argument("--deaths", type=int, default=DEATHS,
                    help="machines in a row that end, then the rest is BLOCKED")
    ap.add_argument("--run-todo", action="store_true",
                    help="run also what needs an exercise that is not done")
    ap.add_argument("--board", metavar="TTY", help="a board, by its serial line")
    ap.add_argument("--baud", type=int, default=115200, help="of that line")
    ap.add_argument("--reset", metavar="COMMAND", help="resets that board, if it hangs")
    ap.add_argument("--disk", help="as on a board: QEMU, started from this disk")
    ap.add_argument("--boot", default="", help="one more boot argument on all machines")
    ap.add_argument("--harts", type=int, default=1, help="at least so many on all machines")
    ap.add_argument("--memory", type=int, help="megabytes of all machines")
    ap.add_argument("--no-look", dest="look", action="store_false",
                    help="do not stop machines to look at page tables")
    ap.add_argument("--out", help="folder for results.json, junit.xml, gradescope.json, "
                    "report.html")
    arg = ap.parse_args()
    arg.jobs = max(1, arg.jobs)
    arg.out = arg.out or os.path.join(arg.build, "grade")
    return arg


def elf_of(image):
    """The symbols of an image."""
    if image.endswith(".img"):
        return image[:-4] + ".elf"
    return os.path.join(os.path.dirname(image), "kernel.elf")


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
    elsewhere(cases, arg)
    numbers = None
    if arg.check:
        for c in cases:
            if c.verdict is None:
                c.verdict = grade_judge.Verdict("PASS", [], None, None, None)
    else:
        handout = grade_handout.Handout(arg.build)
        for c in cases:
            c.place(handout, arg.run_todo)
        if not arg.board:
            look_around(arg)
        qemu.stop_on_term()
        if arg.board or arg.disk:
            numbers = run_board(cases, arg)
        else:
            run_all(cases, arg)
            replay.pack(cases, arg)
    grade_terminal.print_cases(cases, arg)
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
    return 1 if any(c.verdict.word != "PASS" for c in cases) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subprocess.CalledProcessError) as e:
        print("grade: %s" % e, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("grade: stopped", file=sys.stderr)
        sys.exit(130)
