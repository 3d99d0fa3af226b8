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
void place_put(struct fs_place *fs);

/* fork.c */
struct task *task_create(struct process *p, const struct trapframe *tf);
void task_destroy(struct task *t); /* one that never ran */

/* exit.c */
void vfork_done(struct process *p); /* P does not need the parent's mm now */

void keep_counts(struct process *p, const struct mm_struct *mm);
void end_process(struct process *p, int status);
/* Somebody waits for the word at ADDR (kern/ext/process/futex.c). */
void futex_wake_hook(uintptr_t addr);

/* signal.c: P shall get SIGNO (0: nothing), or the task TO of it.
 * => tree locked */
void signal_send(struct process *p, int signo, struct task *to);

/* user.c */
void fp_init(void);
void fp_save(struct task *t); /* => the calling task's: into t->fp */
void fp_forget(struct task *t, struct trapframe *tf);
void fp_gone(struct task *t); /* its memory will be used for another */

#endif
