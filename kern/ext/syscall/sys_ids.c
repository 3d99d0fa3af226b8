/* sys_ids.c: adds who a process is, and what it may do, to syscall/; a first reader
 * may skip it.
 *
 * There is one user and one group, 0, who may do everything.  The calls answer as in
 * a user namespace of Linux that has only these: another number is no number
 * (EINVAL), and capabilities are all there and cannot be given up (EPERM).
 * user_namespaces(7), capabilities(7). */
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

/* --- user and group --- */

/* Is ID one that can be set?  -1 means: as it is. */
static bool
is_id(uint64_t id)
{
    return (uint32_t)id == 0 || (int)id == -1;
}

static long
set_one(ARGS)
{
    return (uint32_t)a0 == 0 ? 0 : -EINVAL;
}
SYSCALL(146, setuid, "d", set_one);
SYSCALL(144, setgid, "d", set_one);

static long
set_two(ARGS)
{
    return is_id(a0) && is_id(a1) ? 0 : -EINVAL;
}
SYSCALL(145, setreuid, "dd", set_two);
SYSCALL(143, setregid, "dd", set_two);

static long
set_three(ARGS)
{
    return is_id(a0) && is_id(a1) && is_id(a2) ? 0 : -EINVAL;
}
SYSCALL(147, setresuid, "ddd", set_three);
SYSCALL(149, setresgid, "ddd", set_three);

static long
get_three(ARGS)
{
    uint64_t to[3] = {a0, a1, a2};
    uint32_t id = 0;

    for (unsigned i = 0; i < 3; i++) {
        if (copy_to_user(to[i], &id, sizeof(id)) != 0)
            return -EFAULT;
    }
    return 0;
}
SYSCALL(148, getresuid, "ppp", get_three);
SYSCALL(150, getresgid, "ppp", get_three);

/* The one before, whatever is asked for. */
static long
set_fs(ARGS)
{
    return 0;
}
SYSCALL(151, setfsuid, "d", set_fs);
SYSCALL(152, setfsgid, "d", set_fs);

#define GROUPS_MAX 65536

static long
sys_setgroups(ARGS)
{
    uint32_t id;

    if (a0 > GROUPS_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < a0; i++) {
        if (copy_from_user(&id, a1 + i * sizeof(id), sizeof(id)) != 0)
            return -EFAULT;
        if (id != 0)
            return -EINVAL;
    }
    return 0;
}
SYSCALL(159, setgroups, "dp", sys_setgroups);

/* --- capabilities --- */

#define CAP_V1  0x19980330u
#define CAP_V2  0x20071026u
#define CAP_V3  0x20080522u
#define CAP_ALL ((1ul << 41) - 1)

struct cap_header {
    uint32_t version;
    int32_t pid;
};

struct cap_sets { /* one half */
    uint32_t effective, permitted, inheritable;
};

/* The header at ADDR, and how many halves follow from it.  -EINVAL: a version we do
 * not know; the caller is told which one we do. */
static long
cap_header(uintptr_t addr, struct cap_header *h, unsigned *halves)
{
    uint32_t ours = CAP_V3;

    if (copy_from_user(h, addr, sizeof(*h)) != 0)
        return -EFAULT;
    *halves = h->version == CAP_V1 ? 1 : 2;
    if (h->version == CAP_V1 || h->version == CAP_V2 || h->version == CAP_V3)
        return 0;
    return copy_to_user(addr, &ours, sizeof(ours)) != 0 ? -EFAULT : -EINVAL;
}

static long
pid_exists(int pid)
{
    bool found;

    if (pid < 0)
        return -EINVAL;
    spin_lock(&tree_lock);
    found = pid == 0 || pid == current_task()->tid || pid_find(pid) != NULL;
    spin_unlock(&tree_lock);
    return found ? 0 : -ESRCH;
}

static long
sys_capget(ARGS)
{
    struct cap_sets sets[2];
    struct cap_header h;
    unsigned halves;
    long r = cap_header(a0, &h, &halves);

    if (r == -EINVAL && a1 == 0)
        return 0; /* it only asked for the version */
    if (r == 0)
        r = pid_exists(h.pid);
    if (r != 0 || a1 == 0)
        return r;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t half = (uint32_t)(CAP_ALL >> 32 * i);

        sets[i] = (struct cap_sets){half, half, 0};
    }
    return copy_to_user(a1, sets, halves * sizeof(sets[0])) != 0 ? -EFAULT : 0;
}
SYSCALL(90, capget, "pp", sys_capget);

static long
sys_capset(ARGS)
{
    struct cap_sets sets[2];
    struct cap_header h;
    unsigned halves;
    long r = cap_header(a0, &h, &halves);

    if (r != 0)
        return r;
    if (h.pid != 0 && h.pid != current_task()->tid)
        return -EPERM;
    if (copy_from_user(sets, a1, halves * sizeof(sets[0])) != 0)
        return -EFAULT;
    for (unsigned i = 0; i < halves; i++) {
        uint32_t half = (uint32_t)(CAP_ALL >> 32 * i);

        if (((sets[i].permitted ^ half) | (sets[i].effective ^ half)) & half)
            return -EPERM;
    }
    return 0;
}
SYSCALL(91, capset, "pp", sys_capset);
