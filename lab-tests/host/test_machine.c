/* test_machine.c: what discovery makes of a device tree.
 *
 *     test_machine [DIR]     DIR holds the trees, default lab-tests/host/dts
 *
 * Whole machines first: trees dumped from QEMU, and two written by hand whose
 * sources beside them say what they are for.  Two trees of real firmware
 * are read too if they are in ../shared/dtb; they are not ours to give away.
 * Then small trees that differ from a plain machine in one point. */
#include <stdint.h>
#include <stdlib.h>

static uint64_t steps; /* bytes of tokens the parser has walked over */
#define FDT_STEP(bytes) (steps += (bytes))

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
static struct blob machine_blob; /* m.bootargs points into it */
static char why[160];

/* Discover B, which is freed when the next one comes. */
static int
discover(struct blob b, uint64_t boot)
{
    struct fdt f = opened(b);

    free(machine_blob.p);
    machine_blob = b;
    why[0] = '\0';
    return machine_discover(&m, &f, boot, why, sizeof(why));
}

static int
discover_file(const char *name, uint64_t boot)
{
    struct blob b;

    if (!blob_load(&b, dir, name)) {
        printf("FAIL %s: no %s/%s\n", test_name, dir, name);
        exit(1);
    }
    return discover(b, boot);
}

#define RANGE(r, from, length) \
    do {                       \
        EQ((r).start, from);   \
        EQ((r).size, length);  \
    } while (0)

static void
hart_is(unsigned i, uint64_t hartid, int context, bool sstc)
{
    EQ(m.harts[i].hartid, hartid);
    EQ(m.harts[i].plic_context, context);
    EQ(m.harts[i].has_sstc, sstc);
}

static void
uart_is(enum uart_kind kind, uint64_t base, uint64_t size, uint32_t shift,
        uint32_t width, uint32_t irq, uint32_t clock)
{
    EQ(m.uart.kind, kind);
    EQ(m.uart.base, base);
    EQ(m.uart.size, size);
    EQ(m.uart.reg_shift, shift);
    EQ(m.uart.reg_io_width, width);
    EQ(m.uart.irq, irq);
    EQ(m.uart.clock_hz, clock);
}

/* Whole machines. */

static void
virt(const char *file, unsigned harts)
{
    for (unsigned boot = 0; boot < harts; boot++) {
        EQ(discover_file(file, boot), 0);
        STREQ(m.model, "riscv-virtio,qemu");
        EQ(m.nmem, 1);
        RANGE(m.mem[0], 0x80000000, 0x40000000);
        EQ(m.nreserved, 0);
        EQ(m.nharts, harts);
        EQ(m.nskipped, 0);
        hart_is(0, boot, 2 * (int)boot + 1, true);
        for (unsigned i = 1; i < harts; i++) {
            unsigned id = i <= boot ? i - 1 : i;

            hart_is(i, id, 2 * (int)id + 1, true);
        }
    }
    EQ(m.timebase_hz, 10000000);
    uart_is(UART_NS16550, 0x10000000, 0x100, 0, 1, 10, 3686400);
    EQ(m.plic_base, 0xc000000);
    EQ(m.plic_size, 0x600000);
    EQ(m.plic_ndev, 96);
    EQ(m.nvirtio, 8);
    for (unsigned i = 0; i < 8; i++) {
        EQ(m.virtio[i].base, 0x10001000 + 0x1000 * i);
        EQ(m.virtio[i].size, 0x1000);
        EQ(m.virtio[i].irq, i + 1);
    }
    EQ(m.test_base, 0x100000);
    EQ(m.rtc_base, 0x101000);
    STREQ(m.bootargs, "");
    EQ(m.initrd_start, 0);
    EQ(m.initrd_end, 0);
    EQ(discover_file(file, harts), -ENODEV);
}

static void
test_virt(void)
{
    virt("virt1.dtb", 1);
    virt("virt4.dtb", 4);
    virt("virt8.dtb", 8);
    STREQ(why, "boot hart 8 cannot be used: it is not among the cpus");
}

/* Harts 1 to 4 beside a monitor core 0: sifive_u and all JH7110 trees.  The
 * context of S-mode of hart h is 2h. */
static void
four_of_five(void)
{
    uint64_t boot = m.harts[0].hartid;

    EQ(m.nharts, 4);
    EQ(m.nskipped, 1);
    hart_is(0, boot, 2 * (int)boot, false);
    for (unsigned i = 1; i < 4; i++) {
        unsigned id = i < boot ? i : i + 1;

        hart_is(i, id, 2 * (int)id, false);
    }
}

