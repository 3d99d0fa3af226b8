/* tsan_layer.c: relatives at work on one tree at once, watched by the thread
 * sanitizer.  A thread is a hart and owns some spaces, each with an oracle of
 * its own; forks are handed to other threads through a table.
 *
 * The contents of a frame are plain words: a page that one space writes in
 * place while a relative still reads or copies it is a data race, and so is a
 * node that is written while a relative looks at it. */
#include "shim.h"

#include "layer_world.h"
#include <pthread.h>

#define HARTS  4
#define OWNED  4
#define POINTS 120
#define PAGES  1000

static unsigned rounds = 60000;
static unsigned wrong; /* [a] */

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

static void
must(bool right, const char *what)
{
    if (!right && atomic_add(&wrong, 1) < 5)
        printf("  %s\n", what);
}

static bool
nothing_left(void)
{
    EXPECT(anon_count() == 0 && lnode_count() == 0 && frames == 0);
    return true;
}

/* --- families --- */

struct kin {
    struct mm_struct space;
    uint64_t value[POINTS];
};

static struct kin *table[8];         /* [a] spaces on their way */
static struct page *page_table[8];   /* [a] pages that reclaim looks at */
static unsigned copies, reuses, met; /* [a] */

/* Two leaves next to each other, one far away. */
static uint64_t
point(unsigned k)
{
    return k < 100 ? k : 40000 + k;
}

static void
kin_exit(struct kin *k)
{
    space_exit(&k->space);
    free(k);
}

static struct kin *
kin_fork(struct kin *parent)
{
    struct kin *child = malloc(sizeof(*child));

    memcpy(child->value, parent->value, sizeof(child->value));
    child->space = space_fork(&parent->space);
    return child;
}

static void
kin_write(struct kin *me, unsigned k, uint64_t x)
{
    enum outcome how = space_write(&me->space, point(k), x);

    me->value[k] = x;
    if (how == COPY)
        atomic_add(&copies, 1);
    if (how == REUSE)
        atomic_add(&reuses, 1);
}

static void
kin_zap(struct kin *me, unsigned first, unsigned n)
{
    unsigned last = MIN(first + n, POINTS - 1);

    must(space_zap(&me->space, point(first), point(last)) == 0, "zap");
    for (unsigned k = first; k <= last; k++)
        me->value[k] = 0;
}

/* Leave a page where reclaim finds it, as a replacement list would. */
static void
kin_show(struct kin *me, unsigned k, unsigned where)
{
    struct layer *l = me->space.layer;
    struct page *page = NULL;
    struct anon *a;

    spin_lock(&l->lock);
    a = layer_find(l, point(k));
    if (a != NULL) {
        spin_lock(&a->lock);
        page = a->page;
        page_get(page);
        spin_unlock(&a->lock);
    }
    spin_unlock(&l->lock);
    if (page != NULL)
        page = atomic_swap(&page_table[where], page);
    if (page != NULL)
        page_put(page);
}

/* From a page to its anon, which may be gone or serve another page. */
static void
reclaim_look(unsigned where)
{
    struct page *page = atomic_swap(&page_table[where], NULL);
    struct anon *a;

    if (page == NULL)
        return;
    a = (struct anon *)atomic_load(&page->owner);
    cpu_wait(); /* time for it to go */
    if (a != NULL) {
        spin_lock(&a->lock);
        if (atomic_load(&a->page) == page) {
            must(atomic_load(&page->owner) == (uintptr_t)a, "owner");
            atomic_add(&met, 1);
        }
        spin_unlock(&a->lock);
    }
    page_put(page);
}

static void
kin_step(struct kin **mine, uint64_t x)
{
    struct kin *me = *mine;
    unsigned k = (x >> 8) % POINTS, where = (x >> 16) % 8;

    switch (x % 16) {
    case 0: /* a child goes to another hart */
        me = atomic_swap(&table[where], kin_fork(me));
        if (me != NULL)
            kin_exit(me);
        break;
    case 1: /* and so does this one */
        me = atomic_swap(&table[where], NULL);
        if (me != NULL) {
            kin_exit(*mine);
            *mine = me;
        }
        break;
    case 2:
        if (x >> 60 < 4)
            kin_zap(me, k, (x >> 24) % 60);
        break;
    case 3:
        kin_show(me, k, where);
        break;
    case 4:
        reclaim_look(where);
        break;
    case 5 ... 9:
        must(space_read(&me->space, point(k)) == me->value[k], "a value");
        break;
    default:
        kin_write(me, k, x);
    }
}

