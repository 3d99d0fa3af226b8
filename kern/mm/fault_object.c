/* fault_object.c: the endings that show pages of an object, and the work that
 * is too long to be done inside the gate.
 *
 * A page that is missing is added locked; then the gate is left, the pager
 * fills it, and the fault starts over and finds it.  A page that somebody else
 * fills is waited for.  Between the look and the store of the entry the page is
 * locked, so that nobody throws it out. */
#include "mm/fault_impl.h"

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

/* The page of the object behind this address, locked and up to date, with a
 * reference; or NULL with *RESULT set.  What filemap_fault() is elsewhere. */
static struct page *
filemap_fault(struct fault *f, unsigned *result)
{
    struct vm_object *obj = f->vma->vm_object;
    uint64_t index = vma_object_index(f->vma, f->va);
    struct page *page;
    int err;

    if (index >= PAGE_UP(atomic_load(&obj->size)) >> PAGE_SHIFT) {
        *result = VM_FAULT_SIGBUS;
        return NULL;
    }
    page = object_find(obj, index);
    if (page == NULL) {
        err = object_add(obj, index, &page);
        if (err == -ENOMEM) {
            *result = VM_FAULT_OOM;
            return NULL;
        }
        if (err == 0) {
            *result = outside(f, DO_PAGE_IN, page, obj) | VM_FAULT_MAJOR;
            return NULL;
        }
    }
    if (page == f->writable)
        return page; /* locked by us, outside */
    if (!page_trylock(page)) {
        *result = outside(f, DO_WAIT, page, NULL);
        return NULL;
    }
    if (page->owner == ((uintptr_t)obj | PAGE_OWNER_OBJECT) &&
        (atomic_load(&page->flags) & PG_UPTODATE))
        return page;
    /* Thrown out meanwhile, or an error stands in it. */
    *result =
        atomic_load(&page->flags) & PG_ERROR ? VM_FAULT_SIGBUS : VM_FAULT_RETRY;
    if (atomic_load(&page->flags) & PG_ERROR && page->owner != 0)
        object_remove(obj, page);
    page_unlock(page);
    page_put(page);
    return NULL;
}

static unsigned
do_read_fault(struct fault *f, struct page *page)
{
    note(f, MM_FREAD);
    return show_below(f, page);
}

/* A private write: the object's page is copied, and the copy is private. */
static unsigned
do_cow_fault(struct fault *f, struct page *page)
{
    struct page *fresh = alloc_pages(0);

    if (fresh == NULL)
        return VM_FAULT_OOM;
    page_copy(page_to_va(fresh), page_to_va(page));
    fresh->flags |= PG_UPTODATE | PG_DIRTY;
    note(f, MM_FCOW);
    return publish_private(f, fresh);
}

/* A shared write: the object learns of it first, then the entry gets W. */
static unsigned
do_shared_fault(struct fault *f, struct page *page)
{
    struct vm_object *obj = f->vma->vm_object;

    if (obj->ops->mkwrite != NULL && f->writable != page)
        return outside(f, DO_MKWRITE, page, obj);
    atomic_or(&page->flags, PG_DIRTY);
    note(f, MM_FSHARED);
    note(f, MM_MKWRITE);
    return finish_fault(f, page, area_rights(f));
}

static unsigned
do_device_fault(struct fault *f)
{
    struct vm_object *obj = f->vma->vm_object;
    paddr_t pa = obj->ops->frame(obj, vma_object_index(f->vma, f->va));
    uint64_t rights = area_rights(f) & ~PTE_X;

    if (pa == 0)
        return VM_FAULT_SIGBUS;
    return finish_frame(
        f, pte_make(pa, rights | PTE_A | (rights & PTE_W ? PTE_D : 0)));
}

unsigned
do_object_fault(struct fault *f)
{
    unsigned result = 0;
    struct page *page;

    if (f->vma->vm_flags & VM_PFNMAP)
        return do_device_fault(f);
    page = filemap_fault(f, &result);
    if (page == NULL)
        return result;
    if (!wants_own(f))
        result = do_read_fault(f, page);
    else if (f->vma->vm_flags & VM_SHARED)
        result = do_shared_fault(f, page);
    else
        result = do_cow_fault(f, page);
    if (f->todo & DO_MKWRITE) /* lock and reference go with it */
        return result;
    if (page != f->writable)
        page_unlock(page);
    page_put(page);
    return result;
}

/* --- outside of the gate --- */

static void
page_in(struct fault *f)
{
    struct page *page = f->page;
    int err = f->object->ops->page_in(f->object, page->index, page);

    atomic_or(&page->flags, err == 0 ? PG_UPTODATE : PG_ERROR);
    page_unlock(page);
    page_put(page);
    f->major = true;
}

/* The page stays locked until the next pass has used it. */
static unsigned
mkwrite(struct fault *f)
{
    if (f->object->ops->mkwrite(f->object, f->page->index, f->page) == 0) {
        f->writable = f->page;
        return VM_FAULT_RETRY;
    }
    page_unlock(f->page);
    page_put(f->page);
    return VM_FAULT_SIGBUS;
}

unsigned
fault_outside(struct fault *f, unsigned result)
{
    unsigned todo = f->todo;

    f->todo = 0;
    if (f->writable != NULL) { /* this pass had its chance */
        page_unlock(f->writable);
        page_put(f->writable);
        f->writable = NULL;
    }
    if (todo & DO_STACK) {
        int err = expand_stack(f->mm, f->va);

        if (err != 0)
            result = err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGSEGV;
    } else if (todo & DO_PAGE_IN) {
        page_in(f);
    } else if (todo & DO_WAIT) {
        page_wait(f->page);
        page_put(f->page);
    } else if (todo & DO_MKWRITE) {
        result = mkwrite(f);
    }
    if (f->object != NULL)
        object_put(f->object);
    f->object = NULL;
    return result;
}