static void
test_sifive_u(void)
{
    EQ(discover_file("sifive_u.dtb", 0), -ENODEV);
    STREQ(why, "boot hart 0 cannot be used: it has no MMU");
    for (unsigned boot = 1; boot <= 4; boot++) {
        EQ(discover_file("sifive_u.dtb", boot), 0);
        EQ(m.harts[0].hartid, boot);
        four_of_five();
    }
    STREQ(m.model, "SiFive HiFive Unleashed A00");
    EQ(m.nmem, 1);
    RANGE(m.mem[0], 0x80000000, 0x40000000);
    EQ(m.timebase_hz, 1000000);
    uart_is(UART_SIFIVE, 0x10010000, 0x1000, 2, 4, 4, 0);
    EQ(m.plic_base, 0xc000000);
    EQ(m.plic_size, 0x4000000);
    EQ(m.plic_ndev, 53);
    EQ(m.nvirtio, 0);
    EQ(m.test_base, 0);
    EQ(m.rtc_base, 0);
}

static void
test_board(void)
{
    EQ(discover_file("board.dtb", 0), -ENODEV);
    STREQ(why, "boot hart 0 cannot be used: it is a monitor core");
    for (unsigned boot = 1; boot <= 4; boot++) {
        EQ(discover_file("board.dtb", boot), 0);
        EQ(m.harts[0].hartid, boot);
        four_of_five();
    }
    STREQ(m.model, "ucore test board, JH7110 shape");
    EQ(m.nmem, 1);
    RANGE(m.mem[0], 0x40000000, 0x100000000);
    EQ(m.nreserved, 1);
    RANGE(m.reserved[0], 0x40000000, 0x80000);
    EQ(m.timebase_hz, 4000000);
    uart_is(UART_DW_APB, 0x10000000, 0x10000, 2, 4, 32, 24000000);
    EQ(m.plic_base, 0xc000000);
    EQ(m.plic_size, 0x4000000);
    EQ(m.plic_ndev, 136);
    EQ(m.nvirtio, 0);
    EQ(m.nmmc, 1);
    EQ(m.mmc[0].base, 0x16020000);
    EQ(m.mmc[0].irq, 0);
    EQ(m.mmc[0].bus_width, 1);
    EQ(m.test_base, 0);
    EQ(m.rtc_base, 0);
    STREQ(m.bootargs, "console=ttyS0 root=/dev/sd");
    EQ(m.initrd_start, 0x46100000);
    EQ(m.initrd_end, 0x46500000);
}

static void
test_odd(void)
{
    EQ(discover_file("odd.dtb", 0x100000007), 0);
    STREQ(m.model, "ucore,odd");
    EQ(m.nmem, 2);
    RANGE(m.mem[0], 0x80000000, 0x20000000);
    RANGE(m.mem[1], 0xc0000000, 0x1000000);
    EQ(m.nreserved, 2);
    RANGE(m.reserved[0], 0x80000000, 0x81000);
    RANGE(m.reserved[1], 0x90000000, 0x1000);
    EQ(m.nharts, 3);
    hart_is(0, 0x100000007, 2, true);
    hart_is(1, 3, 3, true);
    hart_is(2, 0xb, -1, false);
    EQ(m.harts[0].phandle, 0x51);
    EQ(m.harts[1].phandle, 0x52);
    EQ(m.nskipped, 6);
    EQ(m.timebase_hz, 1500000);
    uart_is(UART_NS16550, 0x30002100, 0x100, 0, 1, 17, 0);
    EQ(m.plic_base, 0x40000000);
    EQ(m.plic_size, 0x1000000);
    EQ(m.plic_ndev, 1023);
    EQ(m.nvirtio, 2);
    EQ(m.virtio[0].base, 0x30001000);
    EQ(m.virtio[0].irq, 1);
    EQ(m.virtio[1].base, 0x30003000);
    EQ(m.virtio[1].irq, 3);
    EQ(m.virtio[1].size, 0x200);
    EQ(m.test_base, 0x20000800);
    EQ(m.rtc_base, 0);
    STREQ(m.bootargs, "a=1 mode=sv39\ta=2 quiet");
    EQ(m.initrd_start, 0x88000000);
    EQ(m.initrd_end, 0x88100001);

    EQ(discover_file("odd.dtb", 3), 0);
    hart_is(0, 3, 3, true);
    hart_is(1, 0x100000007, 2, true);
    EQ(discover_file("odd.dtb", 4), -ENODEV);
    STREQ(why, "boot hart 4 cannot be used: it has no MMU");
    EQ(discover_file("odd.dtb", 5), -ENODEV);
    STREQ(why, "boot hart 5 cannot be used: its instruction set is not rv64 "
               "with F and D");
    EQ(discover_file("odd.dtb", 6), -ENODEV);
    STREQ(why, "boot hart 6 cannot be used: it is disabled");
    EQ(discover_file("odd.dtb", 8), -ENODEV);
    STREQ(why, "boot hart 8 cannot be used: it is a monitor core");
    EQ(discover_file("odd.dtb", 10), -ENODEV);
    STREQ(why, "boot hart 10 cannot be used: its instruction set is not rv64 "
               "with F and D");
}

