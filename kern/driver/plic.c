/* plic.c: the interrupt controller between the devices and the harts.
 *
 *   device irq --> source --[priority]--> context --[threshold]--> one hart
 *                   1..ndev   0: never     a hart in one mode       (SEIE)
 *
 *     offset                     register, 32 bits each
 *     0x000000 + 4 * irq         priority of a source
 *     0x002000 + 0x80 * context  one enable bit per source
 *     0x200000 + 0x1000 * context      threshold
 *     0x200004 + 0x1000 * context      read: claim; write: complete
 *
 * Which context is a hart's S-mode is told by the device tree; it is 2h+1 on
 * QEMU virt and 2h on the VisionFive 2.  All device interrupts go to the boot
 * hart.  Between claim and complete the source is silent, so a handler runs
 * once at a time; claim returns 0 when nothing is left, also if another
 * context was faster.
 *
 * RISC-V Platform-Level Interrupt Controller Specification 1.0.0, chapters
 * "Memory Map" to "Interrupt Completion". */
#include "driver/plic.h"

#include "arch/riscv/mmio.h"
#include "debug/printk.h"
#include "sync/spinlock.h"
#include <errno.h>

#define PLIC_MAX_SOURCES 1024
#define REG_PRIORITY     0x000000
#define REG_ENABLE       0x002000
#define ENABLE_STRIDE    0x80
#define REG_THRESHOLD    0x200000
#define CONTEXT_STRIDE   0x1000
#define REG_CLAIM        4 /* from a context's threshold */

struct irq_handler {
    void (*run)(void *arg); /* [a] NULL: nobody wants it */
    void *arg;              /* set before run */
};

static volatile uint8_t *plic_regs; /* [I] NULL: there is none */
static uint32_t plic_ndev;          /* [I] highest source */
static int plic_context[NCPU_MAX];  /* [I] by logical id; -1: none */
static struct irq_handler plic_handlers[PLIC_MAX_SOURCES];

/* Guards the enable bits and who owns which source.  Nothing is taken below
 * it, so it may have the last rank. */
static struct spinlock plic_lock = SPINLOCK_INIT(RANK_CONSOLE);

static volatile uint8_t *
plic_context_reg(int context, uint32_t offset)
{
    return plic_regs + REG_THRESHOLD + (size_t)context * CONTEXT_STRIDE +
           offset;
}

static volatile uint8_t *
plic_enable_reg(int context, uint32_t irq)
{
    return plic_regs + REG_ENABLE + (size_t)context * ENABLE_STRIDE +
           irq / 32 * 4;
}

/* The S-mode context of logical hart ID, if its registers are inside the
 * device; else -1. */
static int
plic_find_context(const struct machine *m, unsigned id)
{
    int64_t context = m->harts[id].plic_context;
    int64_t end = REG_THRESHOLD + (context + 1) * CONTEXT_STRIDE;

    return (uint64_t)end <= m->plic_size ? (int)context : -1;
}

void
plic_init(const struct machine *m, volatile void *regs)
{
    for (unsigned i = 0; i < NCPU_MAX; i++)
        plic_context[i] = -1;
    if (regs == NULL || m->plic_size < REG_THRESHOLD)
        return; /* none, or one that cannot be */
    plic_regs = regs;
    plic_ndev = MIN(m->plic_ndev, PLIC_MAX_SOURCES - 1);
    for (uint32_t irq = 1; irq <= plic_ndev; irq++)
        mmio_write32(plic_regs + REG_PRIORITY + irq * 4, 0);
    for_each_cpu (c) {
        int context = plic_find_context(m, c->id);

        plic_context[c->id] = context;
        for (uint32_t irq = 0; context >= 0 && irq <= plic_ndev; irq += 32)
            mmio_write32(plic_enable_reg(context, irq), 0);
    }
    if (plic_context[0] < 0)
        cprintf("plic: no context for the boot hart, devices are polled\n");
}

void
plic_init_cpu(void)
{
    int context = plic_context[this_cpu()->id];

    if (plic_regs == NULL || context < 0)
        return;
    mmio_write32(plic_context_reg(context, 0), 0);
    csr_set(sie, SIE_SEIE);
}

int
plic_register(uint32_t irq, void (*handler)(void *arg), void *arg)
{
    struct irq_handler *h;
    volatile uint8_t *enable;

    if (plic_regs == NULL || plic_context[0] < 0 || irq == 0 || irq > plic_ndev)
        return -EINVAL;
    h = &plic_handlers[irq];
    spin_lock(&plic_lock);
    if (h->run != NULL) {
        spin_unlock(&plic_lock);
        return -EBUSY;
    }
    h->arg = arg;
    atomic_store_release(&h->run, handler);
    mmio_write32(plic_regs + REG_PRIORITY + irq * 4, 1);
    enable = plic_enable_reg(plic_context[0], irq);
    mmio_write32(enable, mmio_read32(enable) | 1u << irq % 32);
    spin_unlock(&plic_lock);
    return 0;
}

void
plic_interrupt(void)
{
    int context = plic_context[this_cpu()->id];
    volatile uint8_t *claim;
    uint32_t irq;

    if (plic_regs == NULL || context < 0)
        return;
    claim = plic_context_reg(context, REG_CLAIM);
    while ((irq = mmio_read32(claim)) != 0) {
        void (*run)(void *arg) = NULL;

        if (irq < PLIC_MAX_SOURCES)
            run = atomic_load_acquire(&plic_handlers[irq].run);
        if (run != NULL)
            run(plic_handlers[irq].arg);
        /* Even if nobody wanted it: an unanswered claim blocks the source. */
        mmio_write32(claim, irq);
    }
}
