/* proc.h: processes, and the tasks that run in them.
 *
 *              alloc_proc            last task exits         parent waits
 *     (none) ------------> PROC_LIVE --------------> PROC_ZOMBIE ------> (none)
 *                do_fork                do_exit                 do_wait
 *
 * A process is what its tasks share.  A task is a thread that can enter user
 * mode; its trap frame lies at the top of its kernel stack. */
#ifndef KERN_PROCESS_PROC_H
#define KERN_PROCESS_PROC_H

#include "arch/riscv/fp.h"
#include "fs/file.h"
#include "mm/space.h"
#include "schedule/thread.h"
#include "sync/wait.h"

struct fs_place {             /* shared by clone(CLONE_FS) */
    int32_t refs;             /* [a] */
    struct spinlock lock;     /* rank PROCESS */
    struct inode *root, *cwd; /* [lock] */
    uint32_t umask;           /* [lock] */
};

/* Why a process ended or a thread was hit: what waitid() and a debugger see. */
struct sig_cause {
    int signo; /* 0: none */
    int code;  /* SEGV_MAPERR ... */
    uintptr_t addr;
};

/* What comes with a signal: the middle of Linux's siginfo. */
struct sig_info {
    int code;       /* SI_USER ... */
    uint32_t pid;   /* of the sender, or the number of a timer */
    uint32_t uid;   /* ... or what it missed */
    uint64_t value; /* what was sent along, or the status of a child */
};

enum proc_state { PROC_LIVE, PROC_ZOMBIE };

#define RLIM_COUNT    16
#define RLIMIT_FSIZE  1
#define RLIMIT_DATA   2
#define RLIMIT_STACK  3
#define RLIMIT_RSS    5
#define RLIMIT_NPROC  6
#define RLIMIT_NOFILE 7
#define RLIMIT_AS     9
#define STACK_MOST    (1ul << 30) /* whatever RLIMIT_STACK says */
struct rlimit64 {
    uint64_t cur, max;
};

/* What rt_sigaction() set; Linux's layout. */
struct sig_action {
    uint64_t handler, flags, mask;
};

struct alt_stack { /* sigaltstack(2) */
    uint64_t sp;
    uint32_t flags, pad; /* ALT_STACK_NONE: there is none */
    uint64_t size;
};
#define ALT_STACK_NONE 2u

/* Sets of signals have bit 0 for number 1, as Linux's. */
static inline uint64_t
signal_bit(int signo)
{
    return 1ul << (signo - 1);
}

/* Who guards what:  t: the tree lock;  a: atomic;  I;  self: its own tasks;
 * self, t: its own tasks change it under the lock, others read it under that */
struct process {
    int pid;                         /* [I] */
    int pgid, sid;                   /* [t] */
    struct process *parent;          /* [t] */
    int ppid;                        /* [a] its pid; 0: none */
    struct list children, zombies;   /* [t] alive; ended, not waited for */
    struct list sibling;             /* [t] in one of them */
    struct list all_link, pid_link;  /* [t] */
    struct list tasks;               /* [t] task.link */
    unsigned ntasks;                 /* [t] not yet gone */
    uint32_t state;                  /* [t] enum proc_state */
    int status;                      /* [t] as wait4() gives it */
    bool exiting;                    /* [t] exit_group or a deadly signal */
    struct task *vfork;              /* [t] waits until we exec or end */
    bool execed;                     /* [t] has run exec: setpgid() refuses */
    struct wait_queue wait_children; /* its children's ends; vfork, too */
    struct sig_cause cause;          /* [t] the first one */
    uint64_t ignored, handled;       /* [t] signals */
    uint64_t pending;                /* [t] signals for any task */
    struct sig_queued *queued;       /* [t] what came with pending ones */
    struct timers *timers;           /* [I] once made; see sys_timer.c */
    int stop_signo;                  /* [t] its tasks are to stop, or 0 */
    unsigned stop_gen, nstopped;     /* [t] which stop, tasks that did */
    int news;                        /* [t] for wait: stopped, continued; 0 */
    struct sig_action *actions;      /* [t] 64; NULL: never any handler */
    int exit_signal;                 /* [I] to the parent; SIGCHLD */
    char name[16];                   /* what runs, for ps */
    struct mm_struct *mm;            /* [self, t] NULL: being torn down */
    struct files *files;             /* [self, t] */
    struct fs_place *fs;             /* [self, t] */
    struct inode *exe;               /* [self, t] the program, or NULL */
    uintptr_t stack_start;           /* [t] argc, as exec laid it down */
    struct rlimit64 limits[RLIM_COUNT];
    struct cputime ran;                /* [t] of ended tasks */
    struct cputime child_ran;          /* [t] of children waited for */
    uint64_t born;                     /* [I] time_now() then */
    uint64_t stat[MMSTAT_COUNT];       /* of spaces that it left */
    uint64_t child_stat[MMSTAT_COUNT]; /* [t] of children waited for */
    bool trace;                        /* [t] print its calls */
    int16_t oom_adj;                   /* [t] ext/process/oom.c */
};

