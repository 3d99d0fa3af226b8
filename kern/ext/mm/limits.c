/* limits.c: adds RLIMIT_AS and RLIMIT_DATA to mm/mmap.c; a first reader may skip it.
 *
 * Nothing is counted as areas come and go: hardly any space has a limit, and one
 * that has asks for its sums when it grows.  A limit below what there is takes
 * nothing away. */
#include "mm/mmap.h"

/* What Linux calls data: private, may be written, no stack. */
static bool
is_data(uint32_t vm_flags)
{
    return (vm_flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/* How much of V lies in [START, END). */
static size_t
inside(const struct vma_struct *v, uintptr_t start, uintptr_t end)
{
    uintptr_t from = MAX(v->vm_start, start), to = MIN(v->vm_end, end);

    return from < to ? to - from : 0;
}

bool
limits_allow(const struct mm_struct *mm, uint32_t vm_flags, uintptr_t start,
             uintptr_t end)
{
    size_t all = end - start, data = is_data(vm_flags) ? all : 0;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        size_t more = v->vm_end - v->vm_start - inside(v, start, end);

        all += more;
        data += is_data(v->vm_flags) ? more : 0;
    }
    return all <= mm->as_limit &&
           (!is_data(vm_flags) || data <= mm->data_limit);
}

bool
limits_allow_write(const struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    size_t data = 0, more = 0;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (is_data(v->vm_flags))
            data += v->vm_end - v->vm_start;
        else if (is_data(v->vm_flags | VM_WRITE))
            more += inside(v, start, end);
    }
    return more == 0 || data + more <= mm->data_limit;
}
