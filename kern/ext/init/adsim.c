/* adsim.c: adds the boot argument adsim=1, which makes every hart behave as one
 * that does not set A and D (Svade); a first reader may skip it.
 *
 * A leaf is stored so that the hart must fault exactly when such a hart would:
 *
 *     the entry says      is stored as
 *     A = 0               V = 0, and the mark OLD    every access faults
 *     W = 1, D = 0        W = 0, and the mark CLEAN  every store faults
 *
 * The causes are the same (12, 13, 15), and so is all that follows: pte_load()
 * gives the entry back as it was said, do_pgfault() sees that only A or D is
 * missing, and ad_fix() sets it, which stores the entry as it is.
 *
 * The marks are the two bits that the hart leaves to software, which nothing
 * else uses.  An entry without marks is stored as it is: zero, pointers to
 * tables, kernel leaves.  What the hart does set by itself it finds set: V
 * goes with A, W with D. */
#include "debug/printk.h"
#include "init/initcall.h"
#include "mm/pgtable.h"
#include <bootargs.h>

#define OLD   PTE_SOFT0
#define CLEAN PTE_SOFT1

static pte_t
to_stored(pte_t e)
{
    if (!pte_is_leaf(e))
        return e;
    if ((e & (PTE_W | PTE_D)) == PTE_W)
        e ^= PTE_W | CLEAN;
    if (!(e & PTE_A))
        e ^= PTE_V | OLD;
    return e;
}

static pte_t
from_stored(pte_t e)
{
    if (e & OLD)
        e ^= PTE_V | OLD;
    if (e & CLEAN)
        e ^= PTE_W | CLEAN;
    return e;
}

/* No user entry exists yet. */
static void
start_adsim(const struct machine *m)
{
    if (!bootarg_is(m->bootargs, "adsim", "1"))
        return;
    ad_encode = to_stored;
    ad_decode = from_stored;
    ad_by_software = true;
    cprintf("  A and D by software, as on a hart that traps\n");
}

static const struct initcall adsim_call = {"adsim", INIT_EARLY, start_adsim};
TABLE_ADD(initcall, adsim_call);
