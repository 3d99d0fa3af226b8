"""How scenarios get onto machines: some share one, until it ends; then the rest of them
gets another.  Machines run side by side.

    cases --> batches, by the machine they ask for --> boot --> records --> Case.judge()
                                                         ^                      |
                                                         `-- the machine ended -'
"""
import concurrent.futures
import os
import secrets
import signal
import subprocess
import sys
import time

import grade_console
import grade_crash
import grade_judge
import grade_look
import grade_machine
import grade_terminal
import qemu
import qemu_meter

TOOLS = os.path.dirname(os.path.abspath(__file__))
BATCH = 12          # scenarios on one machine
KERNEL_BATCH = 40   # ... that the kernel runs itself
DEATHS = 3          # machines in a row that end, then the rest waits
LOOK = 0.05         # seconds between two looks whether a machine is done


def elf_of(image):
    """The symbols of an image."""
    if image.endswith(".img"):
        return image[:-4] + ".elf"
    return os.path.join(os.path.dirname(image), "kernel.elf")


class Mute:
    """How many machines in a row, of one kernel and with as many harts, said nothing any
    more before their first step.  Each costs a minute, and all others would do the same."""

    def __init__(self):
        self.row = {}

    @staticmethod
    def kind(case):
        return case.image, case.kernel(), case.scn.get("harts")

    def note(self, case, mute):
        self.row[self.kind(case)] = self.row.get(self.kind(case), 0) + 1 if mute else 0

    def times(self, case):
        return self.row.get(self.kind(case), 0)


