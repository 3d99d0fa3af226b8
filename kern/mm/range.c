/* range.c: change or unmap a range of an address space, whatever lies in it.
 *
 *   areas     [    A    ]   [  B  ][    C    ]
 *   range           |<------------------>|
 *   split     [ A  | A' ]   [  B  ][  C  | C' ]
 *                    ^         ^       ^   these are changed, or go
 *
 * Who unmaps needs no A': A ends earlier, C begins later.  Only a hole in one area
 * makes two of it.
 *
 * Check everything, then act.  Two things can fail: a split needs a new area
 * (two at most, however many areas the range meets), and taking pages out of a
 * layer needs nodes where it shares them with a relative.  So:
 *
 *   1. make the new areas;
 *   2. clear the entries, free empty tables: only a cache, nobody can tell;
 *   3. a layer that only this range shows goes as a whole, which cannot fail.
 *      The others are cut by layer_zap().  One such cut comes before all
 *      visible changes.  When there are several, the second may not fail any
 *      more: then the nodes at the edges of all of them are made first;
 *   4. act.
 *
 * The entries go before the pages, because a full gather flushes and frees at
 * once (gather.h). */
#include "mm/huge.h"
#include "mm/mmap.h"
#include <errno.h>

/* --- areas in advance --- */

int
spares_get(struct spares *s, struct mm_struct *mm, unsigned n)
{
    for (s->n = 0; s->n < n; s->n++) {
        s->area[s->n] = vma_create(mm, 0, 0, 0);
        if (s->area[s->n] == NULL) {
            spares_drop(s);
            return -ENOMEM;
        }
    }
    return 0;
}

void
spares_drop(struct spares *s)
{
    while (s->n > 0)
        vma_destroy(s->area[--s->n]);
}

int
vma_split(struct vma_struct *vma, uintptr_t at)
{
    struct vma_struct *new = vma_create(vma->vm_mm, at, vma->vm_end, 0);

    if (new == NULL)
        return -ENOMEM;
    vma_split_into(vma, at, new);
    return 0;
}

static bool
reaches_over(const struct vma_struct *v, uintptr_t at)
{
    return v != NULL && v->vm_start < at && at < v->vm_end;
}

void
split_at(struct mm_struct *mm, uintptr_t at, struct spares *s)
{
    struct vma_struct *v = find_vma_walk(mm, at);

    if (reaches_over(v, at))
        vma_split_into(v, at, s->area[--s->n]);
}

/* V, or the part of it from AT on, which is an area of its own then. */
static struct vma_struct *
split_front(struct vma_struct *v, uintptr_t at, struct spares *s)
{
    if (!reaches_over(v, at))
        return v;
    vma_split_into(v, at, s->area[--s->n]);
    return vma_next(v);
}

static void
split_back(struct vma_struct *v, uintptr_t at, struct spares *s)
{
    if (reaches_over(v, at))
        vma_split_into(v, at, s->area[--s->n]);
}

bool
range_inside(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    struct vma_struct *v = find_vma_walk(mm, start);

    return reaches_over(v, start) && end < v->vm_end;
}

uintptr_t
areas_reach(struct mm_struct *mm, uintptr_t start, uintptr_t end, uint32_t must)
{
    struct vma_struct *v = find_vma_walk(mm, start);

    while (v != NULL && v->vm_start <= start && start < end &&
           (v->vm_flags & must) == must) {
        start = v->vm_end;
        v = vma_next(v);
    }
    return MIN(start, end);
}

/* --- private pages --- */

/* What of an area's layer lies in a range. */
struct part {
    uint64_t first, last;
};

static struct part
part_of(const struct vma_struct *v, uintptr_t start, uintptr_t end)
{
    return (struct part){vma_layer_index(v, MAX(start, v->vm_start)),
                         vma_layer_index(v, MIN(end, v->vm_end)) - 1};
}

/* Does V have private pages, of which some stay, or others show some? */
static inline bool
is_cut(const struct vma_struct *v, uintptr_t start, uintptr_t end)
{
    return v->layer != NULL && !(start <= v->vm_start && v->vm_end <= end &&
                                 atomic_load(&v->layer->refs) == 1);
}

int
layer_zap_prepare(struct layer *l, uint64_t first, uint64_t last)
{
    unsigned cloned = 0;
    bool ok;

    spin_lock(&l->lock);
    ok = layer_slot(l, first, &cloned) != NULL &&
         layer_slot(l, last, &cloned) != NULL;
    spin_unlock(&l->lock);
    return ok ? 0 : -ENOMEM;
}

