/* uart.h: one serial line, whichever chip it is.  The line settings are left as
 * the firmware made them. */
#ifndef KERN_DRIVER_UART_H
#define KERN_DRIVER_UART_H

#include <machine.h>
#include <util.h>

/* One kind of chip; see TABLE_ADD(uart, ...).  Registers are at regs +
 * (n << info->reg_shift). */
struct uart_ops {
    enum uart_kind kind;
    void (*init)(const struct uart_info *info, volatile void *regs);
    void (*put)(char c); /* waits for room */
    int (*get)(void);    /* -1: nothing received */
    void (*rx_on)(void); /* interrupt for each received byte */
};
TABLE_DECLARE(uart, struct uart_ops);

/* uart16550.c, which others may build upon. */
extern const struct uart_ops ns16550_ops;

/* Take over the chip described by INFO, whose registers are mapped at REGS.
 * Returns -ENODEV for UART_NONE. */
int uart_init(const struct uart_info *info, volatile void *regs);

/* Send N bytes, waiting for room; any context. Line feeds go out as CR LF, unless
 * a program wants to see to that itself. */
void uart_write(const char *s, size_t n);
extern uint32_t uart_raw; /* [a] */

/* Let the chip raise interrupts for received bytes; RX gets each byte, in
 * interrupt context, no locks held. */
void uart_start_rx(void (*rx)(char c));
void uart_interrupt(void);

#endif
