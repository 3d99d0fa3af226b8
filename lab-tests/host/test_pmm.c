/* test_pmm.c: the page allocator against a model that is too simple to be
 * wrong: one byte per frame, which says whether somebody has it.
 *
 * The model knows which answers are right, not which one must come: an
 * allocation may return any free, aligned block - but must return one, if there
 * is one.  After a drain the free lists must be the one decomposition of the
 * free frames in which no two buddies are left apart.
 *
 * Built twice: with kern/ext/mm/hart_pages.c and poison.c linked to it, and, as
 * test_pmm_core.c, without. */
#include "shim.h"

#include "kern/ext/init/memnode.c"
#include "kern/ext/mm/failpoint.c"
#include "kern/ext/mm/pmm_audit.c"
#include "kern/mm/pmm.c"

#ifdef CORE_ONLY
#define FRONT 0
#else
#define FRONT 1
#endif

extern uint64_t shim_traced[TRACE_COUNT];

/* --- the model --- */

enum { ABSENT, RESERVED, FREE, USED };

#define P(pfn) ((paddr_t)(pfn) << PAGE_SHIFT)

struct layout {
    const char *name;
    struct pmm_range ram[4], free[6];
    unsigned nram, nfree;
};

static pfn_t first, last;    /* frames of the world */
static unsigned char *model; /* [pfn - first] */
static size_t nfree_model, nmanaged_model;

struct block {
    pfn_t pfn;
    unsigned order;
};

static struct block live[1 << 16];
static unsigned nlive;

static void
model_set(const struct pmm_range *r, unsigned n, unsigned char what)
{
    for (unsigned i = 0; i < n; i++)
        for (paddr_t pa = r[i].start; pa < r[i].end; pa += PAGE_SIZE)
            model[(pa >> PAGE_SHIFT) - first] = what;
}

static void
model_init(const struct layout *l)
{
    free(model);
    model = calloc(last - first, 1);
    model_set(l->ram, l->nram, RESERVED);
    model_set(l->free, l->nfree, FREE);
    nfree_model = 0;
    for (pfn_t i = 0; i < last - first; i++)
        nfree_model += model[i] == FREE;
    nmanaged_model = nfree_model;
    nlive = 0;
}

/* A world of descriptors full of junk, a 2 MiB border on each side. */
static void
world_map(const struct layout *l, bool contents)
{
    first = ROUND_DOWN(l->ram[0].start >> PAGE_SHIFT, SECTION_PAGES);
    last = ROUND_UP(l->ram[l->nram - 1].end >> PAGE_SHIFT, SECTION_PAGES);
    shim_memory(first, last, contents);
    memmap_first_pfn = first;
}

static void
world_start(const struct layout *l)
{
    shim_become_hart(0);
    model_init(l);
#ifndef CORE_ONLY
    memset(pcps, 0, sizeof(pcps)); /* what they hold is of another world */
#endif
    pmm_init(l->ram, l->nram, l->free, l->nfree);
}

static void
world(const struct layout *l)
{
    world_map(l, false);
    world_start(l);
}

/* Is [PFN, PFN + 2^ORDER) all WHAT? */
static bool
model_is(pfn_t pfn, unsigned order, unsigned char what)
{
    if (pfn < first || pfn + (1ul << order) > last)
        return false;
    for (pfn_t i = pfn; i < pfn + (1ul << order); i++)
        if (model[i - first] != what)
            return false;
    return true;
}

static bool
model_has(unsigned order)
{
    for (pfn_t i = ROUND_UP(first, 1ul << order); i < last; i += 1ul << order)
        if (model_is(i, order, FREE))
            return true;
    return false;
}

/* Memory in two nodes, in pieces that go across blocks. */
static void
two_nodes(void)
{
    pfn_t step = (last - first) / 5 + 1;
    struct machine m = {.nnear = 5, .nharts = 2, .harts[1].node = 1};

    for (unsigned i = 0; i < 5; i++) {
        m.near[i].mem.start = P(first + i * step);
        m.near[i].mem.size = P(step);
        m.near[i].node = i % 2;
    }
    learn_nodes(&m);
}

static bool
model_has_of(unsigned node)
{
    for (pfn_t i = first; i < last; i++)
        if (model[i - first] == FREE && memnode_of(pfn_to_page(i)) == node)
            return true;
    return false;
}

