"""A buddy allocator on paper: what each step of a scenario of lab 2 must do.

Memory is 4096 frames, numbered from 0; a scenario says which are RAM and which of them
are free.  Two rules, and all else follows:

    a free block whose buddy (the number differs in bit `order`) is free too is joined
    with it at once, so the set of free blocks follows from the set of frames in use;
    a block of order k comes out of a free block of the least order that is enough.

Which block of that order, and which piece of it, is the kernel's choice, so walk() goes
along with what the kernel said, as long as it may say so.  Without a story it takes the
lowest.
"""
from .memory import Unknown
from .paper import Paper

FRAMES = 4096
TOP = 12
MAX_ORDER = 18
VAST = 2 << MAX_ORDER   # frames
SHOWN = 100             # characters of a list of blocks; then a sum of all


LIES = ("good", "pointer", "twice", "users", "slab", "swap", "cached", "buddy",
        "reserved", "tail")


class Buddy:
    """Free blocks: {frame: order}."""

    def __init__(self, frames):
        self.free = {}
        self.ram = set(frames)
        for f in frames:
            self.put(f, 0)

    def put(self, frame, order):
        while order < MAX_ORDER and self.free.get(frame ^ 1 << order) == order:
            del self.free[frame ^ 1 << order]
            frame &= ~(1 << order)
            order += 1
        self.free[frame] = order

    def least(self, order):
        """The free blocks that a block of ORDER may come from."""
        orders = [k for k in self.free.values() if k >= order]
        return sorted(f for f, k in self.free.items() if k == min(orders)) if orders else []

    def holder(self, frame, order):
        for block in self.least(order):
            if block <= frame < block + (1 << self.free[block]):
                return block
        return None

    def take(self, frame, order):
        """The block of ORDER at FRAME; it is split off its free block."""
        block = self.holder(frame, order)
        k = self.free.pop(block)
        while k > order:
            k -= 1
            half = block + (1 << k)
            if frame < half:
                self.free[half] = k
            else:
                self.free[block] = k
                block = half

    def pages(self):
        return sum(1 << k for k in self.free.values())

    def text(self):
        """The free blocks as the guest lists them."""
        text, total = "", 0
        for f in sorted(self.free):
            total = (total * 31 + f * 16 + self.free[f]) % (1 << 64)
            if len(text) < SHOWN:
                text += ("," if text else "") + "%d:%d" % (f, self.free[f])
        return (text or "none") + ("+%x" % (total & 0xffffffff) if len(text) >= SHOWN else "")


