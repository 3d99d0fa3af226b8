/* fault_wp.c: a store to a private page that may not be written yet.
 *
 *     shared with a relative: a copy        ours alone: the page gets W
 *     ours -> anon <- theirs                ours -> anon
 *
 * The last owner does not copy, or each fork would cost a second copy of what the
 * parent writes after its child has ended. */
#include "mm/fault_impl.h"

/* F->old is shared with a relative: a write gets its own copy.  Nobody writes
 * to a shared page, so it may be copied without a lock; PAGE has a reference of
 * ours, so that it stays. */
static unsigned
copy_page(struct fault *f, struct page *page)
{
    /* LAB 5.5: F->old is shared with a relative: this space gets its own copy.
     *
     * Take a frame, copy the 4096 bytes (page_copy()), mark the copy as up to
     * date and dirty, count MM_COW and let publish_private() put it in place
     * of the old one. Tell the caller that a copy was made: VM_FAULT_DONE_COW.
     * No memory: VM_FAULT_OOM. */
    struct page *fresh = alloc_pages(0);

    if (fresh == NULL)
        return VM_FAULT_OOM;
    page_copy(page_to_va(fresh), page_to_va(page));
    fresh->flags |= PG_UPTODATE | PG_DIRTY;
    note(f, MM_COW);
    return publish_private(f, fresh) | VM_FAULT_DONE_COW;
    /* STUB: return VM_FAULT_SIGBUS; */
    /* END 5.5 */
}

unsigned
do_wp_page(struct fault *f)
{
    /* LAB 5.6: a store to a private page whose entry does not allow it.
     *
     * Three things can be the case. The page is not in memory: do_swap_page().
     * Nobody else shares it (anon_shared()): no copy, the page is this space's
     * alone; count MM_REUSE, and MM_LCOLLAPSE if its epoch is older than the
     * layer's; it becomes dirty, and finish_fault() gives the entry W
     * (owner_rights()). Or relatives share it: unless wants_room() says that
     * others must go first, copy_page(), without any lock, but with a
     * reference of your own, so that the page stays.
     *
     * The anon's lock is held while you look at its page, and until the entry
     * is stored. The layer's lock is held when you are called; give both back. */
    struct page *page;
    unsigned result;

    spin_lock_off(&f->old->lock, RANK_ANON);
    page = f->old->page;
    if (unlikely(!anon_page_here(page))) {
        result = do_swap_page(f, f->old);
    } else if (!anon_shared(f->old)) {
        /* Nobody can share it again while we are inside the gate. */
        note(f, MM_REUSE);
        if (f->old->epoch != f->layer->epoch)
            note(f, MM_LCOLLAPSE); /* the relatives it was shared with left */
        atomic_or(&page->flags, PG_DIRTY);
        result = finish_fault(f, page, owner_rights(f));
    } else if (!wants_room(f, &result)) {
        page_get(page);
        spin_unlock_off(&f->old->lock, RANK_ANON);
        spin_unlock_off(&f->layer->lock, RANK_LAYER);
        result = copy_page(f, page);
        page_put(page);
        return result;
    }
    spin_unlock_off(&f->old->lock, RANK_ANON);
    spin_unlock_off(&f->layer->lock, RANK_LAYER);
    return result;
    /* STUB: spin_unlock_off(&f->layer->lock, RANK_LAYER); */
    /* STUB: return VM_FAULT_SIGBUS; */
    /* END 5.6 */
}
