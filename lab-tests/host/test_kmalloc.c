/* test_kmalloc.c: small objects, on top of the real page allocator and the
 * memory of this computer.
 *
 * Built twice: with what kern/ext puts before the allocators linked to it, and,
 * as test_kmalloc_core.c, without. */
#include "shim.h"

#include "kern/ext/mm/failpoint.c"
#include "kern/ext/mm/pmm_audit.c"
#include "kern/ext/mm/slab_audit.c"
#include "kern/mm/kmalloc.c"
#include "kern/mm/pmm.c"

#ifdef CORE_ONLY
#define FRONT 0
#else
#define FRONT 1
#endif

#define FIRST 0x80000ul

static size_t free_at_start;

/* N frames and nothing in use. */
static void
world(size_t n)
{
    struct pmm_range r = {FIRST << PAGE_SHIFT, (FIRST + n) << PAGE_SHIFT};

    shim_become_hart(0);
    shim_memory(FIRST, FIRST + ROUND_UP(n, SECTION_PAGES), true);
    memset(pa_to_va(r.start), 0x5c, n << PAGE_SHIFT);
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
    free_at_start = nr_free_pages();
}

/* Everything is given back: no object, no page is missing. */
static bool
all_back(void)
{
    EXPECT(kmalloc_check() == 0);
    EXPECT(kmalloc_in_use() == 0);
    kmem_shrink();
    EXPECT(kmalloc_pages() == 0);
    EXPECT(kmalloc_check() == 0);
    EXPECT(nr_free_pages() == free_at_start);
    pmm_drain();
    EXPECT(pmm_check() == 0);
    EXPECT(shim_tcb->held == 0 && shim_tcb->irq_depth == 0 && !irq_is_off());
    return true;
}

/* --- sizes --- */

static size_t
alignment_of(size_t size)
{
    return is_power_of_2(size) && size > 16 ? MIN(size, PAGE_SIZE) : 16;
}

static bool
test_every_size(void)
{
    static void *p[4200];

    world(8192);
    for (size_t size = 1; size < ARRAY_LEN(p); size++) {
        p[size] = kmalloc(size);
        EXPECT(p[size] != NULL);
        EXPECT((uintptr_t)p[size] % alignment_of(size) == 0);
        memset(p[size], (int)size, size);
    }
    EXPECT(kmalloc_in_use() == ARRAY_LEN(p) - 1);
    for (size_t size = 1; size < ARRAY_LEN(p); size++) {
        for (size_t i = 0; i < size; i++)
            EXPECT(((unsigned char *)p[size])[i] == (unsigned char)size);
        kfree(p[size]);
    }
    return all_back();
}

static bool
test_limits(void)
{
    void *p;

    world(1024);
    EXPECT(kmalloc(0) == NULL && kzalloc(0) == NULL);
    EXPECT(kmalloc(KMALLOC_MAX + 1) == NULL && kmalloc(SIZE_MAX) == NULL);
    kfree(NULL);
    p = kmalloc(KMALLOC_MAX);
    EXPECT(p != NULL && kmalloc_pages() == 256 && kmalloc_in_use() == 1);
    memset(p, 1, KMALLOC_MAX);
    kfree(p);
    for (size_t size = 2049; size <= 40000; size += 777) {
        EXPECT((p = kmalloc(size)) != NULL);
        EXPECT((uintptr_t)p % PAGE_SIZE == 0);
        memset(p, 2, size);
        kfree(p);
    }
    return all_back();
}

static bool
test_zeroed(void)
{
    void *p[5];
    size_t sizes[] = {16, 100, 2048, 5000, 100000};

    world(1024);
    for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
        EXPECT((p[i] = kzalloc(sizes[i])) != NULL);
        for (size_t k = 0; k < sizes[i]; k++)
            EXPECT(((char *)p[i])[k] == 0);
    }
    for (unsigned i = 0; i < ARRAY_LEN(p); i++)
        kfree(p[i]);
    return all_back();
}

/* What cache_init() makes of every size; and the multiplication that stands for
 * a division in kfree(), for every offset. */
