/* scn_block.c: a block of lab 2 under the magnifier; a first reader may skip it.
 *
 * What was given out must look as the table at the top of mm/pmm.c says, and must be
 * counted.  What may not be given back must be refused for its own reason, so all
 * else about it is made to look right:
 *
 *     pretend 8 2 users     | HEAD 2, ref 1, users 1 | TAIL | TAIL | TAIL |
 *                             only the users give it away
 *
 * Whoever lets it pass gets no further than to the flags: it is not put on a list,
 * and afterwards the descriptors are what they were. */
#include "ext/init/scn_block.h"

#include "arch/riscv/cpu.h"
#include "debug/kstat.h"
#include "ext/debug/tracering.h"
#include "mm/bootmem.h"
#include "mm/pmm_impl.h"
#include "schedule/thread.h"
#include <string.h>

#define AS_PAGE (PG_UPTODATE | PG_DIRTY | PG_REFERENCED)
#define BESIDE  16 /* bytes to what is no descriptor: rmap and owner lie there */

/* --- what was given out --- */

static uint64_t
counted(enum kstat_id id)
{
    return atomic_load(&kstat_rows[this_cpu()->id].v[id]);
}

struct block_watch
block_watch(void)
{
    trace_enabled = true;
    atomic_store(&current_thread()->owes_memory, 0u);
    return (struct block_watch){.given = counted(STAT_PAGE_ALLOC),
                                .failed = counted(STAT_ALLOC_FAIL)};
}

static uint32_t
head_flags(unsigned order)
{
    return order == 0 ? 0 : PG_HEAD | order << PG_ORDER_SHIFT;
}

/* Is what was traced last this block? */
static bool
alloc_traced(const struct page *p, unsigned order)
{
    struct trace_event e;

    trace_enabled = false;
    return p == NULL ||
           (trace_read(this_cpu()->id, 0, &e) && e.id == TRACE_ALLOC &&
            e.a == page_to_pfn(p) && e.b == order);
}

void
block_judge(struct block_watch before, const struct page *p, unsigned order,
            struct scn_answer *a)
{
    size_t n = p == NULL ? 0 : 1ul << order, wrong = 0;

    for (size_t i = 0; i < n; i++)
        wrong += p[i].flags != (i == 0 ? head_flags(order) : PG_TAIL) ||
                 p[i].ref != (i == 0) || p[i].users != 0;
    scn_count(a, "table", wrong);
    scn_count(a, "untraced", !alloc_traced(p, order));
    scn_count(a, "woken", atomic_load(&current_thread()->owes_memory));
    scn_count(a, "page_alloc", counted(STAT_PAGE_ALLOC) - before.given - n);
    scn_count(a, "alloc_fail",
              counted(STAT_ALLOC_FAIL) - before.failed - (p == NULL));
}

void
block_leave(struct page *p)
{
    atomic_store(&p->flags, p->flags | AS_PAGE);
}

/* --- a memory of two blocks, and buddies, of the highest order --- */

/* Only descriptors are looked at, so it does not matter what lies there. */
bool
block_vast(void)
{
    const paddr_t size = PAGE_SIZE << (MAX_ORDER + 1);
    const struct pmm_range *all;
    unsigned n = bootmem_ram(&all);

    for (unsigned i = 0; i < n; i++) {
        struct pmm_range two = {ROUND_UP(all[i].start, size), 0};

        two.end = two.start + size;
        if (two.end > all[i].end)
            continue;
        pmm_drain();
        pmm_init(&two, 1, &two, 1);
        return true;
    }
    return false;
}

/* --- what may not be given back --- */

static const struct lie {
    const char *word;
    uint32_t flags;
    int32_t ref;
    uint64_t users;
    size_t beside;
} lies[] = {
    {.word = "good", .ref = 1},
    {.word = "pointer", .ref = 1, .beside = BESIDE},
    {.word = "twice", .ref = 2},
    {.word = "users", .ref = 1, .users = 1},
    {.word = "slab", .flags = PG_SLAB, .ref = 1},
    {.word = "swap", .flags = PG_SWAPPABLE, .ref = 1},
    {.word = "cached", .flags = PG_CACHED, .ref = 1},
    {.word = "buddy", .flags = PG_BUDDY, .ref = 1},
    {.word = "reserved", .flags = PG_RESERVED, .ref = 1},
    {.word = "tail", .flags = PG_TAIL, .ref = 1},
};

struct attempt {
    struct page *page;
    unsigned order;
};

static void
give_back(void *arg)
{
    struct attempt *try = arg;

    block_unclaim(try->page, try->order);
}

void
block_pretend(struct page *p, unsigned order, const char *word,
              struct scn_answer *a)
{
    struct page was[1 << BLOCK_PRETEND];
    struct attempt try = {p, MIN(order, BLOCK_PRETEND)};
    const struct lie *lie = lies;

    while (lie < lies + ARRAY_LEN(lies) && strcmp(lie->word, word) != 0)
        lie++;
    if (lie == lies + ARRAY_LEN(lies)) {
        scn_result(a, "unknown");
        return;
    }
    memcpy(was, p, sizeof(*p) << try.order);
    for (size_t i = 1; i < 1ul << try.order; i++)
        p[i] = (struct page){.flags = PG_TAIL, .lru = p[i].lru};
    try.page = (struct page *)((char *)p + lie->beside);
    try.page->flags = head_flags(try.order) | lie->flags;
    try.page->ref = lie->ref;
    try.page->users = lie->users;
    scn_result(a, scn_caught(give_back, &try) ? "panic" : "ok");
    memcpy(p, was, sizeof(*p) << try.order);
}
