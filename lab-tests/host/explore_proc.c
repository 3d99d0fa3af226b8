/* explore_proc.c: the family tree when its members end at the same time, over
 * all schedules with at most two preemptions.
 *
 * process/exit.c, process/signal.c and, of process/exec.c, what makes a task the
 * only one of its process run as they are, over the model of the
 * scheduler; what a process has (memory, files) is counted, and a process that
 * was freed is poisoned.  Each hart runs one task, and ends it as the way back
 * to user mode would.  What must hold: everything is given back once, by the
 * last task; one of several waiters gets the child, with one of the statuses it
 * ended with; nobody waits for ever; children of the dead belong to process 1. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include <atomic.h>
#include <list.h>

#include "explore/model.h"
#include "mm/mmap.h"
#define current_task    tasks_own /* ours are below */
#define current_process tasks_own_process
#include "process/exec.h"
#include "process/impl.h"
#undef current_task
#undef current_process
#include <elf64.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"
#include "libs/avl.c"
#define program timer_program /* the name is free in timeout.c only */
#include "kern/schedule/timeout.c"
#undef program
#include "kern/sync/wait.c"

/* --- the world ----------------------------------------------------------- */

enum { INIT, PARENT, CHILD, NPROC };
#define POISON 0x6b

struct spinlock tree_lock = SPINLOCK_INIT(RANK_PROCESS);
struct process *init_process;
struct list all_processes;

static struct process process[NPROC];
static struct mm_struct mm[NPROC];
static struct task task[EXPLORE_HARTS];
static void *back[EXPLORE_HARTS][5];
static unsigned released[NPROC], freed[NPROC], numbers_freed;
static bool removed[NPROC]; /* from the tree */
static long result[EXPLORE_HARTS];
static struct wait_result taken[EXPLORE_HARTS];

struct task *
current_task(void)
{
    return &task[current_thread()->tid - 1];
}

struct process *
current_process(void)
{
    return current_task()->process;
}

void
set_parent(struct process *p, struct process *parent)
{
    p->parent = parent;
    p->ppid = parent == NULL ? 0 : parent->pid;
}

struct process *
pid_find(int pid)
{
    for (int i = 0; i < NPROC; i++) {
        if (!removed[i] && pid == i + 1)
            return &process[i];
    }
    return NULL;
}

void
tree_remove(struct process *p)
{
    removed[p - process] = true;
    list_del(&p->sibling);
    list_del(&p->all_link);
}

void
number_free(int n)
{
    numbers_freed++;
}

size_t
copy_to_user(uintptr_t to, const void *from, size_t n)
{
    return n;
}

void
mm_use(struct mm_struct *m)
{
}

void
mm_put_user(struct mm_struct *m)
{
    released[m - mm]++;
}

void
files_put(struct files *t)
{
}

void
place_put(struct fs_place *fs)
{
}

void
inode_put_last(struct inode *i)
{
}

NORETURN void
power_off(int code)
{
    explore_fail("process 1 ended");
}

NORETURN void
thread_exit(void)
{
    __builtin_longjmp(back[current_thread()->tid - 1], 1);
}

static void
free_process(void *p)
{
    if (p == NULL) /* what it had of its own is not looked at here */
        return;
    freed[(struct process *)p - process]++;
    memset(p, POISON, sizeof(struct process));
}

/* T is the thread of a task; the model has threads of its own. */
static void
interrupt(struct thread *t)
{
    thread_interrupt(
        &model_thread[container_of(t, struct task, thread) - task]);
}

/* What exec does before and after is not looked at here. */
static struct trapframe frame; /* of everybody: nobody reads it */

#define NOTHING(type, name, value, ...) \
    type name(__VA_ARGS__)              \
    {                                   \
        return value;                   \
    }
NOTHING(long, object_read, 0, struct vm_object *o, uint64_t p, void *b,
        size_t n)
NOTHING(int, namei, 0, const struct walk *w, const char *p, unsigned f,
        struct inode **i)
NOTHING(void *, kmalloc, NULL, size_t n)
NOTHING(int, mm_access, 0, struct mm_struct *m, uintptr_t a, void *b, size_t n,
        bool w)
