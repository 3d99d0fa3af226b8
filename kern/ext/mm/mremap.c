/* mremap.c: adds mremap to mm/mmap.c; a first reader may skip it.
 *
 *     area      [  a  |    old     |  b  ]             another    [   c   ]
 *     split     [  a  ][   old    ][  b  ]
 *     move      [  a  ]            [  b  ]     [   old    | tail ]
 *
 * The area itself moves: taken out of the space, put back elsewhere.  It keeps
 * its layer and counts on in it from the same index, so private pages and swap
 * slots need not be touched.  The entries follow (move_ptes.c), so that nothing
 * is faulted in again.  What is longer than before is a new area behind it,
 * joined with it if it can be.
 *
 * All that can fail comes before the first visible change: the areas are made
 * in advance, the layer is prepared for the cut if the area shrinks, and
 * making room at the destination is all or nothing. */
#include "ext/mm/mapcalls.h"
#include "mm/huge.h"
#include <errno.h>

struct move {
    struct mm_struct *mm;
    uintptr_t from, to;
    size_t old_len, new_len;
    uint32_t flags;
    struct spares spares;
    struct gather g;
};

static int
check_args(const struct move *m)
{
    uint32_t flags = m->flags;

    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return -EINVAL;
    if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) &&
        (flags & MREMAP_MAYMOVE) == 0)
        return -EINVAL;
    if ((flags & MREMAP_DONTUNMAP) && m->old_len != m->new_len)
        return -EINVAL;
    if ((m->from & PAGE_MASK) || m->new_len == 0)
        return -EINVAL;
    if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0)
        return 0;
    if ((m->to & PAGE_MASK) || m->new_len > user_end() ||
        m->to > user_end() - m->new_len)
        return -EINVAL;
    if (m->to < m->from + m->old_len && m->from < m->to + m->new_len)
        return -EINVAL;
    return (flags & MREMAP_FIXED) && m->to < MMAP_MIN ? -EPERM : 0;
}

/* Can [from, from + old_len) become longer, or go elsewhere? */
static int
check_area(const struct move *m, const struct vma_struct *v)
{
    if (v == NULL || v->vm_start > m->from)
        return -EFAULT;
    if (m->old_len == 0) /* a second view of shared memory: use mmap() */
        return -EINVAL;
    if (m->old_len > v->vm_end - m->from)
        return -EFAULT;
    if (m->new_len <= m->old_len)
        return 0;
    if (v->vm_flags & VM_PFNMAP)
        return -EFAULT;
    if (m->new_len > AREA_PAGES_MAX * PAGE_SIZE)
        return -ENOMEM;
    if (vma_object_index(v, m->from) + (m->new_len >> PAGE_SHIFT) > INT64_MAX >>
        PAGE_SHIFT)
        return -EINVAL;
    return 0;
}

/* Put the spare area NEW at [START, END); it shows what V would show there,
 * if V reached so far, but no private pages. */
static void
add_like(struct vma_struct *new, struct vma_struct *v, uintptr_t start,
         uintptr_t end)
{
    vma_place(new, start, end);
    new->vm_flags = v->vm_flags;
    new->vm_object = v->vm_object;
    new->vm_pgoff = vma_object_index(v, start);
    if (new->vm_object != NULL)
        object_get(new->vm_object);
    insert_vma_struct(v->vm_mm, new);
}

static struct vma_struct *
take_spare(struct move *m)
{
    return m->spares.area[--m->spares.n];
}

/* Longer, and there is room behind. */
static int
grow_in_place(struct move *m, struct vma_struct *v)
{
    struct vma_struct *new;
    int err = spares_get(&m->spares, m->mm, 1);

    if (err != 0 || m->mm->map_count >= map_count_max)
        return -ENOMEM;
    new = take_spare(m);
    add_like(new, v, v->vm_end, m->from + m->new_len);
    vma_merge(new);
    return 0;
}

/* Without ext/mm/move_ptes.c: tables are only a cache. */
WEAK void
move_ptes(struct vma_struct *vma, uintptr_t to, struct gather *g)
{
    zap_ptes(vma, vma->vm_start, vma->vm_end, g);
}

/* The destination is empty: from here on nothing fails. */
static void
move_area(struct move *m)
{
    size_t len = MIN(m->old_len, m->new_len);
    struct vma_struct *v;

    split_at(m->mm, m->from, &m->spares);
    split_at(m->mm, m->from + len, &m->spares);
    v = find_vma(m->mm, m->from);
    gather_flush(&m->g); /* the destination, before anything is there again */
    move_ptes(v, m->to, &m->g);
    pgtable_trim(m->mm, v->vm_start, v->vm_end, &m->g);
    vma_unlink(v);
    if (m->flags & MREMAP_DONTUNMAP)
        add_like(take_spare(m), v, v->vm_start, v->vm_end);
    v->vm_start = m->to;
    v->vm_end = m->to + len;
    insert_vma_struct(m->mm, v);
    if (m->new_len > len)
        add_like(take_spare(m), v, v->vm_end, m->to + m->new_len);
    vma_merge(v);
    vma_merge(find_vma(m->mm, m->to + m->new_len - 1)); /* the tail */
    v = find_vma(m->mm, m->from);
    if (v != NULL) /* what was left */
        vma_merge(v);
}

