/* proc.c: the family tree, and the numbers of what lives in it.
 *
 *     number -> hash list -> process            pid_find()
 *
 *     init ── shell ──┬── cat           children: alive
 *                     └── grep          zombies:  ended, not yet waited for
 *
 * One spinlock guards all of it; nothing is done under it that may sleep or
 * that grows with the number of processes, but for signals to many. */
#include "process/proc.h"

#include "debug/panic.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include "process/impl.h"
#include "process/syscall_hook.h"
#include <string.h>

#define PID_MAX  32768
#define PID_HASH 256

struct spinlock tree_lock = SPINLOCK_INIT(RANK_PROCESS);
struct process *init_process;
struct list all_processes;
unsigned process_limit = 16384; /* processes and further tasks */

static struct list by_pid[PID_HASH]; /* [tree_lock] */
static uint64_t used[PID_MAX / 64];  /* [tree_lock] */
static int last_number;              /* [tree_lock] */
static unsigned numbers;             /* [tree_lock] in use */

void
proc_init(void)
{
    list_init(&all_processes);
    for (unsigned i = 0; i < PID_HASH; i++)
        list_init(&by_pid[i]);
    used[0] = 1;
    fp_init();
}

/* --- numbers --- */

int
number_alloc(uint64_t limit)
{
    int n = 0;

    spin_lock(&tree_lock);
    if (numbers < MIN(limit, process_limit) && numbers < PID_MAX - 2) {
        n = last_number;
        do {
            n = n + 1 == PID_MAX ? 1 : n + 1;
            if (used[n / 64] == ~0ul) /* on to the next word */
                n |= 63;
        } while (used[n / 64] >> (n % 64) & 1);
        used[n / 64] |= 1ul << (n % 64);
        last_number = n;
        numbers++;
    }
    spin_unlock(&tree_lock);
    return n;
}

void
number_free(int n)
{
    spin_lock(&tree_lock);
    used[n / 64] &= ~(1ul << (n % 64));
    numbers--;
    spin_unlock(&tree_lock);
}

struct process *
pid_find(int pid)
{
    if (pid <= 0)
        return NULL;
    list_for_each_entry (p, &by_pid[pid % PID_HASH], struct process, pid_link) {
        if (p->pid == pid)
            return p;
    }
    return NULL;
}

/* --- processes --- */

struct process *
alloc_proc(int pid)
{
    struct process *p = fail_now(FAIL_PROCESS) ? NULL : kzalloc(sizeof(*p));

    if (p == NULL)
        return NULL;
    p->pid = pid;
    p->born = time_now();
    list_init(&p->children);
    list_init(&p->zombies);
    list_init(&p->tasks);
    list_init(&p->sibling);
    wait_init(&p->wait_children);
    return p;
}

void
set_parent(struct process *p, struct process *parent)
{
    p->parent = parent;
    atomic_store(&p->ppid, parent == NULL ? 0 : parent->pid);
}

/* P, complete but for its place, becomes a child of PARENT (NULL: of nobody).
 * => tree locked */
void
tree_insert(struct process *p, struct process *parent)
{
    set_parent(p, parent);
    if (parent != NULL)
        list_add_tail(&parent->children, &p->sibling);
    list_add_tail(&all_processes, &p->all_link);
    list_add(&by_pid[p->pid % PID_HASH], &p->pid_link);
}

/* => tree locked; nobody looks at P any more afterwards */
void
tree_remove(struct process *p)
{
    list_del(&p->sibling);
    list_del(&p->all_link);
    list_del(&p->pid_link);
}

static void
choose_calls(struct task *t)
{
    const call_fn *calls = t->process->trace ? NULL : user_calls;

    atomic_store(&t->thread.tcb.calls, calls);
}

void
task_joins(struct task *t)
{
    list_add_tail(&t->process->tasks, &t->link);
    t->process->ntasks++;
    choose_calls(t);
}

void
proc_trace(struct process *p, bool on)
{
    p->trace = on;
    list_for_each_entry (t, &p->tasks, struct task, link)
        choose_calls(t);
}

struct trapframe *
task_frame(struct task *t)
{
    return (struct trapframe *)(t->thread.kstack + KSTACK_SIZE) - 1;
}

/* --- what tasks share --- */

struct fs_place *
place_create(struct inode *root, struct inode *cwd, uint32_t umask)
{
    struct fs_place *fs = fail_now(FAIL_PROCESS) ? NULL : kmalloc(sizeof(*fs));

    if (fs == NULL)
        return NULL;
    *fs =
        (struct fs_place){.refs = 1, .root = root, .cwd = cwd, .umask = umask};
    spin_init(&fs->lock, RANK_PROCESS);
    inode_get(root);
    inode_get(cwd);
    return fs;
}

struct fs_place *
place_copy(struct fs_place *from)
{
    struct fs_place *fs = fail_now(FAIL_PROCESS) ? NULL : kmalloc(sizeof(*fs));

    if (fs == NULL)
        return NULL;
    spin_lock(&from->lock);
    *fs = (struct fs_place){
        .refs = 1, .root = from->root, .cwd = from->cwd, .umask = from->umask};
    inode_get(fs->root);
    inode_get(fs->cwd);
    spin_unlock(&from->lock);
    spin_init(&fs->lock, RANK_PROCESS);
    return fs;
}

struct cputime
process_ran(const struct process *p)
{
    struct cputime ran = p->ran;

    list_for_each_entry (t, &p->tasks, struct task, link)
        cputime_add(&ran, &t->thread.ran);
    return ran;
}

void
place_put(struct fs_place *fs)
{
    if (atomic_add_acq_rel(&fs->refs, -1) != 1)
        return;
    inode_put(fs->root);
    inode_put(fs->cwd);
    kfree(fs);
}

void
place_walk(struct fs_place *fs, struct walk *w)
{
    spin_lock(&fs->lock);
    *w = (struct walk){fs->root, fs->cwd, true};
    inode_get(w->root);
    inode_get(w->cwd);
    spin_unlock(&fs->lock);
}

void
walk_give(struct walk *w)
{
    inode_put(w->root);
    inode_put(w->cwd);
}