static void
visionfive2(const char *file, const char *model, uint64_t memory,
            uint32_t clock)
{
    struct blob b;

    if (!blob_load(&b, "../shared/dtb", file)) {
        printf("skipped: ../shared/dtb/%s is not there\n", file);
        skipped++;
        return;
    }
    EQ(discover(b, 3), 0);
    EQ(m.harts[0].hartid, 3);
    four_of_five();
    STREQ(m.model, model);
    EQ(m.nmem, 1);
    RANGE(m.mem[0], 0x40000000, memory);
    EQ(m.timebase_hz, 4000000);
    uart_is(UART_DW_APB, 0x10000000, 0x10000, 2, 4, 32, clock);
    EQ(m.plic_base, 0xc000000);
    EQ(m.plic_size, 0x4000000);
    EQ(m.plic_ndev, 136);
    EQ(m.nvirtio, 0);
    EQ(m.nmmc, 2);
    EQ(m.mmc[0].base, 0x16010000);
    EQ(m.mmc[0].irq, 74);
    EQ(m.mmc[0].bus_width, 8);
    EQ(m.mmc[1].base, 0x16020000);
    EQ(m.mmc[1].size, 0x10000);
    EQ(m.mmc[1].irq, 75);
    EQ(m.mmc[1].bus_width, 4);
    EQ(m.mmc[1].fifo_depth, 32);
    EQ(m.mmc[1].soldered, false);
    EQ(m.mmc[1].clock_hz, clock == 0 ? 50000000 : 0);
    STREQ(m.bootargs, "");
}

static void
test_linux_visionfive2(void)
{
    visionfive2("linux-6.12-visionfive2-v1.3b.dtb",
                "StarFive VisionFive 2 v1.3B", 0x100000000, 0);
}

static void
test_uboot_visionfive2(void)
{
    visionfive2("uboot-2025.01-visionfive2.dtb", "starfive,visionfive-2-v1.3b",
                0x200000000, 24000000);
}

/* One point at a time.  A plain machine: 256 MiB and hart 0. */

static void
cpu(const char *name, uint32_t id)
{
    begin(name);
    text("device_type", "cpu");
    cells("reg", 1, id);
    text("mmu-type", "riscv,sv39");
    text("riscv,isa", "rv64imafdc");
}

static void
plain_memory(void)
{
    begin("memory@80000000");
    cells("reg", 2, 0x80000000, 0x10000000);
    end();
}

static void
plain_cpus(void)
{
    begin("cpus");
    cells("timebase-frequency", 1, 1000);
    cpu("cpu@0", 0);
    end();
    end();
}

static int
plain(void)
{
    plain_memory();
    plain_cpus();
    return discover(finish(), 0);
}

static void
test_plain(void)
{
    tree();
    EQ(plain(), 0);
    STREQ(why, "");
    STREQ(m.model, "unknown");
    EQ(m.nharts, 1);
    EQ(m.timebase_hz, 1000);
    EQ(m.uart.kind, UART_NONE);
    EQ(m.plic_base, 0);
    STREQ(m.bootargs, "");

    /* The name is cut and cleaned; the sentence fits in any buffer. */
    tree();
    text("model", "~\033[2Jb 0123456789012345678901234567890123456789012345678"
                  "901234567890");
    EQ(plain(), 0);
    STREQ(m.model, "~?[2Jb 01234567890123456789012345678901234567890123456789"
                   "012345");
    EQ(strlen(m.model), sizeof(m.model) - 1);
}

