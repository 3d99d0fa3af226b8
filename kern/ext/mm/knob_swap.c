/* knob_swap.c: adds the knob swap_readahead to mm/fault_swap.c; a first reader may skip
 * it. */
#include "ext/mm/knob.h"
#include "mm/fault_impl.h"

static const struct knob ahead_knob = {
    .name = "swap_readahead",
    .help = "pages that come from swap with the one that is wanted, at most",
    .value = &swap_readahead,
    .max = SWAP_AHEAD,
};
TABLE_ADD(knob, ahead_knob);
