/* swap_ram.c: a swap device for tests. */
#include "swap_ram.h"

#include "ktest.h"
#include "mm/kmalloc.h"
#include "schedule/timeout.h"
#include <errno.h>

static int
swap_ram_io(struct swap_dev *dev, bool write, uint64_t slot,
            struct page **pages, unsigned n)
{
    struct swap_ram *r = dev->host;
    uint64_t bad = atomic_load(write ? &r->bad_write : &r->bad_read);

    atomic_add(&r->calls, 1ul);
    if (r->slow_ms != 0)
        sleep_ms(r->slow_ms);
    for (unsigned i = 0; i < n; i++) {
        if (slot + i == bad)
            return -EIO;
        if (write)
            page_copy(page_to_va(r->slot[slot + i]), page_to_va(pages[i]));
        else
            page_copy(page_to_va(pages[i]), page_to_va(r->slot[slot + i]));
    }
    atomic_add(write ? &r->writes : &r->reads, (uint64_t)n);
    return 0;
}

struct swap_ram *
swap_ram_on(uint64_t nslots)
{
    return swap_ram_on_at(nslots, 0);
}

struct swap_ram *
swap_ram_on_at(uint64_t nslots, int priority)
{
    struct swap_ram *r = kzalloc(sizeof(*r));

    r->slot = kmalloc(nslots * sizeof(struct page *));
    for (uint64_t i = 0; i < nslots; i++)
        r->slot[i] = alloc_pages(0);
    r->bad_read = r->bad_write = ~0ul;
    r->dev.io = swap_ram_io;
    r->dev.host = r;
    r->dev.nslots = nslots;
    r->dev.priority = priority;
    CHECK(swap_on(&r->dev) == 0);
    return r;
}

void
swap_ram_off(struct swap_ram *r)
{
    CHECK(swap_off(&r->dev) == 0);
    for (uint64_t i = 0; i < r->dev.nslots; i++)
        free_pages(r->slot[i], 0);
    kfree(r->slot);
    kfree(r);
}
