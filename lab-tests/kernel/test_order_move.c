/* test_order_move.c: the page of an anon moves to another frame while a fault is
 * about to show it.  See order.h. */
#include "ext/mm/migrate.h"
#include "order.h"

static struct page *to_move[SET]; /* written before THERE is given */
static bool only_read;

static struct anon *
anon_of(struct mm_struct *m, uintptr_t at)
{
    struct vma_struct *v = find_vma(m, at);

    return layer_find(v->layer, vma_layer_index(v, at));
}

/* The fault has the layer locked. */
static void
move_hook(const char *point)
{
    struct anon *a;
    unsigned r;

    if (!is_at(point, "finish", 0, &r) || given(r, THERE))
        return;
    a = anon_of(race_mm[0], order_page(r));
    to_move[r] = a == NULL ? NULL : a->page;
    if (a != NULL && a->page != NULL)
        page_get(a->page);
    give(r, THERE);
    stay_a_while(r, DONE);
}

static void
move_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    enter(who, r, race_mm[0]);
    if (who == 1) {
        await(r, THERE);
        give(r, BEGUN);
        if (given(r, THERE) && to_move[r] != NULL)
            (void)migrate_page(to_move[r]);
        give(r, DONE);
        return;
    }
    RCHECK(only_read ? user_load(order_page(r), &v) && v == MINE
                     : user_store(order_page(r), MINE));
    give(r, OVER);
}

static void
move_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        struct layer *l = find_vma(race_mm[0], order_page(r))->layer;
        struct page *page;

        RCHECK(race_get(race_mm[0], order_page(r)) == MINE);
        page = race_page(race_mm[0], order_page(r));
        spin_lock(&l->lock);
        RCHECK(page == NULL ||
               page == anon_of(race_mm[0], order_page(r))->page);
        spin_unlock(&l->lock);
        if (page != NULL)
            page_put(page);
        if (to_move[r] != NULL)
            page_put(to_move[r]);
        to_move[r] = NULL;
    }
}

static void
there_begin(void)
{
    order_begin_zeros();
    for (unsigned r = 0; r < SET; r++) {
        race_put(race_mm[0], order_page(r), MINE);
        race_evict(race_mm[0], order_page(r));
    }
}

static void
move_test(void (*begin)(void), bool read)
{
    only_read = read;
    order_test(
        &(struct race){
            .racers = 2, .begin = begin, .act = move_act, .end = move_end},
        move_hook);
}

KTEST(vm_order_99_fresh_page_moves)
{
    move_test(order_begin_zeros, false);
}

KTEST(vm_order_99_page_moves_while_reused)
{
    move_test(there_begin, false);
}

KTEST(vm_order_99_page_moves_while_read)
{
    move_test(there_begin, true);
}

/* --- the entry shows a new page before the page knows its anon --- */

/* Frames remember whose they were: the next ones, that they were a slab. */
static void
old_frames_begin(void)
{
    static struct page *frame[4 * SET];

    order_begin_zeros();
    for (unsigned i = 0; i < ARRAY_LEN(frame); i++)
        frame[i] = alloc_pages(0);
    for (unsigned i = 0; i < ARRAY_LEN(frame); i++) {
        frame[i]->owner = (uintptr_t)&to_move;
        free_pages(frame[i], 0);
    }
}

static void
shown_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "shown", 0, &r) && !given(r, THERE)) {
        give(r, THERE);
        stay_a_while(r, DONE);
    }
}

static void
shown_act(unsigned who, unsigned r)
{
    struct page *page;

    enter(who, r, race_mm[0]);
    if (who == 0) {
        RCHECK(user_store(order_page(r), MINE));
        give(r, OVER);
        return;
    }
    await(r, THERE);
    give(r, BEGUN);
    page = race_page(race_mm[0], order_page(r));
    if (page != NULL) {
        uintptr_t owner = atomic_load_acquire(&page->owner);

        RCHECK(owner != (uintptr_t)&to_move);
        page_put(page);
    }
    give(r, DONE);
}

KTEST(vm_order_99_shown_before_it_is_owned)
{
    order_test(&(struct race){.racers = 2,
                              .begin = old_frames_begin,
                              .act = shown_act},
               shown_hook);
}
