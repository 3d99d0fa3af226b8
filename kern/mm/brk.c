/* brk.c: areas that grow: the heap upwards when asked, a stack downwards when
 * touched.
 *
 *     [ data ][ heap  ->            ...            STACK_GAP  <-  stack ]
 *             ^       ^                                       ^
 *         brk_start  brk                            the fault was here
 *
 * Growing is mapping: a new area is put beside the old one, and vma_merge()
 * makes them one.  It cannot when the old one's layer is shared and somebody
 * else shows the next indexes; then they stay two, which nobody sees. */
#include "mm/mmap.h"
#include <errno.h>

/* A new area [START, END) with FLAGS, and one with its neighbours if it can. */
static int
add_anonymous(struct mm_struct *mm, uintptr_t start, uintptr_t end,
              uint32_t flags)
{
    struct vma_struct *vma;

    if (mm->map_count >= map_count_max)
        return -ENOMEM;
    vma = vma_create(mm, start, end, flags);
    if (vma == NULL)
        return -ENOMEM;
    insert_vma_struct(mm, vma);
    vma_merge(vma);
    return 0;
}

static int
move_break(struct mm_struct *mm, uintptr_t from, uintptr_t to)
{
    struct gather g;
    int err;

    if (from < to) {
        uint32_t flags = VM_READ | VM_WRITE | VM_MAYWRITE | mm->def_flags;

        if (!range_free(mm, from, to - from) ||
            !mm_may_have(mm, flags, from, to))
            return -ENOMEM;
        return add_anonymous(mm, from, to, flags);
    }
    if (from == to)
        return 0;
    gather_start(&g, mm);
    err = unmap_range(mm, to, from, &g);
    gather_finish(&g);
    return err;
}

uintptr_t
do_brk(struct mm_struct *mm, uintptr_t addr)
{
    uintptr_t from, to;
    bool populate;

    mm_write_begin(mm);
    from = PAGE_UP(mm->brk);
    if (mm->brk_start != 0 && mm->brk_start <= addr && addr <= user_end() &&
        move_break(mm, from, PAGE_UP(addr)) == 0)
        mm->brk = addr;
    addr = mm->brk;
    to = PAGE_UP(addr);
    populate = mm->def_flags & VM_LOCKED;
    mm_write_end(mm);
    if (populate && from < to)
        (void)mm_populate(mm, from, to);
    return addr;
}

static int
grow_down(struct mm_struct *mm, uintptr_t to)
{
    struct vma_struct *v = find_vma(mm, to), *prev, *top;

    if (v == NULL || v->vm_start <= to)
        return v == NULL ? -EFAULT : 0;
    if ((v->vm_flags & VM_GROWSDOWN) == 0 || to < MMAP_MIN)
        return -EFAULT;
    /* A stack that could not stay one area is several, one above the other. */
    for (top = v; vma_next(top) != NULL &&
                  vma_next(top)->vm_start == top->vm_end &&
                  (vma_next(top)->vm_flags & VM_GROWSDOWN);)
        top = vma_next(top);
    if (top->vm_end - to > mm->stack_limit ||
        !mm_may_have(mm, v->vm_flags, to, v->vm_start))
        return -EFAULT;
    prev = vma_prev(v);
    if (prev != NULL && to < prev->vm_end + STACK_GAP)
        return -EFAULT;
    return add_anonymous(mm, to, v->vm_start, v->vm_flags);
}

int
expand_stack(struct mm_struct *mm, uintptr_t addr)
{
    int err;

    mm_write_begin(mm);
    err = grow_down(mm, PAGE_DOWN(addr));
    mm_write_end(mm);
    return err;
}
