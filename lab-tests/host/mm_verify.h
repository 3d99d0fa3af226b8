/* mm_verify.h: what must hold between areas, layers, page tables, the reverse
 * map and the frames, when nobody is at work.
 *
 *   areas     sorted, apart, as many as map_count; the tree finds each
 *   anons     references = slots of the nodes there are; they own their page
 *   nodes     references = nodes and layers above them
 *   tables    each counts its entries; each entry lies in an area
 *   rmap      the records of a page = the entries that map it, both ways
 *   frames    in use = tables + private pages + pages of objects
 *
 * verify() panics with the first thing that is wrong. */
#ifndef HOST_MM_VERIFY_H
#define HOST_MM_VERIFY_H

#ifdef EXPLORE_H
#define SEEN_MAX 256
#else
#define SEEN_MAX 8192 /* a power of two */
#endif

/* How often each pointer was met, since verify() began. */
static struct {
    const void *p;
    unsigned turn;
    int32_t n;
} seen[SEEN_MAX];
static unsigned seen_turn;
static size_t verify_frames, verify_anons, verify_nodes;

static int32_t *
seen_count(const void *p)
{
    size_t i = ((uintptr_t)p >> 3) * 2654435761u % SEEN_MAX;

    while (seen[i].turn == seen_turn && seen[i].p != p)
        i = (i + 1) % SEEN_MAX;
    if (seen[i].turn != seen_turn) {
        seen[i].p = p;
        seen[i].turn = seen_turn;
        seen[i].n = 0;
    }
    return &seen[i].n;
}

static void
must_be(bool right, const char *what)
{
    if (!right)
        panic("verify: %s", what);
}

/* --- layers --- */

static void
verify_anon(const struct anon *a)
{
    if ((*seen_count(a))++ > 0)
        return;
    verify_anons++;
    verify_frames++;
    must_be(a->page->owner == (uintptr_t)a, "an anon's page has no owner");
    must_be(a->page->ref == 1, "references of a private page");
}

static void
verify_node(const struct lnode *n)
{
    unsigned live = 0;

    if ((*seen_count(n))++ > 0)
        return;
    verify_nodes++;
    for (unsigned i = 0; i <= n->last; i++) {
        if (n->slot[i].anon == NULL)
            continue;
        live++;
        if (n->level == 0)
            verify_anon(n->slot[i].anon);
        else
            verify_node(n->slot[i].node);
    }
    must_be(live == n->live, "slots in use of a node");
}

/* The second time, when all are counted. */
static void
verify_refs(const struct lnode *n)
{
    must_be(*seen_count(n) == n->ref, "references of a node");
    for (unsigned i = 0; i <= n->last; i++) {
        if (n->slot[i].anon == NULL)
            continue;
        if (n->level == 0)
            must_be(*seen_count(n->slot[i].anon) == n->slot[i].anon->ref,
                    "references of an anon");
        else
            verify_refs(n->slot[i].node);
    }
}

static void
verify_layer(struct layer *l)
{
    if ((*seen_count(l))++ == 0 && l->root != NULL)
        verify_node(l->root);
}

/* --- areas --- */

static void
verify_areas(struct mm_struct *mm)
{
    uintptr_t end = 0;
    int n = 0;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        must_be(v->vm_mm == mm && end <= v->vm_start && v->vm_start < v->vm_end,
                "areas in order");
        must_be(find_vma(mm, v->vm_start) == v, "the tree finds an area");
        end = v->vm_end;
        n++;
        if (v->layer != NULL)
            verify_layer(v->layer);
    }
    must_be(n == mm->map_count, "number of areas");
    must_be(list_empty(&mm->dead), "dead areas");
}

static void
verify_layers_of(struct mm_struct *mm)
{
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->layer == NULL)
            continue;
        must_be(*seen_count(v->layer) == v->layer->refs,
                "references of a layer");
        if (v->layer->root != NULL)
            verify_refs(v->layer->root);
    }
}

/* --- tables --- */

static bool
is_recorded(struct page *page, const pte_t *pte)
{
    pte_t *few[2] = {NULL};

    if ((page->rmap & RMAP_BLOCK) == 0)
        return page->mapcount == (int32_t)rmap_few(page->rmap, few) &&
               (few[0] == pte || few[1] == pte);
    return find_record(page, (pte_t *)pte) != NULL;
}

/* What does the area show at VA?  NULL: zeros, or what is not in memory. */
static struct page *
page_shown(struct vma_struct *v, uintptr_t va)
{
    struct anon *a = NULL;
    struct page *page = NULL;

    if (v->layer != NULL) {
        spin_lock(&v->layer->lock);
        a = layer_find(v->layer, vma_layer_index(v, va));
        spin_unlock(&v->layer->lock);
    }
    if (a != NULL)
        return a->page;
    if (v->vm_object != NULL) {
        page = object_find(v->vm_object, vma_object_index(v, va));
        if (page != NULL)
            page_put(page);
    }
    return page;
}

