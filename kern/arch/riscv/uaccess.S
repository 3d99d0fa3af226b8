/* uaccess.S: the only code that touches user memory, with SUM set.
 *
 * Every access to memory has an entry in section "extable" (probe.h).  A fault
 * of the wide loops, which move 512 and 64 bytes at a time, goes on in the byte loop
 * with what the wide one has not finished, so a byte is either copied or among
 * those that are counted as left. */
#include "arch/riscv/csr.h"

.macro may_fault go_on, insn:vararg
100: \insn
    .pushsection extable, "a"
    .balign 8
    .dword  100b, \go_on
    .popsection
.endm

/* 64 bytes AT bytes into both; what faults is done again, byte by byte. */
.macro copy_64 at
    may_fault 4f, ld t0, \at(a1)
    may_fault 4f, ld t1, \at + 8(a1)
    may_fault 4f, ld t2, \at + 16(a1)
    may_fault 4f, ld t3, \at + 24(a1)
    may_fault 4f, ld t4, \at + 32(a1)
    may_fault 4f, ld a3, \at + 40(a1)
    may_fault 4f, ld a4, \at + 48(a1)
    may_fault 4f, ld a5, \at + 56(a1)
    may_fault 4f, sd t0, \at(a0)
    may_fault 4f, sd t1, \at + 8(a0)
    may_fault 4f, sd t2, \at + 16(a0)
    may_fault 4f, sd t3, \at + 24(a0)
    may_fault 4f, sd t4, \at + 32(a0)
    may_fault 4f, sd a3, \at + 40(a0)
    may_fault 4f, sd a4, \at + 48(a0)
    may_fault 4f, sd a5, \at + 56(a0)
.endm

    .text
/* size_t user_copy(dst, src, n): bytes left */
    .globl  user_copy
user_copy:
    li      t6, SSTATUS_SUM
    csrs    sstatus, t6
    xor     t0, a0, a1
    andi    t0, t0, 7
    bnez    t0, 4f              /* never aligned together */
    li      t5, 64
1:  andi    t0, a0, 7           /* bytes up to a word */
    beqz    t0, 2f
    beqz    a2, 6f
    may_fault 6f, lb t1, 0(a1)
    may_fault 6f, sb t1, 0(a0)
    addi    a0, a0, 1
    addi    a1, a1, 1
    addi    a2, a2, -1
    j       1b
2:  li      a6, 512             /* 512 bytes at a time */
    bltu    a2, a6, 7f
8:  .irp    at, 0,64,128,192,256,320,384,448
    copy_64 \at
    .endr
    addi    a0, a0, 512
    addi    a1, a1, 512
    addi    a2, a2, -512
    bgeu    a2, a6, 8b
7:  bltu    a2, t5, 3f          /* 64 */
    copy_64 0
    addi    a0, a0, 64
    addi    a1, a1, 64
    addi    a2, a2, -64
    j       7b
3:  sltiu   t0, a2, 8           /* words */
    bnez    t0, 4f
    may_fault 4f, ld t0, 0(a1)
    may_fault 4f, sd t0, 0(a0)
    addi    a0, a0, 8
    addi    a1, a1, 8
    addi    a2, a2, -8
    j       3b
4:  beqz    a2, 6f              /* bytes */
    may_fault 6f, lb t0, 0(a1)
    may_fault 6f, sb t0, 0(a0)
    addi    a0, a0, 1
    addi    a1, a1, 1
    addi    a2, a2, -1
    j       4b
6:  csrc    sstatus, t6
    mv      a0, a2
    ret

/* long user_string(dst, src, n): the length of what was copied, its end too; N: no
 * end among the first N bytes; -1: a fault.  Four bytes a turn. */
    .globl  user_string
user_string:
    li      t6, SSTATUS_SUM
    csrs    sstatus, t6
    mv      a3, a0
    add     a4, a0, a2
1:  addi    t1, a0, 4
    bltu    a4, t1, 2f
    .irp    at, 0,1,2,3
    may_fault 5f, lb t0, \at(a1)
    sb      t0, \at(a0)
    beqz    t0, 20\at\()f
    .endr
    mv      a0, t1
    addi    a1, a1, 4
    j       1b
2:  bgeu    a0, a4, 4f
    may_fault 5f, lb t0, 0(a1)
    sb      t0, 0(a0)
    beqz    t0, 4f
    addi    a0, a0, 1
    addi    a1, a1, 1
    j       2b
203: addi   a0, a0, 1
202: addi   a0, a0, 1
201: addi   a0, a0, 1
200: j      4f
5:  addi    a0, a3, -1
4:  csrc    sstatus, t6
    sub     a0, a0, a3
    ret

/* size_t user_zero(dst, n): bytes left */
    .globl  user_zero
user_zero:
    li      t6, SSTATUS_SUM
    csrs    sstatus, t6
    li      t5, 64
1:  andi    t0, a0, 7
    beqz    t0, 2f
    beqz    a1, 6f
    may_fault 6f, sb zero, 0(a0)
    addi    a0, a0, 1
    addi    a1, a1, -1
    j       1b
2:  bltu    a1, t5, 4f
    .irp    at, 0,8,16,24,32,40,48,56
    may_fault 4f, sd zero, \at(a0)
    .endr
    addi    a0, a0, 64
    addi    a1, a1, -64
    j       2b
4:  beqz    a1, 6f
    may_fault 6f, sb zero, 0(a0)
    addi    a0, a0, 1
    addi    a1, a1, -1
    j       4b
6:  csrc    sstatus, t6
    mv      a0, a1
    ret
