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

bool
gate_try_enter(struct gate *g)
{
    return gate_step_in(g);
}

void
gate_enter_later(struct gate *g)
{
    do {
        spin_lock(&g->outside.lock);
        if (atomic_load(&g->closed) != 0)
            wait_sleep(&g->outside);
        spin_unlock(&g->outside.lock);
    } while (!gate_step_in(g));
}

void
gate_enter(struct gate *g)
{
    gate_enter_here(g);
}

void
gate_leave(struct gate *g)
{
    gate_leave_here(g);
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
