"""The steps of a scenario about heap, stack, areas that move, system calls, threads and
what several do at a time: what each must do."""
from .areas import Area
from .counters import BUS, COUNTERS, EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM, ENOSYS, PAGE, \
    R, W, Signal, Unknown

STACK_LIMIT = 8 << 20
FED = 0x55
FIRST, BEHIND = 0x40000000, 0x60000000
TIMES = ("flt", "min", "spur", "retry", "zero")     # depend on who is first

# What the kernel writes through the pointer, or reads; bytes, or a text that ends.
WRITES = {"getcwd": 2, "uname": 390, "fstat": 128, "stat": 128, "statx": 256, "statfs": 120,
          "getdents": 24, "pipe": 8, "clock": 16, "resolution": 16, "timeofday": 16,
          "times": 32, "sysinfo": 112, "rlimit": 16, "prlimit": 16, "rusage": 144,
          "affinity": 8, "sigaction": 24, "sigmask": 8, "sigpending": 8, "altstack": 24,
          "itimer": 32, "random": 100, "mincore": 1}
READS = {"set_action": 24, "set_mask": 8, "set_altstack": 24, "set_itimer": 32,
         "set_rlimit": 16, "set_affinity": 8, "sleep": 16, "poll": 8, "futex": 4,
         "exec_args": 8}
TEXTS = ("open stat_path statfs_path access chdir mkdir unlink rename rename_to link symlink "
         "readlink truncate_path exec mount umount swapoff").split()


