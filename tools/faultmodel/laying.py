"""The areas of a space on paper, as scenarios of lab 4 lay them that need no program.

Pages have numbers.  An area is (first, last, rights, locked, what it shows); what it
shows of a file begins with a page of it.  Two areas become one where nobody could tell
the difference.  A fault asks the area first; a page that nobody has stored to is the
zero page, read-only, or, at a store, a page of zeros of its own.
"""
from .counters import PAGE, R, W, X
from .memory import Unknown
from .paper import Paper

SHOWN = 100             # characters of a list of areas; then a sum of all
NEEDS = {"load": R, "store": W, "fetch": X}


class Area:
    def __init__(self, first, last, rights, locked=False, at=None):
        self.first, self.last, self.rights = first, last, rights
        self.locked, self.at = locked, at

    def text(self):
        names = "".join(c for bit, c in ((R, "r"), (W, "w"), (X, "x")) if self.rights & bit)
        at = "" if self.at is None else "@%d" % self.at
        return "%d-%d:%s%s%s," % (self.first, self.last, names, "l" if self.locked else "", at)

    def pages(self):
        return self.last - self.first + 1

    def goes_on(self, b):
        """May B, which begins behind this, be the same area?"""
        if (self.last + 1, self.rights, self.locked) != (b.first, b.rights, b.locked):
            return False
        if self.at is None or b.at is None:
            return self.at is b.at
        return self.at + self.pages() == b.at


class World(Paper):
    LAB = 4

    @staticmethod
    def describe(step):
        names = "".join(c for bit, c in ((R, "r"), (W, "w"), (X, "x")) if step["rights"] & bit)
        page, rest = divmod(step["value"], PAGE)
        where = "%dp" % page + ("+%d" % rest if rest else "")
        text = "%d..%d %s" % (step["first"], step["last"], names or "none") \
            if step["op"] == "lay" else where
        return ("%s %s %s" % (step["op"], text, step["word"])).strip()

    def begin(self):
        self.areas, self.own, self.told = [], {}, None

    def after(self, step, e, said):
        self.look(e)

    def claimed(self, result):
        word, _, number = result.partition(":")
        return "value %d" % int(number, 16) if number else word

    def look(self, e):
        text, total = "", 0
        for a in self.areas:
            total = (total * 31 + a.first * 1000 + a.pages()) % (1 << 64)
            if len(text) < SHOWN:
                text += a.text()
        for page, sign in self.own.items():
            if len(text) < SHOWN:
                text += "%d=%s," % (page, sign)
        text = (text or "none,") + ("+%x" % (total & 0xffffffff) if len(text) >= SHOWN else "")
        if text != self.told:
            e.cells["kernel", "areas"] = self.told = text
        files = sum(a.at is not None for a in self.areas)
        e.count.update({k: n for k, n in (
            ("mapped", len(self.areas)), ("shown", files), ("refs", files),
            ("locked", sum(a.pages() for a in self.areas if a.locked))) if n})

    def area(self, step):
        page = step["value"] // PAGE
        return next((a for a in self.areas if a.first <= page <= a.last), None)

    def do_lay(self, step, e):
        if step["word"] not in ("", "locked", "file", "later"):
            raise Unknown("lay ... " + step["word"])
        at = {"file": step["first"], "later": step["first"] + 100}.get(step["word"])
        new = Area(step["first"], step["last"], step["rights"], step["word"] == "locked", at)
        if any(a.first <= new.last and new.first <= a.last for a in self.areas):
            raise Unknown("areas that overlap")
        self.areas = sorted(self.areas + [new], key=lambda a: a.first)

    def do_seek(self, step, e):
        """The first that ends behind it."""
        page = step["value"] // PAGE
        a = next((a for a in self.areas if a.last >= page), None)
        return "value:%x" % a.first if a else "none"

    def do_takeout(self, step, e):
        a = self.area(step)
        if a is None:
            return "none"
        if any(a.first <= page <= a.last for page in self.own):
            raise Unknown("an area with pages that goes")
        self.areas.remove(a)

    def do_halve(self, step, e):
        a, page = self.area(step), step["value"] // PAGE
        if a is None:
            return "none"
        if page == a.first or step["value"] % PAGE:
            raise Unknown("a cut that leaves no two halves")
        at = None if a.at is None else a.at + page - a.first
        upper = Area(page, a.last, a.rights, a.locked, at)
        a.last = page - 1
        self.areas.insert(self.areas.index(a) + 1, upper)

    def do_meet(self, step, e):
        a = self.area(step)
        if a is None:
            return "none"
        if self.own:
            raise Unknown("whether areas with pages of their own become one")
        i = self.areas.index(a)
        if i + 1 < len(self.areas) and a.goes_on(self.areas[i + 1]):
            a.last = self.areas.pop(i + 1).last
        if i > 0 and self.areas[i - 1].goes_on(a):
            self.areas[i - 1].last = self.areas.pop(i).last

    def do_fault(self, step, e):
        a, page, kind = self.area(step), step["value"] // PAGE, step["word"]
        if kind not in NEEDS:
            raise Unknown("fault ... " + kind)
        if a is None:
            return "maperr"
        if not a.rights & NEEDS[kind]:
            return "accerr"
        if a.at is not None:
            raise Unknown("a page of a file")
        if kind == "store":
            if page not in self.own or self.own[page] == "z":
                e.count["anon"] = 1
            self.own[page] = "W"
        elif page not in self.own:
            e.count["zero"] = 1
            self.own[page] = "z"
