"""What is most likely wrong in lab 5: rules as those of grade_hints.py, and before them."""

RULES = (
    (lambda d: "is still mapped" in d.console,
     "A page is given back that somebody still shows, so a share was not counted: "
     "layer_share() has a reference to the root (lnode_get), copy_area one to the object, a "
     "clone one to each child."),
    (lambda d: d.word in ("CRASH", "HANG") and "before the first step" in d.left,
     "No program gets far enough to begin, and the first forks: what do the child's areas and "
     "layers get (vm_pgoff, lpgoff, root, origin), what its process and its task; is a shared "
     "node cloned, a shared page copied? make qemu shows how it ends."),
    (lambda d: d.less("cow") and not d.less("reuse"),
     "This page has more than one owner, and was not copied: anon_shared() knows that only if "
     "layer_share() did all of it: a reference to the root, a new epoch for both, and both "
     "forget the leaf of last time."),
    (lambda d: d.less("reuse") and d.more("cow"),
     "This page has one owner left: written in place, no copy. Who counts an owner too many? "
     "lnode_own gives up its reference to the old node once there is a clone; who ends gives "
     "up all."),
    (lambda d: "frames are not free" in d.left,
     "Pages were not given back: the reference that do_wp_page holds for the time of a copy, "
     "the one to the old node in lnode_own, what a process has that ends (release_process) or "
     "is not made after all (process_drop)."),
)
