/* random.c: one 64-bit state, stirred by the clock at each question; the
 * output is a mix of it (the finalizer of Steele, Lea and Flood, "Fast
 * splittable pseudorandom number generators", 2014). */
#include "process/random.h"

#include "arch/riscv/csr.h"
#include "mm/uaccess.h"
#include "sync/wait.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>
#include <util.h>

static uint64_t state = 0x9e3779b97f4a7c15ul; /* [a] */

static uint64_t
mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
    z = (z ^ z >> 27) * 0x94d049bb133111ebul;
    return z ^ z >> 31;
}

uint64_t
random64(void)
{
    return mix(atomic_add(&state, 0x9e3779b97f4a7c15ul) ^ csr_read(time));
}

void
random_bytes(void *buf, size_t n)
{
    while (n > 0) {
        uint64_t r = random64();
        size_t len = MIN(n, sizeof(r));

        memcpy(buf, &r, len);
        buf = (char *)buf + len;
        n -= len;
    }
}

long
random_to_user(uintptr_t buf, size_t n)
{
    uint64_t some[8];
    size_t done = 0;

    while (done < n && !thread_wanted(done)) {
        size_t len = MIN(n - done, sizeof(some)), left;

        random_bytes(some, len);
        left = copy_to_user(buf + done, some, len);
        done += len - left;
        if (left != 0)
            return done == 0 ? -EFAULT : (long)done;
    }
    return (long)done;
}

void
random_stir(const void *seed, size_t n)
{
    const unsigned char *p = seed;

    for (size_t i = 0; i < n; i++)
        atomic_store(&state, mix(atomic_load(&state) + p[i] + 1));
}
