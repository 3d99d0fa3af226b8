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
    /* LAB 8.1: T is ready to run: it takes its place in the queue RQ.
     *
     * The queue is a tree sorted by pass, whose smallest is next; before()
     * compares two, and does so right when a pass wraps round, which you must
     * not lose. Equal ones go behind each other. A thread that slept must not
     * have saved up time meanwhile: its pass is at least rq->min_pass.
     * avl_insert() wants the parent and the link at which the new node goes. */
    struct avl_node **link = &rq->tree.root, *parent = NULL;

    if ((int64_t)(t->pass - rq->min_pass) < 0)
        t->pass = rq->min_pass;
    while (*link != NULL) {
        parent = *link;
        link = before(t, thread_of(parent)) ? &parent->left : &parent->right;
    }
    avl_insert(&rq->tree, &t->run_node, parent, link);
    /* STUB: avl_insert(&rq->tree, &t->run_node, NULL, &rq->tree.root); */
    /* END 8.1 */
}

static struct thread *
stride_take(struct run_queue *rq, unsigned cpu)
{
    /* LAB 8.2: the thread that runs next on hart CPU leaves the queue.
     *
     * It is the one with the smallest pass that may run there (affinity, a bit
     * for each hart). rq->min_pass follows it, but never goes back. NULL:
     * there is none. */
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
    /* STUB: return NULL; */
    /* END 8.2 */
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
