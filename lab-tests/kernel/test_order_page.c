/* test_order_page.c: faults on an object's page against those who come from the
 * page, or cut the object.  See order.h, and test_race_page.c. */
#include "mm/rmap.h"
#include "race_object.h"

#include "order.h"

#define P PAGE_SIZE

static bool at_once; /* the disk is */

static void
pages_begin(void)
{
    order_begin();
    race_object_map(at_once, NULL);
}

/* Whoever took the page away, or its right to write, has it locked; thread 0 goes
 * on. */
static void
take_away(unsigned r, bool out)
{
    struct page *page = race_lock_page(r);

    RCHECK(page != NULL);
    if (page == NULL)
        return;
    if (out)
        page_unmap(page);
    else
        page_mkclean(page);
    give(r, DONE);
    race_still(page, out, TURNS);
    race_write_page(page);
    if (out)
        object_remove(&race_object, page);
    race_unlock_page(page);
}

static void
all_written(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        race_clean(r, false);
        RCHECK(race_disk[r][0] == 1000 + r && race_disk[r][1] == MINE);
    }
    object_put(&race_object);
}

/* --- the page is locked until the entry is stored --- */

static void
entry_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "finish", 0, &r) && given(r, WARM) && !given(r, THERE)) {
        give(r, THERE);
        stay_a_while(r, DONE);
    }
}

/* Odd rounds: nothing is shown; even ones: it cannot be written to. */
static void
entry_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    enter(who, r, race_mm[0]);
    if (who == 1) {
        await(r, THERE);
        give(r, BEGUN);
        take_away(r, r % 2);
        give(r, OVER);
        return;
    }
    if (r % 2 == 0)
        RCHECK(user_load(race_page_at(r), &v) && v == 1000 + r);
    give(r, WARM);
    RCHECK(user_store(race_page_at(r) + 8, MINE));
    give(r, THERE); /* an image without race points has no hook */
    await(r, OVER);
}

static void
entry_test(bool fast)
{
    at_once = fast;
    order_test(&(struct race){.racers = 2,
                              .begin = pages_begin,
                              .act = entry_act,
                              .end = all_written},
               entry_hook);
}

KTEST(vm_order_48_cleaned_before_the_entry)
{
    entry_test(false);
}

KTEST(vm_order_48_cleaned_before_the_entry_at_once)
{
    entry_test(true);
}

/* --- the page is thrown out before the fault has it locked --- */

static void
found_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "page-found", 0, &r) && !given(r, THERE)) {
        give(r, THERE);
        stay_until(r, DONE, LONG);
    }
}

static void
found_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    enter(who, r, race_mm[who]);
    if (who == 1) {
        RCHECK(user_load(race_page_at(r), &v) && v == 1000 + r);
        give(r, WARM);
        await(r, THERE);
        race_clean(r, true);
        give(r, DONE);
        return;
    }
    await(r, WARM);
    RCHECK(user_store(race_page_at(r) + 8, MINE));
    give(r, OVER);
}

static void
found_test(bool fast)
{
    at_once = fast;
    order_test(&(struct race){.racers = 2,
                              .begin = pages_begin,
                              .act = found_act,
                              .end = all_written},
               found_hook);
}

KTEST(vm_order_48_thrown_out_before_the_lock)
{
    found_test(false);
}

KTEST(vm_order_48_thrown_out_before_the_lock_at_once)
{
    found_test(true);
}

/* --- an entry's table is locked while somebody comes from the page --- */

static void
table_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "entry-locked", 0, &r) && given(r, WARM) &&
        !given(r, THERE)) {
        give(r, THERE);
        stay_a_while(r, DONE);
    }
}

static void
table_act(unsigned who, unsigned r)
{
    enter(who, r, race_mm[0]);
    if (who == 1) {
        await(r, THERE);
        give(r, BEGUN);
        take_away(r, r % 2);
        give(r, OVER);
        return;
    }
    RCHECK(user_store(race_page_at(r) + 8, MINE));
    give(r, WARM);
    RCHECK(user_store(race_page_at(SET + r), r)); /* in the same table */
    give(r, THERE); /* an image without race points has no hook */
    await(r, OVER);
}