NOTHING(long, do_mmap, 0, struct mm_struct *m, uintptr_t a, size_t n,
        uint32_t p, uint32_t f, struct vm_object *o, uint64_t at)
NOTHING(uintptr_t, vma_find_gap, 0, struct mm_struct *m, size_t n,
        uintptr_t top, struct vma_struct **next)
NOTHING(struct mm_struct *, mm_create, NULL, void)
NOTHING(int, exec_stack, 0, struct mm_struct *m, const struct exec_args *a,
        struct start *s)
NOTHING(struct files *, files_unshared, t, struct files *t)
NOTHING(struct trapframe *, task_frame, &frame, struct task *t)
NOTHING(const char *, elf_check_header, NULL, const struct elf_header *h,
        uint64_t n)
NOTHING(const char *, elf_describe, NULL, const struct elf_header *h,
        const struct elf_phdr *p, uint64_t n, uint64_t l, struct elf_program *e)
NOTHING(void, files_close_exec, , struct files *t)
NOTHING(void, fp_forget, , struct task *t, struct trapframe *tf)
NOTHING(void, place_walk, , struct fs_place *f, struct walk *w)
NOTHING(void, walk_give, , struct walk *w)
NOTHING(void, mm_write_begin, , struct mm_struct *m)
NOTHING(void, mm_write_end, , struct mm_struct *m)
NOTHING(size_t, no_strlcpy, 0, char *to, const char *from, size_t n)
#undef NOTHING
#define strlcpy no_strlcpy

#define kfree(p)            free_process(p)
#define thread_interrupt(t) EXPLORE_CALL(interrupt, t, t)
#define wait_wake_all(wq)   EXPLORE_CALL(wait_wake_all, wq, wq)
#include "kern/process/exec.c"
#include "kern/process/exit.c"
#include "kern/process/signal.c"
#undef wait_wake_all
#undef thread_interrupt
#undef kfree

static void
add_process(int i, struct process *parent)
{
    struct process *p = &process[i];

    p->pid = i + 1;
    p->pgid = i + 1;
    p->mm = &mm[i];
    p->parent = parent;
    list_init(&p->children);
    list_init(&p->zombies);
    list_init(&p->tasks);
    list_init(&p->sibling);
    wait_init(&p->wait_children);
    if (parent != NULL)
        list_add_tail(&parent->children, &p->sibling);
    list_add_tail(&all_processes, &p->all_link);
}

/* Hart I runs a task of process WHICH. */
static void
add_task(unsigned i, int which)
{
    struct process *p = &process[which];

    task[i].process = p;
    task[i].tid = p->ntasks == 0 ? p->pid : 100 + (int)i;
    list_add_tail(&p->tasks, &task[i].link);
    p->ntasks++;
}

static void
family(void)
{
    list_init(&all_processes);
    init_process = &process[INIT];
    add_process(INIT, NULL);
    add_process(PARENT, &process[INIT]);
    add_process(CHILD, &process[PARENT]);
    EXPLORE_NAME(tree_lock);
    EXPLORE_NAME(process);
    EXPLORE_NAME(model_thread);
}

/* The way back to user mode. */
static void
work(void)
{
    if (atomic_load(&current_task()->killed))
        do_exit(0, false);
}

static void
wait_for(int pid)
{
    unsigned me = (unsigned)current_thread()->tid - 1;

    result[me] = do_wait(pid, WEXITED, &taken[me]);
    work();
}

/* FN as hart's task, until it returns or ends. */
#define AS_TASK(hart, ...)                       \
    do {                                         \
        model_start(hart);                       \
        if (__builtin_setjmp(back[hart]) == 0) { \
            __VA_ARGS__;                         \
        }                                        \
    } while (0)

static void
child_is_gone(void)
{
    assert(released[CHILD] == 1 && freed[CHILD] == 1);
    assert(list_empty(&process[PARENT].children) &&
           list_empty(&process[PARENT].zombies));
    assert(!tree_lock.locked);
}

