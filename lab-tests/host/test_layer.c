/* test_layer.c: private pages of relatives against an oracle that is too simple
 * to be wrong: for each space an array of values, and the name of the private
 * page that holds each.
 *
 * A write must make a page if there was none, reuse the page if no relative
 * names it, and copy it if one does; never anything else.  Every so often all
 * trees are walked: each node and each anon that can be reached, and only
 * those, exist, each with as many references as slots point at it. */
#include "shim.h"

#include "layer_world.h"
#include <errno.h>

/* --- walking all trees --- */

#define SEEN_MAX 16384

static struct seen {
    const void *p;
    int32_t refs;
    int32_t want;
} seen[SEEN_MAX];

static size_t seen_nodes, seen_anons;
static bool sound;

/* Count one pointer to P, which says it has WANT; true at the first. */
static bool
see(const void *p, int32_t want)
{
    size_t i = (uintptr_t)p / 16 % SEEN_MAX;

    while (seen[i].p != NULL && seen[i].p != p)
        i = (i + 1) % SEEN_MAX;
    seen[i].refs++;
    if (seen[i].p != NULL)
        return false;
    seen[i].p = p;
    seen[i].want = want;
    return true;
}

static void
must(bool right, const char *what)
{
    if (!right && sound)
        printf("  trees: %s\n", what);
    sound = sound && right;
}

static void
walk_anon(const struct anon *a)
{
    if (!see(a, a->ref))
        return;
    seen_anons++;
    must(a->page != NULL && a->page->owner == (uintptr_t)a, "owner");
    must(a->page->ref == 1 && a->lock.locked == 0, "the page");
}

static void
walk_node(const struct lnode *n, unsigned level)
{
    unsigned live = 0;

    must(n->level == level && n->last == (level == 1 ? 7 : 63), "level");
    if (!see(n, n->ref))
        return;
    seen_nodes++;
    for (unsigned i = 0; i <= n->last; i++) {
        if (n->slot[i].node == NULL)
            continue;
        live++;
        if (level == 0)
            walk_anon(n->slot[i].anon);
        else
            walk_node(n->slot[i].node, level - 1);
    }
    must(n->live == live, "live count");
}

/* Walk the trees of N spaces; all there is must be reached. */
static bool
trees_sound(struct mm_struct *const *space, unsigned n)
{
    memset(seen, 0, sizeof(seen));
    seen_nodes = seen_anons = 0;
    sound = true;
    for (unsigned i = 0; i < n; i++) {
        const struct layer *l = space[i] == NULL ? NULL : space[i]->layer;

        if (l == NULL)
            continue;
        must(l->refs == 1 && l->lock.locked == 0, "layer");
        if (l->root != NULL && (walk_node(l->root, l->root->level), true))
            must(l->root->ref > 0, "root");
    }
    for (unsigned i = 0; i < SEEN_MAX; i++)
        must(seen[i].refs == seen[i].want, "references");
    must(seen_nodes == lnode_count(), "nodes that nobody reaches");
    must(seen_anons == anon_count(), "anons that nobody reaches");
    must(seen_anons == frames, "frames that nobody reaches");
    return sound;
}

#define SOUND(...)                                            \
    trees_sound((struct mm_struct *const[]){__VA_ARGS__},     \
                sizeof((struct mm_struct *[]){__VA_ARGS__}) / \
                    sizeof(struct mm_struct *))

static bool
nothing_left(void)
{
    return trees_sound(NULL, 0) && shim_tcb->held == 0;
}

static unsigned
depth(const struct mm_struct *space)
{
    return space->layer->root == NULL ? 0 : space->layer->root->level + 1u;
}

/* --- random families --- */

#define SPACES 7
#define POINTS 300

static struct kin {
    struct mm_struct space;
    bool used;
    uint64_t value[POINTS];
    uint64_t name[POINTS]; /* of the private page; 0: none */
} kin[SPACES];

