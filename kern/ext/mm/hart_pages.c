/* hart_pages.c: adds to mm/pmm.c a cache of single pages per hart; a first
 * reader may skip it.
 *
 *   alloc_pages(0)                                   free_pages(p, 0)
 *        |   pop                                push   |
 *        |    +------- pcps[this hart] ----------+     |
 *        +<---| slot[0] slot[1] ... slot[n-1]    |<----+
 *             +----------------------------------+
 *      empty: |  16 at a time,     16 at a time  |  full: the oldest go
 *             |  under buddy.lock                v
 *             +------------ buddy lists ---------+
 *
 * Nearly every page goes in and out of its hart's stack, without a lock: n is
 * both the count and a lock of one word (countlock.h), and only a hart that
 * finds the buddy lists empty touches another's.  A page changes between a
 * stack and the lists only under buddy.lock; so who holds that lock, and
 * the stacks' own, and finds no page anywhere knows that there is none.  That
 * is why many harts never see "out of memory" too early.
 *
 * The two fast functions test everything unusual with as few branches as
 * possible, and leave it to a slow twin that starts from the beginning:
 *
 *   fail points, trace      "fail_armed | trace_enabled"
 *   order > 0               the same branch
 *   poison mode             limit is 0, so that nothing is ever cached
 *   a bad free              flags_ref is not exactly "no flags, one reference"
 *
 * To the states of a frame in mm/pmm.c it adds: in a stack, CACHED, ref 0. */
#include "ext/mm/hart_pages.h"

#include "debug/panic.h"
#include "debug/trace.h"
#include "mm/failpoint.h"

/* flags_ref of an allocated page nobody has marked. */
#define ONE_REF (1ul << 32)

struct pcp pcps[NCPU_MAX];

_Static_assert(PCP_BATCH <= PCP_MAX, "a batch fits");

/* kern/ext/mm/poison.c, if linked, takes the place of these two. */
WEAK void
poison_fill(struct page *p, unsigned order)
{
}

WEAK void
poison_check_frame(struct page *p)
{
}

/* The first of the N pages at SLOT, and those that follow it in memory and make
 * up a block with it, go back to the lists.  Returns how many.
 * => buddy.lock held */
static long
put_back(struct page **slot, long n)
{
    pfn_t pfn = page_to_pfn(*slot);
    unsigned order = 0;
    long size = 1, run = 1;

    while (run < n && slot[run] == slot[0] + run)
        run++;
    while (2 * size <= run && (pfn & (pfn_t)size) == 0) {
        size *= 2;
        order++;
    }
    for (long i = 0; i < size; i++)
        atomic_store(&slot[i]->flags_ref, 0ul);
    buddy_put(*slot, order, 0);
    return size;
}

/* Empty all stacks into the lists.  All of them are locked before the first is
 * looked at: else a page that goes into one behind us while another leaves
 * one before us could be missed, and we would say "none" though there always
 * was one.  => buddy.lock held, so only one hart does this */
static void
drain_all(void)
{
    long n[NCPU_MAX];

    for (unsigned i = 0; i < NCPU_MAX; i++)
        n[i] = count_lock(&pcps[i].n);
    for (unsigned i = 0; i < NCPU_MAX; i++) {
        struct pcp *c = &pcps[i];

        if (n[i] > 0)
            atomic_add(&c->stats->v[STAT_PCP_DRAIN], 1);
        for (long at = 0; at < n[i];)
            at += put_back(&c->slot[at], n[i] - at);
        atomic_store(&c->limit, pmm_poison ? 0 : PCP_MAX);
        count_unlock(&c->n, 0);
    }
}

/* pmm_init() calls it first of all, so it makes the stacks ready, too. */
void
pmm_drain(void)
{
    for (unsigned i = 0; i < NCPU_MAX; i++) {
        if (pcps[i].stats == NULL) {
            pcps[i].stats = &kstat_rows[i];
            cpus[i].pages = &pcps[i];
        }
    }
    spin_lock(&buddy.lock);
    drain_all();
    spin_unlock(&buddy.lock);
}

