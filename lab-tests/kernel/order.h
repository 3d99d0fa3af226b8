/* order.h: races in the one order that goes wrong if a step is left out.
 *
 * race.h leaves the order to chance.  Here a thread that reaches a race point
 * (libs/race.h) waits there until another one did what must not come in between:
 *
 *     A at the point      B acts, as the mutant lets it      A goes on
 *
 * A kernel that is right either keeps B out, and A waits in vain, so no longer
 * than TURNS once B has BEGUN; or B may act, so that A may wait LONG, and no harm
 * is done.  When OVER is given, the one the others wait for is through.  A page
 * per round; in ktest.img, without race points, the threads only meet by chance.
 *
 * What the signs mean is up to each test; each is given once a round. */
#ifndef LAB_TESTS_KERNEL_ORDER_H
#define LAB_TESTS_KERNEL_ORDER_H

#include "race.h"

#define TURNS  3000u
#define LONG   200000u
#define MINE   5000ul
#define THEIRS 9000ul

enum sign { WARM, THERE, BEGUN, DONE, SEEN, OVER, SIGNS };

/* race_test(), with a hook that calls is_at(). */
void order_test(const struct race *r, void (*hook)(const char *point));
/* race_drop_spaces(), and no sign is given. */
void order_begin(void);
/* The same, and race_mm[0] has zeros at all order_page(), and a layer. */
void order_begin_zeros(void);
/* This thread is WHO, in round R, and uses M. */
void enter(unsigned who, unsigned r, struct mm_struct *m);
/* Is this thread WHO, at this point?  Then *R is its round. */
bool is_at(const char *point, const char *want, unsigned who, unsigned *r);

void give(unsigned r, enum sign s);
bool given(unsigned r, enum sign s);
/* At a point, with any locks held. */
void stay_until(unsigned r, enum sign s, unsigned turns);
/* The same, for one who may be kept out: his hart has a processor now. */
void stay_a_while(unsigned r, enum sign s);
/* Before a step, with no lock held. */
void await(unsigned r, enum sign s);

/* So that each may have an area of its own. */
static inline uintptr_t
order_page(unsigned r)
{
    return race_page_at(2 * r);
}

#endif
