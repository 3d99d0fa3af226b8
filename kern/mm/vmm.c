/* vmm.c: the areas of an address space: find, insert, split, join, find a gap.
 *
 *    0   MMAP_MIN                                             user_end()
 *    |------|....[  text  ][  data  ].......[ lib ]....:....[ stack ]...|
 *                                                      STACK_GAP
 *
 * One list gives the neighbours, one tree the way from an address to its area.
 * Each node also knows the gap before its area (without what lies directly
 * below a stack) and the largest gap in its subtree, so that the highest gap
 * that is large enough is found by one walk down:
 *
 *                 [ 40..50 ] gap 3, largest 12
 *                /                            \
 *        [ 10..28 ] gap 7, largest 9     [ 62..70 ] gap 12, largest 12
 *                     \
 *                 [ 37..37 ] gap 9
 *
 * Many an area goes before another one comes.  So a new one stays loose until
 * anything else about the gaps changes: a walk down the tree finds its
 * predecessor, and the list leads on from there.
 *
 * An area counts its pages twice: in its object from vm_pgoff, in its layer
 * from lpgoff.  The halves of a split keep both and count on; neighbours are
 * joined when both counts go on from one to the other.  A layer holds pages
 * only at indexes that some area shows (whoever unmaps, empties), so an area
 * without a layer may join one that has, if the indexes it would get are free:
 * a heap that grows step by step stays one area.
 *
 * The last area each hart found is remembered with the space's id and seq, and
 * so is the last table it used (pgtable.c): an id is never used again and each
 * writer increments seq, so what may be gone is never looked at. */
#include "mm/vmm.h"
#include "debug/panic.h"

struct last_place last_places[NCPU_MAX];

static struct vma_struct *
area_of(struct avl_node *n)
{
    return n == NULL ? NULL : avl_entry(n, struct vma_struct, node);
}

/* --- find --- */

/* The first area that ends behind ADDR, or NULL. */
struct vma_struct *
find_vma_walk(struct mm_struct *mm, uintptr_t addr)
{
    /* LAB 4.1: the area an address belongs to, or the next one above it.
     *
     * An area has the addresses from vm_start up to, but not including,
     * vm_end. Return the first area, in order of address, that ends behind
     * ADDR; NULL if there is none. The caller looks whether it also begins at
     * or below ADDR.
     *
     * All areas are in a list (mm->mmap_list, area_at(), vma_next()); all but
     * the one that came last are in a tree, too (mm->tree.root, area_of()),
     * sorted by vm_start. A walk over the list is right; a walk down the tree
     * is right and fast. It must not matter whether the last one, mm->loose,
     * is in the tree yet. */
    struct vma_struct *below = NULL;

    for (struct avl_node *n = mm->tree.root; n != NULL;) {
        struct vma_struct *v = area_of(n);

        if (addr < v->vm_start) {
            n = n->left;
        } else {
            below = v;
            n = n->right;
        }
    }
    if (below == NULL)
        below = area_at(mm, mm->mmap_list.next);
    while (below != NULL && below->vm_end <= addr)
        below = vma_next(below); /* twice, if the first of them is loose */
    return below;
    /* STUB: return NULL; */
    /* END 4.1 */
}

struct last_place *
place_anew(struct mm_struct *mm)
{
    static struct vma_struct nowhere;
    struct last_place *c = &last_places[this_cpu()->id];

    if (place_of(mm) == NULL)
        *c = (struct last_place){mm->id, mm->seq, &nowhere, KERNEL_BASE, NULL};
    return c;
}

struct vma_struct *
find_vma_anew(struct mm_struct *mm, uintptr_t addr)
{
    struct vma_struct *v = find_vma_walk(mm, addr);

    /* Nobody remembers anything of a change that goes on: seq is new. */
    if (v != NULL && v->vm_start <= addr && !gate_is_mine(&mm->gate))
        place_anew(mm)->area = v;
    return v;
}

/* --- gaps --- */

static uintptr_t
max_gap(struct avl_node *n)
{
    return n == NULL ? 0 : n->most;
}

/* Bytes between PREV, or MMAP_MIN, and what NEXT keeps for itself. */
static uintptr_t
gap_between(struct vma_struct *prev, uintptr_t next)
{
    uintptr_t lo = prev == NULL ? MMAP_MIN : prev->vm_end;

    return next > lo ? next - lo : 0;
}

