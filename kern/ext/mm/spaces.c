/* spaces.c: adds the list of all address spaces to mm/mm_struct.c; a first
 * reader may skip it.
 *
 *     mm_create()     mm_born(): at the end of the list
 *     last mm_put()   mm_gone(): out of it, and its counts go to "ended"
 *
 * So counting costs the fault path one atomic add, in its own space; who reads
 * the global numbers pays, by walking the list.  A space whose last reference
 * is gone stays in the list until its tables are freed, too: a walker passes
 * over it. */
#include "ext/mm/spaces.h"
#include "mm/swap.h"
#include <atomic.h>

static struct spinlock lock = SPINLOCK_INIT(RANK_SPACES);
static struct list spaces = LIST_INIT(spaces); /* [lock] all_link */
static uint64_t ended[MMSTAT_COUNT];           /* [lock] */

void
mm_born(struct mm_struct *mm)
{
    spin_lock(&lock);
    list_add_tail(&spaces, &mm->all_link);
    spin_unlock(&lock);
}

void
mm_gone(struct mm_struct *mm)
{
    spin_lock(&lock);
    list_del(&mm->all_link);
    for (unsigned i = 0; i < MMSTAT_COUNT; i++)
        ended[i] += atomic_load(&mm->stat[i]);
    spin_unlock(&lock);
}

/* A reference, unless the last one is gone. */
static bool
try_get(struct mm_struct *mm)
{
    int32_t refs = atomic_load(&mm->refs);

    while (refs > 0)
        if (atomic_cas(&mm->refs, &refs, refs + 1))
            return true;
    return false;
}

struct mm_struct *
space_next(struct mm_struct *prev)
{
    struct mm_struct *found = NULL;
    struct list *n;

    spin_lock(&lock);
    n = prev == NULL ? spaces.next : prev->all_link.next;
    for (; n != &spaces && found == NULL; n = n->next) {
        struct mm_struct *mm = list_entry(n, struct mm_struct, all_link);

        if (try_get(mm))
            found = mm;
    }
    spin_unlock(&lock);
    if (prev != NULL)
        mm_put(prev);
    return found;
}

size_t
swap_out_quotas(size_t n)
{
    size_t done = 0;

    for (struct mm_struct *mm = NULL; (mm = space_next(mm)) != NULL;) {
        struct swap_scope *s = atomic_load_acquire(&mm->scope);

        if (s != NULL && done < n)
            done += swap_out(s, n - done);
    }
    return done;
}

void
spaces_ended(uint64_t sum[MMSTAT_COUNT])
{
    spin_lock(&lock);
    for (unsigned i = 0; i < MMSTAT_COUNT; i++)
        sum[i] += ended[i];
    spin_unlock(&lock);
}
