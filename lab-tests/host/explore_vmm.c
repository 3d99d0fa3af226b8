/* explore_vmm.c: the gate of an address space, over all schedules with at most
 * two preemptions.
 *
 * What must hold: no reader is inside together with the writer, nor two
 * writers; and a reader who met a closed gate is woken when it opens.  The
 * kernel's own gate.c, mutex.c and wait.c run here above the model of the
 * scheduler.  A fence that is missing cannot show (memory is sequentially
 * consistent here), but the order of the accesses can, and each mutant gets
 * it, or one of the sleeping reader's steps, wrong. */
#include "explore/explore.h"

#include <atomic.h>
#include <list.h>

#include "explore/model.h"
#include "sync/mutex.h"
#include <errno.h>
#include <string.h>

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"
#include "libs/avl.c"
#define program timer_program /* the name is free in timeout.c only */
#include "kern/schedule/timeout.c"
#undef program
#include "kern/sync/mutex.c"
#include "kern/sync/wait.c"

enum mutant {
    MUTANT_NONE,
    MUTANT_FLAG_AFTER_COUNTING, /* the writer looks, then raises the flag */
    MUTANT_COUNT_AFTER_LOOKING, /* the reader looks, then counts itself */
    MUTANT_SLEEP_WITHOUT_LOOKING,
    MUTANT_STAYS_COUNTED,   /* the reader sleeps as if inside */
    MUTANT_NO_LOOK,         /* the reader does not look at the flag */
    MUTANT_NO_WAIT,         /* the writer does not wait for readers */
    MUTANT_FLAG_AFTER_WAKE, /* the writer wakes, then takes the flag down */
};

/* Is this the access WORD of function FUNC, as gate.c spells it, that mutant M
 * does not do? */
static bool
is_broken(int m, const char *func, const char *in, const char *word,
          const char *have)
{
    return explore_mutant() == m && strcmp(func, in) == 0 &&
           strcmp(word, have) == 0;
}

#define BROKEN(m, in, word, have) is_broken(m, __func__, in, word, have)

