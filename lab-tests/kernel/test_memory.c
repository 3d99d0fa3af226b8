/* test_memory.c: the allocators on the machine, from all harts at once. */
#include "ext/mm/audit.h"
#include "ktest.h"
#include "mm/bootmem.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include <string.h>

#define HOLD 64

static uint64_t overlaps; /* [a] */

/* Own a page: write who we are into every corner, look later. */
static void
mark(struct page *p, uint64_t who)
{
    uint64_t *w = page_to_va(p);

    w[0] = w[255] = w[511] = who;
}

static void
check_mark(struct page *p, uint64_t who)
{
    uint64_t *w = page_to_va(p);

    if (w[0] != who || w[255] != who || w[511] != who)
        atomic_add(&overlaps, 1ul);
}

static void
churn_pages(unsigned id)
{
    struct page *held[HOLD] = {NULL};
    uint64_t seed = ktest_seed * 1000 + id;

    for (unsigned n = 0; n < 4000; n++) {
        unsigned i = ktest_random(&seed) % HOLD;

        if (held[i] == NULL) {
            held[i] = alloc_pages(0);
            if (held[i] != NULL)
                mark(held[i], (uint64_t)id << 32 | i);
        } else {
            check_mark(held[i], (uint64_t)id << 32 | i);
            free_pages(held[i], 0);
            held[i] = NULL;
        }
    }
    for (unsigned i = 0; i < HOLD; i++) {
        if (held[i] != NULL)
            free_pages(held[i], 0);
    }
}

KTEST(pmm_harts_never_share_a_page)
{
    overlaps = 0;
    ktest_parallel(3 * ncpu, false, churn_pages);
    CHECK(overlaps == 0);
}

KTEST(pmm_gives_every_page_and_takes_it_back)
{
    struct page *list = NULL, *p;
    size_t n = 0, before;

    pmm_drain();
    before = nr_free_pages();
    while ((p = alloc_pages(0)) != NULL) {
        p->owner = (uintptr_t)list;
        list = p;
        n++;
    }
    CHECK(n == before);
    CHECK(nr_free_pages() == 0);
    CHECK(kmalloc(4096) == NULL);
    while (list != NULL) {
        p = list;
        list = (struct page *)p->owner;
        p->owner = 0;
        free_pages(p, 0);
    }
}

static bool
ram_crosses(paddr_t pa)
{
    const struct pmm_range *ram;
    unsigned n = bootmem_ram(&ram);

    for (unsigned i = 0; i < n; i++)
        if (ram[i].start < pa && pa < ram[i].end)
            return true;
    return false;
}

/* Pages below and above the last address of 32 bits, each written with its number. */
KTEST(pmm_lies_on_both_sides_of_4_gib)
{
    struct page *list = NULL, *p;
    size_t low = 0, high = 0, wrong = 0;

    if (!ram_crosses(1ul << 32)) {
        ktest_skip("no RAM there");
        return;
    }
    while ((low == 0 || high == 0) && (p = alloc_pages(0)) != NULL) {
        *(uint64_t *)page_to_va(p) = page_to_pfn(p);
        *(page_to_pfn(p) < 1ul << (32 - PAGE_SHIFT) ? &low : &high) += 1;
        p->owner = (uintptr_t)list;
        list = p;
    }
    CHECK(low > 0 && high > 0);
    while (list != NULL) {
        p = list;
        list = (struct page *)p->owner;
        wrong += *(uint64_t *)page_to_va(p) != page_to_pfn(p);
        p->owner = 0;
        free_pages(p, 0);
    }
    CHECK(wrong == 0);
}

KTEST(pmm_orders_are_aligned_and_merge_again)
{
    size_t before[MAX_ORDER + 1], after[MAX_ORDER + 1];
    struct page *p[MAX_ORDER + 1];

    pmm_drain();
    pmm_stat(before);
    for (unsigned o = 0; o <= MAX_ORDER; o++) {
        p[o] = alloc_pages(o);
        if (p[o] != NULL) {
            CHECK(page_to_pfn(p[o]) % (1ul << o) == 0);
            CHECK(page_order(p[o]) == o);
        }
    }
    CHECK(p[0] != NULL && p[9] != NULL);
    for (unsigned o = 0; o <= MAX_ORDER; o++) {
        if (p[o] != NULL)
            free_pages(p[o], o);
    }
    pmm_drain();
    pmm_stat(after);
    CHECK(memcmp(before, after, sizeof(before)) == 0);
}

KTEST(pmm_zeroed_page_is_zero)
{
    for (unsigned round = 0; round < 20; round++) {
        struct page *p = alloc_pages(0), *q;
        uint64_t sum = 0;

        memset(page_to_va(p), 0xff, PAGE_SIZE);
        free_pages(p, 0);
        q = alloc_zeroed_page();
        for (unsigned i = 0; i < 512; i++)
            sum |= ((uint64_t *)page_to_va(q))[i];
        CHECK(sum == 0);
        free_pages(q, 0);
    }
}

static void
churn_objects(unsigned id)
{
    unsigned char *held[HOLD] = {NULL};
    size_t size[HOLD];
    uint64_t seed = ktest_seed * 2000 + id;

    for (unsigned n = 0; n < 4000; n++) {
        unsigned i = ktest_random(&seed) % HOLD;

        if (held[i] == NULL) {
            size[i] = 1 + ktest_random(&seed) % 3000;
            held[i] = kmalloc(size[i]);
            if (held[i] != NULL)
                memset(held[i], (int)(id + i), size[i]);
        } else {
            if (held[i][0] != (unsigned char)(id + i) ||
                held[i][size[i] - 1] != (unsigned char)(id + i))
                atomic_add(&overlaps, 1ul);
            kfree(held[i]);
            held[i] = NULL;
        }
    }
    for (unsigned i = 0; i < HOLD; i++)
        kfree(held[i]);
}

KTEST(kmalloc_harts_never_share_an_object)
{
    overlaps = 0;
    ktest_parallel(3 * ncpu, false, churn_objects);
    CHECK(overlaps == 0);
}

KTEST(fail_alloc_hits_the_nth)
{
    void *a, *b, *c;

    CHECK(fail_set("no such site", 1) != 0);
    fail_set("kmalloc", 2);
    a = kmalloc(64);
    b = kmalloc(64);
    c = kmalloc(64);
    CHECK(a != NULL && b == NULL && c != NULL);
    kfree(a);
    kfree(c);
}