static uint64_t point[POINTS]; /* the indexes that are used, ascending */
static unsigned npoints;
static uint64_t last_name;

static void
points(uint64_t first, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        point[npoints++] = first + i;
}

/* Near and far, across the borders of nodes of every level. */
static void
choose_points(unsigned kind)
{
    static const unsigned bits[] = {9, 15, 21, 27, 33, 39};

    npoints = 0;
    if (kind == 0) {
        points(0, 200);
    } else if (kind == 1) {
        points((1ul << 26) - 70, 140);
        points((1ul << 26) + 32700, 140);
    } else if (kind == 2) {
        for (unsigned i = 0; i < 130; i++)
            points(i * 37, 1);
    } else {
        points(0, 70);
        for (unsigned i = 0; i < ARRAY_LEN(bits); i++)
            points((1ul << bits[i]) - 9, 18);
        points((1ul << 44) - 20, 20);
    }
}

static bool
oracle_shared(const struct kin *me, unsigned k)
{
    for (unsigned i = 0; i < SPACES; i++)
        if (&kin[i] != me && kin[i].used && kin[i].name[k] == me->name[k])
            return true;
    return false;
}

static bool
kin_write(struct kin *me, unsigned k, uint64_t value)
{
    enum outcome want = me->name[k] == 0       ? NEW
                        : oracle_shared(me, k) ? COPY
                                               : REUSE;
    enum outcome how = space_write(&me->space, point[k], value);

    if (how == NOMEM)
        return fail_armed && fail_countdown == 0;
    EXPECT(how == want);
    me->value[k] = value;
    if (how != REUSE)
        me->name[k] = ++last_name;
    return true;
}

static bool
kin_fork(struct kin *me)
{
    struct kin *child = NULL;

    for (unsigned i = 0; i < SPACES; i++)
        if (!kin[i].used)
            child = &kin[i];
    if (child == NULL)
        return true;
    *child = *me;
    child->space = space_fork(&me->space);
    child->used = child->space.layer != NULL;
    return child->used || fail_armed;
}

static bool
kin_zap(struct kin *me, uint64_t first, uint64_t last)
{
    if (space_zap(&me->space, first, last) != 0)
        return fail_armed && fail_countdown == 0;
    for (unsigned k = 0; k < npoints; k++)
        if (point[k] >= first && point[k] <= last)
            me->name[k] = me->value[k] = 0;
    return true;
}

static bool
kin_exit(struct kin *me)
{
    space_exit(&me->space);
    me->used = false;
    return true;
}

static bool
kin_step(struct kin *me, uint64_t x)
{
    unsigned a = (x >> 8) % npoints, b = (x >> 24) % npoints;

    if (!me->used) {
        memset(me, 0, sizeof(*me));
        for (unsigned i = 0; i < SPACES; i++)
            if (kin[i].used)
                return true; /* relatives only */
        me->space = space_create();
        me->used = me->space.layer != NULL;
        return me->used || fail_armed;
    }
    switch (x % 32) {
    case 0 ... 14:
        return kin_write(me, a, x);
    case 15 ... 18:
        return kin_fork(me);
    case 19 ... 20: /* few */
        return kin_zap(me, point[a] - (x >> 40) % 2, point[a] + (x >> 41) % 9);
    case 21: /* many, or none */
        return kin_zap(me, point[a], point[b]);
    case 22:
        return (x >> 40) % 2 ? kin_exit(me) : true;
    default:
        EXPECT(space_read(&me->space, point[a]) == me->value[a]);
        return true;
    }
}

static bool
kin_right(void)
{
    struct mm_struct *all[SPACES] = {NULL};
    size_t names = 0;

    for (unsigned i = 0; i < SPACES; i++) {
        if (!kin[i].used)
            continue;
        all[i] = &kin[i].space;
        for (unsigned k = 0; k < npoints; k++) {
            bool counted = kin[i].name[k] == 0;

            EXPECT(space_read(&kin[i].space, point[k]) == kin[i].value[k]);
            for (unsigned j = 0; j < i; j++)
                counted |= kin[j].used && kin[j].name[k] == kin[i].name[k];
            names += !counted;
        }
    }
    EXPECT(trees_sound(all, SPACES));
    EXPECT(anon_count() == names);
    return true;
}

