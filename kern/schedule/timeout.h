/* timeout.h: call me at a certain time.
 *
 * Each hart keeps its deadlines in a balanced tree, so setting and cancelling
 * are O(log n) and the next one is always known.  The hart's timer is set to
 * the nearest deadline; there is no tick while nothing is due and nobody is to
 * be preempted. */
#ifndef KERN_SCHEDULE_TIMEOUT_H
#define KERN_SCHEDULE_TIMEOUT_H

#include <avl.h>
#include <stdbool.h>
#include <stdint.h>

struct timeout {
    struct avl_node node;
    uint64_t deadline;               /* in ticks of time_now() */
    void (*fire)(struct timeout *t); /* in interrupt context, no locks held */
    unsigned cpu;                    /* the hart that keeps it */
    bool armed;
};

/* Have FIRE called at DEADLINE on this hart; T must not be armed. */
void timeout_arm(struct timeout *t, uint64_t deadline,
                 void (*fire)(struct timeout *t));

/* It will not fire any more, and on return is not firing either, whichever hart
 * it is on.  Returns true if it did not fire.  => no lock that FIRE takes */
bool timeout_cancel(struct timeout *t);

/* From the timer interrupt: fire what is due, call sched_tick() if a tick is,
 * set the next one.  => interrupts off, no locks held */
void timeout_interrupt(void);

/* Keep ticking on this hart: a thread runs that may have to be preempted.
 * Asked for anew at each tick.  => interrupts off */
void timer_want_tick(void);
#define TICK_HZ 100

/* Let this hart take timer interrupts.  => interrupts off, once per hart */
void timer_init_cpu(void);

/* Sleep.  => no spinlock held */
void sleep_until(uint64_t deadline);

/* Ticks of time_now() per second; from the device tree. */
extern uint64_t timebase_hz;
void sleep_ms(uint64_t ms);

#endif
