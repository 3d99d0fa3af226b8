/* object_tree.h: the radix tree of an object's pages; for object.c only.
 *
 *     height 2    [ 0 | 1 | ... | 63 ]          a slot: 64 pages
 *                   |        \
 *     height 1    [ 64 pages ]  [ 64 pages ]
 *
 * It is as high as its highest index needs.  All of it is guarded by the object's
 * lock. */
#ifndef KERN_MM_OBJECT_TREE_H
#define KERN_MM_OBJECT_TREE_H

#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include "mm/object.h"

#define NODE_BITS  6
#define NODE_SLOTS (1u << NODE_BITS)

struct onode {
    uint64_t live; /* slots that hold something */
    /* Of those: pages that may have to be written, or, where swap is behind them,
     * pages at all; or above one. */
    uint64_t marked;
    void *slot[NODE_SLOTS];
};
_Static_assert(NODE_SLOTS == 64, "bits of a word");

static struct onode *
node_create(void)
{
    return fail_now(FAIL_NODE) ? NULL : kzalloc(sizeof(struct onode));
}

static bool
fits(const struct vm_object *obj, uint64_t index)
{
    return obj->height > 0 && index >> (obj->height * NODE_BITS) == 0;
}

/* Which slot of a node HEIGHT levels above nothing leads to INDEX. */
static unsigned
slot_at(uint64_t index, unsigned height)
{
    return index >> ((height - 1) * NODE_BITS) & (NODE_SLOTS - 1);
}

/* The leaf of INDEX, remembered; or NULL. */
static NOINLINE struct onode *
leaf_find(struct vm_object *obj, uint64_t index)
{
    struct onode *n = fits(obj, index) ? obj->root : NULL;

    for (unsigned h = obj->height; n != NULL && h > 1; h--)
        n = n->slot[slot_at(index, h)];
    if (n != NULL) {
        obj->leaf = n;
        obj->leaf_at = ROUND_DOWN(index, NODE_SLOTS);
    }
    return n;
}

/* The slot of INDEX, or NULL if its leaf is missing. */
static inline void **
slot_find(struct vm_object *obj, uint64_t index)
{
    struct onode *n = obj->leaf;

    if (n == NULL || index - obj->leaf_at >= NODE_SLOTS)
        n = leaf_find(obj, index);
    return n == NULL ? NULL : &n->slot[index & (NODE_SLOTS - 1)];
}

/* The leaf of INDEX; what is missing is made, and stays if the rest fails.
 * NULL: no memory. */
static struct onode *
leaf_make(struct vm_object *obj, uint64_t index)
{
    struct onode *n;

    for (; !fits(obj, index); obj->height++) {
        if (obj->root == NULL)
            continue;
        n = node_create();
        if (n == NULL)
            return NULL;
        n->slot[0] = obj->root;
        n->live = 1;
        n->marked = obj->root->marked != 0;
        obj->root = n;
    }
    if (obj->root == NULL)
        obj->root = node_create();
    if (obj->root == NULL)
        return NULL;
    n = obj->root;
    for (unsigned h = obj->height; h > 1; h--) {
        void **slot = &n->slot[slot_at(index, h)];

        if (*slot == NULL) {
            *slot = node_create();
            if (*slot == NULL)
                return NULL;
            n->live |= 1ul << slot_at(index, h);
        }
        n = *slot;
    }
    return n;
}

/* Mark the page of INDEX. */
static void
tag(struct vm_object *obj, uint64_t index)
{
    struct onode *n = obj->root;

    for (unsigned h = obj->height; h > 0; h--) {
        n->marked |= 1ul << slot_at(index, h);
        n = n->slot[slot_at(index, h)];
    }
}

/* That of INDEX, below N, is not marked. */
static void
untag(struct onode *n, unsigned height, uint64_t index)
{
    struct onode *below = n->slot[slot_at(index, height)];

    if (height > 1)
        untag(below, height - 1, index);
    if (height == 1 || below->marked == 0)
        n->marked &= ~(1ul << slot_at(index, height));
}

/* Empty the slot of INDEX below N, and free the nodes that become empty with
 * it.  True: N is one. */
static bool
slot_clear(struct onode *n, unsigned height, uint64_t index)
{
    void **slot = &n->slot[slot_at(index, height)];

    if (height > 1) {
        if (!slot_clear(*slot, height - 1, index))
            return false;
        kfree(*slot);
    }
    *slot = NULL;
    n->live &= ~(1ul << slot_at(index, height));
    return n->live == 0;
}

/* What is below N from index *FROM on, and MARKED; *FROM becomes its index.  NULL:
 * nothing. */
static void *
first_from(struct onode *n, unsigned height, uint64_t *from, bool marked)
{
    unsigned shift = (height - 1) * NODE_BITS;
    uint64_t bits = marked ? n->marked : n->live;

    for (bits &= ~0ul << slot_at(*from, height); bits != 0; bits &= bits - 1) {
        unsigned at = (unsigned)__builtin_ctzl(bits);
        void *entry = n->slot[at];

        if (at != slot_at(*from, height))
            *from = (ROUND_DOWN(*from >> shift, NODE_SLOTS) + at) << shift;
        if (height > 1)
            entry = first_from(entry, height - 1, from, marked);
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

/* => obj->lock held */
static void *
next_entry(struct vm_object *obj, uint64_t *from, bool marked)
{
    if (!fits(obj, *from) ||
        obj->root == NULL) /* NULL: the first page failed */
        return NULL;
    return first_from(obj->root, obj->height, from, marked);
}

#endif