KTEST(vm_order_48_table_is_busy)
{
    at_once = true;
    order_test(&(struct race){.racers = 2,
                              .begin = pages_begin,
                              .act = table_act,
                              .end = all_written},
               table_hook);
}

/* --- a page comes while the object is cut --- */

/* Cut in each round: the last page that is left. */
static unsigned
last_page(unsigned r)
{
    return SET - 1 - r;
}

static bool
cut(unsigned r)
{
    return object_truncate(&race_object, last_page(r) * P) == 0;
}

static void
added_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "object-add", 0, &r) && !given(r, THERE)) {
        give(r, THERE);
        await(r, DONE); /* nothing is held */
    }
}

/* Who reads without a mapping is not kept out by any gate.  Nor is he wrong if he
 * has the page: but it does not stay. */
static void
added_act(unsigned who, unsigned r)
{
    struct page *page;
    char *data;
    bool done;
    int err;

    enter(who, r, race_mm[who]);
    if (who == 1) {
        await(r, THERE);
        RCHECK(cut(r));
        give(r, DONE);
        return;
    }
    err = object_page(&race_object, last_page(r), &page, &data);
    if (err == 0)
        page_put(page);
    give(r, OVER);
    done = given(r, DONE);
    page = object_find(&race_object, last_page(r));
    RCHECK(page == NULL || !done);
    if (page != NULL)
        page_put(page);
}

static void
all_cut(unsigned n)
{
    RCHECK(object_truncate(&race_object, 0) == 0);
    RCHECK(race_object.npages == 0);
    RCHECK(race_mm[0]->rss == 0 && race_mm[1]->rss == 0);
    object_put(&race_object);
}

static void
added_test(bool fast)
{
    at_once = fast;
    order_test(&(struct race){.racers = 2,
                              .begin = pages_begin,
                              .act = added_act,
                              .end = all_cut},
               added_hook);
}

KTEST(vm_order_52_added_behind_the_cut)
{
    added_test(false);
}

KTEST(vm_order_52_added_behind_the_cut_at_once)
{
    added_test(true);
}

/* The page is filled and unlocked, and nothing is held; thread 1 maps it; thread 2
 * has made the object shorter, but not cut it from the areas yet, when thread 0,
 * who reads without a mapping, has the page again. */
static struct page *filled[SET];

static void
filled_page(unsigned index)
{
    unsigned r = SET - 1 - index;

    if (given(r, WARM))
        return;
    filled[r] = object_find(&race_object, index);
    give(r, WARM);
    await(r, THERE);
}

static void
cut_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "gate-close", 2, &r) && !given(r, THERE)) {
        give(r, THERE);
        await(r, DONE); /* thread 0 needs no gate for it */
    }
}

static void
filled_act(unsigned who, unsigned r)
{
    uintptr_t at = race_page_at(last_page(r));
    uint64_t v = 0;

    enter(who, r, race_mm[who % 2]);
    if (who == 2) {
        await(r, SEEN);
        RCHECK(cut(r));
        give(r, THERE); /* without race points */
    } else if (who == 1) {
        await(r, WARM);
        RCHECK(user_load(at, &v) && v == 1000 + last_page(r));
        give(r, SEEN);
    } else {
        struct page *page;
        char *data;

        if (object_page(&race_object, last_page(r), &page, &data) == 0)
            page_put(page); /* cut behind him: without race points */
        page = filled[r];
        RCHECK(object_owns(&race_object, page) ||
               atomic_load(&page->mapcount) == 0);
        give(r, DONE);
        page_put(page);
        give(r, OVER);
    }
}

static void
filled_begin(void)
{
    order_begin();
    race_object_map(false, filled_page);
}

KTEST(vm_order_52_cut_while_it_comes)
{
    order_test(&(struct race){.racers = 3,
                              .begin = filled_begin,
                              .act = filled_act,
                              .end = all_cut},
               cut_hook);
}
