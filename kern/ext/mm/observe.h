/* observe.h: what a scenario may see of address spaces: counters by name, and
 * all about one page.  Adds to mm/mmstat.h; a first reader may skip it. */
#ifndef KERN_EXT_MM_OBSERVE_H
#define KERN_EXT_MM_OBSERVE_H

#include "mm/vmm.h"

struct mmstat_value {
    const char *name;
    uint64_t value;
};

/* Those that are not counted but read: slot_used rss anon_pages cache_pages
 * dirty_pages free_pages. */
#define MMSTAT_GAUGES 6
#define MMSTAT_VALUES (MMSTAT_COUNT + MMSTAT_GAUGES)

/* All values of MM, or with NULL of the whole kernel: the counters of
 * mm/mmstat.h, summed over all spaces that are and were, then the gauges.
 * Always the same names in the same order.
 *
 *                  of a space                       of the kernel
 *   slot_used      slot_alloc - slot_free           the same
 *   rss            pages mapped                     sum over all spaces
 *   anon_pages     of those, private ones           private pages there are
 *   cache_pages    of those, pages of objects       pages objects have
 *   dirty_pages    of those, to be written back     the same
 *   free_pages     the kernel's                     frames that are free
 *
 * Each number was right at some moment during the call.
 * => may sleep: closes MM's gate */
void mmstat_read(struct mm_struct *mm, struct mmstat_value out[MMSTAT_VALUES]);
/* One of them; 0 and false if there is no such name. */
bool mmstat_get(struct mm_struct *mm, const char *name, uint64_t *value);

/* The faults that did not end in any of the ways a fault may end: 0, always.
 * flt = min + maj + spur + adfix + retry + segv + sigbus + oom */
int64_t mmstat_lost_faults(struct mm_struct *mm);

/* All about one address; 64 bytes, the same on every machine. */
struct pginfo {
    uint64_t va;         /* of the page */
    uint64_t frame;      /* which frame; meaningful while it stays present */
    uint64_t slot;       /* swap slot of the private page; 0: none */
    uint32_t flags;      /* PGINFO_ */
    uint32_t mapcount;   /* entries that map the page */
    uint32_t anon_share; /* slots that point to the private page; 0: none */
    uint32_t epoch;      /* fork generation the private page was made in */
    uint16_t node;       /* of its memory: ext/mm/memnode.h */
    uint8_t level;       /* of the entry: 0: 4 KiB, 1: 2 MiB, 2: 1 GiB */
    uint8_t pad;         /* 0 */
    uint16_t pins;       /* how many rely on the frame: ext/mm/pin.h */
    uint8_t pad2[2];     /* 0 */
    uint64_t index;      /* of the page in its object, if it is an object's */
    uint64_t zero;       /* 0, for what comes */
};
_Static_assert(sizeof(struct pginfo) == 64, "part of the interface");

#define PGINFO_PRESENT   0x0001u /* an entry maps it */
#define PGINFO_READ      0x0002u /* the entry's rights */
#define PGINFO_WRITE     0x0004u
#define PGINFO_EXEC      0x0008u
#define PGINFO_USER      0x0010u
#define PGINFO_ACCESSED  0x0020u /* as far as this entry knows */
#define PGINFO_DIRTY     0x0040u /* the entry or the page says so */
#define PGINFO_AREA      0x0080u /* there is an area */
#define PGINFO_ANON      0x0100u /* a private page, present or not */
#define PGINFO_OBJECT    0x0200u /* a page of an object */
#define PGINFO_ZERO      0x0400u /* the zero page */
#define PGINFO_DEVICE    0x0800u /* a frame nobody keeps records of */
#define PGINFO_LOCKED    0x1000u /* the page is busy */
#define PGINFO_UPTODATE  0x2000u
#define PGINFO_ERROR     0x4000u
#define PGINFO_WRITEBACK 0x8000u

/* Fill *INFO for the page of VA in MM.  0, or -EFAULT if VA is no user address.
 * => may sleep; nothing is changed */
int pginfo(struct mm_struct *mm, uintptr_t va, struct pginfo *info);

#endif
