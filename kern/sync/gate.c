/* gate.c: see gate.h for the idea; this is the drawing in C. */
#include "sync/gate.h"
#include <race.h>

void
gate_init(struct gate *g, struct gate_row *rows)
{
    mutex_init(&g->writers, RANK_GATE);
    g->closed = GATE_OPEN;
    wait_init(&g->outside);
    g->rows = rows;
}

bool
gate_try_enter(struct gate *g)
{
    return gate_step_in(g) != NULL;
}

/* Is it closed?  Who opens it will know that somebody waits.
 * => outside.lock held */
static bool
still_closed(struct gate *g)
{
    uint32_t seen = GATE_CLOSED;

    (void)atomic_cas(&g->closed, &seen, GATE_WAITED);
    return seen != GATE_OPEN;
}

struct gate_row *
gate_enter_later(struct gate *g)
{
    struct gate_row *row;

    do {
        spin_lock(&g->outside.lock);
        if (still_closed(g))
            wait_sleep(&g->outside);
        spin_unlock(&g->outside.lock);
        row = gate_step_in(g);
    } while (row == NULL);
    return row;
}

void
gate_enter(struct gate *g)
{
    (void)gate_enter_here(g);
}

void
gate_leave(struct gate *g)
{
    gate_leave_row(&g->rows[this_cpu()->id]);
}

NOINLINE void
gate_wait_for(struct gate_row *row)
{
    while (atomic_load_acquire(&row->readers) != 0)
        cpu_wait();
}

NOINLINE void
gate_wake(struct gate *g)
{
    spin_lock(&g->outside.lock);
    wait_wake_all(&g->outside);
    spin_unlock(&g->outside.lock);
}

void
gate_close(struct gate *g)
{
    gate_close_here(g);
}

void
gate_open(struct gate *g)
{
    gate_open_here(g);
}

bool
gate_is_mine(struct gate *g)
{
    return mutex_held(&g->writers);
}
