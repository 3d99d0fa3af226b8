/* mlock.c: adds mlock and its kin to mm/mmap.c; a first reader may skip it.
 *
 * A locked area's pages stay in memory: the fault path marks each page it maps
 * there.  Pages that are mapped already are not marked, so their entries are
 * cleared before the flag changes, either way: tables are only a cache, and
 * faults count anew. */
#include "ext/mm/mapcalls.h"
#include <errno.h>

/* Set or clear the lock of [START, END). */
static int
lock_areas(struct mm_struct *mm, uintptr_t start, uintptr_t end, uint32_t set,
           struct gather *g)
{
    struct vma_struct *v = find_vma(mm, start);

    for (; v != NULL && v->vm_start < end; v = vma_next(v))
        if ((v->vm_flags & VM_LOCKED) != set)
            zap_ptes(v, MAX(start, v->vm_start), MIN(end, v->vm_end), g);
    return change_flags(mm, start, end, VM_LOCKED, set, g);
}

/* The whole pages that [ADDR, ADDR + LEN) touches, as Linux rounds them. */
static int
round_range(uintptr_t *addr, size_t len, uintptr_t *end)
{
    len = PAGE_UP(len + (*addr & PAGE_MASK));
    *addr = PAGE_DOWN(*addr);
    *end = *addr + len;
    return *end < *addr ? -EINVAL : 0;
}

/* As mprotect: what lies before a hole is changed. */
static int
lock_range(struct mm_struct *mm, uintptr_t start, uintptr_t end, uint32_t set,
           uintptr_t *reach)
{
    struct gather g;
    int err;

    mm_write_begin(mm);
    gather_start(&g, mm);
    *reach = areas_reach(mm, start, end, 0);
    err = lock_areas(mm, start, *reach, set, &g);
    gather_finish(&g);
    mm_write_end(mm);
    return err;
}

int
do_mlock(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t flags)
{
    uintptr_t end, reach;
    int err;

    if (flags & ~MLOCK_ONFAULT)
        return -EINVAL;
    err = round_range(&addr, len, &end);
    if (err != 0 || addr == end)
        return err;
    err = lock_range(mm, addr, end, VM_LOCKED, &reach);
    if (err != 0)
        return err;
    if (reach < end)
        return -ENOMEM;
    return flags & MLOCK_ONFAULT ? 0 : mm_populate(mm, addr, end);
}

int
do_munlock(struct mm_struct *mm, uintptr_t addr, size_t len)
{
    uintptr_t end, reach;
    int err = round_range(&addr, len, &end);

    if (err != 0 || addr == end)
        return err;
    err = lock_range(mm, addr, end, 0, &reach);
    return err != 0 ? err : reach < end ? -ENOMEM : 0;
}

/* Fault in every area there is, as far as possible. */
static void
populate_all(struct mm_struct *mm)
{
    uintptr_t start = 0, end = 0;

    for (;;) {
        struct vma_struct *v;

        gate_enter(&mm->gate);
        v = find_vma(mm, end);
        if (v != NULL) {
            start = v->vm_start;
            end = v->vm_end;
        }
        gate_leave(&mm->gate);
        if (v == NULL)
            return;
        (void)mm_populate(mm, start, end);
    }
}

static int
lock_all(struct mm_struct *mm, uint32_t set, bool current, uint32_t future)
{
    struct gather g;
    int err = 0;

    mm_write_begin(mm);
    gather_start(&g, mm);
    if (current)
        err = lock_areas(mm, 0, user_end(), set, &g);
    if (err == 0)
        mm->def_flags = future;
    gather_finish(&g);
    mm_write_end(mm);
    return err;
}

int
do_mlockall(struct mm_struct *mm, uint32_t flags)
{
    bool current = flags & MCL_CURRENT;
    int err;

    if ((flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) ||
        (flags & (MCL_CURRENT | MCL_FUTURE)) == 0)
        return -EINVAL;
    err = lock_all(mm, VM_LOCKED, current, flags & MCL_FUTURE ? VM_LOCKED : 0);
    if (err == 0 && current && (flags & MCL_ONFAULT) == 0)
        populate_all(mm);
    return err;
}

int
do_munlockall(struct mm_struct *mm)
{
    return lock_all(mm, 0, true, 0);
}
