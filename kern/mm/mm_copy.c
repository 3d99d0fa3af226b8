/* mm_copy.c: a copy of an address space, for fork.
 *
 * No private page is touched, however many there are.  Per area a new area; per
 * layer (several areas may share one) a new layer with the same root; and the
 * parent's entries lose W, so that its next store faults, too:
 *
 *     parent's area --> layer ---+
 *                                root (ref 2)
 *     child's area  --> layer ---+
 *
 * Everything is allocated before anything visible changes, so a failure is
 * undone by throwing the child away.  The parent's harts forget its writable
 * entries before the gate opens: a store through a stale translation would go
 * into what is now the child's page, too. */
#include "mm/mmap.h"
#include "mm/rmap.h"
#include "mm/space.h"
#include <race.h>

/* The child's layer for L; made once, found again through the twin. */
static struct layer *
layer_of_child(struct layer *l)
{
    if (l->twin != NULL) {
        layer_get(l->twin);
        return l->twin;
    }
    l->twin = layer_share(l);
    return l->twin;
}

static struct vma_struct *
copy_area(struct mm_struct *child, const struct vma_struct *v)
{
    /* LAB 5.1: an area of the child like V of the parent.
     *
     * Same addresses, same flags but VM_LOCKED, same page numbers. Private
     * pages are not copied and not even looked at: the child's layer shares
     * the tree of the parent's (layer_of_child()), if there is one. An object
     * is shared, too, and has one owner more.
     *
     * No memory: NULL, and nothing may be left over. */
    struct vma_struct *c =
        vma_create(child, v->vm_start, v->vm_end, v->vm_flags & ~VM_LOCKED);

    if (c == NULL)
        return NULL;
    c->vm_pgoff = v->vm_pgoff;
    c->lpgoff = v->lpgoff;
    if (v->layer != NULL) {
        c->layer = layer_of_child(v->layer);
        if (c->layer == NULL) {
            vma_destroy(c);
            return NULL;
        }
    }
    if (v->vm_object != NULL) {
        object_get(v->vm_object);
        c->vm_object = v->vm_object;
    }
    return c;
    /* STUB: return NULL; */
    /* END 5.1 */
}

static int
copy_areas(struct mm_struct *child, struct mm_struct *mm)
{
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        struct vma_struct *c;

        if (v->vm_flags & VM_DONTFORK)
            continue;
        c = copy_area(child, v);
        if (c == NULL)
            return -1;
        insert_vma_before(c, NULL); /* behind all: they come in order */
    }
    return 0;
}

/* A layer holds pages only at indexes that some area shows (vmm.c).  So what an
 * area that was left out shares with one that was copied must go again, or a
 * later area of the child could show it. */
static int
drop_uncopied(struct mm_struct *mm, struct gather *g)
{
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if ((v->vm_flags & VM_DONTFORK) && v->layer != NULL &&
            v->layer->twin != NULL &&
            layer_zap(v->layer->twin, v->lpgoff, v->lpgoff + vma_pages(v) - 1,
                      g) != 0)
            return -1;
    }
    return 0;
}

/* The areas of MM that share pages now lose W in their entries. */
static void
write_protect(struct mm_struct *mm, struct gather *g)
{
    /* LAB 5.2: from now on a store of the parent to a shared page must fault.
     *
     * The stub takes all entries away. That is right, an entry is only a
     * cache; but each page that the parent only reads faults again.
     *
     * For each area that has private pages and was copied (VM_DONTFORK is
     * not): count MM_LSHARE, and if it may be written take W from its entries:
     * wrprotect_ptes() also notes in G which harts must forget. */
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->layer == NULL || (v->vm_flags & VM_DONTFORK))
            continue;
        mm_count(mm, MM_LSHARE);
        if (v->vm_flags & VM_WRITE)
            wrprotect_ptes(v, g);
    }
    /* STUB: list_for_each_entry (v, &mm->mmap_list, struct vma_struct, */
    /* STUB:                      list_link) */
    /* STUB:     zap_ptes(v, v->vm_start, v->vm_end, g); */
    /* END 5.2 */
}

static void
forget_twins(struct mm_struct *mm)
{
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->layer != NULL)
            v->layer->twin = NULL;
    }
}

/* Replaced by kern/ext/mm/fork_eager.c. */
WEAK void
copy_eagerly(struct mm_struct *mm, struct mm_struct *child)
{
}

/* Replaced by kern/ext/mm/pin.c. */
WEAK int
pin_copy(struct mm_struct *mm)
{
    return 0;
}

/* CHILD, which nobody else knows, becomes a copy of MM.  => MM's gate closed */
static int
copy_into(struct mm_struct *child, struct mm_struct *mm)
{
    struct gather ours, its;
    int err = copy_areas(child, mm);

    gather_start(&its, child);
    if (err == 0)
        err = drop_uncopied(mm, &its);
    gather_finish(&its);
    gather_start(&ours, mm);
    if (err == 0)
        write_protect(mm, &ours);
    race_point("copied");
    gather_finish(&ours);
    if (err == 0)
        err = pin_copy(mm);
    forget_twins(mm);
    if (err == 0)
        copy_eagerly(mm, child);
    child->brk_start = mm->brk_start;
    child->brk = mm->brk;
    child->stack_limit = mm->stack_limit;
    child->as_limit = mm->as_limit;
    child->data_limit = mm->data_limit;
    return err;
}

struct mm_struct *
mm_copy(struct mm_struct *mm)
{
    struct mm_struct *child = mm_create();
    int err;

    if (child == NULL)
        return NULL;
    gate_close(&mm->gate);
    err = copy_into(child, mm);
    gate_open(&mm->gate);
    if (err != 0) {
        mm_put_user(child);
        return NULL;
    }
    return child;
}
