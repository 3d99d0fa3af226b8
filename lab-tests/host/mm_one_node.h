/* mm_one_node.h: all memory of a host world is one node. */
#ifndef LAB_TESTS_HOST_MM_ONE_NODE_H
#define LAB_TESTS_HOST_MM_ONE_NODE_H

#include "kern/ext/mm/memnode.h"

unsigned
memnode_count(void)
{
    return 1;
}

unsigned
memnode_of(const struct page *page)
{
    (void)page;
    return 0;
}

unsigned
memnode_of_hart(unsigned cpu)
{
    (void)cpu;
    return 0;
}

struct page *
memnode_alloc(unsigned node)
{
    (void)node;
    return alloc_pages(0);
}

#endif
