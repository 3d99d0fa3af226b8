"""Programs that scenarios make and run: what exec maps, and how often that faults.

A program header is a mapping of the file, whole pages of it, private; what memory has
more than the file is an area of nothing behind.  In the page where both meet exec itself
writes zeros, so that page is private before the program begins; so is a page of the stack.
All else comes when it is touched.
"""
from .areas import Area, Space
from .counters import PAGE, R, Unknown, W, X
from .pages import File, pattern_page

TEXT, DATA, STACK = 0x10000, 0x400000, 0x7f000000

KINDS = ("load", "store", "text")


def up(n):
    return (n + PAGE - 1) & -PAGE


class Program:
    def __init__(self, text, data, bss):
        self.text, self.data, self.bss = text, data, bss
        raw = b"".join(pattern_page(1, 1, n) for n in range(up(text + data) // PAGE))
        self.file = File(raw[:text + data])
        self.at = DATA + text % PAGE        # of the data

    def headers(self):
        """(address, offset in the file, bytes of it, bytes in memory, rights)"""
        return ((TEXT, 0, self.text, self.text, R | X),
                (self.at, self.text, self.data, self.data + self.bss, R | W))

    def begin(self, space):
        """What exec does."""
        for at, offset, in_file, in_memory, rights in self.headers():
            low, middle, end = at & -PAGE, up(at + in_file), up(at + in_memory)
            space.insert(Area(low, middle, rights, self.file, offset & -PAGE, False))
            if middle < end:
                space.insert(Area(middle, end, rights, None, 0, False))
            if in_memory > in_file and (at + in_file) % PAGE:
                space.touch(at + in_file, "store")
        space.insert(Area(STACK, STACK + PAGE, R | W, None, 0, False))
        space.touch(STACK, "store")
        space.touch(TEXT, "fetch")

    def address(self, kind, at):
        if kind == "text":
            if not PAGE <= at < self.text:
                raise Unknown("byte %d of the text" % at)
            return TEXT + at
        if at >= self.data + self.bss:
            raise Unknown("byte %d of data and bss" % at)
        return self.at + at


class ProgramSteps:
    """The part of memory.World that has them."""

    def do_program(self, step, space, out):
        self.programs[step["file"]] = p = Program(step["value"], step["at"], step["last"])
        self.files[step["file"]] = p.file

    def do_run(self, step, space, out):
        """Its result is the number of faults, of exec and of the program."""
        program, child = self.programs[step["file"]], Space(self.machine)
        program.begin(child)
        for i in range(step["first"]):
            word = (step["value"] if i < 2 else step["at"]) >> i % 2 * 32 & 0xffffffff
            kind = KINDS[word >> 30]
            child.touch(program.address(kind, word & (1 << 30) - 1),
                        "store" if kind == "store" else "load")
        out.result = "value:%x" % child.count["flt"]
        for a in list(child.areas):
            child.unmap(a.start, a.end)
        self.machine.spaces.remove(child)
