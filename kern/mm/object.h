/* object.h: what a mapping shows when it has no private page: a file, shared
 * memory, a device, the boot image.
 *
 * A vm_object is pages by index, and a pager that brings them.  The fault path
 * and the page cache know only this; a file system, a device or a test embeds
 * one and fills in the operations. */
#ifndef KERN_MM_OBJECT_H
#define KERN_MM_OBJECT_H

#include "mm/pageref.h"
#include "mm/pgtable.h"
#include "sync/wait.h"
#include <list.h>

struct vm_object;

struct pager_ops {
    const char *name;
    /* page_in() neither sleeps nor takes locks before RANK_LAYER: faults call it
     * inside the gate, and are minor. */
    bool at_once;
    /* Fill PAGE, which is locked, with page INDEX.  => may sleep, nothing held
     * but the page's lock.  0, -EIO, -ENOMEM, or -ENODATA beyond the end. */
    int (*page_in)(struct vm_object *obj, uint64_t index, struct page *page);
    /* Write N pages from INDEX on.  => may sleep; NULL: never dirty */
    int (*page_out)(struct vm_object *obj, uint64_t index, struct page **pages,
                    unsigned n);
    /* PAGE, which is clean, is about to become writable in a shared mapping:
     * reserve what page_out() will need.  If it returns 0 the page is dirty.
     * => page locked; may sleep; NULL: nothing to do */
    int (*mkwrite)(struct vm_object *obj, uint64_t index, struct page *page);
    /* The frame to map for INDEX in place, without the cache (device, boot
     * image); the object has it for ever.  0: none; then page_in() is asked.
     * Without page_in the frames are a device's: they need no struct page. With
     * it they have one, PG_RESERVED.  => inside the gate */
    paddr_t (*frame)(struct vm_object *obj, uint64_t index);
    /* The last reference is gone; pages are dropped already. */
    void (*release)(struct vm_object *obj);
};

struct vm_object {
    struct spinlock lock; /* rank OBJECT: everything below without its own */
    int32_t refs;         /* [a] areas, open files */
    uint64_t size;        /* [a] bytes; beyond is SIGBUS */
    struct onode *root;   /* [lock] radix tree of pages */
    unsigned height;      /* [lock] */
    size_t npages;        /* [lock] */
    struct list areas;    /* [lock] vma_struct.object_link */
    const struct pager_ops *ops; /* [I] */
    void *host;                  /* [I] inode, segment, device */
};

void object_start(void); /* once, at boot */
void object_init(struct vm_object *obj, const struct pager_ops *ops,
                 uint64_t size, void *host); /* refs 1 */
void object_get(struct vm_object *obj);
void object_put(struct vm_object *obj); /* => may sleep */

/* Zeros that several spaces share; refs 1.  NULL: no memory. */
struct vm_object *anon_shared_object(size_t bytes);

/* Page INDEX with a reference, or NULL if it is not cached. */
struct page *object_find(struct vm_object *obj, uint64_t index);
/* A new page for INDEX, locked, not up to date, with a reference for the
 * caller; -EEXIST if somebody was faster (*PAGE is his, with a reference). */
MUST_CHECK int object_add(struct vm_object *obj, uint64_t index,
                          struct page **page);
/* Take it out of the cache, dirty or not.  => page locked, not mapped; no
 * object or later lock held */
void object_remove(struct vm_object *obj, struct page *page);
/* Have the pager fill PAGE.  A page it could not bring leaves the cache, so
 * that the next who asks tries again.  => page locked, in the cache, not up to
 * date; may sleep unless at_once */
MUST_CHECK int object_fill(struct vm_object *obj, struct page *page);
/* The page differs from what is behind it; no more.  An entry of a shared
 * mapping has W only while its page is dirty: who cleans, calls page_mkclean()
 * (rmap.h) first.  => page locked */
void object_set_dirty(struct vm_object *obj, struct page *page);
void object_clear_dirty(struct vm_object *obj, struct page *page);

/* Pages up to the end, the last one may be partly beyond it. */
static inline uint64_t
object_pages(struct vm_object *obj)
{
    uint64_t size = atomic_load(&obj->size);

    return (size >> PAGE_SHIFT) + ((size & PAGE_MASK) != 0);
}

/* Is PAGE, which is locked, still OBJ's?  It may have been thrown out before
 * we had the lock. */
static inline bool
object_owns(const struct vm_object *obj, const struct page *page)
{
    return page->owner == ((uintptr_t)obj | PAGE_OWNER_OBJECT);
}

/* "This page is busy": the only thing held over I/O.  page_lock() sleeps. */
void page_lock(struct page *page);
bool page_trylock(struct page *page);
void page_unlock(struct page *page);
/* Sleep until somebody unlocks PAGE (it may be locked again at once). */
void page_wait(struct page *page);

/* --- object_read.c --- */

/* The contents of page INDEX, at *DATA, with a reference in *PAGE (NULL: a
 * frame that stays).  => may sleep.  0 or what the pager says */
MUST_CHECK int object_page(struct vm_object *obj, uint64_t index,
                           struct page **page, char **data);
/* Copy at most N bytes from POS on, as far as the object goes.  Returns how
 * many, or a negative errno.  => may sleep */
long object_read(struct vm_object *obj, uint64_t pos, void *buf, size_t n);

#endif