class MoreSteps:
    """Comes before the other parts of memory.World, as it adds to some of their verbs."""

    def __init__(self):
        self.threads, self.waiting, self.outside = set(), {}, []

    def seen_areas(self, space):
        """Areas that the guest counts, and seams in them: heap and stack lie elsewhere."""
        some = [a for a in space.areas
                if not any(lo <= a.start < hi for lo, hi in self.outside)]
        return len(some), sum(len(a.layers) - 1 for a in some)

    @staticmethod
    def fail(out, err):
        out.result = "error:%d" % err

    # ---- areas ----

    def do_map(self, step, space, out):
        start, end = step["value"], step["value"] + (step["last"] + 1) * PAGE
        taken = any(a.start < end and start < a.end for a in space.areas)
        if step["advice"] == 1 and taken:
            self.fail(out, EEXIST)
        elif step["advice"] == 2 and taken:
            out.result = "value:1"
        else:
            super().do_map(step, space, out)

    def do_heap(self, step, space, out):
        base = self.base(step)
        self.outside.append((base, base + (1 << 24)))
        space.heap = base

    def do_brk(self, step, space, out):
        old, new = space.heap, (self.where(step) + PAGE - 1) & -PAGE
        if new < old:
            space.unmap(new, old)
        elif any(a.start < new and old < a.end for a in space.areas):
            self.fail(out, ENOMEM)
            return
        elif new > old:
            space.insert(Area(old, new, R | W, None, 0, False))
        space.heap = new

    def do_stack(self, step, space, out):
        base = self.base(step)
        end = base + step["value"]
        self.outside.append((base, base + (1 << 24)))
        space.stack = (end, end + step["at"] - STACK_LIMIT if step["at"] else 0)

    def do_mremap(self, step, space, out):
        start, end = self.span(step)
        to, new, old = step["at"], step["value"], end - start
        area = space.area(start)
        if not to and new <= old and area:
            space.unmap(start + new, end)
            return
        if to and to < end and start < to + new:
            self.fail(out, EINVAL)
        elif not area or area.end < end:
            self.fail(out, EFAULT)
        elif to:
            space.unmap(to, to + new)
            space.move(start, end, to, new)
        elif area.end > end or any(a.start < start + new and end < a.end
                                   for a in space.areas if a is not area):
            self.fail(out, ENOMEM)
        else:
            space.insert(area.grown(end, start + new))

    # ---- calls ----

    def bytes_at(self, space, va, kind, n):
        """The frames of N bytes, or of a text (None); EFAULT is None."""
        while n is None or n > 0:
            area = space.area(va)
            if area is None or not space.allowed(area, kind):
                return False
            frame = space.touch(va, kind)
            piece = PAGE - va % PAGE
            if n is None and 0 in frame.data[va % PAGE:]:
                return True
            n = None if n is None else n - min(n, piece)
            va += piece
        return True

    def do_call(self, step, space, out):
        name, va = step["word"], self.where(step)
        if name not in WRITES and name not in READS and name not in TEXTS:
            raise Unknown("the call " + name)
        kind = "store" if name in WRITES else "load"
        good = self.bytes_at(space, va, kind, WRITES.get(name, READS.get(name)))
        if not good:
            self.fail(out, EFAULT)
            out.loose = ("flt", "segv", "sigbus")
        elif name in TEXTS:
            frame = space.entries[va & -PAGE].frame
            if frame.data[va % PAGE]:
                raise Unknown("a path that is not empty")
            self.fail(out, ENOENT)
        elif name not in WRITES:
            raise Unknown("this call with a good pointer")

    def do_touch(self, step, space, out):
        va = step["value"]
        if 0x10000 <= va < 0x20000000 or FIRST <= va < BEHIND or \
                0x2000000000 < va < 0x4000000000:
            raise Unknown("an address where something may be")
        space.fault(va, va & -PAGE, step["access"])

    def do_ecall(self, step, space, out):
        if step["value"] < 500:
            raise Unknown("a call that may exist")
        self.fail(out, ENOSYS)

    def do_amo(self, step, space, out):
        va = self.where(step)
        if va % 4:
            if not space.entry_allows(va & -PAGE, "store"):
                raise Unknown("an odd address where nothing is")
            raise Signal(BUS, 1, va)
        if va & -PAGE not in space.entries:     # a hart may report a load first
            out.loose = ("flt", "min", "zero")
        at, frame = self.access("store", step, space)
        was = int.from_bytes(frame.data[at:at + 4], "little")
        frame.data[at:at + 4] = ((was + step["value"]) % 2**32).to_bytes(4, "little")
        out.result = "value:%x" % was

    def do_fetch(self, step, space, out):
        at, frame = self.access("fetch", step, space)
        if frame.data[at:at + 2] == b"\0\0":
            raise Signal(4, 1, self.where(step))
        if frame.data[at:at + 4] == b"\x73\0\x10\0":
            raise Signal(5, 1, self.where(step))
        super().do_fetch(step, space, out)

    def do_forkfail(self, step, space, out):
        child = space.fork()
        child.unmap(FIRST, BEHIND)

    # ---- threads ----

    def do_thread(self, step, space, out):
        self.spaces[step["other"]] = space
        self.threads.add(step["other"])

    def end(self, number):
        if number in self.threads:
            del self.spaces[number]
            self.threads.remove(number)
        else:
            super().end(number)

    def do_hart(self, step, space, out):
        if step["value"] >= self.scn["harts"]:
            raise Unknown("hart %d of %d" % (step["value"], self.scn["harts"]))
        self.harts[step["proc"]] = step["value"]

    def do_about(self, step, space, out):
        who = step["proc"]
        if step["word"] == "children":
            out.result = "value:%d" % (who in self.buried)
        elif step["word"] == "harts" and who in self.harts:
            out.result = "value:%x" % (1 << self.harts[who])
        else:
            raise Unknown("about " + step["word"])

    def do_await(self, step, space, out):
        if step["value"] > PAGE:
            raise Unknown("to wait for more than a page")
        self.waiting[step["proc"]] = step

    def do_finish(self, step, space, out):
        asked = self.waiting.pop(step["proc"], None)
        if asked is None:
            raise Unknown("finish without await")
        va, n, done = self.where(asked), asked["value"], 0
        try:
            while done < n:
                piece = min(PAGE - va % PAGE, n - done)
                frame = space.touch(va, "store")
                frame.data[va % PAGE:va % PAGE + piece] = bytes([FED]) * piece
                va, done = va + piece, done + piece
        except Signal:
            out.loose = ("flt", "segv", "sigbus")
        out.result = "value:%x" % done if done else "error:%d" % EFAULT

    # ---- races ----

    def do_race(self, step, space, out):
        others = [self.spaces[n] for n in range(8) if step["at"] >> n & 1]
        rule = getattr(self, "race_" + step["word"], None)
        if rule is None:
            raise Unknown("a race to " + step["word"])
        if any(s is not space for s in others) and step["word"] != "add":
            raise Unknown("processes that race to " + step["word"])
        out.loose = TIMES
        rule(step, [space] + others, out)

    def pages(self, step):
        base = self.base(step)
        return [base + n * PAGE for n in range(step["first"], step["last"] + 1)]

    @staticmethod
    def count(space, va, n):
        """N is added to the word at VA."""
        frame = space.touch(va, "store")
        at = va % PAGE
        was = int.from_bytes(frame.data[at:at + 4], "little")
        frame.data[at:at + 4] = ((was + n) % 2**32).to_bytes(4, "little")
        return was

    def race_add(self, step, spaces, out):
        for va in self.pages(step):
            for s in spaces:
                self.count(s, va, 1)
        if any(s is not spaces[0] for s in spaces):
            out.loose += ("cow", "reuse")   # who is second may find the page his alone

    def race_load(self, step, spaces, out):
        for va in self.pages(step):
            spaces[0].touch(va, "load")

    def race_ping(self, step, spaces, out):
        if self.count(spaces[0], self.pages(step)[0], 500 * len(spaces)) % len(spaces):
            raise Unknown("to begin with another turn")

    def race_dine(self, step, spaces, out):
        va = self.pages(step)[0]
        self.count(spaces[0], va + 60, 100 * len(spaces))
        for n in range(len(spaces)):
            self.count(spaces[0], va + 64 + 4 * n, 100)

    def race_unmap(self, step, spaces, out):
        """The others store until they may not any more."""
        space, va = spaces[0], self.pages(step)[0]
        if len(spaces) != 2 or not space.entry_allows(va, "store"):
            raise Unknown("to take away what is not there")
        space.entries[va].frame.data[0] = 1
        if step["word"] == "unmap":
            space.unmap(*self.span(step))
        else:
            space.protect(*self.span(step), R)
        space.touch(va, "store")

    race_protect = race_unmap

    def race_stress(self, step, spaces, out):
        pages, space, n = self.pages(step), spaces[0], len(spaces)
        each = (step["last"] - step["first"]) // n
        area = space.area(pages[0])
        if each == 0 or area is None or area.rights != R | W or area.file or area.shared:
            raise Unknown("this area for that")
        self.count(space, pages[-1], 20 * n)
        for k, va in enumerate(pages[:each * n]):
            space.unmap(va, va + PAGE)
            space.insert(Area(va, va + PAGE, R | W, None, 0, False))
            frame = space.touch(va, "store")
            frame.data[0:4] = (step["first"] + k + 1).to_bytes(4, "little")
        out.loose = COUNTERS
        self.busy = True
