/* explore_unmap.c: taking a page away from the page's side, against munmap, a
 * hart that begins to run the space, and others who do the same, over all
 * schedules with at most two preemptions.
 *
 * mm/rmap.c, mm/unmap.c and mm/pgtable.c run as they are, on tables that are
 * arrays of the test.  What must hold: each entry is cleared once and its record
 * with it; no table is touched that was given back; no hart remembers what
 * page_unmap() took away. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "arch/riscv/cpu.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/satp.h"
#include "mm/failpoint.h"
#include "mm/gather.h"
#include "mm/kmalloc.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include "mm/vmm.h"
#include <string.h>

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"

enum mutant {
    MUTANT_NONE,
    MUTANT_HARTS_FIRST, /* whom to tell is read before the entry changes */
    MUTANT_ONE_TRY,     /* what was locked by somebody else is left out */
};

/* --- memory: three tables, and descriptors for them and two pages --- */

#define FIRST_PFN 0x1000ul
#define NTABLES   3
#define NFRAMES   5

static pte_t tables[NTABLES][PTES_PER_TABLE] __attribute__((aligned(4096)));
static struct page frames[NFRAMES] __attribute__((aligned(64)));
static bool freed[NTABLES];
static unsigned ntables;
static char arena[1024] __attribute__((aligned(64)));
static size_t arena_used;

uintptr_t shim_memmap_base, dmap_base;
pfn_t memmap_first_pfn;
unsigned paging_levels = 3;
bool fail_armed;
bool (*fail_hook)(enum fail_site site);

/* Nobody faults here. */
struct last_place *
place_anew(struct mm_struct *mm)
{
    return NULL;
}

void *
kmalloc(size_t size)
{
    arena_used += ROUND_UP(size, 64);
    assert(arena_used <= sizeof(arena));
    return arena + arena_used - ROUND_UP(size, 64);
}

void
kfree(void *p)
{
}

struct page *
alloc_zeroed_page(void)
{
    return ntables == NTABLES ? NULL : &frames[ntables++];
}

void
free_pages(struct page *p, unsigned order)
{
    freed[p - frames] = true;
}

void
gather_table(struct gather *g, struct page *table)
{
    g->tables = true;
    freed[table - frames] = true; /* the flush is over at once */
}

pte_t *
satp_kernel_root(void)
{
    return tables[0];
}

static void
live(struct spinlock *lock)
{
    struct page *t = container_of((uint64_t *)lock, struct page, policy);

    if (freed[t - frames])
        explore_fail("the lock of a table that was given back");
}

/* --- harts that remember --- */

static bool remembers[EXPLORE_HARTS];

void
tlb_flush_local(uintptr_t va, size_t size)
{
}

unsigned
tlb_shootdown(uint64_t set, uintptr_t va, size_t size)
{
    EXPLORE_POINT("shootdown");
    for (unsigned i = 0; i < EXPLORE_HARTS; i++) {
        if (set >> i & 1)
            remembers[i] = false;
    }
    return 0;
}

#include "kern/mm/pgtable.c"

#undef spin_unlock_nested
#define spin_unlock_nested(l) \
    (EXPLORE_POINT("unlock"), live(l), (spin_unlock_nested)(l))
#include "kern/mm/rmap.c"
#undef spin_unlock_nested

static uint64_t harts_before; /* of the one space, for the mutant */

static pte_t
clear_entry(pte_t *pte)
{
    harts_before = atomic_load(&pte_mm(pte)->harts);
    ATOMIC_POINT(pte);
    return pte_clear(pte);
}

static unsigned
one_walk(struct page *page,
         bool (*fn)(struct page *page, pte_t *pte, void *arg), void *arg)
{
    unsigned skipped = rmap_walk(page, fn, arg);

    return explore_mutant() == MUTANT_ONE_TRY ? 0 : skipped;
}

/* Who spins writes (the page's rmap lock) on every turn, so the explorer cannot
 * see by itself that it waits: for a table. */
static bool
tables_free(void *arg)
{
    for (unsigned i = 0; i < NTABLES; i++) {
        if (((struct spinlock *)&frames[i].policy)->locked)
            return false;
    }
    return true;
}

#define cpu_wait()          explore_wait("busy table", tables_free, NULL)
#define pte_clear(pte)      clear_entry(pte)
#define rmap_walk(p, fn, a) one_walk(p, fn, a)
#define tlb_shootdown(set, va, size)                                           \
    tlb_shootdown(explore_mutant() == MUTANT_HARTS_FIRST ? harts_before : set, \
                  va, size)
#include "kern/mm/unmap.c"
#undef pte_clear
#undef rmap_walk
#undef tlb_shootdown
#undef cpu_wait

/* --- the world: one space, PAGE at three addresses of one table --- */

#define BASE 0x40000000ul

static struct tcb tcb[EXPLORE_HARTS];
static struct mm_struct mm;
static struct page *page = &frames[NTABLES];

static void
start(unsigned hart)
{
    tcb[hart].cpu = &cpus[hart];
    explore_tcb[hart] = &tcb[hart];
    csr_set(sstatus, SSTATUS_SIE);
}

