/* anon.h: private pages, and the copy-on-write tree that shares them.
 *
 * An anon is one private page wherever it is: in a frame, on a swap slot, or
 * both.  A layer is the set of private pages of one or more areas of one space:
 * a radix tree from page index to anon.  Nodes and anons carry reference
 * counts, and a copy of a space shares the root:
 *
 *        parent's layer        child's layer
 *                   \            /
 *                    root (ref 2)             freezing = one increment
 *                   /    |
 *               node    node (ref 1)
 *               /  \
 *            anon  anon (ref 1)
 *
 * A writer needs every node on its path to itself: a node with ref > 1 is
 * cloned (its children gain a reference).  Who sees ref == 1 owns the node,
 * because a new reference is only ever made by someone who holds one to its
 * parent and sees that ref > 1.  An anon with ref > 1 is shared: a write
 * copies its page into a new anon; with ref == 1 it is reused in place.
 *
 * Anons come from a type-stable cache: reclaim reaches one through page->owner
 * without holding a reference, locks it, and looks whether it still owns the
 * page. */
#ifndef KERN_MM_ANON_H
#define KERN_MM_ANON_H

#include "mm/gather.h"
#include "mm/page.h"
#include "sync/spinlock.h"

typedef uint64_t swp_t;  /* a swap slot; 0: none */
#define SWP_ZEROS (~0ul) /* none either: the page was given up, and reads 0 */

/* l: anon->lock */
struct anon {
    struct spinlock lock; /* rank ANON */
    int32_t ref;          /* [a] tree slots that point here; see the rule */
    uint32_t epoch;       /* [I] of the layer it was made in */
    struct page *page;    /* [l] NULL: not in memory */
    swp_t slot;           /* [l] not 0 if there is no page */
};

/* What a node of each level spans, from the leaf: 256 KiB, 2 MiB (8 slots),
 * 128 MiB, 8 GiB, 512 GiB, 32 TiB, 2 PiB, 128 PiB.  So 45 bits of index; the
 * half of Sv57 that is the user's has 44. */
#define LNODE_SLOTS  64
#define LAYER_LEVELS 8

union lslot {
    struct anon *anon;  /* in a leaf */
    struct lnode *node; /* above */
};

struct lnode {
    int32_t ref;        /* [a] parents that point here; see the rule */
    uint8_t live;       /* slots in use; guarded as they are */
    uint8_t level;      /* [I] 0: a leaf, its slots are anons */
    uint8_t bits;       /* [I] of an index below one slot */
    uint8_t last;       /* [I] number of the last slot */
    uint64_t first;     /* [a] of a leaf: the index of its first slot */
    union lslot slot[]; /* [layer lock, while exclusive; else constant] */
};

struct layer {
    struct spinlock lock; /* rank LAYER: root, and nodes reached only by it */
    int32_t refs;         /* [a] areas */
    struct lnode *root;   /* [lock] may be NULL */
    uint64_t origin; /* [lock] some index below the root, if there is one */
    /* [a] A leaf whose path is exclusive; NULL: none is known.  Forgotten when
     * the tree is shared or cut, with the gate closed. */
    struct lnode *leaf;
    uint32_t epoch;     /* [gate closed] fork generation */
    struct layer *twin; /* [gate closed] its copy, while a space is copied */
};

void anon_init(void); /* the caches, of layers and nodes too; once */

/* An anon of epoch EPOCH for PAGE (which is nobody's and has one reference, which
 * the anon takes over), with ref 1.  NULL: no memory, and the page is the
 * caller's as before.  Nobody finds it from the page before anon_own().
 * => no anon or later lock held */
struct anon *anon_new(struct page *page, uint32_t epoch);
/* Drop a tree's reference; the last one frees the slot and drops the page.
 * => no anon or later lock held */
void anon_put(struct anon *a);
/* The same for the LIVE anons at ANONS, the slots of a leaf, between which NULLs
 * may lie; what it holds is of no use then. */
void anon_put_all(struct anon **anons, unsigned live);
extern struct kmem_cache *anon_cache; /* [I] all anons are in its slabs */
/* How a swap slot is given back, and how a page leaves its scope (swap.h); swap says
 * it, before there is any. */
extern void (*anon_slot_free)(swp_t slot);
extern void (*anon_page_forget)(struct page *page);

