/* test_rmap.c: the records of who maps a page, against a set kept beside them.
 *
 * All ways from a few entries to others, and a long random one; on a machine with
 * too much RAM for pairs, too. */
#include "shim.h"

#define sched_yield kernel_sched_yield /* the C library has one, too */

#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include "mm/rmap.h"
#include <string.h>

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"

#define FIRST    0x80000ul
#define NTABLES  3
#define NENTRIES 30

pfn_t memmap_first_pfn;
bool fail_armed;
bool (*fail_hook)(enum fail_site site);

static unsigned blocks; /* in use */

void *
kmalloc(size_t size)
{
    blocks++;
    return malloc(size);
}

void
kfree(void *p)
{
    blocks -= p != NULL;
    free(p);
}

#include "kern/mm/rmap.c"

static struct page *page;
static bool in[NENTRIES]; /* who must be recorded */
static unsigned nin;

/* They come from three tables, in turn. */
static pte_t *
entry(unsigned i)
{
    pte_t *table = pa_to_va((FIRST + i % NTABLES) << PAGE_SHIFT);

    return table + i * 7;
}

static unsigned
number(const pte_t *pte)
{
    unsigned i = 0;

    while (i < NENTRIES && entry(i) != pte)
        i++;
    return i;
}

static void
begin(bool pairs)
{
    shim_become_hart(0);
    shim_memory(FIRST, FIRST + 64, true);
    memmap_first_pfn = FIRST;
    memset(in, 0, sizeof(in));
    nin = 0;
    rmap_pairs = pairs;
    page = pa_to_page((FIRST + NTABLES) << PAGE_SHIFT);
    memset(page - NTABLES, 0, (NTABLES + 1) * sizeof(*page));
    for (unsigned i = 0; i < NTABLES; i++)
        spin_init(pte_lock(entry(i)), RANK_PTE);
    page->flags = PG_UPTODATE;
}

/* The N entries of a word or a block are among those that must be there. */
static bool
all_known(pte_t *const *at, unsigned n, bool *seen)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned k = number(at[i]);

        EXPECT(k < NENTRIES && in[k] && !seen[k]);
        seen[k] = true;
    }
    return true;
}

/* What must be there is, and nothing else. */
static bool
as_kept(void)
{
    bool seen[NENTRIES] = {false};
    struct rmap_block *b = first_block(page);
    unsigned n = b == NULL ? 0 : used_in_first(page), nblocks = 0, all;
    pte_t *few[2];

    EXPECT((unsigned)page->mapcount == nin);
    all = b == NULL ? rmap_few(page->rmap, few) : 0;
    EXPECT(all_known(few, all, seen));
    for (; b != NULL; b = b->next, n = PER_BLOCK) {
        EXPECT(all_known(b->pte, n, seen));
        all += n;
        nblocks++;
    }
    EXPECT(all == nin && blocks == nblocks);
    EXPECT(shim_tcb->held == 0);
    return true;
}

static bool
add(unsigned i)
{
    struct rmap_block *spare = NULL;
    int err = rmap_add(page, entry(i), &spare);

    if (err == -ENOMEM) {
        EXPECT(as_kept() && rmap_wants_block(page));
        spare = rmap_block_alloc();
        err = rmap_add(page, entry(i), &spare);
        EXPECT(spare == NULL);
    }
    EXPECT(err == 0);
    in[i] = true;
    nin++;
    return as_kept();
}

/* The way of fault-around's neighbours: without a block, or not at all. */
static bool
try_few(unsigned i)
{
    bool can =
        nin == 0 || (nin == 1 && rmap_pairs && first_block(page) == NULL);

    EXPECT(rmap_try_few(page, entry(i)) == can);
    in[i] |= can;
    nin += can;
    return as_kept();
}

static bool
drop(unsigned i)
{
    rmap_remove(page, entry(i));
    in[i] = false;
    nin--;
    return as_kept();
}

static bool
move(unsigned from, unsigned to)
{
    rmap_replace(page, entry(from), entry(to));
    in[from] = false;
    in[to] = true;
    return as_kept();
}

