/* object.h: what a mapping shows when it has no private page: a file, shared
 * memory, a device, the boot image.
 *
 * A vm_object is pages by index, and a pager that brings them.  The fault path
 * and the page cache know only this; a file system, a device or a test embeds
 * one and fills in the operations. */
#ifndef KERN_MM_OBJECT_H
#define KERN_MM_OBJECT_H

#include "debug/kstat.h"
#include "mm/anon.h"
#include "mm/pageref.h"
#include "mm/pgtable.h"
#include "sync/wait.h"
#include <list.h>

struct vm_object;

/* What is behind an object.  Pages are filled by page_in, or by read_run if that
 * is NULL; both NULL: only frame(). */
struct pager_ops {
    const char *name;
    /* page_in() neither sleeps nor takes locks before RANK_LAYER: faults call it
     * inside the gate, and are minor. */
    bool at_once;
    /* Fill PAGE, which is locked, with page INDEX, now.  => may sleep, nothing
     * held but the page's lock.  0, -EIO, -ENOMEM, or -ENODATA beyond the end */
    int (*page_in)(struct vm_object *obj, uint64_t index, struct page *page);
    /* What is neither in memory nor on swap is zeros: readers need no page. */
    bool zeros;
    /* Its memory is its only place, but for slots of swap: page_in is
     * shared_page_in(), page_out NULL, and nothing is ever written but to make
     * room. */
    bool swap;
    /* Begin to fill the N pages from INDEX on (at most RUN_PAGES): locked, not
     * up to date, and nobody's but the pager's until it ends each with
     * object_filled(), in any order, perhaps in an interrupt, perhaps before it
     * returns.  PAGES is the caller's.  => may sleep; no lock held but those */
    void (*read_run)(struct vm_object *obj, uint64_t index, struct page **pages,
                     unsigned n);
    /* Begin to write the N pages from INDEX on (at most RUN_PAGES): clean,
     * PG_WRITEBACK, not locked.  Each ends with object_written(), as above.
     * Nothing beyond obj->size goes to the disk's file; what of the last page
     * lies behind the end is zeros.  => may sleep, no lock held; NULL: never
     * dirty */
    void (*page_out)(struct vm_object *obj, uint64_t index, struct page **pages,
                     unsigned n);
    /* What page_out() has written is to be there after a loss of power, too; for
     * msync.  => may sleep; NULL: nothing to do.  0 or a negative errno */
    int (*sync)(struct vm_object *obj);
    /* PAGE, which is clean, is about to become writable in a shared mapping, or
     * to be written to: reserve what page_out() will need.  If it returns 0 the
     * page is dirty.  => page locked, not PG_WRITEBACK, so what was reserved for
     * the last time is used up; may sleep; NULL: nothing to do */
    int (*mkwrite)(struct vm_object *obj, uint64_t index, struct page *page);
    /* Would mkwrite() say 0 and find nothing to reserve?  False: perhaps not; and
     * so at least once in RUN_PAGES pages that become dirty, because who has asked
     * mkwrite() waits if too much is dirty.
     * => inside the gate, page locked, not PG_WRITEBACK.  NULL: false */
    bool (*reserved)(struct vm_object *obj, uint64_t index);
    /* The frame to map for INDEX in place, without the cache (device, boot
     * image); the object has it for ever.  0: none; then page_in() is asked.
     * Without page_in the frames are a device's: they need no struct page. With
     * it they have one, PG_RESERVED.  => inside the gate */
    paddr_t (*frame)(struct vm_object *obj, uint64_t index);
    /* For an object inside something that has references of its own (an inode):
     * the first reference beside the owner's was taken, the last one went.  So
     * mappings and dirty pages together hold one reference of the owner.
     * => unpin() may sleep */
    void (*pin)(struct vm_object *obj);
    void (*unpin)(struct vm_object *obj);
    /* A page that was dirty, or had a slot, is not the object's any more, and was
     * not written to where it belongs; NULL: nobody counts.  => spinlock held */
    void (*dropped)(struct vm_object *obj);
    /* The last reference is gone; pages are dropped already, the dirty ones, too:
     * who wants them kept has written them before.  The memory of the object is
     * this call's to free.  => may sleep */
    void (*release)(struct vm_object *obj);
};

#define RUN_PAGES 64 /* of one read_run() or page_out() */

/* What somebody who reads an object one page after the other has had read: an
 * open file, or all the faults of one object.  Zeros: nothing yet. */