static bool
kin_seed(unsigned seed, unsigned steps)
{
    uint64_t r = seed * 0x9e3779b97f4a7c15 + 1;

    choose_points(seed % 4);
    for (unsigned i = 0; i < steps; i++) {
        uint64_t x = shim_random(&r);
        bool right;

        if (x >> 60 == 0) /* memory is short just now */
            fail_nth(1 + (x >> 56) % 8);
        right = kin_step(&kin[(x >> 48) % SPACES], x);
        fail_nth(0);
        if (!right || (i % 50 == 49 && !kin_right())) {
            printf("  seed %u, step %u\n", seed, i);
            return false;
        }
    }
    for (unsigned i = 0; i < SPACES; i++)
        if (kin[i].used)
            kin_exit(&kin[i]);
    return nothing_left();
}

static unsigned seeds = 60;

static bool
test_random_families(void)
{
    for (unsigned seed = 0; seed < seeds; seed++)
        EXPECT(kin_seed(seed, 3000));
    return true;
}

/* --- the numbers of the behaviour table --- */

static unsigned outcomes[REUSE + 1];

static void
write_pages(struct mm_struct *space, uint64_t first, uint64_t end,
            uint64_t value)
{
    memset(outcomes, 0, sizeof(outcomes));
    for (uint64_t i = first; i < end; i++)
        outcomes[space_write(space, i, value + i)]++;
}

static bool
read_pages(struct mm_struct *space, uint64_t first, uint64_t end,
           uint64_t value)
{
    for (uint64_t i = first; i < end; i++)
        EXPECT(space_read(space, i) == value + i);
    return true;
}

#define WROTE(new, copied, reused)                           \
    (outcomes[NEW] == (new) && outcomes[COPY] == (copied) && \
     outcomes[REUSE] == (reused) && outcomes[NOMEM] == 0)

/* Row 31: alone again after the child's exit, the parent writes in place. */
static bool
test_row_31_reuse(void)
{
    struct mm_struct p = space_create(), c;

    write_pages(&p, 0, 8, 100);
    c = space_fork(&p);
    EXPECT(read_pages(&c, 0, 8, 100));
    space_exit(&c);
    write_pages(&p, 0, 8, 200);
    EXPECT(WROTE(0, 0, 8) && p.cloned == 0);
    space_exit(&p);
    return nothing_left();
}

/* Row 32: who writes second is alone by then. */
static bool
test_row_32_copy_then_reuse(void)
{
    struct mm_struct p = space_create(), c;

    write_pages(&p, 0, 10, 100);
    c = space_fork(&p);
    write_pages(&c, 0, 8, 200);
    EXPECT(WROTE(0, 8, 0));
    write_pages(&p, 0, 8, 300);
    EXPECT(WROTE(0, 0, 8));
    EXPECT(read_pages(&c, 0, 8, 200) && read_pages(&p, 0, 8, 300));
    EXPECT(read_pages(&c, 8, 10, 100) && read_pages(&p, 8, 10, 100));
    EXPECT(anon_count() == 18 && SOUND(&p, &c));
    space_exit(&p);
    space_exit(&c);
    return nothing_left();
}

/* Row 37: fork itself makes nothing but a layer. */
static bool
test_row_37_fork(void)
{
    struct mm_struct p = space_create(), c;
    size_t nodes;

    write_pages(&p, 0, 100, 7);
    nodes = lnode_count();
    c = space_fork(&p);
    EXPECT(lnode_count() == nodes && anon_count() == 100);
    EXPECT(p.layer->root == c.layer->root && p.layer->root->ref == 2);
    EXPECT(read_pages(&c, 0, 100, 7) && lnode_count() == nodes);
    space_exit(&p);
    EXPECT(anon_count() == 100 && read_pages(&c, 0, 100, 7));
    space_exit(&c);
    return nothing_left();
}

