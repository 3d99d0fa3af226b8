/* scn_others.c: what other harts do in a scenario of lab 3; a first reader may skip it.
 *
 *     share 0x6           harts 1 and 2 run the space, too, and have to be asked
 *     rival VA 5 rw       an entry, while another hart makes the same table
 *
 * None of them was started yet: this hart plays the others.  Who asks them comes to
 * record() instead of the firmware.  The rival holds the lock of the entry from the
 * moment when the table is allocated (the failure point of tables), until somebody waits
 * for that lock (cpu_wait_hook); then its own table is in place:
 *
 *     make_table()                             the rival
 *       table_create()   -- fail_now() ----->    takes the lock
 *       spin_lock()      -- cpu_wait() ----->    its table goes in, the lock comes back
 *       looks again, and gives its table back
 *
 * Who locks before the table is allocated has no rival, and needs no second look. */
#include "ext/init/scn_others.h"
#include "arch/riscv/satp.h"
#include "mm/failpoint.h"
#include "mm/gather.h"
#include "mm/tlb.h"
#include "mm/vmm.h"
#include <string.h>

static struct mm_struct *space;
static bool shared; /* others run it, too */

/* --- who is asked --- */

static struct {
    uintptr_t va;
    uint64_t gen, asked;
    bool late, elsewhere;
} watch;

static void
record(uint64_t set, uintptr_t va, size_t size)
{
    watch.asked |= set;
    watch.late |= atomic_load(&space->tlb_gen) == watch.gen;
    watch.elsewhere |= watch.va < va || watch.va - va >= size;
}

static void
record_code(uint64_t set)
{
}

static const struct tlb_method recorded = {"scenario", NULL, record,
                                           record_code};
TABLE_ADD(tlb_method, recorded);

void
others_share(uint64_t set)
{
    shared = true;
    for_each_cpu (c) {
        if ((set >> c->id & 1) == 0)
            continue;
        if (c != this_cpu())
            atomic_store(&c->online, 1);
        atomic_or(&space->harts, 1ul << c->id);
    }
}

void
others_flush_page(struct mm_struct *mm, uintptr_t va, struct scn_answer *a)
{
    uint64_t loc = mm->stat[MM_TLB_LOC], rem = mm->stat[MM_TLB_REM];

    memset(&watch, 0, sizeof(watch));
    watch.va = va;
    watch.gen = mm->tlb_gen;
    gather_flush_page(mm, va);
    if (!shared)
        return;
    scn_count(a, "no_gen", mm->tlb_gen == watch.gen);
    scn_count(a, "gen_late", watch.late);
    scn_count(a, "asked", watch.asked);
    scn_count(a, "elsewhere", watch.elsewhere);
    scn_count(a, "tlb_loc", mm->stat[MM_TLB_LOC] - loc);
    scn_count(a, "tlb_rem", mm->stat[MM_TLB_REM] - rem);
}

/* --- the rival --- */

#define RIVAL 2 /* as the owner of a lock: hart 1 */

static struct {
    pte_t *entry, *table; /* where the table is missing; its own */
    void (*wait)(void);
    enum { NOBODY, WAITS, HOLDS, READY } state;
} rival;

/* The first empty entry on the way to VA, above the last level, or NULL. */
static pte_t *
missing(uintptr_t va, unsigned *level)
{
    pte_t *table = space->pgdir;

    for (*level = paging_levels - 1; *level > 0; --*level) {
        pte_t *e = &table[pte_index(va, *level)];

        if (*e == 0)
            return e;
        if (!pte_is_table(*e))
            break;
        table = pa_to_va(pte_pa(*e));
    }
    return NULL;
}

static void
give_lock_back(void)
{
    struct spinlock *lock = pte_lock(rival.entry);

    atomic_store(&lock->owner, (uint16_t)0);
    atomic_store_release(&lock->locked, 0);
    cpu_wait_hook = rival.wait;
    rival.state = READY;
}

/* Somebody waits for a lock. */
static void
table_goes_in(void)
{
    if (rival.state != HOLDS)
        return;
    pte_install(rival.entry, pte_make(va_to_pa(rival.table), PTE_V));
    rival.table = NULL;
    give_lock_back();
}

/* Something is allocated. */
static bool
take_lock(enum fail_site site)
{
    struct spinlock *lock = pte_lock(rival.entry);

    if (site != FAIL_PT || rival.state != WAITS ||
        atomic_load(&lock->locked) != 0)
        return false;
    atomic_store(&lock->locked, 1);
    atomic_store(&lock->owner, (uint16_t)RIVAL);
    rival.wait = cpu_wait_hook;
    cpu_wait_hook = table_goes_in;
    rival.state = HOLDS;
    return false;
}

void
others_rival_begin(uintptr_t va)
{
    unsigned level;

    rival.entry = missing(va, &level);
    if (rival.entry == NULL)
        return;
    rival.table =
        table_create(space, ROUND_DOWN(va, pte_span(level)), level - 1);
    if (rival.table == NULL)
        return;
    rival.state = WAITS;
    fail_hook = take_lock;
    fail_armed = true;
}

void
others_rival_end(struct scn_answer *a)
{
    fail_armed = false;
    scn_count(a, "no_wait", rival.state == HOLDS);
    if (rival.state == HOLDS)
        give_lock_back();
    if (rival.table != NULL)
        table_destroy(space, pte_table(rival.table));
    rival.table = NULL;
    rival.state = NOBODY;
}

void
others_begin(struct mm_struct *mm)
{
    space = mm;
    shared = false;
    fail_armed = false; /* a step of the scenario before may have panicked */
    rival.state = NOBODY;
    rival.table = NULL;
    for_each_cpu (c) {
        if (c != this_cpu())
            atomic_store(&c->online, 0);
    }
    (void)!tlb_select(recorded.name);
}
