/* swap_ram.h: a swap device for tests: pages of memory, and errors on demand. */
#ifndef LAB_TESTS_KERNEL_SWAP_RAM_H
#define LAB_TESTS_KERNEL_SWAP_RAM_H

#include "mm/swap.h"

struct swap_ram {
    struct swap_dev dev;
    struct page **slot;
    uint64_t reads, writes;       /* [a] pages */
    uint64_t calls;               /* [a] to write or read some */
    uint64_t bad_read, bad_write; /* [a] this slot fails; ~0: none */
    unsigned slow_ms;             /* each call takes so long */
};

/* A device of NSLOTS, in use; and its end. */
struct swap_ram *swap_ram_on(uint64_t nslots);
struct swap_ram *swap_ram_on_at(uint64_t nslots, int priority);
void swap_ram_off(struct swap_ram *r);

#endif
