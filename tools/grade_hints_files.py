"""What is most likely wrong in lab 7, told from the first step that was different.

Rules as those of grade_hints.py, which come behind these."""


def counted(d):
    """Was the fault there, and not all of it noted?"""
    return d.op in ("store", "write", "read", "load") and not d.pages()[0] and \
        "flt" not in d.what and (d.less("mkwrite", "fshared") or d.more("mkwrite", "fshared"))


RULES = (
    (counted,
     "do_shared_fault counts MM_FSHARED and MM_MKWRITE at each store that gets there, also if "
     "the page is dirty already."),
    (lambda d: d.less("wb") or d.more("wb"),
     "Which pages are dirty?  Only a store makes one so, no load does: do_shared_fault says "
     "object_set_dirty() before the entry gets W, and write(2) goes by make_writable()."),
)
