/* explore_space.c: a hart that comes to a space and leaves it, against a
 * shootdown, over all schedules with at most two preemptions.
 *
 * mm/space.c, mm/gather.c and, linked by link_asid.c, ext/init/asid.c run as
 * they are.  Each hart has a TLB that remembers one translation for every
 * number, filled by an access and, as hardware may, at once whenever satp is written
 * or everything was forgotten; and an instruction cache that holds what the code was when it last was told
 * to look.  What must hold: no access uses a translation of another space or a
 * frame that was freed, no hart uses a root that was freed, and no hart runs
 * code from before mm_sync_code().  A missing fence cannot show here (memory is
 * sequentially consistent), the order of the accesses can. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include <atomic.h>
#include <list.h>

#include "explore/model.h"
#include "space_world.h"
#include <errno.h>
#include <string.h>

enum mutant {
    MUTANT_NONE,
    MUTANT_BIT_AFTER_ROOT,    /* the hart's bit comes after the root */
    MUTANT_REMEMBER_AT_LEAVE, /* ... tlb_gen, for the next time */
    MUTANT_FORGET_NOTHING,    /* a switch without numbers */
    MUTANT_FORGET_FIRST,      /* before satp is written, not after */
    MUTANT_FORGET_NO_NUMBER,  /* a space that comes back late */
    MUTANT_NO_REFERENCE,      /* for the root of a lazy hart */
    MUTANT_NO_MARK,           /* harts outside do not hear of new code */
    MUTANT_MARK_AFTER_ASKING,
};

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"
#include "libs/avl.c"
#define program timer_program /* the name is free in timeout.c only */
#include "kern/schedule/timeout.c"
#undef program

#include "mm/gather.h"
#include "mm/space.h"

/* --- the machine --------------------------------------------------------- */

#define NUMBERS 8
#define FRAMES  8

uintptr_t dmap_base, shim_memmap_base;
pfn_t memmap_first_pfn;
bool ad_by_software;
pte_t (*ad_encode)(pte_t entry), (*ad_decode)(pte_t stored);
struct mm_struct *(*sched_switch_hook)(struct thread *next);
void (*sched_left_hook)(struct mm_struct *left);

static struct mm_struct mm[2];
static struct gate_row rows[2][EXPLORE_HARTS];
static pte_t root[2][PTES_PER_TABLE] __attribute__((aligned(4096)));
static uint32_t entry[2]; /* [a] what each space maps; 0: nothing */
static bool root_freed[2];
static struct page frame[FRAMES];
static bool frame_freed[FRAMES];
static uint32_t code; /* [a] its version */

static struct {
    uint64_t satp;
    uint32_t fetched; /* version of the code in its cache */
    struct {
        int space; /* 1 + index; 0: nothing remembered */
        uint32_t frame;
    } tlb[NUMBERS];
} hart[EXPLORE_HARTS];

uint64_t kernel_satp = SATP_MODE_SV39 << SATP_MODE_SHIFT;

/* The space whose root hart I uses, or -1. */
static int
space_of(unsigned i)
{
    for (int s = 0; s < 2; s++) {
        if ((hart[i].satp & SATP_PPN_MASK) == (uintptr_t)root[s] >> PAGE_SHIFT)
            return s;
    }
    return -1;
}

static unsigned
number_of(unsigned i)
{
    return (unsigned)((hart[i].satp & SATP_ASID_MASK) >> SATP_ASID_SHIFT);
}

/* The hart walks the tables, if it remembers nothing. */
static void
walk(unsigned i)
{
    int s = space_of(i);
    unsigned n = number_of(i);

    if (s < 0 || hart[i].tlb[n].space != 0 || entry[s] == 0)
        return;
    if (root_freed[s])
        explore_fail("hart %u walks a root that was freed", i);
    hart[i].tlb[n].space = s + 1;
    hart[i].tlb[n].frame = entry[s];
}

static void
forget(unsigned i)
{
    memset(hart[i].tlb, 0, sizeof(hart[i].tlb));
}

void
world_write_satp(uint64_t satp)
{
    unsigned me = explore_hart;
    int old = space_of(me);

    EXPLORE_POINT("satp");
    if (explore_mutant() == MUTANT_REMEMBER_AT_LEAVE && old >= 0)
        mm[old].gate_rows[me].owner = mm[old].tlb_gen;
    if (explore_mutant() == MUTANT_FORGET_FIRST) {
        forget(me);
        walk(me);
    }
    hart[me].satp = satp;
    walk(me);
    EXPLORE_POINT("satp written");
}

void
sfence_vma_all(void)
{
    if (explore_mutant() != MUTANT_FORGET_NOTHING &&
        explore_mutant() != MUTANT_FORGET_FIRST)
        forget(explore_hart);
    walk(explore_hart);
}

void
sfence_vma_page(uintptr_t va)
{
    forget(explore_hart);
}

void
sfence_vma_asid(uint64_t asid)
{
    if (explore_mutant() != MUTANT_FORGET_NO_NUMBER)
        hart[explore_hart].tlb[asid].space = 0;
}

