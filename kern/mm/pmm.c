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
 * Free blocks lie on one list per order; a block is taken from the first list
 * that has one and cut down to size.  A block, by flags and ref of its frames:
 *
 *                      head                  behind the head
 *   free               BUDDY | order, 0      0, 0
 *   allocated, one     0 | owner's bits, 1   (none)
 *   allocated, more    HEAD | order, 1       TAIL, 0
 *
 * Lazy descriptors.  A descriptor costs a cache line to write, and a machine
 * may have millions; so at boot only those are written that somebody could
 * read.  Per section (2 MiB, 512 frames):
 *
 *   free, whole        the first: BUDDY RAW if a block begins here, or nothing
 *   reserved, whole    RESERVED RAW on the first
 *   mixed, or cut by the edge of RAM     all that lie in RAM
 *
 * RAW promises nothing about the descriptors behind the head.  It is handed on
 * when a block is split, and joined with "or" when blocks are merged; a split
 * that goes below a section writes the section's 512 descriptors first, and
 * who allocates a raw block whole writes them all.
 *
 * Which descriptors may be read?  Looking for the buddy of a block X we read
 * the descriptor at Y = buddy(X).  The frames from Y on are made of whole
 * blocks, none larger than X, or are reserved.  So Y is the head of a block,
 * or the first frame of a reserved section, or in a mixed section: written.
 * Y may lie outside RAM, where there may be no descriptor at all; this is
 * why the merge loop asks for the run of RAM first. */
#include "mm/pmm_impl.h"

#include "debug/kstat.h"
#include "debug/panic.h"
#include "debug/trace.h"
#include "mm/failpoint.h"

struct buddy buddy = {.lock = SPINLOCK_INIT(RANK_BUDDY)};
pfn_t memmap_first_pfn;
bool fail_armed; /* [a] */
bool (*fail_hook)(enum fail_site site);
bool pmm_poison;
size_t reclaim_mark, reclaim_min;

/* The run of RAM that PFN lies in, or NULL. */
static const struct span *
ram_find(pfn_t pfn)
{
    for (unsigned i = 0; i < buddy.nram; i++)
        if (pfn - buddy.ram[i].start < buddy.ram[i].end - buddy.ram[i].start)
            return &buddy.ram[i];
    return NULL;
}

/* Write the descriptors of [START, END): FLAGS, all else 0. */
static void
describe(pfn_t start, pfn_t end, uint32_t flags)
{
    struct page *p = pfn_to_page(start);

    for (; start < end; start++)
        *p++ = (struct page){.flags = flags};
}

/* --- free blocks --- */

static void
list_put(struct page *p, unsigned order, uint32_t raw)
{
    if (raw)
        describe(page_to_pfn(p), page_to_pfn(p) + 1, 0);
    atomic_store(&p->flags, PG_BUDDY | raw | order << PG_ORDER_SHIFT);
    list_add(&buddy.free[order], &p->lru);
}

/* Returns PG_RAW or 0, as the block was. */
static uint32_t
list_take(struct page *p)
{
    uint32_t raw = p->flags & PG_RAW;

    atomic_store(&p->flags, 0u);
    list_del(&p->lru);
    return raw;
}

/* mm/reclaim.c, if linked, takes its place. */
WEAK void
reclaim_wake(void)
{
}

bool
memory_short(void)
{
    return atomic_load(&buddy.nfree) <
           MIN(reclaim_min, atomic_load(&reclaim_mark));
}

