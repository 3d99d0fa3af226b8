/* swap_memory.c: adds swap in memory to ext/mm/swap_space.c, for boards whose disks
 * nobody drives; a first reader may skip it.
 *
 * Nothing is won by it but what a quota of frames, or an experiment, needs. */
#include "ext/mm/swap_space.h"

#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <string.h>

#define PIECE_ORDER 9u
#define PIECE_PAGES (1u << PIECE_ORDER)
#define PIECES_MAX  512u /* 1 GiB */

struct memory_space {
    struct swap_space space;
    unsigned npieces;
    struct page *pieces[PIECES_MAX];
};

static void *
slot_va(struct memory_space *m, uint64_t slot)
{
    return page_to_va(m->pieces[slot / PIECE_PAGES] + slot % PIECE_PAGES);
}

/* Without ext/mm/knob_meanwhile.c. */
WEAK void
swap_meanwhile(const struct page *page)
{
}

static int
memory_io(struct swap_dev *dev, bool write, uint64_t slot, struct page **pages,
          unsigned n)
{
    struct memory_space *m = container_of(dev, struct memory_space, space.dev);

    for (unsigned i = 0; i < n; i++) {
        void *there = slot_va(m, slot + i), *here = page_to_va(pages[i]);

        if (fail_now(write ? FAIL_SWAP_WRITE : FAIL_SWAP_READ))
            return -EIO;
        if (!write) {
            page_copy(here, there);
            continue;
        }
        page_copy(there, here);
        swap_meanwhile(pages[i]);
    }
    return 0;
}

static void
memory_end(struct swap_space *s)
{
    struct memory_space *m = container_of(s, struct memory_space, space);

    while (m->npieces > 0)
        free_pages(m->pieces[--m->npieces], PIECE_ORDER);
    kfree(m);
}

static int
use_memory(struct memory_space *m, unsigned npieces, uint64_t slots,
           int priority)
{
    m->space.type = "ram";
    m->space.end = memory_end;
    m->space.dev.io = memory_io;
    strlcpy(m->space.name, "ram", sizeof(m->space.name));
    for (; m->npieces < npieces; m->npieces++) {
        m->pieces[m->npieces] = alloc_pages(PIECE_ORDER);
        if (m->pieces[m->npieces] == NULL)
            return -ENOMEM;
    }
    return swap_space_add(&m->space, slots, priority);
}

int
swap_on_memory(size_t bytes, int priority)
{
    size_t slots = bytes / PAGE_SIZE;
    size_t npieces = (slots + PIECE_PAGES - 1) / PIECE_PAGES;
    struct memory_space *m;
    int err;

    if (npieces == 0 || npieces > PIECES_MAX)
        return -EINVAL;
    m = kzalloc(sizeof(*m));
    if (m == NULL)
        return -ENOMEM;
    err = use_memory(m, (unsigned)npieces, slots, priority);
    if (err != 0)
        memory_end(&m->space);
    return err;
}
