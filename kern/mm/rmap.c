/* rmap.c: from the page to the entries that map it.
 *
 *   nobody        rmap = 0
 *   one entry     rmap = pte
 *   two           rmap = where both are | 2, see rmap_pair()
 *   more          rmap = block | 1 --> block --> ...     seven entries each;
 *                 the first block may have room, the others are full
 *
 * Two are what a fork, or a second process with the same file, makes: without
 * blocks.  When entries go, blocks stay as long as there is one in them.
 *
 * Removing takes the last entry of the first block into the hole, so the
 * others stay full, and adding looks at one block only. */
#include "mm/rmap.h"

#include "mm/failpoint.h"
#include "mm/huge.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <race.h>

#define PER_BLOCK (unsigned)RMAP_PER_BLOCK

bool rmap_pairs = true;

struct rmap_block *
rmap_block_alloc(void)
{
    return fail_now(FAIL_RMAP) ? NULL : kmalloc(sizeof(struct rmap_block));
}

void
rmap_block_free(struct rmap_block *b)
{
    kfree(b);
}

static struct rmap_block *
first_block(const struct page *page)
{
    return (page->rmap & RMAP_BLOCK)
               ? (struct rmap_block *)(page->rmap & ~RMAP_BLOCK)
               : NULL;
}

/* Entries in use in the first block; the others are full. */
static unsigned
used_in_first(const struct page *page)
{
    return ((unsigned)page->mapcount - 1) % PER_BLOCK + 1;
}

/* Under the lock. */
static int
add_record(struct page *page, pte_t *pte, struct rmap_block **spare)
{
    struct rmap_block *b = first_block(page);
    uintptr_t pair;

    if (page->mapcount == 0) {
        page->rmap = (uintptr_t)pte;
    } else if (b != NULL && used_in_first(page) < PER_BLOCK) {
        b->pte[used_in_first(page)] = pte;
    } else if (b == NULL && page->mapcount == 1 &&
               (pair = rmap_pair(page->rmap, (uintptr_t)pte)) != 0) {
        page->rmap = pair;
    } else if (*spare == NULL) {
        return -ENOMEM;
    } else {
        struct rmap_block *fresh = *spare;

        *spare = NULL;
        fresh->next = b;
        fresh->pte[0] = pte;
        if (b == NULL) /* the one or two move into the block */
            (void)rmap_few(page->rmap, &fresh->pte[1]);
        page->rmap = (uintptr_t)fresh | RMAP_BLOCK;
    }
    atomic_store(&page->mapcount, page->mapcount + 1);
    return 0;
}

int
rmap_add(struct page *page, pte_t *pte, struct rmap_block **spare)
{
    int err;

    lock_rmap(page);
    err = add_record(page, pte, spare);
    unlock_rmap(page);
    return err;
}

bool
rmap_try_add(struct page *page, pte_t *pte, struct rmap_block **spare,
             bool locked)
{
    uint32_t old = atomic_load(&page->flags);
    int err;

    if ((old & (PG_LOCKED | PG_RMAP_LOCK | PG_UPTODATE)) != PG_UPTODATE ||
        !atomic_cas(&page->flags, &old, old | PG_RMAP_LOCK))
        return false;
    err = add_record(page, pte, spare);
    if (unlikely(locked) && err == 0)
        page->mlocks++;
    atomic_and(&page->flags, ~PG_RMAP_LOCK);
    return err == 0;
}

/* Where PTE is recorded; the caller knows that it is. */
static pte_t **
find_record(struct page *page, pte_t *pte)
{
    unsigned n = used_in_first(page);

    for (struct rmap_block *b = first_block(page); b != NULL; b = b->next) {
        for (unsigned i = 0; i < n; i++) {
            if (b->pte[i] == pte)
                return &b->pte[i];
        }
        n = PER_BLOCK;
    }
    return NULL;
}

/* Under the lock.  Who comes from the page does not know which of its entries
 * were in locked areas; but when the last one is gone, none is. */
static void
one_fewer(struct page *page)
{
    atomic_store(&page->mapcount, page->mapcount - 1);
    if (page->mapcount == 0)
        page->mlocks = 0;
}

