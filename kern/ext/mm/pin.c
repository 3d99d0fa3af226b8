/* pin.c: adds pins, pages that a device works on, to mm/fault.c and mm/mm_copy.c; a
 * first reader may skip it.
 *
 * A device uses frames, not addresses: tables may change as they like, the frame
 * may not.  page->pins counts who relies on that, and each of them has a reference.
 * What would give an address another frame knows of it:
 *
 *     a write by a relative     the page was made ours alone first (as for a
 *                               write, but the entry need not have W)
 *     a copy of the space       the child gets a copy at once: pin_copy(); else
 *                               our next store would go to a copy, and what the
 *                               device writes to the child
 *     migration, dropping       skip the page
 *     munmap, exit, truncate    the frame is nobody's but the device's now
 *
 * The list of pins is there for pin_copy(): which slots of this space's layers?
 * A pin takes each page inside the gate, as a reader, and is let go of there,
 * too; so who closed the gate to copy the space finds its pins as they are. */
#include "ext/mm/pin.h"

#include "ext/mm/mmcheck_impl.h"
#include "mm/fault.h"
#include "mm/kmalloc.h"
#include "mm/rmap.h"
#include "mm/space.h"
#include <errno.h>
#include <race.h>

static struct spinlock lock = SPINLOCK_INIT(RANK_SPACES);
static struct list pins = LIST_INIT(pins); /* [lock] */

/* --- one page --- */

/* PAGE, which has a reference for us, is pinned.  => interrupts off, or not */
static void
count_pin(struct mm_struct *mm, struct page *page, int by)
{
    irq_off();
    lock_rmap(page);
    page->pins = (uint16_t)(page->pins + by);
    unlock_rmap(page);
    irq_restore();
    mm_count(mm, by > 0 ? MM_PIN : MM_UNPIN);
}

/* The private page at VA of area V, if there is one and it is ours alone.
 * -EAGAIN: it is not, and a fault helps.  => inside the gate */
static int
take_private(struct vma_struct *v, uintptr_t va, struct pinned *p)
{
    struct layer *l = atomic_load_acquire(&v->layer);
    uint64_t index = vma_layer_index(v, va);
    struct anon **slot = NULL, *a;
    unsigned cloned = 0;
    int err = -EAGAIN;

    if (l == NULL)
        return -EAGAIN;
    spin_lock(&l->lock);
    if (layer_find(l, index) != NULL)
        slot = layer_slot(l, index, &cloned);
    a = slot == NULL ? NULL : *slot;
    if (a != NULL && !anon_shared(a)) {
        spin_lock(&a->lock);
        if (anon_page_here(a->page) && a->page->pins < UINT16_MAX) {
            *p = (struct pinned){a->page, l, index};
            /* Whoever writes to it does so through no entry. */
            atomic_or(&a->page->flags, PG_DIRTY);
            page_get(a->page);
            count_pin(v->vm_mm, a->page, 1);
            err = 0;
        } else if (anon_page_here(a->page)) {
            err = -ENOMEM;
        }
        spin_unlock(&a->lock);
    }
    spin_unlock(&l->lock);
    mm_count_n(v->vm_mm, MM_LUNSHARE, cloned);
    return err;
}

/* Page INDEX of OBJ, brought in if need be.  => may sleep */
static int
take_shared(struct mm_struct *mm, struct vm_object *obj, uint64_t index,
            bool write, struct pinned *p)
{
    struct page *page;
    char *data;
    int err;

    if (write && obj->ops->page_out != NULL)
        return -EOPNOTSUPP;
    err = object_page(obj, index, &page, &data);
    if (err != 0)
        return err == -ENODATA ? -EFAULT : err;
    if (page == NULL)
        return -EFAULT;
    page_lock(page);
    if (!object_owns(obj, page))
        err = -EAGAIN; /* it was cut off just now */
    else if (page->pins == UINT16_MAX)
        err = -ENOMEM;
    if (err == 0) {
        if (write)
            object_set_dirty(obj, page);
        count_pin(mm, page, 1);
        *p = (struct pinned){.page = page};
    }
    page_unlock(page);
    if (err != 0)
        page_put(page);
    return err;
}

