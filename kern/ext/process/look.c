/* look.c: adds looking at processes from outside to process/proc.c; a first reader
 * may skip it.
 *
 * What a process has goes away by its own hand, under the lock of the tree;
 * under the same lock we take a reference of it, so it stays as long as we look,
 * though the process may be gone by then. */
#include "ext/process/look.h"

#include "ext/fs/procfs.h"
#include "ext/schedule/nice.h"
#include "process/impl.h"
#include <errno.h>
#include <string.h>

int
proc_next_pid(int after)
{
    int pid = 0;

    for (int at = after + 1; at < 32768 && pid == 0; at += 64) {
        spin_lock(&tree_lock); /* not too long at once */
        for (int i = at; i < at + 64 && pid == 0; i++) {
            if (pid_find(i) != NULL)
                pid = i;
        }
        spin_unlock(&tree_lock);
    }
    return pid;
}

static char
state_of(const struct process *p)
{
    if (p->state == PROC_ZOMBIE || p->ntasks == 0)
        return 'Z';
    if (p->stop_signo != 0 && p->nstopped == p->ntasks)
        return 'T';
    list_for_each_entry (t, &p->tasks, struct task, link) {
        if (atomic_load(&t->thread.state) != THREAD_BLOCKED)
            return 'R';
    }
    return 'S';
}

static void
copy_numbers(struct process *p, struct look *l)
{
    l->pid = p->pid;
    l->ppid = p->parent == NULL ? 0 : p->parent->pid;
    l->pgid = p->pgid;
    l->sid = p->sid;
    l->tasks = p->ntasks;
    l->state = state_of(p);
    l->trace = p->trace;
    if (!list_empty(&p->tasks))
        l->nice =
            thread_nice(&list_entry(p->tasks.next, struct task, link)->thread);
    l->stack_start = p->stack_start;
    l->ran = process_ran(p);
    l->child_ran = p->child_ran;
    l->born = p->born;
    memcpy(l->name, p->name, sizeof(l->name));
    memcpy(l->child_stat, p->child_stat, sizeof(l->child_stat));
    for (unsigned i = 0; i < MMSTAT_COUNT; i++)
        l->stat[i] = p->mm == NULL ? p->stat[i] : atomic_load(&p->mm->stat[i]);
}

/* Without ext/syscall/sys_sched.c. */
WEAK int
thread_nice(const struct thread *t)
{
    (void)t;
    return 0;
}

int
look_at(int pid, struct look *l)
{
    struct process *p;

    memset(l, 0, sizeof(*l));
    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL) {
        copy_numbers(p, l);
        l->mm = p->mm;
        l->exe = p->exe;
        l->files = p->files;
        if (l->mm != NULL)
            mm_get(l->mm);
        if (l->exe != NULL)
            inode_get(l->exe);
        if (l->files != NULL)
            files_get(l->files);
        if (p->fs != NULL) {
            l->fs = p->fs;
            l->umask = atomic_load(&p->fs->umask);
            atomic_add(&p->fs->refs, 1);
        }
    }
    spin_unlock(&tree_lock);
    return p == NULL ? -ESRCH : 0;
}

void
look_end(struct look *l)
{
    if (l->mm != NULL)
        mm_put(l->mm);
    if (l->exe != NULL)
        inode_put(l->exe);
    if (l->files != NULL)
        files_put(l->files);
    if (l->fs != NULL)
        place_put(l->fs);
}

int
look_path(struct inode *i, char *buf, size_t size)
{
    struct walk w;
    int n;

    place_walk(current_process()->fs, &w);
    n = path_of(&w, i, buf, size);
    walk_put(&w);
    return n;
}
