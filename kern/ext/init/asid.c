/* asid.c: adds address space numbers to mm/space.c, so that a switch forgets
 * nothing; a first reader may skip it.
 *
 * A space gets the next number when it first runs, and keeps it as long as its
 * generation lasts.  0 is the kernel's.  When the numbers have run out, a new
 * generation begins with number 1, and every hart forgets everything before it
 * uses a number of it:
 *
 *     space   asid_ctx = generation << 16 | number
 *     hart    generation whose numbers its TLB knows
 *
 * A hart that runs a space meanwhile goes on with its old number: only its own
 * TLB knows it (Privileged Architecture 1.12, 4.2.1: numbers are private to a
 * hart), and at its next switch it forgets.  Shootdowns by other harts name no
 * number, so they reach every space.
 *
 * A space that comes back finds its translations, unless a shootdown missed
 * this hart meanwhile: then mm->tlb_gen is not what the hart remembers in its
 * row of the space.
 *
 * Harts may implement fewer bits than the field has, or none; asid=N limits
 * them further. */
#include "ext/init/asid.h"

#include "debug/printk.h"
#include "ext/init/asid_bits.h"
#include "init/initcall.h"
#include "mm/space.h"
#include "schedule/sched.h"
#include <bootargs.h>
#include <string.h>

#define GENERATION_SHIFT 16

static struct spinlock lock = SPINLOCK_INIT(RANK_ASID);
static uint64_t generation = 1; /* [lock to change, a] */
static uint64_t next = 1;       /* [lock] number */
static uint64_t last;           /* [lock to change, a] number; 0: no numbers */
static unsigned bits_usable;    /* set at boot: found, and asid= */

static struct {
    uint64_t generation; /* [own hart, interrupts off] */
} CACHE_ALIGNED hart[NCPU_MAX];

static uint64_t wraps, single_flushes; /* [a] */

static void
new_generation(void)
{
    next = 1;
    atomic_store_release(&generation, generation + 1);
}

/* Returns what mm->asid_ctx is now; 0: there are no numbers any more. */
static uint64_t
take_number(struct mm_struct *mm)
{
    uint64_t ctx;

    spin_lock(&lock);
    ctx = mm->asid_ctx; /* another hart may have been faster */
    if (last == 0) {
        ctx = 0;
    } else if (ctx >> GENERATION_SHIFT != generation) {
        if (next > last) {
            new_generation();
            atomic_add(&wraps, 1ul);
        }
        ctx = generation << GENERATION_SHIFT | next++;
        atomic_store_release(&mm->asid_ctx, ctx);
    }
    spin_unlock(&lock);
    return ctx;
}

/* MM's root with number CTX.  What is stale is forgotten after satp is written:
 * before, the hart may still run the old root under the same number, and could
 * read ahead what it just forgot. */
static inline void
load_numbered(struct mm_struct *mm, uint64_t satp, uint64_t ctx)
{
    unsigned me = this_cpu()->id;
    uint64_t *remembered = &mm->gate_rows[me].owner;
    uint64_t tlb_gen = atomic_load(&mm->tlb_gen);
    uint64_t number = ctx & ((1ul << GENERATION_SHIFT) - 1);

    csr_write(satp, satp | number << SATP_ASID_SHIFT);
    if (hart[me].generation != ctx >> GENERATION_SHIFT) {
        hart[me].generation = ctx >> GENERATION_SHIFT;
        sfence_vma_all();
    } else if (*remembered != tlb_gen) {
        sfence_vma_asid(number);
        atomic_add(&single_flushes, 1ul);
    }
    *remembered = tlb_gen;
}

static __attribute__((noinline)) void
load_new(struct mm_struct *mm, uint64_t satp)
{
    uint64_t ctx = mm == NULL ? 0 : take_number(mm);

    if (ctx != 0) {
        load_numbered(mm, satp, ctx);
        return;
    }
    csr_write(satp, satp);
    sfence_vma_all();
}

void
mm_load_root(struct mm_struct *mm, uint64_t satp)
{
    uint64_t ctx = mm == NULL ? 0 : atomic_load_acquire(&mm->asid_ctx);

    /* Without numbers, generations go on; nobody has one of the present. */
    if (ctx >> GENERATION_SHIFT == atomic_load_acquire(&generation))
        load_numbered(mm, satp, ctx);
    else
        load_new(mm, satp);
}

unsigned
asid_limit(unsigned bits)
{
    bits = MIN(bits, bits_usable);
    spin_lock(&lock);
    atomic_store(&last, (1ul << bits) - 1);
    new_generation();
    spin_unlock(&lock);
    return bits;
}

uint64_t
asid_wraps(void)
{
    return atomic_load(&wraps);
}

uint64_t
asid_single_flushes(void)
{
    return atomic_load(&single_flushes);
}

/* Go to every hart, and take what all have. */
static void
start_asids(const struct machine *m)
{
    unsigned found = 16, want = 16;
    char value[BOOTARG_MAX];
    const char *end;

    for_each_cpu (c) {
        if (sched_set_affinity(1ul << c->id) == 0)
            found = MIN(found, asid_bits());
    }
    sched_set_affinity(~0ul);
    if (bootarg_get(m->bootargs, "asid", value, sizeof(value)))
        want = (unsigned)MIN(strtoull_simple(value, &end), 16);
    bits_usable = MIN(found, want);
    if (bits_usable < found)
        cprintf("  %u of %u ASID bits are used\n", bits_usable, found);
    asid_limit(bits_usable);
}

static const struct initcall asid_call = {"asid", INIT_EARLY, start_asids};
TABLE_ADD(initcall, asid_call);
