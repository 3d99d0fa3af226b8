/* tlb.c: flushes, here and on other harts.
 *
 * Other harts are told through the firmware (SBI RFENCE).  That works even
 * while the other hart has interrupts off, so nothing here can dead-lock;
 * kern/ext has a method without the firmware.
 *
 * A hart that sleeps is neither woken for it nor waited for: see
 * arch/riscv/sleep.h. */
#include "mm/tlb.h"

#include "arch/riscv/pte.h"
#include "arch/riscv/sbi.h"
#include "arch/riscv/sleep.h"
#include "debug/kstat.h"
#include <errno.h>
#include <string.h>

/* More pages than this are forgotten one by one no longer. */
#define MAX_PAGES 32

void (*tlb_interrupt)(void);
static const struct tlb_method *method;

int
tlb_select(const char *name)
{
    TABLE_FOR_EACH (tlb_method, struct tlb_method, m) {
        if (strcmp((*m)->name, name) == 0) {
            method = *m;
            if (method->start != NULL)
                method->start();
            return 0;
        }
    }
    return -EINVAL;
}

const char *
tlb_method_name(void)
{
    return method->name;
}

void
tlb_flush_local(uintptr_t va, size_t size)
{
    if (size > MAX_PAGES * PAGE_SIZE) {
        sfence_vma_all();
        return;
    }
    for (uintptr_t end = va + size; va < end; va += PAGE_SIZE)
        sfence_vma_page(va);
}

/* => interrupts off */
static uint64_t
others_online(void)
{
    uint64_t others = 0;

    for_each_cpu (c) {
        if (c != this_cpu() && atomic_load(&c->online))
            others |= 1ul << c->id;
    }
    return others;
}

/* Those of SET that must be asked: who sleeps will look by itself. */
static uint64_t
awake(uint64_t set)
{
    for (uint64_t left = set; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzl(left);

        if (cpu_forgets_when_it_wakes(i)) {
            set &= ~(1ul << i);
            kstat_inc(STAT_TLB_ASLEEP);
        }
    }
    return set;
}

unsigned
tlb_shootdown(uint64_t set, uintptr_t va, size_t size)
{
    /* LAB 9.1: all harts of SET forget [VA, VA + SIZE); this one is not asked.
     *
     * Only harts that are online can be asked, and those that sleep look by
     * themselves when they wake (awake() takes them out of the set). The
     * entries were changed by plain stores: a fence, before anybody is asked,
     * so that nobody can read the old ones after that. method->shootdown()
     * asks and waits. Interrupts are off all the time, or "this hart" is
     * another one. Return how many had to know, also those asleep, and count
     * as many in STAT_TLB_REMOTE. */
    unsigned n = 0;

    irq_off();
    set &= ~(1ul << this_cpu()->id);
    if (set != 0 && (set &= others_online()) != 0) {
        n = (unsigned)__builtin_popcountl(set);
        kstat_add(STAT_TLB_REMOTE, n);
        atomic_fence(); /* the cleared entries are seen before we ask */
        if ((set = awake(set)) != 0)
            method->shootdown(set, va, size);
    }
    irq_restore();
    return n;
    /* STUB: return 0; */
    /* END 9.1 */
}

void
tlb_sync_code(uint64_t set)
{
    irq_off();
    set &= others_online();
    if (set != 0) {
        atomic_fence(); /* the new code is seen before we ask */
        if ((set = awake(set)) != 0)
            method->sync_code(set);
    }
    irq_restore();
}

void
tlb_flush_kernel(uintptr_t va, size_t size)
{
    irq_off(); /* "local" and "the others" are of one hart */
    tlb_flush_local(va, size);
    kstat_inc(STAT_TLB_LOCAL);
    tlb_shootdown(~0ul, va, size);
    irq_restore();
}

/* Hart ids may be far apart, so the set is told in words of 64 ids: the first
 * word's; what is told leaves *SET. */
static struct sbi_harts
first_word(uint64_t *set)
{
    struct sbi_harts h = {.base = cpus[__builtin_ctzl(*set)].hartid};
    uint64_t told = *set & -*set;

    for_each_cpu (c) {
        if ((*set >> c->id & 1) && c->hartid - h.base < 64) {
            h.mask |= 1ul << (c->hartid - h.base);
            told |= 1ul << c->id;
        }
    }
    *set &= ~told;
    return h;
}

static void
rfence_shootdown(uint64_t set, uintptr_t va, size_t size)
{
    while (set != 0)
        sbi_remote_sfence_vma(first_word(&set), va, size);
}

static void
rfence_sync_code(uint64_t set)
{
    while (set != 0)
        sbi_remote_fence_i(first_word(&set));
}

static const struct tlb_method rfence = {"rfence", NULL, rfence_shootdown,
                                         rfence_sync_code};
TABLE_ADD(tlb_method, rfence);