struct page *
buddy_take(unsigned order, bool *raw)
{
    /* LAB 2.1: take a free block of 2^ORDER frames off its list.
     *
     * The smallest list that has a block will do; what is too large is halved
     * until it fits, and each upper half goes back to the list of its order.
     * No block, or ORDER above MAX_ORDER: NULL. Keep buddy.nfree right, and
     * call reclaim_wake(), locked, whenever less than reclaim_mark is left.
     *
     * list_take() and list_put() take a block off a list and put it there;
     * both know of raw blocks, whose frames behind the first have no
     * descriptor yet (see above). The halves of a raw block are raw, too, but
     * what becomes smaller than a section (SECTION_ORDER) needs descriptors
     * first: describe(). *RAW says what the block is that you return. */
    unsigned from = order;
    struct page *p;

    while (from <= MAX_ORDER && list_empty(&buddy.free[from]))
        from++;
    if (from > MAX_ORDER)
        return NULL;
    p = list_first(&buddy.free[from], struct page, lru);
    *raw = list_take(p) != 0;
    while (from-- > order) { /* the upper half goes back */
        if (*raw && from < SECTION_ORDER) {
            describe(page_to_pfn(p), page_to_pfn(p) + SECTION_PAGES, 0);
            *raw = false;
        }
        list_put(p + (1ul << from), from, *raw ? PG_RAW : 0);
    }
    if (unlikely(atomic_add(&buddy.nfree, -(1ul << order)) - (1ul << order) <
                 atomic_load(&reclaim_mark)))
        reclaim_wake();
    return p;
    /* STUB: return NULL; */
    /* END 2.1 */
}

void
buddy_put(struct page *p, unsigned order, uint32_t raw)
{
    /* LAB 2.2: give the block of 2^ORDER frames at P back.
     *
     * As long as its buddy is a free block of the same order, the two become
     * one of the next order: take the buddy off its list, go on with the lower
     * one of both. Stop at MAX_ORDER, or if the buddy does not lie in the same
     * run of RAM (ram_find()): its descriptor may not even exist. A free block
     * says so in its flags: PG_BUDDY and its order. The merged block is raw if
     * one of its parts is. buddy.nfree counts frames. */
    pfn_t pfn = page_to_pfn(p);
    const struct span *ram = ram_find(pfn);

    atomic_add(&buddy.nfree, 1ul << order);
    for (; order < MAX_ORDER; order++) {
        uint32_t want = PG_BUDDY | order << PG_ORDER_SHIFT;
        pfn_t other = pfn ^ (1ul << order);
        struct page *q = pfn_to_page(other);

        if (other < ram->start || other + (1ul << order) > ram->end)
            break;
        if ((atomic_load(&q->flags) & (PG_BUDDY | PG_ORDER_MASK)) != want)
            break;
        raw |= list_take(q);
        if (other < pfn) {
            p = q;
            pfn = other;
        }
    }
    list_put(p, order, raw);
    /* STUB: atomic_add(&buddy.nfree, 1ul << order); */
    /* STUB: list_put(p, order, raw); */
    /* END 2.2 */
}

/* --- a walk over all frames --- */

/* Frames to go on from P to what may be a page: 0, it may be one itself.  Where a
 * section's first frame says nothing, it is free or is just being described. */
static unsigned long
frames_to_skip(struct page *p, pfn_t pfn)
{
    uint32_t f = atomic_load(&p->flags);

    if (f & PG_BUDDY)
        return 1ul << ((f & PG_ORDER_MASK) >> PG_ORDER_SHIFT);
    if (pfn % SECTION_PAGES == 0 &&
        ((f & PG_RAW) || atomic_load(&p->flags_ref) == 0))
        return SECTION_PAGES;
    return (f & (PG_RESERVED | PG_CACHED | PG_HEAD | PG_TAIL | PG_SLAB |
                 PG_TABLE)) != 0;
}

struct page *
frame_next(pfn_t *at)
{
    for (unsigned i = 0; i < buddy.nram; i++) {
        pfn_t pfn = MAX(*at, buddy.ram[i].start);

        while (pfn < buddy.ram[i].end) {
            struct page *p = pfn_to_page(pfn);
            unsigned long n = frames_to_skip(p, pfn);

            if (n == 0) {
                *at = pfn + 1;
                return p;
            }
            pfn += n - pfn % n;
        }
    }
    *at = 0;
    return NULL;
}

/* --- allocated blocks --- */

