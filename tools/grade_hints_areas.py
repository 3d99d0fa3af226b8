"""What is most likely wrong in lab 4, told from what the kernel says of itself.

Rules as those of grade_hints.py, which come behind these.  D.panic is the panic and the
functions it was in, D.audit what mmcheck complained of while the processes were there.
KERNEL is for the scenarios that need no program: their steps are direct calls."""
import re


def audit(text):
    """A rule's test: does mmcheck say so?"""
    return lambda d: re.search(text, d.audit) is not None


def panic(text):
    return lambda d: re.search(text, d.panic) is not None


UNBEGUN = (
    "No program gets far enough to begin. The first ones need areas that are found "
    "(find_vma_walk), are in their place and counted (insert_loose, vma_split_into), faults "
    "that find theirs and the entry (find_area, f->pte), and after which the entry allows "
    "what was asked, or the fault comes for ever; copy_to_user, whose fault is served "
    "(serve_copy_fault); and that only equal neighbours merge (joinable). Read the panic, if "
    "there is one.")

RULES = (
    (panic("SSTATUS_SIE"),
     "serve_copy_fault: interrupts are on while the fault is served, and off again "
     "(SSTATUS_SIE) when it returns, whatever came out."),
    (panic("map_count == 0"),
     "The last area went, and the count is not 0: insert_loose counts each that comes "
     "(map_count) and puts it into the list; who is not in the list is not taken away."),
    (panic("in insert_loose"),
     "insert_loose: the new area and its neighbours overlap, or stand in the wrong order. "
     "list_add() puts it behind the link of the area before NEXT; find_vma_walk gives the "
     "first area that ends behind ADDR (vm_end is not inside, and the loose one is there, "
     "too); munmap leaves nothing in its range."),
    (panic("before > 0\n.*layer_put"),
     "A layer has fewer owners than areas that show it: layer_get() for the upper half of a "
     "split."),
    (panic(r"page fault in the kernel.*\n.*in (set_any_entry|do_pgfault|finish_fault)"),
     "f->pte leads to nowhere: find_area sets it at each pass: f->pte = NULL if it does not "
     "know the place of the entry."),
    (panic(r"(?s)(rank|sleep|held|gate|irq).*user_copy_fault"),
     "serve_copy_fault: only code that may sleep can wait for a page: may_wait()."),
    (audit("pages locked, counted"),
     "locked_pages is not what the areas say: account() where an area comes (insert_loose) "
     "or changes its size (vma_split_into), and change_area where VM_LOCKED changes."),
    (audit("lists [0-9]+ areas, [0-9]+ show it"),
     "An area is not in its object's list of areas, or still there: insert_loose adds it, "
     "under the object's lock."),
    (audit("list and tree differ|areas that the list has not"),
     "An area is in the list, but in no tree: insert_loose leaves it in mm->loose, from "
     "where it gets into the tree."),
    (audit("has no slot, but is not dirty"),
     "do_anonymous_page: a new page is up to date and differs from whatever a disk has: "
     "PG_UPTODATE and PG_DIRTY."),
    (audit("layer .* has [0-9]+ references, [0-9]+ areas"),
     "A layer has fewer owners than areas that show it: layer_get() for the upper half of a "
     "split."),
    (lambda d: d.word in ("CRASH", "HANG") and "before the first step" in d.left, UNBEGUN),
)

LOCKED = (
    "locked_pages is not what the areas say: account() where an area comes (insert_loose), and "
    "in vma_split_into: out before its size changes, in again afterwards.")

KERNEL = (
    (lambda d: d.op == "fault" and d.got == "panic" and "page fault in the kernel" in d.panic,
     "f->pte leads to nowhere: find_area sets it at each pass: f->pte = NULL if it does not "
     "know the place of the entry."),
    (lambda d: "unowned" in d.what,
     "A layer has fewer owners than areas that show it: layer_get() for the upper half of a "
     "split."),
    (panic("assertion failed.*\n?.*insert_loose|in insert_loose"),
     "insert_loose: the new area and its neighbours overlap, or stand in the wrong order. "
     "list_add() puts it behind the link of the area before NEXT; find_vma_walk gives the "
     "first area that ends behind ADDR (vm_end is not inside, the loose one is there, too)."),
    (lambda d: d.op == "seek" and d.want != d.got,
     "find_vma_walk: the first area in order of address that ends behind ADDR. vm_end is not "
     "inside any more; between two areas it is the upper one; the one that came last "
     "(mm->loose) counts, whether it is in the tree yet or not (insert_loose leaves it there)."),
    (lambda d: "mapped" in d.what and "areas" not in d.what,
     "insert_loose counts each area that comes: map_count."),
    (lambda d: "locked" in d.what, LOCKED),
    (lambda d: "shown" in d.what and "areas" not in d.what,
     "insert_loose: an area that shows an object is in the object's list of areas."),
    (lambda d: d.op == "lay",
     "insert_loose: the list has the areas in order of address; list_add() puts the new one "
     "behind the link of the area before NEXT, or of the last one."),
    (lambda d: d.op == "halve",
     "vma_split_into: both halves together show what the area showed: the same rights "
     "(vm_flags), the same object, one more owner of it, and behind each address the same page "
     "(vm_pgoff: vma_object_index()); the tail is an area, too, up to the old vm_end."),
    (lambda d: d.op == "meet",
     "joinable: areas merge that touch and are alike: same vm_flags, same object, whose pages "
     "go on from one to the other (vm_pgoff); without an object no number counts."),
    (lambda d: d.op == "fault" and (d.want in ("maperr", "accerr") or
                                    d.got in ("maperr", "accerr")),
     "find_area: no area at ADDR is VM_FAULT_SIGSEGV (MAPERR); an area without a right that is "
     "asked for is VM_FAULT_SIGSEGV | VM_FAULT_ACCERR, whatever the other rights allow; else "
     "it is in f->vma, and f->pte is NULL."),
    (lambda d: d.op == "fault" and d.step["word"] == "store",
     "do_anonymous_page: a frame that is all zeros, PG_UPTODATE and PG_DIRTY, counted as "
     "MM_ANON, given to publish_private()."),
    (lambda d: d.op == "fault",
     "do_zero_page: the zero page, read-only, counted as MM_ZERO; a load takes no memory."),
)
