/* oom.c: adds the end of a process when memory is exhausted to mm/reclaim.h; a first
 * reader may skip it.  Without it, whoever finds no memory ends.
 *
 *     a fault or a read found no page, and reclaim got none back, a few times
 *         |   one at a time (oom_lock); is there memory now?  then try again
 *     the process with the most points is killed:
 *         pages it maps + private pages on swap + page tables
 *         + oom_score_adj thousandths of all memory
 *       of equals the youngest; never the first process, nor one with -1000
 *         |
 *     its private memory is unmapped at once, by us: it may sleep for long
 *
 * That is all a victim notices before it ends: it never runs its program again, and
 * a call of it that still copies finds an address that is not mapped.  Who shares
 * its memory (vfork) is killed with it. */
#include "debug/printk.h"
#include "ext/fs/procfs.h"
#include "ext/process/look.h"
#include "mm/bootmem.h"
#include "mm/mmap.h"
#include "mm/reclaim.h"
#include "process/proc.h"
#include "sync/mutex.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

#define ADJ_NEVER (-1000)
#define ADJ_MAX   1000

static struct mutex oom_lock = {
    .wq = {.lock = SPINLOCK_INIT(RANK_WAIT),
           .sleepers = LIST_INIT(oom_lock.wq.sleepers)},
    .rank = RANK_OOM};

/* --- points --- */

/* Private pages below N that are not in memory. */
static uint64_t
swapped_below(const struct lnode *n)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i <= n->last; i++) {
        const union lslot *s = &n->slot[i];

        if (s->node == NULL)
            continue;
        if (n->level > 0)
            sum += swapped_below(s->node);
        else
            sum += atomic_load(&s->anon->page) == NULL;
    }
    return sum;
}

static uint64_t
swapped_of(struct mm_struct *mm)
{
    struct layer *last = NULL;
    uint64_t sum = 0;

    gate_close(&mm->gate);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        /* Areas split from one lie side by side. */
        if (v->layer != NULL && v->layer != last && v->layer->root != NULL)
            sum += swapped_below(v->layer->root);
        last = v->layer;
    }
    gate_open(&mm->gate);
    return sum;
}

static uint64_t
points_of(struct mm_struct *mm, int adj)
{
    int64_t all = (int64_t)(bootmem_total() / PAGE_SIZE);
    int64_t points = atomic_load(&mm->rss) + (int64_t)swapped_of(mm) +
                     (int64_t)(atomic_load(&mm->stat[MM_PT_ALLOC]) -
                               atomic_load(&mm->stat[MM_PT_FREE]));

    return (uint64_t)MAX(points + all * adj / ADJ_MAX, 1l);
}

/* --- who --- */

struct candidate {
    int pid, adj;
    char name[16];
    struct mm_struct *mm; /* a reference */
    uint64_t points;
};

/* What process PID is; false: it cannot be killed, or is about to end. */
static bool
consider(int pid, struct candidate *c)
{
    struct process *p;

    *c = (struct candidate){.pid = pid};
    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL && pid != 1 && !p->exiting && p->mm != NULL &&
        p->oom_adj > ADJ_NEVER) {
        c->mm = p->mm;
        c->adj = p->oom_adj;
        memcpy(c->name, p->name, sizeof(c->name));
        mm_get(c->mm);
    }
    spin_unlock(&tree_lock);
    if (c->mm != NULL)
        c->points = points_of(c->mm, c->adj);
    return c->mm != NULL;
}

/* The one with the most points; its mm is NULL if there is none. */
static struct candidate
choose(void)
{
    struct candidate best = {.mm = NULL}, c;

    for (int pid = 1; (pid = proc_next_pid(pid)) != 0;) {
        if (!consider(pid, &c))
            continue;
        if (c.points >= best.points) {
            if (best.mm != NULL)
                mm_put(best.mm);
            best = c;
        } else {
            mm_put(c.mm);
        }
    }
    return best;
}

/* --- the end --- */

/* The first area that is nothing but private memory. */
static bool
next_private(struct mm_struct *mm, uintptr_t *start, size_t *size)
{
    bool found = false;

    gate_close(&mm->gate);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->vm_object != NULL || v->layer == NULL)
            continue;
        *start = v->vm_start;
        *size = v->vm_end - v->vm_start;
        found = true;
        break;
    }
    gate_open(&mm->gate);
    return found;
}

static void
reap(struct mm_struct *mm)
{
    uintptr_t start;
    size_t size;

    while (next_private(mm, &start, &size) && do_munmap(mm, start, size) == 0)
        ;
}

/* All who run in MM. */
static void
kill_users(struct mm_struct *mm)
{
    for (int pid = 1; (pid = proc_next_pid(pid)) != 0;) {
        struct process *p;
        bool its;

        spin_lock(&tree_lock);
        p = pid_find(pid);
        its = p != NULL && p->mm == mm;
        spin_unlock(&tree_lock);
        if (its)
            (void)do_kill(pid, SIGKILL);
    }
}

/* Returns true if the caller should try again. */
static bool
end_one(void)
{
    struct candidate c = choose();
    bool other;

    if (c.mm == NULL)
        return false;
    cprintf("out of memory: process %d (%s) is killed, %lu points\n", c.pid,
            c.name, c.points);
    mm_count(c.mm, MM_OOMK);
    kill_users(c.mm);
    other = c.mm != current_thread()->mm;
    if (other)
        reap(c.mm);
    mm_put(c.mm);
    return other;
}

bool
oom_rescue(void)
{
    struct process *me = current_process();
    bool again;

    if (me == NULL || current_tcb()->held >> RANK_OOM != 0)
        return false;
    mutex_lock(&oom_lock);
    /* Who waited for the lock may be dead, or have memory by now. */
    if (atomic_load(&current_task()->killed))
        again = false;
    else
        again = nr_free_pages() > reclaim_min / 4 || end_one();
    mutex_unlock(&oom_lock);
    return again;
}

/* --- /proc/PID/oom_score, oom_score_adj --- */

static int
show_score(struct proc_text *t, int pid)
{
    struct candidate c;
    uint64_t all = bootmem_total() / PAGE_SIZE;

    if (!consider(pid, &c)) {
        proc_print(t, "0\n");
        return 0;
    }
    proc_print(t, "%lu\n", MIN(c.points * ADJ_MAX / all, 2ul * ADJ_MAX));
    mm_put(c.mm);
    return 0;
}

static int
show_adj(struct proc_text *t, int pid)
{
    struct process *p;
    int adj = 0;

    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL)
        adj = p->oom_adj;
    spin_unlock(&tree_lock);
    if (p == NULL)
        return -ESRCH;
    proc_print(t, "%d\n", adj);
    return 0;
}

static int
store_adj(int pid, const char *line)
{
    bool minus = *line == '-';
    struct process *p;
    int adj = 0;

    line += minus;
    if (*line == '\0')
        return -EINVAL;
    for (; *line != '\0'; line++) {
        if (*line < '0' || *line > '9' || adj > ADJ_MAX)
            return -EINVAL;
        adj = 10 * adj + (*line - '0');
    }
    if (adj > ADJ_MAX)
        return -EINVAL;
    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL)
        p->oom_adj = (int16_t)(minus ? -adj : adj);
    spin_unlock(&tree_lock);
    return p == NULL ? -ESRCH : 0;
}

PROC_FILE(pid_oom_score, .name = "oom_score", .where = PROC_PID,
          .show = show_score);
PROC_FILE(pid_oom_score_adj, .name = "oom_score_adj", .where = PROC_PID,
          .show = show_adj, .store = store_adj);