static bool
allows(const struct vma_struct *v, bool write)
{
    return (v->vm_flags & (write ? VM_WRITE : VM_READ)) != 0 &&
           (v->vm_flags & VM_PFNMAP) == 0;
}

/* The next page of PIN is the one at VA.  -EAGAIN: a fault first.  *OBJ, *INDEX:
 * look there, with a reference. */
static int
take_inside(struct pin *pin, uintptr_t va, struct vm_object **obj,
            uint64_t *index)
{
    struct vma_struct *v = find_vma(pin->mm, va);
    int err;

    if (v == NULL || v->vm_start > va) /* a stack may grow */
        return -EAGAIN;
    if (!allows(v, pin->write))
        return -EFAULT;
    if (v->vm_flags & VM_SHARED) {
        object_get(v->vm_object);
        *obj = v->vm_object;
        *index = vma_object_index(v, va);
        return 0;
    }
    err = take_private(v, va, &pin->of[pin->n]);
    pin->n += err == 0;
    return err;
}

static int
take(struct pin *pin, uintptr_t va)
{
    struct vm_object *obj = NULL;
    uint64_t index;
    int err;

    race_point("pin");
    gate_enter(&pin->mm->gate);
    err = take_inside(pin, va, &obj, &index);
    gate_leave(&pin->mm->gate);
    if (obj == NULL)
        return err;
    do
        err = take_shared(pin->mm, obj, index, pin->write, &pin->of[pin->n]);
    while (err == -EAGAIN);
    object_put(obj);
    if (err == 0) { /* who copies the space looks at N, but not at this page */
        gate_enter(&pin->mm->gate);
        pin->n++;
        gate_leave(&pin->mm->gate);
    }
    return err;
}

static int
pin_one(struct pin *pin, uintptr_t va)
{
    unsigned code = pin->write ? FAULT_WRITE : FAULT_READ | FAULT_UNSHARE;
    unsigned result;
    int err;

    while ((err = take(pin, va)) == -EAGAIN) {
        result = do_pgfault(pin->mm, code, va);
        if (result & VM_FAULT_ERROR)
            return result & VM_FAULT_OOM ? -ENOMEM : -EFAULT;
    }
    return err;
}

/* --- a range --- */

static struct pin *
pin_create(struct mm_struct *mm, size_t npages, bool write)
{
    struct pin *pin = kmalloc(sizeof(*pin) + npages * sizeof(pin->of[0]));

    if (pin == NULL)
        return NULL;
    *pin = (struct pin){.mm = mm, .write = write};
    mm_get(mm);
    spin_lock(&lock);
    list_add_tail(&pins, &pin->link);
    spin_unlock(&lock);
    return pin;
}

int
pin_range(struct mm_struct *mm, uintptr_t addr, size_t len, bool write,
          struct pin **pin)
{
    size_t npages = (PAGE_UP((addr & PAGE_MASK) + len)) >> PAGE_SHIFT;
    struct pin *made;
    int err = 0;

    if (len == 0 || len > PIN_PAGES_MAX * PAGE_SIZE || npages > PIN_PAGES_MAX)
        return -EINVAL;
    if (addr >= user_end() || len > user_end() - addr)
        return -EFAULT;
    made = pin_create(mm, npages, write);
    if (made == NULL)
        return -ENOMEM;
    for (addr = PAGE_DOWN(addr); made->n < npages && err == 0;
         addr += PAGE_SIZE)
        err = pin_one(made, addr);
    if (err != 0)
        pin_release(made);
    else
        *pin = made;
    return err;
}

void
pin_release(struct pin *pin)
{
    struct mm_struct *mm = pin->mm;

    gate_enter(&mm->gate);
    spin_lock(&lock);
    list_del(&pin->link);
    spin_unlock(&lock);
    for (unsigned i = 0; i < pin->n; i++)
        count_pin(mm, pin->of[i].page, -1);
    gate_leave(&mm->gate);
    for (unsigned i = 0; i < pin->n; i++)
        page_put(pin->of[i].page);
    kfree(pin);
    mm_put(mm);
}

/* --- copies of a space --- */

