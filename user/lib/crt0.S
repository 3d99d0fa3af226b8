/* crt0.S: the first instructions of a program.  The kernel leaves argc at sp,
 * then argv, NULL, envp, NULL, auxv (System V ABI, process initialization). */
    .text
    .globl  _start
_start:
    .option push
    .option norelax
    lla     gp, __global_pointer$
    .option pop
    mv      a0, sp
    andi    sp, sp, -16
    li      s0, 0
    call    start_c
