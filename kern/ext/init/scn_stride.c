/* scn_stride.c: the steps of lab 8 that the kernel runs itself: the run queue of the
 * policy "stride"; a first reader may skip it.
 *
 *     priority, pass, allow    what a thread is like before it becomes ready
 *     ready 3                  sched_class.enqueue()
 *     choose 1                 sched_class.take() for hart 1: who comes, and stays away
 *     turns 100                take(), tick(), enqueue(), so many times: who came
 *
 * The queue is one of its own and the threads are but descriptors, which no hart ever
 * runs.  So nothing takes time here, and who comes next follows from the numbers alone:
 * tools/faultmodel/stride.py works it out.  How the queue is kept is not looked at. */
#include "ext/init/scn.h"
#include "schedule/sched.h"
#include <printfmt.h>
#include <string.h>

#define TURNS_TOLD 100 /* of these it is said who came */

static struct thread threads[SCN_SLOTS];
static bool queued[SCN_SLOTS];
static struct run_queue queue;
static const struct sched_class *stride;

/* --- one thread --- */

static void
ready(unsigned slot, struct scn_answer *a)
{
    if (queued[slot]) {
        scn_result(a, "busy");
        return;
    }
    queued[slot] = true;
    threads[slot].state = THREAD_READY;
    stride->enqueue(&queue, &threads[slot]);
    queue.nr++;
}

/* Who is next on hart CPU; NULL, and the answer says it: nobody, or somebody who is not
 * in the queue. */
static struct thread *
take(unsigned cpu, struct scn_answer *a)
{
    struct thread *t = stride->take(&queue, cpu);

    if (t == NULL) {
        scn_result(a, "none");
        return NULL;
    }
    if (t < threads || t >= threads + SCN_SLOTS || !queued[t - threads]) {
        scn_result(a, "stranger");
        return NULL;
    }
    queued[t - threads] = false;
    queue.nr--;
    return t;
}

static void
choose(unsigned cpu, struct scn_answer *a)
{
    struct thread *t = take(cpu, a);

    if (t != NULL)
        scn_result(a, "value:%lx", (uint64_t)(t - threads));
}

/* --- many turns --- */

static void
turns(unsigned n, struct scn_answer *a)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    unsigned came[SCN_SLOTS] = {0};
    char name[SCN_NAME];

    strlcpy(a->thing, "turns", sizeof(a->thing));
    for (unsigned i = 0; i < n; i++) {
        struct thread *t = take(0, a);

        if (t == NULL)
            break;
        came[t - threads]++;
        if (i < TURNS_TOLD)
            a->state[i] = digits[(size_t)(t - threads) % (sizeof(digits) - 1)];
        stride->tick(&queue, t);
        ready((unsigned)(t - threads), a);
    }
    for (unsigned i = 0; i < SCN_SLOTS; i++) {
        snprintf(name, sizeof(name), "turns_of_%u", i);
        scn_count(a, name, came[i]);
    }
}

/* --- steps --- */

static void
stride_begin(const struct scn *s, const struct machine *m)
{
    memset(threads, 0, sizeof(threads));
    memset(queued, 0, sizeof(queued));
    memset(&queue, 0, sizeof(queue));
    spin_init(&queue.lock, RANK_RUNQ);
    list_init(&queue.list);
    for (unsigned i = 0; i < SCN_SLOTS; i++) {
        threads[i].affinity = ~0ul;
        threads[i].priority = 100;
    }
    TABLE_FOR_EACH (sched_class, struct sched_class, c) {
        if (strcmp((*c)->name, "stride") == 0)
            stride = *c;
    }
}

/* All calls of a policy are made under the queue's lock. */
static void
stride_step(const struct scn_step *st, struct scn_answer *a)
{
    struct thread *t = &threads[st->first];

    spin_lock(&queue.lock);
    switch (st->op) {
    case SCN_PRIORITY:
        t->priority = (uint32_t)st->value;
        break;
    case SCN_PASS:
        t->pass = st->value;
        break;
    case SCN_ALLOW:
        t->affinity = st->value;
        break;
    case SCN_READY:
        ready(st->first, a);
        break;
    case SCN_CHOOSE:
        choose(st->last, a);
        break;
    case SCN_TURNS:
        turns(st->last, a);
        break;
    default:
        scn_result(a, "unknown");
    }
    spin_unlock(&queue.lock);
}

static long
stride_end(void)
{
    return 0;
}

static const struct scn_lab stride_lab = {
    .lab = 8,
    .part = BOOT_CONSOLE,
    .begin = stride_begin,
    .step = stride_step,
    .end = stride_end,
};
TABLE_ADD(scn_lab, stride_lab);
