/* scn_frames.c: stacks of lab 0 that are damaged; a first reader may skip it.
 *
 *     chain 0x1b 4 odd      the last but one of the frames says that its caller's
 *                           lies where none can be
 *
 * What lies there looks like a frame of scn_green(), so whoever follows the pointer
 * prints a name too many.  Where the first frame pointer is lost already, or what is
 * called never returns, there is a function for it. */
#include "arch/riscv/memlayout.h"
#include "debug/backtrace.h"
#include "debug/panic.h"
#include "ext/init/scn_first.h"
#include <string.h>

/* A function that ends with a call: where that would return to is another one.  And
 * a place within a third, for frames that are made up. */
__asm__(".text\n"
        ".balign 4\n"
        ".globl scn_white_ends, scn_green_behind, scn_green_middle\n"
        "scn_white_ends:\n"
        "    addi sp, sp, -16\n"
        "    sd ra, 8(sp)\n"
        "    sd s0, 0(sp)\n"
        "    addi s0, sp, 16\n"
        "    call scn_never\n"
        "scn_green_behind:\n"
        "    nop\n"
        "    nop\n"
        "scn_green_middle:\n"
        "    ret\n");
void scn_white_ends(void);
extern char scn_green_middle[];
NORETURN void scn_never(void);

static uintptr_t far_away[2 * KSTACK_SIZE / sizeof(uintptr_t)];

/* A frame of scn_green() below FP, whose caller's is at NEXT. */
static uintptr_t
fake(uintptr_t *fp, const void *next)
{
    const uintptr_t words[2] = {(uintptr_t)next, (uintptr_t)scn_green_middle};

    memcpy(fp - 2, words, sizeof(words));
    return (uintptr_t)fp;
}

/* What FRAME is to say instead of its caller's frame pointer. */
static uintptr_t
wrong_pointer(uintptr_t *frame, uintptr_t *above, uintptr_t *below,
              const char *how)
{
    uintptr_t *odd = (uintptr_t *)((char *)above + 20);

    if (strcmp(how, "odd") == 0)
        return fake(odd, above + 6);
    if (strcmp(how, "below") == 0)
        return fake(below + 2, above + 6);
    if (strcmp(how, "far") == 0)
        return fake(far_away + ARRAY_LEN(far_away) - 4,
                    far_away + ARRAY_LEN(far_away));
    if (strcmp(how, "astray") == 0) {
        fake(above + 4, above + 6);
        above[0] = (uintptr_t)(above + 4);
        above[1] = (uintptr_t)far_away; /* no code */
        return (uintptr_t)(above + 2);
    }
    return (uintptr_t)frame; /* itself */
}

/* The fault finds a frame pointer of a program, or of nobody. */
static NOINLINE void
frames_lost(void)
{
    __asm__ volatile("li s0, 0x4000\n"
                     "sd zero, 0x40(zero)" ::
                         : "memory");
}

NORETURN void
scn_never(void)
{
    panic("as the scenario wants");
}

NOINLINE void
frames_damaged(uintptr_t *frame, uintptr_t *above, const char *how)
{
    uintptr_t below[2], was = frame[-2];

    if (strcmp(how, "lost") == 0)
        frames_lost();
    if (strcmp(how, "ends") == 0)
        scn_white_ends();
    frame[-2] = wrong_pointer(frame, above, below, how);
    __asm__ volatile("" ::"r"(below) : "memory");
    backtrace_here();
    frame[-2] = was;
}
