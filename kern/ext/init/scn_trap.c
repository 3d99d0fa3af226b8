/* scn_trap.c: the steps of lab 1: interrupts and exceptions; a first reader may skip
 * it.
 *
 *     timer, regs, deep    so many timer interrupts, each asks for the next one;
 *                          meanwhile this hart does nothing, or watches its
 *                          registers, or each of them has a fault within
 *     alarm, cancel, wait  several deadlines, and in which order they come
 *     trap                 an instruction that traps; what the report says of it
 *     recover              the same where it is expected: it goes on behind
 *     resume               who goes on after a trap: another thread, a signal
 *
 * The timer is that of the hart, which has no thread yet but the one that boots; so
 * nothing is switched.  Times are in units of the machine's clock, and on a QEMU that
 * counts instructions they are the same in each run. */
#include "arch/riscv/cpu.h"
#include "arch/riscv/probe.h"
#include "debug/kstat.h"
#include "debug/panic.h"
#include "ext/debug/tracering.h"
#include "ext/init/scn.h"
#include "mm/uaccess.h"
#include "schedule/clock.h"
#include "schedule/sched.h"
#include "schedule/timeout.h"
#include "trap/trap.h"
#include <printfmt.h>
#include <string.h>

#define MARGIN 50000  /* units until the first alarm */
#define LATE   200000 /* units that no alarm is late */

void scn_trap_load(uintptr_t), scn_trap_store(uintptr_t),
    scn_trap_illegal(uintptr_t), scn_trap_csr(uintptr_t),
    scn_trap_break(uintptr_t), scn_trap_amo(uintptr_t),
    scn_trap_jump(uintptr_t);
uint64_t scn_registers(uint64_t seed, const uint64_t *count, uint64_t most);

/* --- periodic interrupts --- */

static struct series {
    struct timeout timeout;
    uint64_t count, most; /* count: [a] */
    uint64_t period;
    bool fault; /* within each */
    unsigned early, unhurt, unmarked, locked;
} series;

static void
series_fire(struct timeout *t)
{
    series.early += time_now() < t->deadline;
    series.unmarked += current_tcb()->in_interrupt != 1;
    series.locked += current_tcb()->held != 0;
    if (series.fault)
        series.unhurt += probe_load(0x100);
    if (series.count + 1 < series.most)
        timeout_arm(t, t->deadline + series.period, series_fire);
    atomic_add(&series.count, 1ul);
}

static uint64_t
interrupts_so_far(enum kstat_id id)
{
    return atomic_load(&kstat_rows[this_cpu()->id].v[id]);
}

/* What is interrupted holds a lock of each kind with which one may sleep. */
#define HELD (1ul << RANK_LAST_SLEEPING)

/* So many interrupts; the registers are to be watched, or not. */
static void
run_series(const struct scn_step *st, bool registers, bool fault,
           struct scn_answer *a)
{
    uint64_t before = interrupts_so_far(STAT_IRQ), changed = 0;

    series =
        (struct series){.most = st->last, .period = st->value, .fault = fault};
    timeout_arm(&series.timeout, time_now() + MARGIN, series_fire);
    current_tcb()->held = HELD;
    if (registers)
        changed = scn_registers(0x123456789abcdef0 + st->value, &series.count,
                                series.most);
    while (atomic_load(&series.count) < series.most)
        cpu_relax();
    scn_count(a, "lost_locks", current_tcb()->held != HELD);
    current_tcb()->held = 0;
    scn_count(a, "unmarked", series.unmarked);
    scn_count(a, "locked", series.locked);
    scn_result(a, "value:%lx", series.count);
    scn_count(a, "irq", interrupts_so_far(STAT_IRQ) - before);
    scn_count(a, "changed", changed);
    scn_count(a, "early", series.early);
    scn_count(a, "unhurt", series.unhurt);
}

/* Interrupts are off for so long: none comes; then the one that waited does. */
static void
hold(uint64_t units, struct scn_answer *a)
{
    series = (struct series){.most = 1};
    irq_off();
    timeout_arm(&series.timeout, time_now() + units / 2, series_fire);
    for (uint64_t end = time_now() + units; time_now() < end;)
        cpu_relax();
    scn_count(a, "within", atomic_load(&series.count));
    irq_restore();
    while (atomic_load(&series.count) == 0)
        cpu_relax();
    scn_count(a, "behind", atomic_load(&series.count));
}

/* Software interrupts, from this hart to itself. */
static void
interrupt_self(unsigned n, struct scn_answer *a)
{
    uint64_t before = interrupts_so_far(STAT_IPI);

    for (unsigned i = 0; i < n; i++) {
        csr_set(sip, 1ul << IRQ_S_SOFT);
        for (unsigned wait = 0; wait < 1000; wait++)
            cpu_relax();
    }
    scn_count(a, "ipi", interrupts_so_far(STAT_IPI) - before);
}

/* --- alarms --- */

