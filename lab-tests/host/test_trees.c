/* test_trees.c: the three device trees that a VisionFive 2 may hand over, as
 * trees of our own, each with the traps of its kind:
 *
 *     A  Linux's           the monitor core is disabled and has no mmu-type
 *     B  U-Boot 2025.01    the monitor core is "okay", has no mmu-type
 *     C  vendor's U-Boot   it is "okay" and claims an MMU; the memory node is
 *                          named after another address; generic names only; the
 *                          SD host is "sdio1@...", without an interrupt
 *
 * Each is tried with every hart that may boot, and with what U-Boot writes into
 * it for a board of 2, 4 and 8 GiB; then with a firmware that took the pairs of
 * machine mode out of the PLIC, and with a second serial line before the first.
 * test_machine.c reads whole trees of real firmware, if they are there. */
#include <stdint.h>
#include <stdlib.h>

/* libs/string.c stays out; the computer has its own. */
#define strtoull_simple(s, end) strtoull(s, (char **)(end), 0)
#include "../../libs/bootargs.c"
#include "../../libs/discover_devices.c"
#include "../../libs/discover_harts.c"
#include "../../libs/fdt.c"
#include "../../libs/fdt_query.c"
#include "../../libs/machine.c"

#include "fdt_build.h"

static struct machine m;
static char why[160];

static const struct shape {
    const char *name;
    const char *memory; /* the name of its node */
    const char *s7_status, *s7_mmu, *s7_isa, *isa;
    const char *uart, *plic, *plic_node, *mmc, *mmc_node;
    const char *stdout_path;
    uint32_t uart_hz, mmc_irq, mmc_hz;
    bool lists; /* riscv,isa-extensions, too */
} shapes[] = {
    {.name = "A",
     .memory = "memory@40000000",
     .s7_status = "disabled",
     .s7_isa = "rv64imac_zba_zbb",
     .isa = "rv64imafdc_zba_zbb",
     .uart = "starfive,jh7110-uart\0snps,dw-apb-uart",
     .plic = "starfive,jh7110-plic\0sifive,plic-1.0.0",
     .plic_node = "interrupt-controller@c000000",
     .mmc = "starfive,jh7110-mmc",
     .mmc_node = "mmc@16020000",
     .stdout_path = "serial0:115200n8",
     .mmc_irq = 75,
     .mmc_hz = 50000000,
     .lists = true},
    {.name = "B",
     .memory = "memory@40000000",
     .s7_status = "okay",
     .s7_isa = "rv64imac",
     .isa = "rv64imafdc_zba_zbb",
     .uart = "snps,dw-apb-uart",
     .plic = "starfive,jh7110-plic\0sifive,plic-1.0.0",
     .plic_node = "interrupt-controller@c000000",
     .mmc = "snps,dw-mshc",
     .mmc_node = "mmc@16020000",
     .stdout_path = "serial0:115200n8",
     .uart_hz = 24000000,
     .mmc_irq = 75},
    {.name = "C",
     .memory = "memory@80000000",
     .s7_status = "okay",
     .s7_mmu = "riscv,sv39",
     .s7_isa = "rv64imacu_zba_zbb",
     .isa = "rv64imafdcbsux_zba_zbb",
     .uart = "snps,dw-apb-uart",
     .plic = "riscv,plic0",
     .plic_node = "plic@c000000",
     .mmc = "snps,dw-mshc",
     .mmc_node = "sdio1@16020000",
     .stdout_path = "/soc/serial@10000000:115200"},
};

/* --- the tree --- */

#define LIST(name, s) prop(name, s, list_size(s))

/* Of one or two strings. */
static uint32_t
list_size(const char *s)
{
    uint32_t n = (uint32_t)strlen(s) + 1;

    return strncmp(s, "starfive", 8) == 0 && strcmp(s, "starfive,jh7110-mmc")
               ? n + (uint32_t)strlen(s + n) + 1
               : n;
}

