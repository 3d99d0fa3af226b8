/* ktest.h: tests that need the machine, linked into build/ktest.img only.
 *
 *     KTEST(mutex_excludes)
 *     {
 *         ...
 *         CHECK(counter == 8000);
 *     }
 *
 * A test is one fact.  CHECK() may also be used in threads that a test starts.
 * After each test the runner looks for leaks: frames, objects, threads; and
 * lets the allocators and all address spaces check themselves. */
#ifndef LAB_TESTS_KERNEL_KTEST_H
#define LAB_TESTS_KERNEL_KTEST_H

#include "debug/printk.h"
#include "ext/sync/sem.h"
#include "mm/kthread.h"
#include <util.h>

struct ktest {
    const char *name;
    void (*run)(void);
};
TABLE_DECLARE(ktest, struct ktest);

#define KTEST(id)                                            \
    static void test_##id(void);                             \
    static const struct ktest ktest_##id = {#id, test_##id}; \
    TABLE_ADD(ktest, ktest_##id);                            \
    static void test_##id(void)

/* Tests named die_... end the machine and are run one per boot, only when
 * asked for by name (tools/ktest_rows.py knows what they must print). */

void ktest_fail(const char *file, int line, const char *what);
void ktest_skip(const char *why);

#define CHECK(x)                                \
    do {                                        \
        if (!(x))                               \
            ktest_fail(__FILE__, __LINE__, #x); \
    } while (0)

/* Random numbers from the boot argument seed= (default 1); xorshift64. */
uint64_t ktest_random(uint64_t *state);
extern uint64_t ktest_seed;

/* The boot argument steps=, of tests that go on for long; 0: not given. */
extern uint64_t ktest_steps;
extern unsigned ktest_rounds; /* of races; boot argument rounds= */

/* Give back what waits in caches, and count the frames that are free or hold
 * only small objects: equal before and after whatever leaks no frame.
 * => no thread but the caller's */
size_t ktest_settle(void);

/* Run ENTRY(ARG[i]) in N threads, thread i on hart i mod ncpu if PIN, and wait
 * until all have returned. */
void ktest_parallel(unsigned n, bool pin, void (*entry)(unsigned i));

/* Instructions for OPS operations: print and send "bench NAME VALUE". */
void kbench_report(const char *name, uint64_t instructions, uint64_t ops);

struct kbench {
    const char *name;
    void (*run)(void);
};
TABLE_DECLARE(kbench, struct kbench);
#define KBENCH(id)                                              \
    static void bench_##id(void);                               \
    static const struct kbench kbench_##id = {#id, bench_##id}; \
    TABLE_ADD(kbench, kbench_##id);                             \
    static void bench_##id(void)

#endif
