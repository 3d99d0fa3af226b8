/* explore_layer.c: relatives at work on one tree, over all schedules with at
 * most two preemptions.
 *
 * mm/anon.c, mm/lnode.c and mm/layer.c run as they are.  A space without page
 * tables has nothing to be stale; so one test has a hart with a translation
 * that it uses until the flush of its space, as hardware does.  After the tests
 * come mutants of the rules: what is dropped too early, a clone that does not
 * count on its children, a shared node that is written. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "mm/anon.h"

enum mutant {
    MUTANT_NONE,
    MUTANT_PUT_BEFORE_COPY, /* the old reference goes before its contents */
    MUTANT_NO_SECOND_LOOK,  /* the copy is installed whatever happened */
    MUTANT_NODE_AT_ONCE,    /* a sub-tree does not wait for the flush */
    MUTANT_ANON_AT_ONCE,    /* nor the page that was copied */
    MUTANT_WRITE_SHARED,    /* any node is taken for exclusive */
};

#define lnode_get(n) EXPLORE_CALL(lnode_get, n, n)
#define anon_get(a)  EXPLORE_CALL(anon_get, a, a)
#define lnode_shared(n) \
    (explore_mutant() != MUTANT_WRITE_SHARED && lnode_shared(n))

#define BEFORE_COPY(a)                                  \
    do {                                                \
        if (explore_mutant() == MUTANT_PUT_BEFORE_COPY) \
            anon_put(a);                                \
    } while (0)
#define GATHER_OLD(g, a)                                     \
    do {                                                     \
        if (explore_mutant() == MUTANT_ANON_AT_ONCE)         \
            anon_put(a);                                     \
        else if (explore_mutant() != MUTANT_PUT_BEFORE_COPY) \
            gather_anon(g, a);                               \
    } while (0)
#define STILL_RIGHT(slot, a)                       \
    (explore_mutant() == MUTANT_NO_SECOND_LOOK ||  \
     explore_mutant() == MUTANT_PUT_BEFORE_COPY || \
     (*(slot) == (a) && anon_shared(a)))

#define WORLD_STATIC 16384
#define WORLD_GATHER_NODE
#include "layer_world.h"

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"

#undef lnode_shared

void
gather_node(struct gather *g, struct lnode *node)
{
    if (explore_mutant() == MUTANT_NODE_AT_ONCE)
        lnode_put(node);
    else
        gather_item(g, node, ITEM_NODE);
}

uint64_t
kstat_read(enum kstat_id id)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < NCPU_MAX; i++)
        sum += kstat_rows[i].v[id];
    return sum;
}

static struct tcb tcb[EXPLORE_HARTS];
static struct mm_struct space[3]; /* relatives; each hart has its own */
static enum outcome outcome[EXPLORE_HARTS];

static void
start(unsigned hart)
{
    tcb[hart].cpu = &cpus[hart];
    explore_tcb[hart] = &tcb[hart];
    csr_set(sstatus, SSTATUS_SIE);
}

/* The page all quarrel about, and one next to it, that nobody writes. */
#define HERE   70
#define BESIDE 71

/* N relatives that share everything: two pages, in two levels. */
static void
family(unsigned n)
{
    start(explore_hart);
    anon_init();
    space[0] = space_create();
    space_write(&space[0], HERE, 7);
    space_write(&space[0], BESIDE, 8);
    space_write(&space[0], 3, 9);
    for (unsigned i = 1; i < n; i++)
        space[i] = space_fork(&space[0]);
    EXPLORE_NAME(space);
    EXPLORE_NAME(arena);
}

static void
setup_2(void)
{
    family(2);
}

static void
setup_3(void)
{
    family(3);
}

/* SPACE sees VALUE here, and what was there before elsewhere. */
static void
sees(unsigned i, uint64_t value)
{
    uint64_t got = space_read(&space[i], HERE);

    if (got != value)
        explore_fail("space %u sees %lu, not %lu", i, got, value);
    if (space_read(&space[i], BESIDE) != 8 || space_read(&space[i], 3) != 9)
        explore_fail("space %u lost another page", i);
}

