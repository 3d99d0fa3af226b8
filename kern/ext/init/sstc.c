/* sstc.c: adds the Sstc extension to arch/riscv/timer.c: a hart that has it sets
 * its timer by itself; a first reader may skip it.
 *
 * The switch is safe at any moment: where stimecmp may be used, the firmware
 * cannot raise the interrupt in another way, so the same register is behind its
 * own call.
 *
 * The RISC-V "stimecmp / vstimecmp" Extension 1.0. */
#include "arch/riscv/csr.h"
#include "arch/riscv/probe.h"
#include "arch/riscv/sbi.h"
#include "arch/riscv/timer.h"
#include "debug/printk.h"
#include "init/initcall.h"
#include <atomic.h>
#include <bootargs.h>

/* Old assemblers lack the name. */
#define STIMECMP 0x14d
#define TEXT(x)  TEXT_(x)
#define TEXT_(x) #x

static bool all_have_sstc; /* [a] */

void
timer_set(uint64_t time)
{
    if (atomic_load(&all_have_sstc))
        __asm__ volatile("csrw " TEXT(STIMECMP) ", %0" : : "r"(time));
    else
        sbi_set_timer(time);
}

static void
look_for_sstc(const struct machine *m)
{
    bool all = !bootarg_is(m->bootargs, "timer", "sbi");

    for (unsigned i = 0; i < m->nharts; i++)
        all = all && m->harts[i].has_sstc;
    /* The device tree speaks of the hart; the firmware must allow it, too. */
    all = all && GETS_THROUGH("csrr %1, " TEXT(STIMECMP), 0);
    atomic_store(&all_have_sstc, all);
    cprintf("  timer by %s\n", all ? "stimecmp" : "the firmware");
}

static const struct initcall sstc_call = {"sstc", INIT_EARLY, look_for_sstc};
TABLE_ADD(initcall, sstc_call);