static struct timeout alarms[SCN_SLOTS];
static uint64_t alarm_base; /* 0: none was set since the last wait */
static char fired[80];
static unsigned early, late;

static void
alarm_fire(struct timeout *t)
{
    size_t n = strlen(fired);

    late += time_now() > t->deadline + LATE;
    early += time_now() < t->deadline;
    snprintf(fired + n, sizeof(fired) - n, "%s%u", n > 0 ? "," : "",
             (unsigned)(t - alarms));
}

static void
set_alarm(unsigned slot, uint64_t units)
{
    if (alarm_base == 0) {
        alarm_base = time_now() + MARGIN;
        fired[0] = 0;
        early = late = 0;
    }
    if (!alarms[slot].armed)
        timeout_arm(&alarms[slot], alarm_base + units, alarm_fire);
}

static bool
any_armed(void)
{
    for (unsigned i = 0; i < SCN_SLOTS; i++) {
        if (*(volatile bool *)&alarms[i].armed)
            return true;
    }
    return false;
}

static void
wait_for_alarms(struct scn_answer *a)
{
    while (any_armed())
        cpu_relax();
    alarm_base = 0;
    strlcpy(a->thing, "fired", sizeof(a->thing));
    strlcpy(a->state, fired[0] != 0 ? fired : "none", sizeof(a->state));
    scn_count(a, "early", early);
    scn_count(a, "late", late);
}

/* --- exceptions --- */

static bool
may_access(const char *how, uintptr_t at)
{
    char byte;

    if (strcmp(how, "copy") == 0)
        return user_copy(&byte, (const void *)at, 1) == 0;
    return strcmp(how, "store") == 0 ? probe_store(at) : probe_load(at);
}

/* From where the copy routine should never have been sent. */
static void
copy_byte(uintptr_t at)
{
    (void)may_access("copy", at);
}

static const struct cause {
    const char *name;
    void (*fn)(uintptr_t);
} causes[] = {{"load", scn_trap_load},       {"store", scn_trap_store},
              {"illegal", scn_trap_illegal}, {"csr", scn_trap_csr},
              {"break", scn_trap_break},     {"amo", scn_trap_amo},
              {"jump", scn_trap_jump},       {"nested", scn_trap_load},
              {"copy", copy_byte},           {"stack", scn_trap_store}};

static const struct cause *
find_cause(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(causes); i++) {
        if (strcmp(causes[i].name, name) == 0)
            return &causes[i];
    }
    return NULL;
}

/* Follow the frame pointer of the report into what is no memory: that faults. */
static void
with_bad_frame(uintptr_t value)
{
    __asm__ volatile("mv a0, %0\n"
                     "li s0, 0xffffffe03fffe000\n"
                     "tail scn_trap_load\n" ::"r"(value)
                     : "a0", "memory");
}

static void
with_bad_stack(uintptr_t value)
{
    __asm__ volatile("mv a0, %0\n"
                     "li sp, 0x4000\n"
                     "tail scn_trap_store\n" ::"r"(value)
                     : "a0", "memory");
}

static void
cause_it(void *step)
{
    const struct scn_step *st = step;

    if (strcmp(st->word, "nested") == 0)
        with_bad_frame(st->value);
    else if (strcmp(st->word, "stack") == 0)
        with_bad_stack(st->value);
    else
        find_cause(st->word)->fn(st->value);
}

