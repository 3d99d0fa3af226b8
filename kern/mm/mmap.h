/* mmap.h: the calls that change an address space; Linux's semantics and error
 * numbers (mmap(2), munmap(2), mprotect(2), brk(2)). */
#ifndef KERN_MM_MMAP_H
#define KERN_MM_MMAP_H

#include "mm/vmm.h"

/* Linux's numbers (asm-generic/mman.h); prot bits are VM_READ, WRITE, EXEC. */
#define PROT_SEM            0x08u /* accepted, means nothing */
#define MAP_SHARED          0x01u
#define MAP_PRIVATE         0x02u
#define MAP_SHARED_VALIDATE 0x03u
#define MAP_TYPE            0x0fu
#define MAP_FIXED           0x10u
#define MAP_ANONYMOUS       0x20u
#define MAP_GROWSDOWN       0x0100u
#define MAP_LOCKED          0x2000u
#define MAP_NORESERVE       0x4000u
#define MAP_POPULATE        0x8000u
#define MAP_FIXED_NOREPLACE 0x100000u
#define MAP_LEGACY          0x17f93fu /* all that MAP_SHARED_VALIDATE knows */
/* Not Linux's, and to be masked out of what users say: the file is not open
 * for writing, so a shared mapping of it may never be written. */
#define MAP_READONLY 0x80000000u

/* All take the gate as writer and return an address, 0, or a negative errno.
 * OBJ NULL: anonymous; else a reference is taken if it succeeds.
 * => may sleep */
long do_mmap(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t prot,
             uint32_t flags, struct vm_object *obj, uint64_t offset);
int do_munmap(struct mm_struct *mm, uintptr_t addr, size_t len);
int do_mprotect(struct mm_struct *mm, uintptr_t addr, size_t len,
                uint32_t prot);
/* New break, or the old one if it cannot be had. */
uintptr_t do_brk(struct mm_struct *mm, uintptr_t addr);

/* The stack above ADDR grows down to it.  0: done, or somebody else did;
 * -EFAULT: there is none, or too near the next area, or over its limit;
 * -ENOMEM.  => may sleep; for the fault path, gate open */
int expand_stack(struct mm_struct *mm, uintptr_t addr);
/* Fault in [START, END) as its areas allow.  -ENOMEM: a hole, or an area
 * without rights; -EAGAIN: no memory.  => may sleep, gate open */
int mm_populate(struct mm_struct *mm, uintptr_t start, uintptr_t end);
/* Is [ADDR, ADDR + LEN) free, STACK_GAP away from a stack above it, and no
 * longer than an area may be?  => gate held */
bool range_free(struct mm_struct *mm, uintptr_t addr, size_t len);

/* --- limits: kern/ext/mm/limits.c; WEAK: there are none.  => gate closed --- */

/* May [START, END) be of an area with VM_FLAGS, instead of what is there? */
bool limits_allow(const struct mm_struct *mm, uint32_t vm_flags,
                  uintptr_t start, uintptr_t end);
/* May its areas become writable? */
bool limits_allow_write(const struct mm_struct *mm, uintptr_t start,
                        uintptr_t end);

static inline bool
mm_limited(const struct mm_struct *mm)
{
    return unlikely((mm->as_limit & mm->data_limit) != UINTPTR_MAX);
}

static inline bool
mm_may_have(const struct mm_struct *mm, uint32_t vm_flags, uintptr_t start,
            uintptr_t end)
{
    return !mm_limited(mm) || limits_allow(mm, vm_flags, start, end);
}

/* --- range.c: all  => between mm_write_begin() and mm_write_end() --- */

/* Unmap [START, END): areas are split where it begins and ends.  -ENOMEM:
 * nothing changed. */
MUST_CHECK int unmap_range(struct mm_struct *mm, uintptr_t start, uintptr_t end,
                           struct gather *g);
void unmap_all(struct mm_struct *mm); /* cannot fail */
/* Drop the private pages of [START, END), the areas stay.  -ENOMEM: nothing
 * changed. */
MUST_CHECK int discard_range(struct mm_struct *mm, uintptr_t start,
                             uintptr_t end, struct gather *g);
/* Clear and set flags of the areas in [START, END), and take from their entries
 * what they may no longer have; holes are skipped.  -ENOMEM: nothing changed. */
MUST_CHECK int change_flags(struct mm_struct *mm, uintptr_t start,
                            uintptr_t end, uint32_t clear, uint32_t set,
                            struct gather *g);
/* How far, from START to at most END, areas with all flags of MUST follow each
 * other without a hole. */
uintptr_t areas_reach(struct mm_struct *mm, uintptr_t start, uintptr_t end,
                      uint32_t must);
/* Does one area reach beyond both ends of [START, END)? */
bool range_inside(struct mm_struct *mm, uintptr_t start, uintptr_t end);
/* A layer_zap() of [FIRST, LAST], with the gate closed all the time, cannot
 * fail any more.  -ENOMEM */
MUST_CHECK int layer_zap_prepare(struct layer *l, uint64_t first,
                                 uint64_t last);

/* Areas made in advance, so that nothing fails later. */
struct spares {
    struct vma_struct *area[3];
    unsigned n;
};
MUST_CHECK int spares_get(struct spares *s, struct mm_struct *mm, unsigned n);
void spares_drop(struct spares *s);
/* If an area reaches over AT, split it there with a spare. */
void split_at(struct mm_struct *mm, uintptr_t at, struct spares *s);

/* --- zap.c --- */

/* The page that E, an entry of VMA, maps, if it is one that keeps records. */
struct page *mapped_page(const struct vma_struct *vma, pte_t e);

/* Clear the entries of [START, END) of VMA into G; private pages stay.  False:
 * there was no table for any of them. */
bool zap_ptes(struct vma_struct *vma, uintptr_t start, uintptr_t end,
              struct gather *g);
/* VMA has new, perhaps fewer rights: take away from the entries of [START, END)
 * what they may no longer have.  Write is never added: the next fault decides.
 * => gate closed */
void protect_ptes(struct vma_struct *vma, uintptr_t start, uintptr_t end,
                  struct gather *g);
/* All entries of VMA lose W, and nothing else: its pages are shared from now
 * on.  Called for every page of a parent, so it is short.  => gate closed */
void wrprotect_ptes(struct vma_struct *vma, struct gather *g);

#endif