/* PAGE, A's, leads to it from now on. */
static inline void
anon_own(struct anon *a, struct page *page)
{
    atomic_store_release(&page->owner, (uintptr_t)a);
}

/* Both at once, for a page that nobody else knows. */
static inline struct anon *
anon_create(struct page *page, uint32_t epoch)
{
    struct anon *a = anon_new(page, epoch);

    if (a != NULL)
        anon_own(a, page);
    return a;
}

/* Is PAGE, an anon's or NULL, in memory, with its contents? */
static inline bool
anon_page_here(const struct page *page)
{
    return page != NULL && (atomic_load(&page->flags) & PG_UPTODATE);
}

static inline void
anon_get(struct anon *a)
{
    atomic_add(&a->ref, 1);
}

static inline bool
anon_shared(const struct anon *a)
{
    return atomic_load_acquire(&a->ref) > 1;
}

static inline void
lnode_get(struct lnode *n)
{
    atomic_add(&n->ref, 1);
}

static inline bool
lnode_shared(const struct lnode *n)
{
    return atomic_load_acquire(&n->ref) > 1;
}

/* An empty node with ref 1, and one with the same contents; NULL: no memory. */
struct lnode *lnode_create(unsigned level);
struct lnode *lnode_clone(const struct lnode *old);
/* Drop a reference to a node; the last one drops what hangs below.  Only for
 * references nobody can see any more: those of a layer go through a gather.
 * => no anon or later lock held */
void lnode_put(struct lnode *n);

/* The leaf whose slot of INDEX is at SLOT. */
static inline struct lnode *
lnode_at(struct anon **slot, uint64_t index)
{
    return container_of((union lslot *)slot - index % LNODE_SLOTS, struct lnode,
                        slot);
}

struct layer *layer_create(void); /* refs 1; NULL: no memory */
void layer_get(struct layer *l);
/* The last one drops the whole tree into G, as one item; an empty layer needs
 * no gather (NULL).  => no spinlock */
void layer_put(struct layer *l, struct gather *g);

/* The anon at INDEX, or NULL.  => l->lock held; valid while it is */
struct anon *layer_find(struct layer *l, uint64_t index);

/* Make the path to INDEX (below 2^44) exclusive and complete and return the
 * address of its slot (which holds an anon or NULL); NULL: no memory, nothing
 * changed that anybody could see.  Adds the clones of shared nodes to *CLONED.
 * => l->lock held; does not sleep
 * => the address stays right while the gate is held: only who closes the gate
 *    takes nodes away or shares them.  What it holds may change without the
 *    lock. */
struct anon **layer_walk(struct layer *l, uint64_t index, unsigned *cloned);

/* The same if it is in the leaf of last time, else NULL.  => gate held as a
 * reader, which is enough */
static inline struct anon **
layer_near(struct layer *l, uint64_t index)
{
    struct lnode *leaf = atomic_load_acquire(&l->leaf);

    if (likely(leaf != NULL && index - atomic_load(&leaf->first) < LNODE_SLOTS))
        return &leaf->slot[index % LNODE_SLOTS].anon;
    return NULL;
}

static inline struct anon **
layer_slot(struct layer *l, uint64_t index, unsigned *cloned)
{
    struct anon **slot = layer_near(l, index);

    return likely(slot != NULL) ? slot : layer_walk(l, index, cloned);
}

/* A slot went from empty to full: SLOT as returned by layer_slot(). */
static inline void
layer_set(struct layer *l, uint64_t index, struct anon **slot, struct anon *a)
{
    struct lnode *leaf = lnode_at(slot, index);

    assert(*slot == NULL && leaf->live < LNODE_SLOTS);
    atomic_store(slot, a);
    leaf->live++;
}

/* A layer with the same contents: one increment.  Both get a new epoch.  NULL:
 * no memory.  => the gate of the space is closed */
struct layer *layer_share(struct layer *l);

/* Take everything in [FIRST, LAST] out of the layer, into G.  Sub-trees that
 * are covered whole go as one item; only the two edge paths are cloned, before
 * the first visible change: returns 0, or -ENOMEM with the contents as before.
 * => gate closed, no spinlock held */
MUST_CHECK int layer_zap(struct layer *l, uint64_t first, uint64_t last,
                         struct gather *g);

/* What anon_init() calls. */
void layer_init(void);
void lnode_init(void);

/* Objects in use, for leak checks; exact when nobody is at work. */
size_t anon_count(void);
size_t lnode_count(void);

#endif
