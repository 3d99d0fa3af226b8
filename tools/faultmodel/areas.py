"""Address spaces on paper: areas, entries, and what an access does.

The kernel's promises (docs/design/mm.md, rows in brackets) written down a second
time, in the plainest way: a space is a list of areas and a table from page to entry;
an entry is a frame and whether it is writable; a private page is a frame with the
number of spaces it belongs to.

    no area, or not this right          segv [1, 2]
    private page there, store           sole owner: reuse [31], else copied: cow [32]
    private page there, no entry        mapped again
    no page, load                       zero: the one zero page [27]
    no page, store                      anon: a new page of zeros [28, 29]
    file, load                          fread, and up to 15 neighbours that are in
                                        memory: around [41]
    file private, store                 fcow: copied into the space [44]
    file shared, store                  fshared if not mapped, mkwrite if clean [46]
    file, behind its end                sigbus [51]

Nothing here was taken from a run of the kernel.
"""
from .counters import (ACCERR, ADRERR, BUS, COUNTERS, ENOMEM, MAPERR, PAGE, R, SEGV, W,
                       X, Signal, Unknown)
from .pages import ZERO, Frame
from .swap import Room

AROUND = 16
GAP = 256 * PAGE        # nobody maps so close below a stack


class Area:
    """LAYERS: [(first address, whose private pages these are, what its index 0 is)]: None
    while it has none.  Two areas with private pages of their own may stay two though they
    are alike, so where such ones meet there is a seam, which may be an end or not."""

    def __init__(self, start, end, rights, file, at, shared, layers=None,
                 locked=False):
        self.start, self.end, self.rights = start, end, rights
        self.file, self.at, self.shared = file, at, shared
        self.layers, self.locked = layers or [(start, None, 0)], locked

    def cut(self, start, end):
        at = self.at + start - self.start
        first = max(n for n, k in enumerate(self.layers) if k[0] <= start)
        layers = [(start,) + self.layers[first][1:]]
        layers += [k for k in self.layers[first + 1:] if k[0] < end]
        return Area(start, end, self.rights, self.file, at, self.shared, layers,
                    self.locked)

    def grown(self, start, end):
        """What would be there if this area went on from START to END."""
        return Area(start, end, self.rights, self.file, self.at + start - self.start,
                    self.shared, None, self.locked)

    def moved(self, to):
        by = to - self.start
        return Area(to, self.end + by, self.rights, self.file, self.at, self.shared,
                    [(first + by, k, index + by) for first, k, index in self.layers],
                    self.locked)

    def own(self, va):
        """There is a private page at VA."""
        n = max(n for n, k in enumerate(self.layers) if k[0] <= va)
        if self.layers[n][1] is None:
            self.layers[n] = (self.layers[n][0], object(), self.layers[n][0])

    def join(self, a, used):
        """A ends where this begins, and they become one.  USED: layers that other areas
        have, too: whether such a one reaches further is the kernel's matter."""
        mine, last = self.layers[0], a.layers[-1]
        a.end = self.end
        if mine[1:] == last[1:]:
            a.layers += self.layers[1:]
        elif last[1] is None and mine[1] not in used:
            a.layers[-1:] = [(last[0],) + mine[1:]] + self.layers[1:]
        elif mine[1] is None and last[1] not in used:
            a.layers += self.layers[1:]
        else:
            a.layers += self.layers

    def index(self, va):
        return (self.at + va - self.start) // PAGE

    def follows(self, a):
        """May A and this, which begins where A ends, be one area?"""
        return (a.end == self.start and a.rights == self.rights and a.file is self.file and
                a.shared == self.shared and a.locked == self.locked and
                (a.file is None or a.at + a.end - a.start == self.at))


class Entry:
    """USED and DIRTY: its bits A and D."""

    def __init__(self, frame, writable):
        self.frame, self.writable = frame, writable
        self.used, self.dirty = True, False


