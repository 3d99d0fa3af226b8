/* object_zeros.c: zeros that several spaces share: memory with no file behind it. */
#include "mm/kmalloc.h"
#include "mm/object.h"

static void
zeros_release(struct vm_object *obj)
{
    kfree(obj);
}

static const struct pager_ops zeros = {.name = "zeros",
                                       .at_once = true,
                                       .swap = true,
                                       .page_in = shared_page_in,
                                       .release = zeros_release};

struct vm_object *
anon_shared_object(size_t bytes)
{
    struct vm_object *obj = kmalloc(sizeof(*obj));

    if (obj != NULL)
        object_init(obj, &zeros, bytes, NULL);
    return obj;
}
