/* mm_mutant.h: the holes that explore_fault.c, explore_mremap.c, explore_swap.c
 * and explore_shared.c can ask for. */
#ifndef HOST_MM_MUTANT_H
#define HOST_MM_MUTANT_H

enum mutant {
    MUTANT_NONE,
    MUTANT_NO_COMPARE,      /* publish_private: whatever is in the slot */
    MUTANT_NEVER_SHARED,    /* do_wp_page: writes in place */
    MUTANT_ANON_AT_ONCE,    /* the old page goes before the flush */
    MUTANT_NODE_AT_ONCE,    /* a sub-tree goes before the flush */
    MUTANT_TABLE_AT_ONCE,   /* a table goes before the flush */
    MUTANT_TWO_LAYERS,      /* area_layer: the last one wins */
    MUTANT_BELOW_BLINDLY,   /* a read: no look for a private page */
    MUTANT_NO_LAYER_LOOK,   /* set_entry: no look for a new layer */
    MUTANT_NO_SECOND_READ,  /* set_entry: the entry as it was */
    MUTANT_AD_BLINDLY,      /* ad_fix: the entry as it was */
    MUTANT_TABLE_BLINDLY,   /* make_table: over another's */
    MUTANT_NO_SHOOTDOWN,    /* other harts are not told */
    MUTANT_LATE_FLUSH,      /* mm_copy: opens the gate, then flushes */
    MUTANT_NO_RMAP_LOCK,    /* the reverse map without its lock */
    MUTANT_NO_PAGE_LOCK,    /* a fault uses a page that is busy */
    MUTANT_MKWRITE_UNLOCKS, /* the page is free between mkwrite and store */
    MUTANT_PUT_APART,       /* anon_last_put: counts in two steps */
    MUTANT_READ_NO_LAYER,   /* do_private_read: the layer is unlocked early */
    MUTANT_NOT_RECORDED,    /* store_entry: of a page that has a record */
    MUTANT_RETIRE_UNLOCKED, /* set_entry: retires before the table is locked */
    MUTANT_ADD_BLINDLY,     /* object_add: whatever is there already */
    MUTANT_VISIT_UNLOCKED,  /* rmap_walk: without the table's lock */
    MUTANT_OLD_OWNER,       /* anon_new: the owner its frame had before */
    MUTANT_ENTRY_UNLOCKED,  /* do_shared_fault: the page, as its entry comes */
    MUTANT_FILL_NO_LOOK,    /* object_fill: no look at the size */
    MUTANT_FILL_REMOVES,    /* object_fill: throws out what others have */
    MUTANT_EVICT_BLIND,   /* object_remove_unused: who maps it does not count */
    MUTANT_LATE_ANNOUNCE, /* page_wait: looks, then announces */
    MUTANT_READ_NO_ANON,  /* do_private_read: without the anon's lock */
    MUTANT_WRITE_NO_ANON, /* do_wp_page: the same */
    MUTANT_OWNED_EARLY,   /* publish_private: the page leads to its anon */
    MUTANT_AROUND_NO_LAYER, /* fault_around.c: no look for a new layer */
    MUTANT_AROUND_PRIVATE,  /* fault_around.c: no look for a private page */
    MUTANT_ASK_UNLOCKED,    /* page_take_accessed: without the records' lock */
    MUTANT_RECORD_LATE,  /* move_ptes.c: the record after the tables' locks */
    MUTANT_SLOT_EARLY,   /* a slot is given out again while it is written */
    MUTANT_DIRTY_UNSEEN, /* end_out: no look whether it was written to */
    MUTANT_VICTIM_LATE,  /* swap_take_victim: a reference after the lock */
    MUTANT_OFF_AT_ONCE,  /* swap_off: does not wait for I/O */
    MUTANT_CUT_PASSES,   /* cut_pages: what backed out is not looked at again */
};

#endif
