/* uart_dw_apb.c: adds the serial chip of the VisionFive 2 to uart_init(); a
 * first reader may skip it.
 *
 * Synopsys' DesignWare uart is a 16550 with one register more, 4 bytes apart,
 * and two interrupts that taking the received bytes does not end:
 *
 *     busy detect   LCR was written while a byte was on the wire, which is
 *                   refused.  We never write LCR, but the firmware may have;
 *                   only reading USR takes it back
 *     rx old        "bytes wait, but fewer than the trigger", and yet there
 *                   are none; reading one anyway ends it
 *
 *     n   read
 *     2   IIR  which interrupt
 *     31  USR  busy
 *
 * Synopsys DesignWare DW_apb_uart databook, register descriptions of IIR, LCR
 * and USR. */
#include "arch/riscv/mmio.h"
#include "driver/uart.h"

enum { DW_RBR = 0, DW_IIR = 2, DW_USR = 31 };

#define IIR_ID_MASK 0x0f
#define IIR_BUSY    0x07
#define IIR_RX_OLD  0x0c

static volatile uint8_t *dw_regs; /* [I] */
static uint32_t dw_shift;         /* [I] */
static uint32_t dw_width;         /* [I] bytes per access */

static uint32_t
dw_read(unsigned n)
{
    volatile uint8_t *reg = dw_regs + ((size_t)n << dw_shift);

    return dw_width == 4 ? mmio_read32(reg) : mmio_read8(reg);
}

static void
dw_apb_init(const struct uart_info *info, volatile void *regs)
{
    dw_regs = regs;
    dw_shift = info->reg_shift;
    dw_width = info->reg_io_width;
    ns16550_ops.init(info, regs);
}

static void
dw_apb_put(char c)
{
    ns16550_ops.put(c);
}

static int
dw_apb_get(void)
{
    int c = ns16550_ops.get();
    uint32_t id;

    if (c >= 0)
        return c;
    id = dw_read(DW_IIR) & IIR_ID_MASK;
    if (id == IIR_BUSY)
        dw_read(DW_USR);
    if (id == IIR_RX_OLD) {
        c = ns16550_ops.get(); /* one may have come just now */
        if (c < 0)
            dw_read(DW_RBR);
    }
    return c;
}

static void
dw_apb_rx_on(void)
{
    ns16550_ops.rx_on();
}

static const struct uart_ops dw_apb_ops = {
    .kind = UART_DW_APB,
    .init = dw_apb_init,
    .put = dw_apb_put,
    .get = dw_apb_get,
    .rx_on = dw_apb_rx_on,
};
TABLE_ADD(uart, dw_apb_ops);