/* V's start, or its predecessor's end, is not what it was.  NULL is fine. */
static void
gap_changed(struct vma_struct *v)
{
    if (v == NULL)
        return;
    vma_settle(v->vm_mm);
    avl_value(&v->node, gap_between(vma_prev(v), vma_guarded_start(v)));
}

/* The last area below N, itself included, whose gap has SIZE.  => there is */
static struct vma_struct *
last_fit(struct avl_node *n, size_t size)
{
    for (;;) {
        if (max_gap(n->right) >= size)
            n = n->right;
        else if (n->own >= size)
            return area_of(n);
        else
            n = n->left;
    }
}

/* The last area before V (NULL: of all) whose gap has SIZE, or NULL. */
static struct vma_struct *
last_fit_before(struct mm_struct *mm, struct vma_struct *v, size_t size)
{
    struct avl_node *n = v == NULL ? mm->tree.root : &v->node;

    if (v == NULL)
        return max_gap(n) >= size ? last_fit(n, size) : NULL;
    while (max_gap(n->left) < size) {
        while (n->parent != NULL && n->parent->left == n)
            n = n->parent;
        n = n->parent;
        if (n == NULL)
            return NULL;
        if (n->own >= size)
            return area_of(n);
    }
    return last_fit(n->left, size);
}

uintptr_t
vma_find_gap(struct mm_struct *mm, size_t size, uintptr_t top,
             struct vma_struct **next)
{
    /* Only the gap before V may reach beyond TOP; those before it do not. */
    struct vma_struct *v = find_vma_walk(mm, top);
    struct vma_struct *prev =
        v == NULL ? area_at(mm, mm->mmap_list.prev) : vma_prev(v);
    uintptr_t end = v == NULL ? top : MIN(top, vma_guarded_start(v));

    *next = v;
    if (gap_between(prev, end) >= size)
        return end - size;
    vma_settle(mm);
    *next = v = last_fit_before(mm, v, size);
    return v == NULL ? 0 : vma_guarded_start(v) - size;
}

/* --- insert and unlink --- */

/* VMA begins, or ceases, to count in its space. */
static void
account(struct vma_struct *vma, bool in)
{
    uint64_t pages = vma->vm_flags & VM_LOCKED ? vma_pages(vma) : 0;

    vma->vm_mm->locked_pages += in ? pages : -pages;
}

/* VMA, in the list only and loose no more, goes into the tree. */
static NOINLINE void
put_in_tree(struct mm_struct *mm, struct vma_struct *vma)
{
    struct vma_struct *prev = vma_prev(vma), *next = vma_next(vma);
    struct avl_node *parent = NULL, **link = &mm->tree.root;

    /* Neighbours lie below each other: the lower one has room on this side. */
    if (next != NULL && next->node.left == NULL) {
        parent = &next->node;
        link = &parent->left;
    } else if (prev != NULL) {
        parent = &prev->node;
        link = &parent->right;
    }
    avl_insert(&mm->tree, &vma->node, parent, link);
    /* What NEXT had counts until VMA has its part: it ends the first way up. */
    avl_value(&vma->node, gap_between(prev, vma_guarded_start(vma)));
    if (next != NULL)
        avl_value(&next->node, gap_between(vma, vma_guarded_start(next)));
}

void
vma_settle(struct mm_struct *mm)
{
    struct vma_struct *vma = mm->loose;

    if (vma != NULL) {
        mm->loose = NULL;
        put_in_tree(mm, vma);
    }
}

void
vma_fell_tree(struct mm_struct *mm)
{
    mm->loose = NULL;
    mm->tree.root = NULL;
}

