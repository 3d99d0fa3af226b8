/* impl.h: shared by the files of process/. */
#ifndef KERN_PROCESS_IMPL_H
#define KERN_PROCESS_IMPL_H

#include "process/proc.h"

extern struct process *init_process;
extern struct list all_processes; /* [tree_lock] */

/* proc.c */
int number_alloc(uint64_t limit); /* a pid or tid; 0: LIMIT are in use */
void number_free(int n);
struct process *alloc_proc(int pid); /* NULL: no memory */
void set_parent(struct process *p, struct process *parent); /* => tree locked */
void tree_insert(struct process *p, struct process *parent);
void tree_remove(struct process *p);
struct fs_place *place_create(struct inode *root, struct inode *cwd,
                              uint32_t umask);
struct fs_place *place_copy(struct fs_place *from); /* NULL: no memory */
void place_put(struct fs_place *fs);

/* T, complete but for its place, is one of its process.  => tree locked */
void task_joins(struct task *t);

/* fork.c */
struct task *task_create(struct process *p, const struct trapframe *tf);
void task_destroy(struct task *t); /* one that never ran */

/* exec.c: MM has at most BYTES of private memory; UINT64_MAX: any number.  WEAK.
 * => may sleep; gate open.  -ENOMEM */
MUST_CHECK int limit_memory(struct mm_struct *mm, uint64_t bytes);

/* exit.c */
void vfork_done(struct process *p); /* P does not need the parent's mm now */

void keep_counts(struct process *p, const struct mm_struct *mm);
void end_process(struct process *p, int status);
/* Somebody waits for the word at ADDR (kern/ext/process/futex.c). */
void futex_wake_hook(uintptr_t addr);

void wake_waiters(struct process *p); /* => tree locked */
/* The first signal of SET that is pending for ME is not any more; 0: none is.
 * WEAK: siginfo.c also puts what came with it into ME->info.  => tree locked */
int signal_take(struct task *me, uint64_t set);

/* signal.c: P shall get SIGNO (0: nothing), or the task TO of it.  INFO NULL: it
 * comes from the kernel.  => tree locked */
void signal_send(struct process *p, int signo, struct task *to,
                 const struct sig_info *info);

/* What kern/ext/process/stop.c and siginfo.c add; WEAK, do nothing.  => tree
 * locked, but for stop_here() */
/* SIGNO is sent to P, whether P cares or not. */
void signal_sent(struct process *p, int signo);
/* SIGNO, which nobody handles, can stop P. */
bool signal_stops(const struct process *p, int signo);
/* SIGNO becomes pending, for the task TO or all; INFO comes with it. */
void signal_noted(struct process *p, struct task *to, int signo,
                  const struct sig_info *info);
/* P takes SIGNO, which stops it if it may. */
void stop_begin(struct process *p, int signo);
/* Sleep as long as the process is stopped. */
void stop_here(struct task *me);
/* For wait(): what C, which lives, has to tell of what OPTIONS ask for, as a
 * status; 0: nothing.  TAKE: it is told. */
int child_news(struct process *c, unsigned options, bool take);
/* T has left P, which may have no task any more. */
void task_left(struct process *p, struct task *t);
/* The timers of P, which nobody else uses any more, are stopped, and gone; without
 * ALL only those that exec ends.  => no lock held */
void timers_drop(struct process *p, bool all);
/* P is about to be a zombie.  True: nobody will wait for it. */
bool process_ended(struct process *p);

/* user.c */
void fp_init(void);
void fp_save(struct task *t); /* => the calling task's: into t->fp */
void fp_forget(struct task *t, struct trapframe *tf);
void fp_gone(struct task *t); /* its memory will be used for another */

#endif