static void
cpu(const struct shape *s, uint32_t id)
{
    char name[16];

    snprintf(name, sizeof(name), "cpu@%u", id);
    begin(name);
    text("device_type", "cpu");
    cells("reg", 1, id);
    text("compatible", id == 0 ? "sifive,s7" : "sifive,u74-mc");
    text("status", id == 0 ? s->s7_status : "okay");
    text("riscv,isa", id == 0 ? s->s7_isa : s->isa);
    if (s->lists && id != 0)
        prop("riscv,isa-extensions", "i\0m\0a\0f\0d\0c\0zba", 16);
    if (id != 0 || s->s7_mmu != NULL)
        text("mmu-type", id == 0 ? s->s7_mmu : "riscv,sv39");
    begin("interrupt-controller");
    text("compatible", "riscv,cpu-intc");
    cells("phandle", 1, 10 + id);
    end();
    end();
}

static void
uart(const struct shape *s, const char *name, uint32_t base, uint32_t irq)
{
    begin(name);
    LIST("compatible", s->uart);
    cells("reg", 4, 0, base, 0, 0x10000);
    cells("reg-shift", 1, 2);
    cells("reg-io-width", 1, 4);
    cells("interrupts", 1, irq);
    if (s->uart_hz != 0)
        cells("clock-frequency", 1, s->uart_hz);
    end();
}

static void
mmc(const struct shape *s)
{
    begin(s->mmc_node);
    text("compatible", s->mmc);
    cells("reg", 4, 0, 0x16020000, 0, 0x10000);
    cells("bus-width", 1, 4);
    cells("fifo-depth", 1, 32);
    if (s->mmc_irq != 0)
        cells("interrupts", 1, s->mmc_irq);
    if (s->mmc_hz != 0)
        cells("assigned-clock-rates", 1, s->mmc_hz);
    end();
    begin("mmc@16010000"); /* the eMMC */
    text("compatible", s->mmc);
    cells("reg", 4, 0, 0x16010000, 0, 0x10000);
    cells("bus-width", 1, 8);
    prop("non-removable", NULL, 0);
    end();
}

/* MACHINE: what stands where 11 was. */
static void
plic(const struct shape *s, uint32_t machine)
{
    begin(s->plic_node);
    LIST("compatible", s->plic);
    cells("reg", 4, 0, 0x0c000000, 0, 0x4000000);
    cells("riscv,ndev", 1, 136);
    cells("interrupts-extended", 18, 10, machine, 11, machine, 11, 9, 12,
          machine, 12, 9, 13, machine, 13, 9, 14, machine, 14, 9);
    end();
}

static struct blob
board(const struct shape *s, uint64_t memory, uint32_t machine_irq)
{
    ntokens = nnames = nrsv = 0;
    begin("");
    cells("#address-cells", 1, 2);
    cells("#size-cells", 1, 2);
    text("model", "StarFive VisionFive 2 v1.3B");
    begin("aliases");
    text("serial0", "/soc/serial@10000000");
    end();
    begin("chosen");
    text("stdout-path", s->stdout_path);
    end();
    begin(s->memory);
    text("device_type", "memory");
    cells("reg", 4, 0, 0x40000000, (uint32_t)(memory >> 32), (uint32_t)memory);
    end();
    begin("cpus");
    cells("#address-cells", 1, 1);
    cells("#size-cells", 1, 0);
    cells("timebase-frequency", 1, 4000000);
    for (uint32_t id = 0; id < 5; id++)
        cpu(s, id);
    end();
    begin("soc");
    text("compatible", "simple-bus");
    cells("#address-cells", 1, 2);
    cells("#size-cells", 1, 2);
    prop("ranges", NULL, 0);
    uart(s, "serial@10010000", 0x10010000, 33); /* not the one asked for */
    uart(s, "serial@10000000", 0x10000000, 32);
    plic(s, machine_irq);
    mmc(s);
    end();
    return finish();
}

/* --- what is made of it --- */

static void
harts_are(uint64_t boot)
{
    EQ(m.nharts, 4);
    EQ(m.nskipped, 1);
    EQ(m.harts[0].hartid, boot);
    for (unsigned i = 0; i < m.nharts; i++) {
        EQ(m.harts[i].plic_context, 2 * m.harts[i].hartid);
        EQ(m.harts[i].has_sstc, false);
        CHECK(m.harts[i].hartid >= 1 && m.harts[i].hartid <= 4);
        for (unsigned j = 0; j < i; j++)
            CHECK(m.harts[i].hartid != m.harts[j].hartid);
    }
}

