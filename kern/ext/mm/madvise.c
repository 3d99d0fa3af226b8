/* madvise.c: adds madvise to mm/mmap.c; a first reader may skip it.
 *
 * Advice is of three kinds.  Some changes what the pages are: DONTNEED drops
 * private pages, so that zeros or the file show again; FREE may do so at any
 * time until the next write (lazy_free.c).  Some is remembered in the area, and
 * splits it.  The rest is only about speed, and is checked but not followed,
 * except for WILLNEED: pages of objects are brought in, and PAGEOUT (pageout.c). */
#include "ext/mm/mapcalls.h"
#include "mm/fault.h"
#include <errno.h>

/* What is remembered. */
static const struct remembered {
    int advice;
    uint32_t clear, set;
} remembered[] = {
    {MADV_HUGEPAGE, VM_NOHUGE, VM_HUGE},
    {MADV_NOHUGEPAGE, VM_HUGE, VM_NOHUGE},
    {MADV_DONTFORK, 0, VM_DONTFORK},
    {MADV_DOFORK, VM_DONTFORK, 0},
};

static bool
is_known(int advice)
{
    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_FREE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_COLD:
    case MADV_PAGEOUT:
        return true;
    }
    return false;
}

/* May the private pages of V be dropped? */
static bool
may_discard(const struct vma_struct *v, int advice)
{
    if (v->vm_flags & (VM_LOCKED | VM_PFNMAP))
        return false;
    return advice == MADV_DONTNEED ||
           (v->vm_object == NULL && (v->vm_flags & VM_SHARED) == 0);
}

/* Without ext/mm/lazy_free.c: now is a time, too. */
WEAK int
free_range(struct mm_struct *mm, uintptr_t start, uintptr_t end,
           struct gather *g)
{
    return discard_range(mm, start, end, g);
}

/* Without ext/mm/pageout.c. */
WEAK void
page_out_range(struct mm_struct *mm, uintptr_t addr, uintptr_t end)
{
}

/* As Linux, what lies before an area that must not be touched is dropped. */
static int
discard(struct mm_struct *mm, uintptr_t start, uintptr_t end, int advice,
        struct gather *g)
{
    struct vma_struct *v = find_vma(mm, start);
    int err = 0, stopped = 0;

    for (; v != NULL && v->vm_start < end; v = vma_next(v)) {
        if (!may_discard(v, advice)) {
            end = MAX(start, v->vm_start);
            stopped = -EINVAL;
        }
    }
    if (start < end)
        err = advice == MADV_FREE ? free_range(mm, start, end, g)
                                  : discard_range(mm, start, end, g);
    if (err != 0)
        return err;
    /* An area that lost its layer may be like its neighbour now. */
    for (v = find_vma(mm, start); v != NULL && v->vm_start < end;)
        v = vma_next(vma_merge(v));
    return stopped;
}

static int
advise(struct mm_struct *mm, uintptr_t start, uintptr_t end, int advice,
       struct gather *g)
{
    if (advice == MADV_DONTNEED || advice == MADV_FREE)
        return discard(mm, start, end, advice, g);
    for (unsigned i = 0; i < ARRAY_LEN(remembered); i++)
        if (remembered[i].advice == advice)
            return change_flags(mm, start, end, remembered[i].clear,
                                remembered[i].set, g);
    return 0;
}

/* Does the page at ADDR come from an object, and may it be read? */
static bool
has_pages_below(struct mm_struct *mm, uintptr_t addr)
{
    struct vma_struct *v;
    bool yes;

    gate_enter(&mm->gate);
    v = find_vma(mm, addr);
    yes = v != NULL && v->vm_start <= addr && v->vm_object != NULL &&
          (v->vm_flags & VM_READ) && !(v->vm_flags & VM_PFNMAP);
    gate_leave(&mm->gate);
    return yes;
}

/* As far as there is memory. */
static void
bring_in(struct mm_struct *mm, uintptr_t addr, uintptr_t end)
{
    for (; addr < end; addr += PAGE_SIZE)
        if (has_pages_below(mm, addr) &&
            (do_pgfault(mm, FAULT_READ | FAULT_USER, addr) & VM_FAULT_OOM))
            return;
}

int
do_madvise(struct mm_struct *mm, uintptr_t addr, size_t len, int advice)
{
    uintptr_t end = addr + PAGE_UP(len);
    struct gather g;
    int err;

    if (!is_known(advice) || (addr & PAGE_MASK) || end < addr ||
        (len != 0 && PAGE_UP(len) == 0))
        return -EINVAL;
    if (end == addr)
        return 0;
    mm_write_begin(mm);
    gather_start(&g, mm);
    err = advise(mm, addr, end, advice, &g);
    if (err == 0 && areas_reach(mm, addr, end, 0) < end)
        err = -ENOMEM; /* there was a hole, but all else is done */
    gather_finish(&g);
    mm_write_end(mm);
    if (err == 0 && advice == MADV_WILLNEED)
        bring_in(mm, addr, end);
    if (err == 0 && advice == MADV_PAGEOUT)
        page_out_range(mm, addr, end);
    return err;
}
