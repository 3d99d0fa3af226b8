/* sbi.c: calls into the firmware.  An extension is a number in a7, a function
 * in a6, arguments in a0..a5; a0 comes back as error, a1 as value (chapter 3).
 * Legacy calls return one value in a0 (chapter 5). */
#include "arch/riscv/sbi.h"

#include "arch/riscv/memlayout.h"
#include <string.h>

#define EXT_LEGACY_SET_TIMER 0x00
#define EXT_LEGACY_PUTCHAR   0x01
#define EXT_LEGACY_SHUTDOWN  0x08
#define EXT_BASE             0x10
#define EXT_TIME             0x54494d45
#define EXT_IPI              0x735049
#define EXT_RFENCE           0x52464e43
#define EXT_HSM              0x48534d
#define EXT_SRST             0x53525354
#define EXT_DBCN             0x4442434e

struct sbi_ret {
    long error, value;
};

struct sbi_info sbi;

static struct sbi_ret
sbi_call(unsigned long ext, unsigned long fn, unsigned long x0,
         unsigned long x1, unsigned long x2, unsigned long x3)
{
    register unsigned long a0 __asm__("a0") = x0;
    register unsigned long a1 __asm__("a1") = x1;
    register unsigned long a2 __asm__("a2") = x2;
    register unsigned long a3 __asm__("a3") = x3;
    register unsigned long a6 __asm__("a6") = fn;
    register unsigned long a7 __asm__("a7") = ext;

    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1)
                     : "r"(a2), "r"(a3), "r"(a6), "r"(a7)
                     : "memory");
    return (struct sbi_ret){.error = (long)a0, .value = (long)a1};
}

static bool
probe(unsigned long ext)
{
    struct sbi_ret r = sbi_call(EXT_BASE, 3, ext, 0, 0, 0);

    return r.error == SBI_SUCCESS && r.value != 0;
}

void
sbi_init(void)
{
    unsigned long version =
        (unsigned long)sbi_call(EXT_BASE, 0, 0, 0, 0, 0).value;

    sbi.spec_major = (version >> 24) & 0x7f;
    sbi.spec_minor = version & 0xffffff;
    sbi.impl_id = (uint64_t)sbi_call(EXT_BASE, 1, 0, 0, 0, 0).value;
    sbi.impl_version = (uint64_t)sbi_call(EXT_BASE, 2, 0, 0, 0, 0).value;
    sbi.time = probe(EXT_TIME);
    sbi.ipi = probe(EXT_IPI);
    sbi.rfence = probe(EXT_RFENCE);
    sbi.hsm = probe(EXT_HSM);
    sbi.srst = probe(EXT_SRST);
    sbi.dbcn = probe(EXT_DBCN);
}

void
sbi_putchar(char c)
{
    sbi_call(EXT_LEGACY_PUTCHAR, 0, (unsigned char)c, 0, 0, 0);
}

/* The firmware wants a physical address, and S may lie on a mapped stack; so
 * it goes through a buffer of the image. */
static size_t
dbcn_write(const char *s, size_t n)
{
    static char buf[128];
    struct sbi_ret r;

    n = MIN(n, sizeof(buf));
    memcpy(buf, s, n);
    r = sbi_call(EXT_DBCN, 0, n, va_to_pa(buf), 0, 0);
    return r.error == SBI_SUCCESS && r.value > 0 ? (size_t)r.value : 0;
}

void
sbi_puts(const char *s, size_t n)
{
    while (sbi.dbcn && n > 0) {
        size_t done = dbcn_write(s, n);

        if (done == 0)
            break;
        s += done;
        n -= done;
    }
    for (; n > 0; n--)
        sbi_putchar(*s++);
}

void
sbi_set_timer(uint64_t time)
{
    if (sbi.time)
        sbi_call(EXT_TIME, 0, time, 0, 0, 0);
    else
        sbi_call(EXT_LEGACY_SET_TIMER, 0, time, 0, 0, 0);
}

int
sbi_send_ipi(struct sbi_harts h)
{
    return (int)sbi_call(EXT_IPI, 0, h.mask, h.base, 0, 0).error;
}

static int
rfence(unsigned long fn, struct sbi_harts h, uintptr_t va, size_t size)
{
    return (int)sbi_call(EXT_RFENCE, fn, h.mask, h.base, va, size).error;
}

int
sbi_remote_fence_i(struct sbi_harts h)
{
    return rfence(0, h, 0, 0);
}

int
sbi_remote_sfence_vma(struct sbi_harts h, uintptr_t va, size_t size)
{
    return rfence(1, h, va, size);
}

int
sbi_hart_start(uint64_t hartid, paddr_t entry, uint64_t arg)
{
    if (!sbi.hsm)
        return SBI_ERR_NOT_SUPPORTED;
    return (int)sbi_call(EXT_HSM, 0, hartid, entry, arg, 0).error;
}

void
sbi_shutdown(bool failure)
{
    if (sbi.srst)
        sbi_call(EXT_SRST, 0, 0, failure, 0, 0);
    else
        sbi_call(EXT_LEGACY_SHUTDOWN, 0, 0, 0, 0, 0);
}

void
sbi_reboot(void)
{
    if (sbi.srst)
        sbi_call(EXT_SRST, 0, 1, 0, 0, 0);
}
