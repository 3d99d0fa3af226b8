"""Interrupts and exceptions on paper: what each step of a scenario of lab 1 must do.

An interrupt that is asked for comes once, not before its time, and leaves everything as
it was; of several, the one with the earlier time comes first, and of those with the
same time which it is does not matter.  An exception is reported with its cause (Volume
II, 1.12, table 4.2), the address or instruction that it is about, and where it was.
"""
import re

from .memory import Unknown
from .paper import Paper

# The number in scause; whether stval is the address; whether it may be anything (an
# implementation may leave it 0).
CAUSES = {"jump": (12, True), "load": (13, True), "store": (15, True), "illegal": (2, False),
          "csr": (2, False), "break": (3, False), "amo": (6, True), "copy": (13, True)}
# What a trap looks for on its way back, when there is something to be found.
RESUMED = {"kernel": {"switched": 1}, "fault": {"switched": 1}, "masked": {},
           "program": {"switched": 1, "signals": 1}}
USER_END = 1 << 38


class World(Paper):
    LAB = 1

    @staticmethod
    def describe(step):
        a, n, v = step["first"], step["last"], step["value"]
        text = {"timer": "%d %d" % (n, v), "regs": "%d %d" % (n, v), "wait": "",
                "deep": "%d %d" % (n, v), "hold": str(v), "ipi": str(n), "cancel": str(a),
                "alarm": "%d %d" % (a, v), "trap": "%s %#x" % (step["word"], v),
                "recover": "%s %#x" % (step["word"], v), "resume": step["word"]}
        return (step["op"] + " " + text.get(step["op"], "")).strip()

    def begin(self):
        self.alarms = {}

    def act(self, do, step, e, said):
        return do(step, e, said)

    def do_timer(self, step, e, said):
        if step["last"] == 0 or step["value"] < 200:
            raise Unknown("%d interrupts, %d apart" % (step["last"], step["value"]))
        e.count = {"irq": step["last"]}
        return "value:%x" % step["last"]

    do_regs = do_deep = do_timer

    def do_hold(self, step, e, said):
        e.count = {"behind": 1}

    def do_ipi(self, step, e, said):
        if step["last"]:
            e.count = {"ipi": step["last"]}

    def do_alarm(self, step, e, said):
        self.alarms.setdefault(step["first"], step["value"])

    def do_cancel(self, step, e, said):
        return None if self.alarms.pop(step["first"], None) is not None else "none"

    def do_wait(self, step, e, said):
        """By time; of those at one time, as the kernel has it."""
        told = said.cells.get(("kernel", "fired"), "") if said else ""
        place = {int(n): i for i, n in enumerate(re.findall(r"\d+", told))}
        order = sorted(self.alarms, key=lambda a: (self.alarms[a], place.get(a, a), a))
        e.cells["kernel", "fired"] = ",".join(map(str, order)) or "none"
        self.alarms = {}

    def do_trap(self, step, e, said):
        word, value = step["word"], step["value"]
        e.count = {"reports": 1}
        if word == "nested":
            e.count = {"reports": 2, "cause": 13}
            self.check_address(step, value)
        elif word == "stack":
            # the frame of the trap would go below sp: that is noticed instead
            e.count.update({"cause": 15, "said": 1})
            self.check_address(step, value)
        elif word not in CAUSES:
            raise Unknown("trap " + word)
        else:
            e.count["cause"], address = CAUSES[word]
            if word == "amo" and said and said.count.get("cause") == 4:
                e.count["cause"] = 4    # so says QEMU 7
            if address:
                self.check_address(step, value)
        if word in ("nested", "stack") or CAUSES[word][1]:
            e.count["stval"] = value
        else:
            e.loose = ("stval",)
        return "panic"

    @staticmethod
    def check_address(step, value):
        """Nothing may be there."""
        if step["word"] == "copy":
            if value < 1 << 63:
                raise Unknown("trap copy of what may be a program's")
            return
        align = value % 8 if step["word"] in ("load", "store", "nested", "stack") else 0
        if value >= USER_END or align or (step["word"] == "amo" and value % 4 == 0):
            raise Unknown("trap %s %#x" % (step["word"], value))

    def do_recover(self, step, e, said):
        if step["word"] not in ("load", "store", "copy") or step["value"] >= USER_END:
            raise Unknown("recover " + step["word"])
        e.count = {"traced": 1}
        return "fault"

    def do_resume(self, step, e, said):
        if step["word"] not in RESUMED:
            raise Unknown("resume " + step["word"])
        e.count = RESUMED[step["word"]]
