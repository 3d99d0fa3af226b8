"""Which page goes when a frame is needed: the policies by their definitions.

    fifo       the page that came first
    lru        the page whose last use is longest ago; the kernel's "aging" with a
               tick after each access is the same
    clock      frames in a ring and a hand; a page that was used since the hand passed
               it last (A=1) is spared once: A=0 and on.  A is 1 when a page comes
    second     second chance: a queue in order of arrival; a head with A=1 goes to the
               tail with A=0
    enhanced   enhanced clock: from the hand, look for a page neither used nor dirty;
               if a turn finds none, for one that is dirty but not used, and clear A on
               the way; then both again
    wsclock    working-set clock: from the hand, look for a clean page that is not used
               and was found used last at least as many moments ago as there are frames;
               if a turn finds none, a dirty one that is so, then the one found used
               first; the hand is behind who goes.  A moment: an access, or a page that
               came
    opt        the page whose next use is furthest away (L. A. Belady, "A study of
               replacement algorithms for a virtual-storage computer", IBM Systems
               Journal 5, 1966); of those never used again, the one in the first frame.
               Its faults are the fewest there can be; its writes need not be

A page is dirty if it was written since it came.  The victim of a dirty page costs a
write.  Every first touch is a fault, also while frames are free.
"""
import collections

Result = collections.namedtuple("Result", "faults writes victims steps")
# What happened at one access: VICTIM is a page or None; FRAMES lists (page, A, D) by
# frame, HAND is where the hand stands, for the policies that have one.
Step = collections.namedtuple("Step", "access fault victim dirty frames hand")


class Page:
    def __init__(self, name):
        self.name, self.used, self.dirty = name, True, False


class Policy:
    """Frames are numbered; self.frames[i] is a Page or None."""

    def __init__(self, frames, accesses):
        self.frames, self.accesses, self.hand, self.now = [None] * frames, accesses, None, 0

    def came(self, i):
        """The page in frame I has just come."""

    def touched(self, i):
        """It is used; called for the access that brought it, too."""

    def victim(self):
        """The number of the frame whose page goes; all are full."""
        raise NotImplementedError


class Fifo(Policy):
    def __init__(self, *arg):
        super().__init__(*arg)
        self.queue = collections.deque()

    def came(self, i):
        self.queue.append(i)

    def victim(self):
        return self.queue.popleft()


class Lru(Policy):
    def __init__(self, *arg):
        super().__init__(*arg)
        self.order = collections.OrderedDict()

    def touched(self, i):
        self.order.pop(i, None)
        self.order[i] = True

    def victim(self):
        return self.order.popitem(last=False)[0]


class SecondChance(Fifo):
    def victim(self):
        while self.frames[self.queue[0]].used:
            self.frames[self.queue[0]].used = False
            self.queue.rotate(-1)
        return self.queue.popleft()


class Clock(Policy):
    def __init__(self, *arg):
        super().__init__(*arg)
        self.hand = 0

    def advance(self):
        i, self.hand = self.hand, (self.hand + 1) % len(self.frames)
        return i

    def victim(self):
        while True:
            i = self.advance()
            if not self.frames[i].used:
                return i
            self.frames[i].used = False


class EnhancedClock(Clock):
    def victim(self):
        while True:
            for wanted in (False, True):
                for _ in self.frames:
                    i = self.advance()
                    page = self.frames[i]
                    if not page.used and page.dirty == wanted:
                        return i
                    if wanted:
                        page.used = False


class WorkingSetClock(Clock):
    def __init__(self, *arg):
        super().__init__(*arg)
        self.time, self.found = 0, [0] * len(self.frames)

    def came(self, i):
        self.time += 1
        self.found[i] = self.time

    def touched(self, i):
        self.time += 1

    def victim(self):
        dirty = eldest = None
        for _ in range(len(self.frames) + 1):
            i = self.advance()
            page, age = self.frames[i], self.time - self.found[i]
            if page.used:
                page.used, self.found[i] = False, self.time
                continue
            if age >= len(self.frames):
                if not page.dirty:
                    return i
                dirty = i if dirty is None else dirty
            if eldest is None or self.found[i] < self.found[eldest]:
                eldest = i
        i = eldest if dirty is None else dirty
        self.hand = (i + 1) % len(self.frames)
        return i


class Opt(Policy):
    def __init__(self, *arg):
        super().__init__(*arg)
        self.uses = collections.defaultdict(collections.deque)
        for n, a in enumerate(self.accesses):
            self.uses[a.page].append(n)

    def victim(self):
        def next_use(i):
            uses = self.uses[self.frames[i].name]
            while uses and uses[0] < self.now:
                uses.popleft()
            return (uses[0] if uses else len(self.accesses), -i)
        return max(range(len(self.frames)), key=next_use)


POLICIES = {"fifo": Fifo, "lru": Lru, "clock": Clock, "second": SecondChance,
            "enhanced": EnhancedClock, "wsclock": WorkingSetClock, "opt": Opt}


def simulate(policy, frames, accesses):
    """Run ACCESSES (traces.Access) with FRAMES frames under POLICY, by its name."""
    p = POLICIES[policy](frames, accesses)
    where, victims, steps, faults, writes = {}, [], [], 0, 0
    for p.now, a in enumerate(accesses):
        i, victim, dirty = where.get(a.page), None, False
        fault = i is None
        if fault:
            faults += 1
            i = len(where)
            if i == frames:
                i = p.victim()
                victim, dirty = p.frames[i].name, p.frames[i].dirty
                victims.append(victim)
                writes += dirty
                del where[victim]
            p.frames[i] = Page(a.page)
            where[a.page] = i
            p.came(i)
        p.frames[i].used = True
        p.frames[i].dirty |= a.write
        p.touched(i)
        steps.append(Step(a, fault, victim, dirty,
                          [f and (f.name, f.used, f.dirty) for f in p.frames], p.hand))
    return Result(faults, writes, victims, steps)