/* --- one waits, one ends -------------------------------------------------- */

static void
wait_setup(void)
{
    family();
    add_task(0, PARENT);
    add_task(1, CHILD);
}

static void
wait_body(unsigned hart)
{
    if (hart == 0)
        AS_TASK(0, wait_for(-1));
    else
        AS_TASK(1, do_exit(3 << 8, true));
}

static void
wait_check(void)
{
    child_is_gone();
    assert(result[0] == CHILD + 1 && taken[0].status == 3 << 8);
    assert(numbers_freed == 1);
}

/* --- two wait for one ------------------------------------------------------ */

static void
two_setup(void)
{
    family();
    add_task(0, PARENT);
    add_task(1, PARENT);
    add_task(2, CHILD);
}

static void
two_body(unsigned hart)
{
    if (hart < 2)
        AS_TASK(hart, wait_for(hart == 0 ? -1 : CHILD + 1));
    else
        AS_TASK(2, do_exit(3 << 8, true));
}

static void
two_check(void)
{
    child_is_gone();
    if (result[0] + result[1] != CHILD + 1 - ECHILD)
        explore_fail("waiters got %ld and %ld", result[0], result[1]);
}

/* --- two tasks end their process, the parent waits ------------------------ */

static void
group_setup(void)
{
    family();
    add_task(0, CHILD);
    add_task(1, CHILD);
    add_task(2, PARENT);
}

static void
group_body(unsigned hart)
{
    if (hart == 2)
        AS_TASK(2, wait_for(-1));
    else
        AS_TASK(hart, do_exit((4 + (int)hart) << 8, true));
}

static void
group_check(void)
{
    child_is_gone();
    assert(result[2] == CHILD + 1);
    assert(taken[2].status == 4 << 8 || taken[2].status == 5 << 8);
    assert(numbers_freed == 2); /* the second task's, and the pid */
}

/* --- kill meets exit, and the parent waits --------------------------------- */

static void
kill_setup(void)
{
    family();
    add_task(0, CHILD);
    add_task(1, INIT);
    add_task(2, PARENT);
}

static void
kill_body(unsigned hart)
{
    if (hart == 0)
        AS_TASK(0, do_exit(3 << 8, true));
    else if (hart == 1)
        AS_TASK(1, result[1] = do_kill(CHILD + 1, SIGTERM));
    else
        AS_TASK(2, wait_for(-1));
}

static void
kill_check(void)
{
    child_is_gone();
    assert(taken[2].status == 3 << 8 || taken[2].status == SIGTERM);
    assert(result[1] == 0 || result[1] == -ESRCH);
}

/* --- kill of one that waits ------------------------------------------------- */

static void
sleeper_setup(void)
{
    family();
    add_task(0, PARENT);
    add_task(1, INIT);
}

static void
sleeper_body(unsigned hart)
{
    if (hart == 0)
        AS_TASK(0, wait_for(-1)); /* for CHILD, which never ends */
    else
        AS_TASK(1, do_kill(PARENT + 1, SIGKILL); wait_for(PARENT + 1));
}

static void
sleeper_check(void)
{
    assert(result[1] == PARENT + 1 && taken[1].status == SIGKILL);
    assert(released[PARENT] == 1 && freed[PARENT] == 1);
    assert(process[CHILD].parent == init_process);
}

/* --- parent and child end at once -------------------------------------------- */

static void
both_setup(void)
{
    family();
    add_task(0, PARENT);
    add_task(1, CHILD);
    add_task(2, INIT);
}

static void
both_body(unsigned hart)
{
    if (hart == 2)
        AS_TASK(2, wait_for(-1); wait_for(-1));
    else
        AS_TASK(hart, do_exit(0, true));
}

static void
both_check(void)
{
    assert(freed[PARENT] == 1 && freed[CHILD] == 1);
    assert(released[PARENT] == 1 && released[CHILD] == 1);
    assert(result[2] > 0 && numbers_freed == 2);
    assert(list_empty(&process[INIT].children) &&
           list_empty(&process[INIT].zombies));
}

