/* explore_tlb.c: a hart that falls asleep and wakes, against a shootdown that does
 * not wait for it, over all schedules with at most four preemptions.
 *
 * arch/riscv/sleep.c and mm/tlb.c run as they are.  A hart has a TLB of one translation and fills it as early
 * as hardware may: whenever satp is written or everything was forgotten, unless its
 * root is the kernel's.  What must hold: no hart that is awake uses a frame that was
 * freed, none walks a table that was freed, and none runs code from before
 * tlb_sync_code().  A missing fence cannot show here (memory is sequentially
 * consistent), the order of the accesses can. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include <atomic.h>

#include "arch/riscv/cpu.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/pte.h"
#include "arch/riscv/satp.h"
#include "arch/riscv/sbi.h"
#include "debug/kstat.h"
#include <string.h>

enum mutant {
    MUTANT_NONE,
    MUTANT_ONE_LOOK,       /* the sender: asleep before, so asleep still */
    MUTANT_OWES_LATE,      /* it is told after the second look */
    MUTANT_LOOKS_EARLY,    /* the sleeper: owes nothing; and now awake */
    MUTANT_RESTORES_EARLY, /* the root, before everything is forgotten */
    MUTANT_KEEPS_ROOT,     /* it sleeps with the root of the space */
    MUTANT_NO_FENCE_I,
};

#include "kern/sync/lockorder.c"

#define USER_ROOT   1
#define KERNEL_ROOT 2

uintptr_t dmap_base;
uint64_t kernel_satp = KERNEL_ROOT;

static uint32_t entry = 1; /* [a] the frame it maps; 0: none */
static uint32_t code = 1;  /* [a] its version */
static bool frame_freed, table_freed;
static uint32_t code_known; /* all harts have it, says who changed it */

static struct {
    uint64_t satp;
    uint32_t tlb; /* a frame; 0: nothing remembered */
    uint32_t fetched;
} hart[EXPLORE_HARTS];
static struct tcb thread[EXPLORE_HARTS];

static void
walk(unsigned i)
{
    if (hart[i].satp != USER_ROOT || hart[i].tlb != 0)
        return;
    if (table_freed)
        explore_fail("hart %u walks a table that was freed", i);
    hart[i].tlb = entry;
}

static void
write_satp(uint64_t satp)
{
    if (explore_mutant() == MUTANT_KEEPS_ROOT)
        return;
    hart[explore_hart].satp = satp;
    walk(explore_hart);
}

void
sfence_vma_all(void)
{
    if (explore_mutant() == MUTANT_RESTORES_EARLY) {
        hart[explore_hart].satp = USER_ROOT;
        walk(explore_hart);
        EXPLORE_POINT("forgets");
        if (hart[explore_hart].tlb != 0 && frame_freed)
            explore_fail("hart %u may use a frame that was freed",
                         explore_hart);
    }
    hart[explore_hart].tlb = 0;
    walk(explore_hart);
}

void
sfence_vma_page(uintptr_t va)
{
    sfence_vma_all();
}

void
fence_i(void)
{
    if (explore_mutant() != MUTANT_NO_FENCE_I)
        hart[explore_hart].fetched = code;
}

int
sbi_remote_sfence_vma(struct sbi_harts h, uintptr_t va, size_t size)
{
    for (unsigned i = 0; i < ncpu; i++) {
        if (!(h.mask >> (i - h.base) & 1))
            continue;
        EXPLORE_POINT("told");
        hart[i].tlb = 0;
        walk(i);
    }
    return 0;
}

int
sbi_remote_fence_i(struct sbi_harts h)
{
    for (unsigned i = 0; i < ncpu; i++) {
        if (!(h.mask >> (i - h.base) & 1))
            continue;
        EXPLORE_POINT("told to fetch");
        hart[i].fetched = code;
    }
    return 0;
}

/* --- the kernel files, their accesses in the order a mutant wants -------- */

static int looks; /* of the sender, in this schedule */

static uint32_t
load(uint32_t *p, const char *func, const char *word)
{
    bool asleep = strstr(word, "asleep") != NULL;
    uint32_t v;

    if (asleep && looks++ == 1 && explore_mutant() == MUTANT_ONE_LOOK)
        return 1;
    ATOMIC_POINT(p);
    v = __atomic_load_n(p, __ATOMIC_SEQ_CST);
    if (asleep && v != 0 && explore_mutant() == MUTANT_OWES_LATE &&
        looks == 2) {
        EXPLORE_POINT("too late");
        p[1] = 1;
    }
    if (!asleep && explore_mutant() == MUTANT_LOOKS_EARLY) {
        EXPLORE_POINT("too early");
        p[-1] = 0;
    }
    return v;
}

static void
store(uint32_t *p, uint32_t v, const char *word)
{
    bool asleep = strstr(word, "asleep") != NULL;

    if ((explore_mutant() == MUTANT_OWES_LATE && !asleep && v == 1) ||
        (explore_mutant() == MUTANT_LOOKS_EARLY && asleep && v == 0))
        return;
    ATOMIC_POINT(p);
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);
}

