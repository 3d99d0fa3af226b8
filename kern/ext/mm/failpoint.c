/* failpoint.c: adds the answers to mm/failpoint.h; a first reader may skip it.
 * One countdown per site:
 *
 *   fail_set("page", 3)     left[PAGE] = 3
 *   ask, ask                left[PAGE] = 1    "no", "no"
 *   ask                     left[PAGE] = 0    "yes", and disarmed again
 *
 * Every ask counts down its own site and "any" as well; it says yes when
 * either arrives at zero.  Harts may ask at the same time: each takes one
 * count, so exactly one of them hears yes. */
#include "mm/failpoint.h"
#include "debug/kstat.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

static const char *const names[FAIL_COUNT] = {
#define X(id, name) [id] = name,
    FAIL_LIST(X)
#undef X
};

static uint64_t left[FAIL_COUNT]; /* [a] asks until yes; 0: disarmed */

static void
fail_rearm(void)
{
    bool any = false;

    for (unsigned i = 0; i < FAIL_COUNT; i++)
        any |= atomic_load(&left[i]) != 0;
    atomic_store(&fail_armed, any);
}

/* Take one count; true if it was the last. */
static bool
count_down(enum fail_site site)
{
    uint64_t n = atomic_load(&left[site]);

    while (n != 0)
        if (atomic_cas(&left[site], &n, n - 1))
            return n == 1;
    return false;
}

static bool
ask(enum fail_site site)
{
    bool any = count_down(FAIL_ANY);
    bool own = site != FAIL_ANY && count_down(site);

    if (any || own) {
        kstat_inc(STAT_ALLOC_FAIL);
        fail_rearm();
    }
    return any || own;
}

int
fail_set(const char *site, uint64_t nth)
{
    for (unsigned i = 0; i < FAIL_COUNT; i++) {
        if (strcmp(site, names[i]) == 0) {
            atomic_store(&left[i], nth);
            fail_hook = ask;
            fail_rearm();
            return 0;
        }
    }
    return -EINVAL;
}

uint64_t
fail_left(enum fail_site site)
{
    return atomic_load(&left[site]);
}
