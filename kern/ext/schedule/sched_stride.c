/* sched_stride.c: adds the policy sched=stride to schedule/sched.c; a first
 * reader may skip it.
 *
 * Stride scheduling (Waldspurger and Weihl 1995): a thread has a pass, its
 * virtual time.  Each tick adds STRIDE_ONE / priority to it, and the lowest
 * pass runs next, so ticks are shared in proportion to priority.  A thread
 * that slept starts from the queue's present pass: it saved nothing up.  Among
 * equals who came first is first, so that who yields lets them run. */
#include "schedule/sched.h"

#define STRIDE_ONE (1u << 20)

static bool
before(const struct thread *a, const struct thread *b)
{
    return (int64_t)(a->pass - b->pass) < 0;
}

static struct thread *
thread_of(struct avl_node *n)
{
    return n == NULL ? NULL : avl_entry(n, struct thread, run_node);
}

static void
stride_enqueue(struct run_queue *rq, struct thread *t)
{
    struct avl_node **link = &rq->tree.root, *parent = NULL;

    if ((int64_t)(t->pass - rq->min_pass) < 0)
        t->pass = rq->min_pass;
    while (*link != NULL) {
        parent = *link;
        link = before(t, thread_of(parent)) ? &parent->left : &parent->right;
    }
    avl_insert(&rq->tree, &t->run_node, parent, link);
}

static struct thread *
stride_take(struct run_queue *rq, unsigned cpu)
{
    avl_for_each (n, &rq->tree) {
        struct thread *t = thread_of(n);

        if ((t->affinity >> cpu & 1) == 0)
            continue;
        avl_remove(&rq->tree, n);
        if ((int64_t)(t->pass - rq->min_pass) > 0)
            rq->min_pass = t->pass;
        return t;
    }
    return NULL;
}

static bool
stride_tick(struct run_queue *rq, struct thread *t)
{
    struct thread *first = thread_of(avl_first(&rq->tree));

    t->pass += STRIDE_ONE / t->priority;
    return first != NULL && before(first, t);
}

static const struct sched_class sched_stride = {
    .name = "stride",
    .enqueue = stride_enqueue,
    .take = stride_take,
    .tick = stride_tick,
};
TABLE_ADD(sched_class, sched_stride);
