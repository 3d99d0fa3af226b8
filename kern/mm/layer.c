/* layer.c: the private pages of a space, in a tree that relatives share.
 *
 * Parent P wrote pages 3 and 70 and forked child C, which then wrote 70:
 *
 *         P's layer                       C's layer
 *             |                               |
 *        root (ref 1)                    root (ref 1)        level 1, 8 slots
 *         |        \                     /       |
 *         |         `---------. .-------'        |
 *         |                   | |                |
 *     leaf 64..127        leaf 0..63       leaf 64..127      level 0
 *       (ref 1)             (ref 2)          (ref 1)
 *         |                    |                |
 *      anon of 70          anon of 3       C's anon of 70
 *       (ref 1)             (ref 1)          (ref 1)
 *
 * Fork made C's layer point to P's root: one increment.  C's write cloned the
 * nodes on the path to 70, the root and one leaf; each child of a clone has one
 * reference more, the original one less.  Then C copied the page of 70.  Page 3
 * has one anon with ref 1, and is shared all the same, because its leaf is.
 * lnode.c says why this is safe.
 *
 * The index is taken apart level by level, as in a page table.  The root spans
 * only what is needed: the indexes that agree with l->origin above its bits.
 *
 * What a layer lets go of may leave a relative the only owner, who then writes
 * in place; so it goes into the gather, to be dropped after the flush.  The
 * reference to a node just cloned is no such case: the clone still counts on
 * all its children.
 *
 * Who knows shadow objects (Mach, Codezero) finds them here:
 *
 *     freeze the top shadow at fork     root's ref 1 -> 2
 *     new shadow at the first write     clone the path
 *     walk down the shadows             one descent, however many forks
 *     drop a shadow nobody sees         the last slot lets go of an anon
 *     merge when one user is left       nothing: refs are 1 again */
#include "mm/anon.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include <errno.h>

static struct kmem_cache *layer_cache;
static uint32_t last_epoch; /* [a] */

void
layer_init(void)
{
    lnode_init();
    layer_cache = kmem_cache_create("layer", sizeof(struct layer), 0, 0, NULL);
    assert(layer_cache != NULL);
}

/* --- nodes --- */

/* The node at *AT, all above which is exclusive, made exclusive itself. */
static struct lnode *
lnode_own(struct lnode **at, unsigned *cloned)
{
    /* LAB 5.4: make the node at *AT one that only this layer has.
     *
     * If it is (lnode_shared() says so), it stays. Else a clone takes its
     * place: the clone has a reference to each child, so *AT gives up its
     * reference to the old node only after that. Count the clone in *CLONED.
     * Return the node that is there now; NULL if there was no memory, and then
     * *AT is as before. */
    struct lnode *old = *at, *n;

    if (likely(!lnode_shared(old)))
        return old;
    n = lnode_clone(old);
    if (n == NULL)
        return NULL;
    *at = n;
    lnode_put(old);
    ++*cloned;
    return n;
    /* STUB: return *at; */
    /* END 5.4 */
}

static inline union lslot *
slot_of(struct lnode *n, uint64_t index)
{
    return &n->slot[index >> n->bits & n->last];
}

/* How many indexes N spans, minus one. */
static inline uint64_t
span_mask(const struct lnode *n)
{
    return ((n->last + 1ul) << n->bits) - 1;
}

/* --- layers --- */

struct layer *
layer_create(void)
{
    struct layer *l =
        fail_now(FAIL_AREA) ? NULL : kmem_cache_alloc(layer_cache);

    if (l == NULL)
        return NULL;
    *l = (struct layer){.lock = SPINLOCK_INIT(RANK_LAYER),
                        .refs = 1,
                        .epoch = atomic_load(&last_epoch)};
    return l;
}

void
layer_get(struct layer *l)
{
    atomic_add(&l->refs, 1);
}

void
layer_put(struct layer *l, struct gather *g)
{
    int32_t before = atomic_add_acq_rel(&l->refs, -1);

    assert(before > 0);
    if (before > 1)
        return;
    if (l->root != NULL)
        gather_node(g, l->root);
    kmem_cache_free(layer_cache, l);
}

struct layer *
layer_share(struct layer *l)
{
    /* LAB 5.3: a new layer with the same pages as L.
     *
     * No page and no node is copied: both layers point to the same root, which
     * has one reference more (lnode_get()). L may have no root yet. Both
     * layers must forget where they were last (leaf), and get a new, common
     * epoch, one more than the last one given out (last_epoch), so that pages
     * that were there before count as shared until somebody looks. NULL: no
     * memory. */
    struct layer *copy = layer_create();

    if (copy == NULL)
        return NULL;
    if (l->root != NULL)
        lnode_get(l->root);
    l->leaf = NULL;
    copy->root = l->root;
    copy->origin = l->origin;
    copy->epoch = l->epoch = atomic_add(&last_epoch, 1u) + 1;
    return copy;
    /* STUB: return NULL; */
    /* END 5.3 */
}

/* --- one page --- */

/* Is INDEX below the root?  => there is one */
static inline bool
root_spans(const struct layer *l, uint64_t index)
{
    return ((l->origin ^ index) & ~span_mask(l->root)) == 0;
}

