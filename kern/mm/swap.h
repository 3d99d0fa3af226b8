/* swap.h: private pages leave memory, and come back.
 *
 *     anon->page   anon->slot   PG_DIRTY
 *     ----------   ----------   --------
 *     there        none         yes         only in memory
 *     there        some         no          in both: it goes without a write
 *     there        some         yes         the slot is out of date
 *     there, busy  some         -           on its way in
 *     none         some                     only on the disk
 *     none         SWP_ZEROS                given up (madvise FREE)
 *
 * A slot belongs to one anon, and who shares the page shares the anon: fork, exit
 * and unmapping know nothing of slots.
 *
 * Which page goes is the choice of a struct swap_manager.  It keeps the pages of a
 * scope in an order of its own: the machine's, or those of a space that may have
 * only so many in memory. */
#ifndef KERN_MM_SWAP_H
#define KERN_MM_SWAP_H

#include "mm/accessed.h"

/* --- swap_scope.c: the pages among which a victim is chosen --- */

struct swap_scope {
    struct spinlock
        lock; /* rank SCOPE: all below, but where it says otherwise */
    const struct swap_manager *sm;
    struct list pages;      /* by page->lru, in the manager's order */
    struct list *hand;      /* the manager's: where it goes on */
    uint64_t now;           /* the manager's: its ticks */
    size_t nr;              /* pages on the list */
    uint64_t looked;        /* how many the manager has looked at */
    struct unmap_hull hull; /* whose A was taken, and no hart told yet */
    size_t looks;           /* at so many may be looked; SIZE_MAX: any */
    size_t quota;           /* [a] how many may be in memory; SIZE_MAX: all */
    bool soft;              /* it may be exceeded, where nobody can go */
    uintptr_t start, end;   /* [gate closed] of which addresses */
    struct mm_struct *mm;   /* [I] whose; NULL: the machine's */
};

/* A policy.  All are called with S->lock held, and may not sleep. */
struct swap_manager {
    const char *name;
    /* S, which may have pages already, in some order, is managed from now on. */
    void (*init_scope)(struct swap_scope *s);
    /* PAGE came to memory; AGAIN: it was chosen, and taken off, but could not go. */
    void (*map_swappable)(struct swap_scope *s, struct page *page, bool again);
    /* PAGE leaves the list. */
    void (*set_unswappable)(struct swap_scope *s, struct page *page);
    /* The page that should go, still on the list, or NULL; looks at MOST at most. */
    struct page *(*swap_out_victim)(struct swap_scope *s, size_t most);
    /* Time passes; may be NULL. */
    void (*tick_event)(struct swap_scope *s);
};
TABLE_DECLARE(swap_manager, struct swap_manager);

extern struct swap_scope swap_global;
void swap_init(void); /* once */

/* The manager called NAME (N bytes), or NULL; the names of all, in BUF of N bytes. */
const struct swap_manager *swap_manager_find(const char *name, size_t n);
void swap_manager_names(char *buf, size_t n);
/* S is managed by SM from now on.  => no spinlock held */
void swap_select(struct swap_scope *s, const struct swap_manager *sm);
/* Time passes for S.  => no spinlock held */
void swap_tick(struct swap_scope *s);

/* MM may have QUOTA private pages of [START, END) in memory, chosen by SM, or, if that
 * is NULL, as the machine's are: then it is soft.  SIZE_MAX: any number.  What is
 * there now counts from its next fault on.  => gate closed.  -ENOMEM */
MUST_CHECK int swap_quota(struct mm_struct *mm, uintptr_t start, uintptr_t end,
                          size_t quota, const struct swap_manager *sm);
/* MM ends. */
void swap_scope_end(struct mm_struct *mm);

/* PAGE, whose owner is an anon, or will be, is one of S, if it is of none yet.
 * => the anon locked, or nobody knows the page; no later lock held */
void swap_map_swappable(struct swap_scope *s, struct page *page, bool again);
/* PAGE is of no scope any more.  => a reference; no lock from RANK_SCOPE on */
void swap_forget_slow(struct page *page);

static inline void
swap_forget(struct page *page)
{
    if (unlikely(atomic_load(&page->flags) & PG_SWAPPABLE))
        swap_forget_slow(page);
}

/* The page that should go, off the list, with a reference; NULL: none was found.
 * What was looked at is counted: "rescan".  => no lock held */
struct page *swap_take_victim(struct swap_scope *s, size_t most);

/* For managers.  May PAGE go at all?  Has it been used since we asked last?  Does
 * it have to be written first? */
static inline bool
page_may_go(const struct page *page)
{
    return page->mlocks == 0 && page->pins == 0;
}
/* The same, for each page that is looked at, once. */
static inline bool
swap_look(struct swap_scope *s, const struct page *page)
{
    s->looked++;
    return page_may_go(page);
}
static inline bool
swap_referenced(struct swap_scope *s, struct page *page)
{
    return page_take_accessed(page, &s->hull);
}
bool page_is_dirty(struct page *page);

/* --- swap.c: out and in --- */

/* Lock the anon that owns PAGE, which has been up to date; NULL: none does (any
 * more).  => no lock from RANK_ANON on; PAGE need not stay meanwhile */
struct anon *anon_lock_of(struct page *page);
/* swap_global.c: N private pages of the machine leave memory, if they can.  Returns
 * how many did.  => as swap_out(); one thread only */
size_t swap_out_global(size_t n);
/* The same, but a turn over all takes TURN_MS at least: who uses his pages more often
 * than that keeps them. */
