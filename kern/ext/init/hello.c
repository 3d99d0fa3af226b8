/* hello.c: adds what the kernel found out about the processors to the greeting
 * of init/main.c; a first reader may skip it. */
#include "arch/riscv/csr.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/sbi.h"
#include "debug/printk.h"
#include "ext/init/asid_bits.h"
#include "init/initcall.h"
#include "mm/adprobe.h"
#include "mm/tlb.h"
#include "schedule/sched.h"

static void
say_more(const struct machine *m)
{
    unsigned version = (unsigned)sbi_call(SBI_BASE, 0, 0, 0, 0, 0).value;

    cprintf("  boot hart %lu, A/D bits: %s, scheduler %s\n", cpus[0].hartid,
            ad_behaviour_name(cpus[0].ad_behaviour), sched_name());
    cprintf("  Sv%u, %u ASID bits, image at %#lx, SBI %u.%u, tlb %s\n",
            PAGE_SHIFT + 9 * paging_levels, asid_bits(), kernel_pa,
            version >> 24 & 0x7f, version & 0xffffff, tlb_method_name());
}

static const struct initcall hello_call = {"hello", INIT_EARLY, say_more};
TABLE_ADD(initcall, hello_call);