struct anon *
layer_find(struct layer *l, uint64_t index)
{
    struct lnode *n = l->root;

    assert(spin_held(&l->lock));
    if (n == NULL || !root_spans(l, index))
        return NULL;
    while (n->level > 0) {
        n = slot_of(n, index)->node;
        if (n == NULL)
            return NULL;
    }
    return slot_of(n, index)->anon;
}

/* A new path to INDEX: a node of each level from LEVEL down to an empty leaf. */
static struct lnode *
path_create(unsigned level, uint64_t index)
{
    struct lnode *below = lnode_create(0), *n;

    for (unsigned k = 1; k <= level && below != NULL; k++) {
        n = lnode_create(k);
        if (n == NULL) {
            lnode_put(below);
            return NULL;
        }
        slot_of(n, index)->node = below;
        n->live = 1;
        below = n;
    }
    return below;
}

/* Put levels on top until the root spans INDEX.  What it did so far is right
 * even if it then fails: a taller tree with the same contents. */
static bool
layer_grow(struct layer *l, uint64_t index)
{
    struct lnode *n;

    if (l->root == NULL) {
        l->root = path_create(0, index);
        l->origin = index;
        return l->root != NULL;
    }
    while (!root_spans(l, index)) {
        n = lnode_create(l->root->level + 1u);
        if (n == NULL)
            return false;
        slot_of(n, l->origin)->node = l->root;
        n->live = 1;
        l->root = n;
    }
    return true;
}

static struct anon **
layer_clear_path(struct layer *l, uint64_t index, unsigned *cloned)
{
    struct lnode **at = &l->root, *n;
    union lslot *s;

    if ((l->root == NULL || !root_spans(l, index)) && !layer_grow(l, index))
        return NULL;
    for (;;) {
        n = lnode_own(at, cloned);
        if (n == NULL)
            return NULL;
        s = slot_of(n, index);
        if (n->level == 0)
            return &s->anon;
        if (s->node == NULL) {
            s->node = path_create(n->level - 1u, index);
            if (s->node == NULL)
                return NULL;
            n->live++;
        }
        at = &s->node;
    }
}

struct anon **
layer_walk(struct layer *l, uint64_t index, unsigned *cloned)
{
    struct anon **slot = layer_clear_path(l, index, cloned);

    assert(spin_held(&l->lock));
    if (slot != NULL) {
        struct lnode *leaf = lnode_at(slot, index);

        atomic_store(&leaf->first, index - index % LNODE_SLOTS);
        atomic_store_release(&l->leaf, leaf);
    }
    return slot;
}

/* --- a range --- */

/* Make the nodes below *AT that [FIRST, LAST] covers in part exclusive: those
 * on the paths to its two ends.  Indexes count from the first one below *AT.
 * Nothing to see yet, so it may stop anywhere. */
static bool
own_edges(struct lnode **at, uint64_t first, uint64_t last)
{
    unsigned cloned = 0, bits, i, j;
    struct lnode *n = *at;
    uint64_t mask;

    if (n == NULL || (first == 0 && last == span_mask(n)))
        return true;
    n = lnode_own(at, &cloned);
    if (n == NULL || n->level == 0)
        return n != NULL;
    bits = n->bits;
    mask = (1ul << bits) - 1;
    i = (unsigned)(first >> bits);
    j = (unsigned)(last >> bits);
    if (i == j)
        return own_edges(&n->slot[i].node, first & mask, last & mask);
    return own_edges(&n->slot[i].node, first & mask, mask) &&
           own_edges(&n->slot[j].node, 0, last & mask);
}

/* Take [FIRST, LAST] out of what is below *AT, counted as above, and *AT itself
 * if nothing is left.  The nodes it covers in part are exclusive. */
static void
zap_below(struct lnode **at, uint64_t first, uint64_t last, struct gather *g)
{
    struct lnode *n = *at;
    unsigned bits = n->bits;
    uint64_t mask = (1ul << bits) - 1, i = first >> bits, end = last >> bits;

    if (first == 0 && last == span_mask(n)) {
        *at = NULL;
        gather_node(g, n);
        return;
    }
    for (; i <= end && n->live > 0; i++, first = 0) {
        union lslot *s = &n->slot[i];

        if (s->node == NULL)
            continue;
        if (n->level == 0) {
            gather_anon(g, s->anon);
            s->anon = NULL;
        } else {
            zap_below(&s->node, first & mask, i == end ? last & mask : mask, g);
        }
        if (s->node == NULL)
            n->live--;
    }
    if (n->live == 0) {
        *at = NULL;
        lnode_put(n);
    }
}

int
layer_zap(struct layer *l, uint64_t first, uint64_t last, struct gather *g)
{
    uint64_t mask, start;

    if (l->root == NULL)
        return 0;
    mask = span_mask(l->root);
    start = l->origin & ~mask;
    if (first > start + mask || last < start || first > last)
        return 0;
    l->leaf = NULL;
    first = MAX(first, start) - start;
    last = MIN(last, start + mask) - start;
    if (!own_edges(&l->root, first, last))
        return -ENOMEM;
    zap_below(&l->root, first, last, g);
    return 0;
}
