/* vmm.h: an address space and its areas.
 *
 * Areas are half-open ranges [vm_start, vm_end) of whole pages that do not
 * overlap.  They hang in a sorted list (next and previous) and in a balanced
 * tree that also knows the largest gap below each node (find, find a gap).  One
 * of them may be loose: in the list only, and the tree is as if it were not there.
 *
 * An area shows private pages from its layer, else pages of its object, else
 * zeros:  index into the object  vm_pgoff + (va - vm_start) / page
 *         index into the layer   lpgoff   + (va - vm_start) / page        */
#ifndef KERN_MM_VMM_H
#define KERN_MM_VMM_H

#include "mm/anon.h"
#include "mm/gather.h"
#include "mm/mmstat.h"
#include "mm/object.h"
#include "mm/pgtable.h"
#include "sync/gate.h"
#include <avl.h>

#define VM_READ      0x0001u
#define VM_WRITE     0x0002u
#define VM_EXEC      0x0004u
#define VM_RWX       (VM_READ | VM_WRITE | VM_EXEC)
#define VM_SHARED    0x0008u
#define VM_GROWSDOWN 0x0010u
#define VM_LOCKED    0x0020u
#define VM_PFNMAP    0x0040u /* frames of a device: no rmap, no reference */
#define VM_HUGE      0x0080u /* huge pages wanted */
#define VM_NOHUGE    0x0100u
#define VM_DONTFORK  0x0200u
#define VM_NORESERVE 0x0400u
#define VM_MAYWRITE  0x0800u /* mprotect may add write (object allows it) */

/* Who guards what:  g: the gate;  a: atomic;  I;  o: object lock */
struct vma_struct {
    struct mm_struct *vm_mm;     /* [I] */
    uintptr_t vm_start, vm_end;  /* [g] */
    uint32_t vm_flags;           /* [g] VM_ */
    struct vm_object *vm_object; /* [g] NULL: zeros */
    uint64_t vm_pgoff;           /* [g] */
    struct layer *layer;         /* [a] set once by the first private write */
    uint64_t lpgoff;             /* [g] */
    struct list list_link;       /* [g] */
    struct list object_link;     /* [o] */
    uint64_t cut;                /* [o] the last truncation that was here */
    struct avl_node node;        /* [g] own: bytes to be had before this, see
                           * vma_find_gap() */
};

struct mm_struct {
    struct gate gate;            /* readers: faults; writer: the calls below */
    struct list mmap_list;       /* [g] areas by address */
    struct avl_tree tree;        /* [g] */
    struct vma_struct *loose;    /* [g] not in the tree; NULL: all are */
    struct list dead;            /* [g] unmapped areas, see mm_write_end() */
    int map_count;               /* [g] */
    uint32_t def_flags;          /* [g] VM_LOCKED: every new area gets it */
    uint64_t id;                 /* [I] never used again by another space */
    uint64_t seq;                /* [g] incremented by every writer */
    pte_t *pgdir;                /* [I] */
    uint64_t satp;               /* [I] for pgdir, without a number */
    uint64_t harts;              /* [a] may hold translations of this space */
    uint64_t tlb_gen;            /* [a] incremented by each shootdown */
    uint64_t asid_ctx;           /* [a] for mm_load_root() */
    uint64_t stale_code;         /* [a] harts to fence.i before they run it */
    int32_t users;               /* [a] threads; the last one empties it */
    int32_t refs;                /* [a] users count as one */
    uintptr_t brk_start, brk;    /* [g] */
    uintptr_t stack_limit;       /* [g] bytes a GROWSDOWN area may reach */
    uintptr_t as_limit;          /* [g] bytes all areas may have */
    uintptr_t data_limit;        /* [g] ... private ones that are written to */
    uint64_t locked_pages;       /* [g] in VM_LOCKED areas */
    int64_t rss;                 /* [a] pages mapped */
    uint64_t stat[MMSTAT_COUNT]; /* [a] */
    struct swap_scope *scope;    /* [a] if it has a quota; set once */
    struct gate_row *gate_rows;  /* [I] */
    struct list all_link;        /* of mm_born() and mm_gone() */
};

/* First byte that no user mapping may reach, and the default places. */
static inline uintptr_t
user_end(void) /* 2^38, 2^47 or 2^56 by paging mode */
{
    return pte_span(paging_levels) / 2;
}

