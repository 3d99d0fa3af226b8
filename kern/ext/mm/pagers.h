/* pagers.h: objects that are not files; adds to mm/object.h, a first reader may
 * skip it.  docs/objects.md shows how a pager is written. */
#ifndef KERN_EXT_MM_PAGERS_H
#define KERN_EXT_MM_PAGERS_H

#include "mm/object.h"

/* The frames [BASE, BASE + SIZE) of a device, or RAM nobody else uses; page
 * aligned.  Mapped in place, never freed, never counted, never executable; a
 * private mapping cannot be made writable (-EACCES).  refs 1; NULL: no memory,
 * or not aligned. */
struct vm_object *device_object(paddr_t base, size_t size);

/* SIZE bytes at BASE, in reserved RAM, that stay there: the boot image.  Whole
 * pages are mapped in place; a page that is only partly the image's, and every
 * page if BASE is not aligned, is a copy, with zeros behind the end.  Map it
 * with MAP_READONLY.  refs 1; NULL: no memory. */
struct vm_object *image_object(paddr_t base, size_t size);

/* Pages a read fault maps, its own included, from 1 (only that) to 64. */
extern unsigned fault_around_pages;

#endif
