"""What a machine of QEMU's board "virt" is, and what a scenario of lab 0 must report.

RAM and harts are what the scenario asked QEMU for; the rest is the board's memory map
(QEMU's documentation, "virt"; the clock is 10 MHz).
"""
from .memory import Expected, Unknown

BOARD = {"start": 0x80000000, "pieces": 1, "skipped": 0, "clock": 10000000,
         "uart": 0x10000000, "uart_kind": 1, "uart_irq": 10, "plic": 0xc000000,
         "test": 0x100000, "rtc": 0x101000, "virtio": 8, "virtio_first": 0x10001000,
         "firmware": 0x80000000, "initrd": 1, "image": 1}
NAMES = "rgbw"
ENDS = {"off": 0, "refuse": 1, "fault": 1, "stack": 1, "assert": 1, "nested": 1, "panic": 1}


class World:
    def __init__(self, scn):
        self.scn, self.wrong = scn, []

    @staticmethod
    def describe(step):
        return "%s %s" % (step["op"], step["word"]) if step["op"] != "chain" else \
            "chain %d %d %s" % (step["value"], step["last"], step["word"])

    def walk(self, story=None):
        out, self.told = [], None
        for i, step in enumerate(self.scn["steps"]):
            e, do = Expected(), getattr(self, "do_" + step["op"], None)
            if do is None:
                raise Unknown("%s in lab 0" % step["op"])
            e.result = do(step, e) or "ok"
            claim = step["claim"].strip()
            if story is None and claim and claim != e.result.split(":")[0]:
                self.wrong.append("line %d: the model says %s, not %s"
                                  % (step["line"], e.result, claim))
            out.append((i, e))
        return out

    def do_ask(self, step, e):
        scn, harts = self.scn, self.scn["harts"]
        board = dict(BOARD, ram=scn["memory"] << 20, harts=harts,
                     hartids=harts * (harts + 1) // 2)
        if step["word"] not in board:
            raise Unknown("ask " + step["word"])
        return "value:%x" % board[step["word"]]

    def do_chain(self, step, e):
        """Who was called last comes first."""
        if step["word"] not in ("print", "panic", "fault", "leaf"):
            raise Unknown("chain ... " + step["word"])
        digits = [step["value"] >> 2 * i & 3 for i in range(step["last"])]
        text = "".join(NAMES[d] for d in reversed(digits)) or "none"
        if text != self.told:
            e.cells["kernel", "calls"] = self.told = text
        return None if step["word"] == "print" else "panic"

    def do_halt(self, step, e):
        if step["word"] not in ENDS or step is not self.scn["steps"][-1]:
            raise Unknown("halt %s, not as the last step" % step["word"])
        return "ended:%d" % ENDS[step["word"]]
