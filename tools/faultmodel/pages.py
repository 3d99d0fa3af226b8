"""Pages on paper: frames, files, and what a pattern fills them with."""
from .counters import PAGE


class Frame:
    """A page, in memory or not (THERE).  OWNERS: spaces whose private page it is;
    RELATIVES: it had several since it was made [80].  SLOT: swap has
    a place for it; DIRTY: and what is there is not what it holds; SCOPE: whose quota it
    counts for.  LAZY: given up, unless it is written to; ZEROS: it went so;
    KEPT: somebody else has a reference."""

    def __init__(self, data=None, machine=None):
        self.data, self.machine = bytearray(data or PAGE), machine
        self.owners, self.relatives = 1, False
        self.there, self.slot, self.dirty, self.scope = True, False, False, None
        self.lazy = self.zeros = self.kept = False

    def used(self):
        return any(e.used for _, _, e in self.machine.entries(self))

    def clear_used(self):
        for _, _, e in self.machine.entries(self):
            e.used = False

    def is_dirty(self):
        return self.dirty or any(e.dirty for _, _, e in self.machine.entries(self))

    def may_go(self):
        return not any(s.area(va).locked for s, va, _ in self.machine.entries(self))


ZERO = Frame()


class File:
    def __init__(self, data):
        self.pages, self.size = {}, len(data)
        self.written = set()        # pages that are dirty since they were cleaned
        self.cold = set()           # pages that are only on the disk
        self.placed = set()         # pages for which the disk has a block
        self.disk = self.vague = False      # VAGUE: what of it is dirty the kernel may say
        for at in range(0, len(data), PAGE):
            piece = data[at:at + PAGE]
            self.pages[at // PAGE] = Frame(piece + bytes(PAGE - len(piece)))

    def page(self, n):
        if n not in self.pages:
            self.pages[n] = Frame()
        return self.pages[n]


def byte(pattern, value, page, i):
    if pattern == 1:
        return (value * 131 + page * 31 + i * 7 + (i >> 8)) & 255
    if pattern == 2:
        return value & 255
    if pattern == 4:
        return value >> 8 * i & 255 if i < 4 else 0
    code = [0x13, 5, 0, 0, 0x67, 0x80, 0, 0]
    word = 0x513 | (value & 0x7ff) << 20
    return 0 if i >= 8 else word >> 8 * i & 255 if i < 4 else code[i]


def pattern_page(pattern, value, page):
    return bytes(byte(pattern, value, page, i) for i in range(PAGE))