static void
test_memory(void)
{
    struct blob b;
    struct fdt f;

    tree();
    plain_cpus();
    EQ(discover(finish(), 0), -ENODEV);
    STREQ(why, "memory: no memory node has a range");

    b = machine_blob;
    f = opened(b);
    why[5] = 'x';
    EQ(machine_discover(&m, &f, 0, why, 5), -ENODEV);
    STREQ(why, "memo");
    EQ(why[5], 'x');
    EQ(machine_discover(&m, &f, 0, NULL, 0), -ENODEV);

    tree();
    begin("memory");
    cells("reg", 3, 0x1000, 0x1000, 0x3000);
    end();
    EQ(plain(), -EINVAL);
    STREQ(why, "memory: entry 1 of reg is no range of addresses");

    /* 17 ranges with holes; 16 fit, and what fills a hole needs no room. */
    for (unsigned n = 16; n <= 17; n++) {
        tree();
        for (unsigned i = 0; i < n; i++) {
            begin("memory");
            cells("reg", 2, 0x1000000 + 0x20000 * (n - i), 0x10000);
            end();
        }
        begin("memory");
        cells("reg", 2, 0x1000000 + 0x30000, 0x10000);
        end();
        plain_cpus();
        if (n == 16) {
            EQ(discover(finish(), 0), 0);
            EQ(m.nmem, 15);
            RANGE(m.mem[0], 0x1020000, 0x30000);
            RANGE(m.mem[14], 0x1200000, 0x10000);
        } else {
            EQ(discover(finish(), 0), -EINVAL);
            STREQ(why, "memory: more than 16 separate ranges");
        }
    }
}

static void
reserve_two(uint32_t a, uint32_t alen, uint32_t b, uint32_t blen)
{
    begin("reserved-memory");
    cells("#address-cells", 1, 1);
    cells("#size-cells", 1, 1);
    prop("ranges", NULL, 0);
    begin("one");
    cells("reg", 2, a, alen);
    end();
    begin("two");
    cells("reg", 2, b, blen);
    end();
    end();
}

static void
test_reserved(void)
{
    tree();
    reserve_two(0x80000000, 0x2000, 0x80001000, 0x2000);
    EQ(plain(), -EINVAL);
    STREQ(why, "reserved memory: 0x80000000-0x80002000 and "
               "0x80001000-0x80003000 overlap");
    tree();
    reserve_two(0x80001000, 0x2000, 0x80000000, 0x1001);
    EQ(plain(), -EINVAL);
    STREQ(why, "reserved memory: 0x80001000-0x80003000 and "
               "0x80000000-0x80001001 overlap");

    tree(); /* touching */
    reserve_two(0x80001000, 0x2000, 0x80000000, 0x1000);
    EQ(plain(), 0);
    EQ(m.nreserved, 1);
    RANGE(m.reserved[0], 0x80000000, 0x3000);
    tree(); /* one in the other */
    reserve_two(0x80001000, 0x1000, 0x80000000, 0x3000);
    EQ(plain(), 0);
    EQ(m.nreserved, 1);
    RANGE(m.reserved[0], 0x80000000, 0x3000);

    /* An entry of the header that overlaps a node is joined with it. */
    tree();
    rsv[0] = 0x80000000;
    rsv[1] = 0x1800;
    rsv[2] = 0x90000000;
    rsv[3] = 0;
    nrsv = 2;
    reserve_two(0x80001000, 0x1000, 0x80004000, 0x1000);
    EQ(plain(), 0);
    EQ(m.nreserved, 2);
    RANGE(m.reserved[0], 0x80000000, 0x2000);
    RANGE(m.reserved[1], 0x80004000, 0x1000);

    tree();
    rsv[0] = 0xfffffffffffff000;
    rsv[1] = 0x1001;
    nrsv = 1;
    EQ(plain(), -EINVAL);
    STREQ(why, "reserved memory: 0x1001 bytes at 0xfffffffffffff000 is no "
               "range of addresses");

    tree();
    begin("reserved-memory");
    cells("#address-cells", 1, 1);
    cells("#size-cells", 1, 1);
    begin("one");
    cells("reg", 2, 0x80000000, 0x1000);
    end();
    end();
    EQ(plain(), -EINVAL);
    STREQ(why, "reserved memory: entry 0 of a reg is no range of addresses");
}

static void
test_reserved_many(void)
{
    for (unsigned n = 32; n <= 33; n++) {
        tree();
        for (nrsv = 0; nrsv < n; nrsv++) {
            rsv[2 * nrsv] = 0x80000000 + 0x2000 * nrsv;
            rsv[2 * nrsv + 1] = 0x1000;
        }
        if (n == 32) {
            EQ(plain(), 0);
            EQ(m.nreserved, 32);
            RANGE(m.reserved[31], 0x8003e000, 0x1000);
            tree();
            nrsv = n;
            reserve_two(0x80000000, 0x1000, 0x90000000, 0x1000);
            EQ(plain(), -EINVAL);
            STREQ(why, "reserved memory: more than 32 separate ranges");
        } else {
            EQ(plain(), -EINVAL);
            STREQ(why, "reserved memory: more than 32 separate ranges");
        }
    }
    for (unsigned n = 64; n <= 65; n++) {
        tree();
        begin("reserved-memory");
        cells("#address-cells", 1, 1);
        cells("#size-cells", 1, 1);
        prop("ranges", NULL, 0);
        for (unsigned i = 0; i < n; i++) {
            begin("same");
            cells("reg", 2, 0x80000000, 0x1000);
            end();
        }
        end();
        EQ(plain(), n == 64 ? 0 : -EINVAL);
        STREQ(why, n == 64 ? "" : "reserved memory: more than 64 entries");
    }
}

