/* object.h: what a mapping shows when it has no private page: a file, shared
 * memory, a device, the boot image.
 *
 * A vm_object is pages by index, and a pager that brings them.  The fault path
 * and the page cache know only this; a file system, a device or a test embeds
 * one and fills in the operations. */
#ifndef KERN_MM_OBJECT_H
#define KERN_MM_OBJECT_H

#include "mm/pageref.h"
#include "sync/wait.h"
#include <list.h>

struct vm_object;

struct pager_ops {
    const char *name;
    /* Fill PAGE, which is locked, with page INDEX.  => may sleep, nothing held
     * but the page's lock.  0, -EIO, -ENOMEM, or -ENODATA beyond the end. */
    int (*page_in)(struct vm_object *obj, uint64_t index, struct page *page);
    /* Write N pages from INDEX on.  => may sleep; NULL: never dirty */
    int (*page_out)(struct vm_object *obj, uint64_t index, struct page **pages,
                    unsigned n);
    /* PAGE is about to become writable in a shared mapping: reserve what
     * page_out() will need.  => page locked; may sleep; NULL: nothing to do */
    int (*mkwrite)(struct vm_object *obj, uint64_t index, struct page *page);
    /* The frame to map for INDEX directly, without the cache (device, boot
     * image); 0: beyond the end.  NULL for pagers that use page_in. */
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
/* Take it out of the cache.  => page locked, not mapped */
void object_remove(struct vm_object *obj, struct page *page);

/* "This page is busy": the only thing held over I/O.  page_lock() sleeps. */
void page_lock(struct page *page);
bool page_trylock(struct page *page);
void page_unlock(struct page *page);
/* Sleep until somebody unlocks PAGE (it may be locked again at once). */
void page_wait(struct page *page);

#endif
