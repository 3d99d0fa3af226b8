"""What is most likely wrong in lab 6, told from the first step that was different.

Rules as those of grade_hints.py, which come behind these.  D.policy is what chose the
victims at that step: a policy's name, or "" for a soft quota, which the machine's
chooses for; None: no quota.  KERNEL is for the scenarios that need no program: their
steps are direct calls."""


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
    (lambda d: set(d.what) == {"steal"},
     "begin_out: what goes without a write is counted, whether a slot has it or it was given "
     "up: STAT_DROPPED."),
    (lambda d: set(d.what) == {"pswpin"},
     "end_in: what was read from a slot is counted for the machine: STAT_SWPIN."),
    (lambda d: "dev->busy >= n" in d.console,
     "A write ended that never began: begin_out() says swap_slot_writing() of the slot, once "
     "for each TO_WRITE; end_out() says swap_slot_written(), once."),
    (lambda d: "to == 0 || " in d.console,
     "A page is being written, and does not say so: begin_out() sets PG_WRITEBACK for each "
     "TO_WRITE, and end_out() takes it away by page_written()."),
    (lambda d: "PG_WRITEBACK" in d.console,
     "end_out() ended and the page still counts as being written: page_written(), on every "
     "way out of it."),
    (lambda d: "still mapped, locked or pinned" in d.console,
     "A page was let go of that somebody has: look again in end_out() (only_ours), and in "
     "begin_out() (its references, try_to_evict)."),
    (lambda d: "a spinlock is held" in d.console or "lock held" in d.console,
     "A lock was taken and not given back: a->lock, behind anon_lock_of(), on every way out."),
    (lambda d: d.policy and "killed" in d.got and "killed" not in d.want or stayed(d),
     "Nothing left memory. One after the other: is a victim chosen (swap_out_victim, which as "
     "FIFO does not ask A; map_swappable), does begin_out() take it, does find_slots() find a slot, which "
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


KERNEL = (
    (lambda d: d.op == "setaside" and d.got == "none" or d.word == "HANG" and d.op == "setaside",
     "find_slots found nothing, though a slot is free: is its bit 1 (put_slot sets it), and does "
     "the search go on to the next word, behind the last to the first?"),
    (lambda d: d.op == "setaside" and "run" in d.got and "run" in d.want and
     d.got.split(":")[1] == d.want.split(":")[1],
     "find_slots: how many are free side by side from there on, the first included: MOST at "
     "most (MOST is not to be ignored), no slot that is taken, none behind the chunk."),
    (lambda d: d.op == "setaside" and "run" in d.got,
     "find_slots: the first free slot from *AT on, *AT itself included; then word by word, and "
     "from the last word to the first."),
    (lambda d: d.op in ("give", "setaside") and ("whole" in d.what or "part" in d.what or
                                                 d.got in ("panic", "broken")),
     "put_slot: the slot is counted (nfree), and its chunk lies on the list of what it has: "
     "dev->part with the first free slot, dev->whole when all (nall) are free, and never on "
     "both."),
    (lambda d: d.op == "victim" and (d.more("over") or d.want == "none"),
     "It may look at MOST pages, and no more; if nobody is found among them it says NULL (the "
     "clock: where all that may go were used, and MOST is less than there are)."),
    (lambda d: d.op == "victim" and "clock" in d.words,
     "The hand looks at A: 1 becomes 0 and is spared, 0 goes. Who may not go (swap_look) is "
     "passed. The hand goes on where it stopped; after a full turn the first that may go goes."),
    (lambda d: d.op in ("come", "again") and "queue" in d.what,
     "fifo_map_swappable: the new page goes to the end of the queue, the tail of s->pages, also "
     "one that was chosen and could not go."),
    (lambda d: d.op == "victim",
     "fifo_swap_out_victim: the first from the head that may go (swap_look; FIFO does not ask A); "
     "who may not keeps its place in the queue."),
)