/* Start and end of N cells each (0: missing). */
static int
initrd(unsigned nstart, uint64_t start, unsigned nend, uint64_t last)
{
    tree();
    begin("chosen");
    if (nstart == 1)
        cells("linux,initrd-start", 1, (uint32_t)start);
    if (nstart == 2)
        cells("linux,initrd-start", 2, (uint32_t)(start >> 32),
              (uint32_t)start);
    if (nend == 1)
        cells("linux,initrd-end", 1, (uint32_t)last);
    if (nend == 2)
        cells("linux,initrd-end", 2, (uint32_t)(last >> 32), (uint32_t)last);
    if (nend == 3)
        cells("linux,initrd-end", 3, 0, 0, (uint32_t)last);
    end();
    return plain();
}

static void
test_initrd(void)
{
    for (unsigned n = 1; n <= 2; n++) {
        EQ(initrd(n, 0x80000000, n, 0x90000000), 0);
        EQ(m.initrd_start, 0x80000000);
        EQ(m.initrd_end, 0x90000000);
    }
    EQ(initrd(1, 0x88000000, 2, 0x88000001), 0);
    EQ(m.initrd_end - m.initrd_start, 1);
    EQ(initrd(1, 0, 1, 0), 0);
    EQ(m.initrd_end, 0);
    EQ(initrd(1, 0x90000001, 1, 0x90000000), -EINVAL);
    STREQ(why, "initrd: its end 0x90000000 is before its start 0x90000001");
    EQ(initrd(1, 0x80000000, 1, 0x90000001), -EINVAL);
    STREQ(why, "initrd: 0x80000000-0x90000001 is not in RAM");
    EQ(initrd(1, 0x7fffffff, 1, 0x80000001), -EINVAL);
    STREQ(why, "initrd: 0x7fffffff-0x80000001 is not in RAM");
    EQ(initrd(2, 0x180000000, 2, 0x180001000), -EINVAL);
    STREQ(why, "initrd: 0x180000000-0x180001000 is not in RAM");
    EQ(initrd(0, 0, 1, 0x80001000), -EINVAL);
    STREQ(why, "initrd: start and end must both be numbers of 4 or 8 bytes");
    EQ(initrd(1, 0x80000000, 0, 0), -EINVAL);
    EQ(initrd(1, 0x80000000, 3, 0x80001000), -EINVAL);
}

static void
test_bootargs(void)
{
    tree();
    begin("chosen");
    prop("bootargs", "no end", 6);
    end();
    EQ(plain(), -EINVAL);
    STREQ(why, "bootargs: not terminated");
    tree();
    begin("chosen");
    prop("bootargs", NULL, 0);
    end();
    EQ(plain(), 0);
    STREQ(m.bootargs, "");
}

static void
test_harts(void)
{
    tree();
    plain_memory();
    EQ(discover(finish(), 2), -ENODEV);
    STREQ(why, "boot hart 2 cannot be used: it is not among the cpus");

    for (unsigned boot = 0; boot < 20; boot += 19) {
        tree();
        plain_memory();
        begin("cpus");
        cells("timebase-frequency", 1, 1000);
        for (unsigned i = 0; i < 20; i++) {
            cpu("cpu", i);
            end();
        }
        end();
        EQ(discover(finish(), boot), 0);
        EQ(m.nharts, MACHINE_MAX_HARTS);
        EQ(m.nskipped, 20 - MACHINE_MAX_HARTS);
        EQ(m.harts[0].hartid, boot);
        EQ(m.harts[1].hartid, boot == 0);
        EQ(m.harts[MACHINE_MAX_HARTS - 1].hartid,
           MACHINE_MAX_HARTS - 1 - (boot != 0));
    }
    for (unsigned boot = 6; boot <= 7; boot++) {
        tree();
        plain_memory();
        begin("cpus");
        cpu("cpu", 6);
        end();
        cpu("cpu", 7);
        end();
        cpu("cpu", 7);
        end();
        end();
        EQ(discover(finish(), boot), -EINVAL);
        STREQ(why, "two harts have the id 7");
    }
}

static bool
isa(const char *string, const char *ext)
{
    struct blob b;
    struct fdt f;
    bool yes;

    tree();
    text("riscv,isa", string);
    b = finish();
    f = opened(b);
    yes = hart_has(&f, fdt_root(&f), ext);
    free(b.p);
    return yes;
}

