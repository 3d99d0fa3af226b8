/* pager_image.c: adds the boot image to mm/object.c; a first reader may skip it.
 *
 * Programs that were loaded with the kernel lie in memory already, so their
 * pages are mapped where they are.  A private write copies, as from any object.
 * What lies behind the last byte is not ours to show: a page that is only
 * partly the image's goes through the cache, as a copy with zeros behind. */
#include "ext/mm/pagers.h"
#include "mm/kmalloc.h"
#include <errno.h>

struct image {
    struct vm_object obj;
    paddr_t base; /* [I] */
};

static paddr_t
image_frame(struct vm_object *obj, uint64_t index)
{
    struct image *im = obj->host;
    bool whole = index < obj->size >> PAGE_SHIFT && !(im->base & PAGE_MASK);

    return whole ? im->base + (index << PAGE_SHIFT) : 0;
}

static int
image_page_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    struct image *im = obj->host;
    uint64_t at = index << PAGE_SHIFT;
    size_t n = MIN(PAGE_SIZE, obj->size - at); /* index is not beyond the end */

    memcpy(page_to_va(page), pa_to_va(im->base + at), n);
    memset((char *)page_to_va(page) + n, 0, PAGE_SIZE - n);
    return 0;
}

/* Refuses to become writable, if somebody forgot MAP_READONLY. */
static int
image_mkwrite(struct vm_object *obj, uint64_t index, struct page *page)
{
    (void)obj, (void)index, (void)page;
    return -EACCES;
}

static void
image_release(struct vm_object *obj)
{
    kfree(obj->host);
}

static const struct pager_ops image_pager = {.name = "image",
                                             .at_once = true,
                                             .page_in = image_page_in,
                                             .mkwrite = image_mkwrite,
                                             .frame = image_frame,
                                             .release = image_release};

/* Reserved frames need no descriptor until somebody maps them as pages; where a
 * whole section is reserved only the first has one (mm/pmm.c), and it stays. */
static void
describe(paddr_t start, paddr_t end)
{
    for (; start < end; start += PAGE_SIZE) {
        struct page *page = pa_to_page(start);

        if (page->flags != (PG_RESERVED | PG_RAW))
            *page = (struct page){.flags = PG_RESERVED};
    }
}

struct vm_object *
image_object(paddr_t base, size_t size)
{
    struct image *im = kmalloc(sizeof(*im));

    if (im == NULL)
        return NULL;
    if (!(base & PAGE_MASK))
        describe(base, PAGE_DOWN(base + size));
    im->base = base;
    object_init(&im->obj, &image_pager, size, im);
    return &im->obj;
}