#define wfi()         EXPLORE_POINT("wfi")
#define irq_off()     ((void)0)
#define irq_restore() ((void)0)
#undef csr_read
#undef csr_write
#define csr_read(name)     hart[explore_hart].satp
#define csr_write(name, v) write_satp(v)
#pragma push_macro("atomic_load")
#pragma push_macro("atomic_store")
#undef atomic_load
#undef atomic_store
#define atomic_load(p)                         \
    (sizeof(*(p)) == sizeof(uint32_t)          \
         ? load((uint32_t *)(p), __func__, #p) \
         : (uint32_t)__atomic_load_n(p, __ATOMIC_RELAXED))
#define atomic_store(p, v) store(p, v, #p)
#include "kern/arch/riscv/sleep.c"
#include "kern/mm/tlb.c"
#pragma pop_macro("atomic_load")
#pragma pop_macro("atomic_store")

/* --- what the harts do --------------------------------------------------- */

static void
setup(void)
{
    EXPLORE_NAME(entry);
    EXPLORE_NAME(code);
    EXPLORE_NAME(sleepers);
    for (unsigned i = 0; i < ncpu; i++) {
        cpus[i].online = true;
        hart[i].satp = USER_ROOT;
        hart[i].fetched = 1;
        walk(i);
    }
    (void)tlb_select("rfence");
}

/* A thread that is awake loads, and runs code. */
static void
touch(void)
{
    unsigned me = explore_hart;

    EXPLORE_POINT("access");
    walk(me);
    if (hart[me].tlb != 0 && frame_freed)
        explore_fail("hart %u uses a frame that was freed", me);
    if (hart[me].fetched < code_known)
        explore_fail("hart %u runs old code", me);
}

static void
start(unsigned me)
{
    thread[me].cpu = &cpus[me];
    explore_tcb[me] = &thread[me];
}

static void
sleep_and_wake(unsigned me)
{
    start(me);
    if (me == 0) {
        atomic_store(&entry, 0);
        tlb_shootdown(~0ul, 0, PAGE_SIZE);
        frame_freed = true;
        return;
    }
    touch();
    cpu_sleep();
    touch();
    cpu_sleep();
    touch();
}

static void
sleep_over_code(unsigned me)
{
    start(me);
    if (me == 0) {
        atomic_store(&code, 2);
        tlb_sync_code(~0ul);
        code_known = 2;
        return;
    }
    cpu_sleep();
    touch();
    cpu_sleep();
    touch();
}

/* The space's tables go, too: nobody runs in it, but a hart that sleeps. */
static void
sleep_over_tables(unsigned me)
{
    start(me);
    if (me == 0) {
        if (atomic_load(&sleepers[1].asleep) == 0)
            return; /* the space would not be given up */
        atomic_store(&entry, 0);
        tlb_shootdown(~0ul, 0, PAGE_SIZE);
        if (atomic_load(&sleepers[1].asleep) == 0)
            return;
        table_freed = true;
        hart[1].tlb = 0; /* thrown out by chance: the walker looks again */
        walk(1);
        table_freed = false;
        return;
    }
    cpu_sleep();
}

#define SLEEP  .setup = setup, .body = sleep_and_wake
#define CODE   .setup = setup, .body = sleep_over_code
#define TABLES .setup = setup, .body = sleep_over_tables

static const struct explore_test tests[] = {
    {"tlb-sleep", 2, SLEEP, .preemptions = 4},
    {"tlb-sleep-3", 3, SLEEP, .preemptions = 3},
    {"tlb-sleep-code", 2, CODE, .preemptions = 4},
    {"tlb-sleep-tables", 2, TABLES},
    {"tlb-sleep-mutant-one-look", 2, SLEEP, .mutant = MUTANT_ONE_LOOK,
     .preemptions = 3, .expect = "freed"},
    {"tlb-sleep-mutant-owes-late", 2, SLEEP, .mutant = MUTANT_OWES_LATE,
     .preemptions = 3, .expect = "freed"},
    {"tlb-sleep-mutant-looks-early", 2, SLEEP, .mutant = MUTANT_LOOKS_EARLY,
     .expect = "freed"},
    {"tlb-sleep-mutant-restores-early", 2, SLEEP,
     .mutant = MUTANT_RESTORES_EARLY, .expect = "freed"},
    {"tlb-sleep-mutant-keeps-root", 2, TABLES, .mutant = MUTANT_KEEPS_ROOT,
     .expect = "walks"},
    {"tlb-sleep-mutant-no-fence-i", 2, CODE, .mutant = MUTANT_NO_FENCE_I,
     .expect = "old code"},
};

int
main(int argc, char **argv)
{
    return explore_main(argc, argv, "explore_tlb", tests, ARRAY_LEN(tests));
}
