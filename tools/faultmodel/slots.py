"""Slots and victims on paper, as scenarios of lab 6 ask for them that need no program.

A swap space has its slots in chunks of 512.  A run is what lies side by side, from the
first free slot at or behind the last one given out, or before it: at most as many as were
asked for, less where swap is nearly full, and within the chunk.  When a chunk is used up
the next one is one that is all free, else any; which, is the kernel's choice, so walk()
goes along with it.

FIFO: the eldest that may go.  Clock: the hand goes round; who was used is spared once;
if all were, the first that may go goes.  Neither looks at more pages than it was told.
"""
from .memory import Unknown
from .paper import Paper

CHUNK = 512


class Space:
    def __init__(self, n):
        self.n, self.free, self.at = n, set(range(n)), 0

    def chunk(self, c):
        return [s for s in range(c * CHUNK, min((c + 1) * CHUNK, self.n)) if s in self.free]

    def kinds(self):
        """(chunks all of whose slots are free, those with some)."""
        whole, part = [], []
        for c in range((self.n + CHUNK - 1) // CHUNK):
            free = len(self.chunk(c))
            if free == min(CHUNK, self.n - c * CHUNK):
                whole.append(c)
            elif free:
                part.append(c)
        return whole, part

    def run(self, most, said):
        """(first slot, how many) of the next run; SAID: the slot that the kernel took.
        None: all are taken."""
        if not self.free:
            return None
        c, begin = self.at // CHUNK, self.at
        if not self.chunk(c):
            whole, part = self.kinds()
            c = said // CHUNK if said is not None and said // CHUNK in (whole or part) \
                else (whole or part)[0]
            begin = c * CHUNK
        free = self.chunk(c)
        first = next((s for s in free if s >= begin), free[0])
        most, n = min(most, 1 + len(self.free) // 8), 0
        while n < most and first + n in free:
            n += 1
        self.free -= set(range(first, first + n))
        self.at = first + n - 1
        return first, n


class World(Paper):
    LAB = 6

    @staticmethod
    def describe(step):
        a, n = step["first"], step["last"]
        text = {"swapspace": str(step["value"]), "setaside": "%d %d" % (a, n),
                "manage": step["word"], "victim": str(n)}
        return step["op"] + " " + text.get(step["op"], str(a))

    def begin(self):
        self.space, self.runs, self.policy, self.told = None, {}, None, None
        self.pages, self.pinned, self.used = [], set(), set()

    def act(self, do, step, e, said):
        return do(step, e, said and said.result)

    def after(self, step, e, said):
        self.look(e)

    def claimed(self, result):
        """run 0 8; value 3; none."""
        word, *numbers = result.split(":")
        return " ".join([word] + ["%d" % int(n, 16) for n in numbers])

    def look(self, e):
        if self.space:
            whole, part = self.space.kinds()
            e.count.update({"whole": len(whole), "part": len(part),
                            "taken": self.space.n - len(self.space.free)})
        e.count["pages"] = len(self.pages)
        e.count = {k: n for k, n in e.count.items() if n}
        text = "".join("%d," % p for p in self.pages) or "none"
        if self.policy == "fifo" and text != self.told:
            e.cells["kernel", "queue"] = self.told = text

    # ---- slots ----

    def do_swapspace(self, step, e, said):
        if self.space or not 0 < step["value"] <= 64 * CHUNK:
            raise Unknown("this swap space")
        self.space = Space(step["value"])

    def do_setaside(self, step, e, said):
        if self.space is None or self.runs.get(step["first"]) or not step["last"]:
            raise Unknown("slots for a run that has some, or from nowhere")
        word, *numbers = (said or "").split(":")
        run = self.space.run(step["last"], int(numbers[0], 16) if word == "run" else None)
        if run is None:
            return "none"
        first, n = run
        self.runs[step["first"]] = range(first, first + n)
        return "run:%x:%x" % (first, n)

    def do_give(self, step, e, said):
        self.space.free |= set(self.runs.pop(step["first"], ()))

    # ---- victims ----

    def do_manage(self, step, e, said):
        if step["word"] not in ("fifo", "clock") or (self.pages and self.policy != "fifo"):
            raise Unknown("to let %s take over" % step["word"])
        self.policy = step["word"]

    def do_come(self, step, e, said):
        """PAGES begins with the eldest, or the one at the hand."""
        if self.policy is None or step["first"] in self.pages:
            raise Unknown("a page that is there, or comes to nobody")
        self.pages.append(step["first"])

    do_again = do_come

    def do_pin(self, step, e, said):
        self.pinned.add(step["first"])

    def do_unpin(self, step, e, said):
        self.pinned.discard(step["first"])

    def do_used(self, step, e, said):
        if step["first"] not in self.pages:
            raise Unknown("a use of a page that is not there")
        self.used.add(step["first"])

    def do_victim(self, step, e, said):
        p = self.fifo(step["last"]) if self.policy == "fifo" else self.clock(step["last"])
        if p is None:
            return "none"
        self.pages.remove(p)
        self.used.discard(p)
        return "value:%x" % p

    def fifo(self, most):
        return next((p for p in self.pages[:most] if p not in self.pinned), None)

    def clock(self, most):
        first, n = None, len(self.pages)
        for _ in range(min(most, n)):
            p = self.pages.pop(0)
            self.pages.append(p)
            if p in self.pinned:
                continue
            if p not in self.used:
                return p
            self.used.discard(p)
            first = p if first is None else first
        if most < n or first is None:
            return None
        at = self.pages.index(first) + 1
        self.pages = self.pages[at:] + self.pages[:at]
        return first