struct page *
block_claim(struct page *p, unsigned order, bool raw)
{
    /* LAB 2.3: the block that was taken off the lists at P (NULL: none) gets
     * its owner.
     *
     * The table at the top of this file says what its descriptors look like
     * now: one reference, and if it is more than one frame, HEAD with the
     * order on the first and TAIL on the others. A raw block has no
     * descriptors behind its first frame yet: describe(). Count what happened:
     * STAT_ALLOC_FAIL for none, else STAT_PAGE_ALLOC with the number of frames
     * and trace(TRACE_ALLOC, its number, ORDER). */
    pfn_t pfn;

    if (p == NULL) {
        kstat_inc(STAT_ALLOC_FAIL);
        return NULL;
    }
    pfn = page_to_pfn(p);
    kstat_add(STAT_PAGE_ALLOC, 1ul << order);
    trace(TRACE_ALLOC, pfn, order);
    if (raw)
        describe(pfn + 1, pfn + (1ul << order), 0);
    for (unsigned long i = 1; i < 1ul << order; i++)
        atomic_store(&p[i].flags, PG_TAIL);
    p->ref = 1;
    if (order > 0)
        atomic_store(&p->flags, PG_HEAD | order << PG_ORDER_SHIFT);
    return p;
    /* STUB: if (p != NULL) */
    /* STUB:     p->ref = 1; */
    /* STUB: return p; */
    /* END 2.3 */
}

/* What is wrong with giving back this block, or NULL. */
static const char *
free_fault(struct page *p, unsigned order)
{
    /* LAB 2.4: what is wrong with giving back this block? NULL: nothing.
     *
     * A kernel that frees a frame twice gives it to two owners, and the damage
     * shows much later, somewhere else. So look before you believe: Is P a
     * descriptor at all, and its frame in RAM? Is the frame the first of a
     * block of this order? Is it free already (also in a hart's own store:
     * CACHED), reserved, in the middle of a block, or somebody else's: of a
     * slab, on a list of swap (SWAPPABLE)? Is it still used: more than one
     * reference, or users (who maps, mlocks or pins it)? Bits of the owner's
     * own (DIRTY, LOCKED) are no fault. Say it in a few words, to panic with. */
    pfn_t pfn = page_to_pfn(p);
    uint32_t f;

    if (((uintptr_t)p - MEMMAP_BASE) % sizeof(*p) != 0)
        return "not a frame descriptor";
    if (ram_find(pfn) == NULL)
        return "not RAM";
    if (order > MAX_ORDER || pfn % (1ul << order) != 0)
        return "not aligned to its order";
    f = atomic_load(&p->flags);
    return f & PG_RESERVED              ? "reserved"
           : f & (PG_BUDDY | PG_CACHED) ? "free already"
           : f & PG_TAIL                ? "in the middle of a block"
           : f & PG_SLAB                ? "kmalloc's"
           : f & PG_SWAPPABLE           ? "still on a list of swap"
           : p->ref == 0                ? "not allocated, part of another block"
           : page_order(p) != order     ? "of another order"
           : p->ref != 1                ? "still referenced"
           : p->users != 0              ? "still mapped, locked or pinned"
                                        : NULL;
    /* STUB: return NULL; */
    /* END 2.4 */
}

void
block_unclaim(struct page *p, unsigned order)
{
    const char *fault = free_fault(p, order);
    static const struct page none;
    const struct page *at = ram_find(page_to_pfn(p)) != NULL ? p : &none;

    if (fault != NULL)
        panic("free_pages: pfn %#lx order %u is %s (flags %#x, ref %d, users "
              "%#lx)",
              page_to_pfn(p), order, fault, at->flags, at->ref, at->users);
    for (unsigned long i = 1; i < 1ul << order; i++)
        if ((p[i].flags & ~PG_OWNER_MASK) != PG_TAIL || p[i].users != 0)
            panic("free_pages: frame %#lx+%lu, order %u: flags %#x, users %#lx",
                  page_to_pfn(p), i, order, p[i].flags, p[i].users);
    kstat_add(STAT_PAGE_FREE, 1ul << order);
    trace(TRACE_FREE, page_to_pfn(p), order);
    for (unsigned long i = 0; i < 1ul << order; i++)
        atomic_store(&p[i].flags_ref, 0ul);
}

