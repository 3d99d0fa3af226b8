/* scn_buddy.c: the steps of lab 2: blocks of frames; a first reader may skip it.
 *
 * A scenario draws a memory of its own, a piece of the real one that is given to
 * pmm_init() as if it were all:
 *
 *     ram 0..1023     hole 100..163     start
 *     |..........|rrrr|.......................................|   4096 frames
 *
 * so what is free is known to the frame.  Without that, it is the machine's memory.
 *
 * After each step it is looked which free blocks there are: scn_census.c. */
#include "debug/panic.h"
#include "ext/init/scn_block.h"
#include "mm/bootmem.h"
#include "mm/pmm_impl.h"
#include <printfmt.h>
#include <string.h>

#define FRAMES ((size_t)SCN_FRAMES)
#define RANGES 16

#define MACHINE_FRAMES (1ul << 16) /* of a machine of 256 MiB */

static pfn_t base; /* of the frames that scenarios number */
static bool drawn; /* ram was given, and start came */
static bool vast;  /* ... or vast */
static bool
    large; /* more than a frame was asked for: owners matter from here on */
static bool
    quiet; /* it is not looked: that changes which descriptors are written */

static struct pmm_range ram[RANGES], avail[2 * RANGES];
static bool is_free[SCN_FRAMES];
static unsigned nram;

static struct block {
    struct page *page; /* NULL: nothing */
    unsigned order;
} slots[SCN_SLOTS];
static struct page *drained; /* a chain, by their lru */
static unsigned drained_order;
static size_t free_at_start;

/* --- scn_block.c, if linked, takes the place of these --- */

/* Nor is scn_census.c needed. */
WEAK void
census_begin(pfn_t first)
{
}

WEAK void
census_mark(struct page *p, unsigned order)
{
}

WEAK void
census(struct scn_answer *a, bool owned)
{
}

WEAK struct block_watch
block_watch(void)
{
    return (struct block_watch){0};
}

WEAK void
block_judge(struct block_watch before, const struct page *p, unsigned order,
            struct scn_answer *a)
{
}

WEAK void
block_pretend(struct page *p, unsigned order, const char *word,
              struct scn_answer *a)
{
    scn_result(a, "unknown");
}

WEAK void
block_leave(struct page *p)
{
}

WEAK bool
block_vast(void)
{
    return false;
}

/* --- memory that is drawn --- */

/* The last wholly free piece of 4096 frames, so aligned. */
static pfn_t
find_base(void)
{
    const struct pmm_range *r;
    unsigned n = bootmem_free_ranges(&r);

    while (n-- > 0) {
        paddr_t at = ROUND_DOWN(r[n].end, FRAMES * PAGE_SIZE);

        if (at >= r[n].start + FRAMES * PAGE_SIZE)
            return (at >> PAGE_SHIFT) - FRAMES;
    }
    panic("scenario: no %lu free frames in a row", FRAMES);
}

static void
draw(const struct scn_step *st)
{
    if (st->op == SCN_RAM && nram < RANGES)
        ram[nram++] = (struct pmm_range){(base + st->first) << PAGE_SHIFT,
                                         (base + st->last + 1) << PAGE_SHIFT};
    for (unsigned i = st->first; i <= st->last; i++)
        is_free[i] = st->op == SCN_RAM;
}

static unsigned
free_ranges(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < FRAMES && n < ARRAY_LEN(avail); i++) {
        if (!is_free[i])
            continue;
        avail[n].start = (base + i) << PAGE_SHIFT;
        while (i < FRAMES && is_free[i])
            i++;
        avail[n++].end = (base + i) << PAGE_SHIFT;
    }
    return n;
}

/* Descriptors may hold anything before pmm_init(); the worst is what looks like a
 * free block. */
