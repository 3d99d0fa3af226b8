/* mmap.c: mmap, munmap, mprotect.
 *
 * Each call has the same three parts:
 *
 *     check the arguments     nothing is locked, wrong ones leave here
 *     make what is needed     areas, objects; may sleep, may fail
 *     mm_write_begin
 *       check the space       is it free? are there too many areas?
 *       act                   range.c: all of it, or -ENOMEM and nothing
 *     mm_write_end
 *
 * so a call that fails leaves the space as it was.  One exception is Linux's
 * and wanted: mprotect() changes what lies before a hole, then says -ENOMEM. */
#include "mm/mmap.h"
#include "mm/fault.h"
#include "mm/space.h"
#include <errno.h>

/* --- mmap --- */

/* The flags of the area, from those of the call. */
static int
area_flags(uint32_t prot, uint32_t flags, const struct vm_object *obj,
           uint32_t *vm_flags)
{
    uint32_t f = (prot & VM_RWX) | VM_MAYWRITE;
    bool frames =
        obj != NULL && obj->ops->frame != NULL && !object_has_pages(obj);
    bool readonly = flags & MAP_READONLY;

    f |= flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0;
    f |= flags & MAP_LOCKED ? VM_LOCKED : 0;
    switch (flags & MAP_TYPE) {
    case MAP_PRIVATE:
        if (obj != NULL && (flags & MAP_GROWSDOWN))
            return -EINVAL; /* what would lie before the file's begin? */
        readonly = frames;  /* nothing to copy a private page from */
        break;
    case MAP_SHARED_VALIDATE:
        if (obj == NULL)
            return -EINVAL;
        if (flags & ~(MAP_LEGACY | MAP_READONLY))
            return -EOPNOTSUPP;
        /* fall through */
    case MAP_SHARED:
        if (flags & MAP_GROWSDOWN)
            return -EINVAL;
        f |= VM_SHARED;
        break;
    default:
        return -EINVAL;
    }
    if (readonly && (prot & VM_WRITE))
        return -EACCES;
    f |= frames ? VM_PFNMAP : 0;
    f &= readonly ? ~VM_MAYWRITE : ~0u;
    *vm_flags = f;
    return 0;
}

/* What is wrong with the call, whatever the space looks like? */
static int
check_call(uintptr_t addr, size_t len, uint32_t flags, uint64_t offset)
{
    if (len == 0 || (offset & PAGE_MASK))
        return -EINVAL;
    if (len > user_end() || len > AREA_PAGES_MAX * PAGE_SIZE)
        return -ENOMEM;
    if (offset > INT64_MAX - PAGE_UP(len))
        return -EOVERFLOW;
    if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0)
        return 0;
    if (addr > user_end() - PAGE_UP(len))
        return -ENOMEM;
    if (addr & PAGE_MASK)
        return -EINVAL;
    return addr < MMAP_MIN ? -EPERM : 0;
}

/* An area in no space yet, with its own reference of its object. */
static struct vma_struct *
make_area(struct mm_struct *mm, size_t len, uint32_t vm_flags,
          struct vm_object *obj, uint64_t offset)
{
    struct vma_struct *vma = vma_create(mm, 0, len, vm_flags);

    if (vma == NULL)
        return NULL;
    if (obj != NULL) {
        object_get(obj);
    } else if (vm_flags & VM_SHARED) {
        obj = anon_shared_object(len);
        if (obj == NULL) {
            vma_destroy(vma);
            return NULL;
        }
        offset = 0;
    }
    vma->vm_object = obj;
    vma->vm_pgoff = obj == NULL ? 0 : offset >> PAGE_SHIFT;
    return vma;
}

bool
range_free(struct mm_struct *mm, uintptr_t addr, size_t len)
{
    struct vma_struct *next = find_vma_walk(mm, addr);

    return len <= user_end() && addr <= user_end() - len &&
           len <= AREA_PAGES_MAX * PAGE_SIZE &&
           (next == NULL || addr + len <= vma_guarded_start(next));
}

static bool
reaches_into(const struct vma_struct *next, uintptr_t end)
{
    return next != NULL && next->vm_start < end;
}

/* Anywhere, but best at ADDR if that is not 0. */
static uintptr_t
free_address(struct mm_struct *mm, uintptr_t addr, size_t len,
             struct vma_struct **next)
{
    addr = addr == 0 ? 0 : MAX(PAGE_DOWN(addr), MMAP_MIN);
    if (likely(addr == 0) || !range_free(mm, addr, len))
        return vma_find_gap(mm, len, MMAP_TOP, next);
    *next = find_vma_walk(mm, addr);
    return addr;
}

/* The address for LEN bytes, or a negative errno.  *NEXT: the first area that
 * ends behind it, or NULL.  => gate closed */
