/* pmm.c: blocks of 2^order frames, and where they begin and end.
 *
 * The buddy of a block is the other half of the block twice its size; its
 * number differs in one bit.  A free block whose buddy is free too is joined
 * with it at once, so two free buddies never lie side by side:
 *
 *   order 3   |               0               |
 *   order 2   |       0       |       4       |     buddy(0, order 2) = 4
 *   order 1   |   0   |   2   |   4   |   6   |     buddy(6, order 1) = 4
 *   order 0   | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |     buddy(5, order 0) = 4
 *
 * Free blocks lie on one list per order; bit k of "nonempty" says that list k
 * is not empty, so the smallest block that is large enough is found by one
 * bit scan.
 *
 * Lazy descriptors.  A descriptor costs a cache line to write, and a machine
 * may have millions; so at boot only those are written that somebody could
 * read.  Per section (2 MiB, 512 frames):
 *
 *   free, whole        none, unless a block begins here: BUDDY RAW on its head
 *   reserved, whole    RESERVED RAW on the first
 *   mixed, or cut by the edge of RAM     all that lie in RAM
 *
 * RAW promises nothing about the descriptors behind the head.  It is handed on
 * when a block is split, and joined with "or" when blocks are merged; a split
 * that goes below a section writes the section's 512 descriptors first.
 * A RAW block that is allocated whole gets them from claim() in pcp.c.
 *
 * Which descriptors may be read?  Looking for the buddy of a block X we read
 * the descriptor at Y = buddy(X).  The frames from Y on are made of whole
 * blocks, none larger than X, or are reserved.  So Y is the head of a block,
 * or the first frame of a reserved section, or in a mixed section: written.
 * Y may lie outside RAM, where there may be no descriptor at all; this is
 * why the merge loop asks for the run of RAM first. */
#include "debug/panic.h"
#include "mm/pmm_impl.h"

struct buddy buddy = {.lock = SPINLOCK_INIT(RANK_BUDDY)};

const struct span *
ram_find(pfn_t pfn)
{
    for (unsigned i = 0; i < buddy.nram; i++)
        if (pfn - buddy.ram[i].start < buddy.ram[i].end - buddy.ram[i].start)
            return &buddy.ram[i];
    return NULL;
}

void
describe(pfn_t start, pfn_t end, uint32_t flags)
{
    struct page *p = pfn_to_page(start);

    for (; start < end; start++)
        *p++ = (struct page){.flags = flags};
}

static void
list_put(struct page *p, unsigned order, uint32_t raw)
{
    if (raw)
        describe(page_to_pfn(p), page_to_pfn(p) + 1, 0);
    atomic_store(&p->flags, (p->flags & PG_POISON) | PG_BUDDY | raw |
                                order << PG_ORDER_SHIFT);
    p->ref = 0;
    list_add(&buddy.free[order], &p->lru);
    buddy.nblocks[order]++;
    buddy.nonempty |= 1u << order;
}

/* Returns PG_RAW or 0, as the block was. */
static uint32_t
list_take(struct page *p, unsigned order)
{
    uint32_t raw = p->flags & PG_RAW;

    atomic_store(&p->flags, p->flags & PG_POISON);
    list_del(&p->lru);
    if (--buddy.nblocks[order] == 0)
        buddy.nonempty &= ~(1u << order);
    return raw;
}

/* Put the upper halves of P back until it has order TO.  Returns its RAW. */
static uint32_t
split(struct page *p, unsigned from, unsigned to, uint32_t raw)
{
    while (from > to) {
        from--;
        if (raw && from < SECTION_ORDER) {
            pfn_t pfn = page_to_pfn(p);

            describe(pfn, pfn + SECTION_PAGES, 0);
            raw = 0;
        }
        list_put(p + (1ul << from), from, raw);
    }
    return raw;
}

struct page *
buddy_take(unsigned order, bool *raw)
{
    uint32_t fits = buddy.nonempty >> order;
    unsigned from;
    struct page *p;

    if (fits == 0)
        return NULL;
    from = order + (unsigned)__builtin_ctz(fits);
    p = list_first(&buddy.free[from], struct page, lru);
    buddy.nfree -= 1ul << order;
    *raw = split(p, from, order, list_take(p, from)) != 0;
    return p;
}

void
buddy_put(struct page *p, unsigned order, uint32_t raw)
{
    pfn_t pfn = page_to_pfn(p);
    const struct span *ram = ram_find(pfn);

    buddy.nfree += 1ul << order;
    for (; order < MAX_ORDER; order++) {
        uint32_t want = PG_BUDDY | order << PG_ORDER_SHIFT;
        pfn_t other = pfn ^ (1ul << order);
        struct page *q = pfn_to_page(other);

        if (other < ram->start || other + (1ul << order) > ram->end)
            break;
        if ((atomic_load(&q->flags) & (PG_BUDDY | PG_ORDER_MASK)) != want)
            break;
        raw |= list_take(q, order);
        if (other < pfn) {
            atomic_store(&p->flags, p->flags & PG_POISON);
            p->ref = 0;
            p = q;
            pfn = other;
        }
    }
    list_put(p, order, raw);
}

