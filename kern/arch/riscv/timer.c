/* timer.c: the way that works on every hart. */
#include "arch/riscv/timer.h"

#include "arch/riscv/sbi.h"

__attribute__((weak)) void
timer_set(uint64_t time)
{
    sbi_set_timer(time);
}
