"""What the models of steps that the kernel runs itself share: they go through a scenario
step by step, and compare with what its author thinks will happen."""
from .memory import Expected, Unknown


class Paper:
    """A method do_OP for each step; it returns the result, None is "ok"."""

    LAB = None

    def __init__(self, scn):
        self.scn, self.wrong = scn, []

    def begin(self):
        """Forget all that was: a scenario is gone through more than once."""

    def act(self, do, step, e, said):
        """SAID: what the kernel reported of this step, or None."""
        return do(step, e)

    def after(self, step, e, said):
        """What else is seen when the step is over."""

    def claimed(self, result):
        """RESULT as a scenario writes it behind "->"."""
        return result.split(":")[0]

    def walk(self, story=None):
        """[(index of the step, Expected)].  STORY: {index: what the kernel said}; with it
        what the author claims is not looked at again."""
        self.begin()
        out = []
        for i, step in enumerate(self.scn["steps"]):
            said = story.get(i) if story else None
            e, do = Expected(), getattr(self, "do_" + step["op"], None)
            if do is None:
                raise Unknown("%s in lab %d" % (step["op"], self.LAB))
            e.result = self.act(do, step, e, said) or "ok"
            self.after(step, e, said)
            if story is None:
                self.claim(step, e)
            out.append((i, e))
        return out

    def claim(self, step, e):
        claim, text = step["claim"].strip(), self.claimed(e.result)
        if claim and claim != text:
            self.wrong.append("line %d: the model says %s, not %s"
                              % (step["line"], text, claim))
