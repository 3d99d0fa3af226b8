/* discover_devices.c: uart, interrupt controller, virtio, cards, power, clock.
 *
 * A device is found by what it is compatible with, wherever it stands.  Only
 * for the uart there is a preference: the one the firmware prints on, which
 * /chosen names by a path or an alias.  A node that is disabled, or whose
 * address cannot be translated, is passed over as if it were not there.
 *
 * A hart's PLIC context is the index of the pair (its interrupt controller, 9)
 * in the PLIC's interrupts-extended; 9 is the supervisor external interrupt.
 * Firmware may overwrite the 11 of other pairs with -1, but removes none. */
#include <discover.h>

#define IRQ_S_EXTERNAL 9
#define PLIC_SOURCES   1023 /* most a PLIC can have */
#define DEVICE_TRIES   32   /* nodes of one kind we look at */

/* The first enabled node compatible with WORD that has an address. */
static fdt_node
device_find(const struct fdt *f, const char *word, uint64_t *addr,
            uint64_t *size)
{
    fdt_node n = FDT_NONE;

    for (int tries = 0; tries < DEVICE_TRIES; tries++) {
        n = fdt_find_compatible(f, n, word);
        if (n < 0)
            break;
        if (fdt_enabled(f, n) && fdt_reg(f, n, 0, addr, size))
            return n;
    }
    return FDT_NONE;
}

/* The first interrupt of N, 0 if it has none. */
static uint32_t
device_irq(const struct fdt *f, fdt_node n)
{
    uint32_t irq = 0, len;
    const uint8_t *p;

    if (fdt_u32(f, n, "interrupts", &irq))
        return irq;
    p = fdt_prop(f, n, "interrupts-extended", &len);
    return p != NULL && len >= 8 ? fdt_be32(p + 4) : 0;
}

static enum uart_kind
uart_kind(const struct fdt *f, fdt_node n)
{
    if (fdt_compatible(f, n, "snps,dw-apb-uart"))
        return UART_DW_APB;
    if (fdt_compatible(f, n, "ns16550a") || fdt_compatible(f, n, "ns16550"))
        return UART_NS16550;
    if (fdt_compatible(f, n, "sifive,uart0"))
        return UART_SIFIVE;
    return UART_NONE;
}

/* Fill *U from N; false if it is no uart we can drive. */
static bool
uart_read(const struct fdt *f, fdt_node n, struct uart_info *u)
{
    /* LAB 0.3: what the tree says about the serial line at node N.
     *
     * True, and all of *U is set: kind (uart_kind()), base and size of the
     * registers (the first range, fdt_reg()), irq (device_irq()), clock_hz
     * ("clock-frequency"; 0 if it is not there). reg_io_width is how many
     * bytes a register has, reg_shift by how many bits its number is shifted
     * to the left to be its offset: "reg-io-width" and "reg-shift", or 1 and 0
     * where they are not there. For UART_SIFIVE neither property is read: its
     * width is 4 and its shift is 2.
     *
     * False, and *U as it was: uart_kind() says UART_NONE; the node is not
     * enabled (fdt_enabled()); it has no range; the width is neither 1 nor 4;
     * the shift is above 4; or the range is smaller than 8 registers, which
     * take 8 << reg_shift bytes. */
    struct uart_info v = {.kind = uart_kind(f, n), .reg_io_width = 1};

    if (v.kind == UART_NONE || !fdt_enabled(f, n) ||
        !fdt_reg(f, n, 0, &v.base, &v.size))
        return false;
    if (v.kind == UART_SIFIVE) {
        v.reg_shift = 2;
        v.reg_io_width = 4;
    } else {
        fdt_u32(f, n, "reg-shift", &v.reg_shift);
        fdt_u32(f, n, "reg-io-width", &v.reg_io_width);
    }
    if ((v.reg_io_width != 1 && v.reg_io_width != 4) || v.reg_shift > 4 ||
        v.size < (uint64_t)8 << v.reg_shift)
        return false;
    v.irq = device_irq(f, n);
    fdt_u32(f, n, "clock-frequency", &v.clock_hz);
    *u = v;
    return true;
    /* STUB: return false; */
    /* END 0.3 */
}

static void
discover_uart(struct discovery *d)
{
    const struct fdt *f = d->f;
    fdt_node chosen = fdt_find_path(f, "/chosen"), n;
    const char *path = fdt_string(f, chosen, "stdout-path");
    int tries = 0;

    if (path == NULL)
        path = fdt_string(f, chosen, "linux,stdout-path");
    if (path != NULL && uart_read(f, fdt_find_path(f, path), &d->m->uart))
        return;
    for (n = fdt_root(f); n >= 0 && tries < DEVICE_TRIES; n = fdt_next(f, n)) {
        if (uart_kind(f, n) == UART_NONE)
            continue;
        if (uart_read(f, n, &d->m->uart))
            return;
        tries++;
    }
}