void
fence_i(void)
{
    hart[explore_hart].fetched = code;
}

/* --- what space.c and gather.c stand on ---------------------------------- */

void
tlb_flush_local(uintptr_t va, size_t size)
{
    forget(explore_hart);
}

unsigned
tlb_shootdown(uint64_t set, uintptr_t va, size_t size)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ncpu; i++) {
        if (i == explore_hart || !(set >> i & 1))
            continue;
        EXPLORE_POINT("told");
        forget(i);
        n++;
    }
    return n;
}

void
tlb_sync_code(uint64_t set)
{
    for (unsigned i = 0; i < ncpu; i++) {
        if (i == explore_hart || !(set >> i & 1))
            continue;
        EXPLORE_POINT("told to fetch");
        hart[i].fetched = code;
    }
}

void
mm_get(struct mm_struct *m)
{
    if (explore_mutant() != MUTANT_NO_REFERENCE)
        atomic_add(&m->refs, 1);
}

void
mm_put(struct mm_struct *m)
{
    if (explore_mutant() == MUTANT_NO_REFERENCE && space_of(explore_hart) >= 0)
        return;
    if (mm_drop(m))
        mm_free(m);
}

void
mm_free(struct mm_struct *m)
{
    root_freed[m - mm] = true;
    for (unsigned i = 0; i < ncpu; i++) {
        if (space_of(i) == m - mm)
            explore_fail("the root of hart %u is freed", i);
    }
}

void
page_put(struct page *page)
{
    frame_freed[page - frame] = true;
}

/* Never reached here. */
void
anon_put(struct anon *anon)
{
}

void
anon_put_all(struct anon **anons, unsigned live)
{
}

void
lnode_put(struct lnode *n)
{
}

void
free_pages(struct page *p, unsigned order)
{
}

void
table_destroy(struct mm_struct *m, struct page *p)
{
}

pte_t
pte_change(pte_t *pte, pte_t clear, pte_t set)
{
    return 0;
}

pte_t *
pte_lookup(struct mm_struct *m, uintptr_t va, unsigned *level)
{
    *level = 0;
    return NULL;
}

unsigned
do_pgfault(struct mm_struct *m, unsigned code_, uintptr_t addr)
{
    return 0;
}

void
gate_enter(struct gate *g)
{
}

void
gate_leave(struct gate *g)
{
}

bool
bootarg_get(const char *args, const char *name, char *out, size_t size)
{
    return false;
}

unsigned long long
strtoull_simple(const char *s, const char **end)
{
    return 0;
}

int
sched_set_affinity(uint64_t mask)
{
    return 0;
}

/* Is this the access of activate() or mm_sync_code() that a mutant leaves out?
 */
static bool
left_out(const char *func, const char *word)
{
    int m = explore_mutant();

    return (m == MUTANT_BIT_AFTER_ROOT && strcmp(func, "activate") == 0 &&
            strcmp(word, "&mm->harts") == 0) ||
           ((m == MUTANT_NO_MARK || m == MUTANT_MARK_AFTER_ASKING) &&
            strcmp(func, "mm_sync_code") == 0 &&
            strcmp(word, "&mm->stale_code") == 0);
}

#undef atomic_or
#define atomic_or(p, v)     \
    (left_out(__func__, #p) \
         ? 0                \
         : (ATOMIC_POINT(p), __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL)))
#include "kern/mm/gather.c"
#include "kern/mm/space.c"

/* --- what the harts do --------------------------------------------------- */

static void
setup(unsigned bits)
{
    for (int s = 0; s < 2; s++) {
        mm[s].gate_rows = rows[s];
        mm[s].pgdir = root[s];
        mm[s].satp =
            (kernel_satp & ~SATP_PPN_MASK) | va_to_pa(root[s]) >> PAGE_SHIFT;
        mm[s].refs = 1;
        entry[s] = 1 + (uint32_t)s;
    }
    EXPLORE_NAME(mm);
    EXPLORE_NAME(rows);
    EXPLORE_NAME(entry);
    EXPLORE_NAME(model_thread);
    model_thread[0].tcb.cpu = &cpus[0];
    explore_tcb[explore_hart] = &model_thread[0].tcb;
    world_asid_bits(bits);
}

static void
no_numbers(void)
{
    setup(0);
}

static void
one_number(void)
{
    setup(1);
}

static void
numbers(void)
{
    setup(3);
}

/* The calling thread runs in space S from now on. */
static void
use(int s)
{
    mm_use(&mm[s]);
    if (explore_mutant() == MUTANT_BIT_AFTER_ROOT) {
        EXPLORE_POINT("too late");
        __atomic_fetch_or(&mm[s].harts, 1ul << explore_hart, __ATOMIC_RELAXED);
    }
}