/* Row 40: 64 generations, all alive: one private page each, one descent. */
static bool
test_row_40_generations(void)
{
    static struct mm_struct gen[64], *all[64];
    unsigned cloned = 0;

    gen[0] = space_create();
    for (unsigned i = 0; i < 64; i++) {
        all[i] = &gen[i];
        EXPECT(space_write(&gen[i], i * 37 % 64 * 64, i + 1) == NEW);
        EXPECT(depth(&gen[i]) == (i == 0 ? 1 : 3) && gen[i].cloned <= 2);
        cloned += gen[i].cloned;
        if (i < 63)
            gen[i + 1] = space_fork(&gen[i]);
    }
    EXPECT(anon_count() == 64);
    EXPECT(trees_sound(all, 64));
    printf("# 64 generations: %zu nodes, %u cloned\n", lnode_count(), cloned);
    for (unsigned i = 0; i < 64; i++)
        EXPECT(space_read(&gen[63], i * 37 % 64 * 64) == i + 1);
    for (unsigned i = 0; i < 64; i++)
        space_exit(&gen[i]);
    return nothing_left();
}

/* Row 79: the child covers all but one page; the parent's page is not lost. */
static bool
test_row_79_not_by_counts(void)
{
    struct mm_struct p = space_create(), c;

    EXPECT(space_write(&p, 0, 11) == NEW);
    c = space_fork(&p);
    EXPECT(space_write(&c, 1, 22) == NEW);
    EXPECT(space_read(&c, 0) == 11 && space_read(&p, 0) == 11);
    EXPECT(space_write_word(&c, 0, 1, 33) == COPY);
    EXPECT(space_read(&c, 0) == 11 && space_read_word(&c, 0, 1) == 33);
    EXPECT(space_read(&p, 0) == 11 && space_read_word(&p, 0, 1) == 0);
    EXPECT(space_read(&c, 1) == 22 && space_read(&p, 1) == 0);
    space_exit(&p);
    space_exit(&c);
    return nothing_left();
}

/* Row 80: nothing is left to merge when the parent ends. */
static bool
test_row_80_no_merge(void)
{
    struct mm_struct p = space_create(), c;

    write_pages(&p, 0, 100, 100);
    c = space_fork(&p);
    write_pages(&c, 0, 50, 300);
    EXPECT(WROTE(0, 50, 0) && anon_count() == 150);
    space_exit(&p);
    EXPECT(anon_count() == 100 && SOUND(&c));
    EXPECT(read_pages(&c, 0, 50, 300) && read_pages(&c, 50, 100, 100));
    c.cloned = 0;
    write_pages(&c, 50, 100, 400);
    EXPECT(WROTE(0, 0, 50) && c.cloned == 0 && anon_count() == 100);
    space_exit(&c);
    return nothing_left();
}

/* Row 81: no page that only hidden layers would hold. */
static bool
test_row_81_nothing_hidden(void)
{
    struct mm_struct p = space_create(), c;

    write_pages(&p, 0, 100, 100);
    c = space_fork(&p);
    write_pages(&c, 0, 100, 300);
    write_pages(&p, 0, 100, 500);
    EXPECT(WROTE(0, 0, 100) && anon_count() == 200 && SOUND(&p, &c));
    space_exit(&c);
    EXPECT(anon_count() == 100);
    space_exit(&p);
    return nothing_left();
}

/* --- what the header promises --- */

