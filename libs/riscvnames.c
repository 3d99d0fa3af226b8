/* riscvnames.c: two tables. */
#include <riscvnames.h>

#include <util.h>

const char *const riscv_reg_names[32] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

const char *
riscv_cause_name(uint64_t cause)
{
    static const char *const names[] = {
        [0] = "misaligned fetch",    [1] = "fetch access fault",
        [2] = "illegal instruction", [3] = "breakpoint",
        [4] = "misaligned load",     [5] = "load access fault",
        [6] = "misaligned store",    [7] = "store access fault",
        [8] = "system call",         [12] = "fetch page fault",
        [13] = "load page fault",    [15] = "store page fault",
    };

    if (cause >= ARRAY_LEN(names) || names[cause] == NULL)
        return "?";
    return names[cause];
}
