/* scn_first.c: the steps of lab 0: what the tree says, who called, and the end; a
 * first reader may skip it.
 *
 *     ask ram                   a number that was read from the device tree
 *     chain 0x1b 4 print        red, green, blue, white call each other in the order
 *                               of the digits (base 4, last first), and the last one
 *                               prints a backtrace, panics or faults
 *     halt panic                the machine ends here; its status says how
 *
 * Damaged stacks are in scn_frames.c, trees that are no machine's in scn_tree.c.
 *
 * Of a backtrace only the names count that are ours, in the order in which they are
 * printed; how a line looks is free. */
#include "ext/init/scn_first.h"
#include "arch/riscv/memlayout.h"
#include "debug/backtrace.h"
#include "debug/panic.h"
#include <string.h>

static const struct machine *machine;

/* --- scn_frames.c and scn_tree.c, if linked, take the place of these --- */

WEAK void
frames_damaged(uintptr_t *frame, uintptr_t *above, const char *how)
{
}

WEAK const struct machine *
tree_machine(const struct machine *own)
{
    return own;
}

WEAK bool
tree_step(const struct scn_step *st)
{
    return false;
}

/* --- the tree --- */

static uint64_t
ram_size(const struct machine *m)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < m->nmem; i++)
        sum += m->mem[i].size;
    return sum;
}

static uint64_t
lowest_reserved(void)
{
    uint64_t low = ~0ul;

    for (unsigned i = 0; i < machine->nreserved; i++)
        low = MIN(low, machine->reserved[i].start);
    return low;
}

/* Is all of [START, START+SIZE) in RAM? */
static uint64_t
in_ram(uint64_t start, uint64_t size)
{
    for (unsigned i = 0; i < machine->nmem; i++) {
        if (start >= machine->mem[i].start &&
            start + size <= machine->mem[i].start + machine->mem[i].size)
            return 1;
    }
    return 0;
}

static uint64_t
hart_sum(void) /* of what the tree calls them, each plus 1 */
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < machine->nharts; i++)
        sum += machine->harts[i].hartid + 1;
    return sum;
}

static void
ask(const char *what, struct scn_answer *a)
{
    const struct machine *m = tree_machine(machine);
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        {"ram", ram_size(m)},
        {"start", m->nmem > 0 ? m->mem[0].start : 0},
        {"pieces", m->nmem},
        {"near", m->nnear},
        {"harts", m->nharts},
        {"hartids", hart_sum()},
        {"skipped", m->nskipped},
        {"clock", m->timebase_hz},
        {"uart", m->uart.base},
        {"uart_kind", m->uart.kind},
        {"uart_irq", m->uart.irq},
        {"uart_size", m->uart.size},
        {"uart_shift", m->uart.reg_shift},
        {"uart_width", m->uart.reg_io_width},
        {"uart_clock", m->uart.clock_hz},
        {"plic", m->plic_base},
        {"test", m->test_base},
        {"rtc", m->rtc_base},
        {"virtio", m->nvirtio},
        {"virtio_first", m->nvirtio > 0 ? m->virtio[0].base : 0},
        {"firmware", lowest_reserved()},
        {"initrd", in_ram(m->initrd_start, m->initrd_end - m->initrd_start)},
        {"image", in_ram(kernel_pa, (size_t)(image_end - image_start))}};

    for (unsigned i = 0; i < ARRAY_LEN(list); i++) {
        if (m->nmem == 0) {
            scn_result(a, "refused");
            return;
        }
        if (strcmp(list[i].name, what) == 0) {
            scn_result(a, "value:%lx", list[i].value);
            return;
        }
    }
    scn_result(a, "unknown");
}

/* --- a chain of calls --- */

struct chain {
    uint64_t digits;
    unsigned left;
    const char *end;
    uintptr_t spare[CHAIN_SPARE]; /* words that lie above all its frames */
};

static void call_next(struct chain *c);

/* Not the last thing a function does: else it would be a jump. */
#define LINK(name)                                   \
    static NOINLINE void scn_##name(struct chain *c) \
    {                                                \
        call_next(c);                                \
        __asm__ volatile("" ::: "memory");           \
    }
