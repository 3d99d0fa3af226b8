/* timer.c: two ways to say when.  Sstc: The RISC-V "stimecmp / vstimecmp"
 * Extension 1.0; else SBI chapter 6. */
#include "arch/riscv/timer.h"

#include "arch/riscv/csr.h"
#include "arch/riscv/sbi.h"

bool timer_has_sstc;

void
timer_set(uint64_t time)
{
    if (timer_has_sstc)
        csr_write(0x14d, time); /* stimecmp; old assemblers lack the name */
    else
        sbi_set_timer(time);
}
