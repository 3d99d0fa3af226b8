/* object_zeros.c: zeros that several spaces share: memory with no file behind it. */
#include "mm/kmalloc.h"
#include "mm/object.h"

static int
zeros_page_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    (void)obj, (void)index;
    page_zero(page_to_va(page));
    return 0;
}

static void
zeros_release(struct vm_object *obj)
{
    kfree(obj);
}

static const struct pager_ops zeros = {.name = "zeros",
                                       .at_once = true,
                                       .page_in = zeros_page_in,
                                       .release = zeros_release};

struct vm_object *
anon_shared_object(size_t bytes)
{
    struct vm_object *obj = kmalloc(sizeof(*obj));

    if (obj != NULL)
        object_init(obj, &zeros, bytes, NULL);
    return obj;
}
