/* monitor_sched.c: adds commands about threads and harts to ext/debug/monitor.c; a
 * first reader may skip it.
 *
 * What they show changes while they print; a state read without its lock may
 * be a moment old, and that is fine for looking around. */
#include "debug/printk.h"
#include "ext/debug/monitor.h"
#include "schedule/sched.h"

static const char *const state_names[] = {
    [THREAD_NEW] = "new",         [THREAD_READY] = "ready",
    [THREAD_RUNNING] = "running", [THREAD_BLOCKED] = "blocked",
    [THREAD_DEAD] = "dead",
};

static void
print_thread(struct thread *t, void *arg)
{
    uint32_t state = atomic_load(&t->state);

    cprintf("%5d  %-8s %4u %10lu  %s\n", t->tid,
            state < ARRAY_LEN(state_names) ? state_names[state] : "?",
            atomic_load(&t->rq_cpu), atomic_load(&t->ran.all), t->name);
}

static void
run_ps(int argc, char **argv)
{
    if (argc != 1) {
        monitor_usage(argv[0]);
        return;
    }
    cprintf("  tid  state    hart      ticks  name\n");
    thread_for_each(print_thread, NULL);
}

static const struct monitor_command ps_command = {
    .name = "ps",
    .args = "",
    .help = "all threads",
    .run = run_ps,
};
TABLE_ADD(monitor, ps_command);

static const char *
ad_name(uint32_t behaviour)
{
    switch (behaviour) {
    case AD_HARDWARE:
        return "hardware";
    case AD_TRAPS:
        return "traps";
    default:
        return "unknown";
    }
}

/* Collect the harts that run T; idle threads are not asked. */
static void
mark_busy(struct thread *t, void *arg)
{
    uint64_t *busy = arg;

    if (atomic_load(&t->state) == THREAD_RUNNING)
        *busy |= 1ul << atomic_load(&t->rq_cpu);
}

static void
run_harts(int argc, char **argv)
{
    uint64_t busy = 0;

    if (argc != 1) {
        monitor_usage(argv[0]);
        return;
    }
    thread_for_each(mark_busy, &busy);
    cprintf("hart  hartid  online  idle  sets A and D\n");
    for_each_cpu (c) {
        bool online = atomic_load(&c->online) != 0;
        bool idle = online && (busy >> c->id & 1) == 0;

        cprintf("%4u  %6lu  %-6s  %-4s  %s\n", c->id, c->hartid,
                online ? "yes" : "no", idle ? "yes" : "no",
                ad_name(c->ad_behaviour));
    }
    cprintf("policy: %s\n", sched_name());
}

static const struct monitor_command harts_command = {
    .name = "harts",
    .args = "",
    .help = "the processors",
    .run = run_harts,
};
TABLE_ADD(monitor, harts_command);

/* What the thread that runs the command held before it began to print. */
static uint64_t own_held;

static void
print_locks(struct thread *t, void *arg)
{
    uint64_t held = atomic_load(&t->tcb.held);
    unsigned *holders = arg;

    if (t == current_thread())
        held = own_held;
    /* A thread that was switched away from gives the run queue's lock back
     * when it comes again; nobody is kept out by it. */
    if (atomic_load(&t->state) != THREAD_RUNNING)
        held &= ~(1ul << RANK_RUNQ);
    if (held == 0)
        return;
    (*holders)++;
    cprintf("%5d %-20s", t->tid, t->name);
    for (unsigned rank = 0; rank < RANK_COUNT; rank++) {
        if ((held >> rank & 1) != 0)
            cprintf(" %s", lock_rank_name(rank));
    }
    cprintf("\n");
}

static void
run_locks(int argc, char **argv)
{
    unsigned holders = 0;

    if (argc != 1) {
        monitor_usage(argv[0]);
        return;
    }
    own_held = current_tcb()->held;
    thread_for_each(print_locks, &holders);
    if (holders == 0)
        cprintf("no thread holds a lock\n");
}

static const struct monitor_command locks_command = {
    .name = "locks",
    .args = "",
    .help = "which thread holds locks of which rank",
    .run = run_locks,
};
TABLE_ADD(monitor, locks_command);
