/* explore_pmm.c: the page allocator and its per-hart caches, over all
 * schedules with at most two preemptions.
 *
 * mm/pmm.c and, linked by link_hart_pages.c, ext/mm/hart_pages.c run as they
 * are, on a machine of a few frames whose descriptors are an array of the test.
 * explore_pmm_core.c has mm/pmm.c alone.  What must hold: no page is handed out
 * twice, none is lost, and nobody is refused while there is a page to have. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "arch/riscv/cpu.h"
#include "arch/riscv/memlayout.h"
#include "mm/pmm.h"
#include <list.h>
#include <string.h>

enum mutant {
    MUTANT_NONE,
    MUTANT_DRAIN_UNLOCKED, /* a remote stack is emptied without its lock */
};

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"
#define names fail_names /* static in each file, and this is one file */
#include "kern/ext/mm/failpoint.c"
#undef names
#include "kern/ext/mm/pmm_audit.c"
#include "kern/mm/pmm.c"

#define FIRST_PFN 0x1000
#define NFRAMES   16

uintptr_t shim_memmap_base, dmap_base;

static struct page frames[NFRAMES] __attribute__((aligned(64)));
static struct tcb tcb[EXPLORE_HARTS];
static struct page *mail;   /* from hart to hart */
static unsigned npages;     /* the machine has */
static bool taken[NFRAMES]; /* by whoever got it last */

static void
machine_with(unsigned n)
{
    struct pmm_range ram = {FIRST_PFN << PAGE_SHIFT, (FIRST_PFN + n)
                                                         << PAGE_SHIFT};

    npages = n;
    shim_memmap_base = (uintptr_t)frames;
    memmap_first_pfn = FIRST_PFN;
    tcb[0].cpu = &cpus[0];
    explore_tcb[explore_hart] = &tcb[0];
#ifndef CORE_ONLY
    memset(pcps, 0, sizeof(pcps));
    EXPLORE_NAME(pcps);
#endif
    pmm_init(&ram, 1, &ram, 1);
    EXPLORE_NAME(buddy);
    EXPLORE_NAME(frames);
}

static void
start(unsigned hart)
{
    tcb[hart].cpu = &cpus[hart];
    explore_tcb[hart] = &tcb[hart];
    csr_set(sstatus, SSTATUS_SIE);
}

static struct page *
take(void)
{
    struct page *p = alloc_pages(0);

    if (p == NULL)
        return NULL;
    if (taken[p - frames])
        explore_fail("page %ld is handed out twice", (long)(p - frames));
    taken[p - frames] = true;
    return p;
}

static void
give(struct page *p)
{
    if (p == NULL)
        return;
    taken[p - frames] = false;
    free_pages(p, 0);
}

static void
setup_2(void)
{
    machine_with(2);
}

static void
setup_3(void)
{
    machine_with(3);
}

/* All pages are free again, and each is on the lists once. */
static void
check(void)
{
    size_t found = 0;

    explore_tcb[explore_hart] = &tcb[explore_hart];
    pmm_drain();
    for (unsigned k = 0; k <= MAX_ORDER; k++) {
        list_for_each (n, &buddy.free[k]) {
            found += 1ul << k;
            assert(found <= npages); /* else a torn list has no end */
        }
    }
    assert(found == npages && nr_free_pages() == npages);
    assert(pmm_check() == 0);
#ifndef CORE_ONLY
    for (unsigned i = 0; i < ncpu; i++)
        assert(pcps[i].n == 0);
#endif
}

/* Alloc and free on every hart; with a page for each, none may be refused. */
static void
each_one_body(unsigned hart)
{
    struct page *p;

    start(hart);
    p = take();
    if (p == NULL && npages >= ncpu)
        explore_fail("refused, though %u harts never hold more than the %u "
                     "pages there are",
                     ncpu, npages);
    EXPLORE_POINT("has a page");
    give(p);
}

/* One hart allocates, another frees, a third empties all caches. */
static bool
has_mail(void *arg)
{
    return mail != NULL;
}

static void
pass_body(unsigned hart)
{
    struct page *p;

    start(hart);
    if (hart == 0) {
        p = take();
        give(take());
        mail = p;
    } else if (hart == 1) {
        explore_wait("mail", has_mail, NULL);
        give(mail);
        give(take());
    } else {
        pmm_drain();
        assert(nr_free_pages() <= npages);
    }
}

/* There are two pages.  One lies free in the stack of hart 2, which takes it
 * only after hart 1 gave the other one back.  So at each moment a page is free,
 * and hart 0, looking through one stack after the other, must get one. */
static bool given_back;

static bool
is_given_back(void *arg)
{
    return given_back;
}

static void
must_take(void)
{
    if (take() == NULL)
        explore_fail("refused, though a page was free all the time");
}

static void
oom_body(unsigned hart)
{
    struct page *p;

    start(hart);
    if (hart == 2) {
        p = take();
        give(take());
        mail = p;
        explore_wait("the other page is back", is_given_back, NULL);
        must_take();
        return;
    }
    explore_wait("mail", has_mail, NULL);
    if (hart == 1) {
        give(mail);
        given_back = true;
    } else {
        must_take();
    }
}

static void
oom_check(void)
{
    assert(nr_free_pages() == 0);
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct explore_test tests[] = {
    {"one-each", 3, .setup = setup_3, .body = each_one_body, .check = check},
    {"too-few", 3, .setup = setup_2, .body = each_one_body, .check = check},
    {"pass-on", 3, .setup = setup_3, .body = pass_body, .check = check},
    {"never-refused", 3, .setup = setup_2, .body = oom_body,
     .check = oom_check},
#ifdef CORE_ONLY
    {"mutant-lists-unlocked", 3, .setup = setup_3, .body = each_one_body,
     .check = check,
     .skip = SKIP("alloc_pages/spin_lock", "alloc_pages/spin_unlock"),
     .expect = ""},
#else
    {"mutant-drain-unlocked", 3, .setup = setup_3, .body = pass_body,
     .check = check, .mutant = MUTANT_DRAIN_UNLOCKED, .expect = ""},
#endif
};

int
main(int argc, char **argv)
{
#ifdef CORE_ONLY
    const char *name = "explore_pmm_core";
#else
    const char *name = "explore_pmm";
#endif

    return explore_main(argc, argv, name, tests, ARRAY_LEN(tests));
}
