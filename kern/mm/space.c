/* space.c: running a space, and reaching into one from outside.
 *
 * A hart uses the root of the last space it ran, also while kernel threads run
 * (lazy), until another space wants the hart; that long it holds one of
 * mm->refs, so the root stays, and its bit in mm->harts, so it is told of every
 * change.  A switch and a shootdown meet like this:
 *
 *     switch in                        gather_flush()
 *     harts |= me                      entries cleared
 *     fence                            tlb_gen++
 *     read tlb_gen                     fence
 *     satp = root                      harts: ask those
 *     tlb_gen as remembered?
 *       no: forget
 *
 * Either the shootdown sees the bit and asks us, or we see its tlb_gen and
 * forget, or we come so late that all we read is new.  A hart remembers tlb_gen
 * only here.  On the way out, which is
 *
 *     satp = another root; harts &= ~me
 *
 * it must not: a shootdown may have raised tlb_gen already and look at harts
 * only after the bit is gone.  Without address space numbers each switch
 * forgets everything, and tlb_gen does not matter.
 *
 * Code is the same: stale_code is marked, fence, then harts are asked; a switch
 * sets its bit, fence, then looks at its mark. */
#include "mm/space.h"

#include "arch/riscv/satp.h"
#include "mm/fault.h"
#include "mm/tlb.h"
#include "schedule/sched.h"
#include <errno.h>
#include <string.h>

/* Whose root each hart uses; NULL: the kernel's.  [own hart, interrupts off;
 * others only look] */
static struct mm_struct *root_of[NCPU_MAX];

WEAK void
mm_load_root(struct mm_struct *mm, uint64_t satp)
{
    csr_write(satp, satp);
    sfence_vma_all();
}

static void
fetch_anew(struct mm_struct *mm, uint64_t me)
{
    atomic_and(&mm->stale_code, ~me); /* first: a new mark is not lost */
    fence_i();
}

/* This hart uses MM's root (NULL: the kernel's).  Returns the space it used
 * before, if it was the last to do so and mm_free() is left to the caller, or NULL.
 * => interrupts off */
static inline struct mm_struct *
activate(struct mm_struct *mm)
{
    struct mm_struct **root = &root_of[this_cpu()->id], *old = *root;
    uint64_t me = 1ul << this_cpu()->id;

    if (mm == old)
        return NULL;
    if (mm != NULL) {
        atomic_add(&mm->refs, 1);
        atomic_or(&mm->harts, me);
        atomic_fence();
        if (atomic_load(&mm->stale_code) & me)
            fetch_anew(mm, me);
    }
    mm_load_root(mm, mm == NULL ? kernel_satp : mm->satp);
    atomic_store(root, mm);
    if (old == NULL)
        return NULL;
    atomic_and(&old->harts, ~me);
    return unlikely(mm_drop(old)) ? old : NULL;
}

static struct mm_struct *
switch_space(struct thread *next)
{
    return next->mm == NULL ? NULL : activate(next->mm);
}

void
space_init(void)
{
    sched_switch_hook = switch_space;
    sched_left_hook = mm_free;
}

void
mm_use(struct mm_struct *mm)
{
    struct mm_struct *left = NULL;

    irq_off();
    current_thread()->mm = mm;
    if (mm != NULL)
        left = activate(mm);
    irq_restore();
    if (left != NULL)
        mm_free(left);
}

void
mm_lazy_drop(void)
{
    struct mm_struct *left;

    assert(current_thread()->mm == NULL);
    irq_off();
    left = activate(NULL);
    irq_restore();
    if (left != NULL)
        mm_free(left);
}

bool
mm_lazy_any(void)
{
    for (unsigned i = 0; i < ncpu; i++) {
        if (atomic_load(&root_of[i]) != NULL)
            return true;
    }
    return false;
}

void
mm_sync_code(struct mm_struct *mm)
{
    irq_off();
    atomic_or(&mm->stale_code, ~0ul);
    fetch_anew(mm, 1ul << this_cpu()->id);
    atomic_fence();
    tlb_sync_code(atomic_load(&mm->harts));
    irq_restore();
}

/* As a hart would: if entry PTE allows the access, set A and D (or refuse, if
 * harts here trap) and copy. */
static bool
copy_through(pte_t *pte, uintptr_t offset, void *buf, size_t n, bool write)
{
    pte_t e = pte_load(pte), ad = PTE_A | (write ? PTE_D : 0);
    char *at = (char *)pa_to_va(pte_pa(e)) + offset;

    if (!pte_is_leaf(e) || !(e & (write ? PTE_W : PTE_R)) ||
        (ad_by_software && (e & ad) != ad))
        return false;
    pte_change(pte, 0, ad);
    if (write)
        memcpy(at, buf, n);
    else
        memcpy(buf, at, n);
    return true;
}

/* The lock of its table keeps the frame there while we copy: who takes a page
 * away comes from the page and does not know the gate. */
static bool
copy_mapped(struct mm_struct *mm, uintptr_t addr, void *buf, size_t n,
            bool write)
{
    bool copied = false;
    unsigned level;
    pte_t *pte;

    gate_enter(&mm->gate);
    pte = pte_lookup(mm, addr, &level);
    if (pte_is_leaf(pte_load(pte))) {
        spin_lock(pte_lock(pte));
        copied = copy_through(pte, addr & (pte_span(level) - 1), buf, n, write);
        spin_unlock(pte_lock(pte));
    }
    gate_leave(&mm->gate);
    return copied;
}

int
mm_access(struct mm_struct *mm, uintptr_t addr, void *buf, size_t n, bool write)
{
    while (n > 0) {
        size_t len = MIN(n, PAGE_SIZE - (addr & PAGE_MASK));

        while (!copy_mapped(mm, addr, buf, len, write)) {
            if (do_pgfault(mm, write ? FAULT_WRITE : FAULT_READ, addr) &
                VM_FAULT_ERROR)
                return -EFAULT;
        }
        addr += len;
        buf = (char *)buf + len;
        n -= len;
    }
    return 0;
}
