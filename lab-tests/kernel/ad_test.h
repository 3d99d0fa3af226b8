/* ad_test.h: a space and its entries, for test_ad.c and test_migrate.c. */
#ifndef LAB_TESTS_KERNEL_AD_TEST_H
#define LAB_TESTS_KERNEL_AD_TEST_H

#include "ktest.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include "mm_words.h"

#define P PAGE_SIZE

static inline struct mm_struct *
space_with(size_t pages, uintptr_t *at)
{
    struct mm_struct *mm = mm_create();
    long r = do_mmap(mm, 0, pages * P, VM_READ | VM_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

    CHECK(r > 0);
    *at = (uintptr_t)r;
    return mm;
}

/* Call FN with the entry of AT, under the lock of its table. */
static inline pte_t
with_entry(struct mm_struct *mm, uintptr_t at, pte_t clear)
{
    pte_t *pte, e = 0;

    gate_enter(&mm->gate);
    pte = get_pte(mm, at, false);
    if (pte != NULL) {
        spin_lock(pte_lock(pte));
        e = pte_load(pte);
        if (e != 0 && clear != 0)
            pte_change(pte, clear, 0);
        spin_unlock(pte_lock(pte));
    }
    gate_leave(&mm->gate);
    return e;
}

static inline pte_t
entry(struct mm_struct *mm, uintptr_t at)
{
    return with_entry(mm, at, 0);
}

static inline struct page *
page_at(struct mm_struct *mm, uintptr_t at)
{
    return pa_to_page(pte_pa(entry(mm, at)));
}

static inline void
fill(struct mm_struct *mm, uintptr_t at, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        CHECK(put(mm, at + i * P, 1000 + i) == 0);
}

#endif