#define MMAP_TOP      0x3f00000000ul /* below 2^38 in every mode; areas go down */
#define MMAP_MIN      0x10000ul
#define STACK_GAP     (256ul * PAGE_SIZE) /* nobody maps so close below a stack */
#define STACK_LIMIT   (8ul << 20) /* of a new space, until exec says otherwise */
#define MAP_COUNT_MAX 65530
extern int map_count_max; /* [I] areas of one space; a benchmark wants more */

/* A layer indexes 2^39 pages, an area has at most half of that.  A new area's
 * first index is its page number in a layer's lower half, so that it can grow
 * both ways. */
#define LAYER_INDEXES  (1ul << 39)
#define AREA_PAGES_MAX (LAYER_INDEXES / 2)

void vmm_init(void);
struct mm_struct *mm_create(void); /* users 1, refs 1; NULL: no memory */
/* A thread leaves; the last one unmaps everything.  => may sleep */
void mm_put_user(struct mm_struct *mm);
void mm_get_user(struct mm_struct *mm); /* => the caller is a user */
void mm_get(struct mm_struct *mm);
void mm_put(struct mm_struct *mm); /* a structural reference */
/* The two halves of mm_put(), for who cannot free: was it the last?  Then it goes. */
static inline bool
mm_drop(struct mm_struct *mm)
{
    return atomic_add_acq_rel(&mm->refs, -1) == 1;
}
void mm_free(struct mm_struct *mm);
/* MM begins to exist; its last reference is gone, and its tables.  Both do
 * nothing here. */
void mm_born(struct mm_struct *mm);
void mm_gone(struct mm_struct *mm);

/* Close the gate and begin a change; end it.  What was unmapped is destroyed
 * after the gate is open, because the last reference of a file may sleep on
 * locks that come before the gate.  => may sleep; as gate_close() */
void mm_write_begin(struct mm_struct *mm);
void mm_write_end(struct mm_struct *mm);

/* Where each hart was last.  own: only this hart, interrupts off */
extern struct last_place {
    uint64_t id, seq;        /* [own] of the space, when it was there */
    struct vma_struct *area; /* [own] it has vm_end 0 if none is known */
    uintptr_t base;          /* [own] what this last-level table translates, */
    pte_t *table;            /* [own] or KERNEL_BASE */
} CACHE_ALIGNED last_places[NCPU_MAX];

/* ... if that was in MM as it is now, or NULL.  => gate held, either way */
static inline struct last_place *
place_of(struct mm_struct *mm)
{
    struct last_place *c = &last_places[this_cpu()->id];

    return likely(c->id == mm->id && c->seq == mm->seq) ? c : NULL;
}

/* The place to remember something of MM in.  => gate held as a reader */
struct last_place *place_anew(struct mm_struct *mm);
struct vma_struct *find_vma_anew(struct mm_struct *mm, uintptr_t addr);
/* As find_vma(), for who changes the areas: nobody remembers any then. */
struct vma_struct *find_vma_walk(struct mm_struct *mm, uintptr_t addr);
pte_t *get_pte_anew(struct mm_struct *mm, uintptr_t va);

/* The area with vm_end > ADDR, lowest first, or NULL: so it contains ADDR only
 * if vm_start <= ADDR.  => gate held, either way */
static inline struct vma_struct *
find_vma(struct mm_struct *mm, uintptr_t addr)
{
    struct last_place *c = place_of(mm);

    if (likely(c != NULL && c->area->vm_start <= addr &&
               addr < c->area->vm_end))
        return c->area;
    return find_vma_anew(mm, addr);
}

/* get_pte(mm, va, true), made for the next one in the same table.  => gate held
 * as a reader */
static inline pte_t *
get_pte_again(struct mm_struct *mm, uintptr_t va)
{
    struct last_place *c = place_of(mm);

    if (likely(c != NULL && va - c->base < pte_span(1)))
        return &c->table[pte_index(va, 0)];
    return get_pte_anew(mm, va);
}

/* The area of a link of MM's list, or NULL for its head. */
static inline struct vma_struct *
area_at(struct mm_struct *mm, struct list *n)
{
    return n == &mm->mmap_list ? NULL
                               : list_entry(n, struct vma_struct, list_link);
}

static inline struct vma_struct *
vma_next(struct vma_struct *vma)
{
    return area_at(vma->vm_mm, vma->list_link.next);
}

static inline struct vma_struct *
vma_prev(struct vma_struct *vma)
{
    return area_at(vma->vm_mm, vma->list_link.prev);
}

