/* mm_stage.h: where the explorers of kern/mm play: up to four harts that run one
 * space or two, what lies there at the beginning, and what must hold at the end.
 *
 * The whole of kern/mm runs above mm_world.h, with the holes of mm_mutants.h.
 * => included once, after explore/explore.h */
#ifndef HOST_MM_STAGE_H
#define HOST_MM_STAGE_H

#pragma GCC diagnostic ignored "-Wunused-function"

#include <atomic.h>
#include <list.h>
#include <string.h>

#define sched_yield world_yield
#include "explore/model.h"

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"
#define program timer_program /* the name is free in timeout.c only */
#include "kern/schedule/timeout.c"
#undef program

/* The lock of the reverse map is taken in its header. */
#include "mm_mutant.h"
#undef atomic_or
#define atomic_or(p, v)                                             \
    ((ATOMIC_POINT(p), __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL)) & \
     (explore_mutant() == MUTANT_NO_RMAP_LOCK ? 0 : ~0u))
#include "mm/rmap.h"
#undef atomic_or
#define atomic_or(p, v) \
    (ATOMIC_POINT(p), __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL))
/* Who asks for A only tries it. */
#undef atomic_or_acquire
#define atomic_or_acquire(p, v)                                              \
    (ATOMIC_POINT(p),                                                        \
     __atomic_fetch_or(p, explore_mutant() == MUTANT_ASK_UNLOCKED ? 0 : (v), \
                       __ATOMIC_ACQUIRE))
#include "mm/accessed.h"

#define WORLD_FRAMES 48
#define WORLD_LEVELS 2
#define WORLD_FILES  "mm_mutants.h"
#define PAGER_PREPARED(page)                            \
    do {                                                \
        if (explore_mutant() == MUTANT_MKWRITE_UNLOCKS) \
            page_unlock(page);                          \
    } while (0)
#include "mm_world.h"

extern unsigned fault_around_pages; /* kern/ext/mm/fault_around.c */

uint64_t
kstat_read(enum kstat_id id)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < NCPU_MAX; i++)
        sum += kstat_rows[i].v[id];
    return sum;
}

void
boot_refuse(const char *fmt, ...)
{
    panic("%s", fmt);
}

void
sched_yield(void)
{
    EXPLORE_POINT("sched_yield");
}

/* --- the stage --- */

#define BASE 0x10000000ul
#define HERE BASE /* the page all quarrel about */

static struct mm_struct *space[2];
static struct pager file;
static uint64_t saw[EXPLORE_HARTS][2];
static unsigned result[EXPLORE_HARTS];

/* No interrupts here, so they stay off: fewer points. */
static void
start(unsigned hart)
{
    struct thread *t = &model_thread[hart];

    t->tid = (int)hart + 1;
    t->state = THREAD_RUNNING;
    t->tcb.cpu = &cpus[hart];
    explore_tcb[hart] = &t->tcb;
}

/* Before and after the schedule: be HART for a moment. */
static void
as(unsigned hart)
{
    start(explore_hart);
    explore_tcb[explore_hart]->cpu = &cpus[hart];
}

static void
boot(void)
{
    as(0);
    world_start();
    fault_around_pages = 1;
    EXPLORE_NAME(world_page);
    EXPLORE_NAME(world_arena);
}

static bool
tables_free(void *arg)
{
    for (unsigned i = 0; i < WORLD_FRAMES; i++) {
        if ((world_page[i].flags & PG_TABLE) &&
            ((struct spinlock *)&world_page[i].policy)->locked)
            return false;
    }
    return true;
}

/* The entries of a private page go, as reclaim takes them. */
static void
unmap_private(struct mm_struct *mm, uintptr_t va)
{
    struct page *page = private_page(mm, va);
    struct anon *a = (struct anon *)page->owner;

    spin_lock(&a->lock);
    if (a->page == page)
        page_unmap(page);
    spin_unlock(&a->lock);
    page_put(page);
}

/* Space 0 runs on all harts, with two pages of zeros. */
static void
setup_zeros(void)
{
    boot();
    space[0] = mm_create();
    (void)do_mmap(space[0], BASE, 2 * PAGE_SIZE, VM_READ | VM_WRITE,
                  MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        mmu_run(space[0]);
    }
    as(0);
}

/* ... there is a layer already, and the tables. */
static void
setup_layer(void)
{
    setup_zeros();
    (void)user_store(HERE + PAGE_SIZE, 8);
}

/* ... there is a 7 here, but no entry. */
static void
setup_cold_7(void)
{
    setup_layer();
    (void)user_store(HERE, 7);
    unmap_private(space[0], HERE);
}

/* ... and every hart knows that it may write 7 here. */
static void
setup_warm(void)
{
    setup_layer();
    (void)user_store(HERE, 7);
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        (void)user_store(HERE, 7);
    }
    as(0);
}

