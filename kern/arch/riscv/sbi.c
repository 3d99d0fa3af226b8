/* sbi.c: calls into the firmware.  An extension is a number in a7, a function
 * in a6, arguments in a0..a5; a0 comes back as error, a1 as value (chapter 3).
 * Legacy calls return one value in a0 (chapter 5). */
#include "arch/riscv/sbi.h"

__attribute__((weak)) struct sbi_ret
sbi_call(unsigned long ext, unsigned long fn, unsigned long x0,
         unsigned long x1, unsigned long x2, unsigned long x3)
{
    return sbi_ecall(ext, fn, x0, x1, x2, x3);
}

bool
sbi_has(unsigned long ext)
{
    struct sbi_ret r = sbi_call(SBI_BASE, 3, ext, 0, 0, 0);

    return r.error == 0 && r.value != 0;
}

void
sbi_puts(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (sbi_call(SBI_DBCN, 2, (uint8_t)s[i], 0, 0, 0).error != 0)
            sbi_call(SBI_LEGACY_PUTCHAR, 0, (uint8_t)s[i], 0, 0, 0);
    }
}

void
sbi_set_timer(uint64_t time)
{
    if (sbi_call(SBI_TIME, 0, time, 0, 0, 0).error != 0)
        sbi_call(SBI_LEGACY_SET_TIMER, 0, time, 0, 0, 0);
}

int
sbi_send_ipi(struct sbi_harts h)
{
    return (int)sbi_call(SBI_IPI, 0, h.mask, h.base, 0, 0).error;
}

int
sbi_remote_sfence_vma(struct sbi_harts h, uintptr_t va, size_t size)
{
    return (int)sbi_call(SBI_RFENCE, 1, h.mask, h.base, va, size).error;
}

int
sbi_remote_fence_i(struct sbi_harts h)
{
    return (int)sbi_call(SBI_RFENCE, 0, h.mask, h.base, 0, 0).error;
}

int
sbi_hart_start(uint64_t hartid, paddr_t entry, uint64_t arg)
{
    return (int)sbi_call(SBI_HSM, 0, hartid, entry, arg, 0).error;
}

void
sbi_shutdown(bool failure)
{
    sbi_call(SBI_SRST, 0, 0, failure, 0, 0);
    sbi_call(SBI_LEGACY_SHUTDOWN, 0, 0, 0, 0, 0);
}
