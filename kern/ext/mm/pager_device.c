/* pager_device.c: adds device memory to mm/object.c; a first reader may skip it.
 *
 * The object is a range of frames that are mapped in place (VM_PFNMAP): no
 * struct page is looked at, so it need not be RAM; nothing is recorded, so
 * nothing is evicted, counted as resident, or freed. */
#include "ext/mm/pagers.h"
#include "mm/kmalloc.h"

struct device {
    struct vm_object obj;
    paddr_t base; /* [I] */
};

static paddr_t
device_frame(struct vm_object *obj, uint64_t index)
{
    struct device *d = obj->host;

    return index < object_pages(obj) ? d->base + (index << PAGE_SHIFT) : 0;
}

static void
device_release(struct vm_object *obj)
{
    kfree(obj->host);
}

static const struct pager_ops device_pager = {
    .name = "device", .frame = device_frame, .release = device_release};

struct vm_object *
device_object(paddr_t base, size_t size)
{
    struct device *d;

    if ((base | size) & PAGE_MASK)
        return NULL;
    d = kmalloc(sizeof(*d));
    if (d == NULL)
        return NULL;
    d->base = base;
    object_init(&d->obj, &device_pager, size, d);
    return &d->obj;
}
