/* ksyms.c: search in a sorted table. */
#include <ksyms.h>

#include <stddef.h>

const char *
ksyms_find(const struct ksyms *t, uint32_t at, uint32_t *into)
{
    uint32_t low = 0, high = t->count;
    const char *names = (const char *)&t->offset[2 * (size_t)t->count];

    if (t->magic != KSYMS_MAGIC)
        return NULL;
    while (low < high) { /* the first symbol behind AT */
        uint32_t mid = (low + high) / 2;

        if (t->offset[mid] <= at)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return NULL;
    *into = at - t->offset[low - 1];
    return names + t->offset[t->count + low - 1];
}
