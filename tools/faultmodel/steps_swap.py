"""The steps of a scenario that are about swap and replacement."""
from .counters import EINVAL, PAGE, R, W, Unknown
from .scopes import POLICIES, Scope

NO_QUOTA = 2 ** 64 - 1
SITES = ("page", "swapread", "swapwrite", "room")
EVERYTHING = 100000     # pages: more than there are


class SwapSteps:
    """The part of memory.World that has them."""

    def do_quota(self, step, space, out):
        name, quota = step["word"], step["value"]
        if quota == NO_QUOTA:
            self.let_go(space)
            return
        if name and name not in POLICIES:
            out.result = "error:%d" % EINVAL
            return
        scope = space.scope = space.scope or Scope()
        start, end = self.span(step)
        if (scope.start, scope.end) != (start, end):
            self.let_go(space)
            space.scope = scope
        scope.start, scope.end, scope.quota = start, end, quota
        scope.soft = not name
        scope.choose(name or self.machine.policy)
        for va in range(start, end, PAGE):
            if va in space.private and va in space.entries:
                scope.add(space.private[va])
        while len(scope.pages()) > quota:
            if self.machine.out(space, len(scope.pages()) - quota) == 0:
                break

    @staticmethod
    def let_go(space):
        if space.scope:
            for frame in list(space.scope.pages()):
                space.scope.remove(frame)
        space.scope = None

    @staticmethod
    def give_up(space, start, end):
        """MADV_FREE: as long as nobody stores to it, the page need not be kept."""
        for va in range(start, end, PAGE):
            entry = space.entries.get(va)
            if entry and entry.writable and va in space.private:
                entry.dirty = entry.frame.dirty = False
                entry.frame.lazy = True

    def do_policy(self, step, space, out):
        if step["word"] not in POLICIES:
            out.result = "error:%d" % EINVAL
            return
        self.machine.policy = step["word"]
        for s in self.spaces.values():
            if s.scope and s.scope.soft:
                s.scope.choose(step["word"])

    def do_tick(self, step, space, out):
        if space.scope:
            space.scope.policy.tick()

    def do_reclaim(self, step, space, out):
        if step["value"] < EVERYTHING or self.files:
            raise Unknown("a reclaim of less than all, or with files")
        if self.machine.meanwhile:
            raise Unknown("a store while all is written")
        self.machine.everything_out()
        out.loose = ("rmapun",)     # the rest of the program goes, too

    def do_swapoff(self, step, space, out):
        """All comes back, and nothing may go any more."""
        for s in self.machine.spaces:
            for frame in s.private.values():
                if not frame.there and not frame.zeros:
                    space.add("pswpin")
                if not frame.there or frame.slot:
                    frame.there = frame.dirty = True
                self.machine.free_slot(frame)
        self.machine.given_back += self.machine.slots
        self.machine.slots = 0

    def do_fail(self, step, space, out):
        if step["word"] not in SITES:
            raise Unknown("a failure of " + step["word"])
        self.failing = {step["word"]: step["value"]}

    def do_meanwhile(self, step, space, out):
        def store():
            at, frame = self.access("store", step, space)
            frame.data[at] = step["value"]
        self.meanwhile = store

    def do_keep(self, step, space, out):
        """Somebody else has a reference to the page for a while."""
        va = self.where(step)
        frame = space.private.get(va - va % PAGE)
        if frame is None or not frame.there or self.kept:
            raise Unknown("to keep what is not there, or two pages")
        self.kept, frame.kept = frame, True

    def do_letgo(self, step, space, out):
        if self.kept:
            self.kept.kept = False
        self.kept = None

    def do_knob(self, step, space, out):
        if (step["word"], step["value"]) != ("swap_readahead", 0):
            raise Unknown("this knob")

    # ---- pages that stay ----

    def set_locked(self, step, space, locked):
        start, end = self.span(step)
        space.split(start, end)
        for a in space.areas:
            if start <= a.start < end and a.locked != locked:
                a.locked = locked
                space.forget(a.start, a.end)
        space.merge()

    def do_lock(self, step, space, out):
        """All pages come in for good: what may be written is written."""
        self.set_locked(step, space, True)
        for va in range(*self.span(step), PAGE):
            rights = space.area(va).rights
            space.touch(va, "store" if rights & W else "load" if rights & R else "fetch")

    def do_unlock(self, step, space, out):
        self.set_locked(step, space, False)
