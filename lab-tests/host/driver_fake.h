/* driver_fake.h: the floors below a driver, made simple for one thread.
 *
 * A test includes this first and then the .c files it tests, so the kernel's
 * own headers of these floors stay out (their guards are set here).  Locks
 * complain when they are taken twice; what is printed is kept in a buffer; a
 * thread that goes to sleep lets the test play the rest of the world. */
#ifndef HOST_DRIVER_FAKE_H
#define HOST_DRIVER_FAKE_H

#define KERN_ARCH_RISCV_CPU_H
#define KERN_SYNC_LOCKORDER_H
#define KERN_SYNC_SPINLOCK_H
#define KERN_SYNC_WAIT_H

#include <atomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <util.h>

/* The kernel is compiled with the same: tables of functions have parameters
 * that not each of them needs. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* --- the test itself --- */

unsigned tests_passed, tests_failed;
const char *test_name;
bool test_ok;

#define CHECK(x)                                                            \
    do {                                                                    \
        if (!(x)) {                                                         \
            if (test_ok)                                                    \
                printf("FAIL %s %s:%d %s\n", test_name, __FILE__, __LINE__, \
                       #x);                                                 \
            test_ok = false;                                                \
        }                                                                   \
    } while (0)

#define RUN(f)                                           \
    do {                                                 \
        test_name = #f;                                  \
        test_ok = true;                                  \
        f();                                             \
        if (test_ok)                                     \
            printf("ok %s\n", test_name);                \
        *(test_ok ? &tests_passed : &tests_failed) += 1; \
    } while (0)

static inline int
test_summary(const char *program)
{
    printf("%s: %u passed, %u failed\n", program, tests_passed, tests_failed);
    return tests_failed != 0;
}

/* --- cpu.h, csr.h --- */

#define __ASSEMBLER__ /* the real numbers, without the instructions */
#include "kern/arch/riscv/csr.h"
#undef __ASSEMBLER__
#undef BITS
#define BITS(v, shift) ((v##ul) << (shift))

#define NCPU_MAX 16

struct cpu {
    unsigned id;
    uint64_t hartid;
};

#define cpus fake_cpus
#define ncpu fake_ncpu
struct cpu cpus[NCPU_MAX];
unsigned ncpu = 1;
struct cpu *fake_cpu = cpus;
uint64_t fake_time, fake_sie, fake_satp;
int fake_irq_depth;

#define for_each_cpu(c)     for (struct cpu *c = cpus; c < cpus + ncpu; c++)
#define csr_read(name)      (fake_##name)
#define csr_set(name, bits) (fake_##name |= (bits))

static inline struct cpu *
this_cpu(void)
{
    return fake_cpu;
}

static inline uint64_t
time_now(void)
{
    return fake_time++;
}

static inline void
irq_off(void)
{
    fake_irq_depth++;
}

static inline void
irq_restore(void)
{
    fake_irq_depth--;
}

static inline void
cpu_wait(void)
{
}

/* --- spinlock.h, wait.h --- */

struct spinlock {
    bool held;
};

#define SPINLOCK_INIT(rank) \
    {                       \
        false               \
    }

#define spin_init(lock, rank) (*(lock) = (struct spinlock){false})

static inline bool
spin_held(const struct spinlock *lock)
{
    return lock->held;
}

static inline void
spin_lock(struct spinlock *lock)
{
    if (lock->held)
        abort();
    lock->held = true;
}

static inline void
spin_unlock(struct spinlock *lock)
{
    if (!lock->held)
        abort();
    lock->held = false;
}

static inline bool
spin_trylock_nested(struct spinlock *lock)
{
    if (lock->held)
        return false;
    lock->held = true;
    return true;
}

static inline void
spin_unlock_nested(struct spinlock *lock)
{
    spin_unlock(lock);
}

struct wait_queue {
    struct spinlock lock;
    unsigned wakes;
};

/* Called while the one thread sleeps. */
void (*fake_world)(void);

static inline void
wait_init(struct wait_queue *wq)
{
    *wq = (struct wait_queue){.wakes = 0};
}

static inline unsigned
wait_wake_all(struct wait_queue *wq)
{
    if (!wq->lock.held)
        abort();
    return wq->wakes++;
}

static inline void
wait_sleep(struct wait_queue *wq)
{
    unsigned before = wq->wakes;

    spin_unlock(&wq->lock);
    if (fake_world == NULL)
        abort();
    fake_world();
    if (wq->wakes == before) /* it would sleep for ever */
        abort();
    spin_lock(&wq->lock);
}

bool fake_interrupted; /* somebody wants the thread to give up */

static inline int
wait_sleep_intr(struct wait_queue *wq)
{
    if (fake_interrupted)
        return -4; /* -EINTR */
    wait_sleep(wq);
    return 0;
}

/* --- printk.h: under other names, so that a shim.c may have its own --- */

#define cprintf       fake_cprintf
#define console_write fake_console_write

char fake_out[1 << 16];
size_t fake_out_len;

static inline void
fake_out_clear(void)
{
    fake_out_len = 0;
    fake_out[0] = '\0';
}

void
fake_console_write(const char *s, size_t n)
{
    if (fake_out_len + n >= sizeof(fake_out))
        abort();
    memcpy(fake_out + fake_out_len, s, n);
    fake_out_len += n;
    fake_out[fake_out_len] = '\0';
}

int fake_cprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

int
fake_cprintf(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    fake_console_write(line, strlen(line));
    return n;
}

#endif