/* Takes the entries whose bits are set in *ARG. */
static bool
take(struct page *p, pte_t *pte, void *arg)
{
    unsigned i = number(pte);

    if (p != page || i >= NENTRIES || !in[i])
        return false;
    in[i] = (*(uint64_t *)arg >> i & 1) == 0;
    nin -= !in[i];
    return !in[i];
}

static bool
walk(uint64_t which)
{
    EXPECT(rmap_walk(page, take, &which) == 0);
    return as_kept();
}

/* To N entries, some taken away in one of three ways, and to M again. */
static bool
there_and_back(bool pairs, unsigned n, unsigned gone, unsigned way, unsigned m)
{
    begin(pairs);
    for (unsigned i = 0; i < n; i++)
        EXPECT(add(i));
    if (way == 0)
        EXPECT(walk(((1ul << gone) - 1) << (n - gone)));
    for (unsigned i = 0; way != 0 && i < gone; i++)
        EXPECT(drop(way == 1 ? i : n - 1 - i));
    for (unsigned i = 0; nin < m; i++)
        EXPECT(in[i] || add(i));
    EXPECT(walk(~0ul) && nin == 0 && page->rmap == 0);
    return true;
}

static bool
test_few(void)
{
    for (unsigned n = 0; n <= 9; n++) {
        for (unsigned k = 0; k < 10 * 3 * 10; k++) {
            if (k / 30 > n)
                continue;
            EXPECT(there_and_back(true, n, k / 30, k % 3, k / 3 % 10));
            EXPECT(there_and_back(false, n, k / 30, k % 3, k / 3 % 10));
        }
    }
    return true;
}

/* Each of the two goes, is moved, and comes again. */
static bool
test_pair(void)
{
    for (unsigned k = 0; k < 2; k++) {
        begin(true);
        EXPECT(try_few(0) && try_few(1) && nin == 2 && blocks == 0);
        EXPECT(move(k, 2) && blocks == 0);
        EXPECT(drop(1 - k) && move(2, 0) && add(1) && blocks == 0);
        EXPECT(walk(1ul << k) && nin == 1 && add(k) && blocks == 0);
        EXPECT(try_few(5) && nin == 2);
        EXPECT(add(5) && blocks == 1);
        EXPECT(drop(0) && move(1, 0) && drop(5) && nin == 1 && blocks == 1);
        EXPECT(try_few(1) && nin == 1); /* the block stays while it is used */
        EXPECT(drop(0) && blocks == 0);
    }
    return true;
}

static bool
test_locked_page(void)
{
    begin(true);
    EXPECT(try_few(0) && nin == 1);
    page->flags |= PG_LOCKED;
    EXPECT(!rmap_try_few(page, entry(1)));
    page->flags = PG_UPTODATE | PG_RMAP_LOCK;
    EXPECT(!rmap_try_few(page, entry(1)));
    page->flags = 0;
    EXPECT(!rmap_try_few(page, entry(1)));
    return as_kept();
}

static bool
random_step(uint64_t *seed)
{
    unsigned i = (unsigned)(shim_random(seed) % NENTRIES);
    unsigned j = (unsigned)(shim_random(seed) % NENTRIES);
    /* Sometimes few, sometimes many. */
    unsigned most = (shim_random(seed) & 1) ? 3 : NENTRIES;

    if (shim_random(seed) % 64 == 0)
        return walk(shim_random(seed));
    if (in[i] && !in[j] && nin % 2 == 0)
        return move(i, j);
    if (in[i])
        return drop(i);
    if (nin >= most)
        return true;
    return (shim_random(seed) & 1) ? add(i) : try_few(i);
}

static bool
random_run(uint64_t seed, bool pairs)
{
    begin(pairs);
    for (unsigned i = 0; i < 20000; i++)
        EXPECT(random_step(&seed));
    for (unsigned i = 0; i < NENTRIES; i++)
        EXPECT(!in[i] || drop(i));
    EXPECT(page->rmap == 0 && blocks == 0);
    return true;
}

static bool
test_random(void)
{
    return random_run(1, true) && random_run(2, true);
}

static bool
test_random_much_ram(void)
{
    return random_run(3, false) && random_run(4, false);
}

int
main(void)
{
    RUN(few);
    RUN(pair);
    RUN(locked_page);
    RUN(random);
    RUN(random_much_ram);
    return shim_summary("test_rmap");
}
