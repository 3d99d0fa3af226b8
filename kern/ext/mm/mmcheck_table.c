/* mmcheck_table.c: adds page tables and the reverse map to ext/mm/mmcheck.c; a
 * first reader may skip it.
 *
 * Each table belongs to its space, translates what it says, and counts its
 * entries.  Each entry lies in an area, allows no more than the area does, and
 * shows what a fault would find there: the private page, else the object's.
 * Only a page that is ours alone may be written through a private entry.  Each
 * page that keeps records knows exactly the entries that map it. */
#include "ext/mm/mmcheck_impl.h"
#include "mm/rmap.h"

struct walk {
    struct check *c;
    struct mm_struct *mm;
    struct vma_struct *vma; /* the first that ends above the last address */
    int64_t rss;
    uint64_t tables;
};

/* --- one entry and what it shows --- */

struct record {
    const struct page *page;
    const pte_t *pte; /* NULL: any */
    unsigned found, wrong;
};

/* Does entry PTE, or the huge leaf it is, map PAGE? */
static bool
maps(const pte_t *pte, const struct page *page)
{
    unsigned level = pte_table(pte)->index & PAGE_MASK;
    paddr_t first = pte_pa(pte_load(pte)), pa = page_to_pa(page);

    return pte_is_leaf(pte_load(pte)) && pa >= first &&
           pa - first < pte_span(level);
}

static bool
compare_record(struct page *page, pte_t *pte, void *arg)
{
    struct record *r = arg;

    r->found += pte == r->pte;
    if ((pte_table(pte)->flags & PG_TABLE) == 0 || !maps(pte, page))
        r->wrong++;
    return false;
}

/* May a private page at INDEX be written in place? */
static bool
slot_is_ours(const struct layer *l, uint64_t index)
{
    for (struct lnode *n = l->root; n->ref == 1;
         n = n->slot[index >> n->bits & n->last].node)
        if (n->level == 0)
            return n->slot[index & n->last].anon->ref == 1;
    return false;
}

static struct anon *
private_page(struct layer *l, uint64_t index)
{
    struct anon *a;

    if (l == NULL)
        return NULL;
    spin_lock(&l->lock);
    a = layer_find(l, index);
    spin_unlock(&l->lock);
    return a;
}

/* Is PAGE the one that OBJ has at INDEX? */
static bool
object_shows(struct vm_object *obj, uint64_t index, const struct page *page)
{
    struct page *p;

    if (obj == NULL)
        return false;
    if (obj->ops->frame != NULL &&
        obj->ops->frame(obj, index) == page_to_pa(page))
        return true;
    p = object_find(obj, index);
    if (p != NULL)
        page_put(p);
    return p == page;
}

/* E at VA maps PAGE in area V: is it what a fault would find? */
static void
check_shown(struct check *c, struct vma_struct *v, uintptr_t va, pte_t e,
            struct page *page)
{
    bool private = !(v->vm_flags & VM_SHARED);
    struct anon *a =
        private ? private_page(v->layer, vma_layer_index(v, va)) : NULL;

    if (a != NULL && a->page != page)
        c->complain(c, "%#lx: shows page %#lx, but the private one is %#lx", va,
                    page_to_pfn(page),
                    a->page == NULL ? 0 : page_to_pfn(a->page));
    else if (a == NULL && !(page->flags & PG_ZERO) &&
             !object_shows(v->vm_object, vma_object_index(v, va), page))
        c->complain(c, "%#lx: shows page %#lx, which is not the object's", va,
                    page_to_pfn(page));
    else if (a == NULL && (page->flags & PG_ZERO) && v->vm_object != NULL)
        c->complain(c, "%#lx: shows the zero page instead of an object", va);
    if ((e & PTE_W) && private &&
        (a == NULL || !slot_is_ours(v->layer, vma_layer_index(v, va))))
        c->complain(c, "%#lx: may be written, but page %#lx is shared", va,
                    page_to_pfn(page));
}

/* PTE maps PAGE, which keeps records: does it know? */
static void
check_record(struct walk *w, uintptr_t va, pte_t *pte, struct page *page)
{
    struct record r = {.page = page, .pte = pte};

    tally_add(&w->c->seen, page, TALLY_PAGE, 1);
    (void)rmap_look(page, compare_record, &r);
    if (r.found != 1)
        w->c->complain(w->c, "%#lx: page %#lx has %u records of this entry", va,
                       page_to_pfn(page), r.found);
}

/* PTE maps PAGE, maybe with others, at VA. */
static void
check_mapped(struct walk *w, uintptr_t va, pte_t *pte, struct page *page)
{
    check_shown(w->c, w->vma, va, pte_load(pte), page);
    if (!(page->flags & (PG_ZERO | PG_RESERVED))) {
        w->rss++;
        check_record(w, va, pte, page);
    } else if (page->mapcount != 0 || page->rmap != 0) {
        w->c->complain(w->c, "page %#lx keeps records, but must not",
                       page_to_pfn(page));
    }
}

