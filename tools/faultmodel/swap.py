"""Swap on paper: what the spaces of one machine share.

    out     the page loses its entries everywhere; if it was written to since it
            came, or never had a slot, it is written to one; then its frame is free
    in      the frame is filled from the slot, which stays the page's: as long as
            nobody writes to the page, it goes again without a write; only when
            more than half of all slots are taken, it gives its own back

A slot belongs to a page, not to an address; it is free when the page ends.
"""
from .counters import ADRERR, BUS, PAGE, Killed, Signal, Unknown

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def boot_slots(words):
    """Of "swapspace=ram:16M"."""
    total = 0
    for one in words.get("swapspace", "").split(","):
        if not one:
            continue
        kind, _, size = one.partition(":")
        if kind != "ram":
            raise Unknown("swap on a disk")
        total += int(size[:-1]) * UNITS[size[-1]] // PAGE
    return total


class Machine:
    def __init__(self, boot=""):
        words = dict(w.partition("=")[::2] for w in boot.split())
        self.slots, self.used = boot_slots(words), 0
        self.given_back = 0     # frames of what was a swap space in memory
        self.policy = words.get("swap", "clock")
        self.spaces = []
        self.failing = {}       # {site: which one of this step}
        self.meanwhile = None   # what a program does while the first page is written
        self.acting = None      # the space whose step it is: what the machine counts is its
        self.gone = []          # [(space, address)] of what left memory in this step

    def fails(self, site):
        n = self.failing.get(site, 0)
        self.failing[site] = max(n - 1, 0)
        return n == 1

    # ---- what is known of a page ----

    def entries(self, frame):
        """[(space, address, entry)] that show it."""
        return [(s, va, e) for s in self.spaces for va, e in s.entries.items()
                if e.frame is frame]

    def unmap(self, frame):
        for space, va, e in self.entries(frame):
            frame.dirty |= e.dirty
            del space.entries[va]
            space.add("rmapun")

    def free(self, frame):
        """Nobody owns it any more."""
        if frame.scope:
            frame.scope.remove(frame)
        self.free_slot(frame)

    def free_slot(self, frame):
        self.used -= frame.slot
        frame.slot = False

    # ---- out ----

    def goes(self, frame, counted):
        """FRAME, which has no entry, leaves memory.  COUNTED: the space whose quota it
        is."""
        for s in self.spaces:
            self.gone += [(s, va) for va, f in s.private.items() if f is frame]
        if counted and frame.dirty:
            counted.add("swpout")
        if self.acting and not frame.dirty:
            self.acting.add("steal")
        frame.there = frame.dirty = False

    def writes(self, frame):
        """FRAME has a slot now.  False: it could not be written."""
        if not frame.slot:
            frame.slot, self.used = True, self.used + 1
        if not self.fails("swapwrite"):
            return True
        frame.slot, frame.dirty = False, True
        self.used, self.slots = self.used - 1, self.slots - 1
        return False

    def given_up(self, frame):
        """Does FRAME, which has no entry, go without a write, and without a slot?"""
        frame.zeros = frame.lazy and not frame.dirty
        frame.lazy = False
        if frame.zeros:
            self.free_slot(frame)
        return frame.zeros

    def shown_again(self, frame):
        """FRAME was written.  Did somebody map it meanwhile?"""
        then, self.meanwhile = self.meanwhile, None
        if then is None:
            return False
        frame.dirty = False
        then()
        if self.entries(frame):
            return True
        frame.dirty = True
        return False

    def out(self, space, n):
        """N pages of SPACE's quota go; how many did."""
        scope, went = space.scope, 0
        while went < n:
            frame = scope.policy.victim()
            if frame is None:
                break
            scope.remove(frame)
            if frame.kept:
                scope.add(frame)
                if all(f.kept for f in scope.pages()):
                    raise Unknown("a quota whose pages are all kept")
                continue
            self.unmap(frame)
            if self.given_up(frame):
                self.goes(frame, None)
                went += 1
                continue
            frame.dirty |= not frame.slot
            if frame.dirty and not frame.slot and self.used >= self.slots:
                scope.add(frame)
                break
            if frame.dirty and not self.writes(frame):
                scope.add(frame)
                continue
            if frame.dirty and self.shown_again(frame):
                space.add("swpout")
                scope.add(frame)
                continue
            self.goes(frame, space)
            went += 1
        return went

    def everything_out(self):
        frames = {f: s for s in self.spaces for f in s.private.values() if f.there}
        for frame in [f for f in frames if f.may_go()]:
            counted = frames[frame] if frame.scope else None
            if frame.scope:
                frame.scope.remove(frame)
            self.unmap(frame)
            if self.given_up(frame):
                self.goes(frame, None)
                continue
            frame.dirty |= not frame.slot
            if frame.dirty and not frame.slot and self.used >= self.slots:
                raise Unknown("reclaim without enough swap")
            if frame.dirty:
                self.writes(frame)
            self.goes(frame, counted)

    # ---- in ----

    def brings(self, space, va, frame):
        """The frame of VA, on a slot, comes to memory, for a fault.  Was it read?"""
        if frame.zeros:
            frame.there, frame.dirty, frame.zeros = True, True, False
            frame.data[:] = bytes(PAGE)
            space.note(va, frame)
            return False
        if self.fails("swapread"):
            space.add("sigbus")
            raise Signal(BUS, ADRERR, va)
        frame.there, frame.dirty = True, False
        space.note(va, frame)
        space.add("swpin")
        (self.acting or space).add("pswpin")
        if self.used * 2 > self.slots:
            self.free_slot(frame)
            frame.dirty = True
        return True


class Room:
    """During one fault: may the space SPACE have one more page at VA?"""

    def __init__(self, space, va):
        self.space, self.va, self.in_vain = space, va, False

    def is_full(self):
        scope = self.space.scope
        return (scope is not None and scope.start <= self.va < scope.end and
                len(scope.pages()) >= scope.quota and
                not (scope.soft and (self.in_vain or self.space.machine.slots == 0)))

    def made(self, must):
        """Was something done, so that all has to be looked at again?  MUST: without room
        the process ends."""
        if not self.is_full():
            return False
        if self.in_vain:
            if must:
                raise Killed()
            return False
        scope = self.space.scope
        self.in_vain = self.space.machine.out(
            self.space, len(scope.pages()) - scope.quota + 1) == 0
        return True