static bool
test_every_cache(void)
{
    struct kmem_cache *c;

    world(1024);
    for (size_t size = 1; size <= PAGE_SIZE; size++) {
        size_t n;

        EXPECT((c = kmem_cache_create("cache", size, 16, 0, NULL)) != NULL);
        n = PAGE_SIZE / c->size;
        EXPECT(c->size >= size && n > 0 && n <= 64);
        EXPECT(c->all == (n == 64 ? ~0ul : (1ul << n) - 1));
#ifndef CORE_ONLY
        struct magazine *m = c->front;

        for (unsigned h = 0; h < NCPU_MAX; h++)
            EXPECT(m[h].inverse == m[0].inverse);
        for (uint64_t at = 0; at < PAGE_SIZE; at++)
            EXPECT(at * m->inverse >> 32 == at / c->size);
#endif
        kmem_cache_destroy(c);
    }
    return all_back();
}

/* --- a long random life --- */

struct thing {
    unsigned char *p;
    size_t size;
    unsigned char stamp;
};

static struct thing things[3000];

static size_t
random_size(uint64_t x)
{
    unsigned bits = x % 16;
    size_t size = 1 + (x >> 8) % (8ul << (bits > 10 ? 4 : bits));

    return x % 997 == 0 ? size * 20 : size;
}

static bool
stamp_right(const struct thing *t)
{
    for (size_t i = 0; i < t->size; i++)
        if (t->p[i] != t->stamp)
            return false;
    return true;
}

static bool
random_run(uint64_t seed, unsigned ops)
{
    uint64_t r = seed * 2654435761u + 88172645463325252u;
    unsigned n = 0, failed = 0;

    for (unsigned i = 0; i < ops; i++) {
        uint64_t x = shim_random(&r);

        if (x % 8 == 0)
            shim_become_hart(x >> 8 & 3);
        if ((x >> 16) % 8 < ((i >> 11) & 1 ? 3u : 5u) &&
            n < ARRAY_LEN(things)) {
            struct thing t = {.size = random_size(x >> 20),
                              .stamp = (unsigned char)i};

            t.p = kmalloc(t.size);
            if (t.p == NULL) {
                failed++;
                continue;
            }
            memset(t.p, t.stamp, t.size);
            things[n++] = t;
        } else if (n > 0) {
            unsigned k = (x >> 20) % n;

            EXPECT(stamp_right(&things[k]));
            kfree(things[k].p);
            things[k] = things[--n];
        }
        if (x % 2048 == 1)
            kmem_shrink();
        if (x % 1024 == 2)
            EXPECT(kmalloc_check() == 0 && kmalloc_in_use() == n);
    }
    while (n > 0) {
        EXPECT(stamp_right(&things[--n]));
        kfree(things[n].p);
    }
    EXPECT(failed < ops / 2);
    return all_back();
}

static bool
test_random(void)
{
    for (unsigned seed = 1; seed <= 4; seed++) {
        world(4096);
        EXPECT(random_run(seed, 50000));
    }
    return true;
}

static bool
test_random_short_of_memory(void)
{
    for (unsigned seed = 5; seed <= 8; seed++) {
        world(150);
        EXPECT(random_run(seed, 20000));
    }
    return true;
}

static bool
test_random_poisoned(void)
{
    pmm_poison = true;
    world(1500);
    EXPECT(random_run(9, 10000));
    pmm_poison = false;
    return true;
}

/* --- bugs of callers --- */

static bool
says(const char *reason)
{
    return strstr(shim_panic_text, reason) != NULL;
}

static bool
twice(size_t size, const char *reason)
{
    char *p, *q;

    world(1024);
    p = kmalloc(size);
    q = kmalloc(size);
    kfree(p);
    EXPECT(PANICS(kfree(p)) && says(reason)); /* at once */
    world(1024);
    p = kmalloc(size);
    q = kmalloc(size);
    kfree(p);
    kfree(q);
    if (!FRONT) /* that was the last object of the slab */
        reason = "freed already";
    EXPECT(PANICS(kfree(p)) && says(reason)); /* below another */
    world(1024);
    p = kmalloc(size);
    kfree(p);
    shim_become_hart(5);
    EXPECT(PANICS(kfree(p)) && says(reason)); /* on another hart */
    world(1024);
    p = kmalloc(size);
    q = kmalloc(size);
    kfree(p);
    kmem_shrink();
    EXPECT(PANICS(kfree(p))); /* out of the magazine */
    world(1024);
    p = kmalloc(size);
    kfree(p);
    kmem_shrink();
    EXPECT(PANICS(kfree(p))); /* its page is free */
    return true;
}

static bool
test_double_free(void)
{
    for (unsigned i = 0; i < NCLASSES; i++)
        EXPECT(twice(class_size[i], "free already"));
    EXPECT(twice(3000, "freed already"));
    EXPECT(twice(30000, "freed already"));
    return true;
}

