/* proc_pagemap.c: adds /proc/PID/pagemap to ext/fs/procfs.c; a first reader may skip
 * it.  A number of 64 bits for each page, as Linux's pagemap(5):
 *
 *     63 present | 62 on swap | 61 of an object | 56 mapped once
 *     54-0 the frame; of what is on swap: 54-5 the slot, 4-0 the device */
#include "ext/fs/procfs.h"
#include "ext/mm/observe.h"
#include "ext/process/look.h"
#include <errno.h>
#include <string.h>

#define PRESENT   (1ul << 63)
#define SWAPPED   (1ul << 62)
#define OF_OBJECT (1ul << 61)
#define ONLY_ONE  (1ul << 56)

static uint64_t
word_of(const struct pginfo *p)
{
    uint64_t word = 0;

    if (p->flags & PGINFO_PRESENT)
        word = PRESENT | (p->frame & ((1ul << 55) - 1));
    else if (p->slot != 0)
        word =
            SWAPPED | ((p->slot & ((1ul << 48) - 1)) - 1) << 5 | p->slot >> 48;
    if (p->flags & PGINFO_OBJECT)
        word |= OF_OBJECT;
    if ((p->flags & PGINFO_PRESENT) && p->mapcount == 1)
        word |= ONLY_ONE;
    return word;
}

static long
read_pagemap(int pid, void *buf, size_t n, uint64_t pos)
{
    uint64_t va = pos / sizeof(uint64_t) * PAGE_SIZE, *to = buf;
    struct pginfo info;
    struct look l;
    size_t done = 0;

    if (pos % sizeof(*to) != 0 || n % sizeof(*to) != 0)
        return -EINVAL;
    if (pos / sizeof(*to) >= user_end() / PAGE_SIZE)
        return 0;
    if (look_at(pid, &l) != 0)
        return -ESRCH;
    while (l.mm != NULL && done < n && pginfo(l.mm, va, &info) == 0) {
        *to++ = word_of(&info);
        done += sizeof(*to);
        va += PAGE_SIZE;
    }
    look_end(&l);
    return (long)done;
}
PROC_FILE(pid_pagemap, .name = "pagemap", .where = PROC_PID, .mode = 0400,
          .read = read_pagemap);