static pte_t *
entry(unsigned i)
{
    return get_pte(&mm, BASE + i * PAGE_SIZE, true);
}

static void
map_at(struct page *what, unsigned i)
{
    struct rmap_block *spare = what->mapcount > 1 ? rmap_block_alloc() : NULL;
    pte_t *pte = entry(i);

    spin_lock(pte_lock(pte));
    assert(rmap_add(what, pte, &spare) == 0);
    pte_install(pte, pte_make(page_to_pa(what), PTE_V | PTE_R | PTE_W | PTE_D));
    mm.rss++;
    spin_unlock(pte_lock(pte));
}

/* NPTES entries of the page, and one of another page at address 7. */
static void
setup(unsigned nptes)
{
    start(explore_hart);
    shim_memmap_base = (uintptr_t)frames;
    memmap_first_pfn = FIRST_PFN;
    dmap_base = (uintptr_t)tables - (FIRST_PFN << PAGE_SHIFT);
    mm.pgdir = page_to_va(alloc_zeroed_page());
    pte_table(mm.pgdir)->owner = (uintptr_t)&mm | PAGE_OWNER_MM;
    spin_init(pte_lock(mm.pgdir), RANK_PTE);
    for (unsigned i = 0; i < nptes; i++)
        map_at(page, i);
    map_at(page + 1, 7);
    EXPLORE_NAME(frames);
    EXPLORE_NAME(tables);
    EXPLORE_NAME(mm);
}

static void
setup_1(void)
{
    setup(1);
}

static void
setup_3(void)
{
    setup(3);
}

/* munmap() of one page: zap.c and pgtable_trim(), without the flush. */
static void
unmap_one(unsigned i)
{
    pte_t *pte = entry(i), old;
    struct gather g = {.mm = &mm};
    uintptr_t va = BASE + i * PAGE_SIZE;

    spin_lock(pte_lock(pte));
    if (pte_load(pte) & PTE_V) {
        old = pte_clear(pte);
        rmap_remove(pa_to_page(pte_pa(old)), pte);
        atomic_add(&mm.rss, -1l);
    }
    spin_unlock(pte_lock(pte));
    EXPLORE_POINT("zapped");
    pgtable_trim(&mm, va, va + PAGE_SIZE, &g);
}

static void
gone(void)
{
    if (page->mapcount != 0 || page->rmap != 0)
        explore_fail("%d records are left", page->mapcount);
    if (!(page->flags & PG_DIRTY))
        explore_fail("a store was not noticed");
}

/* Hart 1 unmaps a neighbour: the table may be empty then. */
static void
table_body(unsigned hart)
{
    start(hart);
    if (hart == 1) {
        unmap_one(7);
    } else {
        page_unmap(page);
        gone();
    }
}

static void
all_gone(void)
{
    gone();
    if (mm.rss != 0)
        explore_fail("%ld pages are counted", (long)mm.rss);
}

/* Hart 0 unmaps one of the three itself, hart 2 takes W away. */
static void
three_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        unmap_one(1);
    } else if (hart == 1) {
        page_unmap(page);
        if (page->mapcount != 0)
            explore_fail("%d records are left", page->mapcount);
    } else {
        page_mkclean(page);
        for (unsigned i = 0; i < 3; i++) {
            if (pte_load(&tables[2][i]) & (PTE_W | PTE_D))
                explore_fail("entry %u can be written", i);
        }
    }
}

static void
three_check(void)
{
    if (page->mapcount != 0 || mm.rss != 1 || !(page->flags & PG_DIRTY))
        explore_fail("%d records, %ld pages", page->mapcount, (long)mm.rss);
}

/* Hart 0 begins to run the space, as mm_activate() does, and loads. */
static void
run_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        atomic_or(&mm.harts, 1ul);
        atomic_fence();
        remembers[0] = (pte_load(&tables[2][0]) & PTE_V) != 0;
        EXPLORE_POINT("running");
        return;
    }
    page_unmap(page);
    if (remembers[0])
        explore_fail("a hart remembers what was taken away");
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct explore_test tests[] = {
    {.name = "table-goes",
     .harts = 2,
     .setup = setup_1,
     .body = table_body,
     .check = all_gone},
    {.name = "mutant-table-goes-at-once",
     .harts = 2,
     .setup = setup_1,
     .body = table_body,
     .check = all_gone,
     .skip = SKIP("table_empty/spin_lock", "table_empty/spin_unlock"),
     .expect = "given back"},
    {.name = "three-entries",
     .harts = 3,
     .setup = setup_3,
     .body = three_body,
     .check = three_check},
    {.name = "mutant-one-try",
     .harts = 3,
     .setup = setup_3,
     .body = three_body,
     .check = three_check,
     .mutant = MUTANT_ONE_TRY,
     .expect = ""},
    {.name = "hart-joins", .harts = 2, .setup = setup_1, .body = run_body},
    {.name = "mutant-harts-first",
     .harts = 2,
     .setup = setup_1,
     .body = run_body,
     .mutant = MUTANT_HARTS_FIRST,
     .expect = "remembers"},
};

int
main(int argc, char **argv)
{
    return explore_main(argc, argv, "explore_unmap", tests, ARRAY_LEN(tests));
}
