/* harts.c: a hart is started through SBI HSM with the address of its struct
 * hart_start; it maps itself in (entry.S), says hello, and becomes the idle
 * thread of its run queue.
 *
 *   boot hart                         other hart
 *   hello = WAITING, hart_start() --> ...
 *   wait                              hello: WAITING -> ARRIVED
 *                                     probe, timers, interrupts, scheduler
 *   until cpu->online        <------  online = 1
 *
 * One that arrives after we gave up finds hello GIVEN_UP and goes to sleep for
 * good; the firmware of some boards says yes to harts that never come. */
#include "init/harts.h"

#include "arch/riscv/boot.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/satp.h"
#include "arch/riscv/sbi.h"
#include "arch/riscv/timer.h"
#include "debug/panic.h"
#include "debug/printk.h"
#include "driver/plic.h"
#include "mm/adprobe.h"
#include "mm/kstack.h"
#include "schedule/sched.h"
#include "schedule/timeout.h"
#include "trap/trap.h"

_Static_assert(MACHINE_MAX_HARTS <= NCPU_MAX, "room for every hart found");

#define PATIENCE_S 5

enum hello { WAITING, ARRIVED, GIVEN_UP };

static struct thread idle_threads[NCPU_MAX];
struct hart_start hart_starts[NCPU_MAX];
static uint32_t hello[NCPU_MAX]; /* [a] */

void
harts_init(const struct machine *m, unsigned max)
{
    ncpu = MIN(m->nharts, max);
    for (unsigned i = 0; i < ncpu; i++) {
        cpus[i].id = i;
        cpus[i].hartid = m->harts[i].hartid;
    }
}

/* The other hart's first C code; its thread, stack and tp are set up. */
void
kern_init_other(void)
{
    struct cpu *cpu = this_cpu();
    uint32_t expected = WAITING;

    trap_init_cpu();
    if (!atomic_cas(&hello[cpu->id], &expected, ARRIVED)) {
        for (;;)
            wfi();
    }
    if (ad_probe(cpu) != 0)
        cprintf("hart %lu: no memory for the A/D probe\n", cpu->hartid);
    timer_init_cpu();
    plic_init_cpu();
    sched_init_cpu(current_thread());
    sched_idle_loop();
}

static bool
prepare(unsigned i)
{
    struct thread *t = &idle_threads[i];
    uintptr_t stack = kstack_alloc();

    if (stack == 0)
        return false;
    t->kstack = stack;
    t->tcb.kstack_top = stack + KSTACK_SIZE;
    t->tcb.cpu = &cpus[i];
    hart_starts[i].thread = &t->tcb;
    hart_starts[i].sp = t->tcb.kstack_top;
    hart_starts[i].hartid = cpus[i].hartid;
    atomic_store_release(&hart_starts[i].satp, kernel_satp);
    return true;
}

/* Wait for hart I to get as far as its scheduler; an emulated one on a busy
 * host may take its time.  This one sleeps meanwhile: QEMU with -icount never gets
 * to the next hart while this one takes all of its share.  The timer's next
 * interrupt then finds out itself what is due. */
static bool
wait_online(unsigned i)
{
    uint64_t give_up = time_now() + PATIENCE_S * timebase_hz;
    uint32_t expected = WAITING;

    while (!atomic_load_acquire(&cpus[i].online)) {
        if (time_now() > give_up && atomic_cas(&hello[i], &expected, GIVEN_UP))
            return false;
        expected = WAITING;
        timer_set(time_now() + timebase_hz / 1000);
        wfi();
    }
    return true;
}

unsigned
harts_start(const void *entry)
{
    /* LAB 9.2: wake all other harts.
     *
     * For each of the NCPU harts but this one (0): prepare() its stack and
     * what it finds at its first instruction, tell the firmware to start it at
     * ENTRY (sbi_hart_start(), which wants physical addresses; the argument is
     * its hart_starts[i]), and wait until it is there (wait_online()). A hart
     * that cannot be started is reported and left out; the others go on.
     * Return how many are online, this one included. */
    unsigned online = 1;

    for (unsigned i = 1; i < ncpu; i++) {
        uint64_t hartid = cpus[i].hartid;
        int err;

        if (!prepare(i)) {
            cprintf("hart %lu: no memory for its stack\n", hartid);
            continue;
        }
        err =
            sbi_hart_start(hartid, va_to_pa(entry), va_to_pa(&hart_starts[i]));
        if (err != 0)
            cprintf("hart %lu: the firmware does not start it (error %d)\n",
                    hartid, err);
        else if (wait_online(i))
            online++;
        else
            cprintf("hart %lu: did not come up within %d seconds\n", hartid,
                    PATIENCE_S);
    }
    return online;
    /* STUB: return 1; */
    /* END 9.2 */
}
