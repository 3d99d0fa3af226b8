/* sys_proc.c: calls about processes. */
#include "mm/kmalloc.h"
#include "process/proc.h"
#include "process/random.h"
#include "schedule/timeout.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <string.h>

static long
sys_exit(ARGS)
{
    do_exit((int)(a0 & 255) << 8, false);
}
SYSCALL(93, exit, "d", sys_exit);

static long
sys_exit_group(ARGS)
{
    do_exit((int)(a0 & 255) << 8, true);
}
SYSCALL(94, exit_group, "d", sys_exit_group);

static long
sys_clone(ARGS)
{
    struct clone_args a = {
        .flags = a0 & ~(uint64_t)CLONE_SIGNAL_MASK,
        .exit_signal = (int)(a0 & CLONE_SIGNAL_MASK),
        .stack = a1,
        .parent_tid = a2,
        .tls = a3,
        .child_tid = a4,
    };

    return do_fork(&a);
}
SYSCALL_FRAME(220, clone, "xpppp", sys_clone);

/* --- execve --- */

#define COUNT_MAX   131071        /* arguments, or environment: each */
#define STRINGS_MAX (2ul << 20)   /* bytes of arguments and environment */
#define STRING_MAX  (128ul << 10) /* ... of one, with its end */

struct strings {
    char **list; /* NULL-terminated */
    size_t n, room, bytes;
};

static void
strings_drop(struct strings *s)
{
    for (size_t i = 0; i < s->n; i++)
        kfree(s->list[i]);
    kfree(s->list);
}

static int
strings_add(struct strings *s, char *text)
{
    if (s->n + 1 >= s->room) {
        size_t room = s->room ? 2 * s->room : 16;
        char **list = kzalloc(room * sizeof(*list));

        if (list == NULL)
            return -ENOMEM;
        if (s->list != NULL)
            memcpy(list, s->list, s->n * sizeof(*list));
        kfree(s->list);
        s->list = list;
        s->room = room;
    }
    s->list[s->n++] = text;
    s->list[s->n] = NULL;
    return 0;
}

/* Where a string is put before its length is known; grows once. */
struct buffer {
    char *text;
    size_t size;
};

/* One string of the user's, at ADDR, in memory that just holds it. */
static int
fetch_string(uintptr_t addr, struct buffer *b, char **text)
{
    long n = strncpy_from_user(b->text, addr, b->size);

    *text = NULL;
    if (n == (long)b->size && b->size < STRING_MAX) {
        kfree(b->text);
        *b = (struct buffer){kmalloc(STRING_MAX), STRING_MAX};
        if (b->text == NULL)
            return -ENOMEM;
        n = strncpy_from_user(b->text, addr, b->size);
    }
    if (n < 0)
        return (int)n;
    if (n >= (long)b->size)
        return -E2BIG;
    *text = kmalloc((size_t)n + 1);
    if (*text == NULL)
        return -ENOMEM;
    memcpy(*text, b->text, (size_t)n + 1);
    return 0;
}

/* The list of strings at ADDR (0: an empty one). */
static int
strings_fetch(struct strings *s, uintptr_t addr, struct buffer *buf)
{
    uint64_t p;
    char *text;
    int err = 0;

    for (; err == 0 && addr != 0; addr += sizeof(p)) {
        if (copy_from_user(&p, addr, sizeof(p)) != 0)
            return -EFAULT;
        if (p == 0)
            break;
        err = fetch_string(p, buf, &text);
        if (err != 0)
            return err;
        err = strings_add(s, text);
        if (err != 0) {
            kfree(text);
            return err;
        }
        s->bytes += strlen(text) + 1 + sizeof(p);
        if (s->bytes > STRINGS_MAX || s->n > COUNT_MAX - 1)
            return -E2BIG;
    }
    if (s->list == NULL) {
        s->list = kzalloc(sizeof(*s->list));
        s->room = 1;
    }
    return s->list == NULL ? -ENOMEM : 0;
}

static long
exec_fetched(const char *path, struct strings *argv, struct strings *envp)
{
    struct exec_args args = {
        .filename = path, .argv = argv->list, .envp = envp->list};
    struct walk w;
    long r = walk_from(AT_FDCWD, path, &w);

    if (r == 0) {
        r = namei(&w, path, 0, &args.inode);
        walk_put(&w);
    }
    if (r != 0)
        return r;
    r = do_execve(&args);
    inode_put(args.inode);
    return r;
}

static long
sys_execve(ARGS)
{
    struct strings argv = {0}, envp = {0};
    struct buffer buf = {NULL, PATH_MAX};
    struct path path;
    long r = user_path(a0, &path);

    if (r != 0)
        return r;
    buf.text = kmalloc(buf.size);
    r = buf.text == NULL ? -ENOMEM : strings_fetch(&argv, a1, &buf);
    if (r == 0)
        r = strings_fetch(&envp, a2, &buf);
    if (r == 0)
        r = exec_fetched(path.text, &argv, &envp);
    strings_drop(&argv);
    strings_drop(&envp);
    kfree(buf.text);
    path_done(&path);
    return r;
}
SYSCALL_FRAME(221, execve, "spp", sys_execve);

/* --- wait, kill --- */

