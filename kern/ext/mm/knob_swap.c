/* knob_swap.c: adds the knob swap_readahead to mm/fault_swap.c, and swap_ram to
 * ext/mm/swap_memory.c; a first reader may skip it. */
#include "ext/mm/knob.h"
#include "ext/mm/swap_space.h"
#include "mm/fault_impl.h"
#include <string.h>

static const struct knob ahead_knob = {
    .name = "swap_readahead",
    .help = "pages that come from swap with the one that is wanted, at most",
    .value = &swap_readahead,
    .max = SWAP_AHEAD,
};
TABLE_ADD(knob, ahead_knob);

/* "swapoff ram" ends it. */
static const char *
use_memory(const char *text)
{
    const char *end;
    uint64_t kib = strtoull_simple(text, &end);

    if (end == text || *end != '\0' || kib > (1ul << 30))
        return "wants a number of KiB";
    return swap_on_memory(kib << 10, SWAP_LAST) == 0 ? NULL
                                                     : "no memory for it";
}

static const struct knob ram_knob = {
    .name = "swap_ram",
    .help = "KIB: so much memory more is swap space",
    .set = use_memory,
};
TABLE_ADD(knob, ram_knob);
