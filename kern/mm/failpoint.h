/* failpoint.h: let the n-th allocation fail, to test the paths nobody runs.  A site
 * is a name; the kernel asks fail_now(site) where it could fail. With
 * fail_set("page", 3) the third ask from now on says yes, once; with nth 0
 * none does.  The names are stable: page, kmalloc, pt, anon, node, area ... */
#ifndef KERN_MM_FAILPOINT_H
#define KERN_MM_FAILPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <util.h>

/* X(ENUM, "name") */
#define FAIL_LIST(X)                                                 \
    X(FAIL_ANY, "any")   /* counts every ask of every site */        \
    X(FAIL_PAGE, "page") /* alloc_pages */                           \
    X(FAIL_KMALLOC, "kmalloc")                                       \
    X(FAIL_CACHE, "cache") /* kmem_cache_alloc */                    \
    X(FAIL_KSTACK, "kstack")                                         \
    X(FAIL_ANON, "anon") /* a private page's descriptor */           \
    X(FAIL_NODE, "node") /* a node of a layer */                     \
    X(FAIL_AREA, "area") /* an area, a layer, a space */             \
    X(FAIL_FILE, "file") /* an open file, their table */             \
    X(FAIL_PROCESS, "process")                                       \
    X(FAIL_PT, "pt")                /* a page table */               \
    X(FAIL_RMAP, "rmap")            /* a block of the reverse map */ \
    X(FAIL_SWAP_READ, "swapread")   /* a page from swap in memory */ \
    X(FAIL_SWAP_WRITE, "swapwrite") /* ... and to it */              \
    X(FAIL_ROOM, "room")            /* a block of a disk for a page */

enum fail_site {
#define X(id, name) id,
    FAIL_LIST(X)
#undef X
        FAIL_COUNT
};

extern bool fail_armed; /* any site is set: the only cost when none is */

/* NTH counts from 1; 0 disarms.  Returns -EINVAL for an unknown site. */
int fail_set(const char *site, uint64_t nth);
/* Asks left until SITE fails; 0: disarmed or already failed. */
uint64_t fail_left(enum fail_site site);
/* Set with the first fail_set(): what to ask. */
extern bool (*fail_hook)(enum fail_site site);

static inline bool
fail_now(enum fail_site site)
{
    return unlikely(fail_armed) && fail_hook(site);
}

#endif