static bool
try_alloc_of(unsigned order, unsigned node, bool look)
{
    struct page *p =
        node == MEMNODE_ANY ? alloc_pages(order) : memnode_alloc(node);
    pfn_t pfn;

    if (p == NULL && node != MEMNODE_ANY) {
        pmm_drain(); /* a hart may have had the last one in its stack */
        p = memnode_alloc(node);
        EXPECT(p != NULL || !model_has_of(node));
        if (p == NULL)
            return true;
    }
    EXPECT(node == MEMNODE_ANY || memnode_of(p) == node);
    if (p == NULL) {
        EXPECT(!look || !model_has(order));
        return true;
    }
    pfn = page_to_pfn(p);
    EXPECT(pfn % (1ul << order) == 0);
    EXPECT(model_is(pfn, order, FREE));
    EXPECT(p->ref == 1 && p->users == 0);
    EXPECT(order == 0 ? p->flags == 0
                      : p->flags == (PG_HEAD | order << PG_ORDER_SHIFT));
    memset(model + (pfn - first), USED, 1ul << order);
    nfree_model -= 1ul << order;
    live[nlive++] = (struct block){pfn, order};
    return true;
}

static bool
try_alloc(unsigned order, bool look)
{
    return try_alloc_of(order, MEMNODE_ANY, look);
}

static void
do_free(unsigned i)
{
    struct block b = live[i];

    memset(model + (b.pfn - first), FREE, 1ul << b.order);
    nfree_model += 1ul << b.order;
    live[i] = live[--nlive];
    free_pages(pfn_to_page(b.pfn), b.order);
}

/* The free lists of a drained allocator are what the model says they are. */
static bool
lists_right(void)
{
    size_t want[MAX_ORDER + 1] = {0}, have[MAX_ORDER + 1];

    for (pfn_t i = first; i < last;) {
        unsigned order = 0;

        if (model[i - first] != FREE) {
            i++;
            continue;
        }
        while (order < MAX_ORDER && i % (2ul << order) == 0 &&
               model_is(i + (1ul << order), order, FREE))
            order++;
        want[order]++;
        i += 1ul << order;
    }
    pmm_stat(have);
    for (unsigned k = 0; k <= MAX_ORDER; k++)
        EXPECT(want[k] == have[k]);
    return true;
}

static bool
all_right(void)
{
    EXPECT(nr_free_pages() == nfree_model);
    EXPECT(nr_managed_pages() == nmanaged_model);
    EXPECT(pmm_check() == 0);
    pmm_drain();
    EXPECT(pmm_check() == 0);
    pmm_drain();
    EXPECT(nr_free_pages() == nfree_model);
    return lists_right();
}

/* --- every short sequence --- */

#define DEPTH 6

static const struct layout sixteen = {
    "sixteen", {{P(0x80010), P(0x80020)}}, {{P(0x80010), P(0x80020)}}, 1, 1};

static unsigned sequences;

/* Play OPS: 0..4 allocates that order, 5 + i frees live block i.  Returns how
 * many continuations there are, 0 if something is wrong. */
static unsigned
play(const unsigned char *ops, unsigned n)
{
    world_start(&sixteen);
    for (unsigned i = 0; i < n; i++) {
        if (ops[i] >= 5)
            do_free(ops[i] - 5u);
        else if (!try_alloc(ops[i], true))
            return 0;
    }
    if (nr_free_pages() != nfree_model || pmm_check() != 0)
        return 0;
    if (n == DEPTH && !all_right())
        return 0;
    return 5 + nlive;
}

static bool
play_all(unsigned char *ops, unsigned n)
{
    unsigned more = play(ops, n);

    sequences++;
    if (more == 0) {
        printf("  sequence:");
        for (unsigned i = 0; i < n; i++)
            printf(" %s%d", ops[i] < 5 ? "+" : "-", ops[i] % 5);
        printf("\n");
        return false;
    }
    for (unsigned op = 0; n < DEPTH && op < more; op++) {
        ops[n] = (unsigned char)op;
        if (!play_all(ops, n + 1))
            return false;
    }
    return true;
}

static bool
test_every_sequence_of_6(void)
{
    unsigned char ops[DEPTH];

    world_map(&sixteen, false);
    sequences = 0;
    EXPECT(play_all(ops, 0));
    EXPECT(sequences > 50000);
    return true;
}

/* --- long random runs over many shapes of memory --- */