static bool
test_foreign_free(void)
{
    static const size_t inside[] = {1, 8, 15};
    char *p;

    for (unsigned i = 0; i < NCLASSES; i++) {
        for (unsigned k = 0; k < ARRAY_LEN(inside); k++) {
            world(1024);
            p = kmalloc(class_size[i]);
            EXPECT(PANICS(kfree(p + inside[k])) && says("not the start"));
        }
        /* Never given out. */
        world(1024);
        p = kmalloc(class_size[i]);
        p = (char *)PAGE_DOWN((uintptr_t)p) +
            (PAGE_SIZE / class_size[i] - 1) * class_size[i];
        EXPECT(PANICS(kfree(p)) && says("free already"));
    }
    world(1024);
    p = kmalloc(96);
    p = (char *)PAGE_DOWN((uintptr_t)p) + 42 * 96; /* the unused end */
    EXPECT(PANICS(kfree(p)));
    world(1024);
    p = kmalloc(16);
    EXPECT(PANICS(kfree(p + 16)) && says("not the start"));
    world(1024);
    p = kmalloc(20000);
    EXPECT(PANICS(kfree(p + 16)) && says("16 bytes into"));
    world(1024);
    p = kmalloc(20000);
    EXPECT(PANICS(kfree(p + PAGE_SIZE)) && says("not from kmalloc"));
    world(1024);
    p = page_to_va(alloc_pages(0));
    EXPECT(PANICS(kfree(p)) && says("not from kmalloc"));
    world(1024);
    EXPECT(PANICS(kfree((void *)(KERNEL_BASE + 0x1000))) && says("image"));
    return true;
}

/* A slab's page given back to pmm by someone else. */
static bool
test_slab_page_freed(void)
{
    char *p;

    world(1024);
    p = kmalloc(64);
    EXPECT(PANICS(free_pages(va_to_page(p), 0)) && says("kmalloc's"));
    return true;
}

/* --- caches --- */

struct item {
    uint64_t magic, uses;
    char rest[104];
};

static unsigned constructed;

static void
construct(void *obj)
{
    struct item *it = obj;

    constructed++;
    it->magic = 0x1234;
    it->uses = 0;
}

static bool
test_constructor(void)
{
    struct kmem_cache *c;
    struct item *it[200];
    const unsigned per_slab = PAGE_SIZE / 128;
    uint64_t uses = 0;
    unsigned before;

    world(1024);
    constructed = 0;
    c = kmem_cache_create("item", sizeof(struct item), 0, 0, construct);
    EXPECT(c != NULL);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < ARRAY_LEN(it); i++) {
            shim_become_hart((round + i) % 3);
            EXPECT((it[i] = kmem_cache_alloc(c)) != NULL);
            EXPECT(it[i]->magic == 0x1234);
            it[i]->uses++;
        }
        EXPECT(constructed >= 200 && constructed % per_slab == 0);
        /* An object is constructed with its slab, not with each allocation:
         * never again while another object of its slab is in use. */
        before = constructed;
        for (unsigned k = 0; k < 20 * ARRAY_LEN(it); k++) {
            unsigned i = k % ARRAY_LEN(it);

            kmem_cache_free(c, it[i]);
            EXPECT((it[i] = kmem_cache_alloc(c)) != NULL);
            it[i]->uses++;
        }
        EXPECT(constructed <= before + FRONT * per_slab);
        if (round == 49)
            break;
        for (unsigned i = 0; i < ARRAY_LEN(it); i++)
            kmem_cache_free(c, it[i]);
    }
    for (unsigned i = 0; i < ARRAY_LEN(it); i++)
        EXPECT(it[i]->uses >= 20);
    for (unsigned i = 0; i < ARRAY_LEN(it); i++)
        kmem_cache_free(c, it[i]);
    for (unsigned i = 0; i < ARRAY_LEN(it); i++) {
        it[i] = kmem_cache_alloc(c);
        uses += it[i]->uses;
    }
    EXPECT(uses > 0 || !FRONT);
    for (unsigned i = 0; i < ARRAY_LEN(it); i++)
        kfree(it[i]);
    EXPECT(kmalloc_in_use() == 1); /* the cache itself */
    EXPECT(kmalloc_check() == 0);
    kmem_cache_destroy(c);
    return all_back();
}

