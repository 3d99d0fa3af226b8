/* test_order_pin.c: a page is pinned while its space is copied.  See order.h; the
 * same by chance, from programs: lab-tests/user/t_pin.c. */
#include "ext/mm/pin.h"
#include "mm/pageref.h"

#include "order.h"

/* The page belongs to two spaces, so the first try to pin it asks for a copy of our
 * own; when we have that, and before the second try, thread 1 copies the space. */
static void
pin_hook(const char *point)
{
    unsigned r;

    if (!is_at(point, "pin", 0, &r) || given(r, THERE))
        return;
    if (given(r, WARM)) {
        give(r, THERE);
        await(r, DONE); /* nothing is held */
    }
    give(r, WARM);
}

static void
pin_begin(void)
{
    order_begin();
    race_mm[0] = race_space(2 * SET);
    for (unsigned r = 0; r < SET; r++)
        race_put(race_mm[0], order_page(r), 1000 + r);
    race_mm[1] = mm_copy(race_mm[0]);
}

/* What a device has is what we store to. */
static void
pin_and_store(unsigned r)
{
    struct page *page;
    struct pin *pin;

    if (pin_range(race_mm[0], order_page(r), 8, true, &pin) != 0) {
        RCHECK(!"no pin");
        return;
    }
    RCHECK(user_store(order_page(r), MINE));
    page = race_page(race_mm[0], order_page(r));
    RCHECK(page == pin->of[0].page);
    if (page != NULL)
        page_put(page);
    give(r, OVER);
    pin_release(pin);
}

static void
pin_act(unsigned who, unsigned r)
{
    struct mm_struct *child;
    uint64_t v;

    enter(who, r, race_mm[0]);
    if (who == 0) {
        pin_and_store(r);
        give(r, OVER);
        return;
    }
    await(r, THERE);
    child = mm_copy(race_mm[0]);
    RCHECK(child != NULL);
    give(r, DONE);
    await(r, OVER);
    v = child == NULL ? 0 : race_get(child, order_page(r));
    RCHECK(v == 1000 + r || (v == MINE && !given(r, WARM)));
    if (child != NULL)
        mm_put_user(child);
}

KTEST(vm_order_92_copied_before_the_pin)
{
    order_test(&(struct race){.racers = 2, .begin = pin_begin, .act = pin_act},
               pin_hook);
}