/* What a move needs, made before anything changes.  The part that is left
 * behind when the area shrinks must be cut off without fail, later. */
static int
prepare_move(struct move *m, struct vma_struct *v)
{
    uintptr_t end = m->from + m->old_len, cut = m->from + m->new_len;

    if (m->mm->map_count + 3 > map_count_max ||
        spares_get(&m->spares, m->mm, 3) != 0)
        return -ENOMEM;
    if (cut < end && v->layer != NULL)
        return layer_zap_prepare(v->layer, vma_layer_index(v, cut),
                                 vma_layer_index(v, end) - 1);
    return 0;
}

static int
make_room(struct move *m)
{
    struct vma_struct *next;

    if (m->flags & MREMAP_FIXED)
        return unmap_range(m->mm, m->to, m->to + m->new_len, &m->g);
    if (m->to < MMAP_MIN || !range_free(m->mm, m->to, m->new_len))
        m->to = vma_find_gap(m->mm, m->new_len, MMAP_TOP, &next);
    return m->to == 0 ? -ENOMEM : 0;
}

static int
move_elsewhere(struct move *m, struct vma_struct *v)
{
    uintptr_t end = m->from + m->old_len, cut = m->from + m->new_len;
    int err = huge_cut(m->mm, m->from, end);

    if (err == 0)
        err = huge_cut(m->mm, m->from, MIN(cut, end));
    if (err == 0)
        err = prepare_move(m, v);
    if (err == 0)
        err = make_room(m);
    if (err != 0)
        return err;
    if (cut < end) { /* an area of its own, whose layer is prepared */
        split_at(m->mm, cut, &m->spares);
        split_at(m->mm, end, &m->spares);
        err = unmap_range(m->mm, cut, end, &m->g);
        assert(err == 0);
    }
    move_area(m);
    return 0;
}

/* As far as limits go; what is added is counted as if it lay behind all areas. */
static bool
may_grow(const struct move *m, const struct vma_struct *v)
{
    size_t kept = m->flags & MREMAP_DONTUNMAP ? 0 : m->old_len;

    return m->new_len <= kept || mm_may_have(m->mm, v->vm_flags, user_end(),
                                             user_end() + m->new_len - kept);
}

static long
resize(struct move *m)
{
    struct vma_struct *v = find_vma(m->mm, m->from);
    uintptr_t end = m->from + m->old_len;
    int err;

    if ((m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0 && v != NULL &&
        v->vm_start <= m->from && m->new_len <= m->old_len) {
        if (m->new_len < m->old_len && end > m->from)
            err = unmap_range(m->mm, m->from + m->new_len, end, &m->g);
        else
            err = end < m->from ? -EINVAL : 0;
        return err != 0 ? err : (long)m->from;
    }
    err = check_area(m, v);
    if (err == 0 && !may_grow(m, v))
        err = -ENOMEM;
    if (err != 0)
        return err;
    if ((m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0 &&
        range_free(m->mm, end, m->new_len - m->old_len)) { /* ends there */
        err = grow_in_place(m, v);
        return err != 0 ? err : (long)m->from;
    }
    if ((m->flags & MREMAP_MAYMOVE) == 0)
        return -ENOMEM;
    err = move_elsewhere(m, v);
    return err != 0 ? err : (long)m->to;
}

long
do_mremap(struct mm_struct *mm, uintptr_t addr, size_t old_len, size_t new_len,
          uint32_t flags, uintptr_t new_addr)
{
    struct move m = {.mm = mm, .from = addr, .flags = flags};
    bool locked = false;
    struct vma_struct *v;
    long at;

    m.old_len = PAGE_UP(old_len);
    m.new_len = PAGE_UP(new_len);
    m.to = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? new_addr : 0;
    at = check_args(&m);
    if (at != 0)
        return at;
    mm_write_begin(mm);
    gather_start(&m.g, mm);
    at = resize(&m);
    gather_finish(&m.g);
    if (at > 0) {
        v = find_vma(mm, (uintptr_t)at);
        locked = v != NULL && (v->vm_flags & VM_LOCKED);
    }
    mm_write_end(mm);
    spares_drop(&m.spares);
    if (locked)
        (void)mm_populate(mm, (uintptr_t)at, (uintptr_t)at + m.new_len);
    return at;
}
