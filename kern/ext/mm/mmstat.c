/* mmstat.c: adds reading the counters of mm/mmstat.h by name; a first reader may
 * skip it. */
#include "debug/kstat.h"
#include "ext/mm/observe.h"
#include "ext/mm/spaces.h"
#include <string.h>

static const char *const names[MMSTAT_VALUES] = {
#define X(id, name) [id] = name,
    MMSTAT_LIST(X)
#undef X
        "slot_used",
    "rss",
    "anon_pages",
    "cache_pages",
    "dirty_pages",
    "free_pages",
};

enum {
    SLOT_USED = MMSTAT_COUNT,
    RSS,
    ANON_PAGES,
    CACHE_PAGES,
    DIRTY_PAGES,
    FREE_PAGES
};

/* --- the pages a space maps --- */

static void
count_page(struct vma_struct *v, pte_t e, uint64_t n, uint64_t *sum)
{
    struct page *page = pa_to_page(pte_pa(e));

    if (v->vm_flags & VM_PFNMAP || page->flags & (PG_ZERO | PG_RESERVED))
        return;
    if ((page->owner & PAGE_OWNER_TAG) != PAGE_OWNER_OBJECT) {
        sum[ANON_PAGES] += n;
        return;
    }
    sum[CACHE_PAGES] += n;
    if (page->flags & PG_DIRTY || e & PTE_D)
        sum[DIRTY_PAGES] += n;
}

/* => gate closed */
static void
count_area(struct vma_struct *v, uint64_t *sum)
{
    for (uintptr_t va = v->vm_start; va < v->vm_end;) {
        unsigned level;
        pte_t e = pte_load(pte_lookup(v->vm_mm, va, &level));

        if (pte_is_leaf(e))
            count_page(v, e, pte_span(level) / PAGE_SIZE, sum);
        va = ROUND_DOWN(va, pte_span(level)) + pte_span(level);
    }
}

static void
read_space(struct mm_struct *mm, uint64_t *sum)
{
    for (unsigned i = 0; i < MMSTAT_COUNT; i++)
        sum[i] += atomic_load(&mm->stat[i]);
    sum[RSS] += (uint64_t)atomic_load(&mm->rss);
}

/* --- the kernel --- */

/* A global count by its name; 0 if nobody counts it yet. */
static uint64_t
global(const char *name)
{
    for (unsigned i = 0; i < KSTAT_COUNT; i++)
        if (strcmp(kstat_names[i], name) == 0)
            return kstat_read((enum kstat_id)i);
    return 0;
}

static void
read_kernel(uint64_t *sum)
{
    spaces_ended(sum);
    for (struct mm_struct *mm = NULL; (mm = space_next(mm)) != NULL;)
        read_space(mm, sum);
    for (unsigned i = ANON_PAGES; i <= DIRTY_PAGES; i++)
        sum[i] = global(names[i]);
    sum[MM_WB] = kstat_read(STAT_WB); /* of no space */
    sum[MM_STEAL] = kstat_read(STAT_DROPPED);
    sum[MM_SWPIN] = kstat_read(STAT_SWPIN);
    sum[MM_SWPOUT] = kstat_read(STAT_SWPOUT);
    sum[MM_RESCAN] = kstat_read(STAT_RESCAN);
    sum[MM_SLOT_ALLOC] = kstat_read(STAT_SLOT_ALLOC);
    sum[MM_SLOT_FREE] = kstat_read(STAT_SLOT_FREE);
}

/* --- both --- */

static void
read_values(struct mm_struct *mm, uint64_t sum[MMSTAT_VALUES])
{
    memset(sum, 0, MMSTAT_VALUES * sizeof(*sum));
    if (mm == NULL) {
        read_kernel(sum);
    } else {
        read_space(mm, sum);
        gate_close(&mm->gate);
        list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link)
            count_area(v, sum);
        gate_open(&mm->gate);
    }
    sum[SLOT_USED] = sum[MM_SLOT_ALLOC] - sum[MM_SLOT_FREE];
    sum[FREE_PAGES] = nr_free_pages();
}

void
mmstat_read(struct mm_struct *mm, struct mmstat_value out[MMSTAT_VALUES])
{
    uint64_t sum[MMSTAT_VALUES];

    read_values(mm, sum);
    for (unsigned i = 0; i < MMSTAT_VALUES; i++)
        out[i] = (struct mmstat_value){names[i], sum[i]};
}

bool
mmstat_get(struct mm_struct *mm, const char *name, uint64_t *value)
{
    uint64_t sum[MMSTAT_VALUES];

    *value = 0;
    for (unsigned i = 0; i < MMSTAT_VALUES; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        read_values(mm, sum);
        *value = sum[i];
        return true;
    }
    return false;
}

int64_t
mmstat_lost_faults(struct mm_struct *mm)
{
    static const uint8_t ends[] = {MM_MIN,   MM_MAJ,  MM_SPUR,   MM_ADFIX,
                                   MM_RETRY, MM_SEGV, MM_SIGBUS, MM_OOM};
    uint64_t sum[MMSTAT_VALUES] = {0};
    int64_t lost;

    if (mm == NULL)
        read_kernel(sum);
    else
        read_space(mm, sum);
    lost = (int64_t)sum[MM_FLT];
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++)
        lost -= (int64_t)sum[ends[i]];
    return lost;
}
