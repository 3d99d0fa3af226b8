/* csr.h: the control and status registers of supervisor mode, by name.
 *
 * Numbers and bits: The RISC-V Instruction Set Manual, volume II: Privileged
 * Architecture (1.12), chapter 4 "Supervisor-Level ISA".  Nothing else in the
 * kernel spells them as numbers. */
#ifndef KERN_ARCH_RISCV_CSR_H
#define KERN_ARCH_RISCV_CSR_H

/* C wants the suffix, the assembler does not. */
#ifdef __ASSEMBLER__
#define BITS(v, shift) ((v) << (shift))
#else
#define BITS(v, shift) ((v##ul) << (shift))
#endif

/* sstatus */
#define SSTATUS_SIE  BITS(1, 1)  /* interrupts are on */
#define SSTATUS_SPIE BITS(1, 5)  /* ... and were, before the trap */
#define SSTATUS_SPP  BITS(1, 8)  /* the trap came from S-mode */
#define SSTATUS_FS   BITS(3, 13) /* floating point: 0 off ... 3 dirty */
#define SSTATUS_SUM  BITS(1, 18) /* S-mode may touch user pages */
#define SSTATUS_MXR  BITS(1, 19)

/* sie, sip */
#define IRQ_S_SOFT  1
#define IRQ_S_TIMER 5
#define IRQ_S_EXT   9
#define SIE_SSIE    BITS(1, IRQ_S_SOFT)
#define SIE_STIE    BITS(1, IRQ_S_TIMER)
#define SIE_SEIE    BITS(1, IRQ_S_EXT)

/* scause */
#define CAUSE_INTERRUPT        BITS(1, 63)
#define CAUSE_FETCH_MISALIGNED 0
#define CAUSE_FETCH_ACCESS     1
#define CAUSE_ILLEGAL          2
#define CAUSE_BREAKPOINT       3
#define CAUSE_LOAD_MISALIGNED  4
#define CAUSE_LOAD_ACCESS      5
#define CAUSE_STORE_MISALIGNED 6
#define CAUSE_STORE_ACCESS     7
#define CAUSE_USER_ECALL       8
#define CAUSE_FETCH_PAGE       12
#define CAUSE_LOAD_PAGE        13
#define CAUSE_STORE_PAGE       15

/* scounteren: programs may read cycle, time and instret */
#define SCOUNTEREN_ALL 7ul

/* satp */
#define SATP_MODE_SHIFT 60
#define SATP_MODE_SV39  8ul
#define SATP_MODE_SV48  9ul
#define SATP_MODE_SV57  10ul
#define SATP_ASID_SHIFT 44
#define SATP_ASID_MASK  BITS(0xffff, SATP_ASID_SHIFT)
#define SATP_PPN_MASK   (BITS(1, 44) - 1)

#ifndef __ASSEMBLER__

#include <stdint.h>

#define csr_read(name)                                               \
    ({                                                               \
        unsigned long v_ = 0;                                        \
        __asm__ volatile("csrr %0, " #name : "=r"(v_) : : "memory"); \
        v_;                                                          \
    })
#define csr_write(name, v) \
    __asm__ volatile("csrw " #name ", %0" : : "rK"(v) : "memory")
#define csr_set(name, bits) \
    __asm__ volatile("csrs " #name ", %0" : : "rK"(bits) : "memory")
#define csr_clear(name, bits) \
    __asm__ volatile("csrc " #name ", %0" : : "rK"(bits) : "memory")

/* Clear BITS and return the old value, in one instruction. */
#define csr_read_clear(name, bits)                 \
    ({                                             \
        unsigned long v_ = 0;                      \
        __asm__ volatile("csrrc %0, " #name ", %1" \
                         : "=r"(v_)                \
                         : "rK"(bits)              \
                         : "memory");              \
        v_;                                        \
    })

/* The clock: ticks of the frequency the device tree calls
 * timebase-frequency.  On harts without the counter the firmware emulates it. */
static inline uint64_t
time_now(void)
{
    return csr_read(time);
}

/* Forget translations of this hart: one page, or all of them. */
static inline void
sfence_vma_page(uintptr_t va)
{
    __asm__ volatile("sfence.vma %0, zero" : : "r"(va) : "memory");
}

static inline void
sfence_vma_all(void)
{
    __asm__ volatile("sfence.vma zero, zero" : : : "memory");
}

/* ... all of one address space number, kernel pages (G) excepted. */
static inline void
sfence_vma_asid(uint64_t asid)
{
    __asm__ volatile("sfence.vma zero, %0" : : "r"(asid) : "memory");
}

/* This hart fetches what was stored, by it or visibly by others, before. */
static inline void
fence_i(void)
{
    __asm__ volatile("fence.i" : : : "memory");
}

static inline void
wfi(void)
{
    __asm__ volatile("wfi" : : : "memory");
}

static inline void
cpu_relax(void)
{
    __asm__ volatile("" : : : "memory");
}

#endif
#endif
