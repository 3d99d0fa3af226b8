/* gate.h: many readers for a moment, or one writer for longer.
 *
 * An address space's areas are read by every page fault and changed by few
 * calls.  A reader must cost almost nothing and never disturb other harts; so
 * each hart counts its readers on a line of its own, and a writer, who is
 * rare, raises a flag and waits until all counts are zero.
 *
 *     reader: count[me]++ ; fence ; flag up? -> count[me]--, sleep, again
 *     writer: flag up     ; fence ; wait until every count is 0
 *
 * Either the writer sees the count or the reader sees the flag; without the
 * fences both could miss.  A reader has interrupts off and cannot sleep, so
 * the wait is short.  Writers queue in a mutex.
 *
 * Who sleeps outside says so in the flag, under the queue's lock; so a writer
 * whom nobody met opens the gate with one swap. */
#ifndef KERN_SYNC_GATE_H
#define KERN_SYNC_GATE_H

#include "sync/mutex.h"
#include <race.h>

struct gate_row {
    uint32_t readers; /* [a] of this hart: 0 or 1, deeper when nested */
    uint64_t owner;   /* what the gate's owner keeps once per hart */
} CACHE_ALIGNED;

enum { GATE_OPEN, GATE_CLOSED, GATE_WAITED /* closed, readers sleep */ };

struct gate {
    struct mutex writers;      /* rank GATE; held by the one writer */
    uint32_t closed;           /* [a] a writer is in or waits for readers */
    struct wait_queue outside; /* readers that met a closed gate */
    struct gate_row *rows;     /* [I] one per hart */
};

/* ROWS: ncpu zeroed rows, which the caller owns. */
void gate_init(struct gate *g, struct gate_row *rows);

/* Enter as reader.  Interrupts are off until gate_leave().  => may sleep before
 * it enters; no spinlock held */
void gate_enter(struct gate *g);
/* As gate_enter(), but false at once if a writer is in. */
bool gate_try_enter(struct gate *g);
void gate_leave(struct gate *g);

/* The same two, compiled into the caller: the fault path. */
static inline void
gate_step_back(struct gate_row *row)
{
    atomic_store_release(&row->readers, row->readers - 1);
    irq_restore();
}

static inline struct gate_row * /* NULL: it is closed */
gate_step_in(struct gate *g)
{
    struct gate_row *row;

    irq_off();
    row = &g->rows[this_cpu()->id];
    atomic_store(&row->readers, row->readers + 1);
    race_point("gate-enter");
    atomic_fence();
    race_point("gate-look");
    if (likely(atomic_load_acquire(&g->closed) == 0)) {
        lock_order_add(RANK_GATE);
        return row;
    }
    gate_step_back(row);
    return NULL;
}

struct gate_row *gate_enter_later(struct gate *g); /* it was closed */

/* Returns what gate_leave_row() wants. */
static inline struct gate_row *
gate_enter_here(struct gate *g)
{
    struct gate_row *row;

    lock_order_check(RANK_GATE);
    row = gate_step_in(g);
    return likely(row != NULL) ? row : gate_enter_later(g);
}

static inline void
gate_leave_row(struct gate_row *row)
{
    lock_order_remove(RANK_GATE);
    gate_step_back(row);
}

/* Enter as the only one; may sleep inside.  => no lock of RANK_GATE or later */
void gate_close(struct gate *g);
void gate_open(struct gate *g);

/* The same two, compiled into the caller: what changes areas. */
void gate_wait_for(struct gate_row *row); /* a reader is in */
void gate_wake(struct gate *g);           /* readers sleep outside */

static inline void
gate_close_here(struct gate *g)
{
    lock_order_check(RANK_GATE);
    if (unlikely(!mutex_take(&g->writers)))
        mutex_lock_nested(&g->writers);
    lock_order_add(RANK_GATE);
    atomic_store(&g->closed, GATE_CLOSED);
    atomic_fence();
    race_point("gate-close");
    for (struct gate_row *row = g->rows, *end = row + ncpu; row < end; row++) {
        if (unlikely(atomic_load_acquire(&row->readers) != 0))
            gate_wait_for(row);
    }
}

static inline void
gate_open_here(struct gate *g)
{
    if (unlikely(atomic_swap(&g->closed, GATE_OPEN) == GATE_WAITED))
        gate_wake(g);
    lock_order_remove(RANK_GATE);
    if (unlikely(!mutex_give(&g->writers)))
        mutex_unlock_nested(&g->writers);
}

/* The calling thread is the writer. */
bool gate_is_mine(struct gate *g);

#endif