static bool
test_type_stable(void)
{
    struct kmem_cache *c;
    struct item *it[300];
    size_t pages;

    world(1024);
    constructed = 0;
    c = kmem_cache_create("stable", sizeof(struct item), 64, KMEM_TYPE_STABLE,
                          construct);
    for (unsigned i = 0; i < ARRAY_LEN(it); i++) {
        EXPECT((it[i] = kmem_cache_alloc(c)) != NULL);
        EXPECT((uintptr_t)it[i] % 64 == 0);
        it[i]->uses = 0xabcd0000 + i;
        memset(it[i]->rest, (int)i, sizeof(it[i]->rest));
    }
    pages = kmalloc_pages();
    for (unsigned i = 0; i < ARRAY_LEN(it); i++)
        kmem_cache_free(c, it[i]);
    kmem_shrink();
    EXPECT(kmalloc_pages() >= pages - 1); /* all but the page of C's class */
    /* After the memory went through every list, it is as it was left. */
    for (unsigned i = 0; i < ARRAY_LEN(it); i++) {
        EXPECT(it[i]->magic == 0x1234 && it[i]->uses == 0xabcd0000 + i);
        for (unsigned k = 0; k < sizeof(it[i]->rest); k++)
            EXPECT(it[i]->rest[k] == (char)i);
    }
    EXPECT(constructed >= 300 && constructed <= 300 + PAGE_SIZE / 128);
    EXPECT(kmalloc_check() == 0);
    EXPECT(PANICS(kmem_cache_destroy(c)));
    return true;
}

/* Many at once, of several slabs, in order or not. */
static bool
test_free_all(void)
{
    struct kmem_cache *c;
    void *it[200], *x;

    world(1024);
    c = kmem_cache_create("many", sizeof(struct item), 64, 0, NULL);
    for (unsigned turn = 0; turn < 200; turn++) {
        unsigned n = 1 + turn % ARRAY_LEN(it);

        shim_become_hart(turn % 3);
        for (unsigned i = 0; i < n; i++)
            EXPECT((it[i] = kmem_cache_alloc(c)) != NULL);
        for (unsigned i = 0; i < n && turn % 2; i++) {
            unsigned k = (i * 37 + turn) % n;

            x = it[i];
            it[i] = it[k];
            it[k] = x;
        }
        kmem_cache_free_all(c, it, n);
        EXPECT(kmalloc_in_use() == 1 && kmalloc_check() == 0);
    }
    kmem_cache_destroy(c);
    return all_back();
}

static bool
free_all_panics(unsigned bad, ptrdiff_t by)
{
    struct kmem_cache *c;
    void *it[100];

    world(1024);
    c = kmem_cache_create("many", sizeof(struct item), 64, 0, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(it); i++)
        EXPECT((it[i] = kmem_cache_alloc(c)) != NULL);
    it[bad] = by != 0 ? (char *)it[bad] + by : it[(bad + 1) % ARRAY_LEN(it)];
    return PANICS(kmem_cache_free_all(c, it, ARRAY_LEN(it)));
}

static bool
test_free_all_wrongly(void)
{
    for (unsigned bad = 0; bad < 100; bad += 9) {
        EXPECT(free_all_panics(bad, 0)); /* twice the same */
        EXPECT(free_all_panics(bad, 8)); /* between two */
    }
    return true;
}

static bool
test_shapes(void)
{
    static const size_t sizes[] = {1,  16,  24,   40,   48,
                                   65, 200, 1000, 3000, 4096};
    static const size_t aligns[] = {0, 8, 16, 64, 512, 4096};
    static void *p[300];

    for (unsigned s = 0; s < ARRAY_LEN(sizes); s++) {
        for (unsigned a = 0; a < ARRAY_LEN(aligns); a++) {
            struct kmem_cache *c;

            world(1024);
            c = kmem_cache_create("shape", sizes[s], aligns[a], 0, NULL);
            EXPECT(c != NULL);
            for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
                EXPECT((p[i] = kmem_cache_alloc(c)) != NULL);
                EXPECT((uintptr_t)p[i] % MAX(aligns[a], 16ul) == 0);
                memset(p[i], (int)i, sizes[s]);
            }
            EXPECT(kmalloc_check() == 0);
            for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
                for (size_t k = 0; k < sizes[s]; k++)
                    EXPECT(((char *)p[i])[k] == (char)i);
                kmem_cache_free(c, p[i]);
            }
            EXPECT(kmalloc_check() == 0 && kmalloc_in_use() == 1);
            kmem_cache_destroy(c);
            EXPECT(all_back());
        }
    }
    return true;
}