/* A block from the lists, once more after the stacks are in them as well.
 * => buddy.lock held */
static struct page *
take_or_drain(unsigned order, bool *raw)
{
    struct page *p = buddy_take(order, raw);

    if (p != NULL)
        return p;
    drain_all();
    return buddy_take(order, raw);
}

/* What the lists gave, NULL included, becomes allocated. */
static struct page *
hand_out(struct page *p, unsigned order, bool raw)
{
    p = block_claim(p, order, raw);
    if (p != NULL)
        poison_check(p, order);
    return p;
}

static struct page *
alloc_block(unsigned order)
{
    struct page *p;
    bool raw = false;

    spin_lock(&buddy.lock);
    p = take_or_drain(order, &raw);
    spin_unlock(&buddy.lock);
    return hand_out(p, order, raw);
}

/* Up to ROOM pages into SLOT, as single ones would come: the smallest block
 * there is, but whole.  Returns how many.  => buddy.lock held */
static long
take_some(struct page **slot, long room)
{
    unsigned order = 0;
    struct page *p;
    bool raw = false;

    while (order < MAX_ORDER && list_empty(&buddy.free[order]))
        order++;
    while (1l << order > room)
        order--;
    p = buddy_take(order, &raw);
    if (p == NULL)
        return 0;
    for (long i = (1l << order) - 1; i >= 0; i--, p++) { /* the first on top */
        poison_check(p, 0);
        atomic_store(&p->flags_ref, PG_CACHED);
        slot[i] = p;
    }
    return 1l << order;
}

/* One page; if the stack is empty, it is filled on the way. */
static struct page *
alloc_refill(void)
{
    struct page *p = NULL;
    struct pcp *c;
    long n, more = 1;
    bool raw = false;

    spin_lock(&buddy.lock);
    c = this_cpu()->pages;
    n = count_lock(&c->n);
    if (n == 0) {
        for (; n < PCP_BATCH && more > 0; n += more)
            more = take_some(&c->slot[n], PCP_BATCH - n);
        if (n > 0)
            atomic_add(&c->stats->v[STAT_PCP_REFILL], 1);
    }
    if (n > 0) {
        p = c->slot[--n];
        atomic_store(&p->flags_ref, 0ul);
    }
    count_unlock(&c->n, n);
    if (p == NULL)
        p = take_or_drain(0, &raw);
    spin_unlock(&buddy.lock);
    return hand_out(p, 0, false);
}

static NOINLINE struct page *
alloc_slow(unsigned order)
{
    if (fail_now(FAIL_PAGE))
        return NULL;
    return order > 0 || pmm_poison ? alloc_block(order) : alloc_refill();
}

struct page *
alloc_pages(unsigned order)
{
    unsigned long irq;
    struct page *p;
    struct pcp *c;
    long n;

    if (unlikely(order | fail_armed | trace_enabled))
        return alloc_slow(order);
    irq = irq_save();
    c = this_cpu()->pages;
    n = count_try(&c->n);
    if (unlikely(n <= 0)) {
        if (n == 0)
            count_unlock(&c->n, 0);
        irq_load(irq);
        return alloc_slow(0);
    }
    p = c->slot[n - 1];
    count_unlock(&c->n, n - 1);
    atomic_store(&p->flags_ref, ONE_REF);
    atomic_add(&c->stats->v[STAT_PAGE_ALLOC], 1);
    irq_load(irq);
    return p;
}

/* One page onto the stack; if it is full, the oldest batch goes first. */
static void
free_cached(struct page *p)
{
    struct pcp *c;
    long n;

    spin_lock(&buddy.lock);
    c = this_cpu()->pages;
    n = count_lock(&c->n);
    if (n == PCP_MAX) {
        for (long at = 0; at < PCP_BATCH;)
            at += put_back(&c->slot[at], PCP_BATCH - at);
        n -= PCP_BATCH;
        for (long i = 0; i < n; i++)
            c->slot[i] = c->slot[i + PCP_BATCH];
        atomic_add(&c->stats->v[STAT_PCP_DRAIN], 1);
    }
    atomic_store(&p->flags_ref, PG_CACHED);
    c->slot[n++] = p;
    count_unlock(&c->n, n);
    spin_unlock(&buddy.lock);
}