/* Everybody goes, and nothing is left. */
static void
all_gone(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(space); i++)
        if (space[i].layer != NULL)
            space_exit(&space[i]);
    if (anon_count() != 0 || lnode_count() != 0 || frames != 0)
        explore_fail("left: %zu anons, %zu nodes, %zu frames", anon_count(),
                     lnode_count(), frames);
}

/* --- all write the same page at once, each a word of its own --- */

static void
write_body(unsigned hart)
{
    start(hart);
    outcome[hart] = space_write_word(&space[hart], HERE, hart + 1, 100 + hart);
}

static void
write_check(void)
{
    unsigned copies = 0, n;

    start(explore_hart);
    for (n = 0; n < ARRAY_LEN(space) && space[n].layer != NULL; n++) {
        sees(n, 7);
        copies += outcome[n] == COPY;
        for (unsigned w = 1; w < FRAME_WORDS; w++)
            if (space_read_word(&space[n], HERE, w) !=
                (w == n + 1 ? 100 + n : 0))
                explore_fail("word %u of space %u is wrong", w, n);
    }
    if (copies != n && copies != n - 1)
        explore_fail("%u copies for %u spaces", copies, n);
    if (anon_count() != n + 2)
        explore_fail("%zu anons for %u spaces", anon_count(), n);
    all_gone();
}

/* --- two harts of one space write, and perhaps its relative does --- */

static void
threads_body(unsigned hart)
{
    start(hart);
    outcome[hart] =
        space_write_word(&space[hart == 2], HERE, hart + 1, 100 + hart);
}

static void
threads_check(void)
{
    unsigned copies = (outcome[0] == COPY) + (outcome[1] == COPY);
    bool relative = outcome[2] != 0;

    start(explore_hart);
    sees(0, 7);
    sees(1, 7);
    if (space_read_word(&space[0], HERE, 1) != 100 ||
        space_read_word(&space[0], HERE, 2) != 101)
        explore_fail("a store is lost");
    if (space_read_word(&space[0], HERE, 3) != 0 ||
        space_read_word(&space[1], HERE, 3) != (relative ? 102 : 0))
        explore_fail("the relative's word is wrong");
    if (copies != 1 && !relative)
        explore_fail("copied %u times", copies);
    if (copies > 1)
        explore_fail("copied twice");
    all_gone();
}

/* --- one writes, another forks, a third goes --- */

static struct mm_struct child;

static void
family_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        space_write(&space[0], HERE, 100);
    else if (hart == 1)
        child = space_fork(&space[1]);
    else
        space_exit(&space[2]);
    if (hart == 1)
        space_write(&space[1], HERE, 101);
}

static void
family_check(void)
{
    start(explore_hart);
    sees(0, 100);
    sees(1, 101);
    space[2] = child;
    sees(2, 7);
    if (anon_count() != 5)
        explore_fail("%zu anons, not 5", anon_count());
    all_gone();
}

/* --- one writes where the other takes away --- */

static void
zap_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        space_write(&space[0], HERE, 100);
    else if (space_zap(&space[1], 64, 70) != 0)
        explore_fail("no memory?");
}

static void
zap_check(void)
{
    start(explore_hart);
    sees(0, 100);
    if (space_read(&space[1], HERE) != 0 || space_read(&space[1], BESIDE) != 8)
        explore_fail("the zap took too little or too much");
    if (anon_count() != 3)
        explore_fail("%zu anons, not 3", anon_count());
    all_gone();
}

/* --- a translation that is not forgotten yet --- */

/* Hart 1 runs space 0, too, and still has a translation of the page; it may
 * use it until hart 0 has flushed.  What it must never read is what space 1
 * writes on hart 2. */
static const uint64_t *translation;

static void
flush(struct mm_struct *s)
{
    EXPLORE_POINT("flush");
    translation = NULL;
}

static void
setup_stale(void)
{
    family(2);
    space[0].flush = flush;
    translation =
        words_of(space[0].layer->root->slot[1].node->slot[6].anon->page);
}

static void
stale_reads(void)
{
    for (unsigned i = 0; i < 3; i++) {
        EXPLORE_POINT("load");
        if (translation != NULL && *translation == 666)
            explore_fail("read what another space wrote");
    }
}

static void
stale_zap_body(unsigned hart)
{
    start(hart);
    if (hart == 0 && space_zap(&space[0], 64, 127) != 0)
        explore_fail("no memory?");
    if (hart == 1)
        stale_reads();
    if (hart == 2)
        space_write(&space[1], HERE, 666);
}

