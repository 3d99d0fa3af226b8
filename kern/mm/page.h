/* page.h: struct page, the descriptor of one physical frame.
 *
 * The descriptors form one array at MEMMAP_BASE, indexed by frame number minus
 * memmap_first_pfn; parts of it that describe no RAM are not mapped.  64 bytes,
 * one cache line, so 1/64 of memory.
 *
 * A descriptor is initialised when its frame is first split off a large free
 * block (see pmm.c), not at boot: boot time must not grow with memory. */
#ifndef KERN_MM_PAGE_H
#define KERN_MM_PAGE_H

#include "arch/riscv/memlayout.h"
#include <list.h>
#include <string.h>

struct swap_scope;

/* Who guards what:
 *   a  atomic        b  the buddy lock        o  the owner of the frame */
struct page {
    union {
        struct {
            uint32_t flags; /* [a] PG_*, order of a block above */
            int32_t ref;    /* [a] owner 1 + each user in flight; not maps */
        };
        uint64_t flags_ref; /* [a] both, for one load or store */
    };
    union {
        struct {
            int32_t mapcount; /* [o] how many page-table entries map it */
            uint16_t mlocks, pins;
        };
        uint64_t users; /* [o] all three; 0 when the frame is given back */
    };
    uintptr_t rmap;  /* [o] who maps it */
    uintptr_t owner; /* [o] what it belongs to */
    union {
        uint64_t index;           /* [o] where in that */
        struct swap_scope *scope; /* [o] of a private page: swap.h */
    };
    struct list lru; /* [b] free list; [o] replacement list */
    uint64_t policy; /* [o] private to the replacement policy */
};

_Static_assert(sizeof(struct page) == 64, "one cache line");

#define PG_RESERVED (1u << 0) /* never handed out: firmware, image, holes */
#define PG_BUDDY    (1u << 1) /* head of a free block in the buddy lists */
#define PG_RAW      (1u << 2) /* descriptors behind this head are unwritten */
#define PG_CACHED   (1u << 3) /* free, set aside by kern/ext/mm/hart_pages.c */
#define PG_HEAD     (1u << 4) /* first frame of an allocated block, order > 0 */
#define PG_TAIL     (1u << 5) /* other frames of it */
#define PG_SLAB     (1u << 6) /* belongs to kmalloc */
/* Bits 8..23 are for the owners (mm/); freeing clears them. */
#define PG_LOCKED      (1u << 8)  /* busy: object.h */
#define PG_WAITERS     (1u << 9)  /* somebody sleeps until it is not */
#define PG_UPTODATE    (1u << 10) /* has its contents */
#define PG_DIRTY       (1u << 11) /* differs from what is behind it */
#define PG_ERROR       (1u << 12) /* the pager could not bring it */
#define PG_WRITEBACK   (1u << 13) /* on its way to the disk */
#define PG_ZERO        (1u << 14) /* the shared zero page: keeps no records */
#define PG_TABLE       (1u << 15) /* a page table: pgtable.h */
#define PG_RMAP_LOCK   (1u << 16) /* guards rmap and mapcount */
#define PG_REFERENCED  (1u << 17) /* read(2) or write(2) came by: reclaim.c */
#define PG_SWAPPABLE   (1u << 18) /* on the list of page->scope: swap.h */
#define PG_LAZYFREE    (1u << 23) /* madvise FREE: not needed unless dirty */
#define PG_OWNER_MASK  0x00ffff00u
#define PG_ORDER_SHIFT 24
#define PG_ORDER_MASK  (0x1fu << PG_ORDER_SHIFT)

extern pfn_t memmap_first_pfn; /* [I] the frame memmap[0] describes */

#define memmap ((struct page *)MEMMAP_BASE)

static inline struct page *
pfn_to_page(pfn_t pfn)
{
    return memmap + (pfn - memmap_first_pfn);
}

static inline pfn_t
page_to_pfn(const struct page *p)
{
    return (pfn_t)(p - memmap) + memmap_first_pfn;
}

static inline paddr_t
page_to_pa(const struct page *p)
{
    return page_to_pfn(p) << PAGE_SHIFT;
}

static inline struct page *
pa_to_page(paddr_t pa)
{
    return pfn_to_page(pa >> PAGE_SHIFT);
}

/* The contents of a frame, through the direct map. */
static inline void *
page_to_va(const struct page *p)
{
    return pa_to_va(page_to_pa(p));
}

static inline struct page *
va_to_page(const void *va)
{
    return pa_to_page(va_to_pa(va));
}

static inline unsigned
page_order(const struct page *p)
{
    return (p->flags & PG_ORDER_MASK) >> PG_ORDER_SHIFT;
}

/* Both with little else than the loads and stores, written out by the compiler;
 * the copy loads eight words before it stores them: a hart that executes in order
 * would wait for each load otherwise. */
#define PAGE_TURN 128 /* words */

static inline void
page_zero(void *page)
{
    uint64_t *p = page, *end = p + PAGE_SIZE / sizeof(*p);

    for (; p < end; p += PAGE_TURN) {
#pragma GCC unroll 128
        for (unsigned i = 0; i < PAGE_TURN; i++)
            p[i] = 0;
    }
}

static inline void
page_copy(void *dst, const void *src)
{
    uint64_t *d = dst, *end = d + PAGE_SIZE / sizeof(*d), w[8];

    for (const uint64_t *s = src; d < end; d += PAGE_TURN, s += PAGE_TURN) {
#pragma GCC unroll 16
        for (unsigned i = 0; i < PAGE_TURN; i += 8) {
#pragma GCC unroll 8
            for (unsigned j = 0; j < 8; j++)
                w[j] = s[i + j];
#pragma GCC unroll 8
            for (unsigned j = 0; j < 8; j++)
                d[i + j] = w[j];
        }
    }
}

#endif