/* What its entries in locked areas are counted by. */
static const void *
locks_of(const struct page *page)
{
    return &page->mlocks;
}

static void
verify_entry(struct mm_struct *mm, pte_t *pte, uintptr_t va)
{
    struct vma_struct *v = find_vma(mm, va);
    struct page *page = pa_to_page(pte_pa(*pte)), *shown;
    pte_t may;

    must_be(pte_va(pte) == va && pte_mm(pte) == mm, "an entry's address");
    must_be(v != NULL && v->vm_start <= va, "an entry outside of all areas");
    may = pte_rights(v->vm_flags);
    must_be((*pte & PTE_RWX & ~may) == 0, "an entry with too many rights");
    shown = page_shown(v, va);
    if (page->flags & PG_ZERO) {
        must_be(shown == NULL && !(*pte & PTE_W), "zeros in place of a page");
        return;
    }
    must_be(page == shown, "an entry shows another page");
    must_be(is_recorded(page, pte), "an entry without a record");
    ++*seen_count(page);
    *seen_count(locks_of(page)) += (v->vm_flags & VM_LOCKED) != 0;
    must_be((*pte & PTE_W) == 0 || (page->flags & PG_DIRTY),
            "a clean page is writable");
    must_be((*pte & PTE_W) == 0 || (v->vm_flags & VM_SHARED) ||
                !anon_shared((struct anon *)page->owner),
            "a shared page is writable");
}

static size_t
verify_table(struct mm_struct *mm, pte_t *table, unsigned level, uintptr_t va)
{
    int32_t entries = 0;
    size_t mapped = 0;

    must_be(pte_table(table)->index == (va | level),
            "a table's base and level");
    ++verify_frames;
    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        uintptr_t at = va + i * pte_span(level);

        if (table[i] == 0)
            continue;
        entries++;
        if (level > 0) {
            mapped += verify_table(mm, table_of(table[i]), level - 1, at);
            continue;
        }
        verify_entry(mm, &table[i], at);
        mapped += (pa_to_page(pte_pa(table[i]))->flags & PG_ZERO) == 0;
    }
    must_be(entries == pte_table(table)->mapcount, "entries of a table");
    return mapped;
}

/* --- objects --- */

static void
verify_onode(const struct onode *n, unsigned height)
{
    for (unsigned i = 0; i < NODE_SLOTS; i++) {
        if (n->slot[i] == NULL)
            continue;
        if (height > 1) {
            verify_onode(n->slot[i], height - 1);
            continue;
        }
        verify_frames++;
        must_be(((struct page *)n->slot[i])->ref == 1,
                "references of an object's page");
        must_be((((struct page *)n->slot[i])->flags & PG_LOCKED) == 0,
                "a page stays locked");
    }
}

static void
verify_object(const struct vm_object *obj)
{
    if ((*seen_count(obj))++ == 0 && obj->root != NULL)
        verify_onode(obj->root, obj->height);
}

/* All spaces there are, and objects that live without one; NULLs are skipped.
 * => nobody is at work; points of the explorer are off */
static WORLD_UNUSED void
verify(struct mm_struct *const *mm, unsigned n, struct vm_object *const *obj,
       unsigned nobj)
{
    seen_turn++;
    verify_frames = verify_anons = verify_nodes = 0;
    for (unsigned i = 0; i < n; i++)
        if (mm[i] != NULL)
            verify_areas(mm[i]);
    for (unsigned i = 0; i < n; i++) {
        if (mm[i] == NULL)
            continue;
        verify_layers_of(mm[i]);
        must_be((int64_t)verify_table(mm[i], mm[i]->pgdir, paging_levels - 1,
                                      0) == mm[i]->rss,
                "pages mapped");
        list_for_each_entry (v, &mm[i]->mmap_list, struct vma_struct, list_link)
            if (v->vm_object != NULL)
                verify_object(v->vm_object);
    }
    for (unsigned i = 0; i < nobj; i++)
        verify_object(obj[i]);
    for (unsigned i = 0; i < WORLD_FRAMES; i++) {
        struct page *p = &world_page[i];

        if (i < frames_fresh && !(p->flags & (PG_BUDDY | PG_TABLE | PG_ZERO)))
            must_be(*seen_count(p) == p->mapcount &&
                        p->mlocks == *seen_count(locks_of(p)),
                    "records of a page");
    }
    must_be(verify_frames == frames_used, "frames in use");
    must_be(verify_anons == anon_count(), "anons in use");
    must_be(verify_nodes == lnode_count(), "nodes in use");
}

#endif