/* How a call goes on that waits until a certain time, when a signal without a
 * handler has ended its sleep: it returns -ERESTART, which no program sees, and
 * restart_syscall() calls FN.  A call that returns -ERESTARTNOINTR is made again,
 * handler or not. */
#define ERESTART       516
#define ERESTARTNOINTR 513
struct restart {
    long (*fn)(const struct restart *r);
    uint64_t until;
    uint64_t a[4];
};

struct task {
    struct thread thread;       /* must be first */
    struct process *process;    /* [I] */
    int tid;                    /* [self] exec makes it the pid */
    struct list link;           /* [t] process->tasks */
    uint32_t killed;            /* [a, set: t] leave as soon as possible */
    struct sig_cause hit;       /* [self] the fault being delivered */
    struct sig_info info;       /* [self] what came with the one taken last */
    struct restart restart;     /* [self] */
    uint64_t blocked;           /* [t, self] signals */
    uint64_t pending;           /* [t] signals for this task */
    uint64_t wanted;            /* [t] signals that sigtimedwait() waits for */
    uint64_t saved_mask;        /* [self] what blocked will be again ... */
    bool restore_mask;          /* [self] ... if this says so */
    struct alt_stack alt_stack; /* [self] */
    uintptr_t clear_tid;        /* [self] CLONE_CHILD_CLEARTID, 0: none */
    struct fp_state fp;         /* [self] while not in the registers */
    bool fp_used;               /* [self] ever */
    unsigned fp_hart;           /* [self] loaded there last */
};

/* What all tasks of P ran, also those that ended.  => tree locked */
struct cputime process_ran(const struct process *p);

/* The process PID, or NULL.  => tree_lock held as long as it is used */
struct process *pid_find(int pid);
extern unsigned process_limit;    /* processes and further tasks together */
extern struct spinlock tree_lock; /* rank PROCESS: the family tree */

/* P's calls shall be printed, or not any more.  => tree locked */
void proc_trace(struct process *p, bool on);

/* Where paths begin for tasks of FS, with references; give them back. */
void place_walk(struct fs_place *fs, struct walk *w);
void walk_give(struct walk *w);
static inline void
walk_put(struct walk *w)
{
    if (unlikely(w->owned))
        walk_give(w);
}

/* task->thread.user_trap: what a task did wrong; with WHY NULL, it was
 * interrupted. */
void task_trap(struct trapframe *tf, const struct user_trap *why);

/* The task that runs, or NULL in a kernel thread. */
static inline struct task *
current_task(void)
{
    struct thread *t = current_thread();

    return likely(t->user_trap == task_trap)
               ? container_of(t, struct task, thread)
               : NULL;
}

static inline struct process *
current_process(void)
{
    struct task *t = current_task();

    return t == NULL ? NULL : t->process;
}

/* Its registers in user mode. */
struct trapframe *task_frame(struct task *t);

void proc_init(void); /* once, at boot */

/* Clone's flags, Linux's numbers; those with a NO_ are refused: they promise
 * what is not there (a file for the child, namespaces). */
