/* link_asid.c: kern/ext/init/asid.c for explore_space.c. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "space_world.h"

#include "kern/ext/init/asid.c"

void
world_asid_bits(unsigned bits)
{
    bits_usable = bits;
    asid_limit(bits);
}