static bool
test_epochs(void)
{
    struct mm_struct p = space_create(), c;
    uint32_t before = p.layer->epoch;

    EXPECT(space_write(&p, 0, 1) == NEW);
    c = space_fork(&p);
    EXPECT(c.layer->epoch == p.layer->epoch && p.layer->epoch != before);
    EXPECT(space_write(&c, 0, 2) == COPY);
    EXPECT(p.layer->root->slot[0].anon->epoch == before);
    EXPECT(c.layer->root->slot[0].anon->epoch == c.layer->epoch);
    space_exit(&p);
    space_exit(&c);
    return nothing_left();
}

static bool
test_empty(void)
{
    struct mm_struct p = space_create(), c = space_fork(&p);

    EXPECT(space_read(&p, 0) == 0 && space_read(&c, (1ul << 44) - 1) == 0);
    EXPECT(space_zap(&p, 0, UINT64_MAX) == 0 && lnode_count() == 0);
    EXPECT(space_write(&c, (1ul << 44) - 1, 5) == NEW);
    EXPECT(space_read(&c, (1ul << 44) - 1) == 5 && space_read(&c, 0) == 0);
    EXPECT(space_read(&p, (1ul << 44) - 1) == 0);
    layer_get(c.layer);
    space_exit(&(struct mm_struct){.layer = c.layer});
    EXPECT(space_read(&c, (1ul << 44) - 1) == 5);
    space_exit(&p);
    space_exit(&c);
    return nothing_left();
}

/* The tree is as deep as its indexes are apart, wherever they lie. */
static bool
test_depth(void)
{
    static const uint64_t far[] = {63,        511,       32767,     1ul << 20,
                                   1ul << 26, 1ul << 32, 1ul << 38, 1ul << 43};

    for (unsigned i = 0; i < ARRAY_LEN(far); i++) {
        struct mm_struct p = space_create();

        EXPECT(space_write(&p, 1ul << 43, 1) == NEW && depth(&p) == 1);
        EXPECT(space_write(&p, (1ul << 43) ^ far[i], 2) == NEW);
        EXPECT(depth(&p) == i + 1 && lnode_count() == 2 * i + 1);
        EXPECT(space_read(&p, 1ul << 43) == 1);
        EXPECT(space_zap(&p, 1ul << 43, 1ul << 43) == 0 && SOUND(&p));
        space_exit(&p);
    }
    return nothing_left();
}

/* A look does not make nodes; a slot not filled leaves a path that is found
 * again, and that the next zap takes away. */
static bool
test_slot_unfilled(void)
{
    struct mm_struct p = space_create();
    struct anon **slot;

    spin_lock(&p.layer->lock);
    slot = layer_slot(p.layer, 1000, &p.cloned);
    EXPECT(slot != NULL && *slot == NULL);
    EXPECT(layer_slot(p.layer, 1000, &p.cloned) == slot);
    EXPECT(layer_find(p.layer, 1000) == NULL);
    EXPECT(layer_find(p.layer, 5) == NULL && lnode_count() == 1);
    spin_unlock(&p.layer->lock);
    EXPECT(SOUND(&p));
    EXPECT(space_write(&p, 5, 5) == NEW && lnode_count() == 5 && SOUND(&p));
    EXPECT(space_zap(&p, 1000, 1000) == 0 && lnode_count() == 3 && SOUND(&p));
    space_exit(&p);
    return nothing_left();
}

/* Slots stay where they are while nobody takes anything away. */
static bool
test_slot_stays(void)
{
    struct mm_struct p = space_create();
    struct anon **slot;
    unsigned cloned = 0;

    EXPECT(space_write(&p, 77, 1) == NEW);
    spin_lock(&p.layer->lock);
    slot = layer_slot(p.layer, 77, &cloned);
    spin_unlock(&p.layer->lock);
    for (uint64_t i = 1; i < 44; i++)
        EXPECT(space_write(&p, 1ul << i, 2) == NEW);
    spin_lock(&p.layer->lock);
    EXPECT(layer_slot(p.layer, 77, &cloned) == slot && cloned == 0);
    spin_unlock(&p.layer->lock);
    space_exit(&p);
    return nothing_left();
}

