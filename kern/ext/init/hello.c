/* hello.c: adds what the kernel found out about the processors to the greeting
 * of init/main.c; a first reader may skip it. */
#include "arch/riscv/csr.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/sbi.h"
#include "debug/printk.h"
#include "init/initcall.h"
#include "mm/adprobe.h"
#include "mm/tlb.h"
#include "schedule/sched.h"

/* Bits of the ASID field that can be set (0: no ASIDs). */
static unsigned
asid_bits(void)
{
    uint64_t old, got;

    irq_off();
    old = csr_read(satp);
    csr_write(satp, old | SATP_ASID_MASK);
    got = csr_read(satp) & SATP_ASID_MASK;
    csr_write(satp, old);
    sfence_vma_all();
    irq_restore();
    return (unsigned)__builtin_popcountl(got);
}

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