/* The largest block that begins at PFN and does not reach beyond END. */
static unsigned
largest_order(pfn_t pfn, pfn_t end)
{
    unsigned order = log2_floor(end - pfn);

    if (pfn != 0)
        order = MIN(order, (unsigned)__builtin_ctzll(pfn));
    return MIN(order, MAX_ORDER);
}

/* [START, END) is in use for ever; nothing next to it in RAM is. */
static void
seed_reserved(pfn_t start, pfn_t end)
{
    pfn_t next;

    for (; start < end; start = next) {
        next = MIN(end, ROUND_DOWN(start, SECTION_PAGES) + SECTION_PAGES);
        if (next - start == SECTION_PAGES)
            describe(start, start + 1, PG_RESERVED | PG_RAW);
        else
            describe(start, next, PG_RESERVED);
    }
}

/* [START, END) is free; nothing next to it is. */
static void
seed_free(pfn_t start, pfn_t end)
{
    pfn_t first = MIN(end, ROUND_UP(start, SECTION_PAGES));
    pfn_t last = MAX(first, ROUND_DOWN(end, SECTION_PAGES));

    describe(start, first, 0);
    describe(last, end, 0);
    buddy.nmanaged += end - start;
    buddy.nfree += end - start;
    while (start < end) {
        unsigned order = largest_order(start, end);

        list_put(pfn_to_page(start), order,
                 order >= SECTION_ORDER ? PG_RAW : 0);
        start += 1ul << order;
    }
}

/* The next frames of the N ranges at R, from *I on, neighbours joined. */
static bool
next_span(const struct pmm_range *r, unsigned n, unsigned *i, struct span *s)
{
    if (*i == n)
        return false;
    s->start = PAGE_UP(r[*i].start) >> PAGE_SHIFT;
    s->end = r[*i].end >> PAGE_SHIFT;
    while (++*i < n && PAGE_UP(r[*i].start) >> PAGE_SHIFT == s->end)
        s->end = r[*i].end >> PAGE_SHIFT;
    return true;
}

void
pmm_init(const struct pmm_range *ram, unsigned nram,
         const struct pmm_range *free, unsigned nfree)
{
    unsigned i = 0, f = 0;
    struct span run;
    bool more;

    assert(nram <= PMM_MAX_RANGES);
    buddy = (struct buddy){.lock = SPINLOCK_INIT(RANK_BUDDY)};
    for (unsigned k = 0; k <= MAX_ORDER; k++)
        list_init(&buddy.free[k]);
    while (next_span(ram, nram, &i, &run))
        if (run.start < run.end)
            buddy.ram[buddy.nram++] = run;

    more = next_span(free, nfree, &f, &run);
    for (i = 0; i < buddy.nram; i++) {
        pfn_t at = buddy.ram[i].start;

        for (; more && run.start < buddy.ram[i].end;
             more = next_span(free, nfree, &f, &run)) {
            seed_reserved(at, run.start);
            seed_free(run.start, run.end);
            at = run.end;
        }
        seed_reserved(at, buddy.ram[i].end);
    }
    pcp_init();
}

/* Release [START, END), which lies in one section.  => buddy.lock held */
static void
release_part(pfn_t start, pfn_t end)
{
    pfn_t section = ROUND_DOWN(start, SECTION_PAGES);
    const struct span *ram = ram_find(start);

    if (ram == NULL || end > ram->end)
        panic("pmm_release: pfn %#lx is not RAM", start);
    /* A section that was reserved as a whole becomes a mixed one. */
    if (section >= ram->start && section + SECTION_PAGES <= ram->end &&
        pfn_to_page(section)->flags == (PG_RESERVED | PG_RAW))
        describe(section, section + SECTION_PAGES, PG_RESERVED);
    for (pfn_t pfn = start; pfn < end; pfn++) {
        if (pfn_to_page(pfn)->flags != PG_RESERVED)
            panic("pmm_release: pfn %#lx is not reserved (flags %#x)", pfn,
                  pfn_to_page(pfn)->flags);
        pfn_to_page(pfn)->flags = 0;
    }
    buddy.nmanaged += end - start;
    while (start < end) {
        unsigned order = largest_order(start, end);

        buddy_put(pfn_to_page(start), order, 0);
        start += 1ul << order;
    }
}

void
pmm_release(paddr_t start, paddr_t end)
{
    pfn_t pfn = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT, next;

    for (; pfn < last; pfn = next) {
        next = MIN(last, ROUND_DOWN(pfn, SECTION_PAGES) + SECTION_PAGES);
        spin_lock(&buddy.lock);
        release_part(pfn, next);
        spin_unlock(&buddy.lock);
    }
}

size_t
nr_managed_pages(void)
{
    size_t n;

    spin_lock(&buddy.lock);
    n = buddy.nmanaged;
    spin_unlock(&buddy.lock);
    return n;
}

void
pmm_stat(size_t blocks[MAX_ORDER + 1])
{
    spin_lock(&buddy.lock);
    for (unsigned k = 0; k <= MAX_ORDER; k++)
        blocks[k] = buddy.nblocks[k];
    spin_unlock(&buddy.lock);
}
