/* shortage.h: memory becomes short, for tests. */
#ifndef LAB_TESTS_KERNEL_SHORTAGE_H
#define LAB_TESTS_KERNEL_SHORTAGE_H

#include "mm/pmm_impl.h"
#include "mm/reclaim.h"

/* So much that every page there is goes, if it may. */
static inline size_t
reclaim_all(void)
{
    return reclaim(1ul << 20);
}

/* Take single pages until fewer than KEEP are free; they hang together by lru. */
static inline struct list *
take_all_but(size_t keep)
{
    static struct list held;

    list_init(&held);
    while (atomic_load(&buddy.nfree) >= keep) {
        struct page *p = alloc_pages(0);

        if (p == NULL)
            break;
        list_add(&held, &p->lru);
    }
    return &held;
}

static inline void
give_back(struct list *held)
{
    while (!list_empty(held)) {
        struct page *p = list_first(held, struct page, lru);

        list_del(&p->lru);
        free_pages(p, 0);
    }
}

#endif
