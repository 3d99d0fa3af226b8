/* huge_1g.c: adds leaves of 1 GiB to huge.c; a first reader may skip it.
 *
 * Filling 1 GiB takes far too long for a fault, where interrupts are off.  So
 * these leaves are made by the call that asks for them, outside of the gate;
 * only the result is mapped inside.  What cannot be had stays empty, and its
 * faults are served by 2 MiB or 4 KiB.
 *
 * A leaf of 1 GiB is given up only as a whole: calls that would cut one fail,
 * before they change anything.  A copy of the space is no such call: its first
 * store splits the leaf like any other, and so does reclaim. */
#include "ext/mm/huge.h"
#include "mm/fault_impl.h"
#include "mm/huge.h"

#define GIB_LEVEL 2
#define GIB       (1ul << 30)

static bool in_use; /* [a] nobody asked yet: nothing to look at */

static bool
cuts_leaf(struct mm_struct *mm, uintptr_t at)
{
    unsigned level;

    return at % GIB != 0 && pte_is_leaf(pte_load(pte_lookup(mm, at, &level))) &&
           level == GIB_LEVEL;
}

int
huge_cut(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    bool cut = atomic_load(&in_use) && start < end &&
               (cuts_leaf(mm, start) || cuts_leaf(mm, end));

    return cut ? -EINVAL : 0;
}

/* Enter the gate of F->mm and look for F->va's area and its layer; made with
 * false, the gate is open again. */
static bool
enter(struct fault *f)
{
    gate_enter(&f->mm->gate);
    f->vma = find_vma(f->mm, f->va);
    if (f->vma != NULL && (f->vma->vm_flags & VM_HUGE_1G) &&
        huge_area(f->vma, f->va, GIB_LEVEL)) {
        f->layer = atomic_load_acquire(&f->vma->layer);
        if (f->layer == NULL)
            f->layer = area_layer(f->vma);
        if (f->layer != NULL)
            return true;
    }
    gate_leave(&f->mm->gate);
    return false;
}

static void
fill_one(struct mm_struct *mm, uintptr_t va)
{
    struct fault f = {.mm = mm, .code = FAULT_WRITE, .va = va};
    struct page *first;
    bool mapped = false;
    uint32_t epoch;

    if (!enter(&f))
        return;
    epoch = f.layer->epoch;
    gate_leave(&mm->gate);
    first = huge_page_alloc(GIB_LEVEL, epoch);
    if (first == NULL)
        return;
    if (enter(&f)) {
        mapped = huge_page_map(&f, first, GIB_LEVEL);
        gate_leave(&mm->gate);
    }
    if (mapped)
        mm_count(mm, MM_HMAP);
    else
        huge_page_free(first, GIB >> PAGE_SHIFT);
}

/* What is too much of [AT, END) goes; the rest, [START, START + LEN), gets its
 * flag. */
static int
trim_and_mark(struct mm_struct *mm, uintptr_t at, uintptr_t start, size_t len,
              uintptr_t end)
{
    struct gather g;
    int err = 0;

    mm_write_begin(mm);
    gather_start(&g, mm);
    if (at < start)
        err = unmap_range(mm, at, start, &g);
    if (err == 0 && start + len < end)
        err = unmap_range(mm, start + len, end, &g);
    if (err == 0)
        err = change_flags(mm, start, start + len, 0, VM_HUGE_1G, &g);
    gather_finish(&g);
    mm_write_end(mm);
    return err;
}

long
do_mmap_1g(struct mm_struct *mm, size_t len, uint32_t prot)
{
    uintptr_t start;
    long at;
    int err;

    if (len == 0)
        return -EINVAL;
    if (len > user_end() - 2 * GIB)
        return -ENOMEM;
    len = ROUND_UP(len, GIB);
    at = do_mmap(mm, 0, len + GIB, prot, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    if (at < 0)
        return at;
    atomic_store(&in_use, true);
    start = ROUND_UP((uintptr_t)at, GIB);
    err =
        trim_and_mark(mm, (uintptr_t)at, start, len, (uintptr_t)at + len + GIB);
    if (err != 0) {
        (void)do_munmap(mm, (uintptr_t)at, len + GIB);
        return err;
    }
    for (uintptr_t va = start; va < start + len; va += GIB)
        fill_one(mm, va);
    return (long)start;
}