/* Sub-trees that go whole are one item, shared or not; single pages are one
 * each; and the gather may overflow in the middle. */
static unsigned flushes;

static void
count_flush(struct mm_struct *space)
{
    flushes++;
}

static bool
test_gather_items(void)
{
    struct mm_struct p = space_create(), c;
    struct gather g;

    p.flush = count_flush;
    write_pages(&p, 0, 65536 + 64, 1);
    c = space_fork(&p);
    gather_start(&g, &c);
    EXPECT(layer_zap(c.layer, 0, 1ul << 44, &g) == 0 && g.n == 1);
    EXPECT(c.layer->root == NULL && p.layer->root->ref == 2);
    gather_finish(&g);
    EXPECT(p.layer->root->ref == 1);
    flushes = 0;
    gather_start(&g, &p);
    EXPECT(layer_zap(p.layer, 64, 512 + 63, &g) == 0 && g.n == 8);
    EXPECT(layer_zap(p.layer, 1024, 65535, &g) == 0 && g.n == 8 + 62 + 1);
    EXPECT(flushes == 0);
    gather_finish(&g);
    write_pages(&p, 0, 65536 + 64, 1);
    flushes = 0;
    EXPECT(layer_zap(p.layer, 1, 65536 + 62, &g) == 0);
    EXPECT(flushes == 1 && g.n == 63 + 7 + 63 + 1 + 63 - GATHER_MAX);
    gather_finish(&g);
    EXPECT(anon_count() == 2 && SOUND(&p, &c));
    space_exit(&p);
    space_exit(&c);
    return nothing_left();
}

/* Before the flush a relative still counts as one of two. */
static bool
test_free_last(void)
{
    struct mm_struct p = space_create(), c;
    struct gather g;

    write_pages(&p, 0, 200, 1);
    c = space_fork(&p);
    gather_start(&g, &p);
    EXPECT(layer_zap(p.layer, 10, 150, &g) == 0);
    EXPECT(space_write(&c, 20, 9) == COPY);  /* went as a page */
    EXPECT(space_write(&c, 100, 9) == COPY); /* went with its leaf */
    gather_finish(&g);
    EXPECT(space_write(&c, 21, 9) == REUSE);
    EXPECT(space_write(&c, 101, 9) == REUSE);
    gather_start(&g, &p);
    layer_put(p.layer, &g);
    EXPECT(space_write(&c, 5, 9) == COPY);
    gather_finish(&g);
    EXPECT(space_write(&c, 6, 9) == REUSE && SOUND(&c));
    space_exit(&c);
    return nothing_left();
}

static swp_t slot_freed;

static void
free_slot(swp_t slot)
{
    slot_freed = slot;
}

/* The last reference frees slot and page; a page still held stays, ownerless. */
static bool
test_anon_ends(void)
{
    struct page *page = frame_create(NULL);
    struct anon *a = anon_create(page, 3);

    EXPECT(a != NULL && a->epoch == 3 && page->owner == (uintptr_t)a);
    anon_slot_free = free_slot;
    a->slot = 77;
    anon_get(a);
    EXPECT(anon_shared(a));
    anon_put(a);
    EXPECT(!anon_shared(a) && slot_freed == 0 && a->page == page);
    page_get(page);
    anon_put(a);
    EXPECT(slot_freed == 77 && page->owner == 0 && page->ref == 1);
    EXPECT(anon_count() == 0);
    page_put(page);
    anon_slot_free = NULL;
    return nothing_left();
}

static bool
test_misuse_panics(void)
{
    struct mm_struct p = space_create();
    struct anon *a = anon_create(frame_create(NULL), 0), **slot;

    EXPECT(PANICS(layer_find(p.layer, 0)));
    EXPECT(PANICS(layer_slot(p.layer, 0, &p.cloned)));
    spin_lock(&p.layer->lock);
    slot = layer_slot(p.layer, 0, &p.cloned);
    layer_set(p.layer, 0, slot, a);
    EXPECT(PANICS(layer_set(p.layer, 0, slot, a)));
    spin_unlock(&p.layer->lock);
    shim_after_panic();
    space_exit(&p);
    return nothing_left();
}

