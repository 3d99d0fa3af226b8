/* backtrace.h: which functions led here, by name.
 *
 * Frames are followed through the frame pointer (the kernel is built with it);
 * names come from a table inside the image, written there after linking by
 * tools/ksyms.py. */
#ifndef KERN_DEBUG_BACKTRACE_H
#define KERN_DEBUG_BACKTRACE_H

#include <stdint.h>

/* Print where PC is and who called it, from frame pointer FP (and RA, for a
 * function that has not saved its return address; else 0).  Stops where the
 * thread began, at 32 frames, or at a frame that makes no sense. */
void print_stackframe(uintptr_t pc, uintptr_t fp, uintptr_t ra);
/* The caller, and who called it. */
void backtrace_here(void);

#endif