/* => all others are in the tree */
static void
insert_loose(struct vma_struct *vma, struct vma_struct *next)
{
    /* LAB 4.2: put VMA into its space, before NEXT (NULL: behind all).
     *
     * It gets its place in the list of areas (list_add() puts behind a given
     * link) and is counted in map_count and by account(). The tree can wait:
     * mm->loose remembers it, see the top of this file. If it shows an object,
     * the object's list of areas must have it as well, under the object's
     * lock: that is how truncation finds its mappings. Under the same lock
     * vma->cut, which nobody has set yet, becomes 0: no truncation was here.
     *
     * Areas never overlap and are never empty: say so with assert(). */
    struct mm_struct *mm = vma->vm_mm;
    struct list *after =
        (next == NULL ? &mm->mmap_list : &next->list_link)->prev;
    struct vma_struct *prev = area_at(mm, after);

    assert(vma->vm_start < vma->vm_end);
    assert(prev == NULL || prev->vm_end <= vma->vm_start);
    assert(next == NULL || vma->vm_end <= next->vm_start);
    mm->loose = vma;
    list_add(after, &vma->list_link);
    mm->map_count++;
    account(vma, true);
    if (vma->vm_object != NULL) {
        spin_lock(&vma->vm_object->lock);
        list_add_tail(&vma->vm_object->areas, &vma->object_link);
        vma->cut = 0; /* part of it may be older than the truncation */
        spin_unlock(&vma->vm_object->lock);
    }
    /* END 4.2 */
}

void
insert_vma_before(struct vma_struct *vma, struct vma_struct *next)
{
    vma_settle(vma->vm_mm);
    insert_loose(vma, next);
    vma_settle(vma->vm_mm);
}

void
insert_vma_struct(struct mm_struct *mm, struct vma_struct *vma)
{
    insert_vma_before(vma, find_vma_walk(mm, vma->vm_start));
}

/* ... and what is behind it begins to have the gap before it, too. */
static void
leave_tree(struct vma_struct *vma, struct vma_struct *next)
{
    vma_settle(vma->vm_mm);
    if (next != NULL)
        avl_value(&next->node,
                  gap_between(vma_prev(vma), vma_guarded_start(next)));
    avl_remove(&vma->vm_mm->tree, &vma->node);
}

void
vma_unlink(struct vma_struct *vma)
{
    struct mm_struct *mm = vma->vm_mm;

    if (vma == mm->loose)
        mm->loose = NULL;
    else if (mm->tree.root != NULL)
        leave_tree(vma, vma_next(vma));
    if (vma->vm_object != NULL) {
        spin_lock(&vma->vm_object->lock);
        list_del(&vma->object_link);
        spin_unlock(&vma->vm_object->lock);
    }
    account(vma, false);
    mm->map_count--;
    list_del(&vma->list_link);
}

/* --- split and join --- */

void
vma_split_into(struct vma_struct *vma, uintptr_t at, struct vma_struct *new)
{
    /* LAB 4.7: cut VMA in two at AT; NEW becomes the upper part.
     *
     * Afterwards both parts together must show exactly what VMA showed: the
     * same rights, and behind each address the same page of the object and of
     * the layer. vma_object_index() and vma_layer_index() say which that is at
     * AT. The new part is one more owner of object and layer. account() keeps
     * the count of locked pages: take an area out before its size changes, put
     * it in again afterwards. Last comes insert_vma_before(): your 4.2 does
     * the rest for NEW. */
    assert(vma->vm_start < at && at < vma->vm_end);
    new->vm_start = at;
    new->vm_end = vma->vm_end;
    new->vm_flags = vma->vm_flags;
    new->vm_object = vma->vm_object;
    new->vm_pgoff = vma_object_index(vma, at);
    new->layer = vma->layer;
    new->lpgoff = vma_layer_index(vma, at);
    if (new->vm_object != NULL)
        object_get(new->vm_object);
    if (new->layer != NULL)
        layer_get(new->layer);
    account(vma, false);
    vma->vm_end = at;
    account(vma, true);
    insert_vma_before(new, vma_next(vma));
    /* STUB: vma_destroy(new); */
    /* END 4.7 */
}

void
vma_trim(struct vma_struct *vma, uintptr_t start, uintptr_t end)
{
    uint64_t skipped = (start - vma->vm_start) >> PAGE_SHIFT;
    struct vma_struct *moved = skipped != 0 ? vma : vma_next(vma);

    account(vma, false);
    vma->vm_start = start;
    vma->vm_end = end;
    vma->vm_pgoff += skipped;
    vma->lpgoff += skipped;
    account(vma, true);
    gap_changed(moved);
}

/* How many areas are looked at before two are left unjoined. */
#define LOOK_AROUND 16

/* Does no other area show one of the N indexes from FIRST on of V's layer?
 * Those who share it lie near, so look to both sides until all are found; but
 * not for long: who does not know says no, and two areas stay two. */