/* --- every range --- */

static const uint64_t small[] = {0,   1,    2,    30,   62,    63,    64,   65,
                                 127, 128,  300,  511,  512,   513,   574,  575,
                                 576, 1023, 1024, 4095, 32767, 32768, 32769};

#define NSMALL ARRAY_LEN(small)

/* One space and its relative, how they differ by KIND: no relative; all is
 * shared; the relative wrote every third page; we did. */
static bool
small_tree(struct mm_struct *p, struct mm_struct *c, unsigned kind)
{
    *p = space_create();
    c->layer = NULL;
    for (unsigned i = 0; i < NSMALL; i++)
        EXPECT(space_write(p, small[i], i + 1) == NEW);
    if (kind == 0)
        return true;
    *c = space_fork(p);
    for (unsigned i = 0; i < NSMALL && kind >= 2; i += 3)
        EXPECT(space_write(kind == 2 ? c : p, small[i], i + 1) == COPY);
    return true;
}

/* P has its pages but for [FIRST, LAST]; C has all. */
static bool
small_right(struct mm_struct *p, struct mm_struct *c, uint64_t first,
            uint64_t last)
{
    for (unsigned i = 0; i < NSMALL; i++) {
        bool gone = small[i] >= first && small[i] <= last;

        EXPECT(space_read(p, small[i]) == (gone ? 0 : i + 1));
        EXPECT(c->layer == NULL || space_read(c, small[i]) == i + 1);
    }
    EXPECT(SOUND(p, c));
    return true;
}

static bool
small_end(struct mm_struct *p, struct mm_struct *c)
{
    space_exit(p);
    if (c->layer != NULL)
        space_exit(c);
    return anon_count() == 0 && lnode_count() == 0 && frames == 0;
}

static bool
zap_once(uint64_t first, uint64_t last, unsigned kind)
{
    struct mm_struct p, c;
    bool none = true;

    EXPECT(small_tree(&p, &c, kind));
    EXPECT(space_zap(&p, first, last) == 0);
    EXPECT(small_right(&p, &c, first, last));
    for (unsigned i = 0; i < NSMALL; i++)
        none &= small[i] >= first && small[i] <= last;
    EXPECT(none == (p.layer->root == NULL));
    return small_end(&p, &c);
}

static unsigned zap_step = 1;

/* First and last: all up to 66, then the neighbours of all pages. */
static bool
test_zap_every_range(void)
{
    static uint64_t ends[67 + 3 * NSMALL];
    unsigned n = 0;

    for (uint64_t i = 0; i <= 66; i++)
        ends[n++] = i;
    for (unsigned i = 0; i < NSMALL; i++)
        for (uint64_t d = 0; d < 3; d++)
            if (small[i] + d - 1 > ends[n - 1] && small[i] > 0)
                ends[n++] = small[i] + d - 1;
    for (unsigned a = 0; a < n; a += zap_step)
        for (unsigned b = a; b < n; b++)
            EXPECT(zap_once(ends[a], ends[b], (a + b) % 4));
    return true;
}

static bool
test_zap_every_page_pair(void)
{
    for (unsigned kind = 0; kind < 4; kind++)
        for (unsigned a = 0; a < NSMALL; a++)
            for (unsigned b = a; b < NSMALL; b++)
                EXPECT(zap_once(small[a], small[b], kind));
    return true;
}

static bool
test_zap_odd_ranges(void)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        EXPECT(zap_once(5, 4, kind));
        EXPECT(zap_once(0, UINT64_MAX, kind));
        EXPECT(zap_once(32769, UINT64_MAX, kind));
        EXPECT(zap_once(1ul << 40, UINT64_MAX, kind));
    }
    return true;
}

