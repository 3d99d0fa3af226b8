/* fallback_mmc.c: lets each file of the driver of SD cards be deleted alone, see
 * fallback.c; a first reader may skip it.  Without one of them there is no
 * host, and no card. */
#include "ext/driver/sdcard.h"
#include <errno.h>

WEAK int
dwmmc_init(struct dwmmc *h, const struct mmc_info *info, volatile void *regs,
           struct dwmmc_memory *memory)
{
    return -ENODEV;
}

WEAK int
dwmmc_power_cycle(struct dwmmc *h)
{
    return -EIO;
}

WEAK int
dwmmc_set_bus(struct dwmmc *h, uint32_t hz, bool four_lines)
{
    return -EIO;
}

WEAK int
dwmmc_command(struct dwmmc *h, unsigned index, uint32_t arg,
              enum dwmmc_answer answer, unsigned flags)
{
    return -EIO;
}

WEAK int
dwmmc_wait_ready(struct dwmmc *h, uint64_t ms)
{
    return -EIO;
}

WEAK int
dwmmc_reset(struct dwmmc *h)
{
    return -EIO;
}

WEAK void
dwmmc_off(struct dwmmc *h)
{
}

WEAK void
dwmmc_begin(struct dwmmc *h)
{
}

WEAK size_t
dwmmc_add(struct dwmmc *h, paddr_t pa, size_t size, bool write)
{
    return 0;
}

WEAK void
dwmmc_deliver(struct dwmmc *h)
{
}

WEAK void
dwmmc_interrupt(void *host)
{
}

WEAK int
sdcard_init(struct sdcard *c, struct dwmmc *host, const char *name)
{
    return -ENODEV;
}

WEAK void
sdcard_serve(struct sdcard *c)
{
    sleep_ms(1000);
}
