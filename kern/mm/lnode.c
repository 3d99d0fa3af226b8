/* lnode.c: one node of a layer's tree: made, cloned, let go of.
 *
 * The rule.  A node is exclusive if it and every node above it has ref 1.  Only
 * exclusive nodes are written; all others are constant.  Proof that a 1 stays 1
 * under our hands: a reference to a node is made only by cloning its parent or
 * by sharing a root.  Who clones the parent holds a reference to it; so the
 * parent had two, and we would have cloned it ourselves before we came here.
 * And our root is shared only by us, with the gate closed.
 *
 * Orders.  A relative who lets go of a node has read it before, to clone it:
 * dropping is release.  Seeing ref 1 is acquire: what we write now, he read
 * before.  Making a reference needs no order, for the maker has one. */
#include "debug/kstat.h"
#include "mm/anon.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include <string.h>

#define NARROW_LEVEL 1
#define NARROW_SLOTS 8

/* How many bits of an index lie below one slot of a node of that level. */
static const uint8_t slot_bits[LAYER_LEVELS] = {0, 6, 9, 15, 21, 27, 33, 39};

static struct kmem_cache *wide_cache, *narrow_cache;

void
lnode_init(void)
{
    size_t slot = sizeof(union lslot), head = sizeof(struct lnode);

    wide_cache =
        kmem_cache_create("lnode", head + LNODE_SLOTS * slot, 0, 0, NULL);
    narrow_cache =
        kmem_cache_create("lnode8", head + NARROW_SLOTS * slot, 0, 0, NULL);
    assert(wide_cache != NULL && narrow_cache != NULL);
}

static struct kmem_cache *
lnode_cache(unsigned level)
{
    return level == NARROW_LEVEL ? narrow_cache : wide_cache;
}

struct lnode *
lnode_create(unsigned level)
{
    unsigned nslots = level == NARROW_LEVEL ? NARROW_SLOTS : LNODE_SLOTS;
    struct lnode *n;

    assert(level < LAYER_LEVELS);
    n = fail_now(FAIL_NODE) ? NULL : kmem_cache_alloc(lnode_cache(level));
    if (n == NULL)
        return NULL;
    *n = (struct lnode){.ref = 1,
                        .level = (uint8_t)level,
                        .bits = slot_bits[level],
                        .last = (uint8_t)(nslots - 1)};
    memset(n->slot, 0, nslots * sizeof(n->slot[0]));
    kstat_inc(STAT_LNODE);
    return n;
}

void
lnode_put(struct lnode *n)
{
    int32_t before = atomic_add_acq_rel(&n->ref, -1);

    assert(before > 0);
    if (before > 1)
        return;
    if (n->level == 0) {
        anon_put_all(&n->slot[0].anon, n->live);
        n->live = 0;
    }
    for (union lslot *s = n->slot; n->live > 0; s++) {
        if (s->node == NULL)
            continue;
        n->live--;
        lnode_put(s->node); /* as deep as the tree: LAYER_LEVELS */
    }
    kstat_add(STAT_LNODE, -1ul);
    kmem_cache_free(lnode_cache(n->level), n);
}

struct lnode *
lnode_clone(const struct lnode *old)
{
    struct lnode *n = lnode_create(old->level);

    if (n == NULL)
        return NULL;
    n->live = old->live;
    for (unsigned i = 0; i <= old->last; i++) {
        n->slot[i] = old->slot[i];
        if (n->slot[i].node == NULL)
            continue;
        if (n->level == 0)
            anon_get(n->slot[i].anon);
        else
            lnode_get(n->slot[i].node);
    }
    return n;
}

size_t
lnode_count(void)
{
    return kstat_read(STAT_LNODE);
}
