"""Harts on paper: what each step of a scenario of lab 9 that the kernel runs must do.

All harts that the machine has are online.  Who is asked to forget a translation is every
one of them that was named, but for the one that asks, whether it sleeps or not.
"""
from .memory import Expected, Unknown


class World:
    def __init__(self, scn):
        self.scn, self.wrong = scn, []

    @staticmethod
    def describe(step):
        text = {"online": "", "visit": str(step["last"]), "forget": "%#x" % step["value"]}
        return (step["op"] + " " + text.get(step["op"], "")).strip()

    def walk(self, story=None):
        self.here = 0
        out = []
        for i, step in enumerate(self.scn["steps"]):
            e, do = Expected(), getattr(self, "do_" + step["op"], None)
            if do is None:
                raise Unknown("%s in lab 9" % step["op"])
            e.result = do(step, e) or "ok"
            claim = step["claim"].strip()
            if story is None and claim and claim != e.result.split(":")[0]:
                self.wrong.append("line %d: the model says %s, not %s"
                                  % (step["line"], e.result, claim))
            out.append((i, e))
        return out

    def do_online(self, step, e):
        return "value:%x" % self.scn["harts"]

    def do_visit(self, step, e):
        if step["last"] >= self.scn["harts"]:
            return "none"
        self.here = step["last"]
        return "value:%x" % self.here

    def do_forget(self, step, e):
        """How many had to know, and as many are counted."""
        n = bin(step["value"] & (1 << self.scn["harts"]) - 1 & ~(1 << self.here)).count("1")
        if n:
            e.count["tlb_rem"] = n
        return "value:%x" % n