/* See to it that no cut can fail. */
static int
prepare_cuts(struct vma_struct *first, uintptr_t start, uintptr_t end)
{
    for (struct vma_struct *v = first; v != NULL && v->vm_start < end;
         v = vma_next(v)) {
        struct part p;

        if (!is_cut(v, start, end))
            continue;
        p = part_of(v, start, end);
        if (layer_zap_prepare(v->layer, p.first, p.last) != 0)
            return -ENOMEM;
    }
    return 0;
}

static void
drop_layer(struct vma_struct *v, struct gather *g)
{
    if (v->layer != NULL)
        layer_put(v->layer, g);
    v->layer = NULL;
}

/* kern/ext/mm/huge_1g.c, if linked, takes its place. */
WEAK int
huge_cut(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    return 0;
}

/* False: there was no table. */
static bool
clear_entries(struct vma_struct *first, uintptr_t start, uintptr_t end,
              struct gather *g)
{
    bool any = false;

    for (struct vma_struct *v = first; v != NULL && v->vm_start < end;
         v = vma_next(v))
        any |= zap_ptes(v, MAX(start, v->vm_start), MIN(end, v->vm_end), g);
    return any;
}

static inline unsigned
count_cuts(struct vma_struct *first, uintptr_t start, uintptr_t end)
{
    unsigned cuts = 0;

    for (struct vma_struct *v = first; v != NULL && v->vm_start < end;
         v = vma_next(v))
        cuts += is_cut(v, start, end);
    return cuts;
}

/* Cut the layers that do not go as a whole, which are CUTS.  No entry shows the
 * private pages of [START, END) any more; FIRST is the first area that ends
 * behind START. */
static NOINLINE int
cut_layers(struct vma_struct *first, uintptr_t start, uintptr_t end,
           unsigned cuts, struct gather *g)
{
    if (cuts > 1 && prepare_cuts(first, start, end) != 0)
        return -ENOMEM;
    for (struct vma_struct *v = first; v != NULL && v->vm_start < end;
         v = vma_next(v)) {
        struct part p = part_of(v, start, end);

        if (is_cut(v, start, end) &&
            layer_zap(v->layer, p.first, p.last, g) != 0)
            return -ENOMEM; /* the only cut: nothing changed */
    }
    return 0;
}

int
discard_range(struct mm_struct *mm, uintptr_t start, uintptr_t end,
              struct gather *g)
{
    struct vma_struct *first = find_vma_walk(mm, start), *v;
    unsigned cuts = count_cuts(first, start, end);

    if (huge_cut(mm, start, end) != 0)
        return -EINVAL;
    (void)clear_entries(first, start, end, g);
    if (cuts != 0 && cut_layers(first, start, end, cuts, g) != 0)
        return -ENOMEM;
    for (v = first; v != NULL && v->vm_start < end; v = vma_next(v))
        if (v->layer != NULL && !is_cut(v, start, end))
            drop_layer(v, g);
    return 0;
}

/* --- unmap --- */

/* A hole in V needs an area for what lies behind it. */
static int
hole_spare(struct spares *s, struct vma_struct *v)
{
    if (v->vm_mm->map_count >= map_count_max)
        return -ENOMEM;
    return spares_get(s, v->vm_mm, 1);
}

/* V goes; it is destroyed when the gate is open. */
static void
retire(struct vma_struct *v, struct gather *g)
{
    vma_unlink(v);
    drop_layer(v, g);
    list_add(&v->vm_mm->dead, &v->list_link);
}

/* What of V lies in [START, END) goes. */
static void
take_off(struct vma_struct *v, uintptr_t start, uintptr_t end, struct spares *s,
         struct gather *g)
{
    /* LAB 4.8: take the part of V that lies in [START, END) away.
     *
     * There are four cases: all of V goes, its head, its tail, or a hole in
     * its middle. The pages and entries are gone already; here it is only
     * about the area. For the hole there is a spare area in S: split_back()
     * uses it. vma_trim() moves the ends of an area and keeps its page numbers
     * right, retire() lets an area go. */
    bool front = v->vm_start < start;

    if (front)
        split_back(v, end, s);
    if (front)
        vma_trim(v, v->vm_start, start);
    else if (end < v->vm_end)
        vma_trim(v, end, v->vm_end);
    else
        retire(v, g);
    /* END 4.8 */
}