static void
spoil_descriptors(void)
{
    struct page *p = pfn_to_page(base);

    memset(p, 0xa5, FRAMES * sizeof(*p));
    p[0].flags = PG_BUDDY | 6u << PG_ORDER_SHIFT;
    for (unsigned i = 1; i < FRAMES; i++)
        p[i].flags = PG_BUDDY | (unsigned)__builtin_ctz(i) << PG_ORDER_SHIFT;
}

static void
start(void)
{
    memset(slots, 0, sizeof(slots));
    drained = NULL;
    pmm_drain();
    spoil_descriptors();
    pmm_init(ram, nram, avail, free_ranges());
    free_at_start = nr_free_pages();
    drawn = true;
}

/* Each scenario begins with the machine's memory, as at boot. */
static void
whole_memory(void)
{
    const struct pmm_range *all, *some;
    unsigned nall = bootmem_ram(&all), nsome = bootmem_free_ranges(&some);

    spin_init(&buddy.lock, RANK_BUDDY);
    pmm_drain();
    pmm_init(all, nall, some, nsome);
    free_at_start = nr_free_pages();
}

static void
buddy_begin(const struct scn *s, const struct machine *m)
{
    memset(is_free, 0, sizeof(is_free));
    memset(slots, 0, sizeof(slots));
    nram = 0;
    drawn = quiet = vast = large = false;
    reclaim_mark = reclaim_min = 0;
    drained = NULL;
    base = find_base();
    whole_memory();
}

/* --- one block --- */

static void
say_block(struct scn_answer *a, struct page *p)
{
    if (p == NULL)
        scn_result(a, "none");
    else if (drawn)
        scn_result(a, "at:%ld", (long)(page_to_pfn(p) - base));
}

static void
alloc(struct block *b, unsigned order, struct scn_answer *a)
{
    struct block_watch before = block_watch();

    b->page = block_take(order);
    b->order = order;
    if (large)
        block_judge(before, b->page, order, a);
    say_block(a, b->page);
}

static void
release_block(struct block *b)
{
    struct page *p = b->page;

    b->page = NULL;
    if (p != NULL)
        block_give(p, b->order);
}

/* --- all of them --- */

static uint8_t taken[MACHINE_FRAMES / 8]; /* of the machine's memory */
static unsigned twice, outside;

/* Is this block of the machine's memory whole, free at boot, and new? */
static void
check_block(const struct page *p, unsigned order)
{
    const struct pmm_range *r;
    unsigned n = bootmem_free_ranges(&r);
    paddr_t from = page_to_pa(p), to = from + (PAGE_SIZE << order);

    while (n > 0 && !(r[n - 1].start <= from && to <= r[n - 1].end))
        n--;
    outside += n == 0;
    for (size_t i = (size_t)(page_to_pfn(p) - memmap_first_pfn); from < to;
         from += PAGE_SIZE, i++) {
        if (i >= MACHINE_FRAMES)
            continue;
        twice += taken[i / 8] >> i % 8 & 1;
        taken[i / 8] |= (uint8_t)(1 << i % 8);
    }
}

static void
drain(unsigned order, struct scn_answer *a)
{
    size_t n = 0, most = nr_free_pages() + 1;
    struct page *p;

    twice = outside = 0;
    memset(taken, 0, sizeof(taken));
    while (n < most && (p = block_take(order)) != NULL) {
        p->lru.next = drained == NULL ? NULL : &drained->lru;
        drained = p;
        n++;
        if (!drawn && !vast)
            check_block(p, order);
    }
    drained_order = order;
    scn_result(a, "value:%lx", n);
    scn_count(a, "twice", twice);
    scn_count(a, "outside", outside);
    if (!drawn && !vast && order == 0)
        scn_count(a, "missing", bootmem_free() / PAGE_SIZE - n);
}

static struct page *
chain_next(struct page *p)
{
    return p->lru.next == NULL ? NULL
                               : list_entry(p->lru.next, struct page, lru);
}

