/* pin.h: adds pages that stay where they are to mm/fault.h, for who works on them
 * without a page table: a device, or the kernel for long. */
#ifndef KERN_EXT_MM_PIN_H
#define KERN_EXT_MM_PIN_H

#include "mm/vmm.h"

#define PIN_PAGES_MAX 64 /* of one pin_range() */

/* One page, which has a reference, and is counted in its pins. */
struct pinned {
    struct page *page;
    struct layer
        *layer;     /* whose private page it was at INDEX; only to compare, */
    uint64_t index; /* it may be gone; NULL: an object's page */
};

struct pin {
    struct list link;     /* [list of pins] */
    struct mm_struct *mm; /* [I] a reference */
    bool write;           /* [I] */
    unsigned n;           /* [mm's gate] */
    struct pinned of[];   /* [mm's gate] N, in the order of their addresses */
};

/* Pin the pages of [ADDR, ADDR + LEN) in MM; WRITE: they will be written to.  A
 * private page is MM's alone first, and a copy of MM gets a copy of it, so that
 * what is written is seen by MM and nobody else.  The pages stay what they are and
 * where they are; what they were mapped at may go.  *PIN is the caller's, for
 * pin_release().
 *
 * 0; -EINVAL: LEN is 0, or more than PIN_PAGES_MAX pages; -EFAULT: an area is
 * missing, or forbids it, or has frames that are no pages (of a device, of the
 * boot image); -EOPNOTSUPP: to be written, and shared with a disk, whose
 * write-back would not notice; -ENOMEM; -EIO.  => may sleep, no lock held */
MUST_CHECK int pin_range(struct mm_struct *mm, uintptr_t addr, size_t len,
                         bool write, struct pin **pin);
/* The work is done.  => may sleep, no lock held */
void pin_release(struct pin *pin);

#endif