static const struct layout layouts[] = {
    {"plain", {{P(0x80000), P(0x81000)}}, {{P(0x80000), P(0x81000)}}, 1, 1},
    {"odd edges", {{P(0x80003), P(0x80a0b)}}, {{P(0x80003), P(0x80a0b)}}, 1, 1},
    {"hole",
     {{P(0x80040), P(0x80780)}, {P(0x80b40), P(0x81200)}},
     {{P(0x80040), P(0x80780)}, {P(0x80b40), P(0x81200)}},
     2,
     2},
    {"reserved pieces",
     {{P(0x80000), P(0x81400)}},
     {{P(0x80200), P(0x80201)},
      {P(0x80203), P(0x80333)},
      {P(0x80400), P(0x80600)},
      {P(0x80a07), P(0x80ff9)},
      {P(0x80fff), P(0x81001)},
      {P(0x81300), P(0x813ff)}},
     1,
     6},
    {"ranges that touch",
     {{P(0x80000), P(0x80333)},
      {P(0x80333), P(0x80800)},
      {P(0x80800), P(0x80c00)}},
     {{P(0x80000), P(0x80111)},
      {P(0x80111), P(0x80333)},
      {P(0x80333), P(0x80800)},
      {P(0x80800), P(0x80c00)}},
     3,
     4},
    {"less than a section",
     {{P(0x80101), P(0x80123)}},
     {{P(0x80105), P(0x80120)}},
     1,
     1},
};

static const struct layout huge = {
    "three gigabytes and a bit",
    {{P(0x40000), P(0x100123)}},
    {{P(0x40000), P(0x41234)}, {P(0x42345), P(0x100123)}},
    1,
    2};

static bool
random_run(uint64_t seed, unsigned ops, unsigned orders)
{
    uint64_t r = seed * 2654435761u + 88172645463325252u;

    two_nodes();
    for (unsigned i = 0; i < ops; i++) {
        /* Now mostly allocating, now mostly freeing. */
        unsigned bias = (i >> 9) & 1 ? 3 : 5;
        uint64_t x = shim_random(&r);

        if (x % 16 == 0)
            shim_become_hart(x >> 8 & 3);
        if ((x >> 16) % 8 < bias && nlive < ARRAY_LEN(live)) {
            unsigned order = (unsigned)__builtin_ctzll(x >> 20 | 1ul << 40);

            if (order == 0 && (x >> 40) % 4 == 0)
                EXPECT(try_alloc_of(0, (x >> 42) % 2, false));
            else
                EXPECT(try_alloc(order % orders, (x >> 10) % 64 == 0));
        } else if (nlive > 0) {
            do_free((x >> 24) % nlive);
        }
        if (x % 1024 == 1)
            pmm_drain();
        if (x % 4096 == 2)
            EXPECT(nr_free_pages() == nfree_model && pmm_check() == 0);
    }
    EXPECT(all_right());
    while (nlive > 0)
        do_free(nlive - 1);
    EXPECT(nfree_model == nmanaged_model);
    return all_right();
}

/* Descriptors as a former life of the machine may have left them: each looks
 * like a free block of this order, on a list that leads nowhere. */
static void
forge(unsigned order)
{
    for (pfn_t i = first; i < last; i++)
        memmap[i - first] = (struct page){
            .flags = PG_BUDDY | order << PG_ORDER_SHIFT,
            .lru = {(struct list *)0x1230, (struct list *)0x4560},
            .users = 77,
        };
}

static bool
test_random_layouts(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(layouts); i++) {
        for (unsigned seed = 1; seed <= 4; seed++) {
            world(&layouts[i]);
            if (i == 2)
                shim_unmap_descriptors(0x80780, 0x80b40);
            if (!random_run(seed, 50000, 11)) {
                printf("  layout %s, seed %u\n", layouts[i].name, seed);
                return false;
            }
        }
    }
    return true;
}

/* Again without clearing the descriptors: a reset that keeps memory. */
static bool
test_random_warm_reset(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(layouts); i++) {
        world(&layouts[i]);
        EXPECT(random_run(7, 5000, 11));
        EXPECT(try_alloc(0, true) && try_alloc(3, true));
        world_start(&layouts[i]);
        EXPECT(random_run(8, 20000, 11));
    }
    return true;
}

static bool
test_forged_descriptors(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(layouts); i++) {
        for (unsigned order = 0; order <= 12; order++) {
            world_map(&layouts[i], false);
            forge(order);
            world_start(&layouts[i]);
            EXPECT(random_run(order, 2000, 12));
        }
    }
    return true;
}

static bool
test_gigabyte_blocks(void)
{
    struct page *a, *b;

    world(&huge);
    EXPECT(all_right());
    a = alloc_pages(MAX_ORDER);
    b = alloc_pages(MAX_ORDER);
    EXPECT(a != NULL && b != NULL && alloc_pages(MAX_ORDER) == NULL);
    EXPECT(a[1].flags == PG_TAIL && a[(1 << MAX_ORDER) - 1].flags == PG_TAIL);
    EXPECT(a[4711].ref == 0 && a[4711].users == 0);
    free_pages(a, MAX_ORDER);
    free_pages(b, MAX_ORDER);
    EXPECT(all_right());
    EXPECT(random_run(5, 3000, MAX_ORDER + 1));
    return true;
}