LINK(red)
LINK(green)
LINK(blue)
LINK(white)

static void (*const links[])(struct chain *c) = {scn_red, scn_green, scn_blue,
                                                 scn_white};
static const char *const names[] = {"scn_red", "scn_green", "scn_blue",
                                    "scn_white"};

/* It calls nobody, so its frame has no return address. */
static NOINLINE void
fault_in_leaf(void)
{
    __asm__ volatile("sd zero, 0x48(zero)" ::: "memory");
}

static inline __attribute__((always_inline)) void
the_end(struct chain *c)
{
    const char *how = c->end;

    if (strcmp(how, "panic") == 0)
        panic("the end of a chain");
    if (strcmp(how, "fault") == 0)
        __asm__ volatile("sd zero, 0x40(zero)" ::: "memory");
    if (strcmp(how, "leaf") == 0)
        fault_in_leaf();
    if (strcmp(how, "print") == 0)
        backtrace_here();
    else
        frames_damaged(__builtin_frame_address(0), c->spare, how);
    __asm__ volatile("" ::: "memory");
}

static void
call_next(struct chain *c)
{
    unsigned digit = c->digits % 4;

    if (c->left == 0) {
        the_end(c);
        return;
    }
    c->left--;
    c->digits /= 4;
    links[digit](c);
    __asm__ volatile("" ::: "memory");
}

static void
start_chain(void *chain)
{
    call_next(chain);
}

/* The names that are ours, by their first letters. */
static void
say_names(const char *text, struct scn_answer *a)
{
    size_t n = 0;

    strlcpy(a->thing, "calls", sizeof(a->thing));
    strlcpy(a->state, "none", sizeof(a->state));
    for (; *text != 0 && n + 1 < sizeof(a->state); text++) {
        for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
            if (strncmp(text, names[i], strlen(names[i])) == 0) {
                a->state[n++] = names[i][4];
                a->state[n] = 0;
            }
        }
    }
}

static unsigned
reports(const char *text)
{
    unsigned n = 0;

    for (; *text != 0; text++)
        n += strncmp(text, " scause ", 8) == 0;
    return n;
}

static void
chain(const struct scn_step *st, struct scn_answer *a)
{
    struct chain c = {st->value, st->last, st->word, {0}};

    scn_capture_begin();
    scn_result(a, scn_caught(start_chain, &c) ? "panic" : "ok");
    say_names(scn_capture_end(), a);
    scn_count(a, "reports", reports(scn_capture_end()));
}

/* --- the end --- */

static void
halt(const char *how)
{
    unsigned n = 0;

    if (strcmp(how, "off") == 0)
        power_off(0);
    if (strcmp(how, "refuse") == 0)
        boot_refuse("as the scenario wants");
    if (strcmp(how, "fault") == 0)
        __asm__ volatile("ld zero, 0(zero)" ::: "memory");
    if (strcmp(how, "stack") == 0)
        __asm__ volatile("li sp, 0x4000\n"
                         "sd zero, 8(zero)\n" ::
                             : "memory");
    if (strcmp(how, "assert") == 0)
        assert(n > 0);
    if (strcmp(how, "nested") == 0)
        __asm__ volatile("li s0, 0xffffffe03fffe000\n"
                         "sd zero, 8(zero)\n" ::
                             : "memory");
    if (strcmp(how, "panic") == 0)
        panic("as the scenario wants");
}

/* --- steps --- */

static void
first_begin(const struct scn *s, const struct machine *m)
{
    machine = m;
    tree_step(NULL);
}

static void
first_step(const struct scn_step *st, struct scn_answer *a)
{
    switch (st->op) {
    case SCN_ASK:
        ask(st->word, a);
        break;
    case SCN_CHAIN:
        chain(st, a);
        break;
    case SCN_HALT:
        halt(st->word);
        break;
    default:
        if (!tree_step(st))
            scn_result(a, "unknown");
    }
}

static long
first_end(void)
{
    return 0;
}

static const struct scn_lab first_lab = {
    .lab = 0,
    .part = BOOT_CONSOLE,
    .begin = first_begin,
    .step = first_step,
    .end = first_end,
};
TABLE_ADD(scn_lab, first_lab);
