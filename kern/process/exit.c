/* exit.c: the end of a task, the end of a process, and who is told.
 *
 *     last task gone: memory, files, folder given back
 *                     children go to process 1
 *                     ZOMBIE: only the struct is left, with the status
 *     parent waits:   the struct goes, the number is free again
 *
 * From ZOMBIE on the parent may free the process at any moment, so that is the
 * last thing its last task does with it. */
#include "process/impl.h"

#include "driver/poweroff.h"
#include "mm/kmalloc.h"
#include "mm/uaccess.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

/* --- the end --- */

void
wake_waiters(struct process *p)
{
    spin_lock_nested(&p->wait_children.lock);
    wait_wake_all(&p->wait_children);
    spin_unlock_nested(&p->wait_children.lock);
}

void
vfork_done(struct process *p)
{
    if (atomic_load(&p->vfork) == NULL) /* it is never set later */
        return;
    spin_lock(&tree_lock);
    if (p->vfork != NULL)
        wake_waiters(p->vfork->process);
    p->vfork = NULL;
    spin_unlock(&tree_lock);
}

/* The task tells whoever waits for its end (pthread_join) by a word. */
static void
clear_tid(struct task *t)
{
    int32_t zero = 0;

    if (t->clear_tid == 0 || copy_to_user(t->clear_tid, &zero, sizeof(zero)))
        return;
    futex_wake_hook(t->clear_tid);
}

WEAK void
futex_wake_hook(uintptr_t addr)
{
    (void)addr;
}

/* P leaves MM: what was counted there is P's, unless others live in it. */
void
keep_counts(struct process *p, const struct mm_struct *mm)
{
    if (atomic_load(&mm->users) > 1)
        return;
    for (unsigned i = 0; i < MMSTAT_COUNT; i++)
        p->stat[i] += atomic_load(&mm->stat[i]);
}

/* Let go of what only lives as long as tasks do. */
static void
release_process(struct process *p)
{
    /* LAB 5.9: the last task of P ends: let go of what only the living need.
     *
     * Others may look at P meanwhile (ps, /proc): what they find they find
     * under tree_lock, so take the space, the files, the place and the program
     * out of P under it, and only then give them back, outside of it:
     * mm_put_user(), files_put(), place_put(), inode_put(). Timers go first,
     * counters are kept (keep_counts()), and who waits in vfork() may go on
     * once the space is given back. */
    struct mm_struct *mm = p->mm;
    struct inode *exe = p->exe;
    struct files *files = p->files;
    struct fs_place *fs = p->fs;

    if (p->timers != NULL)
        timers_drop(p, true);
    keep_counts(p, mm);
    spin_lock(&tree_lock); /* whoever looks on takes references under it */
    p->mm = NULL;
    p->exe = NULL;
    p->files = NULL;
    p->fs = NULL;
    spin_unlock(&tree_lock);
    mm_put_user(mm);
    vfork_done(p);
    files_put(files);
    place_put(fs);
    if (exe != NULL)
        inode_put(exe);
    /* STUB: struct files *files = p->files; */
    /* STUB: p->files = NULL; */
    /* STUB: vfork_done(p); */
    /* STUB: files_put(files); */
    /* END 5.9 */
}

/* The children of P go to process 1.  => tree locked */
static void
give_away_children(struct process *p, struct process *to)
{
    bool ended = !list_empty(&p->zombies);

    list_for_each_safe (n, &p->children) {
        struct process *c = list_entry(n, struct process, sibling);

        set_parent(c, to);
        list_del(&c->sibling);
        list_add_tail(&to->children, &c->sibling);
    }
    list_for_each_safe (n, &p->zombies) {
        struct process *c = list_entry(n, struct process, sibling);

        set_parent(c, to);
        list_del(&c->sibling);
        list_add_tail(&to->zombies, &c->sibling);
    }
    if (ended)
        wake_waiters(to);
}

WEAK int
child_news(struct process *c, unsigned options, bool take)
{
    return 0;
}

WEAK void
task_left(struct process *p, struct task *t)
{
}

WEAK void
timers_drop(struct process *p, bool all)
{
}

WEAK bool
process_ended(struct process *p)
{
    return false;
}

/* The struct of P, which is not in the tree any more, goes. */
static void
bury(struct process *p)
{
    number_free(p->pid);
    kfree(p->actions);
    kfree(p);
}

/* SIGCHLD and its like, for the end of P.  => tree locked */
static void
tell_parent(struct process *p)
{
    struct sig_info info = {.code = CLD_EXITED, .pid = (uint32_t)p->pid};

    info.value = (uint64_t)p->status >> 8;
    if (p->status & 0x7f) {
        info.code = p->status & 0x80 ? CLD_DUMPED : CLD_KILLED;
        info.value = p->status & 0x7f;
    }
    wake_waiters(p->parent);
    signal_send(p->parent, p->exit_signal, NULL, &info);
}

