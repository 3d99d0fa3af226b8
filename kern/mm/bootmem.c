/* bootmem.c: two short sorted lists of ranges: what exists, what is free.
 *
 *     RAM    |------------------------------------|
 *     free          |--------|  |------------------|
 *             firmware      image            <- allocations come off the end
 *                                               of the last range that fits
 *
 * Allocations come off the high end, so that the low memory stays in one piece
 * for the buddy allocator. */
#include "mm/bootmem.h"

#include <errno.h>

static struct pmm_range ram[PMM_MAX_RANGES], avail[PMM_MAX_RANGES];
static unsigned nram, navail;

void
bootmem_add(paddr_t start, paddr_t end)
{
    start = PAGE_UP(start);
    end = PAGE_DOWN(end);
    if (start >= end || nram == PMM_MAX_RANGES || navail == PMM_MAX_RANGES)
        return;
    ram[nram++] = (struct pmm_range){start, end};
    avail[navail++] = (struct pmm_range){start, end};
}

static void
remove_range(unsigned i)
{
    for (navail--; i < navail; i++)
        avail[i] = avail[i + 1];
}

/* Cut [START, END) out of avail[i]: nothing, one or two pieces are left. */
static int
cut(unsigned i, paddr_t start, paddr_t end)
{
    struct pmm_range r = avail[i];

    if (start <= r.start && end >= r.end) {
        remove_range(i);
    } else if (start <= r.start) {
        avail[i].start = end;
    } else if (end >= r.end) {
        avail[i].end = start;
    } else {
        if (navail == PMM_MAX_RANGES)
            return -ENOSPC;
        for (unsigned j = navail++; j > i; j--)
            avail[j] = avail[j - 1];
        avail[i].end = start;
        avail[i + 1].start = end;
    }
    return 0;
}

int
bootmem_reserve(paddr_t start, paddr_t end)
{
    start = PAGE_DOWN(start);
    end = PAGE_UP(end);
    for (unsigned i = navail; i-- > 0;) {
        int err;

        if (start >= avail[i].end || end <= avail[i].start)
            continue;
        err = cut(i, start, end);
        if (err != 0)
            return err;
    }
    return 0;
}

paddr_t
bootmem_alloc(size_t size, size_t align)
{
    for (unsigned i = navail; i-- > 0;) {
        struct pmm_range r = avail[i];
        paddr_t start;

        if (r.end - r.start < size)
            continue;
        start = ROUND_DOWN(r.end - size, align);
        if (start >= r.start && cut(i, start, start + size) == 0)
            return start;
    }
    return 0;
}

static size_t
sum(const struct pmm_range *r, unsigned n)
{
    size_t total = 0;

    for (unsigned i = 0; i < n; i++)
        total += r[i].end - r[i].start;
    return total;
}

size_t
bootmem_total(void)
{
    return sum(ram, nram);
}

size_t
bootmem_free(void)
{
    return sum(avail, navail);
}

unsigned
bootmem_ram(const struct pmm_range **ranges)
{
    *ranges = ram;
    return nram;
}

unsigned
bootmem_free_ranges(const struct pmm_range **ranges)
{
    *ranges = avail;
    return navail;
}
