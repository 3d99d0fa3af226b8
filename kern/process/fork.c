/* fork.c: a new task, in the same process or in a new one.
 *
 *     flags          shared             without it
 *     CLONE_VM       mm                 a copy: no page is touched (mm_copy)
 *     CLONE_FILES    files              the same open files, a table of its own
 *     CLONE_FS       cwd, root, umask   a copy
 *     CLONE_THREAD   the whole process  a new process
 *
 * Everything is made first; then the child gets its place in the tree, and
 * then it runs.  So a failure leaves nothing but the number it took. */
#include "process/impl.h"

#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include "mm/kstack.h"
#include "mm/uaccess.h"
#include <errno.h>
#include <string.h>

/* --- tasks --- */

static void
task_begin(void *arg)
{
    struct task *t = arg;

    task_work(task_frame(t), NULL); /* killed before it began? */
    trap_enter_user(task_frame(t));
}

static void
task_dead(struct thread *thread)
{
    struct task *t = container_of(thread, struct task, thread);

    fp_gone(t);
    kstack_free(thread->kstack);
    kfree(t);
}

struct task *
task_create(struct process *p, const struct trapframe *tf)
{
    struct task *t = fail_now(FAIL_PROCESS) ? NULL : kzalloc(sizeof(*t));
    uintptr_t stack;

    if (t == NULL)
        return NULL;
    stack = kstack_alloc();
    if (stack == 0) {
        kfree(t);
        return NULL;
    }
    thread_init(&t->thread, p->name, stack, task_begin, t);
    t->thread.priority = current_thread()->priority;
    *task_frame(t) = *tf; /* how it begins */
    t->thread.ctx.sp = ROUND_DOWN((uintptr_t)task_frame(t), 16ul);
    t->thread.on_dead = task_dead;
    t->thread.user_trap = task_trap;
    t->process = p;
    return t;
}

void
task_destroy(struct task *t)
{
    thread_gone(&t->thread);
}

/* --- processes --- */

static int
copy_fs(struct process *p, const struct process *from, uint64_t flags)
{
    if (flags & CLONE_FS) {
        p->fs = from->fs;
        atomic_add(&p->fs->refs, 1);
        return 0;
    }
    p->fs = place_copy(from->fs);
    return p->fs == NULL ? -ENOMEM : 0;
}

static int
copy_files(struct process *p, const struct process *from, uint64_t flags)
{
    if (flags & CLONE_FILES) {
        p->files = from->files;
        files_get(p->files);
        return 0;
    }
    p->files = files_copy(from->files);
    return p->files == NULL ? -ENOMEM : 0;
}

static int
copy_mm(struct process *p, const struct process *from, uint64_t flags)
{
    if (flags & CLONE_VM) {
        p->mm = from->mm;
        mm_get_user(p->mm);
        return 0;
    }
    p->mm = mm_copy(from->mm);
    return p->mm == NULL ? -ENOMEM
                         : limit_memory(p->mm, from->limits[RLIMIT_RSS].cur);
}

/* Handlers, if there ever were any; always a copy. */
static int
copy_actions(struct process *p, const struct process *from)
{
    if (from->actions == NULL)
        return 0;
    p->actions = kmalloc(64 * sizeof(*p->actions));
    if (p->actions == NULL)
        return -ENOMEM;
    memcpy(p->actions, from->actions, 64 * sizeof(*p->actions));
    return 0;
}

/* Give back what a process has, as far as it came. */
static void
process_drop(struct process *p)
{
    if (p->mm != NULL)
        mm_put_user(p->mm);
    if (p->files != NULL)
        files_put(p->files);
    if (p->fs != NULL)
        place_put(p->fs);
    if (p->exe != NULL)
        inode_put(p->exe);
    kfree(p->actions);
    kfree(p);
}

static struct process *
copy_process(struct process *from, int pid, const struct clone_args *a)
{
    /* LAB 5.7: a new process PID that is as FROM is.
     *
     * alloc_proc() gives an empty one. It inherits the name, the limits, what
     * it ignores and handles, the trace flag, stack_start, oom_adj, and its
     * program file (exe, with a reference). A says with which signal it will
     * end, and whether a vfork() waits. What it shares or gets a copy of, as
     * the flags say, has a function each: copy_fs(), copy_files(),
     * copy_actions(), copy_mm(); the space comes last, because it is the most
     * expensive. If one of them fails give back what there is, process_drop(),
     * and return NULL. */
    struct process *p = alloc_proc(pid);

    if (p == NULL)
        return NULL;
    p->exit_signal = a->exit_signal;
    p->vfork = (a->flags & CLONE_VFORK) ? current_task() : NULL;
    p->ignored = from->ignored;
    p->handled = from->handled;
    p->trace = from->trace;
    p->stack_start = from->stack_start;
    memcpy(p->name, from->name, sizeof(p->name));
    memcpy(p->limits, from->limits, sizeof(p->limits));
    p->oom_adj = from->oom_adj;
    if (from->exe != NULL) {
        inode_get(from->exe);
        p->exe = from->exe;
    }
    if (copy_fs(p, from, a->flags) == 0 && copy_files(p, from, a->flags) == 0 &&
        copy_actions(p, from) == 0 && copy_mm(p, from, a->flags) == 0)
        return p;
    process_drop(p);
    return NULL;
    /* STUB: return NULL; */
    /* END 5.7 */
}

/* --- fork --- */