static void
test_isa(void)
{
    CHECK(isa("rv64imafdc", "f") && isa("rv64imafdc", "d"));
    CHECK(isa("rv64gc_zba", "f") && isa("rv64gc_zba", "d"));
    CHECK(isa("rv64i2p0m2p0f2p0", "f") && !isa("rv64i2p0m2p0f2p0", "d"));
    CHECK(!isa("rv64imac", "f") && !isa("rv64imac_zfh", "f"));
    CHECK(!isa("rv64imaczfh", "f") && !isa("rv64imacxfd", "d"));
    CHECK(!isa("rv64imacsvadu", "d") && !isa("rv64imac_d", "d"));
    CHECK(!isa("rv32imafdc", "f") && !isa("rv6", "f") && !isa("", "f"));
    CHECK(!isa("rv64gc", "v") && !isa("rv64gc", "h"));
    CHECK(isa("rv64gc_sstc", "sstc") && isa("rv64gc_sstc_zba", "sstc"));
    CHECK(isa("rv64gc_zba_sstc1p0", "sstc") && isa("rv64gc_sstc0p9", "sstc"));
    CHECK(!isa("rv64gc_sstcx", "sstc") && !isa("rv64gc_xsstc", "sstc"));
    CHECK(!isa("rv64gcsstc", "sstc") && !isa("rv64gc_", "sstc"));
}

static int
timebase(const char *where, uint32_t n, uint32_t high, uint32_t low)
{
    tree();
    plain_memory();
    begin("cpus");
    if (where[0] == 'c')
        cells("timebase-frequency", n, n == 1 ? low : high, low, 0);
    cpu("cpu@0", 0);
    if (where[0] == 'n')
        cells("timebase-frequency", n, n == 1 ? low : high, low, 0);
    end();
    end();
    return discover(finish(), 0);
}

static void
test_timebase(void)
{
    EQ(timebase("cpus", 1, 0, 4000000), 0);
    EQ(m.timebase_hz, 4000000);
    EQ(timebase("cpus", 2, 0, 0xffffffff), 0);
    EQ(m.timebase_hz, 0xffffffff);
    EQ(timebase("node", 1, 0, 10), 0);
    EQ(m.timebase_hz, 10);
    EQ(timebase("-", 0, 0, 0), -ENODEV);
    STREQ(why, "cpus: there is no timebase-frequency");
    EQ(timebase("cpus", 3, 0, 1), -ENODEV);
    EQ(timebase("cpus", 1, 0, 0), -EINVAL);
    STREQ(why, "cpus: a timebase of 0 Hz makes no sense");
    EQ(timebase("cpus", 2, 1, 0), -EINVAL);
    STREQ(why, "cpus: a timebase of 4294967296 Hz makes no sense");
}

static void
uart(const char *name, const char *kind, uint32_t base, uint32_t size)
{
    begin(name);
    text("compatible", kind);
    cells("reg", 2, base, size);
}

static void
test_uart(void)
{
    /* Nothing is chosen: the first that can be driven. */
    tree();
    uart("a", "ns8250", 0x1000, 0x100);
    end();
    uart("b", "ns16550a", 0x2000, 0x100);
    text("status", "disabled");
    end();
    uart("c", "ns16550a", 0x3000, 0x100);
    cells("reg-io-width", 1, 2);
    end();
    uart("d", "ns16550a", 0x4000, 0x100);
    cells("reg-shift", 1, 5);
    end();
    uart("e", "snps,dw-apb-uart", 0x5000, 0x1f);
    cells("reg-shift", 1, 2);
    end();
    uart("f", "snps,dw-apb-uart", 0x6000, 0x20);
    cells("reg-shift", 1, 2);
    end();
    uart("g", "ns16550a", 0x7000, 0x100);
    end();
    EQ(plain(), 0);
    uart_is(UART_DW_APB, 0x6000, 0x20, 2, 1, 0, 0);

    tree();
    uart("a", "ns16550", 0x1000, 0x80);
    cells("reg-shift", 1, 4);
    end();
    EQ(plain(), 0);
    uart_is(UART_NS16550, 0x1000, 0x80, 4, 1, 0, 0);

    /* What is chosen, unless it cannot be driven. */
    for (int on = 0; on <= 1; on++) {
        tree();
        begin("chosen");
        text("stdout-path", "/h:9600");
        end();
        uart("g", "ns16550", 0x7000, 0x8);
        end();
        uart("h", "sifive,uart0", 0x8000, 0x1000);
        text("status", on ? "okay" : "disabled");
        cells("interrupts", 2, 9, 4);
        end();
        EQ(plain(), 0);
        if (on)
            uart_is(UART_SIFIVE, 0x8000, 0x1000, 2, 4, 9, 0);
        else
            uart_is(UART_NS16550, 0x7000, 0x8, 0, 1, 0, 0);
    }
}