static bool
test_random_huge(void)
{
    world_map(&huge, false);
    forge(9);
    world_start(&huge);
    return random_run(6, 20000, 13);
}

/* --- what boot costs --- */

static bool
boot_is_cheap(const struct layout *l)
{
    size_t written = 0, sections = 0, mixed = 0;
    static const struct page junk = {.flags_ref = 0xa5a5a5a5a5a5a5a5};

    world(l);
    for (pfn_t s = first; s < last; s += SECTION_PAGES) {
        sections++;
        mixed += !model_is(s, SECTION_ORDER, FREE) &&
                 !model_is(s, SECTION_ORDER, RESERVED);
    }
    for (pfn_t i = 0; i < last - first; i++)
        written += memmap[i].flags_ref != junk.flags_ref;
    EXPECT(written <= 2 * sections + mixed * SECTION_PAGES);
    EXPECT(written > 0);
    return true;
}

static bool
test_boot_writes_few_descriptors(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(layouts); i++)
        EXPECT(boot_is_cheap(&layouts[i]));
    return boot_is_cheap(&huge);
}

/* A single page makes one section known, not the block it came from. */
static bool
test_use_writes_few_descriptors(void)
{
    size_t before = 0, after = 0;

    world(&huge);
    for (pfn_t i = 0; i < last - first; i++)
        before += memmap[i].flags != 0xa5a5a5a5;
    for (unsigned k = 0; k < SECTION_ORDER; k++)
        EXPECT(try_alloc(k, true));
    for (pfn_t i = 0; i < last - first; i++)
        after += memmap[i].flags != 0xa5a5a5a5;
    EXPECT(after - before <= 2 * SECTION_PAGES + MAX_ORDER);
    return true;
}

/* --- a walk beside it --- */

/* How many pages the walk finds among the 2^ORDER frames from P on. */
static unsigned
pages_in(struct page *p, unsigned order)
{
    unsigned n = 0;
    pfn_t at = 0;

    for (struct page *q; (q = frame_next(&at)) != NULL;)
        n += q >= p && q < p + (1ul << order);
    return n;
}

/* Who walks over all frames takes no lock, and may come when a raw block is off its
 * list and not described yet; what lies there may look like pages. */
static bool
test_a_walk_sees_no_junk(void)
{
    static const struct page junk = {.flags_ref = 0xa5a5a5a5a5a5a5a5};

    for (unsigned order = SECTION_ORDER; order <= MAX_ORDER; order++) {
        bool raw = false;
        struct page *p;

        world(&huge);
        for (pfn_t i = 0; i < last - first; i++) {
            if (memmap[i].flags_ref == junk.flags_ref) {
                memmap[i].flags = 0;
                memmap[i].ref = 1;
            }
        }
        spin_lock(&buddy.lock);
        p = buddy_take(order, &raw);
        spin_unlock(&buddy.lock);
        EXPECT(p != NULL && raw);
        EXPECT(pages_in(p, order) == 0);
        EXPECT(block_claim(p, order, raw) == p);
        EXPECT(pages_in(p, order) == 0);
        block_unclaim(p, order);
        spin_lock(&buddy.lock);
        buddy_put(p, order, 0);
        spin_unlock(&buddy.lock);
        EXPECT(pages_in(p, order) == 0);
    }
    return true;
}

/* --- bugs of callers --- */

static const struct layout *const small = &layouts[3]; /* reserved pieces */

static bool
says(const char *reason)
{
    EXPECT(strstr(shim_panic_text, reason) != NULL);
    EXPECT(strstr(shim_panic_text, "pfn 0x") != NULL);
    EXPECT(strstr(shim_panic_text, "order ") != NULL);
    EXPECT(strstr(shim_panic_text, "flags ") != NULL);
    return true;
}

static struct page *
fresh(unsigned order)
{
    struct page *p;

    world(small);
    p = alloc_pages(order);
    if (p == NULL)
        abort();
    return p;
}

static bool
test_double_free(void)
{
    struct page *p = fresh(0);

    free_pages(p, 0);
    EXPECT(PANICS(free_pages(p, 0)) && says("free already"));
    p = fresh(0);
    free_pages(p, 0);
    pmm_drain();
    EXPECT(PANICS(free_pages(p, 0)) && says("free already"));
    p = fresh(0);
    free_pages(p, 0);
    shim_become_hart(3);
    EXPECT(PANICS(free_pages(p, 0)) && says("free already"));
    p = fresh(3);
    free_pages(p, 3);
    EXPECT(PANICS(free_pages(p, 3)) && says("free already"));
    p = fresh(3);
    free_pages(p, 3);
    EXPECT(PANICS(free_pages(p + 5, 0)) && says("not allocated"));
    return true;
}

