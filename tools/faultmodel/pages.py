"""Pages on paper: frames, files, and what a pattern fills them with."""
from .counters import PAGE


class Frame:
    """A page of memory.  OWNERS: spaces whose private page it is; RELATIVES: it had
    several since it was made or written in place [80]."""

    def __init__(self, data=None):
        self.data = bytearray(data or PAGE)
        self.owners, self.relatives = 1, False


ZERO = Frame()


class File:
    def __init__(self, data):
        self.pages, self.size = {}, len(data)
        self.written = set()        # pages that are dirty since they were cleaned
        self.cold = set()           # pages that are only on the disk
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
