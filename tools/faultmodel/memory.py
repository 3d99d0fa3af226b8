"""Address spaces on paper: what each step of a scenario must do.

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
import zlib

PAGE = 4096
R, W, X = 1, 2, 4
SEGV, BUS, MAPERR, ACCERR, ADRERR = 11, 7, 1, 2, 2
EACCES, EFAULT, EINVAL, ENOMEM = 13, 14, 22, 12
AROUND = 16
COUNTERS = ("flt min maj spur retry zero anon cow reuse fread fcow fshared mkwrite around "
            "segv sigbus oom swpin swpout rmapun").split()
FIRST, BEHIND = 0x40000000, 0x60000000


class Unknown(Exception):
    """The model has no rule for this."""


class Signal(Exception):
    def __init__(self, number, code, address):
        self.number, self.code, self.address = number, code, address


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
        for at in range(0, len(data), PAGE):
            piece = data[at:at + PAGE]
            self.pages[at // PAGE] = Frame(piece + bytes(PAGE - len(piece)))

    def page(self, n):
        if n not in self.pages:
            self.pages[n] = Frame()
        return self.pages[n]


class Area:
    def __init__(self, start, end, rights, file, at, shared):
        self.start, self.end, self.rights = start, end, rights
        self.file, self.at, self.shared = file, at, shared

    def cut(self, start, end):
        at = self.at + start - self.start
        return Area(start, end, self.rights, self.file, at, self.shared)

    def index(self, va):
        return (self.at + va - self.start) // PAGE

    def follows(self, a):
        """May A and this, which begins where A ends, be one area?"""
        return (a.end == self.start and a.rights == self.rights and a.file is self.file and
                a.shared == self.shared and
                (a.file is None or a.at + a.end - a.start == self.at))


class Entry:
    def __init__(self, frame, writable):
        self.frame, self.writable = frame, writable


class Space:
    def __init__(self):
        self.areas, self.entries, self.private = [], {}, {}
        self.count = dict.fromkeys(COUNTERS, 0)

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
                last = out[-1]
                out[-1] = last.cut(last.start, last.end)
                out[-1].end = a.end
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

    def drop(self, start, end, pages=True):
        """Forget the entries, and the private pages."""
        for va in range(start, end, PAGE):
            self.entries.pop(va, None)
            frame = self.private.pop(va, None) if pages else None
            if frame:
                frame.owners -= 1

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
                del self.entries[va]
            elif e and not rights & W:
                e.writable = False
        self.merge()
        return 0 if hole is None else ENOMEM

    # ---- faults ----

    def allowed(self, area, kind):
        rights = area.rights | (R if area.rights & W else 0)
        return rights & {"load": R, "store": W, "fetch": X}[kind]

    def entry_allows(self, va, kind):
        e, a = self.entries.get(va), self.area(va)
        return e and a and self.allowed(a, kind) and (kind != "store" or e.writable)

    def touch(self, va, kind):
        """Access the address VA: faults if it must.  Returns its frame."""
        page = va & -PAGE
        if not self.entry_allows(page, kind):
            self.fault(va, page, kind)
        return self.entries[page].frame

    def fault(self, va, page, kind):
        self.add("flt")
        area = self.area(page)
        if area is None or not self.allowed(area, kind):
            self.add("segv")
            raise Signal(SEGV, ACCERR if area else MAPERR, va)
        if area.file and area.index(page) >= (area.file.size + PAGE - 1) // PAGE and \
                page not in self.private:
            self.add("sigbus")
            raise Signal(BUS, ADRERR, va)
        self.add("min")
        if page in self.private:
            self.fault_private(page, area, kind)
        elif area.file or area.shared:
            self.fault_file(page, area, kind)
        elif kind == "store":
            self.add("anon")
            self.own(page, Frame(), True)
        else:
            self.add("zero")
            self.entries[page] = Entry(ZERO, False)

    def own(self, page, frame, writable):
        self.private[page] = frame
        self.entries[page] = Entry(frame, writable)

    def fault_private(self, page, area, kind):
        frame = self.private[page]
        if kind != "store":
            self.entries[page] = Entry(frame, bool(area.rights & W) and
                                       not frame.relatives)
        elif frame.owners == 1:
            self.add("reuse")
            frame.relatives = False
            self.entries[page] = Entry(frame, True)
        else:
            self.add("cow")
            frame.owners -= 1
            self.own(page, Frame(frame.data), True)

    def fault_file(self, page, area, kind):
        frame = area.file.page(area.index(page))
        if kind != "store":
            self.add("fread")
            self.map_around(page, area)
        elif area.shared:
            self.add("fshared")
            self.add("mkwrite")
            area.file.written.add(area.index(page))
            self.entries[page] = Entry(frame, True)
        else:
            self.add("fcow")
            self.own(page, Frame(frame.data), True)

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
        child = Space()
        child.areas = [a.cut(a.start, a.end) for a in self.areas]
        child.private = dict(self.private)
        for va, frame in self.private.items():
            frame.owners, frame.relatives = frame.owners + 1, True
            if va in self.entries:
                self.entries[va].writable = False
        return child


def byte(pattern, value, page, i):
    if pattern == 1:
        return (value * 131 + page * 31 + i * 7 + (i >> 8)) & 255
    if pattern == 2:
        return value & 255
    code = [0x13, 5, 0, 0, 0x67, 0x80, 0, 0]
    word = 0x513 | (value & 0x7ff) << 20
    return 0 if i >= 8 else word >> 8 * i & 255 if i < 4 else code[i]


def pattern_page(pattern, value, page):
    return bytes(byte(pattern, value, page, i) for i in range(PAGE))


class Expected:
    """What one step must report: RESULT, COUNT (not 0), AREAS (or None: the process has
    ended), CELLS {(process, area): text} of what is different; LOOSE: counters that may
    have any value."""

    def __init__(self):
        self.result, self.count, self.areas, self.cells = "ok", {}, None, {}
        self.loose = ()


class World:
    """Walk the steps of a scenario, as build/scn prints it."""

    def __init__(self, scn):
        self.scn, self.files, self.removed = scn, {}, set()
        self.spaces, self.parents = {0: Space()}, {}
        self.told, self.sum, self.wrong = {}, dict.fromkeys(COUNTERS, 0), []
        self.faults = 0

    def walk(self):
        """[(index of the step, Expected)]; self.wrong lists claims of the author that
        are not so."""
        out = []
        for i, step in enumerate(self.scn["steps"]):
            if step["op"] == "expect":
                self.check_expect(step)
                continue
            out.append((i, self.step(step)))
        budget = self.scn["budget"]
        if budget >= 0 and self.faults != budget:
            self.wrong.append("the budget is %d faults, the model counts %d"
                              % (budget, self.faults))
        return out

    def complain(self, step, text):
        self.wrong.append("line %d: %s" % (step["line"], text))

    def check_expect(self, step):
        name = step["word"]
        if name not in COUNTERS:
            self.complain(step, "there is no counter %s" % name)
        elif self.sum[name] != step["value"]:
            self.complain(step, "expect %s %d: the model counts %d since the last one"
                          % (name, step["value"], self.sum[name]))
        self.sum[name] = 0

    def step(self, step):
        out, space = Expected(), self.spaces[step["proc"]]
        before = dict(space.count)
        op = step["op"]
        try:
            rule = getattr(self, "do_" + op, None)
            if rule is None:
                raise Unknown("'%s'" % op)
            rule(step, space, out)
        except Signal as s:
            out.result = "signal:%d:%d:%x" % (s.number, s.code, s.address - self.base(step))
        if step["proc"] in self.spaces:
            if op != "fork":
                out.count = {k: v - before[k] for k, v in space.count.items()
                             if v != before[k]}
            out.areas = len(space.areas)
        for k, v in out.count.items():
            self.sum[k] += v
        if not out.loose:
            self.faults += out.count.get("flt", 0)
        self.check_claim(step, out)
        out.cells = self.cells_changed()
        return out

    def check_claim(self, step, out):
        """-> cow x2, reuse; segv; signal SEGV ACCERR; value 7; error 12."""
        for part in filter(None, (p.strip() for p in step["claim"].split(","))):
            words = part.split()
            times = 1
            if len(words) == 2 and words[1][:1] == "x" and words[1][1:].isdigit():
                times = int(words[1][1:])
            if words == ["nothing"]:
                ok = not out.count
            elif words[0] in COUNTERS:
                ok = out.count.get(words[0], 0) == times
            else:
                ok = self.say(out.result).startswith(part)
            if not ok:
                self.complain(step, "-> %s: the model says %s" % (
                    part, " ".join([self.say(out.result)] +
                                   ["%s x%d" % kv for kv in out.count.items()])))

    @staticmethod
    def say(result):
        word, *rest = result.split(":")
        if word == "signal":
            number, code = int(rest[0]), int(rest[1])
            name = {SEGV: "SIGSEGV", BUS: "SIGBUS", 4: "SIGILL"}.get(number, rest[0])
            why = {(SEGV, 1): "MAPERR", (SEGV, 2): "ACCERR", (BUS, 2): "ADRERR"}.get(
                (number, code), rest[1])
            return "%s %s at +0x%s" % (name, why, rest[2])
        if word == "value":
            return "value %s" % int(rest[0], 16) if int(rest[0], 16) < 65536 else \
                "contents with checksum %s" % rest[0]
        if word == "error":
            names = {1: "EPERM", 9: "EBADF", 11: "EAGAIN", 12: "ENOMEM", 13: "EACCES",
                     14: "EFAULT", 22: "EINVAL", 38: "ENOSYS"}
            return "error %s" % names.get(int(rest[0]), rest[0])
        if word == "killed":
            return "killed by " + {SEGV: "SIGSEGV", BUS: "SIGBUS"}.get(
                int(rest[0]), "signal " + rest[0])
        return " ".join([word] + rest)

    # ---- pages as text ----

    def base(self, step):
        return self.scn["areas"][step["area"]]["base"]

    def cells(self, space, area, names):
        out = []
        for va in range(area["base"], area["base"] + area["pages"] * PAGE, PAGE):
            e, a = space.entries.get(va), space.area(va)
            if not a:
                out.append("-")
            elif not e:
                out.append("p" if va in space.private else ".")
            elif e.frame is ZERO:
                out.append("z")
            else:
                name = names.setdefault(e.frame, len(names))
                letter = "?" if name > 51 else \
                    chr(97 + name) if name < 26 else chr(39 + name)
                kind = "RW" if va in space.private else "fF"
                out.append(kind[e.writable] + letter)
        return "".join(out)

    def cells_changed(self):
        names, out = {}, {}
        for n in sorted(self.spaces):
            for i, area in enumerate(self.scn["areas"]):
                text = self.cells(self.spaces[n], area, names)
                if text != self.told.get((n, i), ""):
                    self.told[n, i] = text
                    out[self.scn["procs"][n], area["name"]] = text
        return out

    # ---- steps ----

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
        if step["advice"] != 4:
            raise Unknown("this advice")
        space.drop(start, end)

    def do_read(self, step, space, out):
        base, total = self.base(step), 0
        for n in range(step["first"], step["last"] + 1):
            frame = space.touch(base + n * PAGE, "load")
            total = zlib.crc32(frame.data, total)
            if step["pattern"] and bytes(frame.data) != pattern_page(
                    step["pattern"], step["value"], n):
                self.complain(step, "page %d does not hold that" % n)
        out.result = "value:%x" % total

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

    def end(self, number):
        space = self.spaces.pop(number)
        space.unmap(FIRST, BEHIND)
        for key in [k for k in self.told if k[0] == number]:
            del self.told[key]

    def do_exit(self, step, space, out):
        self.end(step["proc"])
        out.result = "exited:%d" % step["value"]

    def do_die(self, step, space, out):
        try:
            self.access(step["access"], step, space)
            raise Unknown("an access that is allowed cannot end a process")
        except Signal as s:
            self.end(step["proc"])
            self.faults += 1
            out.result = "killed:%d" % s.number

    # ---- files ----

    def do_file(self, step, space, out):
        n, pages = step["at"], range((step["at"] + PAGE - 1) // PAGE)
        data = b"".join(pattern_page(step["pattern"], step["value"], p) for p in pages)
        self.files[step["file"]] = File(data[:n])

    def moved(self, step, space, kind):
        """The addresses of read(2) and write(2) page by page: (file position, address,
        bytes); ends where memory does."""
        file, at, va = self.files[step["file"]], step["at"], self.where(step)
        end = at + step["value"]
        if kind == "store":
            end = min(end, file.size)
        while at < end:
            n = min(PAGE - va % PAGE, PAGE - at % PAGE, end - at)
            yield at, va, n
            at, va = at + n, va + n

    def move(self, step, space, out, kind):
        file, done = self.files[step["file"]], 0
        try:
            for at, va, n in self.moved(step, space, kind):
                memory = space.touch(va, kind)
                disk = file.page(at // PAGE)
                if kind == "store":
                    memory.data[va % PAGE:va % PAGE + n] = \
                        disk.data[at % PAGE:at % PAGE + n]
                else:
                    disk.data[at % PAGE:at % PAGE + n] = \
                        memory.data[va % PAGE:va % PAGE + n]
                    file.size = max(file.size, at + n)
                done += n
        except Signal:
            out.loose = ("flt", "segv", "sigbus")    # how often it tries is its own matter
        wanted = sum(n for _, _, n in self.moved(step, space, kind))
        out.result = "error:%d" % EFAULT if done == 0 and wanted else "value:%x" % done

    def do_get(self, step, space, out):
        self.move(step, space, out, "store")

    def do_put(self, step, space, out):
        self.move(step, space, out, "load")

    def do_truncate(self, step, space, out):
        file, size = self.files[step["file"]], step["value"]
        keep = (size + PAGE - 1) // PAGE
        if size < file.size:
            for s in self.spaces.values():
                for a in s.areas:
                    if a.file is not file:
                        continue
                    for va in range(a.start, a.end, PAGE):
                        if a.index(va) >= keep:
                            s.drop(va, va + PAGE)
            file.pages = {n: f for n, f in file.pages.items() if n < keep}
            if size % PAGE and keep - 1 in file.pages:
                file.pages[keep - 1].data[size % PAGE:] = bytes(PAGE - size % PAGE)
        file.size = size

    def do_unlink(self, step, space, out):
        pass

    def do_close(self, step, space, out):
        pass

    def do_sync(self, step, space, out):
        pass