/* Lists of pages, in order or not, on two harts: nothing is lost, and what lay
 * together becomes one block again. */
static bool
test_list_free(void)
{
    struct page *p[100], *q;
    size_t total;

    world(small);
    total = nr_free_pages();
    for (unsigned turn = 0; turn < 200; turn++) {
        unsigned n = 1 + turn % 100;

        shim_become_hart(turn % 3);
        for (unsigned i = 0; i < n; i++)
            EXPECT((p[i] = alloc_pages(0)) != NULL);
        for (unsigned i = 0; i < n && turn % 2; i++) {
            unsigned k = (i * 37 + turn) % n;

            q = p[i];
            p[i] = p[k];
            p[k] = q;
        }
        if (turn % 5 == 0)
            atomic_or(&p[n / 2]->flags, PG_DIRTY); /* the owner's business */
        free_page_list(p, n);
        EXPECT(nr_free_pages() == total && pmm_check() == 0);
    }
    pmm_drain();
    return all_right();
}

static bool
test_list_free_wrongly(void)
{
    struct page *p[40];

    for (unsigned n = 2; n <= ARRAY_LEN(p); n += 19) {
        world(small);
        for (unsigned i = 0; i < n; i++)
            EXPECT((p[i] = alloc_pages(0)) != NULL);
        p[n - 1] = p[0];
        EXPECT(PANICS(free_page_list(p, n)));
        world(small);
        for (unsigned i = 0; i < n; i++)
            EXPECT((p[i] = alloc_pages(0)) != NULL);
        p[n / 2]->mapcount = 1;
        EXPECT(PANICS(free_page_list(p, n)) && says("mapped"));
    }
    return true;
}

static bool
test_foreign_free(void)
{
    world(small);
    EXPECT(PANICS(free_pages(pfn_to_page(0x80202), 0)) && says("reserved"));
    world(small);
    EXPECT(PANICS(free_pages(pfn_to_page(0x80000), 0)) && says("reserved"));
    world(&layouts[2]);
    EXPECT(PANICS(free_pages(pfn_to_page(0x80900), 0)) && says("not RAM"));
    world(small);
    EXPECT(PANICS(free_pages((struct page *)((char *)pfn_to_page(0x80400) + 8),
                             1)) &&
           says("not a frame descriptor"));
    return true;
}

static bool
test_wrong_order(void)
{
    struct page *p = fresh(0);

    p = fresh(2);
    EXPECT(PANICS(free_pages(p, 1)) && says("of another order"));
    p = fresh(2);
    EXPECT(PANICS(free_pages(p, 0)) && says("of another order"));
    p = fresh(1);
    if (page_to_pfn(p) % 4 != 0)
        p = alloc_pages(1);
    EXPECT(PANICS(free_pages(p, 2)));
    p = fresh(2);
    EXPECT(PANICS(free_pages(p + 1, 0)) && says("in the middle of a block"));
    p = fresh(2);
    EXPECT(PANICS(free_pages(p + 1, 1)) && says("not aligned"));
    p = fresh(0);
    EXPECT(PANICS(free_pages(p, MAX_ORDER + 1)) && says("not aligned"));
    p = fresh(0);
    EXPECT(PANICS(free_pages(p, 31)) && says("not aligned"));
    return true;
}

static bool
test_free_in_use(void)
{
    struct page *p = fresh(0);

    p->ref = 2;
    EXPECT(PANICS(free_pages(p, 0)) && says("still referenced"));
    p = fresh(0);
    p->mapcount = 1;
    EXPECT(PANICS(free_pages(p, 0)) && says("still mapped"));
    p = fresh(0);
    p->pins = 1;
    EXPECT(PANICS(free_pages(p, 0)) && says("still mapped"));
    p = fresh(2);
    p[3].mapcount = 1;
    EXPECT(PANICS(free_pages(p, 2)) && strstr(shim_panic_text, "+3, order 2"));
    p = fresh(2);
    p[2].flags = 0;
    EXPECT(PANICS(free_pages(p, 2)) && strstr(shim_panic_text, "+2, order 2"));
    p = fresh(0);
    p->flags |= PG_SLAB;
    EXPECT(PANICS(free_pages(p, 0)) && says("kmalloc"));
    /* An owner's own bits do no harm. */
    p = fresh(0);
    p->flags |= 0x00412300;
    free_pages(p, 0);
    EXPECT(all_right());
    p = alloc_pages(0);
    EXPECT(p != NULL && p->flags == 0);
    return true;
}

/* --- the caches --- */