/* One access, by the TLB if it remembers something. */
static void
touch(void)
{
    unsigned me = explore_hart, n = number_of(me);
    int s = space_of(me);

    EXPLORE_POINT("access");
    walk(me);
    if (hart[me].tlb[n].space == 0)
        return; /* a fault */
    if (hart[me].tlb[n].space != s + 1)
        explore_fail("hart %u uses a foreign translation", me);
    if (frame_freed[hart[me].tlb[n].frame])
        explore_fail("hart %u uses a frame that was freed", me);
}

/* Space 0 gets another frame; the old one is freed. */
static void
remap(uint32_t fresh)
{
    uint32_t old = entry[0];
    struct gather g;

    atomic_store(&entry[0], 0);
    gather_start(&g, &mm[0]);
    gather_range(&g, 0, PAGE_SIZE);
    gather_page(&g, &frame[old]);
    gather_finish(&g);
    atomic_store(&entry[0], fresh);
}

/* Hart 0 changes space 0, the others come to it, leave it and come again. */
static void
come_and_go(unsigned me)
{
    model_start(me);
    use(0);
    touch();
    if (me == 0) {
        remap(3);
        touch();
        return;
    }
    use(1);
    touch();
    use(0);
    touch();
}

/* Hart 1 is lazy when the last user of space 0 goes. */
static void
lazy(unsigned me)
{
    model_start(me);
    if (me == 0) {
        mm_put(&mm[0]);
        return;
    }
    mm_get(&mm[0]); /* as its user */
    if (root_freed[0])
        return;
    use(0);
    touch();
    mm_use(NULL);
    mm_put(&mm[0]);
    EXPLORE_POINT("lazy");
    walk(me);
    use(1);
    touch();
}

static uint32_t executable; /* [a] */

/* Hart 0 writes code and makes it executable, hart 1 comes and goes. */
static void
new_code(unsigned me)
{
    model_start(me);
    if (me == 0) {
        atomic_store(&code, 1);
        mm_sync_code(&mm[0]);
        if (explore_mutant() == MUTANT_MARK_AFTER_ASKING) {
            EXPLORE_POINT("too late");
            mm[0].stale_code = ~0ul;
        }
        atomic_store(&executable, 1);
        return;
    }
    for (int i = 0; i < 2; i++) {
        use(i);
        use(1 - i);
        EXPLORE_POINT("fetch");
        if (space_of(me) == 0 && executable && hart[me].fetched == 0)
            explore_fail("hart %u runs old code", me);
        use(0);
        EXPLORE_POINT("fetch");
        if (executable && hart[me].fetched == 0)
            explore_fail("hart %u runs old code", me);
    }
}

static void
check(void)
{
    for (unsigned i = 0; i < ncpu; i++) {
        for (int s = 0; s < 2; s++)
            assert((mm[s].harts >> i & 1) == (space_of(i) == s));
    }
}

#define WITHOUT .setup = no_numbers, .body = come_and_go, .check = check
#define WITH    .setup = numbers, .body = come_and_go, .check = check
#define WRAP    .setup = one_number, .body = come_and_go, .check = check
#define LAZY    .setup = numbers, .body = lazy
#define CODE    .setup = numbers, .body = new_code, .check = check

static const struct explore_test tests[] = {
    {"space-without-numbers", 2, WITHOUT},
    {"space-with-numbers", 2, WITH},
    {"space-with-one-number", 2, WRAP},
    {"space-lazy", 2, LAZY},
    {"space-new-code", 2, CODE},
    {"space-without-numbers-3", 3, WITHOUT, .preemptions = 1},
    {"space-with-numbers-3", 3, WITH, .preemptions = 1},
    {"space-mutant-bit-after-root", 2, WITHOUT, .mutant = MUTANT_BIT_AFTER_ROOT,
     .expect = "freed"},
    {"space-mutant-remember-at-leave", 2, WITH,
     .mutant = MUTANT_REMEMBER_AT_LEAVE, .preemptions = 3, .expect = "freed"},
    {"space-mutant-forget-nothing", 2, WITHOUT, .mutant = MUTANT_FORGET_NOTHING,
     .expect = "foreign"},
    {"space-mutant-wrap-forgets-nothing", 2, WRAP,
     .mutant = MUTANT_FORGET_NOTHING, .expect = "foreign"},
    {"space-mutant-forget-first", 2, WRAP, .mutant = MUTANT_FORGET_FIRST,
     .expect = "foreign"},
    {"space-mutant-forget-no-number", 2, WITH,
     .mutant = MUTANT_FORGET_NO_NUMBER, .expect = "freed"},
    {"space-mutant-no-reference", 2, LAZY, .mutant = MUTANT_NO_REFERENCE,
     .expect = "freed"},
    {"space-mutant-no-mark", 2, CODE, .mutant = MUTANT_NO_MARK,
     .expect = "old code"},
    {"space-mutant-mark-after-asking", 2, CODE,
     .mutant = MUTANT_MARK_AFTER_ASKING, .preemptions = 3,
     .expect = "old code"},
};

int
main(int argc, char **argv)
{
    return explore_main(argc, argv, "explore_space", tests, ARRAY_LEN(tests));
}
