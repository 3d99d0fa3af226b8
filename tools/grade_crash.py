"""Scenarios with "crash every write": the power fails at each write of the disk.

    the scenario runs once, as any other ----> records: judged as always
            |
            | QEMU notes what the disk is told (crashimage.py)
            v
    write 1, 2, ... n: what a crash may have left (writelog.py)
            |
            |-- fsck.sfs: is it sound when its journal was replayed?
            '-- the files on it: what the model allows (faultmodel/durable.py)

How far the scenario had come is a mark on the disk itself, so nothing depends on when
QEMU wrote what.  The first image that is wrong is kept, and said with its write."""
import hashlib
import os
import tempfile

import crashimage
import fsmodel
import grade_judge
import writelog

MOST = 200      # images of a scenario
SKIP = "lost+found"


class Recorder:
    """The disk of one machine, and its log."""

    def __init__(self, build, work, megabytes):
        self.layout = crashimage.Layout(megabytes * 2048)
        self.disk, self.log = work + ".disk", work + ".log"
        crashimage.make_disk(build, self.disk, self.layout)
        with open(self.disk, "rb") as f:
            self.base = f.read()

    def attach(self, machine):
        open(self.log, "wb").close()
        machine.disks, machine.recorded = [], (self.disk, self.log)


class Look:
    """All images of one case."""

    def __init__(self, case, recorder, arg, work):
        self.case, self.arg, self.work = case, arg, work
        self.base, self.layout = recorder.base, recorder.layout
        self.entries = writelog.read_log(recorder.log)
        self.known = {}         # digest of an image: why it is unsound, its files

    def ours(self, entry):
        return entry.sector < self.layout.marks[0]

    def marks(self):
        """[the last mark] when so many entries were told."""
        out = [0]
        for e in self.entries:
            ours = not e.count or e.sector != self.layout.marks[0]
            out.append(out[-1] if ours else crashimage.mark_of(e.data))
        return out

    def files(self, image):
        """(why it is unsound, {name: bytes}) of a disk."""
        fs, tree = os.path.join(self.work, "fs"), os.path.join(self.work, "out")
        image.write(fs, *self.layout.fs)
        with open(fs, "rb") as f:
            digest = hashlib.sha256(f.read()).digest()
        if digest not in self.known:
            why, found = crashimage.unsound(self.arg.build, fs), {}
            if not why:
                crashimage.extract(self.arg.build, fs, tree)
                found = {n.partition(".")[2]: data or b""
                         for n, (_, data) in fsmodel.listing(tree).items() if n != SKIP}
            self.known[digest] = why, found
        return self.known[digest]

    def judge(self, image, mark):
        """Complaints (rule, text), the state that lasted, and that which began last."""
        why, found = self.files(image)
        durable = self.case.durable
        done, until = durable.between(mark, len(self.case.scn["steps"]))
        some = [("fsck", why)] if why else durable.judge(done, until, found)
        return some, durable.states[done], durable.states[until]

    def run(self):
        """What to say, and of which state; [], None: all is well."""
        marks, bad, first, count = self.marks(), 0, None, 0
        if marks[-1] <= len(self.case.scn["steps"]):
            return ["the disk was not unmounted"]
        n = writelog.moments(self.entries, self.ours)[0]
        for crash, image in writelog.crashes(self.entries, self.base, self.ours,
                                             self.arg.seed, MOST):
            some, done, until = self.judge(image, marks[crash.after])
            count, bad = count + 1, bad + bool(some)
            if some and first is None:
                first = [self.moment(crash, n, done, until)] + [self.left(crash)] + \
                    [text for _, text in some[:3]] + [self.keep(image)]
        self.case.crashes = count
        if bad > 1:
            first.append("that is one of %d crashes of %d that go wrong" % (bad, count))
        return first or []

    # ---- in words ----

    def blocks(self, number):
        """The blocks that write NUMBER is for."""
        e = [e for e in self.entries if e.count and self.ours(e)][number - 1]
        first = (e.sector - self.layout.fs[0]) // 8
        last = (e.sector + e.count - 1 - self.layout.fs[0]) // 8
        return "block %d" % first if first == last else "blocks %d to %d" % (first, last)

    def moment(self, crash, n, done, until):
        number = crash.writes[-1]
        text = "the power fails at write %d of %d (%s)" % (number, n, self.blocks(number))
        if done.line:
            text += ", after " + self.case.line_text(done.line)
        return text + (", before %s has come back" % self.case.line_text(until.line)
                       if until.line and until is not done else "")

    @staticmethod
    def left(crash):
        last = crash.writes[-1]
        since = "write %d" % last if len(crash.writes) == 1 else \
            "writes %d to %d" % (crash.writes[0], last)
        return "  the disk has " + {
            "order": "all it was told, write %d included" % last,
            "overtook": "write %d, and nothing else since the last flush" % last,
            "without": "all of it but write %d" % last,
            "lost": "nothing of what came after the last flush (%s)" % since,
            "mixed": "some of what came after the last flush (%s)" % since}[crash.how]

    def keep(self, image):
        path = os.path.join(self.arg.build, "grade",
                            self.case.name.replace("/", "-") + ".crash")
        image.write(path, *self.layout.fs)
        return "that disk, as the crash left it: %s" % path


def look(case, recorder, arg):
    """Judge what each crash of CASE would have left."""
    with tempfile.TemporaryDirectory(dir=crashimage.scratch(arg.build)) as work:
        try:
            why = Look(case, recorder, arg, work).run()
        except (crashimage.Bad, writelog.BadLog, OSError) as e:
            case.infra("crash every write: %s" % e)
            return
    if why:
        case.verdict = grade_judge.Verdict("FAIL", why, None, None, None)