/* --- the way in and out --- */

/* kern/ext/mm/hart_pages.c, if linked, takes the place of these five. */
WEAK struct page *
alloc_pages(unsigned order)
{
    struct page *p;
    bool raw = false;

    if (fail_now(FAIL_PAGE))
        return NULL;
    spin_lock(&buddy.lock);
    p = buddy_take(order, &raw);
    spin_unlock(&buddy.lock);
    return block_claim(p, order, raw);
}

WEAK void
free_pages(struct page *p, unsigned order)
{
    block_unclaim(p, order);
    spin_lock(&buddy.lock);
    buddy_put(p, order, 0);
    spin_unlock(&buddy.lock);
}

WEAK void
free_page_list(struct page **p, unsigned n)
{
    while (n > 0)
        free_pages(p[--n], 0);
}

WEAK size_t
nr_free_pages(void)
{
    return atomic_load(&buddy.nfree);
}

WEAK void
pmm_drain(void)
{
}

struct page *
alloc_zeroed_page(void)
{
    struct page *p = alloc_pages(0);

    if (p != NULL)
        page_zero(page_to_va(p));
    return p;
}

/* --- boot: all RAM is reserved, then what is free is released --- */

static void
reserve(pfn_t start, pfn_t end)
{
    for (pfn_t next; start < end; start = next) {
        next = MIN(end, ROUND_UP(start + 1, SECTION_PAGES));
        if (next - start == SECTION_PAGES)
            describe(start, start + 1, PG_RESERVED | PG_RAW);
        else
            describe(start, next, PG_RESERVED);
    }
}

/* Release [START, END), which lies in one section.  => buddy.lock held */
static void
release_part(pfn_t start, pfn_t end)
{
    pfn_t section = ROUND_DOWN(start, SECTION_PAGES);
    struct page *first = pfn_to_page(section);
    const struct span *ram = ram_find(start);

    if (ram == NULL || end > ram->end)
        panic("pmm_release: pfn %#lx is not RAM", start);
    atomic_add(&buddy.nmanaged, end - start);
    if (section >= ram->start && section + SECTION_PAGES <= ram->end &&
        first->flags == (PG_RESERVED | PG_RAW)) {
        if (end - start == SECTION_PAGES) {
            describe(section, section + 1, 0);
            buddy_put(first, SECTION_ORDER, PG_RAW);
            return;
        }
        /* What was reserved as a whole becomes mixed. */
        describe(section, section + SECTION_PAGES, PG_RESERVED);
    }
    for (; start < end; start++) {
        struct page *p = pfn_to_page(start);

        if (p->flags != PG_RESERVED)
            panic("pmm_release: pfn %#lx is not reserved (flags %#x)", start,
                  p->flags);
        atomic_store(&p->flags, 0u);
        buddy_put(p, 0, 0);
    }
}

void
pmm_release(paddr_t start, paddr_t end)
{
    pfn_t pfn = PAGE_UP(start) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

    for (pfn_t next; pfn < last; pfn = next) {
        next = MIN(last, ROUND_UP(pfn + 1, SECTION_PAGES));
        spin_lock(&buddy.lock);
        release_part(pfn, next);
        spin_unlock(&buddy.lock);
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
    struct span s;

    assert(nram <= PMM_MAX_RANGES);
    buddy = (struct buddy){.lock = SPINLOCK_INIT(RANK_BUDDY)};
    for (unsigned k = 0; k <= MAX_ORDER; k++)
        list_init(&buddy.free[k]);
    while (next_span(ram, nram, &i, &s)) {
        reserve(s.start, s.end);
        if (s.start < s.end)
            buddy.ram[buddy.nram++] = s;
    }
    while (next_span(free, nfree, &f, &s))
        pmm_release(s.start << PAGE_SHIFT, s.end << PAGE_SHIFT);
    pmm_drain(); /* what lies before us begins empty */
}
