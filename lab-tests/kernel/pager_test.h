/* pager_test.h: a space and an object, for the tests of pagers.  A space is
 * reached through mm_access(), which faults like a user program would. */
#ifndef LAB_TESTS_KERNEL_PAGER_TEST_H
#define LAB_TESTS_KERNEL_PAGER_TEST_H

#include "debug/kstat.h"
#include "ktest.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include "mm_words.h"
#include "pager_ram.h"
#include <errno.h>

#define P  PAGE_SIZE
#define R  VM_READ
#define RW (VM_READ | VM_WRITE)
#define FW (FAULT_WRITE | FAULT_USER)
#define FR (FAULT_READ | FAULT_USER)

static inline uintptr_t
map(struct mm_struct *mm, uint32_t prot, uint32_t flags, struct vm_object *obj,
    uint64_t first, size_t pages)
{
    long at = do_mmap(mm, 0, pages * P, prot, flags, obj, first * P);

    CHECK(at > 0);
    return (uintptr_t)at;
}

static inline pte_t
entry(struct mm_struct *mm, uintptr_t at)
{
    pte_t *pte;

    gate_enter(&mm->gate);
    pte = get_pte(mm, at, false);
    gate_leave(&mm->gate);
    return pte == NULL ? 0 : pte_load(pte);
}

/* N pages, the first WARM of them in memory and mapped by nobody. */
static inline struct ram_pager *
pager(size_t n, size_t warm, bool mkwrite)
{
    struct ram_pager *rp = ram_pager_create(n, mkwrite);

    CHECK(rp != NULL);
    for (size_t i = 0; i < warm; i++) {
        struct page *page;

        CHECK(object_add(&rp->obj, i, &page) == 0);
        CHECK(object_fill(&rp->obj, page) == 0);
        page_unlock(page);
        page_put(page);
    }
    rp->ins = 0;
    return rp;
}

static inline int
maps_of(struct vm_object *obj, uint64_t index)
{
    struct page *page = object_find(obj, index);
    int n = page == NULL ? -1 : page->mapcount;

    if (page != NULL)
        page_put(page);
    return n;
}

static inline bool
is_dirty(struct vm_object *obj, uint64_t index)
{
    struct page *page = object_find(obj, index);
    bool dirty = page != NULL && (page->flags & PG_DIRTY);

    if (page != NULL)
        page_put(page);
    return dirty;
}

#endif
