/* start_mmc.c: adds SD cards as disks, mmcblk0 and its partitions; a first reader
 * may skip it.
 *
 * Only with the boot argument mmc=on: the driver has not met hardware yet, and a
 * host whose clock the firmware left off may stop the bus for ever at the first
 * look at it.  Where no tree names a host nothing of this is to be seen. */
#include "arch/riscv/memlayout.h"
#include "debug/printk.h"
#include "driver/partition.h"
#include "driver/plic.h"
#include "ext/driver/sdcard.h"
#include "init/initcall.h"
#include "mm/kmap.h"
#include "mm/kthread.h"
#include <bootargs.h>
#include <errno.h>

#define REACH (1ul << 32) /* of the host's DMA */

static struct dwmmc host;
static struct sdcard card;
static struct dwmmc_memory memory __attribute__((aligned(PAGE_SIZE)));

static void
serve(void *arg)
{
    for (;;)
        sdcard_serve(arg);
}

/* The card behind INFO, if there is one. */
static int
start_card(const struct mmc_info *info)
{
    void *regs = kmap_device(info->base, info->size);
    int err;

    if (regs == NULL || va_to_pa(&memory + 1) > REACH)
        return -ENOMEM;
    err = dwmmc_init(&host, info, regs, &memory);
    if (err != 0)
        return err;
    host.interrupts =
        info->irq != 0 && plic_register(info->irq, dwmmc_interrupt, &host) == 0;
    err = sdcard_init(&card, &host, "mmcblk0");
    if (err != 0) {
        dwmmc_off(&host);
        return err;
    }
    return kthread_serve("mmc", serve, &card);
}

static void
start_mmc(const struct machine *m)
{
    static char buf[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

    for (unsigned i = 0; i < m->nmmc; i++) {
        const struct mmc_info *info = &m->mmc[i];
        int err;

        if (info->soldered)
            continue;
        if (!bootarg_is(m->bootargs, "mmc", "on")) {
            cprintf("  a host of SD cards is left alone (mmc=on: use it)\n");
            return;
        }
        err = start_card(info);
        if (err == 0) {
            cprintf("  %s: %lu KiB\n", card.dev.name, card.dev.nsectors / 2);
            partition_scan(&card.dev, buf);
            return;
        }
        cprintf("  no SD card at %#lx (error %d)\n", info->base, -err);
    }
}

static const struct initcall mmc_call = {"mmc", INIT_EARLY, start_mmc};
TABLE_ADD(initcall, mmc_call);
