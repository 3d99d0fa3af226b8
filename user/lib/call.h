/* call.h: the way into the kernel: number in a7, arguments in a0..a5, result in
 * a0, where -1..-4095 is an error (Linux, riscv64). */
#ifndef USER_LIB_CALL_H
#define USER_LIB_CALL_H

#include <sys/types.h>

enum {
    NR_getcwd = 17,
    NR_dup = 23,
    NR_dup3 = 24,
    NR_fcntl = 25,
    NR_ioctl = 29,
    NR_mkdirat = 34,
    NR_unlinkat = 35,
    NR_symlinkat = 36,
    NR_linkat = 37,
    NR_ftruncate = 46,
    NR_fallocate = 47,
    NR_chdir = 49,
    NR_openat = 56,
    NR_close = 57,
    NR_pipe2 = 59,
    NR_getdents64 = 61,
    NR_lseek = 62,
    NR_read = 63,
    NR_write = 64,
    NR_pread64 = 67,
    NR_pwrite64 = 68,
    NR_readlinkat = 78,
    NR_newfstatat = 79,
    NR_fstat = 80,
    NR_sync = 81,
    NR_fsync = 82,
    NR_fdatasync = 83,
    NR_exit = 93,
    NR_exit_group = 94,
    NR_clock_nanosleep = 115,
    NR_clock_gettime = 113,
    NR_sched_yield = 124,
    NR_kill = 129,
    NR_setpgid = 154,
    NR_getpid = 172,
    NR_getppid = 173,
    NR_gettid = 178,
    NR_brk = 214,
    NR_munmap = 215,
    NR_mremap = 216,
    NR_clone = 220,
    NR_execve = 221,
    NR_mmap = 222,
    NR_mprotect = 226,
    NR_msync = 227,
    NR_mlock = 228,
    NR_munlock = 229,
    NR_mincore = 232,
    NR_madvise = 233,
    NR_wait4 = 260,
    NR_renameat2 = 276,
};

static inline long
call6(long nr, long a, long b, long c, long d, long e, long f)
{
    register long a7 __asm__("a7") = nr;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    register long a5 __asm__("a5") = f;

    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
                     : "memory");
    return a0;
}

/* -1 and errno for an error, else the result. */
long result_of(long r);

static inline long
call1_(long nr, long a)
{
    register long a7 __asm__("a7") = nr;
    register long a0 __asm__("a0") = a;

    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
    return a0;
}

#define call0(nr)          call1_(nr, 0)
#define call1(nr, a)       call1_(nr, (long)(a))
#define call2(nr, a, b)    call6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define call3(nr, a, b, c) call6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define call4(nr, a, b, c, d) \
    call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define call5(nr, a, b, c, d, e) \
    call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

#endif