static int
check_flags(const struct process *from, uint64_t flags)
{
    if (flags & (CLONE_NO_PIDFD | CLONE_NO_SPACES))
        return -EINVAL;
    if ((flags & CLONE_PARENT) && from == init_process)
        return -EINVAL; /* whose child would it be? */
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return -EINVAL;
    return 0;
}

static void
set_up(struct task *t, const struct task *from, const struct clone_args *a)
{
    /* LAB 5.8: make T, whose registers are a copy of its parent's, the child.
     *
     * fork() returns 0 in the child. Where clone() was told so it gets another
     * stack (a->stack) and thread pointer (a->tls, CLONE_SETTLS), and an
     * address to clear when it ends (CLONE_CHILD_CLEARTID). It inherits the
     * blocked signals, the harts it may run on (affinity), the registers of
     * floating point if they are in use (they are in no hart: fp_hart is
     * NCPU_MAX), and the signal stack, unless it shares the space without
     * being a vfork(). Its space is its process's. */
    struct trapframe *tf = task_frame(t);

    tf->x[X_A0] = 0;
    if (a->stack != 0)
        tf->x[X_SP] = a->stack;
    if (a->flags & CLONE_SETTLS)
        tf->x[X_TP] = a->tls;
    if (a->flags & CLONE_CHILD_CLEARTID)
        t->clear_tid = a->child_tid;
    t->blocked = from->blocked;
    if ((a->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM)
        t->alt_stack = from->alt_stack;
    if (from->fp_used)
        t->fp = from->fp;
    t->fp_used = from->fp_used;
    t->fp_hart = NCPU_MAX; /* in no hart's registers */
    t->thread.mm = t->process->mm;
    t->thread.affinity = from->thread.affinity;
    /* END 5.8 */
}

/* Is there something that the caller has to obey first?  A signal may be meant
 * for its group, which what it makes was not in when it was sent; and who is to
 * end or to stop must not leave somebody behind who does not know.  => tree
 * locked */
static int
orders(struct task *me)
{
    struct process *p = me->process;

    if (p->exiting || me->killed)
        return -ENOMEM; /* nobody sees it */
    if (p->stop_signo == 0 && ((p->pending | me->pending) & ~me->blocked) == 0)
        return 0;
    thread_interrupt(&me->thread);
    return -ERESTARTNOINTR;
}

/* The task and, if it is new, the process get their places, unless the caller
 * has something else to do. */
static int
take_place(struct task *t, struct process *from, const struct clone_args *a)
{
    struct process *p = t->process;
    int err;

    spin_lock(&tree_lock);
    err = orders(current_task());
    if (err == 0) {
        if (p != from) {
            p->pgid = from->pgid;
            p->sid = from->sid;
            tree_insert(p, (a->flags & CLONE_PARENT) ? from->parent : from);
        }
        task_joins(t);
    }
    spin_unlock(&tree_lock);
    return err;
}

/* Numbers into user memory, as asked for.  A bad address is not an error. */
static void
tell_tids(const struct task *t, const struct clone_args *a)
{
    int32_t tid = t->tid;

    if (a->flags & CLONE_PARENT_SETTID)
        mm_access(current_process()->mm, a->parent_tid, &tid, sizeof(tid),
                  true);
    if (a->flags & CLONE_CHILD_SETTID)
        mm_access(t->process->mm, a->child_tid, &tid, sizeof(tid), true);
}

/* Wait until child PID needs our memory no more, or we are killed.  Signals that
 * do not kill wait, too: it is our stack that the child is on. */
static void
wait_vfork(struct task *me, int pid)
{
    struct wait_queue *wq = &me->process->wait_children;
    struct process *p;
    uint32_t wanted = 0;

    spin_lock(&tree_lock);
    while ((p = pid_find(pid)) != NULL && p->vfork == me && !me->killed) {
        /* Whoever kills us does it under the lock. */
        wanted |= atomic_load(&me->thread.interrupted);
        atomic_store(&me->thread.interrupted, 0);
        spin_lock(&wq->lock);
        spin_unlock(&tree_lock);
        (void)wait_sleep_intr(wq);
        spin_unlock(&wq->lock);
        spin_lock(&tree_lock);
    }
    if (p != NULL && p->vfork == me)
        p->vfork = NULL;
    if (wanted)
        atomic_store(&me->thread.interrupted, 1);
    spin_unlock(&tree_lock);
}

long
do_fork(const struct clone_args *a)
{
    struct task *me = current_task(), *t = NULL;
    struct process *from = me->process, *p = from;
    int err = check_flags(from, a->flags), tid;

    if (err != 0)
        return err;
    err = -ENOMEM;
    tid = number_alloc(from->limits[RLIMIT_NPROC].cur);
    if (tid == 0)
        return -EAGAIN;
    fp_save(me);
    if (!(a->flags & CLONE_THREAD))
        p = copy_process(from, tid, a);
    if (p != NULL)
        t = task_create(p, task_frame(me));
    if (t == NULL)
        goto failed;
    t->tid = tid;
    set_up(t, me, a);
    tell_tids(t, a);
    err = take_place(t, from, a);
    if (err != 0) {
        task_destroy(t);
        goto failed;
    }
    thread_start(&t->thread);
    if (a->flags & CLONE_VFORK)
        wait_vfork(me, tid);
    return tid;

failed:
    if (p != NULL && p != from)
        process_drop(p);
    number_free(tid);
    return err;
}
