/* siginfo.c: adds what comes with a signal (who sent it, which child, which
 * value) to process/signal.c; a first reader may skip it.
 *
 *     process.pending   0 0 1 0 1        which, as ever
 *     process.queued -> CHLD, of 7 -> 34, value 1 -> 34, value 2
 *
 * A signal below 32 is pending once, and what came with the second is lost; of
 * the real-time ones each counts, in order.  Without memory, or with very many
 * waiting, the signal comes alone. */
#include "ext/process/signals.h"
#include "mm/kmalloc.h"
#include <signal.h>

#define REALTIME 32 /* the first of them */

struct sig_queued {
    struct sig_queued *next;
    const struct task *to; /* NULL: any of the process */
    int signo;
    struct sig_info info;
};

unsigned
signals_queued(const struct process *p)
{
    unsigned n = 0;

    for (const struct sig_queued *q = p->queued; q != NULL; q = q->next)
        n++;
    return n;
}

void
signal_noted(struct process *p, struct task *to, int signo,
             const struct sig_info *info)
{
    uint64_t pending = to == NULL ? p->pending : to->pending;
    struct sig_queued **end = &p->queued, *q;
    unsigned n = 0;

    if (signo < REALTIME && (pending & signal_bit(signo)))
        return;
    list_for_each_entry (t, &p->tasks, struct task, link) {
        if ((to == NULL || to == t) && (t->wanted & signal_bit(signo)))
            thread_interrupt(&t->thread);
    }
    for (; *end != NULL; end = &(*end)->next)
        n++;
    q = n < QUEUED_MAX ? kmalloc(sizeof(*q)) : NULL;
    if (q == NULL)
        return;
    *q = (struct sig_queued){
        .to = to, .signo = signo, .info = {.code = SI_KERNEL}};
    if (info != NULL)
        q->info = *info;
    *end = q;
}

/* Take out the first entry that is SIGNO for TO, into *INFO.  Returns whether
 * there is another. */
static bool
take_entry(struct process *p, const struct task *to, int signo,
           struct sig_info *info)
{
    struct sig_queued *first = NULL;

    for (struct sig_queued **at = &p->queued; *at != NULL;) {
        struct sig_queued *q = *at;

        if (q->signo == signo && q->to == to) {
            if (first != NULL) {
                kfree(first);
                return true;
            }
            *info = q->info;
            first = q;
            *at = q->next;
        } else {
            at = &q->next;
        }
    }
    kfree(first);
    return false;
}

void
queued_forget(struct process *p, uint64_t set, const struct task *to)
{
    for (struct sig_queued **at = &p->queued; *at != NULL;) {
        struct sig_queued *q = *at;

        if ((set & signal_bit(q->signo)) || (to != NULL && q->to == to)) {
            *at = q->next;
            kfree(q);
        } else {
            at = &q->next;
        }
    }
}

int
signal_take(struct task *me, uint64_t set)
{
    struct process *p = me->process;
    const struct task *to = me;
    uint64_t *pending = &me->pending, bit;
    int signo;

    bit = (me->pending | p->pending) & set;
    if (bit == 0)
        return 0;
    bit &= -bit;
    signo = __builtin_ctzl(bit) + 1;
    if (!(me->pending & bit)) {
        pending = &p->pending;
        to = NULL;
    }
    me->info = (struct sig_info){.code = SI_USER};
    if (!take_entry(p, to, signo, &me->info))
        *pending &= ~bit;
    return signo;
}

void
signal_forget(struct process *p, uint64_t set)
{
    p->pending &= ~set;
    list_for_each_entry (t, &p->tasks, struct task, link)
        t->pending &= ~set;
    queued_forget(p, set, NULL);
}
