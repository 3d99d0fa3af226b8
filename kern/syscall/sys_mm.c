/* sys_mm.c: calls about memory; the work is in mm/mmap.c. */
#include "mm/mmap.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

static struct mm_struct *
my_mm(void)
{
    return current_process()->mm;
}

static long
sys_brk(ARGS)
{
    return (long)do_brk(my_mm(), a0);
}
SYSCALL(214, brk, "p", sys_brk);

/* What a mapping of F shows; -EACCES, -ENODEV. */
static long
object_of(struct file *f, uint32_t prot, uint32_t *flags,
          struct vm_object **obj)
{
    unsigned access = f->flags & O_ACCMODE;
    bool shared = (*flags & MAP_TYPE) != MAP_PRIVATE;

    if (access == O_WRONLY || (f->flags & O_PATH))
        return -EACCES;
    if (shared && (prot & VM_WRITE) && access != O_RDWR)
        return -EACCES;
    if (f->inode->object == NULL)
        return -ENODEV;
    if (shared && access != O_RDWR)
        *flags |= MAP_READONLY;
    *obj = f->inode->object;
    return 0;
}

static NOINLINE long
map_file(uint64_t a0, uint64_t a1, uint32_t prot, uint32_t flags, uint64_t a4,
         uint64_t a5)
{
    struct vm_object *obj = NULL;
    struct file *f;
    long r;

    f = fd_get(current_process()->files, (int)a4);
    if (f == NULL)
        return -EBADF;
    r = object_of(f, prot, &flags, &obj);
    if (r == 0)
        r = do_mmap(my_mm(), a0, a1, prot, flags, obj, a5);
    file_put(f);
    return r;
}

static long
sys_mmap(ARGS)
{
    uint32_t flags = (uint32_t)a3 & ~MAP_READONLY;

    if (a5 & PAGE_MASK)
        return -EINVAL;
    if (flags & MAP_ANONYMOUS)
        return do_mmap(my_mm(), a0, a1, (uint32_t)a2, flags, NULL, a5);
    return map_file(a0, a1, (uint32_t)a2, flags, a4, a5);
}
SYSCALL(222, mmap, "puxxfx", sys_mmap);

static long
sys_munmap(ARGS)
{
    return do_munmap(my_mm(), a0, a1);
}
SYSCALL(215, munmap, "pu", sys_munmap);

static long
sys_mprotect(ARGS)
{
    return do_mprotect(my_mm(), a0, a1, (uint32_t)a2);
}
SYSCALL(226, mprotect, "pux", sys_mprotect);
