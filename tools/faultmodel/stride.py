"""Stride scheduling on paper: who comes next in a scenario of lab 8 that the kernel runs.

Each thread has a pass, a number of 64 bits that wraps round: of two the one with the
negative difference comes first, of equals the one that was there first.  A tick adds
2^20 / priority to it.  Who becomes ready has at least the queue's pass, which is the
largest that was taken so far (Waldspurger and Weihl, "Stride Scheduling", 1995).
"""
from .memory import Unknown
from .paper import Paper

ONE = 1 << 20
WRAP = 1 << 64
TOLD = 100
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
MOST = 1000             # a priority


def difference(a, b):
    return (a - b + WRAP // 2) % WRAP - WRAP // 2


class Thread:
    def __init__(self):
        self.passed, self.priority, self.harts = 0, 100, WRAP - 1


class World(Paper):
    LAB = 8

    @staticmethod
    def describe(step):
        op, a, v = step["op"], step["first"], step["value"]
        text = {"priority": "%d %d" % (a, v), "pass": "%d %#x" % (a, v),
                "allow": "%d %#x" % (a, v), "ready": str(a)}
        return "%s %s" % (op, text.get(op, step["last"]))

    def begin(self):
        self.threads, self.queue, self.least, self.told = {}, [], 0, ""

    def claimed(self, result):
        """As scenarios write it: "value 7"."""
        word, _, number = result.partition(":")
        return "%s %d" % (word, int(number, 16)) if number else word

    def thread(self, slot):
        return self.threads.setdefault(slot, Thread())

    # ---- the queue: slots, the next one first ----

    def put(self, slot):
        t = self.thread(slot)
        if difference(t.passed, self.least) < 0:
            t.passed = self.least
        at = next((i for i, other in enumerate(self.queue)
                   if difference(t.passed, self.threads[other].passed) < 0), len(self.queue))
        self.queue.insert(at, slot)

    def take(self, hart):
        """A slot, or None."""
        for slot in self.queue:
            t = self.threads[slot]
            if t.harts >> hart & 1:
                self.queue.remove(slot)
                if difference(t.passed, self.least) > 0:
                    self.least = t.passed
                return slot
        return None

    # ---- steps ----

    def away(self, step):
        if step["first"] in self.queue:
            raise Unknown("%s of a thread that is in the queue" % step["op"])
        return self.thread(step["first"])

    def do_priority(self, step, e):
        if not 1 <= step["value"] <= MOST:
            raise Unknown("priority %d" % step["value"])
        self.away(step).priority = step["value"]

    def do_pass(self, step, e):
        self.away(step).passed = step["value"]

    def do_allow(self, step, e):
        self.away(step).harts = step["value"]

    def do_ready(self, step, e):
        if step["first"] in self.queue:
            return "busy"
        self.put(step["first"])
        return None

    def do_choose(self, step, e):
        slot = self.take(step["last"])
        return "none" if slot is None else "value:%x" % slot

    def do_turns(self, step, e):
        came = ""
        for _ in range(step["last"]):
            slot = self.take(0)
            if slot is None:
                e.result = "none"
                break
            came += DIGITS[slot % len(DIGITS)]
            name = "turns_of_%d" % slot
            e.count[name] = e.count.get(name, 0) + 1
            t = self.threads[slot]
            t.passed = (t.passed + ONE // t.priority) % WRAP
            self.put(slot)
        if came[:TOLD] != self.told:
            e.cells["kernel", "turns"] = self.told = came[:TOLD]
        return None if len(came) == step["last"] else "none"