static NOINLINE void
free_slow(struct page *p, unsigned order)
{
    block_unclaim(p, order);
    if (order == 0 && !pmm_poison) {
        free_cached(p);
        return;
    }
    if (pmm_poison)
        poison_fill(p, order);
    spin_lock(&buddy.lock);
    buddy_put(p, order, 0);
    spin_unlock(&buddy.lock);
}

void
free_pages(struct page *p, unsigned order)
{
    uint64_t odd = p->users;
    unsigned long irq;
    struct pcp *c;
    long n;

    odd |= atomic_load(&p->flags_ref) ^ ONE_REF;
    if (unlikely(order | trace_enabled) || unlikely(odd != 0)) {
        free_slow(p, order);
        return;
    }
    irq = irq_save();
    c = this_cpu()->pages;
    n = count_try(&c->n);
    if (unlikely((unsigned long)n >= atomic_load(&c->limit))) {
        if (n != COUNT_BUSY)
            count_unlock(&c->n, n);
        irq_load(irq);
        free_slow(p, 0);
        return;
    }
    atomic_store(&p->flags_ref, PG_CACHED);
    c->slot[n] = p;
    count_unlock(&c->n, n + 1);
    atomic_add(&c->stats->v[STAT_PAGE_FREE], 1);
    irq_load(irq);
}

/* Up to this many of a list go onto the stack: some room is left for single
 * ones, so that these need not drain it at once. */
#define PCP_LIST (PCP_BATCH + PCP_BATCH / 2)

/* The last of the N pages at P onto the stack; returns how many. */
static unsigned
push_some(struct page **p, unsigned n)
{
    unsigned long irq = irq_save();
    struct pcp *c = this_cpu()->pages;
    long have = count_try(&c->n), room = 0;

    if (have != COUNT_BUSY) {
        room = MIN((long)n, MAX(PCP_LIST - have, 0l));
        for (long i = 0; i < room; i++) {
            struct page *q = p[(long)n - room + i];

            atomic_store(&q->flags_ref, PG_CACHED);
            c->slot[have + i] = q;
        }
        count_unlock(&c->n, have + room);
        atomic_add(&c->stats->v[STAT_PAGE_FREE], (uint64_t)room);
    }
    irq_load(irq);
    return (unsigned)room;
}

/* A free that is not as usual is left to free_pages(), as there.  Each page is
 * marked as it is looked at, so one that is in the list twice is such a free. */
void
free_page_list(struct page **p, unsigned n)
{
    bool special = trace_enabled || pmm_poison;
    unsigned usual = 0;

    for (unsigned i = 0; i < n; i++) {
        struct page *q = p[i];

        if (unlikely(special || q->users != 0 ||
                     atomic_load(&q->flags_ref) != ONE_REF)) {
            free_pages(q, 0);
            continue;
        }
        atomic_store(&q->flags_ref, 0ul);
        p[usual++] = q;
    }
    n = usual;
    n -= push_some(p, n);
    if (n == 0)
        return;
    kstat_add(STAT_PAGE_FREE, n);
    spin_lock(&buddy.lock);
    for (long at = 0; at < (long)n;)
        at += put_back(&p[at], (long)n - at);
    spin_unlock(&buddy.lock);
}

size_t
nr_free_pages(void)
{
    size_t n;

    spin_lock(&buddy.lock);
    n = buddy.nfree;
    for (unsigned i = 0; i < NCPU_MAX; i++)
        n += (size_t)count_read(&pcps[i].n);
    spin_unlock(&buddy.lock);
    return n;
}
