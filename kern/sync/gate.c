/* gate.c: see gate.h for the idea; this is the drawing in C. */
#include "sync/gate.h"
#include <race.h>

void
gate_init(struct gate *g, struct gate_row *rows)
{
    mutex_init(&g->writers, RANK_GATE);
    g->closed = 0;
    wait_init(&g->outside);
    g->rows = rows;
}

static void
step_back(struct gate_row *row)
{
    atomic_store_release(&row->readers, row->readers - 1);
    irq_restore();
}

static inline bool
try_enter(struct gate *g)
{
    struct gate_row *row;

    irq_off();
    row = &g->rows[this_cpu()->id];
    atomic_store(&row->readers, row->readers + 1);
    race_point("gate-enter");
    if (ncpu > 1) /* alone, nobody closes while interrupts are off */
        atomic_fence();
    race_point("gate-look");
    if (likely(atomic_load_acquire(&g->closed) == 0)) {
        lock_order_add(RANK_GATE);
        return true;
    }
    step_back(row);
    return false;
}

bool
gate_try_enter(struct gate *g)
{
    return try_enter(g);
}

void
gate_leave(struct gate *g)
{
    lock_order_remove(RANK_GATE);
    step_back(&g->rows[this_cpu()->id]);
}

void
gate_enter(struct gate *g)
{
    lock_order_check(RANK_GATE);
    while (unlikely(!try_enter(g))) {
        spin_lock(&g->outside.lock);
        if (atomic_load(&g->closed) != 0)
            wait_sleep(&g->outside);
        spin_unlock(&g->outside.lock);
    }
}

void
gate_close(struct gate *g)
{
    mutex_lock(&g->writers);
    atomic_store(&g->closed, 1);
    atomic_fence();
    race_point("gate-close");
    for (unsigned i = 0; i < ncpu; i++) {
        while (atomic_load_acquire(&g->rows[i].readers) != 0)
            cpu_wait();
    }
}

void
gate_open(struct gate *g)
{
    spin_lock(&g->outside.lock);
    atomic_store_release(&g->closed, 0);
    if (unlikely(!list_empty(&g->outside.sleepers)))
        wait_wake_all(&g->outside);
    spin_unlock(&g->outside.lock);
    mutex_unlock(&g->writers);
}

bool
gate_is_mine(struct gate *g)
{
    return mutex_held(&g->writers);
}