size_t swap_out_slowly(size_t n);
/* ... of spaces with a quota. */
size_t swap_out_quotas(size_t n);

/* Have N pages of S leave memory.  Returns how many did.
 * => may sleep; no lock, no page locked */
size_t swap_out(struct swap_scope *s, size_t n);
/* The same of these, at most 32, with a reference each that is taken over. */
size_t swap_out_these(struct swap_scope *s, struct page **pages, unsigned n);

/* Write N pages, each to its slot: together where slots follow each other, but one by
 * one where that fails.  ENDED(ARG, ...) says whether it left memory; returns how many
 * did.  => may sleep; the pages locked, no other lock */
typedef bool swap_end_fn(void *arg, struct page *page, swp_t slot, int err);
size_t swap_write(struct page **pages, const swp_t *slot, unsigned n,
                  swap_end_fn *ended, void *arg);

/* A, which has no page, gets the fresh PAGE, locked and without contents; the caller
 * has a reference, too.  => a->lock held */
void swap_begin_in(struct anon *a, struct page *page);
/* PAGE, which is so, gets the contents of its anon's SLOT;
 *  * 0: zeros.  If that fails, the anon has it no more.  Returns 0 or -EIO.
 * => may sleep */
int swap_in(struct page *page, swp_t slot);
/* The same for N pages, whose slots follow each other, at once; what becomes of the
 * first.  The others are unlocked, and the caller's references given back. */
int swap_in_run(struct page **pages, unsigned n, swp_t slot);
/* More than half of the slots are taken: what comes in lets go of its own. */
bool swap_slots_scarce(void);

/* Everything comes back from DEV, which gives out no slots any more.  -ENOMEM, -EIO,
 * -EINTR: some is still there.  => may sleep */
struct swap_dev;
MUST_CHECK int swap_bring_back(struct swap_dev *dev);
/* ... what objects have there.  ext/mm/pager_swap.c */
MUST_CHECK int swap_bring_shared(struct swap_dev *dev);
/* Is there memory for one more page from swap, and does nobody want the caller to
 * stop?  -EINTR, -ENOMEM */
MUST_CHECK int swapoff_may_go_on(void);
/* How many slots objects have, for checks.  => nobody is at work on them */
uint64_t swap_slots_shared(void);

/* --- swapslot.c: who has which slot --- */

struct swap_dev {
    /* N pages to or from the slots SLOT and behind.  => may sleep.  -EIO */
    int (*io)(struct swap_dev *dev, bool write, uint64_t slot,
              struct page **pages, unsigned n);
    void *host;
    uint64_t nslots;           /* [I] */
    int priority;              /* [I] higher first */
    struct list all;           /* [slots] by priority */
    struct swap_chunk **chunk; /* [slots] */
    struct list whole, part;   /* [slots] chunks with free slots */
    uint64_t at;               /* [slots] the last one given out */
    uint64_t used, bad;        /* [slots] */
    uint64_t reserved;         /* [slots] in runs, for nobody yet */
    uint64_t looked;           /* [slots] words, to find what is free */
    unsigned busy;             /* [slots] runs, reads and writes */
    unsigned index;            /* [I] in a swp_t */
    bool closed;               /* [slots] gives out none */
};

/* Slots that follow each other, for pages that go together; zeros: none. */
struct swap_run {
    struct swap_dev *dev;
    uint64_t next;
    unsigned n;
};

/* The disk's slots are there from now on; DEV stays the caller's until swap_off().
 * -ENOMEM, -EBUSY: too many devices, -EINVAL: no or too many slots. */
MUST_CHECK int swap_on(struct swap_dev *dev);
/* DEV is not used any more: what it has comes back first.  => may sleep */
MUST_CHECK int swap_off(struct swap_dev *dev);

/* A slot for A, or SWAP_SHARED, the next of RUN, which gets up to MOST, this one
 * included, if it has none; 0: all are taken.  It is to be written.  => a->lock held */
swp_t swap_slot_alloc(struct anon *a, struct swap_run *run, unsigned most);
/* Whose slots are those of objects, which know them: see object.h. */
#define SWAP_SHARED ((struct anon *)8ul)
/* Is SLOT one of DEV? */
bool swap_slot_is_on(const struct swap_dev *dev, swp_t slot);
/* Nobody needs more of RUN. */
void swap_run_end(struct swap_run *run);
/* SLOT, which is A's, will be written.  => a->lock held */
void swap_slot_writing(swp_t slot);
/* It was; BAD: in vain, and it is not used again. */
void swap_slot_written(swp_t slot, bool bad);
/* Nobody needs what SLOT holds; none and SWP_ZEROS are fine.  => no lock from RANK_SWAP on */
void swap_slot_free(swp_t slot);
/* N pages to or from SLOT and behind.  -EIO, also if it is nobody's any more. */
int swap_io(bool write, swp_t slot, struct page **pages, unsigned n);
/* The anon of the first taken slot from *I on, which becomes its number; NULL: there
 * is none.  It may be gone by now.  => DEV is closed */
struct anon *swap_next_owner(struct swap_dev *dev, uint64_t *i, swp_t *slot);
/* Who has SLOT. */
struct anon *swap_slot_owner(swp_t slot);
extern uint64_t swap_total, swap_taken; /* [slots] */
/* Slots there are, and taken ones. */
static inline uint64_t
swap_slots(void)
{
    return atomic_load(&swap_total);
}

static inline uint64_t
swap_slots_used(void)
{
    return atomic_load(&swap_taken);
}

#endif