/* --- memory that runs out at every place --- */

static unsigned sweeps; /* failures that were tried */

/* Every allocation of a zap fails once; the contents stay. */
static bool
test_fail_zap(void)
{
    for (unsigned kind = 0; kind < 4; kind++)
        for (unsigned a = 0; a < NSMALL; a++)
            for (unsigned b = a; b < NSMALL; b++) {
                struct mm_struct p, c;
                uint64_t n = 1;

                EXPECT(small_tree(&p, &c, kind));
                for (;; n++, sweeps++) {
                    fail_nth(n);
                    if (space_zap(&p, small[a], small[b]) == 0)
                        break;
                    fail_nth(0);
                    EXPECT(small_right(&p, &c, 1, 0));
                }
                fail_nth(0);
                EXPECT(kind > 0 || n == 1); /* alone: nothing to allocate */
                EXPECT(small_right(&p, &c, small[a], small[b]));
                EXPECT(small_end(&p, &c));
            }
    return true;
}

/* The same for a write, to pages there are and pages there are not. */
static bool
test_fail_write(void)
{
    static const uint64_t where[] = {0,    3,    63,    64,        1000,
                                     4095, 5000, 32768, 1ul << 22, 1ul << 43};

    for (unsigned kind = 0; kind < 4; kind++)
        for (unsigned a = 0; a < ARRAY_LEN(where); a++) {
            struct mm_struct p, c;

            EXPECT(small_tree(&p, &c, kind));
            for (uint64_t n = 1;; n++, sweeps++) {
                fail_nth(n);
                if (space_write_word(&p, where[a], 1, 99) != NOMEM)
                    break;
                fail_nth(0);
                EXPECT(small_right(&p, &c, 1, 0));
                EXPECT(space_read_word(&p, where[a], 1) == 0);
            }
            fail_nth(0);
            EXPECT(space_read_word(&p, where[a], 1) == 99);
            EXPECT(small_right(&p, &c, 1, 0));
            EXPECT(small_end(&p, &c));
        }
    return true;
}

static bool
test_fail_share_and_create(void)
{
    struct mm_struct p, c, d;

    EXPECT(small_tree(&p, &c, 1));
    for (uint64_t n = 1;; n++, sweeps++) {
        fail_nth(n);
        d = space_fork(&p);
        fail_nth(0);
        if (d.layer != NULL)
            break;
        EXPECT(small_right(&p, &c, 1, 0) && p.layer->root->ref == 2);
    }
    EXPECT(p.layer->root->ref == 3);
    space_exit(&d);
    for (uint64_t n = 1; n <= 2; n++) {
        fail_nth(n);
        EXPECT(layer_create() == NULL);
        fail_nth(n);
        EXPECT(anon_create(NULL, 0) == NULL);
    }
    fail_nth(0);
    EXPECT(small_end(&p, &c));
    printf("# %u refused allocations\n", sweeps);
    return true;
}

int
main(void)
{
    if (getenv("FAST") != NULL) {
        seeds = 12;
        zap_step = 5;
    }
    anon_init();
    RUN(row_31_reuse);
    RUN(row_32_copy_then_reuse);
    RUN(row_37_fork);
    RUN(row_40_generations);
    RUN(row_79_not_by_counts);
    RUN(row_80_no_merge);
    RUN(row_81_nothing_hidden);
    RUN(epochs);
    RUN(empty);
    RUN(depth);
    RUN(slot_unfilled);
    RUN(slot_stays);
    RUN(gather_items);
    RUN(free_last);
    RUN(anon_ends);
    RUN(misuse_panics);
    RUN(zap_every_range);
    RUN(zap_every_page_pair);
    RUN(zap_odd_ranges);
    RUN(fail_zap);
    RUN(fail_write);
    RUN(fail_share_and_create);
    RUN(random_families);
    return shim_summary("test_layer");
}