/* Every other block first, then the rest: nothing can be joined for a while. */
static void
refill(bool other)
{
    struct page *left = NULL, *next;
    unsigned n = 0;

    for (struct page *p = drained; p != NULL; p = next) {
        next = chain_next(p);
        if (other && n++ % 2 == 1) {
            p->lru.next = left == NULL ? NULL : &left->lru;
            left = p;
        } else {
            block_give(p, drained_order);
        }
    }
    for (; left != NULL; left = next) {
        next = chain_next(left);
        block_give(left, drained_order);
    }
    drained = NULL;
}

/* --- steps --- */

static void
misfree(uint64_t frame, unsigned order)
{
    block_give(pfn_to_page(base + frame), order);
}

static void
buddy_step(const struct scn_step *st, struct scn_answer *a)
{
    struct block *b = &slots[st->first % SCN_SLOTS];

    large |=
        (st->op == SCN_ALLOC || st->op == SCN_FLIP || st->op == SCN_DRAIN) &&
        st->last > 0;
    switch (st->op) {
    case SCN_RAM:
    case SCN_HOLE:
        draw(st);
        break;
    case SCN_START:
        start();
        break;
    case SCN_ALLOC:
        alloc(b, st->last, a);
        break;
    case SCN_FREE:
        release_block(b);
        break;
    case SCN_FLIP:
        if (b->page == NULL)
            alloc(b, st->last, a);
        else
            release_block(b);
        break;
    case SCN_DRAIN:
        drain(st->last, a);
        break;
    case SCN_REFILL:
        refill(strcmp(st->word, "other") == 0);
        break;
    case SCN_RELEASE:
        pmm_release((base + st->first) << PAGE_SHIFT, (base + st->last + 1)
                                                          << PAGE_SHIFT);
        free_at_start += st->last + 1 - st->first;
        break;
    case SCN_QUIET:
    case SCN_COUNT:
        quiet = st->op == SCN_QUIET;
        break;
    case SCN_MISFREE:
        misfree(st->value, st->last);
        break;
    case SCN_PRETEND:
        block_pretend(pfn_to_page(base + st->value % FRAMES), st->last,
                      st->word, a);
        break;
    case SCN_SCARCE:
        reclaim_mark = reclaim_min = st->last;
        break;
    case SCN_VAST:
        vast = large = block_vast();
        free_at_start = nr_free_pages();
        break;
    case SCN_LEAVE:
        if (b->page != NULL)
            block_leave(b->page);
        break;
    default:
        scn_result(a, "unknown");
    }
}

/* What is in use may not be free. */
static void
look_at_blocks(struct scn_answer *a)
{
    census_begin(base);
    for (unsigned i = 0; i < SCN_SLOTS; i++) {
        if (slots[i].page != NULL)
            census_mark(slots[i].page, slots[i].order);
    }
    for (struct page *p = drained; p != NULL; p = chain_next(p))
        census_mark(p, drained_order);
    census(a, large);
}

/* A panic may have left the lock taken; here is nobody else. */
static void
buddy_look(struct scn_answer *a)
{
    spin_init(&buddy.lock, RANK_BUDDY);
    pmm_drain();
    if (drawn)
        scn_count(a, "free", nr_free_pages());
    if (drawn && !quiet)
        look_at_blocks(a);
}

static void
give_all(void *arg)
{
    for (unsigned i = 0; i < SCN_SLOTS; i++)
        release_block(&slots[i]);
    refill(false);
}

static long
buddy_end(void)
{
    spin_init(&buddy.lock, RANK_BUDDY);
    scn_caught(give_all, NULL);
    return (long)(free_at_start - nr_free_pages());
}

static const struct scn_lab buddy_lab = {
    .lab = 2,
    .part = BOOT_FRAMES,
    .begin = buddy_begin,
    .step = buddy_step,
    .look = buddy_look,
    .end = buddy_end,
};
TABLE_ADD(scn_lab, buddy_lab);