/* --- exec meets exec, exit_group() or kill ----------------------------------- */

static bool alone[EXPLORE_HARTS];

static void
exec_it(unsigned hart)
{
    alone[hart] = be_alone(&process[CHILD]);
    if (alone[hart]) {
        assert(process[CHILD].ntasks == 1);
        assert(task[hart].tid == CHILD + 1);
    }
    work();
    do_exit(7 << 8, true);
}

static void
exec_setup(void)
{
    group_setup();
}

static void
exec_body(unsigned hart)
{
    if (hart == 2)
        AS_TASK(2, wait_for(-1));
    else
        AS_TASK(hart, exec_it(hart));
}

static void
exec_check(void)
{
    child_is_gone();
    assert(alone[0] != alone[1]);
    assert(result[2] == CHILD + 1 && taken[2].status == 7 << 8);
    assert(numbers_freed == 2);
}

static void
leave_body(unsigned hart)
{
    if (hart == 2)
        AS_TASK(2, wait_for(-1));
    else if (hart == 1)
        AS_TASK(1, exec_it(1));
    else
        AS_TASK(0, do_exit(4 << 8, true));
}

static void
leave_check(void)
{
    child_is_gone();
    assert(result[2] == CHILD + 1);
    assert(taken[2].status == (alone[1] ? 7 : 4) << 8 ||
           taken[2].status == 4 << 8);
    assert(numbers_freed == 2);
}

static void
killed_setup(void)
{
    family();
    add_task(0, CHILD);
    add_task(1, CHILD);
    add_task(2, PARENT);
}

static void
killed_body(unsigned hart)
{
    if (hart == 2)
        AS_TASK(2, do_kill(CHILD + 1, SIGTERM); wait_for(-1));
    else if (hart == 1)
        AS_TASK(1, exec_it(1));
    else
        AS_TASK(0, do_exit(4 << 8, false));
}

static void
killed_check(void)
{
    child_is_gone();
    assert(taken[2].status == SIGTERM || taken[2].status == 7 << 8);
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SET(name) \
    .setup = name##_setup, .body = name##_body, .check = name##_check

static const struct explore_test tests[] = {
    {"exit-wait", 2, SET(wait)},
    {"exit-wait-mutant-no-wake", 2, SET(wait),
     .skip = SKIP("wake_waiters/wait_wake_all"), .expect = "dead-lock"},
    {"exit-wait-mutant-zombie-unlocked", 2, SET(wait),
     .skip = SKIP("become_zombie/spin_lock", "become_zombie/spin_unlock"),
     .expect = ""},
    {"two-waiters", 3, SET(two)},
    {"two-waiters-mutant-unlocked", 3, SET(two),
     .skip = SKIP("do_wait/spin_lock", "do_wait/spin_unlock"), .expect = ""},
    {"exit-exit", 3, SET(group)},
    {"exit-exit-mutant-unlocked", 3, SET(group),
     .skip = SKIP("do_exit/spin_lock", "do_exit/spin_unlock"), .expect = ""},
    {"exec-exec", 3, SET(exec)},
    {"exec-exit", 3, .setup = group_setup, .body = leave_body,
     .check = leave_check},
    {"exec-exit-mutant-no-wake", 3, .setup = group_setup, .body = leave_body,
     .check = leave_check, .skip = SKIP("wake_waiters/wait_wake_all"),
     .expect = "dead-lock"},
    {"exec-kill", 3, SET(killed)},
    {"kill-exit", 3, SET(kill)},
    {"kill-sleeper", 2, SET(sleeper)},
    {"kill-sleeper-mutant-no-interrupt", 2, SET(sleeper),
     .skip = SKIP("end_process/interrupt"), .expect = "dead-lock"},
    {"exit-of-parent", 3, SET(both)},
    {"exit-of-parent-mutant-no-wake", 3, SET(both),
     .skip = SKIP("wake_waiters/wait_wake_all"), .expect = "dead-lock"},
};

int
main(int argc, char **argv)
{
    return explore_main(argc, argv, "explore_proc", tests, ARRAY_LEN(tests));
}
