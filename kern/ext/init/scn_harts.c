/* scn_harts.c: the steps of lab 9 that the kernel runs itself, in its first thread, when
 * all harts are there; a first reader may skip it.
 *
 *     online         how many harts there are
 *     visit 2        this thread goes on on hart 2: which one is it?
 *     forget 0x6     tlb_shootdown() of harts 1 and 2, when they are asleep
 *
 * There is no process yet, and no stack that was another one's before: what harts_start()
 * does shows here even if nobody asks a hart to forget anything. */
#include "arch/riscv/sleep.h"
#include "debug/kstat.h"
#include "ext/init/scn.h"
#include "mm/tlb.h"
#include "schedule/sched.h"

#define SOME_PAGE 0x10000ul /* of no space: to forget it does no harm */

static void
online(struct scn_answer *a)
{
    unsigned n = 0;

    for_each_cpu (c)
        n += atomic_load(&c->online) != 0;
    scn_result(a, "value:%x", n);
}

static unsigned
here(void)
{
    unsigned id;

    irq_off();
    id = this_cpu()->id;
    irq_restore();
    return id;
}

static void
visit(unsigned hart, struct scn_answer *a)
{
    if (hart >= NCPU_MAX || sched_set_affinity(1ul << hart) != 0)
        scn_result(a, "none");
    else
        scn_result(a, "value:%x", here());
}

/* Nobody else has work, so each other hart is asleep, or soon will be. */
static void
wait_until_asleep(uint64_t set)
{
    for_each_cpu (c) {
        while ((set >> c->id & 1) && c->id != here() &&
               atomic_load(&c->online) != 0 &&
               !cpu_forgets_when_it_wakes(c->id))
            cpu_relax();
    }
}

static void
forget(uint64_t set, struct scn_answer *a)
{
    uint64_t *counted, before;

    wait_until_asleep(set);
    irq_off();
    counted = &kstat_rows[this_cpu()->id].v[STAT_TLB_REMOTE];
    before = atomic_load(counted);
    scn_result(a, "value:%x", tlb_shootdown(set, SOME_PAGE, PAGE_SIZE));
    scn_count(a, "tlb_rem", atomic_load(counted) - before);
    irq_restore();
}

static void
harts_begin(const struct scn *s, const struct machine *m)
{
    (void)!sched_set_affinity(1);
}

static void
harts_step(const struct scn_step *st, struct scn_answer *a)
{
    switch (st->op) {
    case SCN_ONLINE:
        online(a);
        break;
    case SCN_VISIT:
        visit(st->last, a);
        break;
    case SCN_FORGET:
        forget(st->value, a);
        break;
    default:
        scn_result(a, "unknown");
    }
}

static long
harts_end(void)
{
    return 0;
}

static const struct scn_lab harts_lab = {
    .lab = 9,
    .harts = true,
    .begin = harts_begin,
    .step = harts_step,
    .end = harts_end,
};
TABLE_ADD(scn_lab, harts_lab);
