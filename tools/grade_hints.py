"""What is most likely wrong, told from the first step that was different.

A scenario has hints of its own: "hint TEXT" is always shown, "hint [cow areas] TEXT" only
if one of these is among the first differences.  Before them come what the RULES below say,
which know nothing of the scenario: they read the difference as somebody who knows the
fault path would.  They were written from the signatures of lab-tests/mutants/labs."""
import re

import grade_console
import grade_hints_areas
import grade_hints_files
import grade_hints_fork
import grade_hints_kernel
import grade_hints_swap

WHEN = re.compile(r"\[([a-z ]*)\]\s*(.*)")
LEFT = {"frames": "frames are not free", "objects": "objects are not free",
        "slots": "slots of swap", "lost": "faults ended in no way", "mmcheck": "mmcheck", "durable": "had made that last", "third": "never was",
        "fsck": "fsck.sfs"}
KINDS = ("value", "signal", "error", "killed", "exited", "ok")
WORDS = set(LEFT) | set(KINDS) | {"areas", "pages", "crash", "hang"}


class Difference:
    """The first difference of a case, for rules to ask about."""

    def __init__(self, case):
        v = case.verdict
        step = case.scn["steps"][v.step] if v.step is not None else {}
        self.word, self.op, self.step = v.word, step.get("op", ""), step
        self.first = v.step == 0
        self.ops = {s["op"] for s in case.scn.get("steps", [])}
        self.words = {s["word"] for s in case.scn.get("steps", [])}
        self.policy = grade_hints_swap.policy_of(case)
        # What nothing came for (no process is left to have areas) is none.
        self.what = {d[0]: tuple(0 if n is None else n for n in d[1:])
                     for d in v.detail if not isinstance(d, str)}
        self.left = " ".join(d for d in v.detail if isinstance(d, str))
        self.console = "\n".join(case.notes)
        self.panic, self.where = "\n".join(case.panic), case.where_it_is
        self.audit = "\n".join(case.story.complaints if case.story else [])
        self.want, self.got = self.what.get("result", ("ok", "ok"))
        self.before = {}        # the pages after the step before, by name
        for i, e in case.expected:
            if v.step is None or i >= v.step:
                break
            self.before.update(("pages of %s in %s" % (area, who), text)
                               for (who, area), text in e.cells.items())
        self.touched = self.cells(case, step) if step.get("area") is not None else ""

    @staticmethod
    def cells(case, step):
        """The signs of the pages that STEP touches, as they should be after it."""
        area = case.scn["areas"][step["area"]]
        key, text = (case.scn["procs"][step["proc"]], area["name"]), ""
        for i, want in case.expected:
            text = want.cells.get(key, text)
            if i == case.verdict.step:
                break
        signs = split_cells(text)
        return " ".join(signs[step["first"]:step["last"] + 1])

    def more(self, *names):
        return any(b > a for a, b in (self.what.get(n, (0, 0)) for n in names))

    def less(self, *names):
        return any(b < a for a, b in (self.what.get(n, (0, 0)) for n in names))

    def pages(self, who=""):
        """(expected, got) of the first area of WHO whose pages are different."""
        for name, pair in self.what.items():
            if name.startswith("pages of") and name.endswith(who):
                return pair
        return "", ""

    def became(self, old, new):
        """Is some page that should be OLD (a sign) NEW instead?"""
        for name, pair in self.what.items():
            was = self.before.get(name, "")
            texts = [was if t == "as before" else str(t) for t in pair]
            if name.startswith("pages of") and any(
                    o[:1] == old and n[:1] == new
                    for o, n in zip(*map(split_cells, texts))):
                return True
        return False

    def allowed(self):
        """It should have been refused, and was not."""
        return "signal" in self.want and "signal" not in self.got

    def refused(self):
        return "signal" in self.got and "signal" not in self.want

    def values(self):
        return self.want.startswith("value") and self.got.startswith("value") and \
            self.want != self.got

    def names(self):
        """The words that a hint may ask for."""
        out = {n for n in self.what if " " not in n and n != "result"}
        out |= {n for n, text in LEFT.items() if text in self.left}
        if "result" in self.what:
            out |= {self.got.split(":")[0]} & set(KINDS)
        if self.pages() != ("", ""):
            out.add("pages")
        if self.word in ("CRASH", "HANG"):
            out.add(self.word.lower())
        return out