static void
become_zombie(struct process *p)
{
    bool unwanted;

    if (p == init_process)
        power_off(p->status == 0 ? 0 : 1);
    spin_lock(&tree_lock);
    unwanted = process_ended(p);
    give_away_children(p, init_process);
    list_del(&p->sibling);
    list_add_tail(&p->parent->zombies, &p->sibling);
    p->state = PROC_ZOMBIE;
    if (unwanted)
        tree_remove(p);
    tell_parent(p);
    spin_unlock(&tree_lock);
    if (unwanted)
        bury(p);
}

/* All tasks of P but the caller's are to leave; the process has this STATUS
 * unless it has one already.  => tree locked */
void
end_process(struct process *p, int status)
{
    struct task *me = current_task();

    if (!p->exiting) {
        p->exiting = true;
        p->status = status;
    }
    list_for_each_entry (t, &p->tasks, struct task, link) {
        atomic_store(&t->killed, 1);
        if (t == me) /* it looks on its way to user mode */
            atomic_store(&t->thread.interrupted, 1);
        else
            thread_interrupt(&t->thread);
    }
}

NORETURN void
do_exit(int status, bool group)
{
    struct task *me = current_task();
    struct process *p = me->process;
    int tid;
    bool last;

    clear_tid(me);
    mm_use(NULL);
    spin_lock(&tree_lock);
    if (group)
        end_process(p, status);
    else if (!p->exiting && me->tid == p->pid)
        p->status = status; /* the first task's, whenever it ends */
    list_del(&me->link);
    last = --p->ntasks == 0;
    p->exiting |= last;
    task_left(p, me);
    tid = me->tid == p->pid ? 0 : me->tid;
    cputime_add(&p->ran, &me->thread.ran);
    wake_waiters(p); /* exec waits to be alone */
    spin_unlock(&tree_lock);
    if (tid != 0)
        number_free(tid);
    if (last) { /* else P may be gone already */
        release_process(p);
        become_zombie(p);
    }
    thread_exit();
}

/* --- the parent --- */

static bool
matches(const struct process *p, int pid, const struct process *me)
{
    return pid == -1 || (pid > 0 && p->pid == pid) ||
           (pid == 0 && p->pgid == me->pgid) || (pid < -1 && p->pgid == -pid);
}

/* Has C what OPTIONS ask for?  => tree locked */
static bool
has_news(struct process *c, unsigned options)
{
    return c->state == PROC_ZOMBIE ? (options & WEXITED) != 0
                                   : child_news(c, options, false) != 0;
}

/* Does ME have a child PID means, and one of them news (*TELLS)?
 * => tree locked */
static bool
look_for(struct process *me, int pid, unsigned options, struct process **tells)
{
    struct list *lists[] = {&me->zombies, &me->children};
    struct process *p;
    bool any = false;

    *tells = NULL;
    if (pid > 0) {
        p = pid_find(pid);
        if (p == NULL || p->parent != me)
            return false;
        if (has_news(p, options))
            *tells = p;
        return true;
    }
    for (unsigned i = 0; i < 2; i++) {
        list_for_each_entry (c, lists[i], struct process, sibling) {
            if (!matches(c, pid, me))
                continue;
            any = true;
            if (has_news(c, options)) {
                *tells = c;
                return true;
            }
            if (i == 1 && !(options & (WUNTRACED | WCONTINUED)))
                return true;
        }
    }
    return any;
}

/* What P leaves, and, if it is TAKEN out of the tree, to its parent ME. */
static void
collect(struct process *me, struct process *p, bool taken,
        struct wait_result *r)
{
    r->pid = p->pid;
    r->status = p->status;
    r->cause = p->cause;
    r->ran = p->ran;
    cputime_add(&r->ran, &p->child_ran);
    if (taken)
        cputime_add(&me->child_ran, &r->ran);
    for (unsigned i = 0; i < MMSTAT_COUNT; i++)
        r->stat[i] = p->stat[i] + p->child_stat[i];
    for (unsigned i = 0; taken && i < MMSTAT_COUNT; i++)
        me->child_stat[i] += r->stat[i];
}

long
do_wait(int pid, unsigned options, struct wait_result *r)
{
    struct process *me = current_process(), *p;
    bool gone = false;
    int err = 0;

    spin_lock(&tree_lock);
    while (err == 0) {
        if (!look_for(me, pid, options, &p)) {
            err = -ECHILD;
        } else if (p != NULL) {
            break;
        } else if (options & WNOHANG) {
            spin_unlock(&tree_lock);
            return 0;
        } else {
            spin_lock(&me->wait_children.lock);
            spin_unlock(&tree_lock);
            err = wait_sleep_intr(&me->wait_children);
            spin_unlock(&me->wait_children.lock);
            spin_lock(&tree_lock);
        }
    }
    if (err == 0) {
        gone = p->state == PROC_ZOMBIE && !(options & WNOWAIT);
        collect(me, p, gone, r);
        if (gone)
            tree_remove(p);
        else if (p->state == PROC_LIVE)
            r->status = child_news(p, options, !(options & WNOWAIT));
    }
    spin_unlock(&tree_lock);
    if (err != 0)
        return err;
    if (gone)
        bury(p);
    return r->pid;
}