static bool
test_cache_misuse(void)
{
    struct kmem_cache *c, *d;
    void *p;

    world(1024);
    c = kmem_cache_create("one", 64, 0, 0, NULL);
    d = kmem_cache_create("two", 64, 0, 0, NULL);
    p = kmem_cache_alloc(c);
    EXPECT(PANICS(kmem_cache_free(d, p)) && says("not from cache two"));
    EXPECT(PANICS(kmem_cache_destroy(c)) && says("1 objects of one"));
    return true;
}

/* --- little memory --- */

static bool
test_fail_points(void)
{
    struct kmem_cache *c;
    void *p, *q;

    world(1024);
    c = kmem_cache_create("fails", 64, 0, 0, NULL);
    EXPECT(fail_set("kmalloc", 2) == 0);
    EXPECT((p = kmalloc(10)) != NULL && kmalloc(20) == NULL && !fail_armed);
    EXPECT(fail_set("kmalloc", 1) == 0 && kmalloc(10000) == NULL);
    EXPECT(fail_set("kmalloc", 1) == 0 && kzalloc(10) == NULL);
    EXPECT(fail_set("cache", 2) == 0);
    EXPECT((q = kmem_cache_alloc(c)) != NULL && kmem_cache_alloc(c) == NULL);
    EXPECT(fail_set("page", 1) == 0 && kmalloc(9000) == NULL);
    EXPECT(fail_set("kmalloc", 1) == 0);
    EXPECT(kmem_cache_create("none", 64, 0, 0, NULL) == NULL);
    EXPECT(!fail_armed && kmalloc_in_use() == 3);
    kfree(p);
    kmem_cache_free(c, q);
    kmem_cache_destroy(c);
    return all_back();
}

/* A cache for which there is no page to keep objects in works all the same. */
static bool
test_without_front(void)
{
    struct kmem_cache *c;
    struct item *it[100];
    void *p;

    world(1024);
    p = kmalloc(sizeof(*c)); /* the class has a slab */
    EXPECT(fail_set("page", 1) == 0);
    c = kmem_cache_create("bare", sizeof(struct item), 0, 0, construct);
    EXPECT(c != NULL && c->front == NULL && fail_armed == !FRONT);
    EXPECT(fail_set("page", 0) == 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < ARRAY_LEN(it); i++) {
            EXPECT((it[i] = kmem_cache_alloc(c)) != NULL);
            EXPECT(it[i]->magic == 0x1234);
        }
        EXPECT(kmalloc_check() == 0);
        EXPECT(kmalloc_in_use() == ARRAY_LEN(it) + 2);
        for (unsigned i = 0; i < ARRAY_LEN(it); i++)
            kmem_cache_free(c, it[i]);
        EXPECT(kmalloc_check() == 0 && kmalloc_in_use() == 2);
    }
    it[0] = kmem_cache_alloc(c);
    it[1] = kmem_cache_alloc(c);
    kfree(it[0]);
    EXPECT(PANICS(kfree(it[0])) && says("free already"));
    kfree(it[1]);
    kmem_cache_destroy(c);
    kfree(p);
    return all_back();
}

/* What lies in other harts' magazines and in other caches' empty slabs is
 * found before anybody hears "no memory". */
static bool
test_memory_short(void)
{
    static void *p[60000];
    size_t n = 0, all;

    world(40);
    while ((p[n] = kmalloc(64)) != NULL)
        n++;
    all = n;
    EXPECT(all == (40 - FRONT * NCLASSES) * 64 && nr_free_pages() == 0);
    for (size_t i = 0; i < n; i++) {
        shim_become_hart(i / 3 % NCPU_MAX);
        kfree(p[i]);
    }
    shim_become_hart(4);
    for (n = 0; n < all; n++)
        EXPECT((p[n] = kmalloc(64)) != NULL);
    EXPECT(kmalloc(64) == NULL);
    for (size_t i = 0; i < all; i++)
        kfree(p[i]);
    for (n = 0; (p[n] = kmalloc(1024)) != NULL; n++)
        ;
    EXPECT(n == all / 16);
    while (n > 0)
        kfree(p[--n]);
    return all_back();
}

