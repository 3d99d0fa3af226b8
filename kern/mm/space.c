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

/* The frame behind ADDR if its entry allows the access now; the gate keeps it
 * there while we copy. */
static bool
copy_mapped(struct mm_struct *mm, uintptr_t addr, void *buf, size_t n,
            bool write)
{
    unsigned level;
    pte_t *pte, e;
    char *at;

    gate_enter(&mm->gate);
    pte = pte_lookup(mm, addr, &level);
    e = pte_load(pte);
    if (!pte_is_leaf(e) || !(e & (write ? PTE_W : PTE_R))) {
        gate_leave(&mm->gate);
        return false;
    }
    if (write && !atomic_cas(pte, &e, e | PTE_A | PTE_D)) {
        gate_leave(&mm->gate); /* it changed just now */
        return false;
    }
    at = (char *)pa_to_va(pte_pa(e)) + (addr & (pte_span(level) - 1));
    memcpy(write ? at : buf, write ? buf : at, n);
    gate_leave(&mm->gate);
    return true;
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