static void *
family_body(void *arg)
{
    unsigned id = (unsigned)(uintptr_t)arg;
    struct kin *own[OWNED];
    uint64_t r = id + 1;

    shim_become_hart(id);
    for (unsigned i = 0; i < OWNED; i++) {
        own[i] = calloc(1, sizeof(*own[i]));
        own[i]->space = space_create();
    }
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t x = shim_random(&r);

        kin_step(&own[(x >> 40) % OWNED], x);
    }
    for (unsigned i = 0; i < OWNED; i++) {
        for (unsigned k = 0; k < POINTS; k++)
            must(space_read(&own[i]->space, point(k)) == own[i]->value[k],
                 "a value at the end");
        kin_exit(own[i]);
    }
    return NULL;
}

static bool
test_families(void)
{
    shim_become_hart(0);
    EXPECT(run_harts(family_body));
    for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i] != NULL)
            kin_exit(table[i]);
        if (page_table[i] != NULL)
            page_put(page_table[i]);
        table[i] = NULL;
        page_table[i] = NULL;
    }
    printf("# %u copies, %u reuses, %u pages met by reclaim\n", copies, reuses,
           met);
    return nothing_left();
}

/* --- one space, all harts at once --- */

static struct mm_struct shared, relative;
static unsigned made[REUSE + 1]; /* [a] */

static void *
same_pages_body(void *arg)
{
    unsigned id = (unsigned)(uintptr_t)arg;

    shim_become_hart(id);
    for (unsigned i = 0; i < PAGES; i++)
        atomic_add(&made[space_write_word(&shared, i, id, i + id)], 1);
    return NULL;
}

static bool
same_pages_right(void)
{
    for (unsigned i = 0; i < PAGES; i++)
        for (unsigned w = 0; w < HARTS; w++)
            EXPECT(space_read_word(&shared, i, w) == i + w);
    return true;
}

/* Row 33: each page is copied once, whoever comes first; no store is lost. */
static bool
test_row_33_one_copy_each(void)
{
    shim_become_hart(0);
    memset(made, 0, sizeof(made));
    shared = space_create();
    for (unsigned i = 0; i < PAGES; i++)
        space_write(&shared, i, 12345);
    relative = space_fork(&shared);
    EXPECT(run_harts(same_pages_body));
    EXPECT(made[COPY] == PAGES && made[REUSE] == (HARTS - 1) * PAGES);
    EXPECT(same_pages_right());
    for (unsigned i = 0; i < PAGES; i++)
        EXPECT(space_read(&relative, i) == 12345);
    space_exit(&relative);
    space_exit(&shared);
    return nothing_left();
}

/* The same without anything there before. */
static bool
test_one_new_each(void)
{
    shim_become_hart(0);
    memset(made, 0, sizeof(made));
    shared = space_create();
    EXPECT(run_harts(same_pages_body));
    EXPECT(made[NEW] == PAGES && made[REUSE] == (HARTS - 1) * PAGES);
    EXPECT(same_pages_right());
    space_exit(&shared);
    return nothing_left();
}

/* Three harts write while the relative goes, piece by piece. */
static void *
going_body(void *arg)
{
    if ((uintptr_t)arg > 0)
        return same_pages_body(arg);
    shim_become_hart(0);
    for (unsigned i = 0; i < PAGES; i += i % 100 < 80 ? 1 : 15) {
        must(space_read(&relative, i) == i, "the relative's value");
        must(space_zap(&relative, i, i) == 0, "zap");
    }
    space_exit(&relative);
    return NULL;
}

static bool
test_relative_goes(void)
{
    for (unsigned turn = 0; turn < 10; turn++) {
        shim_become_hart(0);
        shared = space_create();
        for (unsigned i = 0; i < PAGES; i++)
            space_write(&shared, i, i);
        relative = space_fork(&shared);
        EXPECT(run_harts(going_body));
        EXPECT(same_pages_right());
        EXPECT(anon_count() == PAGES);
        space_exit(&shared);
        EXPECT(nothing_left());
    }
    return true;
}

int
main(void)
{
    if (getenv("FAST") != NULL)
        rounds /= 10;
    anon_init();
    RUN(families);
    RUN(row_33_one_copy_each);
    RUN(one_new_each);
    RUN(relative_goes);
    return shim_summary("tsan_layer");
}
