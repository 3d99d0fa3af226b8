/* pager_ram.c: the test pager.  A page reads as a pattern until something was
 * written back to it. */
#include "pager_ram.h"

#include "mm/kmalloc.h"
#include "mm/rmap.h"
#include "schedule/timeout.h"
#include <errno.h>

#define WORDS (PAGE_SIZE / 8)

static struct ram_pager *
ram(struct vm_object *obj)
{
    return obj->host;
}

uint64_t
ram_word(uint64_t index, unsigned word)
{
    return (index << 16 | word) + 0x100000000ul;
}

static int
ram_page_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    struct ram_pager *rp = ram(obj);
    uint64_t *to = page_to_va(page);

    atomic_add(&rp->ins, 1u);
    if (rp->slow_ms != 0)
        sleep_ms(rp->slow_ms);
    while (rp->hold != NULL && rp->hold(page))
        sleep_ms(1);
    if (rp->fail_in != 0 && --rp->fail_in == 0)
        return rp->in_error;
    if (index == rp->bad_page)
        return -EIO;
    if (rp->disk[index] != NULL) {
        page_copy(to, rp->disk[index]);
        return 0;
    }
    for (unsigned i = 0; i < WORDS; i++)
        to[i] = ram_word(index, i);
    return 0;
}

static int
ram_page_out(struct vm_object *obj, uint64_t index, struct page **pages,
             unsigned n)
{
    struct ram_pager *rp = ram(obj);

    atomic_add(&rp->outs, 1u);
    if (rp->out_error != 0)
        return rp->out_error;
    for (unsigned i = 0; i < n; i++) {
        void **slot = &rp->disk[index + i];

        if (*slot == NULL)
            *slot = kmalloc(PAGE_SIZE);
        if (*slot == NULL)
            return -ENOMEM;
        page_copy(*slot, page_to_va(pages[i]));
    }
    return 0;
}

static int
ram_mkwrite(struct vm_object *obj, uint64_t index, struct page *page)
{
    struct ram_pager *rp = ram(obj);

    (void)index, (void)page;
    atomic_add(&rp->mkwrites, 1u);
    if (rp->slow_mk != 0)
        sleep_ms(rp->slow_mk);
    return rp->mk_error;
}

static void
ram_release(struct vm_object *obj)
{
    struct ram_pager *rp = ram(obj);

    for (size_t i = 0; i < rp->npages; i++)
        kfree(rp->disk[i]);
    kfree(rp->disk);
    kfree(rp);
}

static const struct pager_ops plain = {.name = "ram",
                                       .page_in = ram_page_in,
                                       .page_out = ram_page_out,
                                       .release = ram_release};
static const struct pager_ops telling = {.name = "ram, told of writes",
                                         .page_in = ram_page_in,
                                         .page_out = ram_page_out,
                                         .mkwrite = ram_mkwrite,
                                         .release = ram_release};

struct ram_pager *
ram_pager_create(size_t n, bool mkwrite)
{
    struct ram_pager *rp = kzalloc(sizeof(*rp));

    if (rp == NULL)
        return NULL;
    rp->disk = kzalloc(n * sizeof(*rp->disk));
    if (rp->disk == NULL) {
        kfree(rp);
        return NULL;
    }
    rp->npages = n;
    rp->bad_page = RAM_NONE;
    object_init(&rp->obj, mkwrite ? &telling : &plain, n * PAGE_SIZE, rp);
    return rp;
}

/* Page INDEX, locked and with a reference, or NULL. */
static struct page *
take(struct ram_pager *rp, uint64_t index)
{
    struct page *page = object_find(&rp->obj, index);

    if (page == NULL)
        return NULL;
    page_lock(page);
    if (object_owns(&rp->obj, page) && (page->flags & PG_UPTODATE))
        return page;
    page_unlock(page);
    page_put(page);
    return NULL;
}

static int
clean(struct ram_pager *rp, struct page *page)
{
    int err;

    if (!(page->flags & PG_DIRTY))
        return 0;
    object_clear_dirty(&rp->obj, page);
    err = ram_page_out(&rp->obj, page->index, &page, 1);
    if (err != 0)
        object_set_dirty(&rp->obj, page);
    return err;
}

int
ram_flush(struct ram_pager *rp, uint64_t index)
{
    struct page *page = take(rp, index);
    int err;

    if (page == NULL)
        return 0;
    page_mkclean(page);
    err = clean(rp, page);
    page_unlock(page);
    page_put(page);
    return err;
}

bool
ram_evict(struct ram_pager *rp, uint64_t index)
{
    struct page *page = take(rp, index);
    int err;

    if (page == NULL)
        return false;
    page_unmap(page);
    err = clean(rp, page);
    if (err == 0)
        object_remove(&rp->obj, page);
    page_unlock(page);
    page_put(page);
    return err == 0;
}
