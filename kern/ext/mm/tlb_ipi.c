/* tlb_ipi.c: adds the method tlb=ipi to mm/tlb.c, for firmware without RFENCE;
 * a first reader may skip it.
 *
 * A mailbox has room for one request.  Its sender holds the lock, sets the
 * range and the set of harts, interrupts them, and waits until the set is
 * empty; each hart flushes, then takes itself out of the set.
 *
 *     sender: lock | range, waiting = set | IPIs | wait until waiting == 0
 *     other:                               flush | waiting &= ~me
 *
 * A hart that waits for any lock has interrupts off and would never see the
 * IPI; so cpu_wait() serves the mailbox, too.  Else two senders could wait for
 * each other. */
#include "arch/riscv/sbi.h"
#include "mm/tlb.h"
#include "sync/spinlock.h"

static struct mailbox {
    struct spinlock lock;
    uint64_t waiting; /* [a] harts that have not flushed yet */
    uintptr_t va;     /* [lock] */
    size_t size;      /* [lock] */
} mailbox = {.lock = SPINLOCK_INIT(RANK_TLB)};

static void
serve(void)
{
    uint64_t me = 1ul << this_cpu()->id;

    if ((atomic_load_acquire(&mailbox.waiting) & me) == 0)
        return;
    tlb_flush_local(mailbox.va, mailbox.size);
    fence_i(); /* cheaper than a second kind of request */
    atomic_and(&mailbox.waiting, ~me);
}

static void
start(void)
{
    tlb_interrupt = serve;
    cpu_wait_hook = serve;
}

static void
shootdown(uint64_t set, uintptr_t va, size_t size)
{
    spin_lock(&mailbox.lock);
    mailbox.va = va;
    mailbox.size = size;
    atomic_store_release(&mailbox.waiting, set);
    for_each_cpu (c) {
        if (set >> c->id & 1)
            sbi_send_ipi((struct sbi_harts){.mask = 1, .base = c->hartid});
    }
    while (atomic_load_acquire(&mailbox.waiting) != 0)
        cpu_wait();
    spin_unlock(&mailbox.lock);
}

static void
sync_code(uint64_t set)
{
    shootdown(set, 0, 0);
}

static const struct tlb_method ipi = {"ipi", start, shootdown, sync_code};
TABLE_ADD(tlb_method, ipi);
