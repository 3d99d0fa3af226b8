/* order.c: who waits for whom; see order.h. */
#include "order.h"

static uint32_t sign[SET][SIGNS]; /* [a] */
static struct {
    struct thread *thread;
    unsigned round;
} CACHE_ALIGNED actor[RACERS];

void
order_begin(void)
{
    race_drop_spaces();
    memset(sign, 0, sizeof(sign));
}

void
order_begin_zeros(void)
{
    order_begin();
    race_mm[0] = race_space(2 * SET + 1);
    race_put(race_mm[0], order_page(SET), 1);
}

void
order_test(const struct race *r, void (*hook)(const char *point))
{
    memset(actor, 0, sizeof(actor));
    race_hook = hook;
    race_test(r);
}

void
enter(unsigned who, unsigned r, struct mm_struct *m)
{
    actor[who].thread = current_thread();
    actor[who].round = r;
    mm_use(m);
}

bool
is_at(const char *point, const char *want, unsigned who, unsigned *r)
{
    *r = actor[who].round;
    return actor[who].thread == current_thread() && strcmp(point, want) == 0;
}

void
give(unsigned r, enum sign s)
{
    atomic_store_release(&sign[r][s], 1u);
}

bool
given(unsigned r, enum sign s)
{
    return atomic_load_acquire(&sign[r][s]) != 0;
}

void
stay_until(unsigned r, enum sign s, unsigned turns)
{
    for (unsigned n = 0; n < turns && !given(r, s); n++)
        cpu_wait();
}

void
stay_a_while(unsigned r, enum sign s)
{
    stay_until(r, BEGUN, LONG);
    stay_until(r, s, TURNS);
}

void
await(unsigned r, enum sign s)
{
    while (!given(r, s) && !given(r, OVER) && race_wait())
        continue;
}