static void
devices_are(const struct shape *s)
{
    EQ(m.timebase_hz, 4000000);
    EQ(m.uart.kind, UART_DW_APB);
    EQ(m.uart.base, 0x10000000);
    EQ(m.uart.reg_shift, 2);
    EQ(m.uart.reg_io_width, 4);
    EQ(m.uart.irq, 32);
    EQ(m.uart.clock_hz, s->uart_hz);
    EQ(m.plic_base, 0xc000000);
    EQ(m.plic_size, 0x4000000);
    EQ(m.plic_ndev, 136);
    EQ(m.nmmc, 2);
    EQ(m.mmc[0].base, 0x16010000);
    EQ(m.mmc[0].soldered, true);
    EQ(m.mmc[0].bus_width, 8);
    EQ(m.mmc[1].base, 0x16020000);
    EQ(m.mmc[1].size, 0x10000);
    EQ(m.mmc[1].soldered, false);
    EQ(m.mmc[1].bus_width, 4);
    EQ(m.mmc[1].fifo_depth, 32);
    EQ(m.mmc[1].irq, s->mmc_irq);
    EQ(m.mmc[1].clock_hz, s->mmc_hz);
    EQ(m.nvirtio, 0);
    EQ(m.test_base, 0);
}

static void
discover(const struct shape *s, uint64_t memory, uint32_t machine_irq)
{
    struct blob b = board(s, memory, machine_irq);
    struct fdt f = opened(b);

    for (uint64_t boot = 1; boot <= 4; boot++) {
        EQ(machine_discover(&m, &f, boot, why, sizeof(why)), 0);
        EQ(m.nmem, 1);
        EQ(m.mem[0].start, 0x40000000);
        EQ(m.mem[0].size, memory);
        harts_are(boot);
        devices_are(s);
    }
    EQ(machine_discover(&m, &f, 0, why, sizeof(why)), -ENODEV);
    CHECK(strncmp(why, "boot hart 0 cannot be used: ", 28) == 0);
    free(b.p);
}

static void
every(const struct shape *s)
{
    for (uint64_t gib = 2; gib <= 8; gib *= 2) {
        discover(s, gib << 30, 11);
        discover(s, gib << 30, 0xffffffff);
    }
}

static void
test_shape_a(void)
{
    every(&shapes[0]);
}

static void
test_shape_b(void)
{
    every(&shapes[1]);
}

static void
test_shape_c(void)
{
    every(&shapes[2]);
}

/* A host that is switched off, or that has no address, is no host; there is room
 * for four, by address. */
static void
test_hosts(void)
{
    struct blob b;
    struct fdt f;

    ntokens = nnames = nrsv = 0;
    b = board(&shapes[0], 1ul << 32, 11);
    free(b.p);
    ntokens -= 8; /* open the root again */
    for (uint32_t i = 0; i < 6; i++) {
        char name[24];

        snprintf(name, sizeof(name), "mmc@%x", 0x20000000 - i * 0x10000);
        begin(name);
        text("compatible", "snps,dw-mshc");
        if (i != 1)
            cells("reg", 4, 0, 0x20000000 - i * 0x10000, 0, 0x10000);
        if (i == 2)
            text("status", "disabled");
        end();
    }
    b = finish();
    f = opened(b);
    EQ(machine_discover(&m, &f, 1, why, sizeof(why)), 0);
    EQ(m.nmmc, 4);
    EQ(m.mmc[0].base, 0x16010000);
    EQ(m.mmc[1].base, 0x16020000);
    EQ(m.mmc[2].base, 0x1ffd0000);
    EQ(m.mmc[3].base, 0x20000000);
    EQ(m.mmc[3].bus_width, 1);
    EQ(m.mmc[3].irq, 0);
    free(b.p);
}

int
main(void)
{
    RUN(shape_a);
    RUN(shape_b);
    RUN(shape_c);
    RUN(hosts);
    return verdict("test_trees");
}