class World(Paper):
    LAB = 2

    @staticmethod
    def describe(step):
        """The step with its numbers."""
        a, b = step["first"], step["last"]
        text = {"ram": "%d..%d" % (a, b), "hole": "%d..%d" % (a, b), "start": "", "quiet": "", "count": "",
                "release": "%d..%d" % (a, b), "free": "%d" % a, "drain": "%d" % b,
                "refill": step["word"], "vast": "", "scarce": "%d" % b, "misfree": "%d %d" % (step["value"], b), "leave": "%d" % a,
                "pretend": "%d %d %s" % (step["value"], b, step["word"])}
        return (step["op"] + " " + text.get(step["op"], "%d %d" % (a, b))).strip()

    def begin(self):
        self.drawn, self.memory, self.ram, self.quiet = [], None, set(), False
        self.slots, self.drained, self.told, self.total = {}, [], None, None
        self.scarce, self.vast, self.taken = 0, None, False

    def act(self, do, step, e, said):
        self.taken = False
        return do(step, said and said.result)

    def after(self, step, e, said):
        self.look(e)
        if self.taken and self.memory.pages() < self.scarce:
            e.count["woken"] = 1

    def look(self, e):
        if self.memory is None:
            return
        e.count = {"free": self.memory.pages()}
        if self.quiet:
            return
        text = self.memory.text()
        for k in self.memory.free.values():
            e.count["o%d" % k] = e.count.get("o%d" % k, 0) + 1
        if text != self.told:
            e.cells["kernel", "free"] = self.told = text

    # ---- steps ----

    def do_ram(self, step, said):
        frames = range(step["first"], step["last"] + 1)
        self.drawn += frames
        self.ram.update(frames)

    def do_hole(self, step, said):
        self.drawn = [f for f in self.drawn if not step["first"] <= f <= step["last"]]

    def do_start(self, step, said):
        self.slots, self.drained = {}, []
        self.memory = Buddy(sorted(set(self.drawn)))

    def get(self, order, said):
        """(frame or None, what must be said)"""
        if self.memory is None:
            raise Unknown("alloc before start")
        blocks = self.memory.least(order)
        if not blocks:
            return None, "none"
        frame = blocks[0]
        if said and said.startswith("at:"):
            f = int(said[3:])
            if f % (1 << order) == 0 and self.memory.holder(f, order) is not None:
                frame = f
        self.memory.take(frame, order)
        self.taken = True
        return frame, "at:%d" % frame

    def do_alloc(self, step, said):
        frame, text = self.get(step["last"], said)
        if frame is not None:
            if step["first"] in self.slots:
                self.wrong.append("line %d: this slot has a block" % step["line"])
            self.slots[step["first"]] = frame, step["last"]
        return text

    def do_free(self, step, said):
        if step["first"] in self.slots:
            self.memory.put(*self.slots.pop(step["first"]))

    def do_flip(self, step, said):
        if step["first"] in self.slots:
            return self.do_free(step, said)
        return self.do_alloc(step, said)

    def do_drain(self, step, said):
        if self.vast is not None:
            n, self.vast = self.vast >> step["last"], 0
            return "value:%x" % n
        if self.memory is None:
            if step["last"] != 0:
                raise Unknown("drain %d of the machine" % step["last"])
            return self.drain_machine(said)
        order, n = step["last"], 0
        for f, k in sorted(self.memory.free.items()):
            if k >= order:
                del self.memory.free[f]
                self.drained += [(g, order) for g in range(f, f + (1 << k), 1 << order)]
                n += 1 << k - order
        return "value:%x" % n

    def drain_machine(self, said):
        """How much the machine has nobody here knows; but not more than RAM, not much
        less, and the same again."""
        frames = self.scn["memory"] << 8
        n = int(said[6:], 16) if said and said.startswith("value:") else 0
        least, most = frames * 7 // 8, frames
        if self.total is None:
            self.total = min(max(n, least), most)
            if n < least:
                return "least:%x" % least
        return "value:%x" % self.total

    def do_refill(self, step, said):
        if step["word"] not in ("all", "other"):
            raise Unknown("refill " + step["word"])
        if self.vast is not None:
            self.vast = VAST
        for block in self.drained if self.memory else []:
            self.memory.put(*block)
        self.drained = []

    def do_vast(self, step, said):
        if self.scn["memory"] < 2048:
            raise Unknown("vast with less than 2048M")
        self.vast = VAST

    def do_scarce(self, step, said):
        self.scarce = step["last"]

    def do_release(self, step, said):
        for f in range(step["first"], step["last"] + 1):
            self.memory.put(f, 0)

    def do_quiet(self, step, said):
        self.quiet = True

    def do_count(self, step, said):
        self.quiet = False

    def do_leave(self, step, said):
        if step["first"] not in self.slots:
            self.wrong.append("line %d: this slot is empty" % step["line"])

    def do_pretend(self, step, said):
        """All looks right but for one thing, if only the place."""
        place = range(step["value"], step["value"] + (1 << step["last"]))
        if step["word"] == "good" and step["value"] % (1 << step["last"]) == 0 and \
                self.ram.issuperset(place):
            self.wrong.append("line %d: nothing is wrong with that" % step["line"])
        if step["word"] not in LIES or step["last"] > 3 or place[-1] >= FRAMES or \
                (step["word"] == "pointer" and step["last"] > 0):
            self.wrong.append("line %d: there is no such thing to pretend" % step["line"])
        return "panic"

    def do_misfree(self, step, said):
        """Blocks that may not be given back; that it says so is all we ask."""
        if (step["value"], step["last"]) in self.slots.values():
            self.wrong.append("line %d: this block may be freed" % step["line"])
        return "panic"