static bool
test_other_harts_pages(void)
{
    struct page *p[40];
    size_t n = 0, total;

    world(&layouts[5]); /* 27 frames */
    total = nr_free_pages();
    EXPECT(total == 27);
    for (unsigned i = 0; i < 20; i++)
        EXPECT((p[i] = alloc_pages(0)) != NULL);
    shim_become_hart(7);
    for (unsigned i = 0; i < 20; i++)
        free_pages(p[i], 0);
    EXPECT(nr_free_pages() == total && pmm_check() == 0);
    shim_become_hart(2);
    while ((p[n] = alloc_pages(0)) != NULL)
        n++;
    EXPECT(n == total && nr_free_pages() == 0);
    for (size_t i = 0; i < n; i++)
        free_pages(p[i], 0);
    /* The same for a block that exists only after a drain. */
    shim_become_hart(3);
    EXPECT((p[0] = alloc_pages(3)) != NULL);
    free_pages(p[0], 3);
    nlive = 0;
    return all_right();
}

static bool
test_counters(void)
{
    uint64_t a, f, fails, refills, drains;
    struct page *p[64];

    world(small);
    a = kstat_read(STAT_PAGE_ALLOC);
    f = kstat_read(STAT_PAGE_FREE);
    refills = kstat_read(STAT_PCP_REFILL);
    drains = kstat_read(STAT_PCP_DRAIN);
    for (unsigned i = 0; i < 64; i++)
        EXPECT((p[i] = alloc_pages(0)) != NULL);
    EXPECT(kstat_read(STAT_PAGE_ALLOC) == a + 64);
    EXPECT(kstat_read(STAT_PCP_REFILL) == refills + 4 * FRONT);
    for (unsigned i = 0; i < 64; i++)
        free_pages(p[i], 0);
    EXPECT(kstat_read(STAT_PAGE_FREE) == f + 64);
    EXPECT(kstat_read(STAT_PCP_DRAIN) == drains + 3 * FRONT);
    EXPECT((p[0] = alloc_pages(4)) != NULL);
    free_pages(p[0], 4);
    EXPECT(kstat_read(STAT_PAGE_ALLOC) == a + 80);
    EXPECT(kstat_read(STAT_PAGE_FREE) == f + 80);
    fails = kstat_read(STAT_ALLOC_FAIL);
    EXPECT(alloc_pages(MAX_ORDER) == NULL);
    EXPECT(alloc_pages(MAX_ORDER + 1) == NULL);
    EXPECT(kstat_read(STAT_ALLOC_FAIL) == fails + 2);
    return all_right();
}

static bool
test_trace(void)
{
    struct page *p, *q;

    world(small);
    memset(shim_traced, 0, sizeof(shim_traced));
    p = alloc_pages(0);
    free_pages(p, 0);
    EXPECT(shim_traced[TRACE_ALLOC] == 0 && shim_traced[TRACE_FREE] == 0);
    trace_enabled = true;
    for (unsigned i = 0; i < 100; i++) {
        p = alloc_pages(0);
        q = alloc_pages(2);
        EXPECT(p != NULL && q != NULL);
        free_pages(p, 0);
        free_pages(q, 2);
    }
    trace_enabled = false;
    EXPECT(shim_traced[TRACE_ALLOC] == 200 && shim_traced[TRACE_FREE] == 200);
    return all_right();
}

static bool
test_locks_and_interrupts_restored(void)
{
    struct page *p = fresh(0);

    free_pages(p, 0);
    for (unsigned i = 0; i < 100; i++)
        EXPECT(alloc_pages(i % 2) != NULL);
    while (alloc_pages(0) != NULL)
        ;
    EXPECT(shim_tcb->held == 0 && shim_tcb->irq_depth == 0 && !irq_is_off());
    irq_off();
    EXPECT(alloc_pages(0) == NULL && irq_is_off());
    irq_restore();
    EXPECT(buddy.lock.locked == 0);
    return true;
}

/* --- fail points --- */

static bool
test_fail_points(void)
{
    uint64_t fails;

    world(small);
    EXPECT(fail_set("nonsense", 1) == -EINVAL && !fail_armed);
    EXPECT(fail_set("page", 3) == 0 && fail_armed);
    EXPECT(fail_left(FAIL_PAGE) == 3);
    fails = kstat_read(STAT_ALLOC_FAIL);
    EXPECT(try_alloc(0, true) && try_alloc(4, true) && nlive == 2);
    EXPECT(fail_left(FAIL_PAGE) == 1);
    EXPECT(alloc_pages(0) == NULL);
    EXPECT(kstat_read(STAT_ALLOC_FAIL) == fails + 1);
    EXPECT(!fail_armed && fail_left(FAIL_PAGE) == 0);
    EXPECT(try_alloc(0, true) && nlive == 3);
    EXPECT(fail_set("any", 2) == 0);
    EXPECT(!fail_now(FAIL_KSTACK));
    EXPECT(alloc_pages(1) == NULL && !fail_armed);
    EXPECT(fail_set("page", 1) == 0 && fail_set("any", 1) == 0);
    EXPECT(alloc_pages(0) == NULL && !fail_armed);
    EXPECT(fail_set("kstack", 5) == 0 && fail_set("page", 1) == 0);
    EXPECT(fail_set("page", 0) == 0 && fail_armed);
    EXPECT(try_alloc(0, true) && nlive == 4);
    EXPECT(fail_set("kstack", 0) == 0 && !fail_armed);
    return all_right();
}