static void
test_devices(void)
{
    uint32_t i;

    /* The PLIC is looked for under both names; a pair without phandle or with
     * another interrupt is no context, and the first of two counts. */
    tree();
    plain_memory();
    begin("cpus");
    cells("timebase-frequency", 1, 1000);
    cpu("cpu@0", 0);
    begin("intc");
    text("compatible", "riscv,cpu-intc");
    cells("phandle", 1, 3);
    end();
    end();
    cpu("cpu@1", 1);
    end();
    end();
    uart("plic-off", "sifive,plic-1.0.0", 0x1000, 0x1000);
    text("status", "disabled");
    end();
    uart("plic", "riscv,plic0", 0x2000, 0x1000);
    cells("interrupts-extended", 9, 3, 11, 0, 9, 3, 9, 3, 9, 3);
    end();
    for (i = 0; i < 20; i++) {
        uart("v", "virtio,mmio", 0x100000 - 0x1000 * i, 0x1000);
        end();
    }
    EQ(discover(finish(), 0), 0);
    EQ(m.plic_base, 0x2000);
    EQ(m.plic_ndev, 0);
    hart_is(0, 0, 2, false);
    hart_is(1, 1, -1, false);
    EQ(m.nvirtio, MACHINE_MAX_VIRTIO);
    for (i = 0; i < m.nvirtio; i++)
        EQ(m.virtio[i].base, 0xf1000 + 0x1000 * i);
}

static void
test_bootarg_get(void)
{
    const char *args = " quiet  mode=sv39\tswap=a=b init= mode2=x verbose\n";
    char buf[8] = "";

    CHECK(bootarg_get(args, "mode", buf, sizeof(buf)));
    STREQ(buf, "sv39");
    CHECK(bootarg_get(args, "quiet", buf, sizeof(buf)));
    STREQ(buf, "");
    CHECK(bootarg_get(args, "swap", buf, sizeof(buf)));
    STREQ(buf, "a=b");
    CHECK(bootarg_get(args, "init", buf, sizeof(buf)));
    STREQ(buf, "");
    CHECK(bootarg_get(args, "verbose", buf, sizeof(buf)));
    strcpy(buf, "same");
    CHECK(!bootarg_get(args, "mod", buf, sizeof(buf)));
    CHECK(!bootarg_get(args, "sv39", buf, sizeof(buf)));
    CHECK(!bootarg_get(args, "ode", buf, sizeof(buf)));
    CHECK(!bootarg_get("", "mode", buf, sizeof(buf)));
    CHECK(!bootarg_get("   ", "mode", buf, sizeof(buf)));
    STREQ(buf, "same");
    CHECK(bootarg_get("a=1 b a=22", "a", buf, sizeof(buf)));
    STREQ(buf, "22");
    CHECK(bootarg_get("a=12345678", "a", buf, sizeof(buf)));
    STREQ(buf, "1234567");
    CHECK(bootarg_get("a=12345678", "a", buf, 3));
    STREQ(buf, "12");
}

