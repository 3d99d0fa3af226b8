/* mmcheck_swap.c: adds to mmcheck what must hold between anons and swap slots; a
 * first reader may skip it.
 *
 * A slot knows the anon that has it, and each taken slot has one, or is an object's. */
#include "ext/mm/mmcheck_impl.h"
#include "mm/swap.h"

/* Without ext/mm/pager_swap.c. */
WEAK uint64_t
swap_slots_shared(void)
{
    return 0;
}

static uint64_t nslots; /* one check at a time: the gates are closed */

static void
check_slot(struct check *c, struct tally_entry *e)
{
    struct anon *a = (struct anon *)e->key;

    if (e->kind != TALLY_ANON || a->slot == 0 || a->slot == SWP_ZEROS)
        return;
    nslots++;
    if (swap_slot_owner(a->slot) != a)
        c->complain(c, "anon %p has slot %#lx, which is of anon %p", (void *)a,
                    a->slot, (void *)swap_slot_owner(a->slot));
}

static void
check_slots(struct check *c)
{
    uint64_t shared = swap_slots_shared();

    if (nslots + shared != swap_slots_used())
        c->complain(c, "%lu slots are of anons, %lu of objects, %lu are taken",
                    nslots, shared, swap_slots_used());
    nslots = 0;
}

static const struct mmcheck_part swap_slots_part = {NULL, check_slot,
                                                    check_slots};
TABLE_ADD(mmcheck, swap_slots_part);
