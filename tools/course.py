"""What a scenario is worth in a course: lab-tests/course.json.

A profile names the labs in their order, and how many points each has.  The points in a
scenario are a weight inside its lab, so another scenario never changes a lab's sum.
The points of a lab are handed out as whole numbers: one for each scenario, the rest
by weight, largest remainder first; so they add up exactly."""
import fnmatch
import json
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROFILES = os.path.join(TOP, "lab-tests", "course.json")
FOLDER = os.path.join(TOP, "lab-tests", "scenarios")
WORD = r"(?m)^(?:[^#\n]*\s)?%s\s+(\d+)\b"


class Row:
    """A line of the table: a lab of the course, or the bonus of one."""

    def __init__(self, entry, bonus):
        self.name = entry["lab"] + ("+" if bonus else "")
        self.bonus, self.points = bonus, entry["points"]
        self.title = entry.get("title", "bonus")
        self.labs, self.patterns = entry.get("of", []), entry.get("scenarios", [])

    def has(self, name, lab):
        if self.bonus:
            return any(fnmatch.fnmatch(name, p) for p in self.patterns)
        return lab in self.labs


def names():
    with open(PROFILES, encoding="utf-8") as f:
        return sorted(json.load(f))


class Course:
    def __init__(self, profile="course"):
        with open(PROFILES, encoding="utf-8") as f:
            every = json.load(f)
        if profile not in every:
            raise OSError("no profile is called %s, but %s" % (profile,
                                                               ", ".join(sorted(every))))
        p = every[profile]
        # The bonus first: its scenarios are of a lab, too.
        self.rows = [Row(e, True) for e in p.get("bonus", [])] + \
                    [Row(e, False) for e in p["labs"]]
        self.worth = {}
        for row, weights in self.weights().items():
            self.worth.update(share(self.rows[row].points, weights))

    def row_of(self, name, lab):
        for i, row in enumerate(self.rows):
            if row.has(name, lab):
                return i
        return None

    def weights(self):
        """{row: {scenario: weight}} of all scenarios of the tree."""
        out = {}
        for here, _, files in os.walk(FOLDER):
            for f in files:
                if not f.endswith(".scn"):
                    continue
                path = os.path.join(here, f)
                name = os.path.relpath(path, FOLDER)[:-4]
                with open(path, encoding="utf-8", errors="replace") as text:
                    lab, weight = head(text.read())
                row = self.row_of(name, lab)
                if row is not None:
                    out.setdefault(row, {})[name] = weight
        return out

    def in_order(self):
        """The rows as they are shown: each bonus behind its lab."""
        labs = [r for r in self.rows if not r.bonus]
        return [r for lab in labs
                for r in [lab] + [b for b in self.rows if b.bonus and
                                  b.name == lab.name + "+"]]


def head(text):
    """(lab, weight) as a scenario says it."""
    text = "\n".join(s for s in text.split("\n") if not s.startswith(("title", "hint")))
    lab, points = re.search(WORD % "lab", text), re.search(WORD % "points", text)
    return int(lab[1]) if lab else 0, int(points[1]) if points else 0


def share(points, weights):
    """{name: whole points}, in sum POINTS."""
    if not weights:
        return {}
    each = 1 if len(weights) <= points else 0
    rest, total = points - each * len(weights), sum(weights.values()) or 1
    out = {n: each + rest * w // total for n, w in weights.items()}
    left = sorted(weights, key=lambda n: (-(rest * weights[n] % total), n))
    for n in left[:points - sum(out.values())]:
        out[n] += 1
    return out
