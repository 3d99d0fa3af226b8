/* fp.S: all floating-point registers at once: f0..f31, then fcsr.
 *
 *     fp_set(words)       fp_get(words)
 *     fp_call(words, nr, a0, a1)   set, make call NR, get; its result */
    .text
    .macro each op
    \op f0, 0(a0); \op f1, 8(a0); \op f2, 16(a0); \op f3, 24(a0)
    \op f4, 32(a0); \op f5, 40(a0); \op f6, 48(a0); \op f7, 56(a0)
    \op f8, 64(a0); \op f9, 72(a0); \op f10, 80(a0); \op f11, 88(a0)
    \op f12, 96(a0); \op f13, 104(a0); \op f14, 112(a0); \op f15, 120(a0)
    \op f16, 128(a0); \op f17, 136(a0); \op f18, 144(a0); \op f19, 152(a0)
    \op f20, 160(a0); \op f21, 168(a0); \op f22, 176(a0); \op f23, 184(a0)
    \op f24, 192(a0); \op f25, 200(a0); \op f26, 208(a0); \op f27, 216(a0)
    \op f28, 224(a0); \op f29, 232(a0); \op f30, 240(a0); \op f31, 248(a0)
    .endm
    .globl  fp_set, fp_get, fp_call, fp_spin
fp_set:
    each    fld
    ld      t0, 256(a0)
    fscsr   t0
    ret
fp_get:
    each    fsd
    frcsr   t0
    sd      t0, 256(a0)
    ret
fp_call:
    mv      t1, a0
    each    fld
    ld      t0, 256(a0)
    fscsr   t0
    mv      a7, a1
    mv      a0, a2
    mv      a1, a3
    mv      a2, a4
    ecall
    mv      t2, a0
    mv      a0, t1
    each    fsd
    frcsr   t0
    sd      t0, 256(a0)
    mv      a0, t2
    ret
/* fp_spin(words, turns): set, compute nothing for a while, get */
fp_spin:
    each    fld
    ld      t0, 256(a0)
    fscsr   t0
1:  addi    a1, a1, -1
    bnez    a1, 1b
    each    fsd
    frcsr   t0
    sd      t0, 256(a0)
    ret
    .section .note.GNU-stack, "", @progbits
