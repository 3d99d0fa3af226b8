/* unaligned.c: adds a message to arch/riscv/entry.S, which can only stop when
 * the image was not loaded at a multiple of 2 MiB; a first reader may skip it.
 *
 * It is the one thing that can go wrong before there is a page table.  This
 * code runs where it was loaded, with the MMU off and bss not cleared, and can
 * only use plain pc-relative code: it says what is wrong through the firmware,
 * finds the power switch in the device tree, and uses it. */
#include "arch/riscv/boot.h"
#include "arch/riscv/sbi.h"
#include "driver/poweroff.h"
#include <devicetree.h>
#include <string.h>

static void
put_text(const char *s)
{
    sbi_puts(s, strlen(s));
}

static void
put_hex(uint64_t v)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        sbi_puts(&"0123456789abcdef"[v >> shift & 15], 1);
}

void
boot_refuse_unaligned(paddr_t pa, const void *dtb)
{
    struct fdt f;
    const char *why;
    uint64_t addr, size;

    put_text("boot: the image was loaded at 0x");
    put_hex(pa);
    put_text("; it must be a multiple of 0x200000\r\n");
    if (fdt_open(&f, dtb, FDT_MAX_SIZE, &why) == 0) {
        fdt_node n = fdt_find_compatible(&f, FDT_NONE, "sifive,test0");

        if (n != FDT_NONE && fdt_reg(&f, n, 0, &addr, &size))
            test_device_exit((volatile uint32_t *)addr, 1);
    }
    sbi_shutdown(true);
    for (;;)
        wfi();
}
