/* sbi.h: the calls into the firmware below us (OpenSBI) that we use, as in the RISC-V
 * Supervisor Binary Interface Specification 2.0; the chapter is named at each.
 * An extension the firmware lacks answers with an error, so nothing has to be
 * asked in advance. */
#ifndef KERN_ARCH_RISCV_SBI_H
#define KERN_ARCH_RISCV_SBI_H

#include "arch/riscv/pte.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SBI_LEGACY_SET_TIMER 0x00 /* chapter 5 */
#define SBI_LEGACY_PUTCHAR   0x01
#define SBI_LEGACY_SHUTDOWN  0x08
#define SBI_BASE             0x10
#define SBI_TIME             0x54494d45
#define SBI_IPI              0x735049
#define SBI_RFENCE           0x52464e43
#define SBI_HSM              0x48534d
#define SBI_SRST             0x53525354
#define SBI_DBCN             0x4442434e

struct sbi_ret {
    long error, value; /* error: 0, or negative */
};

/* Function FN of extension EXT, by the firmware itself. */
static inline struct sbi_ret
sbi_ecall(unsigned long ext, unsigned long fn, unsigned long x0,
          unsigned long x1, unsigned long x2, unsigned long x3)
{
    register unsigned long a0 __asm__("a0") = x0, a1 __asm__("a1") = x1;
    register unsigned long a2 __asm__("a2") = x2, a3 __asm__("a3") = x3;
    register unsigned long a6 __asm__("a6") = fn, a7 __asm__("a7") = ext;

    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1)
                     : "r"(a2), "r"(a3), "r"(a6), "r"(a7)
                     : "memory");
    return (struct sbi_ret){.error = (long)a0, .value = (long)a1};
}

/* ... or by what plays it (ext/init/sbi_play.c). */
struct sbi_ret sbi_call(unsigned long ext, unsigned long fn, unsigned long x0,
                        unsigned long x1, unsigned long x2, unsigned long x3);

/* Is there this extension (chapter 4, BASE)? */
bool sbi_has(unsigned long ext);

/* Print N bytes (chapter 12, DBCN; legacy call when missing).  Works with the
 * MMU off.  => one hart at a time */
void sbi_puts(const char *s, size_t n);

/* Next timer interrupt at TIME (chapter 6; legacy call when missing). */
void sbi_set_timer(uint64_t time);

/* A set of harts, as SBI takes it: bit i stands for hart id base + i. */
struct sbi_harts {
    uint64_t mask, base;
};

/* Raise a software interrupt on these harts (chapter 7). */
int sbi_send_ipi(struct sbi_harts harts);

/* Have other harts forget translations of [VA, VA+SIZE) (chapter 8).  Returns
 * after they did.  SIZE of SIZE_MAX: everything. */
int sbi_remote_sfence_vma(struct sbi_harts harts, uintptr_t va, size_t size);

/* Have other harts fetch anew what was stored (chapter 8, fence.i).  Returns
 * after they did. */
int sbi_remote_fence_i(struct sbi_harts harts);

/* Start HARTID at ENTRY with the MMU off and a1 = ARG (chapter 9, HSM). */
int sbi_hart_start(uint64_t hartid, paddr_t entry, uint64_t arg);

/* Power off (chapter 10, SRST; legacy call when missing).  Returns only if that
 * failed. */
void sbi_shutdown(bool failure);

#endif
