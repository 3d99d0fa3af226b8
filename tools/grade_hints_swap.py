"""What is most likely wrong in lab 6, told from the first step that was different.

Rules as those of grade_hints.py, which come behind these.  D.policy is what chose the
victims at that step: a policy's name, or "" for a soft quota, which the machine's
chooses for; None: no quota."""


def policy_of(case):
    """Of the process of the step that was different."""
    steps, at = case.scn.get("steps", []), case.verdict.step
    out = None
    for s in steps[:0 if at is None else at + 1]:
        if s["op"] == "quota" and s["proc"] == steps[at]["proc"]:
            out = s["word"] if s["value"] != 2 ** 64 - 1 else None
    return out


def chose(d, policy):
    """Did POLICY choose another victim?"""
    return d.policy == policy and d.op != "quota" and (
        d.more("swpin", "swpout") or d.less("swpin", "swpout") or d.pages() != ("", ""))


RULES = (
    (lambda d: d.word in ("CRASH", "HANG") and "before the first step" not in d.left and
     not d.first,
     "A fault that is repeated for ever, or ends in nothing: what comes from a slot is up to "
     "date then, belongs to its anon (it is the owner of the page), and the slot is of this "
     "page alone: no function of an address."),
    (lambda d: d.policy == "" and ("killed" in d.got or d.more("oom")),
     "A soft quota is exceeded where none can go; nobody dies of it, whether swap is full or "
     "not."),
    (lambda d: chose(d, "lru"),
     "LRU: at a tick those used since the last one become the youngest; who goes is the eldest "
     "of those that were not."),
    (lambda d: chose(d, "second"),
     "Second chance is a queue: its head goes if A=0; with A=1 it goes to the tail, with A=0."),
)
