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


def stayed(d):
    """Did nothing leave memory where something should have?"""
    want, got = d.pages()
    return d.less("swpout") and d.what["swpout"][1] == 0 and want.count("s") > got.count("s")


RULES = (
    (lambda d: "dev->busy >= n" in d.console,
     "A write ended that never began: begin_out() says swap_slot_writing() of the slot, once "
     "for each TO_WRITE; end_out() says swap_slot_written(), once."),
    (lambda d: "PG_WRITEBACK" in d.console,
     "end_out() ended and the page still counts as being written: page_written(), on every "
     "way out of it."),
    (lambda d: "still mapped, locked or pinned" in d.console,
     "A page was let go of that somebody has: look again in end_out() (only_ours), and in "
     "begin_out() (its references, try_to_evict)."),
    (lambda d: "a spinlock is held" in d.console or "lock held" in d.console,
     "A lock was taken and not given back: a->lock, behind anon_lock_of(), on every way out."),
    (lambda d: d.policy and "killed" in d.got and "killed" not in d.want or stayed(d),
     "Nothing left memory. One after the other: is a victim chosen (swap_out_victim, "
     "map_swappable), does begin_out() take it, does find_slots() find a slot, which "
     "put_slot() gave back, and does make_room() ask swap_out() for one?"),
    (lambda d: ("slots of swap" in d.left or "mmcheck" in d.left) and "fail" not in d.ops,
     "A slot is taken that nobody has: begin_out() asks for one only where the page has none; "
     "who lets go of a page or takes it from its slot gives the slot back, once."),
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
