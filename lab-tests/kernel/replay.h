/* replay.h: accesses to pages, made by this hart in a space with a quota, and what
 * they cost.  The same traces as tools/faultmodel/traces.py makes. */
#ifndef LAB_TESTS_KERNEL_REPLAY_H
#define LAB_TESTS_KERNEL_REPLAY_H

#include <util.h>

struct access {
    uint8_t page;
    bool write;
};

/* N accesses to PAGES pages.  Local: WRITES % are stores, and 40 % go to one of the
 * last four pages. */
void trace_local(struct access *a, size_t n, uint64_t seed, unsigned pages,
                 unsigned writes);
/* Page i as often as 1 / (i + 1); 30 % are stores. */
void trace_zipf(struct access *a, size_t n, uint64_t seed, unsigned pages);
/* "wa rb": write page a, read page b.  Returns how many there are. */
size_t trace_script(struct access *a, const char *text);

struct outcome {
    uint64_t faults, writes; /* pages that came; that were written to go */
    uint64_t looked;         /* at how many pages, to find who goes */
    size_t nvictims;
    uint8_t *victims; /* NULL: they are not wanted; else room for N */
};

/* The N accesses A to PAGES pages, none of which is in memory at first, nor dirty,
 * nor new: with FRAMES of them in memory at most, chosen by POLICY.  After each
 * access time passes. */
void replay(const char *policy, unsigned frames, unsigned pages,
            const struct access *a, size_t n, struct outcome *o);

#endif
