/* test_huge_random.c: whatever calls, stores, copies and reclaim do to three
 * leaves and to a copy of them, with and without memory, the contents are
 * right. */
#include "huge_world.h"
#include "mm/tlb.h"
#include <string.h>

#define PAGES (3 * N)

/* A space, and what each page of it must hold and allow. */
static struct model {
    struct mm_struct *mm;
    uint32_t value[PAGES];
    bool readonly[PAGES];
} models[2];

static uint64_t random_state;

static size_t
below(size_t n)
{
    return ktest_random(&random_state) % n;
}

/* ZEROS: also those that may never have been touched; it makes their tables. */
static void
check_pages(struct model *m, uintptr_t at, size_t from, size_t to, bool zeros)
{
    for (size_t i = from; i < to; i++)
        if (zeros || m->value[i] != 0)
            CHECK(get(m->mm, at + i * P) == m->value[i]);
}

static uint64_t leaves; /* how many there have been */

static void
end_model(struct model *m)
{
    leaves += m->mm->stat[MM_HMAP];
    mm_put_user(m->mm);
    m->mm = NULL;
}

static void
change_range(struct model *m, uintptr_t at, size_t from, size_t n)
{
    unsigned how = (unsigned)below(4);
    uintptr_t start = at + from * P;
    long err;

    if (below(4) == 0)
        fail_set("any", 1 + below(12));
    if (how == 0)
        err = do_madvise(m->mm, start, n * P, MADV_DONTNEED);
    else if (how == 1)
        err = do_mprotect(m->mm, start, n * P, VM_READ);
    else if (how == 2)
        err = do_mprotect(m->mm, start, n * P, VM_READ | VM_WRITE);
    else
        err = do_mmap(m->mm, start, n * P, VM_READ | VM_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
    fail_set("any", 0);
    CHECK(err == 0 || err == (long)start || err == -ENOMEM);
    if (how == 3)
        (void)do_madvise(m->mm, start, n * P, MADV_HUGEPAGE);
    for (size_t i = from; err != -ENOMEM && i < from + n; i++) {
        m->readonly[i] = how == 1 || (how == 0 && m->readonly[i]);
        if (how == 0 || how == 3)
            m->value[i] = 0;
    }
}

static void
store_some(struct model *m, uintptr_t at)
{
    for (unsigned i = 0; i < 20; i++) {
        size_t page = below(PAGES);
        uint32_t v = (uint32_t)ktest_random(&random_state);

        if (below(4) == 0)
            fail_set("any", 1 + below(30));
        CHECK(put(m->mm, at + page * P, v) ==
              (m->readonly[page] ? -EFAULT : 0));
        fail_set("any", 0);
        if (!m->readonly[page])
            m->value[page] = v;
    }
}

/* One of the three begins anew, huge if there is memory. */
static void
renew_leaf(struct model *m, uintptr_t at)
{
    size_t from = below(3) * N;
    uintptr_t start = at + from * P;

    CHECK(do_mmap(m->mm, start, HUGE, VM_READ | VM_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL,
                  0) == (long)start);
    CHECK(do_madvise(m->mm, start, HUGE, MADV_HUGEPAGE) == 0);
    for (size_t i = from; i < from + N; i++) {
        m->value[i] = i % 8 == 0 ? (uint32_t)i : 0;
        m->readonly[i] = false;
        if (m->value[i] != 0)
            CHECK(put(m->mm, at + i * P, i) == 0);
    }
}

static void
take_one(struct model *m, uintptr_t at)
{
    size_t i = below(PAGES);
    unsigned level, seen = 0;
    pte_t e = entry(m->mm, at + i * P, &level);
    struct page *page = pa_to_page(pte_pa(e)) + (level == 1 ? i % N : 0);

    if (pte_is_leaf(e) && page->mapcount > 0) {
        CHECK(rmap_walk(page, take_entry, &seen) == 0 && seen > 0);
        tlb_flush_kernel(0, ~0ul);
    }
}

/* The second space is a copy of the first from now on, or none. */
static void
copy_or_end(void)
{
    struct model *m = models;

    if (m[1].mm == NULL) {
        m[1] = m[0];
        m[1].mm = mm_copy(m[0].mm);
        CHECK(m[1].mm != NULL);
        return;
    }
    if (below(2)) { /* the copy goes on, its parent ends */
        struct mm_struct *parent = m[0].mm;

        m[0] = m[1];
        m[1].mm = parent;
    }
    end_model(&m[1]);
}

KTEST(vm_row_26_random_calls)
{
    uintptr_t at;

    if (!blocks(4))
        return;
    random_state = ktest_seed;
    leaves = 0;
    memset(models, 0, sizeof(models));
    models[0].mm = mm_create();
    at = map_at(models[0].mm, 0, PAGES);
    for (unsigned step = 0; step < 400; step++) {
        struct model *m = &models[models[1].mm != NULL && below(2)];
        size_t from = below(PAGES), n = 1 + below(PAGES - from);

        if (below(2)) { /* whole leaves */
            from = ROUND_DOWN(from, N);
            n = N;
        }
        switch (below(8)) {
        case 0:
        case 1:
            change_range(m, at, from, n > 100 ? 1 + below(100) : n);
            break;
        case 2:
            change_range(m, at, from, n);
            break;
        case 3:
            take_one(m, at);
            break;
        case 4:
            copy_or_end();
            break;
        case 5:
            renew_leaf(m, at);
            break;
        default:
            store_some(m, at);
        }
        if (m->mm != NULL)
            check_pages(m, at, from, from + n, false);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (models[i].mm == NULL)
            continue;
        check_pages(&models[i], at, 0, PAGES, true);
        end_model(&models[i]);
    }
    CHECK(leaves > 20);
}
