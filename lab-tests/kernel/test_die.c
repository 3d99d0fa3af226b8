/* test_die.c: bugs that must end in one clear report and a failing exit code.
 * Each is the only test of its boot; tools/ktest_rows.py says what must be
 * printed. */
#include "arch/riscv/memlayout.h"
#include "ktest.h"
#include "mm/kmalloc.h"

KTEST(die_kernel_fault)
{
    __asm__ volatile("sd zero, 8(zero)" ::: "memory");
}

/* The report itself faults: the frame pointer it follows is bad. */
KTEST(die_fault_with_bad_frame_pointer)
{
    __asm__ volatile(
        "li s0, 0xffffffe03fffe000\n" /* a hole of the stack area */
        "sd zero, 8(zero)\n" ::
            : "memory");
}

KTEST(die_bad_stack_pointer)
{
    __asm__ volatile("li sp, 0x4000\n"
                     "sd zero, 8(zero)\n" ::
                         : "memory");
}

static uint64_t
dig(uint64_t n)
{
    volatile uint64_t hole[64] = {n};

    return n == 0 ? 0 : hole[0] + dig(n - 1) + hole[0];
}

KTEST(die_stack_overflow)
{
    cprintf("%lu\n", dig(1000));
}

KTEST(die_lock_order)
{
    static struct spinlock a = SPINLOCK_INIT(RANK_BLOCK),
                           b = SPINLOCK_INIT(RANK_SWAP);

    spin_lock(&a);
    spin_lock(&b);
}

KTEST(die_double_free)
{
    struct page *p = alloc_pages(0);

    free_pages(p, 0);
    free_pages(p, 0);
}

KTEST(die_foreign_free)
{
    free_pages(pa_to_page(kernel_pa), 0);
}

KTEST(die_jump_to_data)
{
    static uint32_t code[] = {0x00008067}; /* ret */

    ((void (*)(void))code)();
}
