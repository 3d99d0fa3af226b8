/* mmcheck_area.c: adds the areas of a space to ext/mm/mmcheck.c; a first reader
 * may skip it.
 *
 * Areas lie in order, apart, and on whole pages; list and tree hold the same
 * ones; the tree is balanced; each gap, each largest gap below a node and each
 * count is right; objects list the areas that show them, and have no pages behind
 * their end. */
#include "ext/mm/mmcheck_impl.h"

/* The height of N's subtree, checked; -1 stands for a broken tree. */
static int
check_node(struct check *c, struct avl_node *n, struct avl_node *parent)
{
    struct vma_struct *v = avl_entry(n, struct vma_struct, node);
    uintptr_t most;
    int l, r;

    if (n == NULL)
        return 0;
    l = check_node(c, n->left, n);
    r = check_node(c, n->right, n);
    most = v->node.own;
    if (n->left != NULL)
        most = MAX(most, n->left->most);
    if (n->right != NULL)
        most = MAX(most, n->right->most);
    if (n->parent != parent || l - r > 1 || r - l > 1 ||
        n->height != MAX(l, r) + 1)
        c->complain(c, "area %#lx: its place in the tree is wrong",
                    v->vm_start);
    if (v->node.most != most)
        c->complain(c, "area %#lx: largest gap %#lx, should be %#lx",
                    v->vm_start, v->node.most, most);
    return n->height;
}

static void
check_place(struct check *c, struct vma_struct *v, struct vma_struct *prev)
{
    if (v->vm_start >= v->vm_end || (v->vm_start & PAGE_MASK) ||
        (v->vm_end & PAGE_MASK) || v->vm_end > user_end())
        c->complain(c, "area %#lx..%#lx is no range of pages", v->vm_start,
                    v->vm_end);
    if (prev != NULL && prev->vm_end > v->vm_start)
        c->complain(c, "area %#lx overlaps the one before, which ends at %#lx",
                    v->vm_start, prev->vm_end);
}

/* V is node N of the tree; PREV is the one before it there. */
static void
check_gap(struct check *c, struct vma_struct *v, struct vma_struct *prev,
          struct avl_node *n)
{
    uintptr_t lo = prev == NULL ? MMAP_MIN : prev->vm_end;
    uintptr_t hi = vma_guarded_start(v), gap = hi > lo ? hi - lo : 0;

    if (n != &v->node)
        c->complain(c, "area %#lx: list and tree differ", v->vm_start);
    if (v->node.own != gap)
        c->complain(c, "area %#lx: gap %#lx, should be %#lx", v->vm_start,
                    v->node.own, gap);
}

static void
check_areas(struct check *c, struct mm_struct *mm)
{
    struct avl_node *n = avl_first(&mm->tree);
    struct vma_struct *prev = NULL, *in_tree = NULL;
    uint64_t locked = 0;
    int count = 0;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->vm_mm != mm)
            c->complain(c, "area %#lx belongs to another space", v->vm_start);
        check_place(c, v, prev);
        if (v != mm->loose) {
            check_gap(c, v, in_tree, n);
            n = n == NULL ? NULL : avl_next(n);
            in_tree = v;
        }
        locked += v->vm_flags & VM_LOCKED ? vma_pages(v) : 0;
        if (v->vm_object != NULL)
            tally_add(&c->seen, v->vm_object, TALLY_OBJECT, 1);
        count++;
        prev = v;
    }
    if (n != NULL)
        c->complain(c, "the tree has areas that the list has not");
    if (count != mm->map_count)
        c->complain(c, "%d areas, counted %d", count, mm->map_count);
    if (locked != mm->locked_pages)
        c->complain(c, "%lu pages locked, counted %lu", locked,
                    mm->locked_pages);
    check_node(c, mm->tree.root, NULL);
}

/* One that is locked may come or go just now. */
static void
check_end(struct check *c, struct vm_object *obj)
{
    uint64_t end = object_pages(obj);
    struct page *page =
        object_has_pages(obj) ? object_next(obj, end, false) : NULL;

    if (page == NULL)
        return;
    if (!(atomic_load(&page->flags) & PG_LOCKED) && object_owns(obj, page) &&
        page->index >= object_pages(obj))
        c->complain(c, "object %p has page %lu, and ends after %lu",
                    (void *)obj, page->index, end);
    page_put(page);
}

static void
check_object(struct check *c, struct tally_entry *e)
{
    struct vm_object *obj = (struct vm_object *)e->key;
    uint32_t n = 0;

    if (e->kind != TALLY_OBJECT)
        return;
    spin_lock(&obj->lock);
    list_for_each (link, &obj->areas)
        n++;
    spin_unlock(&obj->lock);
    if (n != e->n)
        c->complain(c, "object %p lists %u areas, %u show it", (void *)obj, n,
                    e->n);
    if (atomic_load(&obj->refs) < (int32_t)e->n)
        c->complain(c, "object %p has %d references, %u areas", (void *)obj,
                    obj->refs, e->n);
    else
        check_end(c, obj);
}

static const struct mmcheck_part areas = {check_areas, check_object, NULL};
TABLE_ADD(mmcheck, areas);
