/* pager_ram.c: the test pager.  A page reads as a pattern until something was
 * written back to it. */
#include "pager_ram.h"

#include "ktest.h"
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

/* What is on the "disk" for page INDEX. */
static int
read_disk(struct ram_pager *rp, uint64_t index, struct page *page)
{
    uint64_t *to = page_to_va(page);

    if (rp->fail_in != 0 && --rp->fail_in == 0)
        return rp->in_error;
    if (index == rp->bad_page)
        return -EIO;
    if (rp->disk[index] != NULL) {
        page_copy(to, rp->disk[index]);
        return 0;
    }
    for (unsigned i = 0; i < WORDS; i++)
        to[i] = index < rp->zero_from ? ram_word(index, i) : 0;
    if (index == rp->obj.size >> PAGE_SHIFT)
        memset((char *)to + (rp->obj.size & PAGE_MASK), 0,
               PAGE_SIZE - (rp->obj.size & PAGE_MASK));
    return 0;
}

static int
write_disk(struct ram_pager *rp, uint64_t index, struct page *page)
{
    void **slot = &rp->disk[index];

    if (rp->out_error != 0)
        return rp->out_error;
    if (*slot == NULL)
        *slot = kmalloc(PAGE_SIZE);
    if (*slot == NULL)
        return -ENOMEM;
    page_copy(*slot, page_to_va(page));
    return 0;
}

static int
ram_page_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    struct ram_pager *rp = ram(obj);

    atomic_add(&rp->ins, 1u);
    if (rp->slow_ms != 0)
        sleep_ms(rp->slow_ms);
    while (rp->hold != NULL && rp->hold(page))
        sleep_ms(1);
    return read_disk(rp, index, page);
}

/* --- runs, which end in a timer interrupt --- */

struct ram_io {
    struct timeout timer; /* first */
    struct vm_object *obj;
    bool write;
    unsigned n;
    struct page *page[RUN_PAGES];
};

/* From the last page to the first: the order means nothing. */
static void
io_end(struct ram_io *io)
{
    struct ram_pager *rp = ram(io->obj);

    for (unsigned i = io->n; i-- > 0;) {
        struct page *page = io->page[i];

        if (io->write)
            object_written(io->obj, page, write_disk(rp, page->index, page));
        else
            object_filled(io->obj, page, read_disk(rp, page->index, page));
    }
    kfree(io);
}

static void
io_fire(struct timeout *t)
{
    io_end((struct ram_io *)t);
}

static void
io_begin(struct vm_object *obj, struct page **pages, unsigned n, bool write)
{
    struct ram_pager *rp = ram(obj);
    struct ram_io *io = kmalloc(sizeof(*io));

    CHECK(io != NULL && n > 0 && n <= RUN_PAGES);
    *io = (struct ram_io){.obj = obj, .write = write, .n = n};
    memcpy(io->page, pages, n * sizeof(*pages));
    if (!rp->later) {
        io_end(io);
    } else {
        irq_off();
        timeout_arm(&io->timer, time_now() + timebase_hz / 10000, io_fire);
        irq_restore();
    }
}

static void
ram_read_run(struct vm_object *obj, uint64_t index, struct page **pages,
             unsigned n)
{
    struct ram_pager *rp = ram(obj);

    atomic_add(&rp->runs, 1u);
    for (unsigned i = 0; i < n; i++) {
        CHECK(pages[i]->index == index + i && object_owns(obj, pages[i]));
        CHECK((pages[i]->flags & (PG_LOCKED | PG_UPTODATE)) == PG_LOCKED);
    }
    atomic_add(&rp->ins, n);
    io_begin(obj, pages, n, false);
}

static void
ram_page_out(struct vm_object *obj, uint64_t index, struct page **pages,
             unsigned n)
{
    struct ram_pager *rp = ram(obj);

    atomic_add(&rp->outs, 1u);
    for (unsigned i = 0; i < n; i++)
        CHECK(pages[i]->index == index + i && (pages[i]->flags & PG_WRITEBACK));
    io_begin(obj, pages, n, true);
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
static const struct pager_ops running = {.name = "ram, in runs",
                                         .read_run = ram_read_run,
                                         .page_out = ram_page_out,
                                         .mkwrite = ram_mkwrite,
                                         .release = ram_release};
static const struct pager_ops telling = {.name = "ram, told of writes",
                                         .page_in = ram_page_in,
                                         .page_out = ram_page_out,
                                         .mkwrite = ram_mkwrite,
                                         .release = ram_release};

static struct ram_pager *
create(size_t n, const struct pager_ops *ops)
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
    rp->zero_from = RAM_NONE;
    object_init(&rp->obj, ops, n * PAGE_SIZE, rp);
    return rp;
}

struct ram_pager *
ram_pager_create(size_t n, bool mkwrite)
{
    return create(n, mkwrite ? &telling : &plain);
}

struct ram_pager *
ram_pager_runs(size_t n)
{
    struct ram_pager *rp = create(n, &running);

    if (rp != NULL)
        rp->later = true;
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

int
ram_flush(struct ram_pager *rp, uint64_t index)
{
    struct page *page = take(rp, index);
    int err;

    if (page == NULL)
        return 0;
    err = object_clean(&rp->obj, page);
    page_unlock(page);
    page_put(page);
    return err;
}

bool
ram_evict(struct ram_pager *rp, uint64_t index)
{
    struct page *page = take(rp, index);
    bool done = false;
    int err = 0;

    if (page == NULL)
        return false;
    while (err == 0 && object_owns(&rp->obj, page) && !done) {
        page_unmap(page);
        done = !(atomic_load(&page->flags) & (PG_DIRTY | PG_WRITEBACK));
        if (done)
            object_remove(&rp->obj, page);
        else
            err = object_clean(&rp->obj, page);
    }
    page_unlock(page);
    page_put(page);
    return done;
}
