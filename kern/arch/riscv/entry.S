/* entry.S: the first instructions of a hart.
 *
 * The firmware (or U-Boot's booti) jumps to the first byte of the image with the
 * MMU off, a0 = hart id, a1 = device tree.  The first 64 bytes are the header of
 * the RISC-V Linux boot image format (Linux documentation, "Boot image header
 * in RISC-V Linux").
 *
 *   _start          checks the alignment, clears bss, stack, boot_map()
 *   enter_virtual   loads satp; the next fetch faults, and stvec holds
 *                   the virtual address to go on at
 *   _start_other    a hart started by SBI HSM; a1 = struct hart_start
 */
#include "arch/riscv/cpu.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/memlayout.h"

.macro quiet                    /* no interrupts, no MMU, no floating point */
    csrw    sie, zero
    csrw    satp, zero
    csrw    sscratch, zero
    li      t0, SSTATUS_SIE | SSTATUS_FS | SSTATUS_SUM | SSTATUS_MXR
    csrc    sstatus, t0
.endm

    .section .head, "ax"
    .globl _start
    .globl image_start
    .option push
    .option norvc
_start:
    j       boot
    .word   0
    .dword  0x200000                /* text_offset from the start of RAM */
    .dword  image_end - _start      /* image_size, bss included */
    .dword  0                       /* flags: little endian */
    .word   2                       /* version 0.2 */
    .word   0
    .dword  0
    .ascii  "RISCV\0\0\0"
    .ascii  "RSC\x05"
    .word   0
    .option pop

boot:
    quiet
    lla     t0, first_taken
    li      t1, 1
    amoswap.w.aq t1, t1, (t0)
    bnez    t1, late
    rdtime  s2                      /* for "boot entry" */
    mv      s0, a0
    mv      s1, a1

    lla     s3, _start
    slli    t0, s3, 64 - 21
    bnez    t0, unaligned

    lla     t0, bss_start
    lla     t1, bss_end
1:  sd      zero, 0(t0)
    sd      zero, 8(t0)
    sd      zero, 16(t0)
    sd      zero, 24(t0)
    addi    t0, t0, 32
    bltu    t0, t1, 1b

    lla     sp, boot_stack_end
    mv      a0, s3
    call    boot_map                /* a0 = satp */

    /* From here on in the virtual map. */
    li      s4, KERNEL_BASE
    sub     s4, s4, s3              /* virtual - physical */
    add     sp, sp, s4
    lla     tp, boot_thread
    add     tp, tp, s4
    lla     t0, boot_high
    add     t0, t0, s4
    j       enter_virtual
    .balign 4
boot_high:
    mv      a0, s0
    mv      a1, s1
    mv      a2, s2
    mv      s0, zero                /* the backtrace ends here */
    mv      ra, zero
    tail    kern_init

/* a0 = satp, t0 = where to go on.  stvec's low two bits are its mode: 0. */
    .balign 4
enter_virtual:
    sfence.vma
    csrw    stvec, t0
    csrw    satp, a0
    nop                             /* never reached: this page is not mapped */

/* stvec must be 4-aligned. */
    .globl  _start_other
    .balign 4
_start_other:
    quiet
    /* struct hart_start: satp, thread, sp, all ready to use. */
    ld      a0, 0(a1)
    ld      tp, 8(a1)
    ld      sp, 16(a1)
    lla     s3, _start
    li      s4, KERNEL_BASE
    sub     s4, s4, s3
    lla     t0, other_high
    add     t0, t0, s4
    j       enter_virtual
    .balign 4
other_high:
    mv      s0, zero
    mv      ra, zero
    tail    kern_init_other

/* Not the first hart here.  OpenSBI before 1.2 may send a hart that is slow to
 * arrive to the place where it sent the boot hart, instead of the one that HSM
 * asked for: it says "start" before it says where.  Such a hart looks for its
 * struct hart_start itself; the satp in it is written last. */
late:
    lla     a1, hart_starts
    li      t1, NCPU_MAX
1:  ld      t2, 0(a1)
    ld      t3, 24(a1)
    beqz    t2, 2f
    bne     t3, a0, 2f
    fence   r, rw
    j       _start_other
2:  addi    a1, a1, 32
    addi    t1, t1, -1
    bnez    t1, 1b
    j       late

unaligned:
    /* Nothing works at a wrong address but code that only uses pc. */
    lla     sp, boot_stack_end
    andi    sp, sp, -16
    mv      a0, s3
    mv      a1, s1
    call    boot_refuse_unaligned

    .weak   boot_refuse_unaligned   /* unless somebody has more to say */
boot_refuse_unaligned:
    wfi
    j       boot_refuse_unaligned

    .section .data                  /* not bss, which the first hart clears */
    .balign 4
first_taken:
    .word   0

    .section .bss.pages, "aw", @nobits
    /* The boot hart's idle thread uses this stack for ever. */
    .balign 4096
    .skip   KSTACK_SIZE
boot_stack_end:
    .globl  boot_stack_end
