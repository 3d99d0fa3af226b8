/* fault_impl.h: one fault on its way, shared by the files of the fault path. */
#ifndef KERN_MM_FAULT_IMPL_H
#define KERN_MM_FAULT_IMPL_H

#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/rmap.h"
#include <errno.h>

struct fault {
    struct mm_struct *mm;
    struct vma_struct *vma; /* valid inside the gate */
    uintptr_t va;           /* of the page */
    unsigned code;          /* FAULT_ bits */
    pte_t *pte;
    pte_t seen; /* what the entry held when we looked */
    /* For fault_outside(): */
    unsigned todo;             /* DO_ bits */
    struct page *page;         /* busy, or to be filled; a reference */
    struct vm_object *object;  /* a reference */
    unsigned kinds;            /* counters: bits by mmstat_id */
    bool major;
    struct page *writable; /* locked and prepared by mkwrite; a reference */
};

enum { DO_WAIT = 1, DO_PAGE_IN = 2, DO_MKWRITE = 4, DO_STACK = 8 };

static inline void
note(struct fault *f, enum mmstat_id id)
{
    f->kinds |= 1u << id;
}

static inline bool
wants_write(const struct fault *f)
{
    return (f->code & FAULT_WRITE) != 0;
}

/* The entry for PAGE with RIGHTS.  A is set, for this very access; D if it is
 * a store. */
static inline pte_t
make_entry(const struct fault *f, const struct page *page, uint64_t rights)
{
    pte_t e = pte_make(page_to_pa(page), rights | PTE_A);

    if (wants_write(f) && (rights & PTE_W))
        e |= PTE_D;
    return e;
}

static inline uint64_t
read_rights(const struct fault *f)
{
    return pte_rights(f->vma->vm_flags) & ~PTE_W;
}

/* fault_entry.c: the entry.  Contracts there. */
bool retire_entry(struct fault *f, struct gather *g);
unsigned finish_fault(struct fault *f, struct page *page, pte_t entry);
unsigned ad_fix(struct fault *f);

/* fault.c: PAGE, fresh and ours, becomes the private page of this address. */
bool own_page(struct fault *f, struct page *page, unsigned *result);

/* fault_object.c: pages of an object, and what must wait until we are outside
 * of the gate. */
unsigned do_object_fault(struct fault *f);
unsigned outside(struct fault *f, unsigned todo, struct page *page,
                 struct vm_object *object);
unsigned fault_outside(struct fault *f);

#endif