static const struct layout poisoned = {
    "poisoned", {{P(0x80000), P(0x80440)}}, {{P(0x80010), P(0x80440)}}, 1, 1};

/* --- debug mode --- */

#ifndef CORE_ONLY

static bool
test_poison(void)
{
    struct page *p, *q;
    char *va;

    world_map(&poisoned, true);
    pmm_poison = true;
    world_start(&poisoned);
    EXPECT(random_run(11, 3000, 6));
    p = alloc_pages(0);
    q = alloc_pages(2);
    va = page_to_va(q);
    free_pages(q, 2);
    EXPECT(va[PAGE_SIZE + 5] == (char)(POISON_WORD >> 40));
    EXPECT(PANICS(free_pages(q, 2)));
    world_start(&poisoned);
    p = alloc_pages(2);
    va = page_to_va(p);
    free_pages(p, 2);
    va[3 * PAGE_SIZE + 0x123] ^= 1;
    EXPECT(PANICS(while (alloc_pages(0) != NULL)));
    EXPECT(strstr(shim_panic_text, "offset 0x120") != NULL);
    pmm_poison = false;
    return true;
}

static bool
test_poison_switched(void)
{
    struct page *p;
    char *va;

    world_map(&poisoned, true);
    world_start(&poisoned);
    EXPECT(random_run(12, 1000, 4));
    pmm_poison = true;
    pmm_drain();
    EXPECT(random_run(13, 1000, 4));
    p = alloc_pages(0);
    va = page_to_va(p);
    free_pages(p, 0);
    /* Switched off again, what was filled is still looked at. */
    pmm_poison = false;
    pmm_drain();
    va[8] = 0;
    EXPECT(PANICS(while (alloc_pages(0) != NULL)));
    EXPECT(strstr(shim_panic_text, "offset 0x8 ") != NULL);
    world_start(&poisoned);
    return random_run(14, 1000, 4);
}
#endif

/* --- pages --- */

static bool
test_zero_and_copy(void)
{
    unsigned char *m = aligned_alloc(PAGE_SIZE, 6 * PAGE_SIZE);

    memset(m, 0xee, 6 * PAGE_SIZE);
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        m[PAGE_SIZE + i] = (unsigned char)(i * 7 + i / 256);
    page_copy(m + 4 * PAGE_SIZE, m + PAGE_SIZE);
    EXPECT(memcmp(m + 4 * PAGE_SIZE, m + PAGE_SIZE, PAGE_SIZE) == 0);
    page_zero(m + PAGE_SIZE);
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        EXPECT(m[i] == 0xee && m[2 * PAGE_SIZE + i] == 0xee);
        EXPECT(m[3 * PAGE_SIZE + i] == 0xee && m[5 * PAGE_SIZE + i] == 0xee);
        EXPECT(m[PAGE_SIZE + i] == 0);
    }
    free(m);
    return true;
}

static bool
test_zeroed_page(void)
{
    struct page *p;

    world_map(&poisoned, true);
    memset(pa_to_va(P(0x80000)), 0xcc, P(0x440));
    world_start(&poisoned);
    EXPECT((p = alloc_zeroed_page()) != NULL);
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        EXPECT(((char *)page_to_va(p))[i] == 0);
    EXPECT(fail_set("page", 1) == 0 && alloc_zeroed_page() == NULL);
    return true;
}

/* --- reserved memory given back --- */

static bool
release(pfn_t start, pfn_t end)
{
    struct pmm_range r = {P(start), P(end)};

    pmm_release(r.start, r.end);
    model_set(&r, 1, FREE);
    nfree_model += end - start;
    nmanaged_model += end - start;
    return all_right();
}

