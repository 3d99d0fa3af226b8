/* uart16550.c: the 16550 serial chip and its DesignWare cousin.
 *
 * Eight registers; where they are is the machine's choice:
 *
 *                         QEMU virt (ns16550a)   VisionFive 2 (dw-apb)
 *     register n at       n                      n * 4      reg-shift
 *     one access is       1 byte                 4 bytes    reg-io-width
 *
 *     n   read                     write
 *     0   RBR  received byte       THR  byte to send
 *     1   IER  interrupts on       IER
 *     2   IIR  which interrupt     FCR  queues on
 *     3   LCR  format, divisor     (left as the firmware made it)
 *     5   LSR  ready bits
 *     31  USR  busy (DesignWare only)
 *
 * Both boards have the chip at the same address, so a driver that forgets the
 * distance works on one of them and is silent on the other.
 *
 * DesignWare: writing LCR while a byte is on the wire is refused and raises an
 * interrupt of its own, "busy detect", that only reading USR takes back.  We
 * never write LCR, but the firmware may have, so it is answered.
 *
 * National Semiconductor PC16550D data sheet, section 8; Synopsys DesignWare
 * DW_apb_uart databook, register descriptions of IIR, LCR and USR. */
#include "arch/riscv/mmio.h"
#include "driver/uart.h"

enum { RBR = 0, THR = 0, IER = 1, IIR = 2, FCR = 2, LSR = 5, USR = 31 };

#define IER_RX_DATA   0x01 /* a byte was received */
#define FCR_QUEUES_ON 0x01 /* and interrupt at the first byte: bits 7:6 are 0 */
#define LSR_RX_READY  0x01
#define LSR_TX_EMPTY  0x20 /* THR takes another byte */
#define IIR_ID_MASK   0x0f
#define IIR_BUSY      0x07 /* DesignWare: LCR was written while busy */
#define IIR_RX_OLD    0x0c /* bytes wait, but fewer than the trigger */

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

/* Two interrupts that taking the bytes does not end. */
static void
dw_apb_ack(void)
{
    uint32_t id = reg_read(IIR) & IIR_ID_MASK;

    if (id == IIR_BUSY)
        reg_read(USR);
    /* "Bytes wait", and yet there are none: reading one anyway ends it. */
    if (id == IIR_RX_OLD && (reg_read(LSR) & LSR_RX_READY) == 0)
        reg_read(RBR);
}

static const struct uart_ops ns16550_ops = {
    .kind = UART_NS16550,
    .init = ns16550_init,
    .put = ns16550_put,
    .get = ns16550_get,
    .rx_on = ns16550_rx_on,
};
TABLE_ADD(uart, ns16550_ops);

static const struct uart_ops dw_apb_ops = {
    .kind = UART_DW_APB,
    .init = ns16550_init,
    .put = ns16550_put,
    .get = ns16550_get,
    .rx_on = ns16550_rx_on,
    .ack = dw_apb_ack,
};
TABLE_ADD(uart, dw_apb_ops);
