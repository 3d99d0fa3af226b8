"""What a machine of QEMU's board "virt" is, and what a scenario of lab 0 must report.

RAM and harts are what the scenario asked QEMU for; the rest is the board's memory map
(QEMU's documentation, "virt"; the clock is 10 MHz).
"""
from .memory import Unknown
from .paper import Paper

BOARD = {"start": 0x80000000, "pieces": 1, "skipped": 0, "clock": 10000000,
         "uart": 0x10000000, "uart_kind": 1, "uart_irq": 10, "plic": 0xc000000,
         "test": 0x100000, "rtc": 0x101000, "virtio": 8, "virtio_first": 0x10001000,
         "firmware": 0x80000000, "initrd": 1, "image": 1}
NAMES = "rgbw"
PLAIN, CAUGHT = ("print",), ("panic", "fault", "leaf")
# The frame of the last but one says something that ends the backtrace.
DAMAGED = ("odd", "below", "itself", "far", "astray")
ENTRIES, PIECES = 64, 16        # most that discover_memory() looks at, and keeps
BANKS = ("", "more", "disabled", "near", "torn", "controller")
LINES = {"ns16550a": 1, "dw": 2, "sifive": 3, "disabled": 0, "unknown": 0, "nowhere": 0,
         "halves": 0, "shift5": 0}
ENDS = {"off": 0, "refuse": 1, "fault": 1, "stack": 1, "assert": 1, "nested": 1, "panic": 1}


class Tree:
    """A device tree of the scenario's own, and what is to be made of it."""

    def __init__(self, address_cells, size_cells):
        self.usable = 1 <= address_cells <= 2 and size_cells <= 2
        self.bits = 32 * address_cells, 32 * size_cells
        self.nodes, self.lines = [], []

    def cut(self, start, size):
        """As many bits as the cells have."""
        return start % (1 << self.bits[0]), size % (1 << self.bits[1])

    def bank(self, start, size, word):
        entry = self.cut(start, size) if word != "torn" else None
        if word == "more":
            self.nodes[-1][1].append(entry)
        else:
            self.nodes.append((word, [entry]))

    def pieces(self):
        """The RAM, sorted and joined; None: it is refused."""
        nodes = [n for n in self.nodes if n[0] not in ("disabled", "controller")]
        entries = [r for _, some in nodes for r in some]
        if not self.usable or len(entries) > ENTRIES or \
                any(r is None or sum(r) >= 1 << 64 for r in entries):
            return None
        out = []
        for start, size in sorted(r for r in entries if r[1]):
            if out and start <= sum(out[-1]):
                out[-1] = out[-1][0], max(sum(out[-1]), start + size) - out[-1][0]
            else:
                out.append((start, size))
        return out if 0 < len(out) <= PIECES else None

    def uart(self):
        for start, size, word in self.lines:
            kind, (start, size) = LINES[word], self.cut(start, size)
            shift = 2 if kind > 1 else 0
            if kind and size >= 8 << shift:
                return {"uart": start, "uart_size": size, "uart_kind": kind, "uart_irq": 7,
                        "uart_shift": shift, "uart_width": 4 if kind > 1 else 1,
                        "uart_clock": 24000000}
        return dict.fromkeys(("uart", "uart_size", "uart_kind", "uart_irq", "uart_shift",
                              "uart_width", "uart_clock"), 0)

    def ask(self, word):
        pieces = self.pieces()
        if pieces is None:
            return "refused"
        known = dict(self.uart(), ram=sum(p[1] for p in pieces), start=pieces[0][0],
                     pieces=len(pieces),
                     near=sum(len(some) for what, some in self.nodes if what == "near"))
        if word not in known:
            raise Unknown("ask %s of a tree" % word)
        return "value:%x" % known[word]


class World(Paper):
    LAB = 0

    @staticmethod
    def describe(step):
        text = {"chain": "%d %d" % (step["value"], step["last"]),
                "tree": "%d %d" % (step["first"], step["last"]),
                "bank": "%#x %#x" % (step["value"], step["at"]),
                "line": "%#x %#x" % (step["value"], step["at"])}.get(step["op"], "")
        return " ".join(w for w in (step["op"], text, step["word"]) if w)

    def begin(self):
        self.told = self.tree = None

    def do_ask(self, step, e):
        if self.tree:
            return self.tree.ask(step["word"])
        scn, harts = self.scn, self.scn["harts"]
        board = dict(BOARD, ram=scn["memory"] << 20, harts=harts,
                     hartids=harts * (harts + 1) // 2)
        if step["word"] not in board:
            raise Unknown("ask " + step["word"])
        return "value:%x" % board[step["word"]]

    def do_chain(self, step, e):
        """Who was called last comes first."""
        how = step["word"]
        if how not in PLAIN + CAUGHT + DAMAGED + ("lost", "ends") or not step["last"]:
            raise Unknown("chain ... " + how)
        digits = [step["value"] >> 2 * i & 3 for i in range(step["last"])]
        text = "".join(NAMES[d] for d in reversed(digits))
        text = text[0] if how in DAMAGED else "none" if how == "lost" else \
            "w" + text if how == "ends" else text
        if text != self.told:
            e.cells["kernel", "calls"] = self.told = text
        if how in ("fault", "leaf", "lost"):
            e.count["reports"] = 1
        return None if how in PLAIN + DAMAGED else "panic"

    def do_tree(self, step, e):
        self.tree = Tree(step["first"], step["last"])

    def do_bank(self, step, e):
        if not self.tree or step["word"] not in BANKS:
            raise Unknown("bank " + step["word"])
        self.tree.bank(step["value"], step["at"], step["word"])

    def do_line(self, step, e):
        if not self.tree or step["word"] not in LINES:
            raise Unknown("line " + step["word"])
        self.tree.lines.append((step["value"], step["at"], step["word"]))

    def do_halt(self, step, e):
        if step["word"] not in ENDS or step is not self.scn["steps"][-1]:
            raise Unknown("halt %s, not as the last step" % step["word"])
        return "ended:%d" % ENDS[step["word"]]
