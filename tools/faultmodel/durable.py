"""What a crash may leave of the files of a scenario.

The model notes all files after each step (a state), and what each step made last:

    sync A[1..2]     these pages of the file, its size, and that it is there
    fsync f          all of f
    remount          all files, and which there are

(flush writes pages, but promises nothing).

A crash then may show, of each byte and size, and of whether a file is there, what it was
when it was last made to last, or anything it was made since; a byte that was behind the
end of its file may be zero.  Whoever finds something else complains: "lost" if it was so
before it was made to last, "third" if it was never so.
"""
from .counters import PAGE

ALL = None      # of the pages of a file


class State:
    """All files after a step: {name: bytes}; what it made last: {name: pages, or ALL}."""

    def __init__(self, line, text, files):
        self.line, self.text, self.files = line, text, files
        self.lasting, self.names = {}, False    # NAMES: and there are no others
        self.slow = None        # the file that grew bit by bit

    def said(self):
        return "line %d: %s" % (self.line, self.text)


class Durable:
    def __init__(self):
        self.states = [State(0, "nothing was done yet", {})]
        self.states[0].names = True
        self.number = {}        # of a step: its state

    def note(self, index, step, result, world):
        """STEP, the one with this INDEX, was done."""
        state = State(step["line"], step["op"], world.disk_files())
        op, names = step["op"], world.scn["files"]
        if op in ("file", "put"):
            state.slow = names[step["file"]]
        if result == "ok":
            self.lasting(state, op, step, world)
        self.states.append(state)
        self.number[index] = len(self.states) - 1

    @staticmethod
    def lasting(state, op, step, world):
        names = {f: world.scn["files"][n] for n, f in world.files.items()
                 if n not in world.removed}
        if op == "fsync" and world.files[step["file"]] in names:
            state.lasting = {names[world.files[step["file"]]]: ALL}
        elif op in ("remount", "end"):
            state.lasting, state.names = dict.fromkeys(state.files, ALL), True
        elif op == "sync":
            space = world.spaces[step["proc"]]
            start, end = world.span(step)
            for va in range(start, end, PAGE):
                a = space.area(va)
                if a and a.file in names and a.shared:
                    state.lasting.setdefault(names[a.file], set()).add(a.index(va))

    def end(self, world):
        """The disk was unmounted."""
        state = State(0, "the end", world.disk_files())
        self.lasting(state, "end", None, world)
        self.states.append(state)

    # ---- of an image ----

    def between(self, mark, steps):
        """(the state that lasts, the last one that may have begun), when the mark on the
        disk is MARK: 0, or that step and one; STEPS and one: it was unmounted."""
        last = len(self.states) - 1
        if mark > steps:
            return last, last
        done = self.number[mark - 1] if mark else 0
        lasts = (k for k in range(done + 1, last) if self.states[k].lasting or
                 self.states[k].names)
        return done, next(lasts, last)

    def judge(self, done, until, found):
        """Complaints (rule, text) about the files that were FOUND, {name: bytes}."""
        out = []
        names = {n for s in self.states for n in s.files} | set(found)
        for name in sorted(names):
            out += self.judge_file(name, done, until, found.get(name))
        return out

    def since(self, done, made):
        """The last state up to DONE that MADE(it) it last."""
        return next(k for k in range(done, -1, -1) if k == 0 or made(self.states[k]))

    def judge_file(self, name, done, until, data):
        def made(s, page=ALL):
            return name in s.lasting and (page is ALL or s.lasting[name] is ALL or
                                          page in s.lasting[name])
        since = self.since(done, lambda s: s.names or made(s))
        there = {name in s.files for s in self.states[since:until + 1]}
        if (data is not None) not in there:
            return [self.existence(name, since, data)]
        if data is None:
            return []
        firm = self.since(done, made)
        sizes = self.sizes(name, firm, until)
        if not any(a <= len(data) <= b for a, b in sizes):
            before = any(a <= len(data) <= b for a, b in self.sizes(name, 0, firm))
            return [self.say(name, "its size", len(data), before, firm,
                             len(self.states[firm].files.get(name, b"")))]
        for at in range(0, len(data), PAGE):
            since = self.since(done, lambda s: made(s, at // PAGE))
            bad = self.judge_page(name, at, data[at:at + PAGE], since, until)
            if bad:
                return [bad]
        return []

    def existence(self, name, since, data):
        if not any(name in s.files for s in self.states):
            return "third", "there is a file %s, which nobody made" % name
        return "lost", "%s %s: it was %s, and %s had made that last" % (
            name, "is not there" if data is None else "is there again",
            "there" if data is None else "removed", self.states[since].said())

    def sizes(self, name, since, until):
        """[(least, most)]: which it may have; it grows bit by bit, and is cut at once."""
        out, old = [], None
        for s in self.states[since:until + 1]:
            new = len(s.files.get(name, b""))
            grows = s.slow == name and old is not None and old < new
            out.append((old if grows else new, new))
            old = new
        return out

    def values(self, name, at, since, until):
        """What the byte AT may be, and was."""
        out = set()
        for s in self.states[since:until + 1]:
            data = s.files.get(name, b"")
            out.add(data[at] if at < len(data) else 0)
        return out

    def judge_page(self, name, at, page, since, until):
        if any(s.files.get(name, b"")[at:at + PAGE] == page
               for s in self.states[since:until + 1]):
            return None
        for i, byte in enumerate(page):
            if byte not in self.values(name, at + i, since, until):
                data = self.states[since].files.get(name, b"")
                return self.say(name, "byte %d" % (at + i), byte,
                                byte in self.values(name, at + i, 0, since), since,
                                data[at + i] if at + i < len(data) else 0)
        return None

    def say(self, name, what, got, before, since, wanted):
        if before and since > 0:
            return "lost", "%s: %s is %d again; it was %d, and %s had made that last" % (
                name, what, got, wanted, self.states[since].said())
        return "third", "%s: %s is %d, which it never was%s" % (
            name, what, got, " since %s made it last" % self.states[since].said()
            if since else "")
