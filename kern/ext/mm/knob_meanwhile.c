/* knob_meanwhile.c: adds to ext/mm/swap_memory.c that a program may store to its
 * memory while a page of it is written to swap; a first reader may skip it.
 *
 * A disk takes long, and a program goes on meanwhile.  Memory takes no time, so
 * nobody ever comes between, and code that forgets to look again is never caught.
 * With the knob the store is done right behind the next page that is written, by the
 * thread that writes: at the same moment each time. */
#include "ext/mm/knob.h"
#include "ext/mm/swap_space.h"
#include "mm/uaccess.h"
#include <string.h>

static uintptr_t store_to; /* [a] 0: nothing happens */
static uint8_t store_what;

void
swap_meanwhile(const struct page *page)
{
    uintptr_t to = atomic_swap(&store_to, 0ul);

    /* Whoever meets the page meanwhile must see that it is on its way. */
    assert(to == 0 || (atomic_load(&page->flags) & PG_WRITEBACK));
    /* Where no program may store, none does. */
    if (to != 0 && copy_to_user(to, &store_what, 1) != 0)
        return;
}

static const char *
set_store(const char *text)
{
    const char *end;
    uintptr_t to = strtoull_simple(text, &end);

    if (end == text || *end != ',')
        return "wants ADDRESS,BYTE";
    store_what = (uint8_t)strtoull_simple(end + 1, &end);
    atomic_store(&store_to, to);
    return NULL;
}

static const struct knob meanwhile_knob = {
    .name = "swap_store",
    .help = "ADDRESS,BYTE: a store while the next page is written to swap",
    .set = set_store,
};
TABLE_ADD(knob, meanwhile_knob);
