/* fault_impl.h: one fault on its way, shared by the files of the fault path. */
#ifndef KERN_MM_FAULT_IMPL_H
#define KERN_MM_FAULT_IMPL_H

#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/rmap.h"
#include <errno.h>

#define SWAP_AHEAD 7u /* pages at most that come with one from swap */

struct fault {
    struct mm_struct *mm;
    struct vma_struct *vma; /* valid inside the gate */
    uintptr_t va;           /* of the page */
    unsigned code;          /* FAULT_ bits */
    pte_t *pte;
    pte_t seen;          /* what the entry held when we looked */
    struct layer *layer; /* of the area, when we looked */
    uint64_t index;      /* of the page in it */
    struct anon **slot;  /* a write: where the private page is or will be */
    struct anon *old;    /* what was there */
    /* For fault_outside(); both pointers only if there is something to do: */
    struct page *page;        /* a reference, and its lock unless DO_WAIT */
    struct vm_object *object; /* a reference, or NULL */
    unsigned todo;            /* DO_ bits */
    swp_t swap;               /* DO_SWAP_IN: where the page's contents are */
    unsigned nahead;          /* ... and pages that come with it: as PAGE */
    struct page *ahead[SWAP_AHEAD];
    /* Counters, as mmstat_id; 0: none. */
    uint16_t end;        /* how it ended, if not as others do */
    uint16_t kind, also; /* what it did */
    union {
        struct {
            bool major;
            bool gave_up; /* FAULT_KILLABLE: no further pass */
            bool crowded; /* a quota is exhausted, and nothing could go */
            uint8_t oom;  /* passes that found no memory */
        };
        uint32_t so_far; /* all four; 0 at first */
    };
};

enum {
    DO_WAIT = 1,
    DO_PAGE_IN = 2,
    DO_MKWRITE = 4,
    DO_STACK = 8,
    DO_SWAP_IN = 32,
    DO_ROOM = 64,
    DO_AHEAD = 16 /* the fault is over, and this comes after it */
};

static inline void
note(struct fault *f, enum mmstat_id id)
{
    if (f->kind == 0)
        f->kind = (uint16_t)id;
    else
        f->also = (uint16_t)id;
}

/* It ends as ID, having done nothing else. */
static inline void
note_end(struct fault *f, enum mmstat_id id)
{
    f->end = (uint16_t)id;
    f->kind = f->also = 0;
}

/* The page must be private to this address: a write, or a pin. */
static inline bool
wants_own(const struct fault *f)
{
    return (f->code & (FAULT_WRITE | FAULT_UNSHARE)) != 0;
}

static inline uint64_t
area_rights(const struct fault *f)
{
    return pte_rights(f->vma->vm_flags);
}

/* Of a page that is ours alone: a pin owns it without writing to it. */
static inline uint64_t
owner_rights(const struct fault *f)
{
    return f->code & FAULT_WRITE ? area_rights(f) : area_rights(f) & ~PTE_W;
}

/* Does the page know the entries that map it? */
static inline bool
keeps_records(const struct page *page)
{
    return !(atomic_load(&page->flags) & (PG_ZERO | PG_RESERVED));
}

/* fault_entry.c: let the entry show PAGE with RIGHTS; A is set, for this very
 * access, and D if it is a store.  The caller holds what keeps PAGE in its
 * place: the layer's lock, or the page's own. */
unsigned finish_fault(struct fault *f, struct page *page, uint64_t rights);
unsigned finish_zero(struct fault *f, struct page *zeros); /* for a read */
unsigned publish_private(struct fault *f, struct page *page);
unsigned finish_frame(struct fault *f, pte_t entry);
unsigned ad_fix(struct fault *f);

/* fault.c */
void trace_fault(const struct fault *f, unsigned result, uint64_t start);
struct layer *area_layer(struct vma_struct *vma);
bool entry_allows(const struct fault *f);
unsigned show_below(struct fault *f, struct page *page);

/* fault_wp.c: F->old is written to.  => layer locked; unlocks it */
unsigned do_wp_page(struct fault *f);

/* fault_object.c: pages of an object.  outside() notes what must wait until we
 * are outside of the gate: VM_FAULT_RETRY; the other then makes RESULT of it. */
unsigned do_object_fault(struct fault *f);
unsigned outside(struct fault *f, unsigned todo, struct page *page,
                 struct vm_object *object);
unsigned fault_outside(struct fault *f, unsigned result);

/* fault_swap.c.  A's page is not in memory, or not yet.  => a->lock held */
unsigned do_swap_page(struct fault *f, struct anon *a);
/* The space may have no more pages: *RESULT says so. */
bool wants_room(struct fault *f, unsigned *result);
/* PAGE came, in a space with a quota.  => as swap_map_swappable() */
void note_swappable(struct fault *f, struct page *page);
int swap_in_outside(struct fault *f);
extern unsigned swap_readahead; /* [a] how many come with it */
void make_room(struct fault *f);

/* PAGE of the area's object, which is locked, was mapped by a read fault: map
 * its neighbours, too.  Nothing, unless kern/ext/mm/fault_around.c is there.
 * => inside the gate, no spinlock held */
void do_fault_around(struct fault *f);

#endif
