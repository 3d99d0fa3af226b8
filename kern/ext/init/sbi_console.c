/* sbi_console.c: adds typing where the firmware is the console; a first reader may
 * skip it.
 *
 * A machine whose uart nobody drives prints by calls into the firmware (init/main.c);
 * so does any machine with uart=none.  No interrupt says that a byte came, so a
 * thread asks, once a millisecond: at 115200 baud that is less than a chip keeps.
 *
 * The legacy call is used, not DBCN: all firmwares have it, also those that have
 * both, and it returns at once. */
#include "arch/riscv/cpu.h"
#include "arch/riscv/sbi.h"
#include "debug/printk.h"
#include "driver/tty.h"
#include "driver/uart.h"
#include "init/initcall.h"
#include "mm/kthread.h"
#include "schedule/timeout.h"

#define SBI_LEGACY_GETCHAR 0x02 /* chapter 5: a byte, or negative */
#define PERIOD_MS          1

static bool
has_uart(const struct machine *m)
{
    TABLE_FOR_EACH (uart, struct uart_ops, p) {
        if (m->uart.kind != UART_NONE && (*p)->kind == m->uart.kind)
            return true;
    }
    return false;
}

static void
ask(void *arg)
{
    long c;

    for (;;) {
        while ((c = sbi_call(SBI_LEGACY_GETCHAR, 0, 0, 0, 0, 0).error) >= 0) {
            irq_off(); /* as from an interrupt */
            tty_input((char)c);
            irq_restore();
        }
        sleep_ms(PERIOD_MS);
    }
}

static void
start_asking(const struct machine *m)
{
    if (!has_uart(m) && kthread_run("console", ask, NULL) != 0)
        cprintf("  no memory to ask the firmware what is typed\n");
}

static const struct initcall console_call = {"console", INIT_EARLY,
                                             start_asking};
TABLE_ADD(initcall, console_call);