struct readahead {
    uint64_t start, end; /* [a] the last window */
    uint64_t mark;       /* [a] who comes to this page begins the next one */
};
#define READAHEAD_NONE UINT64_MAX

/* Is it time to begin the next window, as the reader comes to INDEX? */
static inline bool
readahead_due(const struct readahead *ra, uint64_t index)
{
    return unlikely(index >= atomic_load(&ra->mark)) &&
           index < atomic_load(&ra->end);
}

struct vm_object {
    struct spinlock lock; /* rank OBJECT: everything below without its own */
    int32_t refs;         /* [a] areas, open files; icache.c: 0, retired */
    uint64_t size;        /* [a] bytes; beyond is SIGBUS */
    struct onode *root;   /* [lock] radix tree of pages */
    unsigned height;      /* [lock] */
    struct onode *leaf;   /* [lock] of it, the one last looked for, or NULL */
    uint64_t leaf_at;     /* [lock] the first index in it */
    size_t npages;        /* [lock] */
    struct list areas;    /* [lock] vma_struct.object_link */
    uint32_t err_seq, stays;     /* [a] object_error_since(); pager_swap.c */
    struct readahead faults;     /* of who maps it */
    uint64_t seen;               /* [a] behind the last page that ever came */
    struct list dirty_link;      /* writeback.c: of the dirty objects */
    uint64_t dirtied_at;         /* [list] time_now() */
    uint64_t flush_round;        /* [list] */
    uint64_t cuts;               /* [lock] truncate.c: a number for each */
    struct list cached_link;     /* reclaim.c: of the objects with pages */
    uint64_t hand;               /* reclaim.c: where to go on looking */
    struct list swap_link;       /* pager_swap.c: of those that had slots */
    const struct pager_ops *ops; /* [I] */
    void *host;                  /* [I] inode, segment, device */
};

void object_start(void); /* once, at boot */
void object_init(struct vm_object *obj, const struct pager_ops *ops,
                 uint64_t size, void *host); /* refs 1 */
void object_get(struct vm_object *obj);
bool object_try_get(struct vm_object *obj); /* false: it is going away */
void object_put(struct vm_object *obj);     /* => may sleep */

/* Zeros that several spaces share; refs 1.  NULL: no memory. */
struct vm_object *anon_shared_object(size_t bytes);

/* Page INDEX with a reference, or NULL if it is not cached. => interrupts off, as
 * inside a gate */
struct page *object_find_off(struct vm_object *obj, uint64_t index);
static inline struct page * /* => interrupts as they may be */
object_find(struct vm_object *obj, uint64_t index)
{
    struct page *page;

    irq_off();
    page = object_find_off(obj, index);
    irq_restore();
    return page;
}
/* The first page from index FROM on that is in the cache (DIRTY: and is dirty or
 * PG_WRITEBACK, or was until lately), with a reference, or NULL. */
struct page *object_next(struct vm_object *obj, uint64_t from, bool dirty);
/* Is there anything from index *FROM on, in memory or on swap?  *FROM becomes its
 * index, *PAGE the page, with a reference, or NULL, *SLOT its slot, or 0. */
bool object_next_any(struct vm_object *obj, uint64_t *from, struct page **page,
                     swp_t *slot);
/* Where the pages from FIRST on stand, those that are not in the cache as NULL: *N
 * of them, less than asked for at the end of the object and of a node, and where those
 * on swap begin or end (0: the end).  No references: they stay while the lock is held.
 * NULL: none is there.
 * => obj->lock held */
void **object_slots(struct vm_object *obj, uint64_t first, unsigned *n);
/* A new page for INDEX, locked, not up to date, with a reference for the
 * caller; -EEXIST if somebody was faster (*PAGE is his, with a reference). */
MUST_CHECK int object_add(struct vm_object *obj, uint64_t index,
                          struct page **page);
/* Take it out of the cache, dirty or not.  => page locked, not mapped; no
 * object or later lock held */
void object_remove(struct vm_object *obj, struct page *page);
/* The same, but what its slot holds stays the object's. */
void object_back_out(struct vm_object *obj, struct page *page);
/* The same if nobody but the caller has a reference; else false, and nothing
 * happened.  => also clean */
