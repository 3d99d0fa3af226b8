/* kstat.c: the rows of counters, one per hart. */
#include "debug/kstat.h"

struct kstat_row kstat_rows[NCPU_MAX];

const char *const kstat_names[KSTAT_COUNT] = {
#define X(id, name) [id] = name,
    KSTAT_LIST(X)
#undef X
};

uint64_t
kstat_read(enum kstat_id id)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < ncpu; i++)
        sum += atomic_load(&kstat_rows[i].v[id]);
    return sum;
}
