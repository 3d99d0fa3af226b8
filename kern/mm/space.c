/* space.c: running a space, and reaching into one from outside. */
#include "mm/space.h"

#include "arch/riscv/satp.h"
#include "mm/fault.h"
#include <errno.h>
#include <string.h>

void
mm_activate(struct mm_struct *prev, struct mm_struct *mm)
{
    uint64_t me = 1ul << this_cpu()->id;
    uint64_t satp = satp_kernel();

    if (mm != NULL) {
        atomic_or(&mm->harts, me);
        atomic_fence(); /* a shootdown from now on includes us */
        satp = (satp & ~SATP_PPN_MASK) | (va_to_pa(mm->pgdir) >> PAGE_SHIFT);
    }
    csr_write(satp, satp);
    sfence_vma_all();
    if (prev != NULL && prev != mm)
        atomic_and(&prev->harts, ~me);
}

/* As a hart would: if entry PTE allows the access, set A and D (or refuse, if
 * harts here trap) and copy. */
static bool
copy_through(pte_t *pte, uintptr_t addr, void *buf, size_t n, bool write)
{
    pte_t e = pte_load(pte), ad = PTE_A | (write ? PTE_D : 0);
    char *at = (char *)pa_to_va(pte_pa(e)) + (addr & PAGE_MASK);

    if (!(e & PTE_V) || !(e & (write ? PTE_W : PTE_R)) ||
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
    pte_t *pte;

    gate_enter(&mm->gate);
    pte = get_pte(mm, addr, false);
    if (pte != NULL) {
        spin_lock(pte_lock(pte));
        copied = copy_through(pte, addr, buf, n, write);
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
