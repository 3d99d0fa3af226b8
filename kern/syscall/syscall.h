/* syscall.h: the table of system calls: Linux's numbers for riscv64
 * (asm-generic/unistd.h), arguments in a0..a5, number in a7, result in a0, a
 * negative errno for an error.
 *
 *     SYSCALL(172, getpid, "", sys_getpid);
 *
 * KINDS has one letter per argument, for the trace: d number, u unsigned, x
 * hexadecimal, p address, s string, f file descriptor, o octal. */
#ifndef KERN_SYSCALL_SYSCALL_H
#define KERN_SYSCALL_SYSCALL_H

#include "arch/riscv/cpu.h"

struct syscall {
    unsigned nr;
    const char *name, *kinds;
    call_fn fn, entry; /* entry: from trapentry.S */
};
TABLE_DECLARE(syscall, struct syscall);

/* The parameters of a call_fn, for those that define one. */
#define ARGS \
    uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5

#define SYSCALL_ENTRY(nr_, name_, kinds_, fn_, entry_)                       \
    static const struct syscall syscall_##name_ = {nr_, #name_, kinds_, fn_, \
                                                   entry_};                  \
    TABLE_ADD(syscall, syscall_##name_)

#define SYSCALL(nr_, name_, kinds_, fn_) \
    SYSCALL_ENTRY(nr_, name_, kinds_, fn_, fn_)

/* One that looks at registers in task_frame() beyond those that calls destroy,
 * or changes them (trapentry.S). */
#define SYSCALL_FRAME(nr_, name_, kinds_, fn_)                    \
    static __attribute__((naked)) long name_##_entry(ARGS)        \
    {                                                             \
        __asm__("lla t0, %0; tail call_with_frame" : : "i"(fn_)); \
    }                                                             \
    SYSCALL_ENTRY(nr_, name_, kinds_, fn_, name_##_entry)

/* For traced programs: LINE shows the call before it is made; then it is printed
 * with its result.  ROW NULL: there is no such call.  Both WEAK, do nothing. */
#define TRACE_LINE 240
void trace_begin(char line[TRACE_LINE], const struct syscall *row, uint64_t nr,
                 const uint64_t *a);
void trace_end(const char line[TRACE_LINE], long r);

/* What fcntl() is asked beyond the usual.  WEAK: -EINVAL. */
struct file;
long fcntl_more(struct file *f, unsigned cmd, uintptr_t arg);

void syscall_init(void); /* table into array; once */

#endif
