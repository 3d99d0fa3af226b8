/* shim.h: what a host test may ask of the stand-ins. */
#ifndef HOST_SHIM_H
#define HOST_SHIM_H

#include "arch/riscv/cpu.h"
#include "arch/riscv/memlayout.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

/* From now on this thread is hart ID. */
void shim_become_hart(unsigned id);

/* Map descriptors (full of JUNK) for the frames [FIRST, END) and, if CONTENTS,
 * the memory itself; what was mapped before is dropped.  Sets MEMMAP_BASE and
 * dmap_base; the caller sets memmap_first_pfn. */
#define SHIM_JUNK 0xa5
void shim_memory(pfn_t first, pfn_t end, bool contents);

/* Make the descriptors of [FIRST, END) fault, as holes in RAM do.  Whole pages
 * of descriptors only (64 frames). */
void shim_unmap_descriptors(pfn_t first, pfn_t end);

/* Where panic_at() jumps instead of aborting, and what it would have said. */
extern _Thread_local jmp_buf *shim_panic_jump;
extern _Thread_local char shim_panic_text[512];
void shim_after_panic(void);

/* What STATEMENT below changes is not used after it panicked; the compiler
 * cannot know. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

/* Does STATEMENT panic?  Locks held at that moment stay held: set the world
 * up afresh afterwards. */
#define PANICS(statement)           \
    ({                              \
        jmp_buf here_;              \
        volatile bool did_ = false; \
        shim_panic_text[0] = '\0';  \
        shim_panic_jump = &here_;   \
        if (setjmp(here_) == 0) {   \
            statement;              \
        } else {                    \
            did_ = true;            \
            shim_after_panic();     \
        }                           \
        shim_panic_jump = NULL;     \
        did_;                       \
    })

/* cprintf() counts its lines and prints them unless told not to. */
extern bool shim_quiet;
extern unsigned shim_lines;

/* Counting tests.  RUN(name) runs `static bool test_name(void)`. */
extern unsigned shim_passed, shim_failed;
void shim_result(const char *name, bool ok);
int shim_summary(const char *program);

#define RUN(name) shim_result(#name, test_##name())

/* Inside a test: say what is wrong and leave it with false. */
#define EXPECT(x)                                            \
    do {                                                     \
        if (!(x)) {                                          \
            printf("  %s:%d: %s\n", __FILE__, __LINE__, #x); \
            return false;                                    \
        }                                                    \
    } while (0)

/* A small random generator (xorshift), so that a seed means the same run
 * everywhere. */
static inline uint64_t
shim_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

#endif
