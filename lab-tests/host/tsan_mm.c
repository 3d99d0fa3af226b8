/* tsan_mm.c: the allocators under real concurrency, watched by the thread
 * sanitizer.  A thread is a hart: it never leaves its caches to anybody.
 *
 * What a thread gets it stamps with its number and looks at again later; a
 * block that two threads hold shows as a foreign stamp, and as a data race.
 * Half of all blocks go through a table where another thread may take them
 * and give them back.
 *
 * Built twice: with what kern/ext puts before the allocators linked to it, and,
 * as tsan_mm_core.c, without. */
#include "shim.h"

#include "kern/ext/mm/failpoint.c"
#include "kern/ext/mm/pmm_audit.c"
#include "kern/ext/mm/slab_audit.c"
#include "kern/mm/kmalloc.c"
#include "kern/mm/pmm.c"
#include <pthread.h>

#define FIRST 0x80000ul
#define HARTS 4
#define HELD  24

static unsigned rounds = 200000;
static unsigned wrong; /* [a] */

static void
world(size_t n)
{
    struct pmm_range r = {FIRST << PAGE_SHIFT, (FIRST + n) << PAGE_SHIFT};

    shim_become_hart(0);
    shim_memory(FIRST, FIRST + ROUND_UP(n, SECTION_PAGES), true);
    memmap_first_pfn = FIRST;
#ifndef CORE_ONLY
    memset(pcps, 0, sizeof(pcps)); /* what they hold is of another world */
    memset(class_front, 0, sizeof(class_front));
#endif
    pmm_init(&r, 1, &r, 1);
    spin_init(&caches_lock, RANK_SLAB);
    list_init(&caches);
    large.taken = large.nslabs = 0;
    kmalloc_init();
    wrong = 0;
}

static void
complain_here(const char *what)
{
    if (atomic_add(&wrong, 1) < 5)
        printf("  %s\n", what);
}

static bool
run_harts(void *(*body)(void *))
{
    pthread_t t[HARTS];

    for (uintptr_t i = 0; i < HARTS; i++)
        EXPECT(pthread_create(&t[i], NULL, body, (void *)i) == 0);
    for (unsigned i = 0; i < HARTS; i++)
        EXPECT(pthread_join(t[i], NULL) == 0);
    EXPECT(wrong == 0);
    return true;
}

/* --- pages --- */

static struct page *page_table[16]; /* [a] blocks on their way */

static void
page_give(struct page *p)
{
    unsigned order = page_order(p);
    uint64_t *word = page_to_va(p);

    if (word[0] != word[(PAGE_SIZE << order) / 8 - 1])
        complain_here("a block was written to");
    free_pages(p, order);
}

static struct page *
page_take(unsigned order, uint64_t stamp)
{
    struct page *p = alloc_pages(order);
    uint64_t *word;

    if (p == NULL)
        return NULL;
    word = page_to_va(p);
    word[0] = word[(PAGE_SIZE << order) / 8 - 1] = stamp;
    return p;
}

static void *
page_body(void *arg)
{
    unsigned id = (unsigned)(uintptr_t)arg;
    uint64_t r = id + 1;
    struct page *held[HELD] = {NULL};

    shim_become_hart(id);
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t x = shim_random(&r);
        unsigned k = x % HELD;

        if (held[k] != NULL && (x >> 8) % 2)
            held[k] = atomic_swap(&page_table[(x >> 16) % 16], held[k]);
        if (held[k] != NULL)
            page_give(held[k]);
        held[k] = page_take((x >> 24) % 8 < 6 ? 0 : (x >> 32) % 4, x);
        if (x % 1500 == 7)
            pmm_drain();
        if (x % 500 == 8 && nr_free_pages() > 4096)
            complain_here("more free pages than there are");
    }
    for (unsigned k = 0; k < HELD; k++)
        if (held[k] != NULL)
            page_give(held[k]);
    return NULL;
}

static bool
pages_run(size_t n)
{
    size_t free_before;

    world(n);
    free_before = nr_free_pages();
    EXPECT(run_harts(page_body));
    for (unsigned i = 0; i < ARRAY_LEN(page_table); i++)
        if (page_table[i] != NULL)
            page_give(page_table[i]);
    memset(page_table, 0, sizeof(page_table));
    EXPECT(nr_free_pages() == free_before);
    EXPECT(pmm_check() == 0);
    pmm_drain();
    EXPECT(pmm_check() == 0);
    return true;
}

static bool
test_pages(void)
{
    return pages_run(4096);
}

static bool
test_pages_short(void)
{
    return pages_run(100);
}

/* --- as many pages as harts: nobody may ever be refused --- */

