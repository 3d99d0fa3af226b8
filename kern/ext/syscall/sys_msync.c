/* sys_msync.c: adds msync to mm/writeback.c; a first reader may skip it.
 *
 * The range is walked area by area: the gate is held for a look at one, which
 * gives an object and a piece of it; that is written outside of it, and then the
 * walk goes on behind.  What is mapped meanwhile may be missed, as anywhere. */
#include "ext/mm/mapcalls.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include <errno.h>

struct piece {
    struct vm_object *obj; /* a reference, or NULL: nothing to write */
    uint64_t first, last;
    uintptr_t end;
};

/* What lies at START, or behind it and before END.  False: nothing. */
static bool
next_piece(struct mm_struct *mm, uintptr_t start, uintptr_t end,
           struct piece *p, int *err, bool invalidate)
{
    struct vma_struct *v;

    mm_write_begin(mm);
    v = find_vma(mm, start);
    if (v == NULL || v->vm_start > start)
        *err = -ENOMEM;
    if (v == NULL || v->vm_start >= end) {
        mm_write_end(mm);
        return false;
    }
    start = MAX(start, v->vm_start);
    *p = (struct piece){.end = MIN(end, v->vm_end)};
    if (invalidate && (v->vm_flags & VM_LOCKED)) {
        *err = -EBUSY;
    } else if (v->vm_object != NULL && (v->vm_flags & VM_SHARED)) {
        p->obj = v->vm_object;
        p->first = vma_object_index(v, start);
        p->last = vma_object_index(v, p->end - 1);
        object_get(p->obj);
    }
    mm_write_end(mm);
    return true;
}

static int
write_piece(const struct piece *p, bool sync)
{
    const struct pager_ops *ops = p->obj->ops;
    int err = 0;

    if (ops->page_out != NULL)
        err = object_sync(p->obj, p->first, p->last, sync);
    if (err == 0 && sync && ops->sync != NULL)
        err = ops->sync(p->obj);
    return err;
}

int
do_msync(struct mm_struct *mm, uintptr_t start, uintptr_t end, bool sync,
         bool invalidate)
{
    struct piece p;
    int hole = 0, err = 0;

    while (err == 0 && start < end &&
           next_piece(mm, start, end, &p, &hole, invalidate)) {
        if (hole == -EBUSY)
            return hole;
        if (p.obj != NULL) {
            err = write_piece(&p, sync);
            object_put(p.obj);
        }
        start = p.end;
    }
    return err != 0 ? err : hole;
}

/* --- the call --- */

#define MS_ASYNC      1u
#define MS_INVALIDATE 2u
#define MS_SYNC       4u

static long
sys_msync(ARGS)
{
    if ((a0 & PAGE_MASK) || (a2 & ~7ul) || ((a2 & MS_ASYNC) && (a2 & MS_SYNC)))
        return -EINVAL;
    if (a0 >= user_end() || a1 > user_end() - a0)
        return -ENOMEM;
    return do_msync(current_process()->mm, a0, PAGE_UP(a0 + a1), a2 & MS_SYNC,
                    a2 & MS_INVALIDATE);
}
SYSCALL(227, msync, "pux", sys_msync);
