/* sched_rr.c: round robin.  One queue, first come first served; a thread that
 * used up its slice goes to the end.  Priorities mean nothing here. */
#include "schedule/sched.h"

#define SLICE_TICKS 2

static void
rr_enqueue(struct run_queue *rq, struct thread *t)
{
    if (t->slice_left == 0)
        t->slice_left = SLICE_TICKS;
    list_add_tail(&rq->list, &t->run_link);
}

static struct thread *
rr_take(struct run_queue *rq, unsigned cpu)
{
    list_for_each_entry (t, &rq->list, struct thread, run_link) {
        if (t->affinity >> cpu & 1) {
            list_del(&t->run_link);
            return t;
        }
    }
    return NULL;
}

static bool
rr_tick(struct run_queue *rq, struct thread *t)
{
    if (t->slice_left > 0)
        t->slice_left--;
    return t->slice_left == 0 && rq->nr > 0;
}

static const struct sched_class sched_rr = {
    .name = "rr",
    .enqueue = rr_enqueue,
    .take = rr_take,
    .tick = rr_tick,
};
TABLE_ADD(sched_class, sched_rr);