static void
check_leaf(struct walk *w, uintptr_t va, pte_t *pte, unsigned level)
{
    struct check *c = w->c;
    struct vma_struct *v;
    pte_t e = pte_load(pte);
    struct page *page;

    while (w->vma != NULL && w->vma->vm_end <= va)
        w->vma = vma_next(w->vma);
    v = w->vma;
    if (v == NULL || v->vm_start > va || v->vm_end < va + pte_span(level)) {
        c->complain(c, "%#lx: an entry of level %u outside of all areas", va,
                    level);
        return;
    }
    if (e & (PTE_RWX | PTE_U) & ~pte_rights(v->vm_flags))
        c->complain(c, "%#lx: entry %#lx allows more than its area", va, e);
    if ((e & (PTE_R | PTE_W)) == PTE_W || !(e & PTE_U))
        c->complain(c, "%#lx: entry %#lx is no legal leaf", va, e);
    if (v->vm_flags & VM_PFNMAP) {
        if (v->vm_object->ops->frame(v->vm_object, vma_object_index(v, va)) !=
            pte_pa(e))
            c->complain(c, "%#lx: shows another frame than its device", va);
        return;
    }
    page = pa_to_page(pte_pa(e));
    for (size_t n = pte_span(level) / PAGE_SIZE; n > 0; n--, va += PAGE_SIZE)
        check_mapped(w, va, pte, page++);
}

/* --- tables --- */

static void
check_table(struct walk *w, pte_t *table, unsigned level, uintptr_t base)
{
    unsigned n = PTES_PER_TABLE / (level == paging_levels - 1 ? 2 : 1);
    struct page *page = pte_table(table);
    int32_t live = 0;

    w->tables++;
    if (!(page->flags & PG_TABLE) ||
        page->owner != ((uintptr_t)w->mm | PAGE_OWNER_MM) ||
        PAGE_DOWN(page->index) != base)
        w->c->complain(w->c, "%#lx: its table of level %u is another's", base,
                       level);
    for (unsigned i = 0; i < n; i++, base += pte_span(level)) {
        pte_t e = pte_load(&table[i]);

        live += e != 0;
        if (e == 0)
            continue;
        if (!(e & PTE_V) || (level == 0 && pte_is_table(e)))
            w->c->complain(w->c, "%#lx: entry %#lx of level %u is nothing",
                           base, e, level);
        else if (pte_is_table(e))
            check_table(w, pa_to_va(pte_pa(e)), level - 1, base);
        else
            check_leaf(w, base, &table[i], level);
    }
    if (live != page->mapcount)
        w->c->complain(w->c,
                       "%#lx: its table of level %u has %d entries, "
                       "counted %d",
                       page->index, level, live, page->mapcount);
}

static void
check_tables(struct check *c, struct mm_struct *mm)
{
    struct walk w = {.c = c, .mm = mm};
    uint64_t counted = mm->stat[MM_PT_ALLOC] - mm->stat[MM_PT_FREE];

    if (!list_empty(&mm->mmap_list))
        w.vma = list_first(&mm->mmap_list, struct vma_struct, list_link);
    check_table(&w, mm->pgdir, paging_levels - 1, 0);
    if (w.rss != mm->rss)
        c->complain(c, "%ld pages mapped, rss is %ld", w.rss, mm->rss);
    if (w.tables != counted)
        c->complain(c, "%lu tables, pt_alloc - pt_free is %lu", w.tables,
                    counted);
}

/* --- pages that are mapped --- */

static void
check_page(struct check *c, struct tally_entry *e)
{
    struct page *page = (struct page *)e->key;
    struct record r = {.page = page};

    if (e->kind != TALLY_PAGE)
        return;
    (void)rmap_look(page, compare_record, &r);
    if (r.wrong != 0)
        c->complain(c, "page %#lx has %u records of entries that map others",
                    page_to_pfn(page), r.wrong);
    if (page->mapcount != (int32_t)e->n)
        c->complain(c, "page %#lx is mapped %u times, counted %d",
                    page_to_pfn(page), e->n, page->mapcount);
    if (page->ref < 1)
        c->complain(c, "page %#lx is mapped and has %d references",
                    page_to_pfn(page), page->ref);
    if (page->owner != 0 && (page->owner & PAGE_OWNER_TAG) == PAGE_OWNER_ANON &&
        tally_of(&c->seen, (void *)page->owner) == 0)
        c->complain(c, "page %#lx is mapped, but its owner %#lx is not there",
                    page_to_pfn(page), page->owner);
}

static const struct mmcheck_part tables = {check_tables, check_page, NULL};
TABLE_ADD(mmcheck, tables);