def split_cells(text):
    """The signs of an area: those with a frame have its letter behind."""
    return re.findall(r"[RWfF].|.", text)


SEGV = "signal:11:"
GOES_ROUND = re.compile(r" is in (?!a program|from_user)")
COPIES = (      # all that lab 1 has of processes
    (lambda d: True,
     "Every program is copied to and from: exception() asks user_copy_fault() first, and where "
     "that says true it goes on where it was."),
)
LOCKS = ("%s. Whoever takes two locks takes them in the order of docs/locks.md, also where only "
         "one hart runs: release the second one first, or take it before.")
RULES = (
    (lambda d: "the power fails" in d.left and "fsck.sfs" in d.left,
     "What a crash leaves must be what some commit left: the log and the data of new "
     "blocks, a flush, the commit block, a flush, and only then the places themselves."),
    (lambda d: "the power fails" in d.left and "had made that last" in d.left,
     "What msync and fsync promise: each page that was stored to is dirty (a first store "
     "through a mapping says so, and write(2)), all that is dirty is written, and the "
     "disk is flushed before they return."),
    (lambda d: "the power fails" in d.left,
     "These bytes are of something else: what lies behind the end of a file is zeros "
     "before it grows, and a block belongs to its old file until a commit says otherwise."),
    (lambda d: "is still mapped" in d.console,
     "Entries still show a page that is given back: munmap clears the entries first, "
     "and only then lets go of the pages, by their numbers (lpgoff; also where an area "
     "lost its head)."),
    (lambda d: "insert_loose" in d.console or "next->vm_start" in d.console,
     "Two areas would overlap. Did munmap leave the second of several areas, or did "
     "find_vma take vm_end for inside?"),
    (lambda d: "cannot read it" in d.left,
     "read(2) gave a program other bytes than the file has, or none: do_cow_fault fills "
     "the private copy of a page; copy_to_user may fault, for a load and for a store."),
    (lambda d: d.word in ("CRASH", "HANG") and "before the first step" in d.left,
     "No program gets far enough to begin: mapping, forking and copying pages are needed "
     "for that. make qemu shows how it ends; look at what you changed last in fork (what "
     "the child gets), in the copy of a page, in copy_to_user, in how areas merge."),
    (lambda d: d.word in ("CRASH", "HANG") and (d.op == "file" or d.first) and
     "panic" not in d.console,
     "The scenario's own program ended: its text and data are private mappings of a file, "
     "some from its middle (vm_pgoff); it maps, and mprotect changes (vm_flags)."),
    (lambda d: d.word == "HANG" and d.where and all("is idle" in s for s in d.where if
                                                    s.startswith("hart")),
     "Nothing runs, and somebody waits for ever: a wake-up was lost, or came before the "
     "sleep. Who is woken (sched_wake) becomes ready and gets into the queue of a hart, and "
     "who is taken out of a queue is run."),
    (lambda d: d.word == "HANG" and any("sched_yield" in s for s in d.where),
     "A process waits for another one by giving up its turn again and again, and that one "
     "never comes: was it woken (sched_wake), is it in a queue, is it taken out of it?"),
    (lambda d: d.word == "HANG" and any(GOES_ROUND.search(s) for s in d.where),
     "A loop in the kernel does not end, or a fault comes for ever (then the entry does not "
     "allow what was asked): where the hart was stopped stands above."),
    (lambda d: d.word == "HANG",
     "A fault that is repeated for ever: after it the entry must allow what was asked; "
     "so the rights of area and entry must agree."),
    (lambda d: d.want.startswith(SEGV + "2") and d.got.startswith(SEGV + "1"),
     "There is an area, but it has not this right: SEGV_ACCERR; SEGV_MAPERR is for "
     "addresses without one."),
    (lambda d: d.want.startswith(SEGV + "1") and d.got.startswith(SEGV + "2"),
     "There is no area: SEGV_MAPERR; SEGV_ACCERR is for areas without the right."),
    (lambda d: d.allowed() and d.want.startswith(SEGV + "1"),
     "Nothing is mapped there. find_vma: vm_start <= address < vm_end; munmap: areas, "
     "entries and TLB."),
    (lambda d: d.allowed() and d.want.startswith(SEGV),
     "The rights of the area (vm_flags) do not allow it: are they looked at, are they "
     "what mprotect or fork should have made of them, does the entry give more than they?"),
    (lambda d: d.more("sigbus") or d.less("sigbus"),
     "SIGBUS is for pages that begin behind the end of the file; the page in which it "
     "ends is given, with zeros behind."),
    (lambda d: d.refused() and d.op in ("get", "put"),
     "copy_to_user and copy_from_user: a fault in the kernel on a user address is served "
     "as one of the program."),
    (lambda d: d.refused(),
     "This is allowed: is the area still there, whole and with these rights (vm_flags)?"),
    (lambda d: d.op == "map" and d.more("flt"),
     "mmap only notes the area: its pages come one by one, each at the first touch."),
    (lambda d: d.op == "map" and d.became(".", "p"),
     "Pages of what was there before show up again: munmap of a part lets go of the "
     "private pages in it, too."),
    (lambda d: d.want.startswith("error") and d.got in ("ok", "value:0"),
     "A call that cannot do all it was asked to returns an error: ENOMEM where mprotect "
     "meets a hole, EFAULT for a bad pointer."),
    (lambda d: d.op == "protect" and d.less("areas"),
     "mprotect of a part splits the area, at both ends of the range."),
    (lambda d: d.op in ("unmap", "map") and d.less("areas"),
     "A hole in the middle of an area leaves two: split it, the tail is an area, too. And "
     "only neighbours with equal rights merge."),
    (lambda d: d.more("areas"),
     "Neighbours that are alike merge into one area: same vm_flags, same layer or object, "
     "and one goes on where the other ends. Fresh memory has neither, and no number counts."),
    (lambda d: d.op in ("unmap", "map") and d.pages()[0].count("-") < d.pages()[1].count("-"),
     "munmap took more than its range: it ends at the end rounded up, the rest of the "
     "area stays (split)."),
    (lambda d: d.op in ("unmap", "map") and d.pages()[0] != "",
     "munmap: every area in the range, its entries and its private pages."),
    (lambda d: d.op == "protect" and d.became("p", ".") and not d.became(".", "p"),
     "mprotect keeps the private pages: without any right the entries go, and only they."),
    (lambda d: d.op == "protect" and (d.became("R", "p") or d.became("W", "p") or
                                      d.became(".", "p") or d.became("p", ".")),
     "After the split the second half counts its pages on from the first: lpgoff, "
     "vm_pgoff."),
    (lambda d: d.op == "protect" and d.pages()[0] == "as before",
     "mprotect gives nothing: the page may be shared, or the zero page. The next fault "
     "finds out whether it may be written."),
    (lambda d: d.op == "protect",
     "mprotect takes rights out of the entries that are there (and of the TLB), not only "
     "out of the area: an entry has never more rights than vm_flags. First the flags, then "
     "the entries, which protect_ptes() makes as the flags are."),
    (lambda d: d.op == "fork" and ("W" in d.pages("main")[1] or
                                   d.pages("main")[1] == "as before"),
     "fork: the entries of the parent lose W, so that its next store faults and copies."),
    (lambda d: d.op == "fork",
     "fork: the child has the same areas and shares every private page: one more owner, "
     "no copy."),
    (lambda d: d.left.startswith("1 objects") and "frames" not in d.left,
     "An object is not free again, or freed once too often: each area holds a reference of "
     "its own to what it maps."),
    (lambda d: "not free again" in d.left,
     "Something was not given back: munmap and exit let go of all pages of an area, a "
     "copy of its share of the old page, whoever counts owners counts them down again."),
    (lambda d: d.values() and "z" in d.touched,
     "The zero page holds something: it is mapped read-only, also by mprotect, and a "
     "store to it is a fault that takes a new page."),
    (lambda d: d.more("fread") and re.search("[pRW]", d.touched),
     "There is a private page: it is looked for first, in the layer; what the file has "
     "lies below."),
    (lambda d: d.more("anon") and d.less("zero"),
     "A load of an untouched page takes no memory: it maps the zero page, read-only."),
    (lambda d: d.more("zero") or d.less("zero"),
     "A load of an untouched page maps the zero page, with one fault and read-only."),
    (lambda d: d.less("cow") and d.more("reuse"),
     "This page has more than one owner: copy it. Owners are counted by page, through all "
     "generations."),
    (lambda d: d.less("reuse") and d.more("cow"),
     "This page has one owner left: written in place, no copy. Who counts an owner too "
     "many, and by whom was a share of it not given back?"),
    (lambda d: d.less("cow") and (d.became("R", "W") or d.became("p", "W")),
     "A page with several owners is mapped read-only, by a load, too, until a store has "
     "copied it."),
    (lambda d: d.less("cow") and "p" not in d.touched and d.op in ("get", "read"),
     "copy_to_user is a store: through an entry without W it must fault, and copy."),
    (lambda d: d.less("fcow") and d.more("fshared", "reuse"),
     "A store to a private mapping never reaches the file: do_cow_fault copies the page."),
    (lambda d: d.less("fshared") and d.more("fcow"),
     "A store to a shared mapping goes to the one page that all share: no private copy."),
    (lambda d: d.became("f", "F") or d.became("R", "W"),
     "A load maps a page that others have, too, read-only: W comes with a store, after "
     "the look at who owns the page."),
    (lambda d: d.more("around") or d.less("around"),
     "do_read_fault maps the neighbours, too: up to 16 pages of the window, only those "
     "that are in memory, inside the area, with neither an entry nor a private page."),
    (lambda d: d.less("wb"),
     "Fewer pages are written than were changed: a store through a shared mapping and "
     "write(2) make the page dirty, each time it is clean."),
    (lambda d: d.op == "truncate",
     "truncate takes entries and private copies behind the end out of all mappings, and "
     "then the pages."),
    (lambda d: d.op == "advise",
     "MADV_DONTNEED drops private pages and entries of the range; the area stays."),
    (lambda d: d.values() and d.want == "value:0",
     "These bytes should be zero: a page that nobody wrote, or what follows the end of a "
     "file in its last page."),
    (lambda d: d.values(),
     "Other bytes than should be there: was the copy filled from the right page, at the "
     "right offset (vm_pgoff, lpgoff), and did nobody else write to it?"),
)


