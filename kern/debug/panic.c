/* panic.c: stop everybody, say everything, switch off. */
#include "debug/panic.h"

#include "arch/riscv/cpu.h"
#include "arch/riscv/sbi.h"
#include "debug/backtrace.h"
#include "debug/printk.h"
#include "debug/trace.h"
#include <atomic.h>

#define LAST_EVENTS 16

void (*power_off_hook)(int code);
struct panic_place panic_place;
bool panic_halts;
uint32_t panicking;

static NORETURN void
halt(void)
{
    csr_clear(sstatus, SSTATUS_SIE);
    csr_write(sie, 0);
    for (;;)
        wfi();
}

void
panic_check(void)
{
    uint32_t who = atomic_load_acquire(&panicking);

    if (who != 0 && who != this_cpu()->id + 1)
        halt();
}

static void
stop_others(void)
{
    cpu_wait_hook = panic_check; /* for harts that wait with interrupts off */
    for_each_cpu (c) {
        if (c != this_cpu() && atomic_load(&c->online))
            sbi_send_ipi((struct sbi_harts){.mask = 1, .base = c->hartid});
    }
}

void
power_off(int code)
{
    if (power_off_hook != NULL)
        power_off_hook(code);
    sbi_shutdown(code != 0);
    cprintf("It is now safe to power off.\n");
    halt();
}

/* Only the first hart to panic gets past this; a second panic of the same hart
 * comes out of the report below, and ends it. */
static void
enter(void)
{
    uint32_t nobody = 0, me = this_cpu()->id + 1;

    if (atomic_cas(&panicking, &nobody, me))
        return;
    if (nobody != me)
        halt();
    sbi_puts("panic: again, while reporting the first\r\n", 41);
    power_off(1);
}

void
panic_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    irq_off();
    enter();
    stop_others();
    console_bust_lock();
    cprintf("\npanic: ");
    va_start(ap, fmt);
    vcprintf(fmt, ap);
    va_end(ap);
    cprintf("\n  at %s:%d, hart %lu (logical %u)\n", file, line,
            this_cpu()->hartid, this_cpu()->id);
    if (panic_place.pc == 0) { /* not a fault: the caller is the place */
        uintptr_t *frame = __builtin_frame_address(0);

        panic_place.pc = frame[-1] - 2;
        panic_place.fp = frame[-2];
    }
    print_stackframe(panic_place.pc, panic_place.fp, panic_place.ra);
    if (trace_enabled) {
        cprintf("last events:\n");
        trace_dump(LAST_EVENTS);
    }
    if (panic_halts)
        halt();
    power_off(1);
}

void
boot_refuse(const char *fmt, ...)
{
    va_list ap;

    irq_off();
    cprintf("boot: ");
    va_start(ap, fmt);
    vcprintf(fmt, ap);
    va_end(ap);
    cprintf("\n");
    power_off(1);
}
