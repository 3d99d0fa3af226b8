"""What the guest reported about scenarios, held against the model.

Records of a run (tools/qemu.py) become a Story per scenario: what was said about each
step, in order.  judge() compares one with what faultmodel/memory.py expects and keeps
the first step that is different."""
import collections

from siphash import siphash

Verdict = collections.namedtuple("Verdict", "word detail step expected got")


class Step:
    def __init__(self, result, count, areas):
        self.result, self.count, self.areas, self.cells = result, count, areas, {}
        self.raw = []           # further records, for the model to decode


class Story:
    def __init__(self, name):
        self.name, self.steps, self.end, self.unreadable = name, {}, None, False
        self.lines, self.times = [], []     # the texts, as they came, and when
        self.complaints = []    # of mmcheck, while the processes were there and after
        self.halt = None        # the step that should end the machine

    def ended(self, how):
        """The machine ended, where it should."""
        self.steps[self.halt] = Step("ended:" + how, {}, None)
        self.end = [0, 0, 0, 0]


class Channel:
    """Take the records of one machine.  Those without a right tag are counted, and
    otherwise as if they had not come."""

    def __init__(self, key):
        self.key, self.n, self.forged, self.stories, self.done = key, 0, 0, [], False

    def take(self, record):
        if record.id != "scn" or not record.args:
            return
        text, tag = " ".join(record.args[:-1]), record.args[-1]
        if tag != "%016x" % siphash(self.key, ("%d %s" % (self.n, text)).encode()):
            self.forged += 1
            return
        self.n += 1
        self.line(text)
        if self.stories:
            self.stories[-1].times.append(record.time)

    def line(self, text):
        word, *rest = text.split(" ")
        if word == "start":
            self.stories.append(Story(rest[0]))
        elif word == "done":
            self.done = True
        if not self.stories:
            return
        story = self.stories[-1]
        story.lines.append(text)
        if word == "step":
            pairs = [p.split("=") for p in rest[2:]]
            count = {k: int(v) for k, v in pairs if k != "areas"}
            areas = dict(pairs).get("areas")
            story.steps[int(rest[0])] = Step(rest[1], count,
                                             None if areas is None else int(areas))
        elif word == "area" and int(rest[0]) in story.steps:
            story.steps[int(rest[0])].cells[rest[1], rest[2]] = rest[3] if rest[3:] else ""
        elif word == "halt":
            story.halt = int(rest[0])
        elif word == "pt" and int(rest[0]) in story.steps:
            story.steps[int(rest[0])].raw.append(rest[1:])
        elif word == "complaint":
            if " ".join(rest) not in story.complaints:
                story.complaints.append(" ".join(rest))
        elif word == "end":
            story.end = [int(n) for n in rest]
        elif word == "unreadable":
            story.unreadable = True


def differences(expected, got):
    """[(what, expected, got)] of one step."""
    out = []
    if got.result != expected.result:
        out.append(("result", expected.result, got.result))
    for name in sorted(set(expected.count) | set(got.count)):
        a, b = expected.count.get(name, 0), got.count.get(name, 0)
        if a != b and name not in expected.loose:
            out.append((name, a, b))
    if got.areas != expected.areas and (
            got.areas is None or expected.areas is None or
            not 0 <= got.areas - expected.areas <= expected.seams):
        out.append(("areas", expected.areas, got.areas))
    for key in sorted(set(expected.cells) | set(got.cells)):
        a, b = expected.cells.get(key, "as before"), got.cells.get(key, "as before")
        if a != b:
            out.append((key[1] if key[0] == "kernel" else
                        "pages of %s in %s" % (key[1], key[0]), a, b))
    return out


def leftovers(end, given_back=0):
    """GIVEN_BACK: frames of a swap space in memory that is there no more."""
    frames, objects, lost, complaints, slots = (end + [0])[:5]
    out = []
    if given_back:
        frames, objects = frames + given_back, max(objects, 0)
    if frames:
        out.append("%d frames are not free again" % frames)
    if objects:
        out.append("%d objects are not free again" % objects)
    if slots:
        out.append("%d slots of swap are not free again" % slots)
    if lost:
        out.append("%d faults ended in no way" % lost)
    if complaints:
        out.append("mmcheck has %d complaints" % complaints)
    return out


def judge(expected, story, given_back=0, only=0):
    """EXPECTED: what World.walk() gave.  STORY may be None: nothing came.  ONLY: what
    counts, as in lab-tests/scenario/scn.h."""
    if story is None:
        return Verdict("INFRA", ["it was not run"], None, None, None)
    if story.unreadable:
        return Verdict("FAIL", ["the guest cannot read it"], None, None, None)
    for i, want in expected:
        got = story.steps.get(i)
        if got is None:
            return Verdict("CRASH" if story.end is None else "FAIL",
                           ["nothing came for this step"], i, want, None)
        diff = [d for d in differences(want, got) if not only or d[0] == "result"]
        if diff:
            return Verdict("FAIL", diff, i, want, got)
    if story.end is None:
        return Verdict("CRASH", ["no end was reported"], None, None, None)
    left = [] if only == 1 else leftovers(story.end, given_back) + \
        ["mmcheck: " + s for s in story.complaints[:3]]
    return Verdict("FAIL" if left else "PASS", left, None, None, None)