class Space:
    def __init__(self, machine):
        self.areas, self.entries, self.private = [], {}, {}
        self.count = dict.fromkeys(COUNTERS, 0)
        self.waited = False             # a fault may have had to wait
        self.heap = self.stack = None   # the break; (where the stack begins, may begin)
        self.machine, self.scope = machine, None
        machine.spaces.append(self)

    def add(self, name, n=1):
        self.count[name] += n

    # ---- areas ----

    def area(self, va):
        for a in self.areas:
            if a.start <= va < a.end:
                return a
        return None

    def insert(self, area):
        self.areas = sorted(self.areas + [area], key=lambda a: a.start)
        self.merge()

    def merge(self):
        out = []
        for a in self.areas:
            if out and a.follows(out[-1]):
                others = [b for b in self.areas if b is not a and b.end != a.start]
                out[-1] = out[-1].cut(out[-1].start, out[-1].end)
                a.join(out[-1], {k[1] for b in others for k in b.layers} - {None})
            else:
                out.append(a)
        self.areas = out

    def split(self, start, end):
        """No area reaches over START or END."""
        for cut in (start, end):
            a = self.area(cut)
            if a and a.start < cut:
                self.areas.remove(a)
                self.areas += [a.cut(a.start, cut), a.cut(cut, a.end)]
        self.areas.sort(key=lambda a: a.start)

    def move(self, start, end, to, size):
        """[START, END) of one area becomes SIZE bytes at TO, where nothing is.  Pages and
        entries come along."""
        keep = min(end - start, size)
        self.unmap(start + keep, end)
        self.split(start, start + keep)
        area = self.area(start)
        self.areas.remove(area)
        for table in (self.entries, self.private):
            for va in range(start, start + keep, PAGE):
                if va in table:
                    table[va - start + to] = table.pop(va)
        moved = area.moved(to)
        self.areas += [moved] + ([moved.grown(to + keep, to + size)] if size > keep else [])
        self.areas.sort(key=lambda a: a.start)
        self.merge()

    def grow_stack(self, page):
        """Is it a stack below which PAGE lies, and may it grow so far?"""
        if self.stack is None or not self.stack[0] - (1 << 24) < page < self.stack[0]:
            return False
        start, least = self.stack
        if page < least or any(a.start < start and page < a.end + GAP for a in self.areas):
            return False
        self.insert(Area(page, start, R | W, None, 0, False))
        self.stack = (page, least)
        return True

    def drop(self, start, end, pages=True):
        """Forget the entries, and the private pages."""
        self.forget(start, end)
        for va in range(start, end, PAGE):
            frame = self.private.pop(va, None) if pages else None
            if frame:
                frame.owners -= 1
                if frame.owners == 0:
                    self.machine.free(frame)

    def forget(self, start, end):
        for va in range(start, end, PAGE):
            e = self.entries.pop(va, None)
            if e:
                e.frame.dirty |= e.dirty

    def unmap(self, start, end):
        self.split(start, end)
        self.areas = [a for a in self.areas if not start <= a.start < end]
        self.drop(start, end)
        self.merge()

    def protect(self, start, end, rights):
        """Pages up to a hole have the new rights, then ENOMEM."""
        hole = next((va for va in range(start, end, PAGE) if not self.area(va)), None)
        if hole is not None:
            end = hole
        self.split(start, end)
        for a in self.areas:
            if start <= a.start < end:
                a.rights = rights
        for va in range(start, end, PAGE):
            e = self.entries.get(va)
            if e and not rights & (R | W | X):
                self.forget(va, va + PAGE)
            elif e and not rights & W:
                e.writable = False
        self.merge()
        return 0 if hole is None else ENOMEM

    # ---- faults ----

    def allowed(self, area, kind):
        return area.rights & {"load": R, "store": W, "fetch": X}[kind]

    def entry_allows(self, va, kind):
        e, a = self.entries.get(va), self.area(va)
        if kind == "load" and e and a and a.rights & W:
            return True         # RISC-V has no entry with W and without R
        return e and a and self.allowed(a, kind) and (kind != "store" or e.writable)

    def touch(self, va, kind):
        """Access the address VA: faults if it must.  Returns its frame."""
        page = va & -PAGE
        if not self.entry_allows(page, kind):
            self.fault(va, page, kind)
        e = self.entries[page]
        e.used = True
        e.dirty |= kind == "store"
        return e.frame

    def fault(self, va, page, kind):
        if self.area(page) is None:
            self.grow_stack(page)
        self.add("flt")
        area = self.area(page)
        if area is None or not self.allowed(area, kind):
            self.add("segv")
            raise Signal(SEGV, ACCERR if area else MAPERR, va)
        if area.file and area.index(page) >= (area.file.size + PAGE - 1) // PAGE and \
                page not in self.private:
            self.add("sigbus")
            raise Signal(BUS, ADRERR, va)
        cold = area.file and page not in self.private and \
            area.index(page) in area.file.cold
        if cold:
            self.warm(area.file)
        swapped = self.fill(page, area, kind)
        self.add("maj" if cold or swapped else "min")

    def fill(self, page, area, kind):
        """One look after the other, until there is an entry.  Was it read from swap?  Room
        for a copy may be made by the very page that is to be copied."""
        room, swapped = Room(self, page), False
        while True:
            frame = self.private.get(page)
            copies = frame and kind == "store" and frame.owners > 1
            private = not area.shared and (kind == "store" or
                                           frame is not None and not frame.there)
            if frame and not frame.there:
                if room.made(False) or self.lacks_memory():
                    continue
                swapped = self.machine.brings(self, page, frame)
            elif private and (not frame or copies) and (
                    room.made(True) or self.lacks_memory()):
                continue
            elif frame:
                self.fault_private(page, area, kind)
                return swapped
            else:
                self.fault_nothing(page, area, kind)
                return swapped

    def lacks_memory(self):
        """One page of memory is taken; if that fails, it is tried again."""
        fails = self.machine.fails("page")
        self.add("oom", fails)
        return fails

    def fault_nothing(self, page, area, kind):
        if area.file or area.shared:
            self.fault_file(page, area, kind)
        elif kind == "store":
            self.add("anon")
            self.own(page, Frame(None, self.machine), True)
        else:
            self.add("zero")
            self.entries[page] = Entry(ZERO, False)

    def warm(self, file):
        """A page comes from the disk.  Which others come along is the kernel's matter."""
        if len(file.pages) > 1:
            raise Unknown("which pages of a file come from the disk")
        file.cold.clear()
        self.waited = True

    def own(self, page, frame, writable):
        self.area(page).own(page)
        frame.dirty = True
        self.private[page] = frame
        self.entries[page] = Entry(frame, writable)
        self.note(page, frame)

    def note(self, va, frame):
        """It counts for the quota, if there is one."""
        if self.scope and self.scope.start <= va < self.scope.end:
            self.scope.add(frame)

    def fault_private(self, page, area, kind):
        frame = self.private[page]
        if kind != "store":
            self.entries[page] = Entry(frame, bool(area.rights & W) and
                                       not frame.relatives)
        elif frame.owners == 1:
            self.add("reuse")
            self.entries[page] = Entry(frame, True)
        else:
            self.add("cow")
            frame.owners -= 1
            self.own(page, Frame(frame.data, self.machine), True)

    def fault_file(self, page, area, kind):
        frame = area.file.page(area.index(page))
        if kind != "store":
            self.add("fread")
            self.map_around(page, area)
        elif area.shared:
            self.add("fshared")
            self.add("mkwrite")
            self.waited = self.waited or area.file.disk     # for room on it
            area.file.written.add(area.index(page))
            self.entries[page] = Entry(frame, True)
        else:
            self.add("fcow")
            self.own(page, Frame(frame.data, self.machine), True)

    def map_around(self, page, area):
        self.entries[page] = Entry(area.file.page(area.index(page)), False)
        first = page & -(AROUND * PAGE)
        for va in range(first, first + AROUND * PAGE, PAGE):
            inside = area.start <= va < area.end
            if va == page or not inside or va in self.entries or va in self.private:
                continue
            n = area.index(va)
            if n in area.file.pages and n * PAGE < area.file.size:
                self.entries[va] = Entry(area.file.pages[n], False)
                self.add("around")

    def fork(self):
        child = Space(self.machine)
        child.heap, child.stack = self.heap, self.stack
        child.areas = [a.cut(a.start, a.end) for a in self.areas]
        for a in child.areas:
            a.locked = False
        child.private = dict(self.private)
        for va, frame in self.private.items():
            frame.owners, frame.relatives = frame.owners + 1, True
            if va in self.entries:
                self.entries[va].writable = False
        return child