#undef atomic_store
#define atomic_store(p, v)                                         \
    do {                                                           \
        if (!BROKEN(MUTANT_FLAG_AFTER_COUNTING, "gate_close_here", \
                    "&g->closed", #p) &&                           \
            !BROKEN(MUTANT_COUNT_AFTER_LOOKING, "gate_step_in",    \
                    "&row->readers", #p)) {                        \
            ATOMIC_POINT(p);                                       \
            __atomic_store_n(p, v, __ATOMIC_RELAXED);              \
        }                                                          \
    } while (0)
#undef atomic_store_release
#define atomic_store_release(p, v)                                           \
    do {                                                                     \
        if (!BROKEN(MUTANT_STAYS_COUNTED, "gate_step_back", "&row->readers", \
                    #p)) {                                                   \
            ATOMIC_POINT(p);                                                 \
            __atomic_store_n(p, v, __ATOMIC_RELEASE);                        \
        }                                                                    \
    } while (0)
#undef atomic_load_acquire
#define atomic_load_acquire(p)                                              \
    (BROKEN(MUTANT_NO_LOOK, "gate_step_in", "&g->closed", #p) ||            \
             BROKEN(MUTANT_NO_WAIT, "gate_close_here", "&row->readers", #p) \
         ? 0                                                                \
         : (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_ACQUIRE)))
#undef atomic_swap
#define atomic_swap(p, v)                                               \
    (ATOMIC_POINT(p),                                                   \
     BROKEN(MUTANT_FLAG_AFTER_WAKE, "gate_open_here", "&g->closed", #p) \
         ? *(p)                                                         \
         : __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL))
#undef atomic_cas
#define atomic_cas(p, expected, desired)                                       \
    (BROKEN(MUTANT_SLEEP_WITHOUT_LOOKING, "still_closed", "&g->closed", #p) || \
     (ATOMIC_POINT(p),                                                         \
      __atomic_compare_exchange_n(p, expected, desired, false,                 \
                                  __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)))
#define wait_wake_all(wq) EXPLORE_CALL(wait_wake_all, wq, wq)
#include "kern/sync/gate.c"
#undef wait_wake_all

/* --- readers and writers ------------------------------------------------- */

static struct gate gate;
static struct gate_row rows[EXPLORE_HARTS];
static unsigned readers, writers, passes, refused;

static void
look(void)
{
    if (writers > 1 || (writers == 1 && readers != 0))
        explore_fail("together: %u writers, %u readers", writers, readers);
}

static void
inside(unsigned *count)
{
    ++*count;
    look();
    EXPLORE_POINT("inside");
    look();
    --*count;
    passes++;
}

/* The second half of the mutants that do a thing too late. */
static void
late(int mutant, uint32_t *word, uint32_t value)
{
    if (explore_mutant() == mutant) {
        EXPLORE_POINT("too late");
        __atomic_store_n(word, value, __ATOMIC_RELAXED);
    }
}

static void
write_once(void)
{
    gate_close(&gate);
    late(MUTANT_FLAG_AFTER_COUNTING, &gate.closed, 1);
    assert(gate_is_mine(&gate));
    inside(&writers);
    gate_open(&gate);
    late(MUTANT_FLAG_AFTER_WAKE, &gate.closed, 0);
    assert(!gate_is_mine(&gate));
}

static void
read_inside(unsigned hart)
{
    assert(current_tcb()->irq_depth > 0 &&
           current_tcb()->held == 1ul << RANK_GATE);
    late(MUTANT_COUNT_AFTER_LOOKING, &rows[hart].readers, 1);
    inside(&readers);
    gate_leave(&gate);
    assert(current_tcb()->irq_depth == 0 && current_tcb()->held == 0);
}

static void
setup(void)
{
    gate_init(&gate, rows);
    EXPLORE_NAME(gate);
    EXPLORE_NAME(rows);
    EXPLORE_NAME(model_thread);
    model_spurious = true;
}

/* Hart 0 writes, the others read. */
static void
body(unsigned hart)
{
    model_start(hart);
    if (hart == 0) {
        write_once();
        return;
    }
    gate_enter(&gate);
    read_inside(hart);
}

/* Harts 0 and 1 write, the others read. */
static void
writers_body(unsigned hart)
{
    if (hart != 1) {
        body(hart);
        return;
    }
    model_start(hart);
    write_once();
}

/* The reader comes again, and meets the same gate closed a second time. */
static void
again_body(unsigned hart)
{
    model_start(hart);
    for (int i = 0; i < 2; i++) {
        if (hart == 0) {
            write_once();
        } else {
            gate_enter(&gate);
            read_inside(hart);
        }
    }
}

/* A reader who only tries never sleeps and leaves no trace. */
static void
try_body(unsigned hart)
{
    if (hart == 0) {
        body(hart);
        return;
    }
    model_start(hart);
    if (gate_try_enter(&gate))
        read_inside(hart);
    else
        refused++;
    assert(current_tcb()->irq_depth == 0 && current_tcb()->held == 0);
}

static void
quiet(void)
{
    for (unsigned i = 0; i < ncpu; i++)
        assert(rows[i].readers == 0);
    assert(gate.closed == GATE_OPEN && gate.writers.owner == 0);
    assert(list_empty(&gate.outside.sleepers));
    assert(list_empty(&gate.writers.wq.sleepers));
    assert(readers == 0 && writers == 0);
}

static void
check(void)
{
    quiet();
    assert(passes == ncpu);
}

static void
again_check(void)
{
    quiet();
    assert(passes == 2 * ncpu);
}

static void
try_check(void)
{
    quiet();
    assert(passes + refused == ncpu);
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GATE      .setup = setup, .body = body, .check = check

static const struct explore_test tests[] = {
    {"gate", 3, GATE},
    {"gate-again", 2, .setup = setup, .body = again_body, .check = again_check,
     .preemptions = 3},
    {"gate-two-writers", 3, .setup = setup, .body = writers_body,
     .check = check},
    {"gate-try", 3, .setup = setup, .body = try_body, .check = try_check},
    {"gate-mutant-flag-after-counting", 2, GATE,
     .mutant = MUTANT_FLAG_AFTER_COUNTING, .preemptions = 3,
     .expect = "together"},
    {"gate-mutant-count-after-looking", 2, GATE,
     .mutant = MUTANT_COUNT_AFTER_LOOKING, .expect = "together"},
    {"gate-mutant-no-look", 2, GATE, .mutant = MUTANT_NO_LOOK,
     .expect = "together"},
    {"gate-mutant-no-wait", 2, GATE, .mutant = MUTANT_NO_WAIT,
     .expect = "together"},
    {"gate-mutant-no-wake", 2, GATE, .skip = SKIP("gate_wake/wait_wake_all"),
     .expect = "dead-lock"},
    {"gate-mutant-flag-after-wake", 2, GATE, .mutant = MUTANT_FLAG_AFTER_WAKE,
     .expect = "dead-lock"},
    {"gate-mutant-sleep-without-looking", 2, GATE,
     .mutant = MUTANT_SLEEP_WITHOUT_LOOKING, .expect = "dead-lock"},
    {"gate-mutant-stays-counted", 2, GATE, .mutant = MUTANT_STAYS_COUNTED,
     .expect = ""},
};

int
main(int argc, char **argv)
{
    return explore_main(argc, argv, "explore_vmm", tests, ARRAY_LEN(tests));
}
