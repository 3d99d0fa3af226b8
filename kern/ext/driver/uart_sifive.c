/* uart_sifive.c: adds the serial chip of sifive_u to uart_init(); a first
 * reader may skip it.
 *
 *     offset  register
 *     0x00    txdata   write: the byte to send; bit 31 read: queue is full
 *     0x04    rxdata   the received byte; bit 31: there was none
 *     0x08    txctrl   bit 0: send at all; bits 18:16: watermark
 *     0x0c    rxctrl   bit 0: receive at all; bits 18:16: watermark
 *     0x10    ie       bit 0: interrupt on txwm; bit 1: on rxwm
 *     0x18    div      speed (left as the firmware made it)
 *
 * rxwm is raised while MORE bytes wait than the watermark says, so 0 means
 * "each byte".  All registers are 32 bits wide.
 *
 * SiFive FU540-C000 Manual v1p0, chapter 13 "Universal Asynchronous
 * Receiver/Transmitter". */
#include "arch/riscv/mmio.h"
#include "driver/uart.h"

#define REG_TXDATA 0x00
#define REG_RXDATA 0x04
#define REG_TXCTRL 0x08
#define REG_RXCTRL 0x0c
#define REG_IE     0x10

#define TX_FULL    (1u << 31)
#define RX_EMPTY   (1u << 31)
#define CTRL_ON    (1u << 0)
#define CTRL_WATER (7u << 16)
#define IE_RX      (1u << 1)

static volatile uint8_t *sifive_regs; /* [I] */

static void
sifive_uart_init(const struct uart_info *info, volatile void *regs)
{
    uint32_t txctrl, rxctrl;

    sifive_regs = regs;
    mmio_write32(sifive_regs + REG_IE, 0);
    txctrl = mmio_read32(sifive_regs + REG_TXCTRL);
    mmio_write32(sifive_regs + REG_TXCTRL, txctrl | CTRL_ON);
    rxctrl = mmio_read32(sifive_regs + REG_RXCTRL);
    mmio_write32(sifive_regs + REG_RXCTRL, (rxctrl & ~CTRL_WATER) | CTRL_ON);
}

static void
sifive_uart_put(char c)
{
    while ((mmio_read32(sifive_regs + REG_TXDATA) & TX_FULL) != 0)
        ;
    mmio_write32(sifive_regs + REG_TXDATA, (uint8_t)c);
}

static int
sifive_uart_get(void)
{
    uint32_t v = mmio_read32(sifive_regs + REG_RXDATA);

    return (v & RX_EMPTY) != 0 ? -1 : (int)(v & 0xff);
}

static void
sifive_uart_rx_on(void)
{
    mmio_write32(sifive_regs + REG_IE, IE_RX);
}

static const struct uart_ops sifive_uart_ops = {
    .kind = UART_SIFIVE,
    .init = sifive_uart_init,
    .put = sifive_uart_put,
    .get = sifive_uart_get,
    .rx_on = sifive_uart_rx_on,
};
TABLE_ADD(uart, sifive_uart_ops);
