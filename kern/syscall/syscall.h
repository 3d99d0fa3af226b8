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

#include <stdint.h>
#include <util.h>

typedef long (*syscall_fn)(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                           uint64_t a4, uint64_t a5);

struct syscall {
    unsigned nr;
    const char *name, *kinds;
    syscall_fn fn;
};
TABLE_DECLARE(syscall, struct syscall);

#define SYSCALL(nr_, name_, kinds_, fn_)                                      \
    static const struct syscall syscall_##name_ = {nr_, #name_, kinds_, fn_}; \
    TABLE_ADD(syscall, syscall_##name_)

#define SYSCALL_MAX 512

/* For traced programs: LINE shows the call before it is made; then it is printed
 * with its result.  ROW NULL: there is no such call.  Both WEAK, do nothing. */
#define TRACE_LINE 240
void trace_begin(char line[TRACE_LINE], const struct syscall *row, uint64_t nr,
                 const uint64_t *a);
void trace_end(const char line[TRACE_LINE], long r);

/* The parameters of a syscall_fn, for those that define one. */
#define ARGS \
    uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5

void syscall_init(void); /* table into array; once */
/* tcb.user_call of every task. */
long syscall_dispatch(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                      uint64_t a4, uint64_t a5, uint64_t a6, uint64_t nr);

#endif
