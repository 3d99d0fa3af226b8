/* huge.h: where leaves above level 0 come in; kern/ext/mm/huge.c defines these.
 * Without it there are no such leaves, and the weak ones here say so. */
#ifndef KERN_MM_HUGE_H
#define KERN_MM_HUGE_H

#include "mm/vmm.h"

struct fault;

/* Areas with one of these flags are asked about; 0: none (fault.c). */
extern uint32_t huge_flags;

/* Before the 4 KiB way: map F->va with a huge leaf.  False: go on with 4 KiB.
 * => inside the gate; does not sleep */
bool huge_fault(struct fault *f, unsigned *result);

/* get_pte() found no entry for F->va: a leaf above, or no memory for a table.
 * => inside the gate */
unsigned huge_leaf_fault(struct fault *f);

/* Entry PTE at LEVEL > 0 is the lowest for START.  If it is a leaf, call
 * FN(vma, pte, pages) with its table locked; but if it reaches beyond [START,
 * END), split it instead.  Returns where to go on, at or behind START.
 * => gate closed */
uintptr_t huge_each(struct vma_struct *vma, pte_t *pte, unsigned level,
                    uintptr_t start, uintptr_t end,
                    void (*fn)(struct vma_struct *vma, pte_t *pte,
                               size_t pages));

/* Would a change of [START, END) cut a leaf that only goes as a whole?  -EINVAL,
 * or 0.  => gate closed */
int huge_cut(struct mm_struct *mm, uintptr_t start, uintptr_t end);

/* rmap_walk() met leaf PTE above level 0: it becomes smaller ones, or none.
 * => its table is locked, by spin_trylock_nested(); unlocks it */
void huge_break(pte_t *pte);

#endif