static void *
enough_body(void *arg)
{
    unsigned id = (unsigned)(uintptr_t)arg;

    shim_become_hart(id);
    for (unsigned i = 0; i < rounds; i++) {
        struct page *p = alloc_pages(0);

        if (p == NULL) {
            complain_here("refused, though there is a page for each hart");
            continue;
        }
        free_pages(p, 0);
        if (i % 64 == id)
            pmm_drain();
    }
    return NULL;
}

static bool
test_never_refused(void)
{
    struct page *p;
    size_t n;

    world(64);
    for (n = nr_free_pages(); n > HARTS; n--)
        EXPECT((p = alloc_pages(0)) != NULL);
    EXPECT(run_harts(enough_body));
    EXPECT(nr_free_pages() == HARTS && pmm_check() == 0);
    return true;
}

/* --- objects --- */

struct object {
    uint64_t stamp, size;
};

static struct object *object_table[16]; /* [a] */
static struct kmem_cache *stable;

static void
object_give(struct object *o)
{
    if (((unsigned char *)o)[o->size - 1] != (unsigned char)o->stamp)
        complain_here("an object was written to");
    kfree(o);
}

static struct object *
object_take(uint64_t x)
{
    size_t size = 17 + x % (x % 64 == 0 ? 9000 : 600);
    struct object *o = kmalloc(size);

    if (o == NULL)
        return NULL;
    o->stamp = x;
    o->size = size;
    ((unsigned char *)o)[size - 1] = (unsigned char)x;
    return o;
}

static void
stable_turn(void)
{
    uint64_t *w = kmem_cache_alloc(stable);

    if (w == NULL)
        return;
    if (*w != 0x5ab1e)
        complain_here("a type-stable object was written to");
    kmem_cache_free(stable, w);
}

static void *
object_body(void *arg)
{
    unsigned id = (unsigned)(uintptr_t)arg;
    uint64_t r = id + 1;
    struct object *held[HELD] = {NULL};

    shim_become_hart(id);
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t x = shim_random(&r);
        unsigned k = x % HELD;

        if (held[k] != NULL && (x >> 8) % 2)
            held[k] = atomic_swap(&object_table[(x >> 16) % 16], held[k]);
        if (held[k] != NULL)
            object_give(held[k]);
        held[k] = object_take(x >> 20);
        if (x % 8 == 1)
            stable_turn();
        if (x % 1500 == 7)
            kmem_shrink();
        if (x % 700 == 8 && kmalloc_in_use() > 100000)
            complain_here("more objects in use than there are");
    }
    for (unsigned k = 0; k < HELD; k++)
        if (held[k] != NULL)
            object_give(held[k]);
    return NULL;
}

static void
construct(void *obj)
{
    *(uint64_t *)obj = 0x5ab1e;
}

static bool
objects_run(size_t n)
{
    world(n);
    stable = kmem_cache_create("stable", 200, 0, KMEM_TYPE_STABLE, construct);
    EXPECT(stable != NULL);
    EXPECT(run_harts(object_body));
    for (unsigned i = 0; i < ARRAY_LEN(object_table); i++)
        if (object_table[i] != NULL)
            object_give(object_table[i]);
    memset(object_table, 0, sizeof(object_table));
    EXPECT(kmalloc_check() == 0 && kmalloc_in_use() == 1);
    kmem_shrink();
    EXPECT(kmalloc_check() == 0);
    EXPECT(pmm_check() == 0);
    return true;
}

static bool
test_objects(void)
{
    return objects_run(2048);
}

static bool
test_objects_short(void)
{
    return objects_run(50);
}

/* The same object freed by all harts at once: one succeeds, the rest panic. */
static void *victim;
static unsigned panicked, ready; /* [a] */

static void *
twice_body(void *arg)
{
    shim_become_hart((unsigned)(uintptr_t)arg);
    atomic_add(&ready, 1);
    while (atomic_load(&ready) < HARTS)
        sched_yield();
    if (PANICS(kfree(victim)))
        atomic_add(&panicked, 1);
    return NULL;
}

static bool
test_free_by_all(void)
{
    for (unsigned i = 0; i < 50; i++) {
        world(128);
        victim = kmalloc(64);
        panicked = ready = 0;
        EXPECT(run_harts(twice_body));
        EXPECT(panicked == HARTS - 1);
        EXPECT(kmalloc_in_use() == 0 && kmalloc_check() == 0);
    }
    return true;
}

int
main(void)
{
    if (getenv("FAST") != NULL)
        rounds /= 10;
    RUN(pages);
    RUN(pages_short);
    RUN(never_refused);
    RUN(objects);
    RUN(objects_short);
    RUN(free_by_all);
#ifdef CORE_ONLY
    return shim_summary("tsan_mm_core");
#else
    return shim_summary("tsan_mm");
#endif
}