static void
test_bootarg_rules(void)
{
    static const struct bootarg_rule rules[] = {{"mmu", "sv39|sv48"},
                                                {"sched", "*"},
                                                {"bench", ""},
                                                {"one", "x"},
                                                {"harts", "#"}};
    static const struct {
        const char *args, *why; /* NULL: all is well */
    } cases[] = {
        {"", NULL},
        {"  mmu=sv48\tsched=a=b\n bench one=x ", NULL},
        {"sched sched= bench=", NULL},
        {"harts=1 harts=0x10 harts=99999999999999999999", NULL},
        {"harts=0", "boot argument \"harts=0\": must be a number from 1"},
        {"harts=2x", "boot argument \"harts=2x\": must be a number from 1"},
        {"harts", "boot argument \"harts=\": must be a number from 1"},
        {"mmu=sv4", "boot argument \"mmu=sv4\": must be one of sv39|sv48"},
        {"mmu=sv390", "boot argument \"mmu=sv390\": must be one of sv39|sv48"},
        {"mmu", "boot argument \"mmu=\": must be one of sv39|sv48"},
        {"bench=1", "boot argument \"bench=1\": must be one of "},
        {"one=x mm=sv39", "unknown boot argument \"mm\""},
        {"=", "unknown boot argument \"\""},
        {"sched=0123456789012345678901234567890123456789012345678901234567890",
         "boot argument \"sched=01234567890123456789012345...\": too long"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int err = bootargs_match(cases[i].args, rules, ARRAY_LEN(rules), why,
                                 sizeof(why));

        EQ(err, cases[i].why == NULL ? 0 : -EINVAL);
        if (cases[i].why != NULL)
            STREQ(why, cases[i].why);
    }
    CHECK(bootarg_is("mmu=sv48 mmu=sv39", "mmu", "sv39"));
    CHECK(!bootarg_is("mmu=sv48 mmu=sv39", "mmu", "sv48"));
    CHECK(!bootarg_is("", "mmu", ""));
}

/* Trees of 2 MiB made to be slow.  The work, counted in bytes walked over,
 * stays below a fixed number of walks over the whole tree. */

static void
hostile(void (*fill)(uint32_t i), const char *parent)
{
    struct blob b;
    struct fdt f;
    uint64_t work;

    tree();
    plain_memory();
    if (parent == NULL || strcmp(parent, "cpus") != 0)
        plain_cpus();
    if (parent != NULL) {
        begin(parent);
        prop("ranges", NULL, 0);
    }
    for (uint32_t i = 0; ntokens < FDT_MAX_SIZE - 4096; i++)
        fill(i);
    if (parent != NULL)
        end();
    b = finish();
    steps = 0;
    f = opened(b);
    CHECK(steps < 2 * b.size);
    machine_discover(&m, &f, 0, why, sizeof(why));
    work = steps / b.size;
    if (work > 500)
        printf("%llu walks\n", (unsigned long long)work);
    CHECK(work <= 500);
    free(b.p);
}

static void
fill_nodes(uint32_t i)
{
    (void)i;
    begin("memory");
    end();
}

static void
fill_memory(uint32_t i)
{
    begin("memory");
    cells("reg", 2, i * 0x1000, 0x1000);
    end();
}

static void
fill_virtio(uint32_t i)
{
    begin("v");
    text("compatible", i % 2 ? "virtio,mmio" : "ns16550a");
    end();
}

static void
fill_plic(uint32_t i)
{
    begin("p");
    text("compatible", i % 2 ? "sifive,plic-1.0.0" : "riscv,plic0");
    cells("reg", 1, 0);
    end();
}

static void
fill_cpus(uint32_t i)
{
    cpu("cpu", i + 1);
    end();
}

static void
fill_props(uint32_t i)
{
    if (i == 0)
        begin("n");
    cells("ranges", 1, i);
    if (ntokens >= FDT_MAX_SIZE - 4096)
        end();
}

static void
fill_reserved(uint32_t i)
{
    begin("r");
    cells("reg", 3, 0x0, 0x80000000, i % 2);
    end();
}

/* All that is looked for stands at the end, as often as we look, and its
 * address is nowhere. */
static void
fill_late(uint32_t i)
{
    const char *kind = i % 6 == 1   ? "ns16550a"
                       : i % 6 == 2 ? "virtio,mmio"
                       : i % 6 == 3 ? "sifive,plic-1.0.0"
                       : i % 6 == 4 ? "riscv,plic0"
                                    : "sifive,test1";

    if (ntokens < FDT_MAX_SIZE - 24000) {
        begin("junk");
    } else if (i % 6 == 0) {
        begin("memory");
        cells("reg", 2, 0x80000000, 0x1000);
    } else {
        begin("device");
        text("compatible", kind);
        cells("reg", 1, 0);
    }
    end();
}

static void
test_hostile(void)
{
    hostile(fill_late, NULL);
    hostile(fill_nodes, NULL);
    hostile(fill_memory, NULL);
    hostile(fill_virtio, NULL);
    hostile(fill_virtio, "soc");
    hostile(fill_plic, "soc");
    hostile(fill_cpus, "cpus");
    hostile(fill_props, NULL);
    hostile(fill_reserved, "reserved-memory");
}

int
main(int argc, char **argv)
{
    int failures;

    if (argc > 1)
        dir = argv[1];
    RUN(virt);
    RUN(sifive_u);
    RUN(board);
    RUN(odd);
    RUN(linux_visionfive2);
    RUN(uboot_visionfive2);
    RUN(plain);
    RUN(memory);
    RUN(reserved);
    RUN(reserved_many);
    RUN(initrd);
    RUN(bootargs);
    RUN(harts);
    RUN(isa);
    RUN(timebase);
    RUN(uart);
    RUN(devices);
    RUN(bootarg_get);
    RUN(bootarg_rules);
    RUN(hostile);
    failures = verdict("test_machine");
    free(machine_blob.p);
    return failures;
}
