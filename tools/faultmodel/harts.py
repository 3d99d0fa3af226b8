"""Harts on paper: what each step of a scenario of lab 9 that the kernel runs must do.

All harts that the machine has are online.  Who is asked to forget a translation is every
one of them that was named, but for the one that asks, whether it sleeps or not.
"""
from .paper import Paper


class World(Paper):
    LAB = 9

    @staticmethod
    def describe(step):
        text = {"online": "", "visit": str(step["last"]), "forget": "%#x" % step["value"]}
        return (step["op"] + " " + text.get(step["op"], "")).strip()

    def begin(self):
        self.here = 0

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
