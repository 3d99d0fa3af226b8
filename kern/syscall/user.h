/* user.h: how calls fetch what their arguments point to. */
#ifndef KERN_SYSCALL_USER_H
#define KERN_SYSCALL_USER_H

#include "fs/inode.h"
#include "mm/uaccess.h"
#include "process/proc.h"
#include "schedule/timeout.h"
#include <errno.h>

/* The caller's file FD, or NULL; to be given back by file_unuse(). */
static inline struct file *
file_use(int fd, bool *owned)
{
    struct process *p =
        container_of(current_thread(), struct task, thread)->process;

    return fd_use(p->files, fd, p->ntasks == 1, owned);
}

static inline void
file_unuse(struct file *f, bool owned)
{
    if (owned)
        file_put(f);
}

/* Structures of Linux's ABI (asm-generic). */
struct user_timespec {
    int64_t sec, nsec;
};

/* A path in kernel memory. */
struct path {
    char *text; /* small, if it fits */
    char small[128];
};

int user_path_long(uintptr_t addr, struct path *p);

/* P becomes the string at ADDR, to be given back by path_done(): 0, -EFAULT,
 * -ENAMETOOLONG (PATH_MAX or more), -ENOMEM; then there is nothing to give. */
static inline int
user_path(uintptr_t addr, struct path *p)
{
    long n = strncpy_from_user(p->small, addr, sizeof(p->small));

    p->text = p->small;
    if (likely((unsigned long)n < sizeof(p->small)))
        return 0;
    return n < 0 ? (int)n : user_path_long(addr, p);
}

void path_free(struct path *p);

static inline void
path_done(struct path *p)
{
    if (unlikely(p->text != p->small))
        path_free(p);
}

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_REMOVEDIR        0x200u
#define AT_EMPTY_PATH       0x1000u

int walk_from_fd(int dirfd, const char *path, struct walk *w);

/* Where the path of a *at() call begins; references, see walk_put(). */
static inline int
walk_from(int dirfd, const char *path, struct walk *w)
{
    struct process *p = current_process();

    if ((*path != '/' && dirfd != AT_FDCWD) || p->ntasks != 1 ||
        atomic_load(&p->fs->refs) != 1)
        return walk_from_fd(dirfd, path, w);
    *w = (struct walk){p->fs->root, p->fs->cwd, false};
    return 0; /* nobody else can make it go anywhere */
}

/* The inode a *at() call means.  FLAGS: AT_. */
int inode_at(int dirfd, uintptr_t path, unsigned flags, struct inode **found);

/* struct rusage (uapi/linux/resource.h) of who was waited for, to user memory:
 * time, and the faults without and with I/O; the rest is 0.  -EFAULT */
struct wait_result;
/* TO: seconds and microseconds in user mode, then those in the kernel, as the two
 * struct timeval that struct rusage begins with. */
static inline void
user_times(int64_t to[4], const struct cputime *ran)
{
    uint64_t kernel = ran->all - ran->user;

    to[0] = (int64_t)(ran->user / TICK_HZ);
    to[1] = (int64_t)(ran->user % TICK_HZ * (1000000 / TICK_HZ));
    to[2] = (int64_t)(kernel / TICK_HZ);
    to[3] = (int64_t)(kernel % TICK_HZ * (1000000 / TICK_HZ));
}

long give_usage(uintptr_t to, const struct wait_result *w);

/* T from now on, in time_now(): never in the past, never beyond what counts. */
uint64_t deadline_in(const struct user_timespec *t);

/* Does CLOCK, a number of clock_gettime(), show the date? */
bool clock_is_wall(uint64_t clock);

#endif
