/* knob_keep.c: adds that somebody has a reference to a private page for a while; a
 * first reader may skip it.
 *
 * Whoever works on a page outside of all locks has a reference to it: a fault that
 * waits, a copy, a move to another frame.  That is over soon, so nobody ever comes to
 * a page at that moment, and code that forgets to look is never caught.  With the knob
 * the reference stays until it is given back. */
#include "ext/mm/knob.h"
#include "mm/vmm.h"
#include <string.h>

static struct page *kept; /* [mm's gate] NULL: none */

/* The private page of ADDR in MM that is in memory, with a reference, or NULL.
 * => gate closed */
static struct page *
private_page(struct mm_struct *mm, uintptr_t addr)
{
    struct vma_struct *v = find_vma_walk(mm, addr);
    struct page *page = NULL;
    struct anon *a;

    if (v == NULL || addr < v->vm_start || v->layer == NULL)
        return NULL;
    spin_lock(&v->layer->lock);
    a = layer_find(v->layer, vma_layer_index(v, addr));
    if (a != NULL) {
        spin_lock(&a->lock);
        if (anon_page_here(a->page)) {
            page = a->page;
            page_get(page);
        }
        spin_unlock(&a->lock);
    }
    spin_unlock(&v->layer->lock);
    return page;
}

static const char *
set_kept(const char *text)
{
    struct mm_struct *mm = current_thread()->mm;
    const char *end;
    uintptr_t addr = strtoull_simple(text, &end);
    struct page *old;

    if (end == text || *end != '\0' || mm == NULL)
        return "wants ADDRESS";
    mm_write_begin(mm);
    old = kept;
    kept = addr == 0 ? NULL : private_page(mm, addr);
    mm_write_end(mm);
    if (old != NULL)
        page_put(old);
    return addr == 0 || kept != NULL ? NULL : "no private page is there";
}

static const struct knob keep_knob = {
    .name = "page_kept",
    .help = "ADDRESS: a reference to this private page; 0: no more",
    .set = set_kept,
};
TABLE_ADD(knob, keep_knob);