int
unmap_range(struct mm_struct *mm, uintptr_t start, uintptr_t end,
            struct gather *g)
{
    struct vma_struct *v = find_vma_walk(mm, start), *next;
    struct spares s;
    unsigned cuts;
    int err = 0;

    s.n = 0;
    if (v == NULL || v->vm_start >= end)
        return 0;
    if (huge_cut(mm, start, end) != 0)
        return -EINVAL;
    if (v->vm_start < start && end < v->vm_end && hole_spare(&s, v) != 0)
        return -ENOMEM;
    /* Tables first: all entries are forgotten by one flush.  Where there was no
     * last table none became empty. */
    if (clear_entries(v, start, end, g) || (end - start) >> pte_shift(1) != 0)
        pgtable_trim(mm, start, end, g);
    cuts = count_cuts(v, start, end);
    if (cuts != 0)
        err = cut_layers(v, start, end, cuts, g);
    for (; err == 0 && v != NULL && v->vm_start < end; v = next) {
        next = vma_next(v);
        take_off(v, start, end, &s, g);
    }
    if (s.n != 0)
        spares_drop(&s);
    return err;
}

/* Nearly all tables are where areas are; what lies between may be long, unless
 * it is a few last tables. */
static void
trim_areas(struct mm_struct *mm, struct gather *g)
{
    unsigned near = pte_shift(1) + 3;
    uintptr_t start = 0, end = 0;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->vm_start >> near != end >> near) {
            if (start < end)
                pgtable_trim(mm, start, end, g);
            start = v->vm_start;
        }
        end = v->vm_end;
    }
    if (start < end)
        pgtable_trim(mm, start, end, g);
}

void
unmap_all(struct mm_struct *mm)
{
    struct gather g;

    gather_start(&g, mm);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link)
        zap_ptes(v, v->vm_start, v->vm_end, &g);
    trim_areas(mm, &g);
    pgtable_trim(mm, 0, user_end(), &g);
    vma_fell_tree(mm);
    while (!list_empty(&mm->mmap_list))
        retire(list_first(&mm->mmap_list, struct vma_struct, list_link), &g);
    gather_finish(&g);
}

/* --- change --- */

static uint32_t
changed(const struct vma_struct *v, uint32_t clear, uint32_t set)
{
    return v == NULL ? 0 : ((v->vm_flags & ~clear) | set) ^ v->vm_flags;
}

/* Returns the area that V became part of. */
static struct vma_struct *
change_area(struct vma_struct *v, uint32_t change, struct gather *g)
{
    /* LAB 4.10: change the flags of all of V, and make the hardware know.
     *
     * CHANGE has the flags that become different. Locked pages are counted in
     * the space, so a change of VM_LOCKED changes locked_pages. When rights
     * change, the entries that are there must follow: first the flags, then
     * protect_ptes(), which gives the entries what the area allows by then,
     * and notes for the flush in G what a hart may still remember. Whoever
     * changes only the area lets a program write through an old entry.
     *
     * Equal neighbours become one area again: return what vma_merge() says. */
    v->vm_flags ^= change;
    if (change & VM_LOCKED)
        v->vm_mm->locked_pages +=
            v->vm_flags & VM_LOCKED ? vma_pages(v) : -vma_pages(v);
    if ((change & VM_RWX) || ((v->vm_flags | change) & huge_flags))
        protect_ptes(v, v->vm_start, v->vm_end, g);
    return vma_merge(v);
    /* STUB: v->vm_flags ^= change; */
    /* STUB: return v; */
    /* END 4.10 */
}

int
change_flags(struct mm_struct *mm, uintptr_t start, uintptr_t end,
             uint32_t clear, uint32_t set, struct gather *g)
{
    struct vma_struct *v = find_vma_walk(mm, start), *last;
    struct spares s;
    unsigned n = 0;

    if (start >= end || v == NULL)
        return 0;
    if (huge_cut(mm, start, end) != 0)
        return -EINVAL;
    last = end <= v->vm_end ? v : find_vma_walk(mm, end);
    n += reaches_over(v, start) && changed(v, clear, set);
    n += reaches_over(last, end) && changed(last, clear, set);
    if (mm->map_count + (int)n > map_count_max || spares_get(&s, mm, n) != 0)
        return -ENOMEM;
    for (; v != NULL && v->vm_start < end; v = vma_next(v)) {
        uint32_t change = changed(v, clear, set);

        if (change == 0)
            continue;
        v = split_front(v, start, &s);
        split_back(v, end, &s);
        v = change_area(v, change, g);
    }
    spares_drop(&s);
    return 0;
}