static bool
indexes_free(struct vma_struct *v, uint64_t first, uint64_t n)
{
    int32_t others = atomic_load(&v->layer->refs) - 1;
    struct vma_struct *side[2] = {vma_prev(v), vma_next(v)};

    if (first + n > LAYER_INDEXES)
        return false;
    for (int look = 0; others > 0 && look < LOOK_AROUND; look++) {
        int i = look % 2;
        struct vma_struct *u = side[i];

        if (u == NULL)
            continue;
        side[i] = i == 0 ? vma_prev(u) : vma_next(u);
        if (u->layer != v->layer)
            continue;
        if (u->lpgoff < first + n && first < u->lpgoff + vma_pages(u))
            return false;
        others--;
    }
    return others == 0;
}

/* Is A, with B right behind it, the same as one area? */
static bool
joinable(struct vma_struct *a, struct vma_struct *b)
{
    /* LAB 4.9: may A and B, which lies right behind, become one area?
     *
     * Only if nobody could tell the difference: they touch, have the same
     * flags and the same object, and each page of B has the number that it
     * would have if A went on: in the object (vm_pgoff), and in the layer
     * (lpgoff). Without an object vm_pgoff means nothing, and may be anything;
     * so does lpgoff without a layer. An area has at most AREA_PAGES_MAX pages.
     *
     * An area without a layer has no private pages yet. It may join one that
     * has a layer, if the indexes that it would get are free there: ask
     * indexes_free(). */
    uint64_t na = vma_pages(a), nb = vma_pages(b);

    if (a->vm_end != b->vm_start || a->vm_flags != b->vm_flags ||
        a->vm_object != b->vm_object || na + nb > AREA_PAGES_MAX)
        return false;
    if (a->vm_object != NULL && a->vm_pgoff + na != b->vm_pgoff)
        return false;
    if (a->layer == b->layer)
        return a->layer == NULL || a->lpgoff + na == b->lpgoff;
    if (b->layer == NULL)
        return indexes_free(a, a->lpgoff + na, nb);
    return a->layer == NULL && b->lpgoff >= na &&
           indexes_free(b, b->lpgoff - na, na);
    /* STUB: (void)indexes_free; */
    /* STUB: return false; */
    /* END 4.9 */
}

static void
join(struct vma_struct *a, struct vma_struct *b)
{
    vma_unlink(b);
    if (a->layer == NULL && b->layer != NULL) {
        a->layer = b->layer;
        a->lpgoff = b->lpgoff - vma_pages(a);
        b->layer = NULL;
    }
    account(a, false);
    a->vm_end = b->vm_end;
    account(a, true);
    gap_changed(vma_next(a));
    vma_destroy(b); /* never the last reference of its object or layer */
}

/* VMA, which is in no space and has no layer, lies before B, which begins where
 * VMA does from now on. */
static void
cover(struct vma_struct *vma, struct vma_struct *b)
{
    account(b, false);
    b->lpgoff = b->layer == NULL ? vma->lpgoff : b->lpgoff - vma_pages(vma);
    b->vm_pgoff = vma->vm_pgoff;
    b->vm_start = vma->vm_start;
    account(b, true);
    gap_changed(b);
}

void
vma_add(struct vma_struct *vma, struct vma_struct *next)
{
    struct mm_struct *mm = vma->vm_mm;
    struct vma_struct *prev =
        area_at(mm, (next == NULL ? &mm->mmap_list : &next->list_link)->prev);

    if (prev != NULL && prev->vm_end == vma->vm_start && joinable(prev, vma)) {
        account(prev, false);
        prev->vm_end = vma->vm_end;
        account(prev, true);
        gap_changed(next);
        vma_merge(prev);
    } else if (next != NULL && vma->vm_end == next->vm_start &&
               joinable(vma, next)) {
        cover(vma, next);
        vma_merge(next);
    } else {
        vma_settle(mm);
        insert_loose(vma, next);
        return;
    }
    vma_destroy(vma); /* never the last reference of its object */
}

struct vma_struct *
vma_merge(struct vma_struct *vma)
{
    struct vma_struct *prev, *next;

    /* One that takes over a layer may become like a neighbour after that. */
    for (;;) {
        prev = vma_prev(vma);
        next = vma_next(vma);
        if (prev != NULL && joinable(prev, vma)) {
            join(prev, vma);
            vma = prev;
        } else if (next != NULL && joinable(vma, next)) {
            join(vma, next);
        } else {
            return vma;
        }
    }
}