bool object_remove_unused(struct vm_object *obj, struct page *page);
/* How a slot is given back; swap says it, before there is any. */
extern void (*object_slot_free)(swp_t slot);
/* If the contents of INDEX are on a slot, they are nobody's any more. */
void object_drop_slot(struct vm_object *obj, uint64_t index);
/* Is there nothing at INDEX, neither in memory nor on swap? */
bool object_is_hole(struct vm_object *obj, uint64_t index);
/* Have the pager fill PAGE and wait for that.  A page it could not bring leaves
 * the cache, so that the next who asks tries again.  After 0 it is PAGE's owner
 * that tells whether it still is the object's.  => page locked, in the cache,
 * not up to date; locked again on return; may sleep unless at_once.  0, -EIO,
 * -ENOMEM, -ENODATA: beyond the end */
MUST_CHECK int object_fill(struct vm_object *obj, struct page *page);
/* The same for PAGES[0], and begin with the others of a run. => all locked.
 * KILLABLE: -EINTR if somebody wants the calling thread to give up; then PAGES[0]
 * is left to the pager, and not locked by us any more. */
MUST_CHECK int object_fill_run(struct vm_object *obj, struct page **pages,
                               unsigned n, bool killable);
/* The page of INDEX came; if one of a later index came before, it probably comes
 * again (reclaim.c). */
static inline void
object_note_page(struct vm_object *obj, uint64_t index)
{
    if (index < atomic_load(&obj->seen))
        kstat_inc(STAT_REFAULT);
    else
        atomic_store(&obj->seen, index + 1);
}

/* For pagers: PAGE, which read_run() got, is filled, or ERR says why not.
 * Unlocks it.  => any context; no lock of RANK_WAIT or later held */
void object_filled(struct vm_object *obj, struct page *page, int err);
/* The page differs from what is behind it; no more.  An entry of a shared
 * mapping has W only while its page is dirty: who cleans, calls page_mkclean()
 * (rmap.h) first.  => page locked */
void object_set_dirty(struct vm_object *obj, struct page *page);
void object_clear_dirty(struct vm_object *obj, struct page *page);
/* If PAGE is on the disk, object_next() need not find it any more. */
void object_settle(struct vm_object *obj, struct page *page);

/* Pages up to the end, the last one may be partly beyond it. */
static inline uint64_t
object_pages(struct vm_object *obj)
{
    uint64_t size = atomic_load(&obj->size);

    return (size >> PAGE_SHIFT) + ((size & PAGE_MASK) != 0);
}

/* Does its pager bring pages, or only frames? */
static inline bool
object_has_pages(const struct vm_object *obj)
{
    return obj->ops->page_in != NULL || obj->ops->read_run != NULL;
}

/* Is PAGE, which is locked, still OBJ's?  It may have been thrown out before
 * we had the lock. */
static inline bool
object_owns(const struct vm_object *obj, const struct page *page)
{
    return page->owner == ((uintptr_t)obj | PAGE_OWNER_OBJECT);
}

/* What stands in OBJ's tree: NULL, a page, or a slot of swap. */
#define OBJECT_ON_SWAP 1ul

static inline bool
object_entry_page(const void *entry)
{
    return entry != NULL && ((uintptr_t)entry & OBJECT_ON_SWAP) == 0;
}

/* The slot that has the contents of PAGE, too, unless it is dirty; it may be out of
 * date then.  0: none.  => page locked */
static inline swp_t
object_slot(const struct vm_object *obj, const struct page *page)
{
    return obj->ops->swap ? page->policy : 0;
}

/* A call reads or writes PAGE: it is not the next that reclaim takes. */
static inline void
page_touch(struct page *page)
{
    if (!(atomic_load(&page->flags) & PG_REFERENCED))
        atomic_or(&page->flags, PG_REFERENCED);
}

/* --- readahead.c --- */

/* As object_fill_run(), of PAGE and what RA (NULL: nothing) thinks will be wanted
 * with it. */
MUST_CHECK int object_fill_ahead(struct vm_object *obj, struct page *page,
                                 struct readahead *ra, bool killable);
/* readahead_due(): begin the next window.  => may sleep, but not for pages */
void object_read_ahead(struct vm_object *obj, struct readahead *ra);

/* --- page_lock.c --- */

/* "This page is busy": the only thing held over I/O.  page_lock() sleeps. */
void page_lock(struct page *page);
bool page_trylock(struct page *page);
void page_unlock(struct page *page); /* => any context, as object_filled() */
/* Sleep until somebody unlocks PAGE (it may be locked again at once). */
void page_wait(struct page *page);
/* The same two; KILLABLE: -EINTR if somebody wants the calling thread to give up. */
int page_lock_killable(struct page *page, bool killable);
int page_wait_killable(struct page *page, bool killable);
/* Sleep until PAGE is not PG_WRITEBACK; with its lock held it stays so. */
void page_wait_written(struct page *page);
void page_written(struct page *page); /* writeback.c: it is not any more */

