/* machine.c: what the kernel sees of a virtual hart.
 *
 * Interrupts.  A pending interrupt is taken as soon as the hart runs with
 * interrupts on.  That loses nothing: it becomes pending through what another
 * hart does (an IPI) or through a jump of time, and both are choices that can
 * come at any point.
 *
 * Time stands still, until it jumps to a deadline (point.c).
 *
 * A context switch is a switch of fibers.  A new context (its ra is set) gets
 * a fiber on its first switch; the explorer notices when two harts come to run
 * on one stack, which is how a lost hand-over shows. */
#include "engine.h"

#include "arch/riscv/cpu.h"
#include "arch/riscv/sbi.h"
#include "arch/riscv/timer.h"
#include "arch/riscv/trapframe.h"
#include "debug/kstat.h"
#include "debug/panic.h"
#include "debug/printk.h"
#include "debug/trace.h"
#include <stdio.h>
#include <string.h>

struct cpu cpus[NCPU_MAX];
unsigned ncpu;
void (*cpu_wait_hook)(void);

/* timeout.c's, where it is linked. */
extern uint64_t timebase_hz __attribute__((weak));

void
machine_reset(void)
{
    ncpu = E->test->harts;
    if (&timebase_hz != NULL) /* a second is never over */
        timebase_hz = ONE_SECOND;
    for (unsigned i = 0; i < ncpu; i++) {
        cpus[i] = (struct cpu){.id = i, .hartid = i};
        E->hart[i].timer = UINT64_MAX;
    }
}

bool
machine_pending(unsigned hart)
{
    return E->hart[hart].soft || E->hart[hart].timer <= E->now;
}

static void
take_interrupt(void)
{
    struct hart *h = &E->hart[explore_hart];
    bool timer = h->timer <= E->now;

    h->sie = false;
    current_tcb()->in_interrupt++;
    report_event(NULL, "takes an interrupt:%s%s", h->soft ? " IPI" : "",
                 timer ? " timer" : "");
    E->progress++;
    h->soft = false;
    if (timer) {
        h->timer = UINT64_MAX;
        if (E->test->timer_interrupt != NULL)
            E->test->timer_interrupt();
    }
    current_tcb()->in_interrupt--;
    if (E->test->trap_end != NULL)
        E->test->trap_end();
    E->hart[explore_hart].sie = true; /* perhaps another hart by now */
}

void
machine_poll(void)
{
    while (E->hart[explore_hart].sie && machine_pending(explore_hart)) {
        struct fiber *me = E->hart[explore_hart].fiber;
        struct site call = me->call;

        me->call.op = NULL;
        take_interrupt();
        me->call = call;
    }
}

unsigned long
explore_csr_read(const char *name)
{
    if (strcmp(name, "sstatus") == 0)
        return E->hart[explore_hart].sie ? SSTATUS_SIE : 0;
    return 0;
}

unsigned long
explore_csr_clear(const char *name, unsigned long bits)
{
    unsigned long old = explore_csr_read(name);

    if (strcmp(name, "sstatus") == 0 && (bits & SSTATUS_SIE))
        E->hart[explore_hart].sie = false;
    return old;
}

void
explore_csr_set(const char *name, unsigned long bits)
{
    if (strcmp(name, "sstatus") != 0 || (bits & SSTATUS_SIE) == 0)
        return;
    E->hart[explore_hart].sie = true;
    explore_point("interrupts on", NULL, 0, NULL, 0);
}

void
explore_csr_write(const char *name, unsigned long value)
{
    explore_csr_clear(name, ~value);
    explore_csr_set(name, value);
}

uint64_t
explore_time(void)
{
    return E->now;
}

void
timer_set(uint64_t deadline)
{
    E->hart[explore_hart].timer = deadline;
}

static bool
wfi_over(void *arg)
{
    return machine_pending((unsigned)((struct hart *)arg - E->hart));
}

/* Ends when an interrupt is pending, whether it may be taken or not. */
void
explore_wfi(void)
{
    struct hart *h = &E->hart[explore_hart];

    explore_wait("wfi", wfi_over, h);
}

int
sbi_send_ipi(struct sbi_harts harts)
{
    for (unsigned i = 0; i < E->test->harts; i++) {
        if (i < harts.base || (harts.mask >> (i - harts.base) & 1) == 0)
            continue;
        E->hart[i].soft = true;
        report_event(NULL, "sends an IPI to hart %u", i);
    }
    return 0;
}

/* The fiber that runs, or will run, with context CTX. */
static struct fiber *
fiber_of(struct context *ctx)
{
    struct fiber *f;

    if (ctx->ra != 0) { /* never switched to */
        for (unsigned i = 0; i < E->nfibers; i++) {
            if (E->fiber[i].entry == NULL || E->fiber[i].ctx != ctx)
                continue;
            if (E->fiber[i].hart >= 0)
                explore_fail("a context is made anew while in use");
            E->fiber[i].entry = NULL; /* its last owner is dead */
        }
        f = fiber_new((void (*)(void))ctx->ra, explore_hart);
        f->hart = -1;
        f->ctx = ctx;
        ctx->ra = 0;
        return f;
    }
    for (unsigned i = 0; i < E->nfibers; i++) {
        if (E->fiber[i].entry != NULL && E->fiber[i].ctx == ctx)
            return &E->fiber[i];
    }
    explore_fail("switch to a context that was never saved");
}

void
context_switch(struct context *from, struct context *to, struct tcb *next)
{
    struct hart *h;
    struct fiber *me, *f;

    explore_point("context_switch", NULL, 0, NULL, 0);
    h = &E->hart[explore_hart];
    me = h->fiber;
    if (me->ctx == NULL)
        me->ctx = from;
    if (me->ctx != from)
        explore_fail("the stack of one thread saved as that of another");
    f = fiber_of(to);
    if (f->hart >= 0 && f != me)
        explore_fail("harts %d and %u run on one stack", f->hart, explore_hart);
    me->hart = -1;
    f->hart = (int)explore_hart;
    h->fiber = f;
    explore_tcb[explore_hart] = next;
    E->progress++;
    fiber_swap(me, f);
}

void
panic_at(const char *file, int line, const char *fmt, ...)
{
    const char *base = strrchr(file, '/');
    char text[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    explore_fail("%s:%d: %s", base == NULL ? file : base + 1, line, text);
}

int
cprintf(const char *fmt, ...)
{
    va_list ap;
    int n;

    if (E->event == NULL)
        return 0;
    va_start(ap, fmt);
    n = vprintf(fmt, ap);
    va_end(ap);
    return n;
}

struct kstat_row kstat_rows[NCPU_MAX];
bool trace_enabled;

void
trace_record(enum trace_id id, uint64_t a, uint64_t b)
{
    (void)id;
    (void)a;
    (void)b;
}
