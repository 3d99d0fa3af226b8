/* csr.h (host): the control registers of supervisor mode are variables of the
 * thread that plays the hart.  Same guard and names as the real one. */
#ifndef KERN_ARCH_RISCV_CSR_H
#define KERN_ARCH_RISCV_CSR_H

#include <stdint.h>
#include <time.h>

#define SSTATUS_SIE  (1ul << 1)
#define SSTATUS_SPIE (1ul << 5)
#define SSTATUS_SPP  (1ul << 8)
#define SSTATUS_SUM  (1ul << 18)

#define IRQ_S_SOFT  1
#define IRQ_S_TIMER 5
#define IRQ_S_EXT   9
#define SIE_SSIE    (1ul << IRQ_S_SOFT)
#define SIE_STIE    (1ul << IRQ_S_TIMER)
#define SIE_SEIE    (1ul << IRQ_S_EXT)

extern _Thread_local unsigned long shim_csr_sstatus, shim_csr_sie;
extern _Thread_local unsigned long shim_csr_sip, shim_csr_satp;

#define csr_read(name)        (shim_csr_##name)
#define csr_write(name, v)    ((void)(shim_csr_##name = (v)))
#define csr_set(name, bits)   ((void)(shim_csr_##name |= (bits)))
#define csr_clear(name, bits) ((void)(shim_csr_##name &= ~(bits)))
#define csr_read_clear(name, bits)                 \
    ({                                             \
        unsigned long v_ = shim_csr_##name;        \
        shim_csr_##name &= ~(unsigned long)(bits); \
        v_;                                        \
    })

/* Ten ticks per microsecond, as QEMU's virt board has. */
static inline uint64_t
time_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 10000000 + (uint64_t)t.tv_nsec / 100;
}

static inline uint64_t
instret_now(void)
{
    return 0;
}

static inline void
sfence_vma_page(uintptr_t va)
{
    (void)va;
}

static inline void
sfence_vma_all(void)
{
}

static inline void
wfi(void)
{
}

static inline void
cpu_relax(void)
{
    __asm__ volatile("" : : : "memory");
}

#endif