class Batch:
    """Some cases that can share a machine, until it ends."""

    def __init__(self, number, cases, arg, mute=None):
        self.cases, self.arg, self.machine, self.look = cases, arg, None, None
        self.recorder = None
        self.mute = mute or Mute()
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
        subprocess.run([sys.executable, os.path.join(TOOLS, "mkinitrd.py"), "-o",
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
        if skip == 0 and self.arg.look and harts == 1 and not self.arg.boot_hart:
            look = grade_look.choose(self.cases, self.arg, self.number,
                                     elf_of(image), self.work + ".gdb")
        if look is not None:
            run += ",%d,%d" % (look.number, look.step)
        words = [run, "scnkey=%016x%016x" % key, boot] + (["root=archive"] if disk else [])
        image_of_disk = self.work + ".disk"
        self.recorder = None
        if self.cases[0].scn.get("crash"):
            self.recorder = grade_crash.Recorder(self.arg.build, self.work, disk)
        elif disk:
            subprocess.run([os.path.join(self.arg.build, "mksfs"), "-s", "%dM" % disk,
                            image_of_disk], check=True, stdout=subprocess.DEVNULL)
        # One hart runs on counted instructions: the same run gives the same records.
        m = self.machine = qemu.Machine(
            kernel=image, smp=harts,
            mem="%dM" % memory_mb, append=" ".join(w for w in words if w),
            disks=[image_of_disk] if disk else [], initrd=self.work + ".initrd",
            mode="icount" if harts == 1 else "mttcg")
        grade_machine.change(m, self.arg, self.work)
        if self.recorder is not None:
            self.recorder.attach(m)
        m.elf = elf_of(image) if os.path.exists(elf_of(image)) else None
        if look is not None:
            m.extra, m.look = look.arguments(), look
            look.thread.start()
        self.look = look
        result = qemu.run(m, "%s.%d" % (self.work, n), silence=self.arg.silence,
                          patience=lambda: self.patience(m))
        m.extra, m.look = [], None
        doubt = grade_machine.doubt(m, self.arg, result.text)
        if doubt and skip == 0 and result.how != "infra":
            result.how, result.note = "infra", doubt
        channel = grade_judge.Channel(key)
        for record in result.records:
            channel.take(record)
        return channel, result

    def patience(self, machine):
        """See qemu_meter.py.  A machine with a disk may wait for this computer's, one that
        is looked at for who looks, and harts that race for each other."""
        if machine.disks or machine.recorded or (
                self.look is not None and self.look.thread.is_alive()):
            return None
        return (qemu_meter.PATIENCE if machine.mode == "icount" else None,
                qemu_meter.PATIENCE)

    def run(self):
        if self.mute.times(self.cases[0]) >= self.arg.deaths:
            self.stop(self.cases, "BLOCKED", "%d machines in a row said nothing more before "
                      "their first step" % self.arg.deaths, None)
            return self.cases
        self.initrd()
        skip = n = deaths = 0
        while skip < len(self.cases) and deaths < self.arg.deaths:
            channel, result = self.boot(skip, n)
            stories = channel.stories[:len(self.cases) - skip]
            if result.how == "infra":
                break           # QEMU's fault: INFRA below
            self.mute.note(self.cases[0], not stories and result.how == "hang")
            if not stories:
                self.stop(self.cases[skip:], "HANG" if result.how == "hang" else "CRASH",
                          "the machine %s before the first step" % (
                              "said nothing more" if result.how == "hang" else "ended"), result)
                break
            halted = not channel.done and stories[-1].halt is not None and \
                stories[-1].halt not in stories[-1].steps
            if halted:
                stories[-1].ended("hang" if result.how == "hang" else str(result.status))
            for case, story in zip(self.cases[skip:], stories):
                case.judge(story)
                case.panic = grade_console.of_step(case.verdict, story, result.text)
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
        if self.recorder is not None:
            grade_crash.look(case, self.recorder, self.arg)
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
                case.where_it_is = result.where
                case.notes += ["console: " + s for s in grade_console.tail(result.text)]
                case.panic = (grade_console.panics(grade_console.own_lines(result.text)) or
                              [[]])[-1]

    @staticmethod
    def died(case, result):
        """The machine ended within CASE."""
        word = "HANG" if result.how == "hang" else "CRASH"
        if case.verdict.word in ("PASS", "CRASH"):
            case.verdict = case.verdict._replace(word=word)
            case.where_it_is = result.where
        case.notes += ["console: " + s for s in grade_console.tail(result.text)]


def alone(case):
    """Does it leave a machine that others could not use, or want one for itself?"""
    return case.scn.get("crash") or any(s["op"] == "swapoff" for s in case.scn["steps"])


def batches(cases, arg):
    by_machine, out = {}, []
    for case in cases:
        if case.verdict is None:
            key = case.machine(), case.name if alone(case) else None
            by_machine.setdefault(key, []).append(case)
    # Harts that race wait for each other much: they begin, and the others run beside.
    for some in sorted(by_machine.values(), key=lambda some: -some[0].scn["harts"]):
        most = KERNEL_BATCH if some[0].kernel() else BATCH
        size = min(most, max(1, -(-len(some) // max(1, arg.jobs))))
        out += [some[i:i + size] for i in range(0, len(some), size)]
    mute = Mute()
    return [Batch(n, some, arg, mute) for n, some in enumerate(out)]


class Signals:
    """Within it a signal that should end us is only noted.  An exception out of a handler
    would come anywhere, also within the locks of a pool, and leave them in disorder."""

    def __init__(self):
        self.number, self.before = None, {}

    def __enter__(self):
        for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(n) != signal.SIG_IGN:       # nohup
                self.before[n] = signal.signal(n, self.note)
        return self

    def note(self, number, _):
        self.number = number

    def __exit__(self, *_):
        for n, handler in self.before.items():
            signal.signal(n, handler)

    def leave(self):
        if self.number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.number is not None:
            sys.exit(128 + self.number)


def run_all(cases, arg):
    progress = grade_terminal.Progress(sum(c.verdict is None for c in cases))
    pool = concurrent.futures.ThreadPoolExecutor(arg.jobs)
    todo, known = [], []
    with Signals() as signals:
        try:
            todo = [pool.submit(b.run) for b in batches(cases, arg)]
            left = list(todo)
            while left and signals.number is None:
                for future in [f for f in left if f.done()]:
                    left.remove(future)
                    progress.add(len(future.result()))
                time.sleep(LOOK if left else 0)
        finally:
            if signals.number is not None:
                known = [c for c in cases if c.verdict is not None]
            for future in todo:
                future.cancel()
            if not all(f.done() for f in todo):
                qemu.stop_all()
            progress.clear()
            pool.shutdown()
    if signals.number is not None:
        grade_terminal.print_so_far(known, len(cases))
    signals.leave()
