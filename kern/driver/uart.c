/* uart.c: the front of every serial chip.
 *
 *     printk --> uart_write -----> ops->put ---> the chip
 *     tty <----- uart_interrupt <- ops->get <--- the chip
 *
 * One chip is the console; which one it is the device tree says, and who can
 * drive it is looked up in the table "uart" (uart16550.c, and kern/ext).  There
 * is no lock here: printk sends one line at a time under its own, and received
 * bytes come only from the boot hart's interrupt. */
#include "driver/uart.h"

#include <atomic.h>
#include <errno.h>

/* At most this many bytes per interrupt, so that a sender who never pauses
 * cannot keep the hart from everything else; the interrupt simply comes
 * again. */
#define RX_BATCH 64

static const struct uart_ops *uart; /* [I] NULL: no serial line */
static void (*uart_rx)(char c);     /* [I] who gets received bytes */

uint32_t uart_raw;

int
uart_init(const struct uart_info *info, volatile void *regs)
{
    TABLE_FOR_EACH (uart, struct uart_ops, p) {
        if (info->kind != UART_NONE && (*p)->kind == info->kind) {
            (*p)->init(info, regs);
            uart = *p;
            return 0;
        }
    }
    return -ENODEV;
}

void
uart_write(const char *s, size_t n)
{
    if (uart == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n' && !atomic_load(&uart_raw))
            uart->put('\r');
        uart->put(s[i]);
    }
}

void
uart_start_rx(void (*rx)(char c))
{
    uart_rx = rx;
    if (uart != NULL)
        uart->rx_on();
}

void
uart_interrupt(void)
{
    int c;

    if (uart == NULL)
        return;
    for (int i = 0; i < RX_BATCH && (c = uart->get()) >= 0; i++) {
        if (uart_rx != NULL)
            uart_rx((char)c);
    }
}
