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
 * (RISC-V ELF psABI, "Frame Pointer Convention".)  The symbol table is written
 * into section .ksyms by tools/ksyms.py: a header, COUNT code offsets in
 * ascending order, COUNT offsets into the names, the names. */
#include "debug/backtrace.h"

#include "arch/riscv/cpu.h"
#include "arch/riscv/memlayout.h"
#include "debug/printk.h"

#define KSYM_MAGIC 0x4d59534b
#define MAX_FRAMES 32

struct ksym_header {
    uint32_t magic, count, names_size;
    uint32_t offset[]; /* [count] of the code, then [count] of the names */
};

extern const struct ksym_header ksyms_start;

const char *
ksym_find(uintptr_t addr, size_t *offset)
{
    const struct ksym_header *h = &ksyms_start;
    const char *names = (const char *)&h->offset[2 * h->count];
    uint32_t target, low = 0, high = h->count;

    if (h->magic != KSYM_MAGIC || addr < (uintptr_t)image_start ||
        addr >= (uintptr_t)text_end)
        return NULL;
    target = (uint32_t)(addr - (uintptr_t)image_start);
    while (low < high) { /* the first symbol behind TARGET */
        uint32_t mid = (low + high) / 2;

        if (h->offset[mid] <= target)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return NULL;
    *offset = target - h->offset[low - 1];
    return names + h->offset[h->count + low - 1];
}

static void
print_frame(unsigned n, uintptr_t pc)
{
    size_t offset = 0;
    const char *name = ksym_find(pc, &offset);

    cprintf("  #%-2u %#lx %s+%#lx\n", n, pc, name == NULL ? "?" : name, offset);
}

static bool
is_text(uintptr_t pc)
{
    return pc >= (uintptr_t)image_start && pc < (uintptr_t)text_end;
}

/* Walk from frame pointer FP, whose function was interrupted or called with
 * return address RA.  A function that calls nobody saves only its caller's fp,
 * and where other frames have the return address; only the first can be one.
 * All frames must lie on one stack, each above the one before. */
void
print_stackframe(uintptr_t pc, uintptr_t fp, uintptr_t ra)
{
    uintptr_t low = fp, high = fp + KSTACK_SIZE;

    cprintf("backtrace:\n");
    print_frame(0, pc);
    for (unsigned n = 1; n < MAX_FRAMES; n++) {
        uintptr_t *frame = (uintptr_t *)fp;

        if (fp % 8 != 0 || fp < low || fp > high || fp < VMAP_BASE)
            return;
        low = fp;
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
}

void
backtrace_here(void)
{
    uintptr_t *frame = __builtin_frame_address(0);

    print_stackframe(frame[-1] - 2, frame[-2], 0);
}
