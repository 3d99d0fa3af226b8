/* start_rtc.c: adds the date to schedule/clock.c; a first reader may skip it.
 *
 * QEMU's virt machine has the clock of the Android emulator, whose registers
 * count nanoseconds since 1970:
 *
 *     0x00  TIME_LOW    reading it also takes a copy of the upper half
 *     0x04  TIME_HIGH   that copy
 *
 * Android emulator documentation, goldfish virtual hardware, "RTC". */
#include "arch/riscv/mmio.h"
#include "init/initcall.h"
#include "mm/kmap.h"
#include "schedule/clock.h"

#define TIME_LOW  0x00
#define TIME_HIGH 0x04
#define SIZE      0x1000u

static void
read_date(const struct machine *m)
{
    volatile uint8_t *regs;
    uint64_t low;

    if (m->rtc_base == 0)
        return;
    regs = kmap_device(m->rtc_base, SIZE);
    if (regs == NULL)
        return;
    low = mmio_read32(regs + TIME_LOW);
    wall_set((int64_t)((uint64_t)mmio_read32(regs + TIME_HIGH) << 32 | low));
}

static const struct initcall rtc_goldfish = {"rtc", INIT_EARLY, read_date};
TABLE_ADD(initcall, rtc_goldfish);