#define CLONE_NO_PIDFD       0x00001000u
#define CLONE_NO_SPACES      0x7e020000u
#define CLONE_VM             0x00000100u
#define CLONE_FS             0x00000200u
#define CLONE_FILES          0x00000400u
#define CLONE_SIGHAND        0x00000800u
#define CLONE_VFORK          0x00004000u
#define CLONE_PARENT         0x00008000u
#define CLONE_THREAD         0x00010000u
#define CLONE_SYSVSEM        0x00040000u
#define CLONE_SETTLS         0x00080000u
#define CLONE_PARENT_SETTID  0x00100000u
#define CLONE_CHILD_CLEARTID 0x00200000u
#define CLONE_CHILD_SETTID   0x01000000u
#define CLONE_SIGNAL_MASK    0x000000ffu

struct clone_args {
    uint64_t flags; /* CLONE_, without the signal */
    int exit_signal;
    uintptr_t stack; /* 0: the caller's */
    uintptr_t tls, parent_tid, child_tid;
};

/* A copy of the calling task (CLONE_THREAD) or process, which begins behind
 * the call with 0 in a0.  Returns its tid, or -EAGAIN (limit), -ENOMEM,
 * -EINVAL (flags that make no sense together).  => may sleep */
long do_fork(const struct clone_args *args);

/* Run the program INODE instead, with the strings ARGV and ENVP (kernel
 * memory, NULL-terminated).  Returns a negative errno with everything as it
 * was: -ENOEXEC, -EACCES, -ENOMEM, -E2BIG ...; does not fail after the point of
 * no return but kills.  => may sleep */
struct exec_args {
    struct inode *inode;
    const char *filename; /* AT_EXECFN */
    char *const *argv, *const *envp;
};
long do_execve(const struct exec_args *args);

/* The calling task ends; with GROUP, all tasks of its process. STATUS as
 * wait4() gives it: (code & 255) << 8, or a signal. */
NORETURN void do_exit(int status, bool group);

/* wait4 and waitid.  PID as wait4 has it.  Returns the pid, 0 (WNOHANG),
 * -ECHILD, -EINTR. */
#define WNOHANG    0x00000001u
#define WUNTRACED  0x00000002u
#define WEXITED    0x00000004u
#define WCONTINUED 0x00000008u
#define WNOWAIT    0x01000000u
struct wait_result {
    int pid, status;
    struct sig_cause cause;
    struct cputime ran;
    uint64_t stat[MMSTAT_COUNT];
};
long do_wait(int pid, unsigned options, struct wait_result *r);

/* Signal SIGNO: PID > 0 the process, 0 the caller's group, -1 all but 1 and
 * the caller, < -1 a group.  0, -ESRCH, -EINVAL. */
long do_kill(int pid, int signo);
/* ... to all of a group; false: it has nobody. */
bool signal_group(int pgid, int signo);
/* ... to the task TID of process PID. */
long do_tgkill(int pid, int tid, int signo);
/* The calling task did something wrong, or (CODE 0) something nobody wants.
 * Returns if it is to go on, perhaps in a handler. */
void signal_self(int signo, int code, uintptr_t addr);
/* The calling task blocks this set from now on, but for what cannot be. */
void signal_mask(uint64_t blocked);
/* On the way back to user mode, to TF: ends the task if it is killed, enters
 * handlers.  ARG: the first argument of the call that returns, or NULL. */
void task_work(struct trapframe *tf, const uint64_t *arg);
/* TF is to run the handler of SIGNO, and what it is now after that.  *AGAIN: a
 * call will be made again; NOT_AGAIN if it is not to be.  False: no room for it,
 * or nobody who can do it (WEAK). */
#define NR_restart_syscall 128 /* a7 of what returned -ERESTART */
enum call_again { NOT_AGAIN, CALL_AGAIN, CALL_RESTART };
bool signal_enter(struct trapframe *tf, int signo, enum call_again *again);

/* The first process: the program PATH with arguments ARGV.  Returns its pid. */
int proc_start_init(const char *path, char *const *argv, char *const *envp);

#endif