/* The first pin of MM behind PIN, or of all (NULL).  => MM's gate closed, so that
 * what is returned stays in the list */
static struct pin *
pin_next(struct mm_struct *mm, struct pin *pin)
{
    struct pin *found = NULL;
    struct list *n;

    spin_lock(&lock);
    n = pin == NULL ? pins.next : pin->link.next;
    for (; n != &pins && found == NULL; n = n->next) {
        found = list_entry(n, struct pin, link);
        if (found->mm != mm)
            found = NULL;
    }
    spin_unlock(&lock);
    return found;
}

/* A copy of the page that layer L has at INDEX, if that is pinned; NULL: it is
 * not, or *ERR is -ENOMEM. */
static struct page *
copy_of(struct layer *l, uint64_t index, int *err)
{
    struct page *fresh = alloc_pages(0);
    struct anon *a;
    bool pinned = false;

    spin_lock(&l->lock);
    a = layer_find(l, index);
    if (a != NULL) {
        spin_lock(&a->lock);
        pinned = a->page != NULL && a->page->pins != 0;
        if (pinned && fresh != NULL)
            page_copy(page_to_va(fresh), page_to_va(a->page));
        spin_unlock(&a->lock);
    }
    spin_unlock(&l->lock);
    if (pinned && fresh != NULL) {
        fresh->flags |= PG_UPTODATE | PG_DIRTY;
        return fresh;
    }
    *err = pinned ? -ENOMEM : 0;
    if (fresh != NULL)
        page_put(fresh);
    return NULL;
}

/* The child's layer L gets a page of its own at INDEX, where it shows its
 * parent's.  The parent's path is exclusive again afterwards. */
static int
give_copy(struct layer *l, uint64_t index)
{
    struct anon **slot, *a, *old;
    unsigned cloned = 0;
    int err = 0;
    struct page *fresh = copy_of(l, index, &err);

    if (fresh == NULL)
        return err;
    a = anon_new(fresh, l->epoch);
    if (a == NULL) {
        page_put(fresh);
        return -ENOMEM;
    }
    spin_lock(&l->lock);
    slot = layer_slot(l, index, &cloned);
    old = slot == NULL ? a : *slot;
    if (slot != NULL) {
        anon_own(a, fresh);
        atomic_store(slot, a);
    }
    spin_unlock(&l->lock);
    anon_put(old); /* of the child nobody has an entry yet */
    return slot == NULL ? -ENOMEM : 0;
}

/* The copy of the layer that shows P in one of MM's areas; NULL: none does. */
static struct layer *
twin_of(struct mm_struct *mm, const struct pinned *p)
{
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (p->layer != NULL && v->layer == p->layer &&
            p->index - v->lpgoff < vma_pages(v))
            return v->layer->twin;
    }
    return NULL;
}

int
pin_copy(struct mm_struct *mm)
{
    for (struct pin *pin = NULL; (pin = pin_next(mm, pin)) != NULL;) {
        for (unsigned i = 0; i < pin->n; i++) {
            struct layer *l = twin_of(mm, &pin->of[i]);
            int err = l == NULL ? 0 : give_copy(l, pin->of[i].index);

            if (err != 0)
                return err;
        }
    }
    return 0;
}

/* --- the check --- */

static unsigned
times_pinned(const struct page *page)
{
    unsigned times = 0;

    list_for_each_entry (p, &pins, struct pin, link) {
        for (unsigned i = 0; i < p->n; i++)
            times += p->of[i].page == page;
    }
    return times;
}

/* Every page in a pin counts how many have it.  => nobody is at work */
static void
check_pins(struct check *c)
{
    spin_lock(&lock);
    list_for_each_entry (p, &pins, struct pin, link) {
        for (unsigned i = 0; i < p->n; i++) {
            struct page *page = p->of[i].page;
            unsigned times = times_pinned(page);

            if (page->pins != times || page->ref < (int32_t)times)
                c->complain(c, "page %#lx is pinned %u times, counted %u",
                            page_to_pfn(page), times, page->pins);
        }
    }
    spin_unlock(&lock);
}

static const struct mmcheck_part part = {.world = check_pins};
TABLE_ADD(mmcheck, part);
