/* bench.h: what the programs that measure have in common.
 *
 *     PROGRAM [--json] [--repeat N] [--dir FOLDER] [NAME...]   names may end in *
 *
 * They work on any Linux for riscv64, and mean something where time is counted
 * instructions (QEMU -icount shift=0).  An operation is one call, one page or
 * one round trip, as the name says.  A metric runs its operations several times
 * over and the least counts; the loop around them, two to eight instructions,
 * is part of it, interrupts too.  Nothing is printed while measuring.
 *
 * The counter is the instret register, where the kernel lets programs read it
 * (Linux 6.6 and later do not: a child tries), else the time register, of which
 * a step is 100 instructions there. */
#ifndef USER_BENCH_H
#define USER_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE        4096ul
#define PER_TICK    100
#define UNSUPPORTED (~0ul)

struct metric {
    const char *name;
    uint64_t (*run)(const struct metric *m); /* what m->n operations cost */
    unsigned n;                              /* operations in a run */
    unsigned arg;                            /* pages, areas, siblings, bytes */
};

extern bool bench_by_instret;
extern const char *bench_self; /* the program's file */
extern const char *bench_dir;  /* where files are made */

static inline uint64_t
now(void)
{
    uint64_t n;

    if (bench_by_instret) {
        __asm__ volatile("rdinstret %0" : "=r"(n)::"memory");
        return n;
    }
    __asm__ volatile("rdtime %0" : "=r"(n)::"memory");
    return n * PER_TICK;
}

/* Memory to store to, of LEN bytes. */
char *bench_map(size_t len);
/* Touch the first byte of each page. */
void store_each(char *p, size_t pages);
void load_each(const char *p, size_t pages);
/* Memory that children share with their parent: a page. */
uint64_t *bench_shared(void);

/* The whole of main(): measures what ARGV asks for of METRICS, N of them, and
 * prints it.  The argument "--nothing" ends it at once.  Where the program is
 * process 1, WITH_BOOT adds "boot_to_user", the way from reset to its start. */
int bench_main(int argc, char **argv, const struct metric *metrics, size_t n,
               bool with_boot);

#endif