static void
stale_write_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        space_write(&space[0], HERE, 100);
    if (hart == 1)
        stale_reads();
    if (hart == 2)
        space_write(&space[1], HERE, 666);
}

static void
stale_check(void)
{
    start(explore_hart);
    sees(1, 666);
    all_gone();
}

/* --- reclaim comes from the page, the last slot goes --- */

static struct page *met;

static void
setup_reclaim(void)
{
    family(2);
    met = space[0].layer->root->slot[1].node->slot[6].anon->page;
    page_get(met);
}

static void
reclaim_body(unsigned hart)
{
    struct anon *a;

    start(hart);
    if (hart == 0) {
        space_exit(&space[0]);
        space_exit(&space[1]);
        space[0] = space_create();
        space_write(&space[0], HERE, 1); /* perhaps in the same anon */
        return;
    }
    a = (struct anon *)atomic_load(&met->owner);
    if (a != NULL) {
        spin_lock(&a->lock);
        if (atomic_load(&a->page) == met) {
            EXPLORE_POINT("works with it");
            if (a->page != met || met->owner != (uintptr_t)a)
                explore_fail("taken away under the lock");
        }
        spin_unlock(&a->lock);
    }
    page_put(met);
}

static void
reclaim_check(void)
{
    start(explore_hart);
    if (space_read(&space[0], HERE) != 1)
        explore_fail("the new page is wrong");
    all_gone();
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})

#define WRITE2   .setup = setup_2, .body = write_body, .check = write_check
#define WRITE3   .setup = setup_3, .body = write_body, .check = write_check
#define THREADS2 .setup = setup_2, .body = threads_body, .check = threads_check
#define FAMILY   .setup = setup_3, .body = family_body, .check = family_check
#define ZAP      .setup = setup_2, .body = zap_body, .check = zap_check
#define STALE_ZAP \
    .setup = setup_stale, .body = stale_zap_body, .check = stale_check
#define STALE_WRITE \
    .setup = setup_stale, .body = stale_write_body, .check = stale_check
#define RECLAIM \
    .setup = setup_reclaim, .body = reclaim_body, .check = reclaim_check

static const struct explore_test tests[] = {
    {"write-write", 2, WRITE2},
    {"write-write-write", 3, WRITE3},
    {"threads", 2, THREADS2},
    {"threads-and-relative", 3, THREADS2},
    {"write-fork-exit", 3, FAMILY},
    {"write-zap", 2, ZAP},
    {"stale-zap", 3, STALE_ZAP},
    {"stale-write", 3, STALE_WRITE},
    {"reclaim", 2, RECLAIM},
    {"mutant-put-before-copy", 2, WRITE2, .mutant = MUTANT_PUT_BEFORE_COPY,
     .expect = ""},
    {"mutant-no-second-look", 2, THREADS2, .mutant = MUTANT_NO_SECOND_LOOK,
     .expect = ""},
    {"mutant-clone-counts-no-anon", 2, WRITE2,
     .skip = SKIP("lnode_clone/anon_get"), .expect = ""},
    {"mutant-clone-counts-no-node", 2, WRITE2,
     .skip = SKIP("lnode_clone/lnode_get"), .expect = ""},
    {"mutant-fork-counts-no-root", 3, FAMILY,
     .skip = SKIP("layer_share/lnode_get"), .expect = ""},
    {"mutant-write-shared", 2, WRITE2, .mutant = MUTANT_WRITE_SHARED,
     .expect = ""},
    {"mutant-node-at-once", 3, STALE_ZAP, .mutant = MUTANT_NODE_AT_ONCE,
     .expect = "another space"},
    {"mutant-anon-at-once", 3, STALE_WRITE, .mutant = MUTANT_ANON_AT_ONCE,
     .expect = "another space"},
    {"mutant-destroy-unlocked", 2, RECLAIM,
     .skip = SKIP("anon_detach/spin_lock", "anon_detach/spin_unlock"),
     .expect = ""},
};

int
main(int argc, char **argv)
{
    return explore_main(argc, argv, "explore_layer", tests, ARRAY_LEN(tests));
}
