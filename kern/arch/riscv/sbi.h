/* sbi.h: the calls into the firmware below us (OpenSBI) that we use.
 *
 * RISC-V Supervisor Binary Interface Specification 2.0; the chapter is named
 * at each call.  Every call returns 0 or a negative SBI error. */
#ifndef KERN_ARCH_RISCV_SBI_H
#define KERN_ARCH_RISCV_SBI_H

#include "arch/riscv/pte.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sbi_error {
    SBI_SUCCESS = 0,
    SBI_ERR_FAILED = -1,
    SBI_ERR_NOT_SUPPORTED = -2,
    SBI_ERR_INVALID_PARAM = -3,
    SBI_ERR_ALREADY_AVAILABLE = -6,
};

/* Extensions found by sbi_init(). */
struct sbi_info {
    unsigned spec_major, spec_minor;
    uint64_t impl_id, impl_version;
    bool time, ipi, rfence, hsm, srst, dbcn;
};

extern struct sbi_info sbi;

/* Ask which extensions there are (chapter 4, BASE). */
void sbi_init(void);

/* Print N bytes: by DBCN (chapter 12) if the firmware has it, else one by one
 * with the legacy call (chapter 5).  => one hart at a time */
void sbi_puts(const char *s, size_t n);
void sbi_putchar(char c);

/* Next timer interrupt at TIME (chapter 6; legacy call when missing). */
void sbi_set_timer(uint64_t time);

/* A set of harts, as SBI takes it: bit i stands for hart id base + i. */
struct sbi_harts {
    uint64_t mask, base;
};

/* Raise a software interrupt on these harts (chapter 7). */
int sbi_send_ipi(struct sbi_harts harts);

/* Have other harts forget translations of [VA, VA+SIZE), or refetch code
 * (chapter 8).  Returns after they did.  SIZE of SIZE_MAX: everything. */
int sbi_remote_sfence_vma(struct sbi_harts harts, uintptr_t va, size_t size);
int sbi_remote_fence_i(struct sbi_harts harts);

/* Start HARTID at ENTRY with the MMU off and a1 = ARG (chapter 9, HSM). */
int sbi_hart_start(uint64_t hartid, paddr_t entry, uint64_t arg);

/* Power off or reboot (chapter 10, SRST).  Returns only if that failed. */
void sbi_shutdown(bool failure);
void sbi_reboot(void);

#endif
