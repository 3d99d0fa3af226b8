/* sys_mapcalls.c: adds the rarer calls about memory (ext/mm/mapcalls.h) to
 * syscall/sys_mm.c; a first reader may skip it. */
#include "ext/mm/mapcalls.h"
#include "mm/kmalloc.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

static struct mm_struct *
my_mm(void)
{
    return current_process()->mm;
}

static long
sys_mremap(ARGS)
{
    return do_mremap(my_mm(), a0, a1, a2, (uint32_t)a3, a4);
}
SYSCALL(216, mremap, "puuxp", sys_mremap);

static long
sys_madvise(ARGS)
{
    return do_madvise(my_mm(), a0, a1, (int)a2);
}
SYSCALL(233, madvise, "pud", sys_madvise);

/* A page of answers at a time. */
static long
sys_mincore(ARGS)
{
    uint64_t pages = a1 / PAGE_SIZE + (a1 % PAGE_SIZE != 0), done = 0;
    unsigned char *vec;
    long r = 0;

    if (a0 & PAGE_MASK)
        return -EINVAL;
    if (a0 >= user_end() || a1 > user_end() - a0)
        return -ENOMEM;
    vec = kmalloc(PAGE_SIZE);
    if (vec == NULL)
        return -EAGAIN;
    while (done < pages && r == 0) {
        uint64_t n = MIN(pages - done, PAGE_SIZE);

        r = do_mincore(my_mm(), a0 + done * PAGE_SIZE, n * PAGE_SIZE, vec);
        if (r == 0 && copy_to_user(a2 + done, vec, n) != 0)
            r = -EFAULT;
        done += n;
    }
    kfree(vec);
    return r;
}
SYSCALL(232, mincore, "pup", sys_mincore);

static long
sys_mlock(ARGS)
{
    return do_mlock(my_mm(), a0, a1, 0);
}
SYSCALL(228, mlock, "pu", sys_mlock);

static long
sys_mlock2(ARGS)
{
    return a2 & ~(uint64_t)MLOCK_ONFAULT
               ? -EINVAL
               : do_mlock(my_mm(), a0, a1, (uint32_t)a2);
}
SYSCALL(284, mlock2, "pux", sys_mlock2);

static long
sys_munlock(ARGS)
{
    return do_munlock(my_mm(), a0, a1);
}
SYSCALL(229, munlock, "pu", sys_munlock);

static long
sys_mlockall(ARGS)
{
    return do_mlockall(my_mm(), (uint32_t)a0);
}
SYSCALL(230, mlockall, "x", sys_mlockall);

static long
sys_munlockall(ARGS)
{
    return do_munlockall(my_mm());
}
SYSCALL(231, munlockall, "", sys_munlockall);
