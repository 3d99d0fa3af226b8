/* pmm_audit.c: adds pmm_check(), the audit of mm/pmm.c; a first reader may skip
 * it.
 *
 * Two walks that must meet.  The first goes through RAM from block to block
 * and meets every frame exactly once, as a part of something:
 *
 *   RAM   | reserved |free, order 2| slab |free| block, order 1 |cached| ...
 *            (RAW: the whole section)      (HEAD, TAIL)
 *
 * The second goes through the free lists and the harts' stacks.  Each must
 * find as many of every kind as the other, and as the counters say. */
#include "debug/printk.h"
#include "ext/mm/audit.h"
#include "ext/mm/hart_pages.h"

struct audit {
    unsigned complaints;
    size_t blocks[MAX_ORDER + 1]; /* free blocks met in RAM */
    size_t cached, allocated;     /* frames */
};

static void
complain(struct audit *a, pfn_t pfn, const char *what)
{
    const struct page *p = pfn_to_page(pfn);

    a->complaints++;
    cprintf("pmm_check: pfn %#lx (flags %#x, ref %d): %s\n", pfn, p->flags,
            p->ref, what);
}

/* The frames behind the head of a block must say FLAGS and nothing else. */
static void
check_rest(struct audit *a, pfn_t pfn, unsigned order, uint32_t flags)
{
    for (pfn_t i = pfn + 1; i < pfn + (1ul << order); i++) {
        struct page *p = pfn_to_page(i);

        if ((p->flags & ~PG_OWNER_MASK) != flags || p->ref != 0)
            complain(a, i, "does not fit the block it is in");
    }
}

static bool
is_free_block(pfn_t pfn, unsigned order)
{
    uint32_t f = pfn_to_page(pfn)->flags;

    return (f & (PG_BUDDY | PG_ORDER_MASK)) ==
           (PG_BUDDY | order << PG_ORDER_SHIFT);
}

static void
check_free(struct audit *a, pfn_t pfn, const struct span *ram)
{
    struct page *p = pfn_to_page(pfn);
    unsigned order = page_order(p);
    pfn_t other = pfn ^ (1ul << order);

    a->blocks[order]++;
    if (p->flags & ~(PG_BUDDY | PG_RAW | PG_ORDER_MASK))
        complain(a, pfn, "free, and something else");
    if (p->ref != 0)
        complain(a, pfn, "free, but referenced");
    if ((p->flags & PG_RAW) == 0)
        check_rest(a, pfn, order, 0);
    else if (order < SECTION_ORDER)
        complain(a, pfn, "too small to be raw");
    if (order < MAX_ORDER && other >= ram->start &&
        other + (1ul << order) <= ram->end && is_free_block(other, order))
        complain(a, pfn, "its buddy is free too");
}

/* Look at the block that begins at PFN.  Returns its order. */
static unsigned
check_frame(struct audit *a, pfn_t pfn, const struct span *ram)
{
    struct page *p = pfn_to_page(pfn);
    uint32_t f = p->flags;
    unsigned order = page_order(p);

    if (f & PG_RESERVED)
        return f & PG_RAW ? SECTION_ORDER : 0;
    if (order > MAX_ORDER || pfn % (1ul << order) != 0 ||
        pfn + (1ul << order) > ram->end ||
        (order > 0 && !(f & (PG_BUDDY | PG_HEAD)))) {
        complain(a, pfn, "impossible order");
        return 0;
    }
    if (f & PG_BUDDY) {
        check_free(a, pfn, ram);
        return order;
    }
    if (f & PG_CACHED) {
        a->cached++;
        if (p->flags_ref != PG_CACHED || p->users != 0)
            complain(a, pfn, "cached, and something else");
        return 0;
    }
    a->allocated += 1ul << order;
    if (f & (PG_RAW | PG_TAIL) || (order > 0) != ((f & PG_HEAD) != 0))
        complain(a, pfn, "neither free nor properly allocated");
    if (p->ref < 1)
        complain(a, pfn, "lost: not free, but nobody holds it");
    check_rest(a, pfn, order, PG_TAIL);
    return order;
}

static void
check_list(struct audit *a, unsigned order)
{
    struct list *head = &buddy.free[order];
    size_t n = 0;

    for (struct list *i = head->next; i != head; i = i->next) {
        struct page *p = list_entry(i, struct page, lru);

        if (i->next->prev != i || i->prev->next != i) {
            complain(a, page_to_pfn(p), "the list is torn here");
            break;
        }
        if (!is_free_block(page_to_pfn(p), order)) {
            complain(a, page_to_pfn(p), "on the wrong list");
            break;
        }
        n++;
    }
    if (n != a->blocks[order]) {
        a->complaints++;
        cprintf("pmm_check: order %u: %zu blocks in memory, %zu listed\n",
                order, a->blocks[order], n);
    }
}

/* Without hart_pages.c no hart has a stack. */
static void
check_stacks(struct audit *a)
{
    size_t n = 0;

    for (unsigned i = 0; i < NCPU_MAX; i++) {
        struct pcp *c = cpus[i].pages;
        long top = c != NULL ? count_read(&c->n) : 0;

        for (long k = 0; k < top; k++) {
            struct page *p = c->slot[k];

            n++;
            if (p->flags != PG_CACHED)
                complain(a, page_to_pfn(p), "in a stack, but not marked");
            for (long j = 0; j < k; j++)
                if (c->slot[j] == p)
                    complain(a, page_to_pfn(p), "twice in a stack");
        }
    }
    if (n != a->cached) {
        a->complaints++;
        cprintf("pmm_check: %zu frames marked cached, %zu in stacks\n",
                a->cached, n);
    }
}

unsigned
pmm_check(void)
{
    struct audit a = {0};
    size_t nfree = 0;

    for (unsigned i = 0; i < buddy.nram; i++) {
        const struct span *ram = &buddy.ram[i];

        for (pfn_t pfn = ram->start; pfn < ram->end;)
            pfn += 1ul << check_frame(&a, pfn, ram);
    }
    for (unsigned k = 0; k <= MAX_ORDER; k++) {
        check_list(&a, k);
        nfree += a.blocks[k] << k;
    }
    check_stacks(&a);
    if (nfree != buddy.nfree ||
        nfree + a.cached + a.allocated != buddy.nmanaged) {
        a.complaints++;
        cprintf("pmm_check: %zu free + %zu cached + %zu allocated; counted %zu "
                "free of %zu\n",
                nfree, a.cached, a.allocated, buddy.nfree, buddy.nmanaged);
    }
    return a.complaints;
}

size_t
nr_managed_pages(void)
{
    return atomic_load(&buddy.nmanaged);
}

void
pmm_stat(size_t blocks[MAX_ORDER + 1])
{
    spin_lock(&buddy.lock);
    for (unsigned k = 0; k <= MAX_ORDER; k++) {
        blocks[k] = 0;
        list_for_each (i, &buddy.free[k])
            blocks[k]++;
    }
    spin_unlock(&buddy.lock);
}