static bool
test_release(void)
{
    static const struct layout l = {"release",
                                    {{P(0x80000), P(0x81a34)}},
                                    {{P(0x80400), P(0x80600)}},
                                    1,
                                    1};

    for (unsigned order = 0; order <= 10; order++) {
        world_map(&l, false);
        forge(order);
        world_start(&l);
        EXPECT(all_right());
        EXPECT(release(0x80600, 0x80601)); /* of a wholly reserved section */
        EXPECT(release(0x80777, 0x80801)); /* over the end of a section */
        EXPECT(release(0x80a00, 0x80e00)); /* whole sections */
        EXPECT(release(0x80601, 0x80777)); /* the rest, joins to 2 MiB */
        EXPECT(release(0x80000, 0x80400)); /* joins to 4 MiB */
        EXPECT(release(0x81a00, 0x81a34)); /* cut by the end of RAM */
        EXPECT(random_run(order, 3000, 10));
        EXPECT(release(0x80801, 0x80a00));
        EXPECT(release(0x80e00, 0x81a00));
        EXPECT(nfree_model == 0x1a34);
    }
    return true;
}

static bool
test_release_wrongly(void)
{
    world(small);
    EXPECT(PANICS(pmm_release(P(0x80200), P(0x80201))));
    EXPECT(strstr(shim_panic_text, "not reserved") != NULL);
    world(small);
    EXPECT(PANICS(pmm_release(P(0x81400), P(0x81401))));
    EXPECT(strstr(shim_panic_text, "not RAM") != NULL);
    world(small);
    EXPECT(PANICS(pmm_release(P(0x80400), P(0x80600))));
    return true;
}

/* --- does the auditor see anything? --- */

#define DAMAGE(statement)                                              \
    do {                                                               \
        world(small);                                                  \
        struct page *p = alloc_pages(0), *q = alloc_pages(3);          \
        struct page *b = list_first(&buddy.free[9], struct page, lru); \
        EXPECT(pmm_check() == 0);                                      \
        (void)p, (void)q, (void)b;                                     \
        statement;                                                     \
        shim_quiet = true;                                             \
        EXPECT(pmm_check() > 0);                                       \
        shim_quiet = false;                                            \
    } while (0)

static bool
test_check_finds_damage(void)
{
    DAMAGE(buddy.nfree++);
    DAMAGE(buddy.nmanaged--);
    DAMAGE(p->ref = 0);
    DAMAGE(p->flags = PG_CACHED);
    DAMAGE(p->flags = PG_TAIL);
    DAMAGE(p->flags = PG_HEAD);
    DAMAGE(p->flags = PG_RAW);
    DAMAGE(q->flags = 3u << PG_ORDER_SHIFT);
    DAMAGE(q->flags = PG_HEAD | 2u << PG_ORDER_SHIFT);
    DAMAGE(q->flags = PG_HEAD | 30u << PG_ORDER_SHIFT);
    DAMAGE(q[5].flags = 0);
    DAMAGE(q[5].ref = 1);
    DAMAGE(b->flags &= ~PG_BUDDY);
    DAMAGE(b->ref = 1);
    DAMAGE(b->flags |= PG_SLAB);
    DAMAGE(b->lru.next->prev = &p->lru);
    DAMAGE(list_del(&b->lru));
#ifndef CORE_ONLY
    struct pcp *c = &pcps[0];

    DAMAGE(c->n--);
    DAMAGE(c->slot[0] = c->slot[1]);
    DAMAGE(c->slot[0]->ref = 1);
    DAMAGE(c->slot[0]->flags = 0);
    DAMAGE(c->slot[0]->mapcount = 1);
#endif
    /* Two buddies left apart. */
    DAMAGE(b = alloc_pages(1); block_unclaim(b, 1); list_put(b, 0, 0);
           list_put(b + 1, 0, 0); buddy.nfree += 2);
    /* Raw, but smaller than a section. */
    DAMAGE(b = list_first(&buddy.free[4], struct page, lru);
           b->flags |= PG_RAW);
    return true;
}

int
main(void)
{
    RUN(every_sequence_of_6);
    RUN(random_layouts);
    RUN(random_warm_reset);
    RUN(forged_descriptors);
    RUN(gigabyte_blocks);
    RUN(random_huge);
    RUN(boot_writes_few_descriptors);
    RUN(use_writes_few_descriptors);
    RUN(a_walk_sees_no_junk);
    RUN(double_free);
    RUN(list_free);
    RUN(list_free_wrongly);
    RUN(foreign_free);
    RUN(wrong_order);
    RUN(free_in_use);
    RUN(other_harts_pages);
    RUN(counters);
    RUN(trace);
    RUN(locks_and_interrupts_restored);
    RUN(fail_points);
#ifndef CORE_ONLY
    RUN(poison);
    RUN(poison_switched);
#endif
    RUN(zero_and_copy);
    RUN(zeroed_page);
    RUN(release);
    RUN(release_wrongly);
    RUN(check_finds_damage);
    return shim_summary(FRONT ? "test_pmm" : "test_pmm_core");
}