struct vma_struct *vma_create(struct mm_struct *mm, uintptr_t start,
                              uintptr_t end, uint32_t flags);
void vma_destroy(struct vma_struct *vma); /* in no space; drops layer, object */
/* Put VMA into its space.  => gate closed; it overlaps nothing */
void insert_vma_struct(struct mm_struct *mm, struct vma_struct *vma);
/* The same, for who knows the area behind it; NULL: there is none. */
void insert_vma_before(struct vma_struct *vma, struct vma_struct *next);
void vma_unlink(struct vma_struct *vma);
/* The loose area goes into the tree; or all leave it, and they are unlinked
 * next.  => gate closed */
void vma_settle(struct mm_struct *mm);
void vma_fell_tree(struct mm_struct *mm);
/* VMA keeps [start, AT), a new area gets [AT, end).  => gate closed.  -ENOMEM */
MUST_CHECK int vma_split(struct vma_struct *vma, uintptr_t at);
/* The same with a NEW area made before, of whatever range: cannot fail. */
void vma_split_into(struct vma_struct *vma, uintptr_t at,
                    struct vma_struct *new);
/* VMA keeps [START, END), where it begins or ends as before.  => gate closed */
void vma_trim(struct vma_struct *vma, uintptr_t start, uintptr_t end);
/* Give VMA, which is in no space, another range and with it another lpgoff. */
static inline void
vma_place(struct vma_struct *vma, uintptr_t start, uintptr_t end)
{
    vma->vm_start = start;
    vma->vm_end = end;
    vma->lpgoff = (start >> PAGE_SHIFT) % AREA_PAGES_MAX;
}
/* Join VMA with its neighbours where nothing differs; returns the survivor.
 * An area without a layer joins one that has, if the indexes are free.
 * => gate closed */
struct vma_struct *vma_merge(struct vma_struct *vma);
/* Put VMA, which has no layer yet, before NEXT (NULL: behind all); or a neighbour
 * grows over it, and VMA is destroyed.  It may be loose for a while.
 * => gate closed; it overlaps nothing */
void vma_add(struct vma_struct *vma, struct vma_struct *next);
/* The highest free range of SIZE bytes (not 0) below TOP and above MMAP_MIN,
 * STACK_GAP away from a stack above it, O(log n); 0: none.  *NEXT: the area
 * behind it, or NULL.  => gate closed */
uintptr_t vma_find_gap(struct mm_struct *mm, size_t size, uintptr_t top,
                       struct vma_struct **next);

/* The first byte that is not for others: below a stack, it and its gap. */
static inline uintptr_t
vma_guarded_start(const struct vma_struct *v)
{
    uintptr_t gap = v->vm_flags & VM_GROWSDOWN ? STACK_GAP : 0;

    return v->vm_start - MIN(v->vm_start, gap);
}

/* The PTE bits for rights VM_READ|VM_WRITE|VM_EXEC of a user page: W implies R,
 * none is 0 (no leaf at all), and no code is run from devices. */
static inline uint64_t
pte_rights(uint32_t vm_flags)
{
    uint32_t rights =
        vm_flags & (vm_flags & VM_PFNMAP ? VM_RWX & ~VM_EXEC : VM_RWX);
    uint64_t bits = rights * (PTE_R / VM_READ);

    bits |= bits & PTE_W ? PTE_R : 0;
    return bits == 0 ? 0 : bits | PTE_V | PTE_U;
}

_Static_assert(VM_WRITE *(PTE_R / VM_READ) == PTE_W &&
                   VM_EXEC * (PTE_R / VM_READ) == PTE_X,
               "rights have the same order in areas and entries");

static inline uint64_t
vma_pages(const struct vma_struct *v)
{
    return (v->vm_end - v->vm_start) >> PAGE_SHIFT;
}

static inline uint64_t
vma_object_index(const struct vma_struct *v, uintptr_t va)
{
    return v->vm_pgoff + ((va - v->vm_start) >> PAGE_SHIFT);
}

static inline uint64_t
vma_layer_index(const struct vma_struct *v, uintptr_t va)
{
    return v->lpgoff + ((va - v->vm_start) >> PAGE_SHIFT);
}

static inline void
mm_count_n(struct mm_struct *mm, enum mmstat_id id, uint64_t n)
{
    atomic_add(&mm->stat[id], n);
}

static inline void
mm_count(struct mm_struct *mm, enum mmstat_id id)
{
    mm_count_n(mm, id, 1);
}

#endif
