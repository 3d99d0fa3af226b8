/* mm_pager.h: a file of a few pages, for the tests of the whole of kern/mm.
 *
 * The file's pages are words (one page shows PAGER_WORDS of them); page_in()
 * copies them into the frame, page_out() back.  pager_evict() throws a page out
 * of memory as reclaim would: locked, unmapped everywhere, every hart forgets
 * it, written if dirty, removed. */
#ifndef HOST_MM_PAGER_H
#define HOST_MM_PAGER_H

#define PAGER_PAGES 32
#define PAGER_WORDS 4

#ifndef PAGER_PREPARED
#define PAGER_PREPARED(page) ((void)0) /* for mutants */
#endif

struct pager {
    struct vm_object object; /* first */
    uint64_t word[PAGER_PAGES][PAGER_WORDS];
    bool reserved[PAGER_PAGES]; /* mkwrite() was asked since the last out */
    unsigned ins, outs, released;
    bool plain; /* the pager has no mkwrite */
};

static int
pager_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    struct pager *p = (struct pager *)obj;

    MMU_STEP("page_in");
    page_zero(page_to_va(page));
    memcpy(page_to_va(page), p->word[index], sizeof(p->word[index]));
    __atomic_fetch_add(&p->ins, 1, __ATOMIC_RELAXED);
    return 0;
}

static void
pager_out(struct vm_object *obj, uint64_t index, struct page **pages,
          unsigned n)
{
    struct pager *p = (struct pager *)obj;

    for (unsigned i = 0; i < n; i++) {
        uint64_t *word = p->word[index + i];

        MMU_STEP("page_out");
        if (obj->ops->mkwrite != NULL && !p->reserved[index + i])
            panic("page_out without mkwrite");
        memcpy(word, page_to_va(pages[i]), sizeof(p->word[0]));
        p->reserved[index + i] = false;
        __atomic_fetch_add(&p->outs, 1, __ATOMIC_RELAXED);
        object_written(obj, pages[i], 0);
    }
}

static int
pager_mkwrite(struct vm_object *obj, uint64_t index, struct page *page)
{
    MMU_STEP("mkwrite");
    assert(atomic_load(&page->flags) & PG_LOCKED);
    ((struct pager *)obj)->reserved[index] = true;
    PAGER_PREPARED(page);
    return 0;
}

static void
pager_release(struct vm_object *obj)
{
    ((struct pager *)obj)->released++;
}

static const struct pager_ops pager_ops = {.name = "test",
                                           .page_in = pager_in,
                                           .page_out = pager_out,
                                           .mkwrite = pager_mkwrite,
                                           .release = pager_release};
/* The same without mkwrite. */
static const struct pager_ops pager_plain_ops = {.name = "plain",
                                                 .page_in = pager_in,
                                                 .page_out = pager_out,
                                                 .release = pager_release};

static WORLD_UNUSED void
pager_init(struct pager *p, const struct pager_ops *ops, unsigned pages)
{
    memset(p, 0, sizeof(*p));
    object_init(&p->object, ops, pages * PAGE_SIZE, NULL);
}

/* False: somebody uses the page just now, or it is not in memory. */
static WORLD_UNUSED bool
pager_evict(struct pager *p, uint64_t index)
{
    struct page *page = object_find(&p->object, index);
    bool done = false;

    if (page == NULL)
        return false;
    page_lock(page);
    if (object_owns(&p->object, page) && try_to_unmap(page) == 0) {
        if (object_clean(&p->object, page) != 0)
            panic("the pager never fails");
        done = object_owns(&p->object, page) &&
               !(atomic_load(&page->flags) & (PG_DIRTY | PG_WRITEBACK)) &&
               try_to_unmap(page) == 0;
        if (done)
            object_remove(&p->object, page);
    }
    page_unlock(page);
    page_put(page);
    return done;
}

#endif