long
give_usage(uintptr_t to, const struct wait_result *w)
{
    enum { MINFLT = 8, MAJFLT = 9, WORDS = 18 };
    int64_t u[WORDS] = {0};

    user_times(u, &w->ran);
    u[MINFLT] = (int64_t)w->stat[MM_MIN];
    u[MAJFLT] = (int64_t)w->stat[MM_MAJ];
    return copy_to_user(to, u, sizeof(u)) != 0 ? -EFAULT : 0;
}

/* NOHANG, UNTRACED, CONTINUED, and those of threads and clones. */
#define WAIT_OPTIONS 0xe000000bu

static long
sys_wait4(ARGS)
{
    struct wait_result w;
    long r;

    r = (a2 & ~(uint64_t)WAIT_OPTIONS) ? -EINVAL
        : (int)a0 == INT32_MIN         ? -ESRCH
                               : do_wait((int)a0, (unsigned)a2 | WEXITED, &w);
    if (r > 0 && a1 != 0 && copy_to_user(a1, &w.status, sizeof(w.status)) != 0)
        r = -EFAULT;
    if (r > 0 && a3 != 0 && give_usage(a3, &w) != 0)
        r = -EFAULT;
    return r;
}
SYSCALL(260, wait4, "dpdp", sys_wait4);

static long
sys_kill(ARGS)
{
    return do_kill((int)a0, (int)a1);
}
SYSCALL(129, kill, "dd", sys_kill);

static long
sys_tgkill(ARGS)
{
    return (int)a0 <= 0 ? -EINVAL : do_tgkill((int)a0, (int)a1, (int)a2);
}
SYSCALL(131, tgkill, "ddd", sys_tgkill);

/* --- who am I --- */

static long
sys_getpid(ARGS)
{
    return current_process()->pid;
}
SYSCALL(172, getpid, "", sys_getpid);

static long
sys_getppid(ARGS)
{
    return atomic_load(&current_process()->ppid);
}
SYSCALL(173, getppid, "", sys_getppid);

static long
sys_gettid(ARGS)
{
    return current_task()->tid;
}
SYSCALL(178, gettid, "", sys_gettid);

static long
sys_zero(ARGS)
{
    return 0;
}
SYSCALL(174, getuid, "", sys_zero);
SYSCALL(175, geteuid, "", sys_zero);
SYSCALL(176, getgid, "", sys_zero);
SYSCALL(177, getegid, "", sys_zero);

static long
sys_set_tid_address(ARGS)
{
    current_task()->clear_tid = a0;
    return current_task()->tid;
}
SYSCALL(96, set_tid_address, "p", sys_set_tid_address);

static long
sys_umask(ARGS)
{
    struct fs_place *fs = current_process()->fs;
    uint32_t old;

    spin_lock(&fs->lock);
    old = fs->umask;
    fs->umask = (uint32_t)a0 & 0777;
    spin_unlock(&fs->lock);
    return old;
}
SYSCALL(166, umask, "o", sys_umask);

/* --- groups --- */

/* The process PID (0: the caller), if it is the caller or a child of it. */
static struct process *
own_family(int pid)
{
    struct process *me = current_process();
    struct process *p = pid == 0 ? me : pid_find(pid);

    return p != NULL && (p == me || p->parent == me) ? p : NULL;
}

static long
sys_setpgid(ARGS)
{
    struct process *p, *me = current_process();
    int group = (int)a1;
    long r = 0;

    if (group < 0)
        return -EINVAL;
    spin_lock(&tree_lock);
    p = own_family((int)a0);
    if (p == NULL)
        r = -ESRCH;
    else if (p != me && p->execed)
        r = -EACCES;
    else if (p->sid == p->pid || p->sid != me->sid)
        r = -EPERM;
    else
        p->pgid = group == 0 ? p->pid : group;
    spin_unlock(&tree_lock);
    return r;
}
SYSCALL(154, setpgid, "dd", sys_setpgid);

static long
ask_family(int pid, bool session)
{
    struct process *p;
    long r = -ESRCH;

    spin_lock(&tree_lock);
    p = pid == 0 ? current_process() : pid_find(pid);
    if (p != NULL)
        r = session ? p->sid : p->pgid;
    spin_unlock(&tree_lock);
    return r;
}

static long
sys_getpgid(ARGS)
{
    return ask_family((int)a0, false);
}
SYSCALL(155, getpgid, "d", sys_getpgid);

static long
sys_getsid(ARGS)
{
    return ask_family((int)a0, true);
}
SYSCALL(156, getsid, "d", sys_getsid);

static long
sys_setsid(ARGS)
{
    struct process *p = current_process();
    long r = -EPERM;

    spin_lock(&tree_lock);
    if (p->pgid != p->pid) {
        p->pgid = p->sid = p->pid;
        r = p->pid;
    }
    spin_unlock(&tree_lock);
    return r;
}
SYSCALL(157, setsid, "", sys_setsid);

/* --- the machine --- */

static long
sys_uname(ARGS)
{
    static const char text[6][65] = {"ucore-sv", "ucore",   "6.1.0-ucore-sv",
                                     "1",        "riscv64", ""};

    return copy_to_user(a0, text, sizeof(text)) != 0 ? -EFAULT : 0;
}
SYSCALL(160, uname, "p", sys_uname);

static long
sys_sched_yield(ARGS)
{
    sched_yield();
    return 0;
}
SYSCALL(124, sched_yield, "", sys_sched_yield);

static long
sys_getrandom(ARGS)
{
    return a2 > 7 ? -EINVAL : random_to_user(a0, a1); /* it never waits */
}
SYSCALL(278, getrandom, "pux", sys_getrandom);