/* ... but hart 1 of three has forgotten. */
static void
setup_warm_but_1(void)
{
    setup_warm();
    if (ncpu > 2) {
        as(1);
        mmu_forget_all();
        as(0);
    }
}

/* ... and then space 1 is a copy of it, and runs on hart 1. */
static void
setup_relatives(void)
{
    setup_layer();
    (void)user_store(HERE, 7);
    space[1] = mm_copy(space[0]);
    as(1);
    mmu_run(space[1]);
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        (void)user_load(HERE, &saw[i][0]);
    }
    as(0);
}

/* The same, and no entry of either shows the 7. */
static void
setup_relatives_cold(void)
{
    setup_cold_7();
    space[1] = mm_copy(space[0]);
    as(1);
    mmu_run(space[1]);
    as(0);
}

/* ... and both harts run space 0: the relative only has the 7, too. */
static void
setup_shared_cold(void)
{
    setup_relatives_cold();
    as(1);
    mmu_run(space[0]);
    as(0);
}

static void
map_file(uint32_t flags)
{
    boot();
    pager_init(&file, &pager_ops, 2);
    file.word[0][0] = 7;
    space[0] = mm_create();
    (void)do_mmap(space[0], BASE, 2 * PAGE_SIZE, VM_READ | VM_WRITE,
                  MAP_FIXED | flags, &file.object, 0);
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        mmu_run(space[0]);
    }
    as(0);
}

/* A file, of which nothing is in memory. */
static void
setup_file(void)
{
    map_file(MAP_SHARED);
}

/* ... page 0 is in memory and mapped by all. */
static void
setup_file_warm(void)
{
    setup_file();
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        (void)user_store(HERE, 7);
    }
    as(0);
}

static void
setup_file_read(void)
{
    setup_file();
    (void)user_load(HERE, &saw[0][0]);
}

static void
setup_file_private(void)
{
    map_file(MAP_PRIVATE);
    (void)user_load(HERE, &saw[0][0]);
}

/* Both pages are in memory, and none is mapped or private. */
static void
setup_file_cached(void)
{
    map_file(MAP_PRIVATE);
    file.word[1][0] = 8;
    (void)user_load(HERE, &saw[0][0]);
    (void)user_load(HERE + PAGE_SIZE, &saw[0][0]);
    (void)do_mmap(space[0], BASE, 2 * PAGE_SIZE, VM_READ | VM_WRITE,
                  MAP_FIXED | MAP_PRIVATE, &file.object, 0);
    fault_around_pages = 16;
}

/* ... but page 1 is private, and not mapped either. */
static void
setup_around_private(void)
{
    setup_file_cached();
    (void)user_store(HERE + PAGE_SIZE, 5);
    unmap_private(space[0], HERE + PAGE_SIZE);
}

/* Software sets A and D; hart 0 has read, so that D is missing. */
static void
setup_file_ad(void)
{
    setup_file_warm();
    mmu_traps_ad = true;
    (void)do_mprotect(space[0], HERE, PAGE_SIZE, VM_READ);
    (void)do_mprotect(space[0], HERE, PAGE_SIZE, VM_READ | VM_WRITE);
    (void)user_store(HERE, 7);
    (void)pte_change(get_pte(space[0], HERE, false), PTE_D, 0);
    mmu_forget_all();
}

/* --- the end --- */

static void
sees(unsigned hart, unsigned word, uint64_t value)
{
    uint64_t got = 12345;
    unsigned r;

    as(hart);
    r = user_load(HERE + 8 * word, &got);
    if (r != 0 || got != value)
        explore_fail("hart %u sees %lu in word %u, not %lu (%#x)", hart, got,
                     word, value, r);
}

static void
all_see(unsigned word, uint64_t value)
{
    for (unsigned i = 0; i < ncpu; i++)
        if (mmus[i].mm == space[0])
            sees(i, word, value);
}

/* Everything fits together; and when all are gone, nothing is left. */
static void
all_gone(void)
{
    struct vm_object *obj = &file.object;

    verify(space, ARRAY_LEN(space), &obj, obj->refs > 0);
    for (unsigned i = 0; i < ARRAY_LEN(space); i++)
        if (space[i] != NULL && space[i]->stat[MM_OOM] != 0)
            explore_fail("out of memory, though there is enough");
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        mmu_run(NULL);
    }
    for (unsigned i = 0; i < ARRAY_LEN(space); i++)
        if (space[i] != NULL)
            mm_put_user(space[i]);
    if (obj->refs > 0)
        object_put(obj);
    if (kstat_read(STAT_DIRTY) != 0 || kstat_read(STAT_CACHE) != 0)
        explore_fail("%ld dirty, %ld cached pages are counted",
                     kstat_read(STAT_DIRTY), kstat_read(STAT_CACHE));
    if (frames_used != 0 || world_objects != 0)
        explore_fail("left: %zu frames, %zu objects", frames_used,
                     world_objects);
}

#endif