/* --- writeback.c --- */

/* Have the pager write N consecutive pages, N at most RUN_PAGES: whoever maps
 * them must fault to write again.  Unlocks them, and does not wait.
 * => each locked, dirty, not PG_WRITEBACK; may sleep */
void object_write_run(struct vm_object *obj, struct page **pages, unsigned n);
/* Write PAGE if it is dirty, and wait for that.  => page locked, and on return
 * again; but in between it is not.  0, or what the pager said */
MUST_CHECK int object_clean(struct vm_object *obj, struct page *page);
/* For pagers: PAGE, which page_out() got, is on the disk, or ERR says why not:
 * then it is dirty again.  => any context; as object_filled() */
void object_written(struct vm_object *obj, struct page *page, int err);

/* Write the pages from index FIRST to LAST that are dirty now, in runs; WAIT:
 * until they are on the disk, and also those that were on their way.  Who wants
 * everything, says 0 and UINT64_MAX.  => may sleep, no page locked.  0, or the
 * last that went wrong with writing OBJ meanwhile */
int object_sync(struct vm_object *obj, uint64_t first, uint64_t last,
                bool wait);
/* Has OBJ more than one reference, or pages that may not be on the disk? */
bool object_in_use(struct vm_object *obj);

/* The objects that have, or had, dirty pages; oldest first. => obj->lock held */
void dirty_object(struct vm_object *obj);
void clean_object(struct vm_object *obj); /* it has none */

/* Did anything go wrong with writing since *SEEN was 0 or filled in here?  Each
 * open file has a SEEN, set to obj->err_seq when it is opened, and is told once.
 * 0 or a negative errno */
int object_error_since(struct vm_object *obj, uint32_t *seen);

/* What of PAGE lies behind OBJ's end becomes zeros.  => page locked */
void object_zero_tail(struct vm_object *obj, struct page *page);

/* --- ext/mm/pager_swap.c; without it shared memory stays where it is --- */

/* The pager of objects with ops->swap: zeros, or from PAGE's slot. */
int shared_page_in(struct vm_object *obj, uint64_t index, struct page *page);
/* OBJ ends, and its slots are going to be freed.  => may sleep */
void shared_forget(struct vm_object *obj);
/* Throw out N PAGES of OBJ, with references that stay the caller's: clean ones, and
 * those that can be written to swap.  Returns how many went.  => may sleep; OBJ
 * stays meanwhile; no page locked */
size_t object_evict_some(struct vm_object *obj, struct page **pages,
                         unsigned n);

/* --- reclaim.c; without it the first two do nothing --- */

/* OBJ, which has something behind it, got its first page.  => obj->lock held */
void reclaim_object(struct vm_object *obj);
/* It ends: nobody looks at it any more.  => may sleep */
void reclaim_forget(struct vm_object *obj);
/* Drop all pages that are clean, unused and can be unmapped.  Returns how many.
 * => may sleep */
size_t object_drop_clean(struct vm_object *obj);

/* --- truncate.c --- */

/* As object_page(), and PAGE is locked, dirty and not on its way to the disk: to
 * change some of it.  Also what mkwrite() says.  => may sleep */
int object_page_to_write(struct vm_object *obj, uint64_t index,
                         struct page **found);
/* OBJ is SIZE bytes long from now on: what lay beyond is gone, from the cache and
 * from all who map it, and their private copies, too; should it grow again,
 * zeros are there.  The pager still has what lay behind SIZE.  => may sleep; one
 * at a time, who says so holds the inode's lock; no lock of a space or page held.
 * What the pager says of the last page: nothing changed; -ENOMEM: everything is
 * as it should be but for private copies; try again */
MUST_CHECK int object_truncate(struct vm_object *obj, uint64_t size);

/* --- object_read.c --- */

/* The contents of page INDEX, at *DATA, with a reference in *PAGE (NULL: a
 * frame that stays).  => may sleep.  0 or what the pager says */
MUST_CHECK int object_page(struct vm_object *obj, uint64_t index,
                           struct page **page, char **data);
/* The same for a reader who remembers where he was in RA; NULL: does not. */
MUST_CHECK int object_page_ahead(struct vm_object *obj, uint64_t index,
                                 struct readahead *ra, struct page **page,
                                 char **data);
/* Copy at most N bytes from POS on, as far as the object goes.  Returns how
 * many, or a negative errno.  => may sleep */
long object_read(struct vm_object *obj, uint64_t pos, void *buf, size_t n);

#endif
