"""The steps of a scenario that are about memory and processes: what each must do."""
import zlib

from .areas import Area
from .counters import PAGE, Killed, Signal, Unknown
from .pages import File, pattern_page

FIRST, BEHIND = 0x40000000, 0x60000000


class Steps:
    """The part of memory.World that has a method do_VERB for each."""

    def span(self, step):
        base = self.base(step)
        return base + step["first"] * PAGE, base + (step["last"] + 1) * PAGE

    def do_map(self, step, space, out):
        start, end = step["value"], step["value"] + (step["last"] + 1) * PAGE
        file = self.files[step["file"]] if "file" in step else None
        if file is None and step["shared"]:
            file = File(b"")
            file.size = end - start
        space.unmap(start, end)
        space.insert(Area(start, end, step["rights"], file, step["at"], bool(step["shared"])))

    def do_unmap(self, step, space, out):
        space.unmap(*self.span(step))

    def do_protect(self, step, space, out):
        err = space.protect(*self.span(step), step["rights"])
        if err:
            out.result = "error:%d" % err

    def do_advise(self, step, space, out):
        start, end = self.span(step)
        if step["advice"] == 8:
            self.give_up(space, start, end)
        elif step["advice"] == 4:
            space.drop(start, end)
        else:
            raise Unknown("this advice")

    def do_read(self, step, space, out):
        base, total = self.base(step), 0
        for n in range(step["first"], step["last"] + 1):
            frame = space.touch(base + n * PAGE, "load")
            total = zlib.crc32(frame.data, total)
            if step["pattern"] and bytes(frame.data) != pattern_page(
                    step["pattern"], step["value"], n):
                self.complain(step, "page %d does not hold that" % n)
        out.result = "value:%x" % total

    def do_weave(self, step, space, out):
        x, pages = step["value"], step["last"] - step["first"] + 1
        for i in range(step["value"]):
            x = (x * 1664525 + 1013904223) & 0xffffffff
            page = (x >> 16) % (pages if i % 2 == 0 or pages < 3 else 3)
            space.touch(self.base(step) + (step["first"] + page) * PAGE, "load")

    def do_write(self, step, space, out):
        base = self.base(step)
        for n in range(step["first"], step["last"] + 1):
            frame = space.touch(base + n * PAGE, "store")
            frame.data[:] = pattern_page(step["pattern"], step["value"], n)

    def where(self, step):
        return self.base(step) + step["first"] * PAGE + step["offset"]

    def access(self, kind, step, space):
        va = self.where(step)
        return va % PAGE, space.touch(va, kind)

    def do_load(self, step, space, out):
        at, frame = self.access("load", step, space)
        out.result = "value:%x" % frame.data[at]
        if step["pattern"] and frame.data[at] != step["value"]:
            self.complain(step, "there is %d, not %d" % (frame.data[at], step["value"]))

    def do_store(self, step, space, out):
        at, frame = self.access("store", step, space)
        frame.data[at] = step["value"]

    def do_fetch(self, step, space, out):
        at, frame = self.access("fetch", step, space)
        word = int.from_bytes(frame.data[at:at + 4], "little")
        if word & 0xfffff != 0x513 or frame.data[at + 4:at + 6] != b"\x67\x80":
            raise Unknown("other code than code(n)")
        out.result = "value:%x" % (word >> 20)

    def do_fork(self, step, space, out):
        self.spaces[step["other"]] = space.fork()
        self.parents[step["other"]] = step["proc"]
        if step["proc"] in self.harts:
            self.harts[step["other"]] = self.harts[step["proc"]]

    def end(self, number):
        space = self.spaces.pop(number)
        self.let_go(space)
        space.unmap(FIRST, BEHIND)
        self.machine.spaces.remove(space)
        for key in [k for k in self.told if k[0] == number]:
            del self.told[key]

    def do_exit(self, step, space, out):
        self.end(step["proc"])
        self.buried.add(self.parents.get(step["proc"]))
        out.result = "exited:%d" % step["value"]

    def do_die(self, step, space, out):
        try:
            self.access(step["access"], step, space)
            raise Unknown("an access that is allowed cannot end a process")
        except Killed:
            self.end(step["proc"])
            out.result = "killed:9"
        except Signal as s:
            self.end(step["proc"])
            self.faults += 1
            out.result = "killed:%d" % s.number
