/* quota.c: adds to mm/swap.h that a range gets a quota while its program runs, and
 * the machine another policy; a first reader may skip it.
 *
 *     knob swap_policy=NAME       the machine's policy; where a quota goes with it
 *                                 (it has no policy of its own), that one's, too
 *     RLIMIT_RSS                  ext/process/limit_rss.c
 *     /proc/PID/quota             ext/process/proc_quota.c
 *
 * A policy that takes over finds all pages, in the order that the one before it
 * left. */
#include "ext/mm/quota.h"

#include "ext/mm/knob.h"
#include "ext/mm/spaces.h"
#include "mm/huge.h"
#include <string.h>

/* --- what is in memory counts --- */

/* The private page that entry PTE of V shows at VA, if it does, is one of S, unless it
 * counts for a relative.  With its anon locked, a page that is mapped stays. */
static void
adopt(struct swap_scope *s, struct vma_struct *v, uintptr_t va, pte_t *pte)
{
    struct anon *a;

    spin_lock(&v->layer->lock);
    a = layer_find(v->layer, vma_layer_index(v, va));
    if (a != NULL) {
        spin_lock(&a->lock);
        if (a->page != NULL && (pte_load(pte) & PTE_V) &&
            pte_pa(pte_load(pte)) == page_to_pa(a->page)) {
            if (a->page->scope == &swap_global)
                swap_forget(a->page);
            swap_map_swappable(s, a->page, false);
        }
        spin_unlock(&a->lock);
    }
    spin_unlock(&v->layer->lock);
}

/* A leaf above level 0 covers VA, if not nothing does: it is split, or cleared if there
 * is no memory, as each of its pages counts.  Returns where to go on. */
static uintptr_t
split_leaf(struct vma_struct *v, uintptr_t va)
{
    unsigned level;
    pte_t *pte = pte_lookup(v->vm_mm, va, &level);

    if (pte_load(pte) == 0)
        return (va / pte_span(level) + 1) * pte_span(level);
    return huge_each(v, pte, level, va, va + PAGE_SIZE, NULL);
}

/* => gate closed */
static void
adopt_area(struct swap_scope *s, struct vma_struct *v)
{
    uintptr_t va = MAX(v->vm_start, s->start), end = MIN(v->vm_end, s->end);

    while (v->layer != NULL && va < end) {
        pte_t *pte = get_pte(v->vm_mm, va, false);

        if (pte == NULL) {
            va = split_leaf(v, va);
            continue;
        }
        if (pte_load(pte) & PTE_V)
            adopt(s, v, va, pte);
        va += PAGE_SIZE;
    }
}

int
quota_set(struct mm_struct *mm, uintptr_t start, uintptr_t end, size_t quota,
          const struct swap_manager *sm)
{
    struct swap_scope *s;
    size_t nr;
    int err;

    mm_write_begin(mm);
    err = swap_quota(mm, start, end, quota, sm);
    s = mm->scope;
    if (err == 0 && quota != SIZE_MAX) {
        list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link)
            adopt_area(s, v);
    }
    mm_write_end(mm);
    while (err == 0 && (nr = atomic_load(&s->nr)) > quota) {
        if (swap_out(s, nr - quota) == 0)
            break;
    }
    return err;
}

/* --- another policy --- */

static void
goes_with(struct swap_scope *s, const struct swap_manager *sm)
{
    spin_lock(&s->lock);
    if (s->soft) {
        s->sm = sm;
        sm->init_scope(s);
    }
    spin_unlock(&s->lock);
}

void
quota_choose(const struct swap_manager *sm)
{
    swap_select(&swap_global, sm);
    for (struct mm_struct *mm = space_next(NULL); mm; mm = space_next(mm)) {
        struct swap_scope *s = atomic_load_acquire(&mm->scope);

        if (s != NULL)
            goes_with(s, sm);
    }
}

static const char *
choose(const char *text)
{
    const struct swap_manager *sm = swap_manager_find(text, strlen(text));

    if (sm == NULL)
        return "no such policy";
    quota_choose(sm);
    return NULL;
}

static const struct knob policy_knob = {
    .name = "swap_policy",
    .help = "NAME: who chooses which private pages leave memory",
    .set = choose,
};
TABLE_ADD(knob, policy_knob);
