/* scenario.c: adds /dev/scenario, on which user/scenario reports what it saw; a
 * first reader may skip it.
 *
 *     user/scenario -- write() --> text + tag --> event channel --> tools/grade.py
 *
 * The channel is not the console (but on a board, whose one line is both), and
 * scn_record.c signs each record with this run's key, so nothing that a program
 * prints is taken for a result.
 * Here is also what only the kernel can tell of a scenario: whether all frames and
 * objects are back at its end, and what the auditors say. */
#include "debug/printk.h"
#include "ext/init/scn.h"
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
#include "mm/space.h"
#include "mm/swap.h"
#include "mm/uaccess.h"
#include "process/proc.h"
#include "schedule/timeout.h"
#include <errno.h>

#define TRIES    100
#define PATIENCE 10000 /* ms: a hart that QEMU plays may be slow */

static int owner;              /* [a] pid of the runner; 0: none */
static size_t frames, objects; /* the runner's; at SCN_BEGIN */
static uint64_t slots;         /* of swap, then */

/* --- records --- */

static long
scn_write(struct inode *i, struct file *f, const void *buf, size_t n,
          uint64_t pos)
{
    if (atomic_load(&owner) != current_process()->pid)
        return -EPERM;
    if (n == 0 || n > SCN_TEXT)
        return -EINVAL;
    scn_record(buf, n);
    return (long)n;
}

/* --- what is left over --- */

static void
leave_space(void *hart)
{
    sched_set_affinity(1ul << (uintptr_t)hart);
    mm_lazy_drop();
}

/* An idle hart keeps the space it ran last, also of a process that has ended. */
static void
leave_spaces(void)
{
    unsigned before = kthread_count();

    for (unsigned i = 0; i < ncpu; i++) {
        if (kthread_run("leave", leave_space, (void *)(uintptr_t)i) != 0)
            return; /* no memory: then it is kept */
    }
    for (unsigned i = 0; kthread_count() > before && i < PATIENCE; i++)
        sleep_ms(1);
}

static size_t
settle(void)
{
    if (ncpu > 1)
        leave_spaces();
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

/* Are we the runner, or can we become it?  Who has ended is it no more. */
static bool
be_owner(void)
{
    int who = atomic_load(&owner), me = current_process()->pid;
    bool alive;

    if (who == me)
        return true;
    spin_lock(&tree_lock);
    alive = who != 0 && pid_find(who) != NULL;
    spin_unlock(&tree_lock);
    return !alive && atomic_cas(&owner, &who, me);
}

/* What has ended may not yet be gone on other harts: when nothing changes any more,
 * it is. */
static long
scn_begin(void)
{
    size_t now = 0;

    if (!be_owner())
        return -EPERM;
    for (unsigned i = 0; i < TRIES && (i == 0 || frames != now); i++) {
        frames = now;
        now = settle();
        objects = kmalloc_in_use();
    }
    slots = swap_slots_used();
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
    end.slots = (int64_t)(swap_slots_used() - slots);
    end.complaints = mmcheck_report(complain);
    end.lost = mmstat_lost_faults(NULL);
    return copy_to_user(arg, &end, sizeof(end)) != 0 ? -EFAULT : 0;
}

/* A debugger has a breakpoint here: the step that went wrong comes next, in the
 * process that is current. */
NOINLINE void
scenario_stop(void)
{
    atomic_fence();
}

static long
scn_console(uintptr_t arg)
{
    uint64_t key[2];

    return copy_from_user(key, arg, sizeof(key)) != 0 ? -EFAULT
                                                      : scn_on_console(key);
}

static long
scn_again(uintptr_t arg)
{
    uint64_t number;

    if (copy_from_user(&number, arg, sizeof(number)) != 0)
        return -EFAULT;
    scn_number(number);
    return 0;
}

static long
scn_ioctl(struct inode *i, struct file *f, unsigned cmd, uintptr_t arg)
{
    if (cmd == SCN_BEGIN)
        return scn_begin();
    if (cmd == SCN_STOP) {
        scenario_stop();
        return 0;
    }
    if (atomic_load(&owner) != current_process()->pid)
        return -EPERM;
    if (cmd == SCN_END)
        return scn_end(arg);
    if (cmd == SCN_CONSOLE)
        return scn_console(arg);
    if (cmd == SCN_NUMBER)
        return scn_again(arg);
    if (cmd != SCN_SETTLE)
        return -ENOTTY;
    settle();
    return 0;
}

static const struct inode_ops scn_ops = {.write = scn_write,
                                         .ioctl = scn_ioctl};
static const struct device scn_device = {"scenario", 10, 241, &scn_ops};
TABLE_ADD(device, scn_device);

static const struct initcall scn_call = {"scenario", INIT_EARLY, scn_key};
TABLE_ADD(initcall, scn_call);
