"""Page tables on paper: what each step of a scenario of lab 3 must do.

A space is a list of leaves: address, level, rights, and the frame that is shown.  Which
tables there must be follows from it: one above each leaf, at each level, and no other.

What the kernel has is decoded here, from its tables as they lie in memory (The RISC-V
Instruction Set Manual, Volume II, 1.12, sections 4.3 to 4.5): an entry is 64 bits, bits
0..7 are V R W X U G A D, 10..53 the frame, 54..63 must be 0; one of R, W and X makes it
a leaf, whose frame is aligned to what it maps; W without R may not be.
"""
import re

from .memory import Unknown
from .paper import Paper

PAGE = 4096
V, R, W, X, U, G, A, D = (1 << i for i in range(8))
LEVELS = {"sv39": 3, "sv48": 4, "sv57": 5}
MODES = {3: 8, 4: 9, 5: 10}             # the number in satp
BIG_PAGES = 512

# What the kernel's own mappings allow: (load, store, exec).
PLACES = {"text": "lx", "rodata": "l", "data": "ls", "stack": "ls", "frame": "ls",
          "alias": "l", "null": "", "top": ""}


def span(level):
    return PAGE << 9 * level


def rights_text(entry):
    return "".join(c for c, bit in (("r", R), ("w", W), ("x", X)) if entry & bit)


class Dump:
    """Tables as the kernel sent them: lines "LEVEL FRAME INDEX*N=ENTRY ..."."""

    def __init__(self, lines):
        self.tables, self.frames, self.root, self.mode = {}, [], None, None
        for words in lines:
            if words[0] == "frame":
                self.frames.append((int(words[2], 16), int(words[1]), int(words[3])))
            elif words[0] == "root":
                self.root, self.mode = int(words[1], 16), int(words[2])
            else:
                level, frame = int(words[0]), int(words[1], 16)
                table = self.tables.setdefault(frame, {})
                for word in words[2:]:
                    at, n, entry = re.match(r"(\d+)\*(\d+)=([0-9a-f]+)$", word).groups()
                    for i in range(int(n)):
                        table[int(at) + i] = int(entry, 16) + (i << 10 + 9 * level)


def what_is_wrong(entry, level):
    """None, or why the hart would refuse the leaf or pointer ENTRY."""
    if entry >> 54:
        return "reserved bits"
    if not entry & V:
        return "not 0, but not valid"
    if not entry & (R | W | X):
        return "a table with A, D or U" if entry & (A | D | U) else None
    if entry & W and not entry & R:
        return "W without R"
    if (entry >> 10) % (1 << 9 * level):
        return "a leaf whose frame is not aligned"
    return None


def leaves(dump, frame, level, va=0):
    """Yield (address, level, entry, complaint) of all leaves below; a table yields
    entry None."""
    for i in sorted(dump.tables.get(frame, {})):
        entry, at = dump.tables[frame][i], va + i * span(level)
        wrong = what_is_wrong(entry, level)
        if wrong or entry & (R | W | X):
            yield at, level, entry, wrong
        elif level == 0:
            yield at, level, entry, "a pointer at the last level"
        else:
            yield at, level, None, None
            yield from leaves(dump, entry >> 10 & (1 << 44) - 1, level - 1, at)


