/* scenario.c: adds /dev/scenario, on which user/scenario reports what it saw; a
 * first reader may skip it.
 *
 *     user/scenario -- write() --> text + tag --> event channel --> tools/grade.py
 *
 * The channel is not the console, and a record has a tag that only who knows this
 * run's key can make, so nothing that a program prints is taken for a result.
 * Here is also what only the kernel can tell of a scenario: whether all frames and
 * objects are back at its end, and what the auditors say. */
#include "ext/init/scenario.h"
#include "debug/printk.h"
#include "driver/event.h"
#include "ext/mm/audit.h"
#include "ext/mm/mmcheck.h"
#include "ext/mm/observe.h"
#include "fs/devfs.h"
#include "fs/inode.h"
#include "init/initcall.h"
#include "mm/kmap.h"
#include "mm/kstack.h"
#include "mm/kthread.h"
#include "mm/pgtable.h"
#include "mm/pmm.h"
#include "mm/uaccess.h"
#include "process/proc.h"
#include "schedule/timeout.h"
#include <bootargs.h>
#include <errno.h>
#include <printfmt.h>
#include <string.h>

#define TRIES 100

static uint64_t key[2];        /* [I] */
static int owner;              /* [a] pid of the runner; 0: none */
static uint64_t nrecords;      /* the runner's, as all below */
static size_t frames, objects; /* at SCN_BEGIN */

/* --- tags: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF",
 * INDOCRYPT 2012 --- */

static uint64_t
rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void
sip_rounds(uint64_t v[4], unsigned n)
{
    while (n-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t
siphash(const char *s, size_t n)
{
    uint64_t v[4] = {
        key[0] ^ 0x736f6d6570736575ul, key[1] ^ 0x646f72616e646f6dul,
        key[0] ^ 0x6c7967656e657261ul, key[1] ^ 0x7465646279746573ul};
    uint64_t word = 0;

    for (size_t i = 0; i <= n; i++) {
        bool last = i == n;

        if (!last)
            word |= (uint64_t)(uint8_t)s[i] << 8 * (i % 8);
        if (last)
            word |= (uint64_t)n << 56;
        if (last || i % 8 == 7) {
            v[3] ^= word;
            sip_rounds(v, 2);
            v[0] ^= word;
            word = 0;
        }
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* --- records --- */

static long
scn_write(struct inode *i, struct file *f, const void *buf, size_t n,
          uint64_t pos)
{
    char text[SCN_TEXT + 24];
    int len;

    if (atomic_load(&owner) != current_process()->pid)
        return -EPERM;
    if (n == 0 || n > SCN_TEXT)
        return -EINVAL;
    len = snprintf(text, sizeof(text), "%lu ", nrecords++);
    memcpy(text + len, buf, n);
    text[(size_t)len + n] = 0;
    event("scn", "%s %016lx", text + len, siphash(text, (size_t)len + n));
    return (long)n;
}

/* --- what is left over --- */

static size_t
settle(void)
{
    names_forget(NULL);
    icache_shrink(NULL, SIZE_MAX);
    kstack_drain();
    table_pages_drain();
    kmem_shrink();
    pmm_drain();
    return nr_free_pages() + kmap_tables + kmalloc_pages();
}

static void
complain(const char *line)
{
    cprintf("%s\n", line);
}

static long
scn_begin(void)
{
    int none = 0;

    if (!atomic_cas(&owner, &none, current_process()->pid) &&
        none != current_process()->pid)
        return -EPERM;
    frames = settle();
    objects = kmalloc_in_use();
    return 0;
}

/* Tasks that ended give back their stacks when another thread runs on their hart,
 * so it may take a while until all is as it was. */
static long
scn_end(uintptr_t arg)
{
    struct scn_end end = {0};

    for (unsigned i = 0; i < TRIES; i++) {
        end.frames = (int64_t)(frames - settle());
        end.objects = (int64_t)(kmalloc_in_use() - objects);
        if (end.frames == 0 && end.objects == 0)
            break;
        sleep_ms(1);
    }
    end.complaints = mmcheck_report(complain);
    end.lost = mmstat_lost_faults(NULL);
    return copy_to_user(arg, &end, sizeof(end)) != 0 ? -EFAULT : 0;
}

static long
scn_ioctl(struct inode *i, struct file *f, unsigned cmd, uintptr_t arg)
{
    if (cmd == SCN_BEGIN)
        return scn_begin();
    if (atomic_load(&owner) != current_process()->pid)
        return -EPERM;
    if (cmd == SCN_END)
        return scn_end(arg);
    if (cmd != SCN_SETTLE)
        return -ENOTTY;
    settle();
    return 0;
}

static const struct inode_ops scn_ops = {.write = scn_write,
                                         .ioctl = scn_ioctl};
static const struct device scn_device = {"scenario", 10, 241, &scn_ops};
TABLE_ADD(device, scn_device);

/* --- the key --- */

static void
start_scenario(const struct machine *m)
{
    char text[BOOTARG_MAX];

    if (!bootarg_get(m->bootargs, "scnkey", text, sizeof(text)))
        return;
    for (unsigned i = 0; i < 32 && text[i] != 0; i++) {
        unsigned c = (unsigned char)text[i];

        key[i / 16] =
            key[i / 16] << 4 | (c <= '9' ? c - '0' : (c - 'a' + 10) & 15);
    }
}

static const struct initcall scn_call = {"scenario", INIT_EARLY,
                                         start_scenario};
TABLE_ADD(initcall, scn_call);