/* Take out one record, under the lock.  Returns a block that became empty. */
static struct rmap_block *
take_out(struct page *page, pte_t *pte)
{
    struct rmap_block *b = first_block(page);
    unsigned n = used_in_first(page);
    pte_t **hole, *few[2];

    if (b == NULL) {
        n = rmap_few(page->rmap, few);
        assert(page->mapcount == (int32_t)n && n > 0);
        assert(few[0] == pte || (n == 2 && few[1] == pte));
        one_fewer(page);
        page->rmap = n == 1 ? 0 : (uintptr_t)few[few[0] == pte];
        return NULL;
    }
    hole = find_record(page, pte);
    assert(hole != NULL);
    *hole = b->pte[n - 1];
    one_fewer(page);
    if (n > 1)
        return NULL;
    page->rmap = b->next == NULL ? 0 : (uintptr_t)b->next | RMAP_BLOCK;
    return b;
}

void
rmap_remove_one(struct page *page, pte_t *pte)
{
    struct rmap_block *empty = take_out(page, pte);

    unlock_rmap(page);
    if (unlikely(empty != NULL))
        rmap_block_free(empty);
}

void
rmap_replace(struct page *page, pte_t *from, pte_t *to)
{
    pte_t *few[2];

    lock_rmap(page);
    if (first_block(page) != NULL)
        *find_record(page, from) = to;
    else if (rmap_few(page->rmap, few) == 1)
        page->rmap = (uintptr_t)to;
    else
        page->rmap = rmap_pair((uintptr_t)few[few[0] == from], (uintptr_t)to);
    unlock_rmap(page);
}

void
rmap_mlock(struct page *page, int by)
{
    lock_rmap(page);
    page->mlocks = (uint16_t)(page->mlocks + by);
    unlock_rmap(page);
}

/* kern/ext/mm/huge.c, if linked, takes its place. */
WEAK void
huge_break(pte_t *pte)
{
}

/* Entry PTE, found under PAGE's rmap lock: the table lock is only tried, as
 * faults take it first.  Returns whether FN cleared the entry.  A huge leaf goes
 * into *HUGE, locked, if HUGE is not NULL. */
static bool
visit(struct page *page, pte_t *pte,
      bool (*fn)(struct page *page, pte_t *pte, void *arg), void *arg,
      unsigned *skipped, pte_t **huge)
{
    bool cleared;

    if (!spin_trylock_nested(pte_lock(pte))) {
        ++*skipped;
        return false;
    }
    race_point("rmap-visit");
    if (huge != NULL && pte_level(pte) > 0) { /* a page has one at most */
        *huge = pte;
        return false;
    }
    cleared = fn(page, pte, arg);
    spin_unlock_nested(pte_lock(pte));
    return cleared;
}

static unsigned
walk_once(struct page *page,
          bool (*fn)(struct page *page, pte_t *pte, void *arg), void *arg,
          pte_t **huge)
{
    unsigned skipped = 0, n;
    struct rmap_block *b, *empty = NULL;
    pte_t *few[2];

    irq_off();
    lock_rmap(page);
    b = first_block(page);
    if (b == NULL) {
        for (n = rmap_few(page->rmap, few); n-- > 0;) {
            if (visit(page, few[n], fn, arg, &skipped, huge))
                take_out(page, few[n]);
        }
        unlock_rmap(page);
        irq_restore();
        return skipped;
    }
    n = used_in_first(page);
    while (b != NULL) { /* from the end: a hole is filled by what was seen */
        struct rmap_block *next = b->next;

        while (n-- > 0) {
            pte_t *pte = b->pte[n];

            if (visit(page, pte, fn, arg, &skipped, huge)) {
                struct rmap_block *e = take_out(page, pte);

                if (e != NULL) {
                    e->next = empty;
                    empty = e;
                }
            }
        }
        b = next;
        n = PER_BLOCK;
    }
    unlock_rmap(page);
    irq_restore();
    while (empty != NULL) {
        struct rmap_block *next = empty->next;

        rmap_block_free(empty);
        empty = next;
    }
    return skipped;
}

unsigned
rmap_look(struct page *page,
          bool (*fn)(struct page *page, pte_t *pte, void *arg), void *arg)
{
    return walk_once(page, fn, arg, NULL);
}

unsigned
rmap_walk(struct page *page,
          bool (*fn)(struct page *page, pte_t *pte, void *arg), void *arg)
{
    for (;;) {
        pte_t *huge = NULL;
        unsigned skipped = walk_once(page, fn, arg, &huge);

        if (likely(huge == NULL))
            return skipped;
        huge_break(huge); /* then again, entry by entry */
    }
}
