/* uart16550.c: the 16550 serial chip.
 *
 * Eight registers; where they are is the machine's choice:
 *
 *                         QEMU virt     VisionFive 2    device tree
 *     register n at       n             n * 4           reg-shift
 *     one access is       1 byte        4 bytes         reg-io-width
 *
 *     n   read                     write
 *     0   RBR  received byte       THR  byte to send
 *     1   IER  interrupts on       IER
 *     2   IIR  which interrupt     FCR  queues on
 *     3   LCR  format, divisor     (left as the firmware made it)
 *     5   LSR  ready bits
 *
 * Both boards have the chip at the same address, so a driver that forgets the
 * distance works on one of them and is silent on the other.
 *
 * National Semiconductor PC16550D data sheet, section 8. */
#include "arch/riscv/mmio.h"
#include "driver/uart.h"

enum { RBR = 0, THR = 0, IER = 1, FCR = 2, LSR = 5 };

#define IER_RX_DATA   0x01 /* a byte was received */
#define FCR_QUEUES_ON 0x01 /* and interrupt at the first byte: bits 7:6 are 0 */
#define LSR_RX_READY  0x01
#define LSR_TX_EMPTY  0x20 /* THR takes another byte */

static volatile uint8_t *uart_regs; /* [I] */
static uint32_t uart_shift;         /* [I] */
static uint32_t uart_width;         /* [I] bytes per access */

static uint32_t
reg_read(unsigned n)
{
    volatile uint8_t *reg = uart_regs + ((size_t)n << uart_shift);

    return uart_width == 4 ? mmio_read32(reg) : mmio_read8(reg);
}

static void
reg_write(unsigned n, uint8_t v)
{
    volatile uint8_t *reg = uart_regs + ((size_t)n << uart_shift);

    if (uart_width == 4)
        mmio_write32(reg, v);
    else
        mmio_write8(reg, v);
}

static void
ns16550_init(const struct uart_info *info, volatile void *regs)
{
    uart_regs = regs;
    uart_shift = info->reg_shift;
    uart_width = info->reg_io_width;
    reg_write(IER, 0);
    /* If the firmware had them on already, nothing in them is lost. */
    reg_write(FCR, FCR_QUEUES_ON);
}

static void
ns16550_put(char c)
{
    while ((reg_read(LSR) & LSR_TX_EMPTY) == 0)
        ;
    reg_write(THR, (uint8_t)c);
}

static int
ns16550_get(void)
{
    if ((reg_read(LSR) & LSR_RX_READY) == 0)
        return -1;
    return reg_read(RBR) & 0xff;
}

static void
ns16550_rx_on(void)
{
    reg_write(IER, IER_RX_DATA);
}

const struct uart_ops ns16550_ops = {
    .kind = UART_NS16550,
    .init = ns16550_init,
    .put = ns16550_put,
    .get = ns16550_get,
    .rx_on = ns16550_rx_on,
};
TABLE_ADD(uart, ns16550_ops);