def wrong(hints, counters):
    """What of the conditions of HINTS is not a word to ask for."""
    out = []
    for h in hints:
        m = WHEN.match(h["text"])
        out += [w for w in (m[1].split() if m else ()) if w not in WORDS | set(counters)]
    return out


def hints(case):
    """All that is to be shown, the best guess first."""
    if case.verdict.word in ("PASS", "INFRA", "BLOCKED", "TODO"):
        return []
    locks = grade_console.lock_order(case.panic)
    if locks:
        return [LOCKS % locks]
    d, own, always = Difference(case), [], []
    names = d.names()
    if case.kernel() and "before the first step" in d.left:
        return [grade_hints_kernel.at_boot(case.lab(), d)]
    unbegun = "before the first step" in d.left     # then no scenario knows why
    for h in case.scn.get("hints", []) if not unbegun else ():
        m = WHEN.match(h["text"])
        if m is None:
            always.append(h["text"])
        elif names & set(m[1].split()):
            own.append(m[2])
    rules = {1: COPIES, 4: grade_hints_areas.RULES, 5: grade_hints_fork.RULES,
             6: grade_hints_swap.RULES, 7: grade_hints_files.RULES}.get(case.lab(), ()) + RULES
    rule = grade_hints_kernel.rule(case.lab(), d) if case.kernel() else \
        next((text for test, text in rules if test(d)), None)
    return own + ([rule] if rule else []) + always
