"""What is most likely wrong in lab 4, told from what the kernel says of itself.

Rules as those of grade_hints.py, which come behind these.  D.panic is the panic and the
functions it was in, D.audit what mmcheck complained of while the processes were there."""
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