class World(Paper):
    LAB = 3

    def __init__(self, scn):
        super().__init__(scn)
        mode = re.search(r"mmu=(\w+)", scn["boot"])
        self.top = LEVELS[mode.group(1) if mode else "sv57"] - 1

    @staticmethod
    def describe(step):
        va, slot, r = "%#x" % step["value"], step["first"], step["rights"]
        rights = rights_text((r & 7) << 1) or "none"
        text = {"enter": "%s %d %s" % (va, slot, rights), "big": "%s %d %s" % (
            va, slot, rights), "rights": "%s %s" % (va, rights), "word": str(slot),
            "clear": "%s %d" % (va, step["last"]), "remap": "%s %d" % (va, slot),
            "poke": "%s %d" % (va, slot), "probe": step["word"], "half": "",
            "rival": "%s %d %s" % (va, slot, rights)}
        return (step["op"] + " " + text.get(step["op"], va)).strip()

    def begin(self):
        self.leaf = {}              # address: [level, rights, slot, page of it]
        self.words, self.sizes, self.told, self.got = {}, {}, None, None
        self.frames = []
        self.laid = set()           # addresses to which there are tables, without an entry
        self.shared = False         # is what a flush does looked at?
        self.others = 0             # other harts that run the space: bits

    def act(self, do, step, e, said):
        return do(step)

    def after(self, step, e, said):
        self.look(step, e)
        if step["op"] == "remap" and e.result == "ok" and self.shared:
            self.flushed(e)
        if said:
            self.decode(step, said)

    # ---- what there is ----

    def tables(self):
        """Beside the root."""
        some = [(va, leaf[0]) for va, leaf in self.leaf.items()]
        return {(k, va // span(k + 1)) for va, level in some + [(va, 0) for va in self.laid]
                for k in range(level, self.top)}

    @staticmethod
    def text(rows):
        """[(address, level, rights, slot, page)], where they follow each other in one."""
        out = []
        for va, level, rights, slot, page in rows:
            last = out[-1] if out else None
            if last and last[1:4] == [level, rights, slot] and level == 0 and \
                    last[0] + last[5] * PAGE == va and last[4] + last[5] == page:
                last[5] += 1
            else:
                out.append([va, level, rights, slot, page, 1])
        return " ".join("%x%s:%s%s=%s%s" % (
            va, "*%d" % n if n > 1 else "", rights, "" if level == 0 else "/L%d" % level,
            slot, "+%d" % page if page else "") for va, level, rights, slot, page, n
            in out) or "nothing"

    def look(self, step, e):
        n = len(self.tables())
        e.count = {"used": n + 1}
        if n:
            e.count["tables"] = n
        if step["op"] == "half":
            e.count = {"used": n + 1}
            return
        text = self.text((va, leaf[0], rights_text(leaf[1]), leaf[2], leaf[3])
                         for va, leaf in sorted(self.leaf.items()))
        if text != self.told:
            e.cells["kernel", "map"] = self.told = text

    def flushed(self, e):
        """Each other hart that runs the space was asked, and is counted."""
        e.count["tlb_loc"] = 1
        if self.others:
            e.count.update(asked=self.others, tlb_rem=bin(self.others).count("1"))

    # ---- what the kernel has ----

    def frame_name(self, frame):
        for first, slot, order in self.frames:
            if first <= frame < first + (1 << order):
                return slot, frame - first
        return "frame %x?" % frame, 0

    def decode(self, step, said):
        dump = Dump(said.raw)
        self.frames += dump.frames
        if dump.root is None:
            return
        if dump.mode != MODES[self.top + 1]:
            said.cells["kernel", "mode"] = "satp has mode %d" % dump.mode
        found = list(leaves(dump, dump.root, self.top))
        if step["op"] == "half":
            self.decode_half(said, found)
            return
        rows, wrong, tables = [], [], 0
        for va, level, entry, why in found:
            tables += entry is None
            if why:
                wrong.append("%x: %s" % (va, why))
            elif entry is not None:
                rows.append((va, level, rights_text(entry) + (
                    "" if entry & U else "-noU"), *self.frame_name(entry >> 10)))
        if tables:
            said.count["tables"] = tables
        text = "; ".join([self.text(rows)] + wrong)
        if text != self.got:
            said.cells["kernel", "map"] = self.got = text

    @staticmethod
    def decode_half(said, found):
        """The kernel's own mappings: nobody may write what can run."""
        for _, _, entry, why in found:
            for name, bad in (("bad", why), ("user", entry and entry & U),
                              ("wx", entry and entry & W and entry & X)):
                if bad:
                    said.count[name] = said.count.get(name, 0) + 1
        if not any(entry and entry & X for _, _, entry, _ in found):
            said.count["nocode"] = 1

    # ---- steps ----

    def find(self, va):
        """The address of the leaf that maps VA, or None."""
        for level in range(self.top + 1):
            at = va // span(level) * span(level)
            if at in self.leaf and self.leaf[at][0] == level:
                return at
        return None

    def new(self, step, level):
        va, slot = step["value"] // span(level) * span(level), step["first"]
        order = 9 if level else 0
        if self.sizes.setdefault(slot, order) != order:
            return "none"
        at = self.find(va)
        if at is not None:
            return "busy" if self.leaf[at][0] == level else "none"
        if level and any(va <= other < va + span(level) for other in [*self.leaf, *self.laid]):
            return "busy"
        self.leaf[va] = [level, (step["rights"] & 7) << 1, slot, 0]
        return None

    def do_enter(self, step):
        return self.new(step, 0)

    do_rival = do_enter     # who makes the tables does not show

    def do_way(self, step):
        at = self.find(step["value"])
        if at is not None and self.leaf[at][0]:
            return "none"
        self.laid.add(step["value"])
        return None

    def do_share(self, step):
        self.shared = True
        self.others |= step["value"] & (1 << self.scn["harts"]) - 1 & ~1

    def do_big(self, step):
        return self.new(step, 1)

    def do_clear(self, step, pages=None):
        va, gone = step["value"], False
        for n in range(pages or step["last"]):
            at = self.find(va + n * PAGE)
            if at is not None:
                del self.leaf[at]
                gone = True
        if gone:        # the last tables of the range that nobody needs go along
            end = va + (pages or step["last"]) * PAGE
            self.laid = {at for at in self.laid
                         if at // span(1) < va // span(1) or at // span(1) * span(1) >= end}
        return None if gone else "none"

    def do_remove(self, step):
        return self.do_clear(step, 1)

    def do_rights(self, step):
        at = self.find(step["value"])
        if at is None:
            return "none"
        self.leaf[at][1] = (step["rights"] & 7) << 1
        return None

    def do_remap(self, step):
        at, slot = self.find(step["value"]), step["first"]
        if self.sizes.setdefault(slot, 0) or at is None or self.leaf[at][0]:
            return "none"
        self.leaf[at][2:] = [slot, 0]
        return None

    def do_split(self, step):
        at = self.find(step["value"])
        if at is None or self.leaf[at][0] != 1:
            return "none"
        _, rights, slot, _ = self.leaf.pop(at)
        for page in range(BIG_PAGES):
            self.leaf[at + page * PAGE] = [0, rights, slot, page]
        return None

    def target(self, va, right):
        """(slot, page) that an access reaches, or None."""
        at = self.find(va)
        if at is None or not self.leaf[at][1] & right:
            return None
        _, _, slot, page = self.leaf[at]
        return slot, page + (va - at) // PAGE

    def do_peek(self, step):
        va = step["value"]
        there = self.target(va, R)
        if there is None:
            return "fault"
        if va % PAGE == 8:
            return "value:%x" % self.words.get(there, 0)
        return "value:%x" % (there[0] << 16 | there[1])

    def do_bare(self, step):
        return "fault"          # a user's page, and SUM is not set

    def do_poke(self, step):
        there = self.target(step["value"], W)
        if there is None:
            return "fault"
        self.words[there] = step["first"]
        return None

    def do_word(self, step):
        if step["first"] not in self.sizes:
            return None
        return "value:%x" % self.words.get((step["first"], 0), 0)

    def do_walk(self, step):
        va = step["value"]
        at = self.find(va)
        if at is not None:
            return self.leaf_text(at)
        level = self.top
        while level > 0 and (level - 1, va // span(level)) in self.tables():
            level -= 1
        return "empty:%d" % level

    def do_find(self, step):
        va = step["value"]
        at = self.find(va)
        if at is not None and self.leaf[at][0] == 0:
            return self.leaf_text(at)
        return "empty:0" if (0, va // span(1)) in self.tables() else "null"

    def leaf_text(self, at):
        return "leaf:%d:%s" % (self.leaf[at][0], rights_text(self.leaf[at][1]))

    def do_probe(self, step):
        if step["word"] == "leaf_map":
            return "none"
        place, _, access = step["word"].partition("_")
        if place not in PLACES or access not in ("load", "store", "exec"):
            raise Unknown("probe " + step["word"])
        if {"load": "l", "store": "s", "exec": "x"}[access] in PLACES[place]:
            return None
        return "panic" if access == "exec" else "fault"

    def do_half(self, step):
        return None
