/* pmm_debug.c: what is checked of every block that goes in or out: that it may
 * be freed, and, in poison mode, that nobody wrote to it while it was free. */
#include "debug/panic.h"
#include "mm/pmm_impl.h"

#define POISON_WORD 0xf4eef4eef4eef4eeul /* "free free" */

void
poison_fill(struct page *p)
{
    uint64_t *word = page_to_va(p);

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*word); i++)
        word[i] = POISON_WORD;
}

void
poison_verify(struct page *p)
{
    const uint64_t *word = page_to_va(p);

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*word); i++)
        if (word[i] != POISON_WORD)
            panic("pfn %#lx was written after it was freed: offset %#lx holds "
                  "%#lx",
                  page_to_pfn(p), i * sizeof(*word), word[i]);
}

/* What is wrong with giving back this block, or NULL. */
static const char *
free_fault(struct page *p, unsigned order)
{
    pfn_t pfn = page_to_pfn(p);
    uint32_t f;

    if (((uintptr_t)p - MEMMAP_BASE) % sizeof(*p) != 0)
        return "not a frame descriptor";
    if (ram_find(pfn) == NULL)
        return "not RAM";
    if (order > MAX_ORDER || pfn % (1ul << order) != 0)
        return "not aligned to its order";
    f = atomic_load(&p->flags);
    if (f & PG_RESERVED)
        return "reserved";
    if (f & (PG_BUDDY | PG_CACHED))
        return "free already";
    if (f & PG_TAIL)
        return "in the middle of a block";
    if (f & PG_SLAB)
        return "kmalloc's";
    if (p->ref == 0)
        return "not allocated (inside a free or reserved block)";
    if (page_order(p) != order || (order > 0) != ((f & PG_HEAD) != 0))
        return "of another order";
    if (p->ref != 1)
        return "still referenced";
    if (p->users != 0)
        return "still mapped, locked or pinned";
    return NULL;
}

void
free_check(struct page *p, unsigned order)
{
    const char *fault = free_fault(p, order);
    bool ram = ram_find(page_to_pfn(p)) != NULL;

    if (fault != NULL)
        panic("free_pages: pfn %#lx order %u is %s (flags %#x, ref %d)",
              page_to_pfn(p), order, fault, ram ? p->flags : 0,
              ram ? p->ref : 0);
    for (unsigned long i = 1; i < 1ul << order; i++)
        if ((p[i].flags & ~PG_OWNER_MASK) != PG_TAIL || p[i].users != 0)
            panic("free_pages: pfn %#lx order %u: frame %lu of the block has "
                  "flags %#x, users %#lx",
                  page_to_pfn(p), order, i, p[i].flags, p[i].users);
}
