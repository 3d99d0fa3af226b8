/* fault_object.c: the endings that show pages of an object, and the work that
 * is too long to be done inside the gate.
 *
 *   the page                 this pass            outside of the gate, locked
 *   ---------------------    ------------------   -----------------------------
 *   is not cached            adds it, locked      page_in() fills it
 *   is locked by another     -                    wait (a reference is enough)
 *   is there, a read         shows it             -
 *   is there, a first store  shows it, if it is   mkwrite(), then it is dirty
 *                            reserved already
 *   is there and dirty       shows it writable    -
 *   comes at the mark        (any of these)       begin to read more
 *
 * and then, but for the last, the fault starts over, so a pass never relies on what the last one
 * saw.  From the look to the store of the entry the page is locked: so it is
 * not thrown out, not cleaned, and not beyond the end.  Inside the gate the lock
 * is only tried. */
#include "mm/fault_impl.h"
#include "mm/writeback.h"

#include <race.h>

/* Leave the rest to fault_outside(): it gets references of ours. */
unsigned
outside(struct fault *f, unsigned todo, struct page *page,
        struct vm_object *object)
{
    f->todo = todo;
    f->page = page;
    f->object = object;
    if (object != NULL)
        object_get(object);
    return VM_FAULT_RETRY;
}

static unsigned
error_result(int err)
{
    return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/* The page of INDEX, locked, with a reference; or NULL with *RESULT set. */
static struct page *
find_or_add(struct fault *f, uint64_t index, unsigned *result)
{
    struct vm_object *obj = f->vma->vm_object;
    struct page *page = object_find_off(obj, index);

    if (unlikely(page == NULL)) {
        int err = index < object_pages(obj) ? object_add(obj, index, &page)
                                            : -ENODATA;

        if (err == 0)
            return page;
        if (err != -EEXIST) {
            *result = error_result(err);
            return NULL;
        }
    }
    race_point("page-found");
    if (page_trylock(page))
        return page;
    *result = outside(f, DO_WAIT, page, NULL);
    return NULL;
}

/* The page of the object behind this address, locked and up to date, with a
 * reference; or NULL with *RESULT set.  What filemap_fault() is elsewhere. */
static struct page *
filemap_fault(struct fault *f, unsigned *result)
{
    /* LAB 7.1: the page of the object behind the address of this fault.
     *
     * Return it locked, up to date and with a reference. If that cannot be
     * now, return NULL and say in *RESULT what becomes of the fault; lock and
     * reference are given back then.
     *
     * vma_object_index() is the number of the page. An object without pages,
     * and a page behind the end (object_pages()), is VM_FAULT_SIGBUS; look at
     * the end after the page is locked, for the file may become shorter.
     * find_or_add() finds the page, or adds an empty one. A page that was
     * thrown out before you had the lock (object_owns()) means: again. One
     * that is not up to date must be read: at once with object_fill() where
     * that does not wait (ops->at_once, and object_slot() is 0), else, locked
     * and referenced, outside of the gate: outside(f, DO_PAGE_IN, page, obj). */
    struct vm_object *obj = f->vma->vm_object;
    uint64_t index = vma_object_index(f->vma, f->va);
    struct page *page;

    *result = VM_FAULT_SIGBUS;
    if (!object_has_pages(obj))
        return NULL;
    page = find_or_add(f, index, result);
    if (page == NULL)
        return NULL;
    if (!object_owns(obj, page)) {
        *result = VM_FAULT_RETRY; /* thrown out before we had the lock */
    } else if (!(atomic_load(&page->flags) & PG_UPTODATE)) {
        int err;

        if (!obj->ops->at_once || object_slot(obj, page) != 0) {
            *result = outside(f, DO_PAGE_IN, page, obj);
            return NULL;
        }
        err = object_fill(obj, page);
        if (err == 0)
            return page;
        *result = error_result(err);
    } else if (index < object_pages(obj)) {
        return page;
    }
    page_unlock(page);
    page_put(page);
    return NULL;
    /* STUB: *result = VM_FAULT_SIGBUS; */
    /* STUB: return NULL; */
    /* END 7.1 */
}

static unsigned
do_read_fault(struct fault *f, struct page *page)
{
    /* LAB 7.2: a load or fetch: map the object's own PAGE, but never for
     * writing.
     *
     * show_below() does that, and looks whether a private page came meanwhile.
     * Count MM_FREAD. If it went well (VM_FAULT_NOPAGE) the neighbours of the
     * page may come, too: do_fault_around(). */
    unsigned result;

    note(f, MM_FREAD);
    result = show_below(f, page);
    if (result == VM_FAULT_NOPAGE)
        do_fault_around(f);
    return result;
    /* STUB: return VM_FAULT_SIGBUS; */
    /* END 7.2 */
}

WEAK void
do_fault_around(struct fault *f)
{
    (void)f;
}

/* A private write: the object's page is copied, and the copy is private. */
static unsigned
do_cow_fault(struct fault *f, struct page *page)
{
    /* LAB 7.3: a store to a private mapping: this space gets a copy of its
     * own.
     *
     * The file must never see the store. A fresh frame gets the contents of
     * PAGE; it is up to date (PG_UPTODATE), and no disk has it (PG_DIRTY).
     * Count MM_FCOW with note(). publish_private() makes it the private page of
     * this address, or gives it back, and says what becomes of the fault. No
     * memory: VM_FAULT_OOM. PAGE stays the caller's, as it is. */
    struct page *fresh = alloc_pages(0);

    if (fresh == NULL)
        return VM_FAULT_OOM;
    page_copy(page_to_va(fresh), page_to_va(page));
    fresh->flags |= PG_UPTODATE | PG_DIRTY;
    note(f, MM_FCOW);
    return publish_private(f, fresh);
    /* STUB: return VM_FAULT_SIGBUS; */
    /* END 7.3 */
}

/* PAGE is about to be written to.  Can it become dirty here, because nothing is
 * to be reserved? */
static bool
may_dirty(struct vm_object *obj, struct page *page)
{
    uint32_t flags = atomic_load(&page->flags);

    return obj->ops->mkwrite == NULL || (flags & PG_DIRTY) ||
           (!(flags & PG_WRITEBACK) && obj->ops->reserved != NULL &&
            obj->ops->reserved(obj, page->index));
}

/* A shared write: the object learns of it first, then the entry gets W. */
static unsigned
do_shared_fault(struct fault *f, struct page *page)
{
    /* LAB 7.4: a store to a shared mapping: the object's own PAGE becomes
     * writable.
     *
     * The object must know that its page will change, before it can:
     * object_set_dirty(), else nobody writes it back. Where the disk must find
     * room first (may_dirty() says no), that is done outside: DO_MKWRITE.
     * Else count MM_FSHARED and MM_MKWRITE, also if the page is dirty already;
     * finish_fault() maps it with the rights of the area. */
    struct vm_object *obj = f->vma->vm_object;

    if (!may_dirty(obj, page))
        return outside(f, DO_MKWRITE, page, obj);
    object_set_dirty(obj, page);
    note(f, MM_FSHARED);
    note(f, MM_MKWRITE);
    return finish_fault(f, page, area_rights(f));
    /* STUB: return VM_FAULT_SIGBUS; */
    /* END 7.4 */
}

/* A frame in place: the object keeps it for ever, so nobody locks or counts it.
 * Only a device's may be written, and only if it is shared; code is never
 * fetched from one. */
static unsigned
do_frame_fault(struct fault *f, paddr_t pa)
{
    bool shared = f->vma->vm_flags & VM_SHARED;
    uint64_t rights = area_rights(f);

    if (f->vma->vm_flags & VM_PFNMAP) {
        if ((f->code & FAULT_EXEC) || (wants_own(f) && !shared))
            return VM_FAULT_SIGSEGV | VM_FAULT_ACCERR;
        return finish_frame(
            f, pte_make(pa, rights | PTE_A | (rights & PTE_W ? PTE_D : 0)));
    }
    if (wants_own(f) && !shared)
        return do_cow_fault(f, pa_to_page(pa));
    if (f->code & FAULT_WRITE)
        return VM_FAULT_SIGBUS;
    note(f, MM_FREAD);
    return show_below(f, pa_to_page(pa));
}

/* The fault is over, but the next pages should be on their way. */
static void
ahead(struct fault *f)
{
    struct vm_object *obj = f->vma->vm_object;

    if (obj->ops->read_run != NULL &&
        readahead_due(&obj->faults, vma_object_index(f->vma, f->va)))
        (void)outside(f, DO_AHEAD, NULL, obj);
}

unsigned
do_object_fault(struct fault *f)
{
    struct vm_object *obj = f->vma->vm_object;
    unsigned result = 0;
    struct page *page;

    if (obj->ops->frame != NULL) {
        paddr_t pa = obj->ops->frame(obj, vma_object_index(f->vma, f->va));

        if (pa != 0)
            return do_frame_fault(f, pa);
    }
    page = filemap_fault(f, &result);
    if (page == NULL)
        return result;
    if (wants_own(f) && !(f->vma->vm_flags & VM_SHARED))
        result = do_cow_fault(f, page);
    else if (f->code & FAULT_WRITE)
        result = do_shared_fault(f, page);
    else
        result = do_read_fault(f, page);
    if (f->todo != 0) /* lock and reference go outside */
        return result;
    page_unlock(page);
    page_put(page);
    ahead(f);
    return result;
}

/* --- outside of the gate --- */

/* What is to be done with F->page, and what the result becomes. */
static unsigned
page_outside(struct fault *f, unsigned todo, unsigned result)
{
    struct vm_object *obj = f->object;
    struct page *page = f->page;
    bool killable = f->code & FAULT_KILLABLE;
    int err = 0;

    if (todo & DO_WAIT) {
        f->gave_up = page_wait_killable(page, killable) != 0;
        page_put(page);
        return result;
    }
    if (todo & DO_PAGE_IN) {
        bool swapped = object_slot(obj, page) != 0;

        f->major = true;
        err = object_fill_ahead(obj, page, &obj->faults, killable);
        if (err == -EINTR) {
            f->gave_up = true;
            page_put(page);
            return result;
        }
        if (swapped && err == 0)
            mm_count(f->mm, MM_SWPIN);
    } else if (todo & DO_SWAP_IN) {
        err = swap_in_outside(f);
    } else {
        page_wait_written(page);
        err = obj->ops->mkwrite(obj, page->index, page);
        if (err == 0)
            object_set_dirty(obj, page);
    }
    page_unlock(page);
    page_put(page);
    if ((todo & DO_MKWRITE) && err == 0)
        balance_dirty(obj);
    return err == 0 ? result : error_result(err);
}

unsigned
fault_outside(struct fault *f, unsigned result)
{
    unsigned todo = f->todo;

    f->todo = 0;
    if (todo & DO_STACK) {
        int err = expand_stack(f->mm, f->va);

        if (err != 0)
            result = err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGSEGV;
    } else if (todo & DO_ROOM) {
        make_room(f);
    } else if (todo & DO_AHEAD) {
        object_read_ahead(f->object, &f->object->faults);
    } else {
        result = page_outside(f, todo, result);
    }
    if (f->object != NULL)
        object_put(f->object);
    return result;
}
