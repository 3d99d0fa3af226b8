/* memnode.c: adds memory in nodes; a first reader may skip it.
 *
 *     harts 0 1                      harts 2 3
 *        |                              |
 *     [ node 0: 0x80000000.. ]------[ node 1: 0x88000000.. ]
 *
 * The buddy allocator does not know nodes: its blocks may lie in two of them, and
 * who asks for a page gets any.  That is right for nearly everybody, because a page
 * that turns out to be far away can be moved (migrate.c).  So only a page to move
 * to is looked for here: a free block that reaches into the node is taken off the
 * lists and halved until one page of it is left.  The walk over the lists is as long
 * as they are, but nobody waits for it except who moves pages. */
#include "ext/mm/memnode.h"

#include "init/initcall.h"
#include "mm/failpoint.h"
#include "mm/pmm_impl.h"

static struct {
    struct span frames;
    unsigned node;
} near[MACHINE_MAX_NEAR];                     /* [I] */
static unsigned nnear;                        /* [I] */
static unsigned count = 1;                    /* [I] */
static unsigned hart_node[MACHINE_MAX_HARTS]; /* [I] */

unsigned
memnode_count(void)
{
    return count;
}

unsigned
memnode_of_hart(unsigned cpu)
{
    return hart_node[cpu];
}

unsigned
memnode_of(const struct page *page)
{
    pfn_t pfn = page_to_pfn(page);

    for (unsigned i = 0; i < nnear; i++) {
        if (near[i].frames.start <= pfn && pfn < near[i].frames.end)
            return near[i].node;
    }
    return 0;
}

/* Does the block of 2^ORDER frames at PFN reach into NODE? */
static bool
reaches(pfn_t pfn, unsigned order, unsigned node)
{
    for (unsigned i = 0; i < nnear; i++) {
        if (near[i].node == node &&
            near[i].frames.start < pfn + (1ul << order) &&
            pfn < near[i].frames.end)
            return true;
    }
    return false;
}

/* See to it that buddy_take(ORDER) takes P, which is free and of that order. */
static void
move_to_front(struct page *p, unsigned order)
{
    list_del(&p->lru);
    list_add(&buddy.free[order], &p->lru);
}

/* A block that reaches into NODE, off the lists, and its order; or NULL. */
static struct page *
take_block(unsigned node, unsigned *order, bool *raw)
{
    for (unsigned k = 0; k <= MAX_ORDER; k++) {
        list_for_each_entry (p, &buddy.free[k], struct page, lru) {
            if (!reaches(page_to_pfn(p), k, node))
                continue;
            move_to_front(p, k);
            *order = k;
            return buddy_take(k, raw);
        }
    }
    return NULL;
}

/* One page of NODE is left of the block P; the rest goes back. */
static struct page *
cut_down(struct page *p, unsigned order, bool *raw, unsigned node)
{
    while (order-- > 0) {
        struct page *upper = p + (1ul << order), *back = upper;
        unsigned written = *raw && order < SECTION_ORDER ? SECTION_PAGES : 1;

        if (*raw) { /* who joins blocks looks at the first of both halves */
            for (unsigned i = 1; i < written; i++)
                p[i] = (struct page){0};
            *upper = (struct page){0};
            *raw = written == 1;
        }
        if (!reaches(page_to_pfn(p), order, node)) {
            back = p;
            p = upper;
        }
        buddy_put(back, order, *raw ? PG_RAW : 0);
    }
    return p;
}

struct page *
memnode_alloc(unsigned node)
{
    struct page *p;
    unsigned order;
    bool raw = false;

    if (node == MEMNODE_ANY)
        return alloc_pages(0);
    if (fail_now(FAIL_PAGE))
        return NULL;
    spin_lock(&buddy.lock);
    p = take_block(node, &order, &raw);
    if (p != NULL)
        p = cut_down(p, order, &raw, node);
    spin_unlock(&buddy.lock);
    return block_claim(p, 0, raw);
}

static void
learn_nodes(const struct machine *m)
{
    for (nnear = 0; nnear < m->nnear; nnear++) {
        const struct mem_range *r = &m->near[nnear].mem;

        near[nnear].frames.start = r->start >> PAGE_SHIFT;
        near[nnear].frames.end = (r->start + r->size) >> PAGE_SHIFT;
        near[nnear].node = m->near[nnear].node;
        count = MAX(count, near[nnear].node + 1);
    }
    for (unsigned i = 0; i < m->nharts; i++)
        hart_node[i] = m->harts[i].node;
}

static const struct initcall learn_call = {"memnode", INIT_EARLY, learn_nodes};
TABLE_ADD(initcall, learn_call);
