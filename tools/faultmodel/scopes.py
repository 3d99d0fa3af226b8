"""Which page goes, in a scope whose pages come and go at any time.

policies.py has the definitions for a plain sequence of accesses.  Here they are once
more, for scenarios: pages also end, are locked in memory, or come back after they were
chosen.  A policy keeps self.pages in its own order; a page can tell whether it MAY_GO,
whether it was USED since that was cleared, and whether it is DIRTY.  For the same
accesses both choose the same: lab-tests/host/test_faultmodel.py.
"""
from .counters import Unknown


class Fifo:
    def __init__(self, pages=()):
        self.pages = list(pages)

    def add(self, page):
        self.pages.append(page)

    def remove(self, page):
        self.pages.remove(page)

    def tick(self):
        """A moment passes."""

    def victim(self):
        """Who goes, still among the pages; None: nobody may."""
        return next((p for p in self.pages if p.may_go()), None)


class SecondChance(Fifo):
    def victim(self):
        for _ in range(2 * len(self.pages)):
            page = self.pages[0]
            if page.may_go():
                if not page.used():
                    return page
                page.clear_used()
            self.pages.append(self.pages.pop(0))
        return None


class Lru(Fifo):
    """Exact as long as a moment passes after each access; then the order of the list is
    that of the last use."""

    def tick(self):
        used = [p for p in self.pages if p.used()]
        self.pages = [p for p in self.pages if p not in used] + used
        for page in used:
            page.clear_used()

    def victim(self):
        if any(p.used() for p in self.pages):
            raise Unknown("lru, unless a tick follows each access")
        return super().victim()


class Clock(Fifo):
    """A ring: who comes is put just behind the hand, so it is looked at last."""

    def __init__(self, pages=()):
        super().__init__(pages)
        self.hand = len(self.pages)     # of the next one; at the end: the seam

    def add(self, page):
        self.pages.insert(self.hand, page)
        self.hand += 1

    def remove(self, page):
        i = self.pages.index(page)
        del self.pages[i]
        self.hand -= i < self.hand

    def advance(self):
        if self.hand == len(self.pages):
            self.hand = 0
        self.hand += 1
        return self.pages[self.hand - 1]

    def victim(self):
        for _ in range(2 * len(self.pages)):
            page = self.advance()
            if not page.may_go():
                continue
            if not page.used():
                return page
            page.clear_used()
        return None


class EnhancedClock(Clock):
    def victim(self):
        for dirty in (False, True, False, True):
            for _ in range(len(self.pages)):
                page = self.advance()
                if not page.may_go():
                    continue
                if not page.used() and page.is_dirty() == dirty:
                    return page
                if dirty:
                    page.clear_used()
        return None


class WorkingSetClock(Clock):
    def __init__(self, pages=()):
        super().__init__(pages)
        self.time, self.found = 0, dict.fromkeys(self.pages, 0)

    def add(self, page):
        super().add(page)
        self.time += 1
        self.found[page] = self.time

    def tick(self):
        self.time += 1

    def victim(self):
        dirty = eldest = used = None
        for _ in range(len(self.pages)):
            page = self.advance()
            if not page.may_go():
                continue
            if page.used():
                page.clear_used()
                self.found[page] = self.time
                used = used or page
                continue
            if self.time - self.found[page] >= len(self.pages):
                if not page.is_dirty():
                    return page
                dirty = dirty or page
            if eldest is None or self.found[page] < self.found[eldest]:
                eldest = page
        page = dirty or eldest or used
        if page:
            self.hand = self.pages.index(page) + 1
        return page


POLICIES = {"fifo": Fifo, "lru": Lru, "clock": Clock, "second": SecondChance,
            "enhanced": EnhancedClock, "wsclock": WorkingSetClock}


class Scope:
    """The pages of [START, END) of a space, of which QUOTA may be in memory; SOFT: more
    if none can go, and the policy is the machine's."""

    def __init__(self):
        self.start = self.end = 0
        self.quota, self.soft, self.policy = None, False, Fifo()

    def pages(self):
        return self.policy.pages

    def choose(self, name):
        self.policy = POLICIES[name](self.pages())

    def add(self, page):
        if page.scope is None:
            page.scope = self
            self.policy.add(page)

    def remove(self, page):
        page.scope = None
        self.policy.remove(page)
