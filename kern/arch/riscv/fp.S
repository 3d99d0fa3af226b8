/* fp.S: f0..f31 and fcsr to memory and back (struct fp_state). */
    .option arch, +d
    .text
    .globl  fp_store
fp_store:
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd     f\n, 8 * \n(a0)
    .endr
    frcsr   t0
    sw      t0, 256(a0)
    ret

    .globl  fp_load
fp_load:
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld     f\n, 8 * \n(a0)
    .endr
    lw      t0, 256(a0)
    fscsr   t0
    ret

    .globl  fp_present
fp_present:
    li      t0, 1 << 13
    csrs    sstatus, t0
    csrr    a0, sstatus
    csrc    sstatus, t0
    and     a0, a0, t0
    snez    a0, a0
    ret