/* The number in hexadecimal digits behind WORD in TEXT; ~0: there is none. */
static uint64_t
hex_behind(const char *text, const char *word)
{
    size_t n = strlen(word);
    uint64_t value = 0;
    unsigned digits = 0;

    while (*text != 0 && strncmp(text, word, n) != 0)
        text++;
    for (text += *text != 0 ? n : 0; *text == ' ' || *text == 'x'; text++)
        ;
    for (; digits < 16; digits++, text++) {
        unsigned c = (unsigned char)*text;

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            break;
        value = value << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return digits > 0 ? value : ~0ul;
}

static unsigned
how_often(const char *text, const char *word)
{
    unsigned n = 0;

    for (; *text != 0; text++)
        n += strncmp(text, word, strlen(word)) == 0;
    return n;
}

/* What is the report's word for it?  The registers are printed as they were. */
static void
trap(const struct scn_step *st, struct scn_answer *a)
{
    const struct cause *c = find_cause(st->word);
    const char *text;
    uintptr_t pc;

    if (c == NULL) {
        scn_result(a, "unknown");
        return;
    }
    pc = strcmp(c->name, "jump") == 0 ? st->value : (uintptr_t)c->fn;
    scn_capture_begin();
    scn_result(a, scn_caught(cause_it, (void *)st) ? "panic" : "ok");
    text = scn_capture_end();
    scn_count(a, "cause", hex_behind(text, "scause "));
    scn_count(a, "stval", hex_behind(text, "stval "));
    if (c->fn != copy_byte)
        scn_count(a, "pc_off_by", hex_behind(text, " pc ") - pc);
    scn_count(a, "reports", how_often(text, " scause "));
    if (strcmp(c->name, "stack") == 0)
        scn_count(a, "said", how_often(text, "kernel stack"));
}

/* Is the last thing that was traced this fault? */
static bool
fault_traced(uintptr_t at)
{
    struct trace_event e;

    return trace_read(this_cpu()->id, 0, &e) && e.id == TRACE_FAULT &&
           e.b == at;
}

static void
recover(const struct scn_step *st, struct scn_answer *a)
{
    trace_enabled = true;
    if (!may_access(st->word, st->value))
        scn_result(a, "fault");
    trace_enabled = false;
    scn_count(a, "traced", fault_traced(st->value));
}

/* --- who goes on --- */

static unsigned left; /* programs that a trap let go on */

static void
leave_program(struct trapframe *tf, const struct user_trap *why)
{
    left++;
}

/* An interrupt of a program, without the program. */
static void
interrupt_program(void)
{
    struct trapframe tf = {.scause = CAUSE_INTERRUPT | IRQ_S_SOFT,
                           .sstatus = SSTATUS_SPIE};

    csr_clear(sstatus, SSTATUS_SIE);
    trap_handler(&tf);
    csr_set(sstatus, SSTATUS_SIE);
}

/* Another thread is due, and a signal waits; then there is a trap.  There is no other
 * one, so this one goes on in any case.  It is the hart's idle thread, which no trap
 * may take the hart from; so another one, which never runs, is that meanwhile. */
static void
resume(const char *how, struct scn_answer *a)
{
    static struct thread idle;
    struct thread *t = current_thread();
    bool masked = strcmp(how, "masked") == 0;

    this_cpu()->rq->idle = &idle;
    t->affinity = ~0ul;
    t->user_trap = leave_program;
    left = 0;
    atomic_store(&t->interrupted, 1u);
    atomic_store(&this_cpu()->resched, 1u);
    if (masked)
        csr_clear(sstatus, SSTATUS_SIE);
    if (strcmp(how, "kernel") == 0)
        csr_set(sip, 1ul << IRQ_S_SOFT);
    else if (masked || strcmp(how, "fault") == 0)
        (void)probe_load(0x100);
    else if (strcmp(how, "program") == 0)
        interrupt_program();
    scn_count(a, "signals", left);
    scn_count(a, "switched", atomic_load(&this_cpu()->resched) == 0);
    atomic_store(&this_cpu()->resched, 0u);
    atomic_store(&t->interrupted, 0u);
    csr_set(sstatus, SSTATUS_SIE);
    t->user_trap = NULL;
    this_cpu()->rq->idle = t;
}

/* --- steps --- */

static void
trap_begin(const struct scn *s, const struct machine *m)
{
    irq_off();
    timer_init_cpu();
    irq_restore();
    csr_set(sstatus, SSTATUS_SIE);
    if (sched_select("rr") != 0)
        panic("scenario: no scheduler");
    sched_init_cpu(current_thread()); /* the idle one, and the only one */
    alarm_base = 0;
}

static void
trap_step(const struct scn_step *st, struct scn_answer *a)
{
    switch (st->op) {
    case SCN_TIMER:
    case SCN_REGS:
    case SCN_DEEP:
        run_series(st, st->op != SCN_TIMER, st->op == SCN_DEEP, a);
        break;
    case SCN_HOLD:
        hold(st->value, a);
        break;
    case SCN_IPI:
        interrupt_self(st->last, a);
        break;
    case SCN_ALARM:
        set_alarm(st->first, st->value);
        break;
    case SCN_CANCEL:
        scn_result(a, timeout_cancel(&alarms[st->first]) ? "ok" : "none");
        break;
    case SCN_WAIT:
        wait_for_alarms(a);
        break;
    case SCN_TRAP:
        trap(st, a);
        break;
    case SCN_RECOVER:
        recover(st, a);
        break;
    case SCN_RESUME:
        resume(st->word, a);
        break;
    default:
        scn_result(a, "unknown");
    }
}

/* After each step the hart is as it was: interrupts on, no depth, no lock. */
static void
trap_look(struct scn_answer *a)
{
    struct tcb *t = current_tcb();

    scn_count(a, "off", (csr_read(sstatus) & SSTATUS_SIE) == 0);
    scn_count(a, "depth", t->irq_depth + t->in_interrupt);
    scn_count(a, "held", t->held);
    scn_count(a, "scratch", csr_read(sscratch));
}

static long
trap_end(void)
{
    for (unsigned i = 0; i < SCN_SLOTS; i++)
        timeout_cancel(&alarms[i]);
    csr_clear(sstatus, SSTATUS_SIE);
    return 0;
}

static const struct scn_lab trap_lab = {
    .lab = 1,
    .part = BOOT_CONSOLE,
    .begin = trap_begin,
    .step = trap_step,
    .look = trap_look,
    .end = trap_end,
};
TABLE_ADD(scn_lab, trap_lab);
