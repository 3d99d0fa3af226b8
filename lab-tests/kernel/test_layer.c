/* test_layer.c: private pages and the tree that relatives share, on the
 * machine, with the counts that the shadow objects of older systems would show
 * (rows 31, 32, 40, 79 to 81 of the inventory).  A write here does what a store
 * fault will do: reuse the page if nobody shares it, else copy. */
#include "ktest.h"
#include "mm/anon.h"
#include "mm/pageref.h"
#include "mm/vmm.h"

struct family {
    unsigned fresh, copies, reuses; /* [own] */
};

static struct mm_struct space;

static uint64_t *
words(struct page *page)
{
    return page_to_va(page);
}

static struct anon *
new_anon(struct layer *l)
{
    struct page *page = alloc_zeroed_page();

    return page == NULL ? NULL : anon_create(page, l->epoch);
}

/* Nothing was there: a page of zeros, written to. */
static bool
first_write(struct layer *l, uint64_t index, uint64_t v)
{
    struct anon *a = new_anon(l);
    unsigned cloned = 0;
    struct anon **slot;

    CHECK(a != NULL);
    words(a->page)[0] = v;
    spin_lock(&l->lock);
    slot = layer_slot(l, index, &cloned);
    CHECK(slot != NULL);
    CHECK(*slot == NULL);
    layer_set(l, index, slot, a);
    spin_unlock(&l->lock);
    return true;
}

/* OLD is shared with a relative: put a copy into the slot. */
static void
copy_write(struct layer *l, struct anon **slot, struct anon *old, uint64_t v,
           struct gather *g)
{
    struct anon *copy = new_anon(l);

    CHECK(copy != NULL);
    page_copy(words(copy->page), words(old->page));
    words(copy->page)[0] = v;
    *slot = copy;
    gather_anon(g, old);
}

static void
write_to(struct layer *l, uint64_t index, uint64_t v, struct family *f)
{
    struct anon **slot, *a;
    unsigned cloned = 0;
    struct gather g;

    gather_start(&g, &space);
    spin_lock(&l->lock);
    slot = layer_slot(l, index, &cloned);
    CHECK(slot != NULL);
    a = *slot;
    if (a != NULL && anon_shared(a)) {
        copy_write(l, slot, a, v, &g);
        f->copies++;
    } else if (a != NULL) {
        words(a->page)[0] = v;
        f->reuses++;
    }
    spin_unlock(&l->lock);
    if (a == NULL && first_write(l, index, v))
        f->fresh++;
    gather_finish(&g);
}

static uint64_t
read_from(struct layer *l, uint64_t index)
{
    struct anon *a;
    uint64_t v;

    spin_lock(&l->lock);
    a = layer_find(l, index);
    v = a == NULL ? 0 : words(a->page)[0];
    spin_unlock(&l->lock);
    return v;
}

static void
drop(struct layer *l)
{
    struct gather g;

    gather_start(&g, &space);
    layer_put(l, &g);
    gather_finish(&g);
}

static struct layer *
layer_with(uint64_t base, unsigned n, struct family *f)
{
    struct layer *l = layer_create();

    CHECK(l != NULL);
    for (unsigned i = 0; i < n; i++)
        write_to(l, base + i, 1000 + i, f);
    return l;
}

KTEST(layer_rows_31_32_copy_and_reuse)
{
    struct family f = {0}, c = {0};
    uint64_t base = 0x3f00000;
    size_t before = anon_count();
    struct layer *parent = layer_with(base, 10, &f), *child;

    CHECK(f.fresh == 10 && anon_count() - before == 10);
    child = layer_share(parent);
    CHECK(child != NULL && anon_count() - before == 10);
    for (unsigned i = 0; i < 8; i++)
        write_to(child, base + i, 5, &c);
    CHECK(c.copies == 8 && c.reuses == 0);
    for (unsigned i = 0; i < 8; i++)
        write_to(parent, base + i, 6, &f);
    CHECK(f.reuses == 8 && f.copies == 0);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(read_from(parent, base + i) == (i < 8 ? 6 : 1000 + i));
        CHECK(read_from(child, base + i) == (i < 8 ? 5 : 1000 + i));
    }
    drop(child);
    write_to(parent, base + 9, 7, &f);
    CHECK(f.reuses == 9);
    drop(parent);
    CHECK(anon_count() == before && lnode_count() == 0);
}

KTEST(layer_row_40_generations)
{
    static struct layer *l[64];
    struct family f = {0};
    size_t before = anon_count();

    l[0] = layer_with(77, 1, &f);
    for (unsigned i = 1; i < 64; i++) {
        l[i] = layer_share(l[i - 1]);
        CHECK(l[i] != NULL);
        write_to(l[i], 77, i, &f);
    }
    CHECK(anon_count() - before == 64);
    for (unsigned i = 1; i < 64; i++)
        CHECK(read_from(l[i], 77) == i);
    for (unsigned i = 0; i < 64; i++)
        drop(l[i]);
    CHECK(anon_count() == before && lnode_count() == 0);
}

KTEST(layer_rows_79_to_81_nothing_hidden_stays)
{
    struct family f = {0}, c = {0};
    size_t before = anon_count();
    struct layer *parent = layer_with(0, 100, &f);
    struct layer *child = layer_share(parent);

    for (unsigned i = 0; i < 50; i++)
        write_to(child, i, i, &c);
    CHECK(anon_count() - before == 150);
    CHECK(read_from(child, 99) == 1099 && read_from(parent, 0) == 1000);
    drop(parent);
    CHECK(anon_count() - before == 100);
    for (unsigned i = 50; i < 100; i++)
        write_to(child, i, i, &c);
    CHECK(c.copies == 50 && c.reuses == 50);
    drop(child);
    CHECK(anon_count() == before && lnode_count() == 0);
}

static struct layer *ancestor;

/* Each hart shares, writes all over its copy, reads it back, drops it. */
static void
live_and_die(unsigned i)
{
    struct family f = {0};

    for (unsigned round = 0; round < 40; round++) {
        struct layer *mine;

        spin_lock(&ancestor->lock);
        mine = layer_share(ancestor);
        spin_unlock(&ancestor->lock);
        CHECK(mine != NULL);
        for (unsigned n = i % 3; n < 200; n += 3)
            write_to(mine, n, i * 1000 + n, &f);
        for (unsigned n = 0; n < 200; n++)
            CHECK(read_from(mine, n) ==
                  (n % 3 == i % 3 ? i * 1000 + n : 1000 + n));
        drop(mine);
    }
}

KTEST(layer_relatives_on_all_harts)
{
    struct family f = {0};
    size_t before = anon_count();

    ancestor = layer_with(0, 200, &f);
    ktest_parallel(2 * ncpu, false, live_and_die);
    for (unsigned n = 0; n < 200; n++)
        CHECK(read_from(ancestor, n) == 1000 + n);
    CHECK(anon_count() - before == 200);
    drop(ancestor);
    CHECK(anon_count() == before && lnode_count() == 0);
}