static bool
test_counters(void)
{
    uint64_t a, f, fails;
    void *p[100];

    world(1024);
    a = kstat_read(STAT_KMALLOC);
    f = kstat_read(STAT_KFREE);
    fails = kstat_read(STAT_ALLOC_FAIL);
    for (unsigned i = 0; i < 100; i++)
        EXPECT((p[i] = kmalloc(i * 40 + 1)) != NULL);
    EXPECT(kstat_read(STAT_KMALLOC) == a + 100);
    for (unsigned i = 0; i < 100; i++)
        kfree(p[i]);
    EXPECT(kstat_read(STAT_KFREE) == f + 100);
    EXPECT(kmalloc(1) != NULL);
    EXPECT(kmalloc(KMALLOC_MAX) != NULL && kmalloc(KMALLOC_MAX) != NULL);
    EXPECT(kmalloc(KMALLOC_MAX) != NULL && kmalloc(KMALLOC_MAX) == NULL);
    EXPECT(kstat_read(STAT_ALLOC_FAIL) == fails + 1);
    return true;
}

/* No more than a few empty slabs are kept, without anybody asking. */
static bool
test_gives_back(void)
{
    static void *p[5000];

    world(2048);
    for (unsigned i = 0; i < ARRAY_LEN(p); i++)
        EXPECT((p[i] = kmalloc(256)) != NULL);
    for (unsigned i = 0; i < ARRAY_LEN(p); i++)
        kfree(p[i]);
#ifdef CORE_ONLY
    EXPECT(kmalloc_pages() == 0);
#else
    EXPECT(kmalloc_pages() <= MAG_MAX);
    EXPECT(kmem_shrink() > 0 && kmem_shrink() == 0);
#endif
    return all_back();
}

static bool
test_print(void)
{
    world(1024);
    shim_quiet = true;
    shim_lines = 0;
    kmalloc_print();
    shim_quiet = false;
    EXPECT(shim_lines == NCLASSES + 2);
    return true;
}

/* --- does the auditor see anything? --- */

#define DAMAGE(statement)                                         \
    do {                                                          \
        world(1024);                                              \
        void *a = kmalloc(64), *b = kmalloc(64);                  \
        struct page *s = va_to_page(a);                           \
        struct kmem_cache *c = &classes[0];                       \
        (void)b;                                                  \
        EXPECT(s->owner == (uintptr_t)c && kmalloc_check() == 0); \
        statement;                                                \
        shim_quiet = true;                                        \
        EXPECT(kmalloc_check() > 0);                              \
        shim_quiet = false;                                       \
    } while (0)

static bool
test_check_finds_damage(void)
{
    DAMAGE(c->taken++);
    DAMAGE(c->nslabs--);
    DAMAGE(s->index = 0);
    DAMAGE(s->index ^= 1ul << 62);
    DAMAGE(s->index = c->all);
    DAMAGE(s->flags = 0);
    DAMAGE(s->owner = 0);
    DAMAGE(s->ref = 2);
    DAMAGE(slab_move(s, &c->full));
    DAMAGE(list_del(&s->lru));
    DAMAGE(s->lru.prev = &classes[1].avail);
    DAMAGE(s = va_to_page(kmalloc(96)); s->index |= 1ul << 42);
#ifndef CORE_ONLY
    struct magazine *m;

    DAMAGE(s->policy = 0);
    DAMAGE(s->policy |= 1ul << 63);
    DAMAGE(s->policy |= 1ul << 30);
    DAMAGE(s = va_to_page(kmalloc(96)); s->policy |= 1ul << 42);
    DAMAGE(m = c->front; m->n--);
    DAMAGE(m = c->front; m->slot[0] = m->slot[1]);
    DAMAGE(m = c->front; m->slot[0].obj = a);
    DAMAGE(m = c->front; m->slot[0].bit++);
#endif
    return true;
}

int
main(void)
{
    RUN(every_size);
    RUN(limits);
    RUN(zeroed);
    RUN(every_cache);
    RUN(random);
    RUN(random_short_of_memory);
    RUN(random_poisoned);
    RUN(double_free);
    RUN(foreign_free);
    RUN(slab_page_freed);
    RUN(constructor);
    RUN(type_stable);
    RUN(free_all);
    RUN(free_all_wrongly);
    RUN(shapes);
    RUN(cache_misuse);
    RUN(fail_points);
    RUN(without_front);
    RUN(memory_short);
    RUN(counters);
    RUN(gives_back);
    RUN(print);
    RUN(check_finds_damage);
    return shim_summary(FRONT ? "test_kmalloc" : "test_kmalloc_core");
}
