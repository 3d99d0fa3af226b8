/* sched.h: who runs next.
 *
 * Each hart has a run queue under its own lock.  A woken thread goes to the
 * hart it ran on last if that is idle, else to an idle hart it may use, else
 * back to its own; a hart with nothing to do takes a thread from the longest
 * queue, else it waits for an interrupt.  Which thread of a queue comes next
 * is the policy's business (struct sched_class), chosen by sched= at boot. */
#ifndef KERN_SCHEDULE_SCHED_H
#define KERN_SCHEDULE_SCHED_H

#include "schedule/thread.h"

/* The runnable threads of one hart, as the policy keeps them. */
struct run_queue {
    struct spinlock lock;
    unsigned nr;            /* [lock] threads queued, the running one not */
    struct thread *running; /* [lock] */
    struct thread *idle;    /* [I] what runs when nothing else can */
    struct thread *gone;    /* [lock] died in the switch going on */
    struct thread *moved;   /* [lock] left this hart in the same way */
    struct mm_struct *left; /* [lock] as sched_switch_hook() said */
    struct list list;       /* [lock] round robin */
    struct avl_tree tree;   /* [lock] stride */
    uint64_t min_pass;      /* [lock] stride */
} CACHE_ALIGNED;

/* A policy.  All calls under rq->lock. */
struct sched_class {
    const char *name;
    void (*enqueue)(struct run_queue *rq, struct thread *t);
    /* The thread that should run next on hart CPU, out of the queue.  NULL if
     * the queue is empty or none may run there. */
    struct thread *(*take)(struct run_queue *rq, unsigned cpu);
    /* A tick passed while T ran; true: somebody else should run. */
    bool (*tick)(struct run_queue *rq, struct thread *t);
};

TABLE_DECLARE(sched_class, struct sched_class);

/* Choose the policy by NAME ("rr", "stride") before the first thread starts.
 * Returns -EINVAL if there is no such policy. */
int sched_select(const char *name);
const char *sched_name(void);

/* Make the code that calls this the idle thread of its hart; its tcb must be
 * the head of struct thread IDLE.  => interrupts off, once per hart */
void sched_init_cpu(struct thread *idle);
/* Run threads for ever; the end of a hart's boot.  Interrupts come on here. */
NORETURN void sched_idle_loop(void);

/* Prepare T, all zeros, whose memory and stack [STACK, STACK+KSTACK_SIZE) the caller owns
 * until on_dead(T).  Does not start it. */
void thread_init(struct thread *t, const char *name, uintptr_t stack,
                 void (*entry)(void *), void *arg);
void thread_start(struct thread *t);

/* End the calling thread.  => no locks held */
NORETURN void thread_exit(void);

/* Sleep until sched_wake(current), without LOCK meanwhile.  Who wakes takes LOCK to
 * find the thread, and finds it asleep: so no wake is lost between the look that
 * decided to sleep and the sleep.  INTR: not if thread_interrupt() wants it.
 * => LOCK held, and no other spinlock; held again on return */
void sched_sleep(struct spinlock *lock, bool intr);

/* Make T runnable if it is blocked; else do nothing.  Returns true if it did.
 * => any context; takes run-queue locks */
bool sched_wake(struct thread *t);

/* Let others run.  => no spinlock held */
void sched_yield(void);

/* Run on these logical harts only, now and later; -EINVAL if none exists. */
int sched_set_affinity(uint64_t mask);

/* From the timer interrupt. */
void sched_tick(void);
/* From the end of every trap: switch if cpu->resched is set and the interrupted code
 * allows it: interrupts were on, and it is no idle thread, which looks at resched
 * itself, when it has woken and buried whom it was left by. */
void sched_preempt_point(void);

/* Called before each switch, set by mm/space.c: the hart gets NEXT's space.
 * Returns one whose last reference that was, or NULL.  => run-queue lock held */
extern struct mm_struct *(*sched_switch_hook)(struct thread *next);
/* Called before each switch, set by process/: floating-point registers.
 * => run-queue lock held */
extern void (*sched_fp_hook)(struct thread *prev, struct thread *next);
/* ... and after the switch, with that.  => no lock held */
extern void (*sched_left_hook)(struct mm_struct *left);

/* Call FN for every thread but the idle ones, under the lock of the list. */
void thread_for_each(void (*fn)(struct thread *t, void *arg), void *arg);
/* => for sched.c: T left its stack for good; forget it, call its on_dead */
void thread_gone(struct thread *t);
/* => for thread.c: among a new thread's first instructions */
void sched_finish_switch(void);

#endif
