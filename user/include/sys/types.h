/* sys/types.h: the types of the calls, as Linux on riscv64 has them. */
#ifndef USER_SYS_TYPES_H
#define USER_SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef long ssize_t;
typedef long off_t;
typedef int pid_t;
typedef unsigned mode_t;

struct timespec {
    int64_t tv_sec, tv_nsec;
};

struct timeval {
    int64_t tv_sec, tv_usec;
};

#endif