static inline long
choose_address(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t flags,
               struct vma_struct **next)
{
    if (likely((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0)) {
        addr = free_address(mm, addr, len, next);
        if (addr == 0)
            return -ENOMEM;
    } else {
        *next = find_vma_walk(mm, addr);
        if ((flags & MAP_FIXED_NOREPLACE) && reaches_into(*next, addr + len))
            return -EEXIST;
    }
    if (unlikely(mm->map_count + 1 >= map_count_max) &&
        mm->map_count + range_inside(mm, addr, addr + len) >= map_count_max)
        return -ENOMEM;
    return (long)addr;
}

static inline __attribute__((always_inline)) int
unmap_now(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    struct gather g;
    int err;

    gather_start(&g, mm);
    err = unmap_range(mm, start, end, &g);
    gather_finish(&g);
    return err;
}

WEAK bool
limits_allow(const struct mm_struct *mm, uint32_t vm_flags, uintptr_t start,
             uintptr_t end)
{
    return true;
}

WEAK bool
limits_allow_write(const struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    return true;
}

/* For MAP_FIXED: most calls have no need of its gather. */
static NOINLINE int
clear_target(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    return unmap_now(mm, start, end);
}

/* Put VMA where it shall be, instead of what is there. */
static long
map_area(struct mm_struct *mm, struct vma_struct *vma, uintptr_t addr,
         uint32_t flags)
{
    size_t len = vma->vm_end - vma->vm_start;
    struct vma_struct *next;
    long at = choose_address(mm, addr, len, flags, &next);
    uintptr_t start = (uintptr_t)at, end = start + len;

    if (at < 0)
        return at;
    if (!mm_may_have(mm, vma->vm_flags, start, end))
        return -ENOMEM;
    if (reaches_into(next, end)) { /* MAP_FIXED */
        int err = clear_target(mm, start, end);

        if (err != 0)
            return err;
        next = find_vma_walk(mm, start);
    }
    vma_place(vma, start, end);
    vma_add(vma, next);
    return at;
}

long
do_mmap(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t prot,
        uint32_t flags, struct vm_object *obj, uint64_t offset)
{
    struct vma_struct *vma;
    uint32_t vm_flags;
    bool populate;
    long at;
    int err =
        check_call(addr, len, flags, obj == NULL ? offset & PAGE_MASK : offset);

    if (err == 0)
        err = area_flags(prot, flags, obj, &vm_flags);
    if (err != 0)
        return err;
    len = PAGE_UP(len);
    vma = make_area(mm, len, vm_flags, obj, offset);
    if (vma == NULL)
        return -ENOMEM;
    mm_write_begin(mm);
    vma->vm_flags |= mm->def_flags;
    populate = (flags & MAP_POPULATE) || (vma->vm_flags & VM_LOCKED);
    at = map_area(mm, vma, addr, flags);
    mm_write_end(mm);
    if (at < 0)
        vma_destroy(vma);
    else if (populate) /* as much as there is memory for */
        (void)mm_populate(mm, (uintptr_t)at, (uintptr_t)at + len);
    return at;
}

/* --- munmap, mprotect --- */

int
do_munmap(struct mm_struct *mm, uintptr_t addr, size_t len)
{
    int err;

    if ((addr & PAGE_MASK) || len == 0 || addr > user_end() ||
        len > user_end() - addr)
        return -EINVAL;
    mm_write_begin(mm);
    err = unmap_now(mm, addr, addr + PAGE_UP(len));
    mm_write_end(mm);
    return err;
}

int
do_mprotect(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t prot)
{
    uintptr_t end = addr + PAGE_UP(len), reach;
    uint32_t must = prot & VM_WRITE ? VM_MAYWRITE : 0;
    struct gather g;
    int err, stopped = 0;

    if (addr & PAGE_MASK)
        return -EINVAL;
    if (len == 0)
        return 0;
    if (end <= addr)
        return -ENOMEM;
    if (prot & ~(VM_RWX | PROT_SEM))
        return -EINVAL;
    mm_write_begin(mm);
    gather_start(&g, mm);
    reach = areas_reach(mm, addr, end, must);
    if (reach < end) {
        bool hole = areas_reach(mm, reach, reach + 1, 0) == reach;

        stopped = hole ? -ENOMEM : -EACCES;
    }
    if (prot & VM_EXEC)
        mm_sync_code(mm);
    if (mm_limited(mm) && (prot & VM_WRITE) &&
        !limits_allow_write(mm, addr, reach))
        err = -ENOMEM;
    else
        err = change_flags(mm, addr, reach, VM_RWX, prot & VM_RWX, &g);
    gather_finish(&g);
    mm_write_end(mm);
    return err != 0 ? err : stopped;
}

/* --- populate --- */

/* What access brings in the page at ADDR for good: a private page that may be
 * written is written now.  0: none. */
static uint32_t
populate_access(struct mm_struct *mm, uintptr_t addr)
{
    struct vma_struct *v;
    uint32_t rights = 0;

    gate_enter(&mm->gate);
    v = find_vma(mm, addr);
    if (v != NULL && v->vm_start <= addr)
        rights = v->vm_flags & (VM_RWX | VM_SHARED);
    gate_leave(&mm->gate);
    if ((rights & (VM_WRITE | VM_SHARED)) == VM_WRITE)
        return FAULT_WRITE;
    rights &= VM_RWX;
    return rights & VM_READ ? FAULT_READ : rights;
}

int
mm_populate(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    for (; start < end; start += PAGE_SIZE) {
        uint32_t access = populate_access(mm, start);
        unsigned result;

        if (access == 0)
            return -ENOMEM;
        do
            result = do_pgfault(mm, access | FAULT_USER, start);
        while ((result & (VM_FAULT_RETRY | VM_FAULT_ERROR)) == VM_FAULT_RETRY);
        if (result & VM_FAULT_ERROR)
            return result & VM_FAULT_OOM ? -EAGAIN : -ENOMEM;
    }
    return 0;
}
