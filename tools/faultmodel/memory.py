"""Scenarios on paper: what each step must report.

The model knows nothing of the kernel but its promises: areas.py and pages.py have them
for memory, steps.py and steps_files.py walk the verbs of scenarios, and here the
result is put into the words in which the guest reports (counters.py).
"""
from .areas import Space
from .counters import COUNTERS, PAGE, Expected, Killed, Signal, Unknown, say
from .durable import Durable
from .pages import ZERO
from .programs import ProgramSteps
from .steps import Steps
from .steps_disk import DiskSteps
from .steps_files import FileSteps
from .steps_more import MoreSteps
from .steps_swap import SwapSteps
from .swap import Machine


class World(MoreSteps, DiskSteps, Steps, FileSteps, SwapSteps, ProgramSteps):
    """Walk the steps of a scenario, as build/scn prints it."""

    def __init__(self, scn):
        super().__init__()
        self.scn, self.files, self.removed = scn, {}, set()
        self.machine = Machine(scn["boot"])
        self.spaces, self.parents = {0: Space(self.machine)}, {}
        self.programs = {}
        self.harts, self.buried = {}, set()     # {process: hart}, who has waited for a child
        self.failing, self.meanwhile, self.kept = {}, None, None
        self.told, self.sum, self.wrong = {}, dict.fromkeys(COUNTERS, 0), []
        self.faults = 0
        self.machine_counts = any(s["op"] == "expect" and s["word"] in ("steal", "pswpin")
                                  for s in scn["steps"])
        self.durable = Durable() if scn.get("crash") else None

    def walk(self):
        """[(index of the step, Expected)]; self.wrong lists claims of the author that
        are not so."""
        out = []
        for i, step in enumerate(self.scn["steps"]):
            if step["op"] == "expect":
                self.check_expect(step)
                continue
            out.append((i, self.step(step)))
            if self.durable:
                self.durable.note(i, step, out[-1][1].result, self)
        if self.durable:
            self.durable.end(self)
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
        self.machine.failing, self.failing = self.failing, {}
        self.machine.meanwhile, self.meanwhile = self.meanwhile, None
        self.machine.gone, self.machine.acting = [], space
        try:
            rule = getattr(self, "do_" + op, None)
            if rule is None:
                raise Unknown("'%s'" % op)
            rule(step, space, out)
            if self.machine.failing.get("room"):
                raise Unknown("where else than in put the disk is asked for room")
        except Signal as s:
            out.result = "signal:%d:%d:%x" % (s.number, s.code, s.address - self.base(step))
        except Killed:
            raise Unknown("an access that ends its process, unless it says so: die")
        if not self.machine_counts:
            space.count["steal"] = space.count["pswpin"] = 0
        elif op == "reclaim":
            raise Unknown("what else goes, which the machine counts, too")
        if space.waited:
            out.loose, space.waited = tuple(out.loose) + ("flt", "retry"), False
        if step["proc"] in self.spaces:
            if op not in ("fork", "forkfail"):
                out.count = {k: v - before[k] for k, v in space.count.items()
                             if v != before[k]}
            out.areas, out.seams = self.seen_areas(space)
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
            elif words[0] == "evicts":
                ok = self.evicted(step, words[1:])
            elif words[0] in COUNTERS:
                ok = out.count.get(words[0], 0) == times
            else:
                ok = say(out.result).startswith(part)
            if not ok:
                self.complain(step, "-> %s: the model says %s" % (
                    part, " ".join([say(out.result)] +
                                   ["%s x%d" % kv for kv in out.count.items()])))

    def evicted(self, step, words):
        """Did the page NAME[NUMBER] leave memory?"""
        name, _, number = "".join(words).rstrip("]").partition("[")
        return any(a["name"] == name and s is self.spaces.get(step["proc"]) and
                   va == a["base"] + int(number or 0) * PAGE
                   for a in self.scn["areas"] for s, va in self.machine.gone)

    # ---- pages as text ----

    def base(self, step):
        return self.scn["areas"][step["area"]]["base"] if "area" in step else 0

    def cells(self, space, area, names):
        out = []
        for va in range(area["base"], area["base"] + area["pages"] * PAGE, PAGE):
            e, a = space.entries.get(va), space.area(va)
            if not a:
                out.append("-")
            elif not e:
                frame = space.private.get(va)
                out.append("." if not frame else "p" if frame.there or frame.zeros
                           else "s")
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
        for n in sorted(set(self.spaces) - self.threads):
            for i, area in enumerate(self.scn["areas"]):
                text = self.cells(self.spaces[n], area, names)
                if text != self.told.get((n, i), ""):
                    self.told[n, i] = text
                    out[self.scn["procs"][n], area["name"]] = text
        return out
