/* backtrace.c: walk the frame pointers, name the functions.
 *
 *      higher addresses
 *      |  caller's frame  |
 *      +------------------+ <- fp (s0)
 *      |  return address  |  fp - 8
 *      |  caller's fp     |  fp - 16
 *      |  locals          |
 *      +------------------+ <- sp
 *
 * (RISC-V ELF psABI, "Frame Pointer Convention".)  The names are in section
 * .ksyms, see libs/ksyms.h. */
#include "debug/backtrace.h"

#include "arch/riscv/cpu.h"
#include "arch/riscv/memlayout.h"
#include "debug/printk.h"
#include <ksyms.h>

#define MAX_FRAMES 32

extern const struct ksyms ksyms_start; /* from kernel.ld */

static bool
is_text(uintptr_t pc)
{
    return pc >= (uintptr_t)image_start && pc < (uintptr_t)text_end;
}

static void
print_frame(unsigned n, uintptr_t pc)
{
    uint32_t into = 0;
    const char *name = NULL;

    if (is_text(pc))
        name = ksyms_find(&ksyms_start, (uint32_t)(pc - (uintptr_t)image_start),
                          &into);
    cprintf("  #%-2u %#lx %s+%#x\n", n, pc, name == NULL ? "?" : name, into);
}

/* Walk from frame pointer FP, whose function was interrupted or called with
 * return address RA.  A function that calls nobody saves only its caller's fp,
 * and where other frames have the return address; only the first can be one.
 * All frames must lie on one stack, each above the one before. */
void
print_stackframe(uintptr_t pc, uintptr_t fp, uintptr_t ra)
{
    /* LAB 0.1: say who called whom, from PC up to where the thread began.
     *
     * The compiler keeps a frame pointer: at fp[-1] is the address to return
     * to, at fp[-2] the caller's frame pointer. PC itself is the first line,
     * print_frame() prints one; of a return address print the call before it
     * (pc - 2). A function that calls nobody saves only its caller's frame
     * pointer, at fp[-1]: this can only be the first, and then its return
     * address is still in RA.
     *
     * The stack may be damaged, that is why somebody wants a backtrace: a
     * frame pointer that is not aligned (8), not above the last one, more than
     * KSTACK_SIZE above the first, or below VMAP_BASE ends it; so does a
     * return address that is not in the kernel's code (is_text()), and
     * MAX_FRAMES lines. A frame pointer of 0 is where the thread began. */
    uintptr_t low = fp, high = fp + KSTACK_SIZE;

    cprintf("backtrace:\n");
    print_frame(0, pc);
    for (unsigned n = 1; n < MAX_FRAMES; n++) {
        uintptr_t *frame = (uintptr_t *)fp;

        if (fp % 8 != 0 || fp < low || fp > high || fp < VMAP_BASE)
            return;
        low = fp + 1;
        if (is_text(frame[-1])) {
            pc = frame[-1];
            fp = frame[-2];
        } else if (n == 1 && is_text(ra)) {
            pc = ra;
            fp = frame[-1];
        } else {
            return;
        }
        if (fp == 0) /* where the thread began */
            return;
        print_frame(n, pc - 2); /* in the call, not behind it */
    }
    /* STUB: (void)fp; */
    /* STUB: (void)ra; */
    /* STUB: print_frame(0, pc); */
    /* END 0.1 */
}

void
backtrace_here(void)
{
    uintptr_t *frame = __builtin_frame_address(0);

    print_stackframe(frame[-1] - 2, frame[-2], 0);
    __asm__ volatile(""); /* not a jump: our frame has the return address */
}
