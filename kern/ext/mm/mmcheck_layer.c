/* mmcheck_layer.c: adds private pages to ext/mm/mmcheck.c; a first reader may
 * skip it.
 *
 * Each layer's tree is walked once, and each node that relatives share once for
 * all of them.  Nodes and anons must count exactly who points at them, over
 * all spaces; a node's live count is its used slots; a layer has no page that
 * none of its areas shows; an anon and its page know each other, and the page is
 * dirty unless it can be had again from elsewhere; and no anon and no node exists
 * that cannot be reached. */
#include "ext/mm/mmcheck_impl.h"

/* What a page is that has no slot and is up to date. */
#define OR_ELSE (PG_DIRTY | PG_LAZYFREE | PG_WRITEBACK)

/* N is pointed at once more; the first time, all below is met, too. */
static void
meet_node(struct check *c, struct lnode *n)
{
    unsigned live = 0;

    if (tally_add(&c->seen, n, TALLY_NODE, 1) != 1)
        return;
    for (unsigned i = 0; i <= n->last; i++) {
        union lslot s = n->slot[i];

        if (s.node == NULL)
            continue;
        live++;
        if (n->level == 0) {
            tally_add(&c->seen, s.anon, TALLY_ANON, 1);
            continue;
        }
        if (s.node->level != n->level - 1)
            c->complain(c, "node %p of level %u is below level %u",
                        (void *)s.node, s.node->level, n->level);
        else
            meet_node(c, s.node);
    }
    if (live != n->live)
        c->complain(c, "node %p uses %u slots, counted %u", (void *)n, live,
                    n->live);
}

/* Pages at the indexes [FIRST, LAST] below N, whose own first index is BASE. */
static uint64_t
pages_below(const struct lnode *n, uint64_t base, uint64_t first, uint64_t last)
{
    uint64_t count = 0, span = 1ul << n->bits;

    for (unsigned i = 0; i <= n->last; i++, base += span) {
        if (n->slot[i].node == NULL || base > last || base + span - 1 < first)
            continue;
        count +=
            n->level == 0 ? 1 : pages_below(n->slot[i].node, base, first, last);
    }
    return count;
}

static uint64_t
layer_pages(const struct layer *l, uint64_t first, uint64_t last)
{
    uint64_t mask;

    if (l->root == NULL)
        return 0;
    mask = ((l->root->last + 1ul) << l->root->bits) - 1;
    return pages_below(l->root, l->origin & ~mask, first, last);
}

/* All areas of MM that show L: how many, and the pages they show. */
static void
check_layer(struct check *c, struct mm_struct *mm, struct layer *l)
{
    uint64_t all = layer_pages(l, 0, UINT64_MAX), shown = 0;
    int32_t areas = 0;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->layer != l)
            continue;
        areas++;
        shown += layer_pages(l, v->lpgoff, v->lpgoff + vma_pages(v) - 1);
    }
    if (l->refs != areas)
        c->complain(c, "layer %p has %d references, %d areas", (void *)l,
                    l->refs, areas);
    if (all != shown)
        c->complain(c, "layer %p has %lu pages, its areas show %lu", (void *)l,
                    all, shown);
    if (l->twin != NULL)
        c->complain(c, "layer %p still has a twin", (void *)l);
}

static void
check_layers(struct check *c, struct mm_struct *mm)
{
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->layer == NULL ||
            tally_add(&c->seen, v->layer, TALLY_LAYER, 1) != 1)
            continue;
        check_layer(c, mm, v->layer);
        if (v->layer->root != NULL)
            meet_node(c, v->layer->root);
    }
}

static void
check_anon(struct check *c, struct anon *a, uint32_t slots)
{
    struct page *page = a->page;

    if (a->ref != (int32_t)slots)
        c->complain(c, "anon %p has %d references, %u slots", (void *)a, a->ref,
                    slots);
    if (page == NULL && a->slot == 0)
        c->complain(c, "anon %p has neither page nor swap slot", (void *)a);
    if (page == NULL)
        return;
    if (page->owner != ((uintptr_t)a | PAGE_OWNER_ANON))
        c->complain(c, "anon %p: its page %#lx belongs to %#lx", (void *)a,
                    page_to_pfn(page), page->owner);
    if (page->ref < 1)
        c->complain(c, "anon %p: its page %#lx has %d references", (void *)a,
                    page_to_pfn(page), page->ref);
    if (a->slot == 0 && (page->flags & (PG_UPTODATE | OR_ELSE)) == PG_UPTODATE)
        c->complain(c, "anon %p: its page %#lx has no slot, but is not dirty",
                    (void *)a, page_to_pfn(page));
    if (page->mapcount != (int32_t)tally_of(&c->seen, page))
        c->complain(c, "anon %p: its page %#lx is mapped %u times, counted %d",
                    (void *)a, page_to_pfn(page), tally_of(&c->seen, page),
                    page->mapcount);
}

static void
check_entry(struct check *c, struct tally_entry *e)
{
    struct lnode *n = (struct lnode *)e->key;

    if (e->kind == TALLY_ANON)
        check_anon(c, (struct anon *)e->key, e->n);
    else if (e->kind == TALLY_NODE && n->ref != (int32_t)e->n)
        c->complain(c, "node %p has %d references, %u parents", (void *)n,
                    n->ref, e->n);
}

static void
check_world(struct check *c)
{
    size_t anons = 0, nodes = 0;

    for (size_t i = 0; i < tally_size(&c->seen); i++) {
        anons += c->seen.entry[i].kind == TALLY_ANON;
        nodes += c->seen.entry[i].kind == TALLY_NODE;
    }
    if (anons != anon_count())
        c->complain(c, "%lu anons can be reached, there are %lu", anons,
                    anon_count());
    if (nodes != lnode_count())
        c->complain(c, "%lu nodes can be reached, there are %lu", nodes,
                    lnode_count());
}

static const struct mmcheck_part layers = {check_layers, check_entry,
                                           check_world};
TABLE_ADD(mmcheck, layers);