static void
discover_plic(struct discovery *d)
{
    struct machine *m = d->m;
    const struct fdt *f = d->f;
    const uint8_t *p;
    uint32_t len = 0;
    fdt_node n;

    n = device_find(f, "sifive,plic-1.0.0", &m->plic_base, &m->plic_size);
    if (n < 0)
        n = device_find(f, "riscv,plic0", &m->plic_base, &m->plic_size);
    if (n < 0)
        return;
    fdt_u32(f, n, "riscv,ndev", &m->plic_ndev);
    m->plic_ndev = MIN(m->plic_ndev, PLIC_SOURCES);
    p = fdt_prop(f, n, "interrupts-extended", &len);
    for (unsigned c = 0; p != NULL && len >= 8; c++, p += 8, len -= 8) {
        for (unsigned i = 0; i < m->nharts; i++) {
            struct hart_info *h = &m->harts[i];

            if (h->phandle != 0 && h->phandle == fdt_be32(p) &&
                h->plic_context < 0 && fdt_be32(p + 4) == IRQ_S_EXTERNAL)
                h->plic_context = (int)c;
        }
    }
}

static void
discover_virtio(struct discovery *d)
{
    struct machine *m = d->m;
    uint64_t base, size;
    fdt_node n = FDT_NONE;

    for (int tries = 0; tries < DEVICE_TRIES; tries++) {
        unsigned i = m->nvirtio;

        n = fdt_find_compatible(d->f, n, "virtio,mmio");
        if (n < 0 || m->nvirtio == MACHINE_MAX_VIRTIO)
            return;
        if (!fdt_enabled(d->f, n) || !fdt_reg(d->f, n, 0, &base, &size))
            continue;
        for (; i > 0 && m->virtio[i - 1].base > base; i--)
            m->virtio[i] = m->virtio[i - 1];
        m->virtio[i].base = base;
        m->virtio[i].size = size;
        m->virtio[i].irq = device_irq(d->f, n);
        m->nvirtio++;
    }
}

/* Who divides the clock says what it was set to, or at least what the cards
 * may get; some trees say neither. */
static struct mmc_info
mmc_read(const struct fdt *f, fdt_node n, uint64_t base, uint64_t size)
{
    struct mmc_info i = {
        .base = base, .size = size, .irq = device_irq(f, n), .bus_width = 1};
    uint32_t len;

    fdt_u32(f, n, "bus-width", &i.bus_width);
    fdt_u32(f, n, "fifo-depth", &i.fifo_depth);
    if (!fdt_u32(f, n, "clock-frequency", &i.clock_hz))
        fdt_u32(f, n, "assigned-clock-rates", &i.clock_hz);
    i.soldered = fdt_prop(f, n, "non-removable", &len) != NULL ||
                 fdt_prop(f, n, "no-sd", &len) != NULL;
    return i;
}

static void
discover_mmc(struct discovery *d)
{
    struct machine *m = d->m;
    const struct fdt *f = d->f;
    uint64_t base, size;
    int tries = 0;

    for (fdt_node n = fdt_root(f);
         n >= 0 && tries < DEVICE_TRIES && m->nmmc < MACHINE_MAX_MMC;
         n = fdt_next(f, n)) {
        unsigned i = m->nmmc;

        if (!fdt_compatible(f, n, "snps,dw-mshc") &&
            !fdt_compatible(f, n, "starfive,jh7110-mmc"))
            continue;
        tries++;
        if (!fdt_enabled(f, n) || !fdt_reg(f, n, 0, &base, &size))
            continue;
        for (; i > 0 && m->mmc[i - 1].base > base; i--)
            m->mmc[i] = m->mmc[i - 1];
        m->mmc[i] = mmc_read(f, n, base, size);
        m->nmmc++;
    }
}

void
discover_power(struct discovery *d)
{
    uint64_t size;

    if (device_find(d->f, "sifive,test0", &d->m->test_base, &size) < 0)
        device_find(d->f, "sifive,test1", &d->m->test_base, &size);
}

void
discover_devices(struct discovery *d)
{
    struct machine *m = d->m;
    uint64_t size;

    discover_uart(d);
    discover_plic(d);
    discover_virtio(d);
    discover_mmc(d);
    device_find(d->f, "google,goldfish-rtc", &m->rtc_base, &size);
}
