/* test_vmm.c: address spaces against a model that is too simple to be wrong:
 * an array that says, page by page, what should be there.
 *
 * After a call the space must show what the array shows (is the page mapped,
 * with which rights, which page of which object, which private page), no entry
 * may show anything else, and the structure must be sound: the order of the
 * list, the tree with heights and gaps, the counts, the references, and that
 * neighbours which are one area are one.  What lies below the areas is in
 * mm_fake.h. */
#include "shim.h"

#include <avl.h>

/* Each step in the tree looks at one area. */
static unsigned long steps;
#undef avl_entry
#define avl_entry(node, type, member) \
    (steps++, container_of(node, type, member))

#include "mm_fake.h"

#include "kern/ext/mm/failpoint.c"
#include "kern/ext/mm/madvise.c"
#include "kern/ext/mm/mincore.c"
#include "kern/ext/mm/mlock.c"
#include "kern/ext/mm/mremap.c"
#include "kern/mm/brk.c"
#include "kern/mm/mm_struct.c"
#include "kern/mm/mmap.c"
#include "kern/mm/range.c"
#include "kern/mm/vmm.c"

/* No space here has a quota. */
void
swap_scope_end(struct mm_struct *mm)
{
    assert(mm->scope == NULL);
}
#include "libs/avl.c"

#define PG  PAGE_SIZE
#define RW  (VM_READ | VM_WRITE)
#define FIX (MAP_PRIVATE | MAP_FIXED)

static bool fast;

/* --- the world and its model ------------------------------------------------ */

struct want {
    bool mapped;
    uint32_t flags;
    struct vm_object *object;
    uint64_t index;
    struct anon *anon;
};

static struct want want[FAKE_PAGES];
static unsigned npages; /* the window: [fake_base, fake_base + npages) */
static struct mm_struct *mm;
static struct vm_object file, device;
static uint64_t seq_before, writes_before;

static uintptr_t
at(unsigned i)
{
    return fake_base + i * PG;
}

/* A space in which only the window is free, right below MMAP_TOP. */
static bool
world(unsigned pages)
{
    npages = pages;
    fake_base = MMAP_TOP - npages * PG;
    fake_reset();
    memset(want, 0, sizeof(want));
    memset(fake_ptes, 0, sizeof(fake_ptes));
    object_init(&file, &fake_file_ops, 1ul << 40, NULL);
    object_init(&device, &fake_device_ops, 1ul << 40, NULL);
    mm = mm_create();
    EXPECT(mm != NULL);
    EXPECT(do_mmap(mm, MMAP_MIN, fake_base - MMAP_MIN, 0,
                   MAP_SHARED | MAP_FIXED, &device, 0) == (long)MMAP_MIN);
    seq_before = mm->seq;
    writes_before = fake_writes;
    return true;
}

static bool
world_end(void)
{
    mm_put_user(mm);
    EXPECT(fake_wrong == NULL);
    EXPECT(fake_live() == 0 && fake_anons == 0 && fake_layers == NULL);
    EXPECT(fake_objects == 0 && file.refs == 1 && device.refs == 1);
    return true;
}

/* --- is it sound? -------------------------------------------------------------- */

/* V, or the one behind it if it is loose. */
static struct vma_struct *
next_in_tree(struct vma_struct *v)
{
    return v != NULL && v == mm->loose ? vma_next(v) : v;
}

static bool
tree_sound(struct avl_node *n, struct vma_struct **next, int *height,
           uintptr_t *gap)
{
    int hl, hr;
    uintptr_t gl, gr;

    *height = 0;
    *gap = 0;
    if (n == NULL)
        return true;
    if (!tree_sound(n->left, next, &hl, &gl))
        return false;
    EXPECT(*next != NULL && &(*next)->node == n);
    *next = next_in_tree(vma_next(*next));
    if (!tree_sound(n->right, next, &hr, &gr))
        return false;
    EXPECT(hl - hr <= 1 && hr - hl <= 1);
    *height = MAX(hl, hr) + 1;
    *gap = MAX(n->own, MAX(gl, gr));
    EXPECT(n->height == *height && n->most == *gap);
    return true;
}

/* Two areas that nothing tells apart must not be two. */
static bool
same_area(struct vma_struct *a, struct vma_struct *b)
{
    uint64_t n = vma_pages(a);

    return n + vma_pages(b) <= AREA_PAGES_MAX && a->vm_end == b->vm_start &&
           a->vm_flags == b->vm_flags && a->vm_object == b->vm_object &&
           a->layer == b->layer &&
           (a->vm_object == NULL || a->vm_pgoff + n == b->vm_pgoff) &&
           (a->layer == NULL || a->lpgoff + n == b->lpgoff);
}

static bool
list_sound(void)
{
    struct vma_struct *prev = NULL;
    uintptr_t lo = MMAP_MIN; /* the end of the one before in the tree */
    uint64_t locked = 0;
    int n = 0;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        uintptr_t hi = v->vm_start;

        EXPECT(v->vm_mm == mm && v->vm_start < v->vm_end);
        EXPECT(((v->vm_start | v->vm_end) & PAGE_MASK) == 0);
        EXPECT(prev == NULL ? MMAP_MIN <= hi : prev->vm_end <= hi);
        EXPECT(v->vm_end <= user_end());
        EXPECT(prev == NULL || !same_area(prev, v));
        if (v->vm_flags & VM_GROWSDOWN)
            hi -= MIN(hi, STACK_GAP);
        if (v != mm->loose)
            EXPECT(v->node.own == (hi > lo ? hi - lo : 0));
        EXPECT(v->lpgoff + vma_pages(v) <= LAYER_INDEXES);
        locked += v->vm_flags & VM_LOCKED ? vma_pages(v) : 0;
        prev = v;
        lo = v == mm->loose ? lo : v->vm_end;
        n++;
    }
    EXPECT(mm->map_count == n && mm->locked_pages == locked);
    EXPECT(n <= MAP_COUNT_MAX && list_empty(&mm->dead));
    return true;
}

static bool
sound(void)
{
    struct vma_struct *next;
    int height;
    uintptr_t gap;

    EXPECT(fake_wrong == NULL);
    EXPECT(mm->seq - seq_before == fake_writes - writes_before);
    EXPECT(mm->gate.closed == 0 && fake_readers == 0);
    if (!list_sound())
        return false;
    next = next_in_tree(area_at(mm, mm->mmap_list.next));
    return tree_sound(mm->tree.root, &next, &height, &gap) && next == NULL;
}

/* Does another area show one of V's indexes of its layer? */
static bool
shown_twice(struct vma_struct *v)
{
    list_for_each_entry (u, &mm->mmap_list, struct vma_struct, list_link) {
        if (u != v && u->layer == v->layer &&
            u->lpgoff < v->lpgoff + vma_pages(v) &&
            v->lpgoff < u->lpgoff + vma_pages(u))
            return true;
    }
    return false;
}

/* References, and that layers hold nothing nobody shows. */
static bool
counts_sound(void)
{
    size_t anons = 0;
    int32_t refs = 1;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        refs += v->vm_object == &file;
        if (v->layer == NULL)
            continue;
        EXPECT(!shown_twice(v));
        for (uint64_t i = 0; i < vma_pages(v); i++)
            anons += layer_find(v->layer, v->lpgoff + i) != NULL;
    }
    EXPECT(anons == fake_anons && refs == file.refs);
    for (struct fake_layer *f = fake_layers; f != NULL; f = f->next) {
        int32_t areas = 0;

        list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link)
            areas += v->layer == &f->l;
        EXPECT(areas == f->l.refs);
    }
    refs = 1;
    list_for_each (n, &file.areas)
        refs++;
    EXPECT(refs == file.refs);
    return true;
}

/* Does page I of the space, area V (or NULL), show what the model says? */
static bool
page_agrees(unsigned i, struct vma_struct *v)
{
    const struct want *w = &want[i];
    const struct fake_pte *e = &fake_ptes[i];
    struct anon *anon = NULL;

    EXPECT(w->mapped == (v != NULL));
    if (v == NULL) {
        EXPECT(!e->present);
        return true;
    }
    EXPECT(w->flags == v->vm_flags && w->object == v->vm_object);
    EXPECT(w->object == NULL || w->index == vma_object_index(v, at(i)));
    if (v->layer != NULL)
        anon = layer_find(v->layer, vma_layer_index(v, at(i)));
    EXPECT(w->anon == anon);
    if (!e->present)
        return true;
    EXPECT((e->rights & ~v->vm_flags & (VM_WRITE | VM_EXEC)) == 0);
    EXPECT(v->vm_flags & VM_RWX);
    EXPECT(e->anon == anon);
    EXPECT(e->object == w->object &&
           (w->object == NULL || e->index == w->index));
    return true;
}

static bool
agrees(void)
{
    struct vma_struct *v = NULL;

    if (!sound())
        return false;
    gate_close(&mm->gate); /* the way of a writer: no cache */
    v = find_vma(mm, at(0));
    gate_open(&mm->gate);
    writes_before++;
    for (unsigned i = 0; i < npages; i++) {
        while (v != NULL && v->vm_end <= at(i))
            v = vma_next(v);
        if (!page_agrees(i, v != NULL && v->vm_start <= at(i) ? v : NULL)) {
            printf("  page %u\n", i);
            return false;
        }
    }
    return true;
}

/* --- the model's calls ------------------------------------------------------------ */

static void
model_map(unsigned i, unsigned n, uint32_t flags, struct vm_object *object,
          uint64_t index)
{
    for (unsigned k = 0; k < n; k++)
        want[i + k] = (struct want){true, flags, object,
                                    object == NULL ? 0 : index + k, NULL};
}

static void
model_unmap(unsigned i, unsigned n)
{
    memset(&want[i], 0, n * sizeof(*want));
}

static int
model_protect(unsigned i, unsigned n, uint32_t prot)
{
    for (unsigned k = i; k < i + n; k++) {
        if (!want[k].mapped)
            return -ENOMEM;
        if ((prot & VM_WRITE) && (want[k].flags & VM_MAYWRITE) == 0)
            return -EACCES;
        want[k].flags = (want[k].flags & ~VM_RWX) | prot;
    }
    return 0;
}

static bool
model_any(unsigned i, unsigned n)
{
    for (unsigned k = i; k < i + n; k++)
        if (want[k].mapped)
            return true;
    return false;
}

/* The first page of the highest free run of N, or -1. */
static int
model_gap(unsigned n)
{
    for (int i = (int)(npages - n); i >= 0; i--)
        if (!model_any((unsigned)i, n))
            return i;
    return -1;
}

/* Touch page I as the fault path would. */
static bool
touch(unsigned i, uint32_t access)
{
    int err = fake_touch(mm, at(i), access);
    struct want *w = &want[i];
    struct vma_struct *v;

    if (!w->mapped || (w->flags & access) != access) {
        EXPECT(err == (w->mapped ? -EACCES : -EFAULT));
        return true;
    }
    EXPECT(err == 0);
    if (access == VM_WRITE && w->anon == NULL && (w->flags & VM_SHARED) == 0) {
        gate_enter(&mm->gate);
        v = find_vma(mm, at(i));
        gate_leave(&mm->gate);
        w->anon = layer_find(v->layer, vma_layer_index(v, at(i)));
    }
    return true;
}

/* --- every short sequence ------------------------------------------------------------ */

#define SMALL  6
#define RANGES (SMALL * (SMALL + 1) / 2)
#define OPS    (3 * RANGES)

static bool
small_op(unsigned op)
{
    unsigned range = op % RANGES, i = 0, n;

    while (range >= SMALL - i)
        range -= SMALL - i++;
    n = range + 1;
    switch (op / RANGES) {
    case 0:
        EXPECT(do_mmap(mm, at(i), n * PG, RW, FIX, NULL, 0) == (long)at(i));
        model_map(i, n, RW | VM_MAYWRITE, NULL, 0);
        return true;
    case 1:
        EXPECT(do_munmap(mm, at(i), n * PG) == 0);
        model_unmap(i, n);
        return true;
    default:
        EXPECT(do_mprotect(mm, at(i), n * PG, VM_READ) ==
               model_protect(i, n, VM_READ));
        return true;
    }
}

/* Write where it is allowed, if HOW says so, in every page or every other. */
static bool
small_touch(unsigned how)
{
    for (unsigned i = 0; how != 0 && i < SMALL; i += how)
        if (!touch(i, VM_WRITE))
            return false;
    return true;
}

static bool
small_play(unsigned sequence, unsigned how)
{
    for (unsigned k = 0; k < 3; k++, sequence /= OPS) {
        if (!small_op(sequence % OPS) || !small_touch(how))
            return false;
    }
    if (!agrees())
        return false;
    EXPECT(do_munmap(mm, at(0), SMALL * PG) == 0);
    model_unmap(0, SMALL);
    EXPECT(fake_anons == 0 && mm->map_count == 1);
    return true;
}

static bool
test_every_sequence_of_3(void)
{
    unsigned long played = 0;

    EXPECT(world(SMALL));
    for (unsigned how = 0; how < 3; how++) {
        for (unsigned s = 0; s < OPS * OPS * OPS; s += fast ? 17 : 1) {
            if (!small_play(s, how)) {
                printf("  sequence %u, touch %u\n", s, how);
                return false;
            }
            played++;
        }
    }
    printf("# %lu sequences\n", played);
    return world_end();
}

/* --- long random runs ------------------------------------------------------------------ */

static uint64_t seed;
static unsigned long done[16], refused, injected;

static unsigned
pick(unsigned n)
{
    return (unsigned)(shim_random(&seed) % n);
}

static void
pick_range(unsigned *i, unsigned *n)
{
    unsigned most = pick(8) == 0 ? npages : 12;

    *i = pick(npages);
    *n = 1 + pick(MIN(npages - *i, most));
}

/* The call said RESULT, an injected failure may be why.  Returns true if so:
 * then it must have said -ENOMEM, and nothing may have changed. */
static bool
injection_hit(long result, bool armed, bool *ok)
{
    bool hit = armed && fail_left(FAIL_ANY) == 0;

    fail_set("any", 0);
    injected += hit;
    *ok = !hit || result == -ENOMEM;
    return hit;
}

struct kind {
    uint32_t prot, flags, vm;
    struct vm_object *object;
};

static const struct kind kinds[] = {
    {RW, MAP_PRIVATE, VM_MAYWRITE, NULL},
    {RW, MAP_PRIVATE, VM_MAYWRITE, NULL},
    {VM_READ, MAP_PRIVATE, VM_MAYWRITE, NULL},
    {0, MAP_PRIVATE | MAP_NORESERVE, VM_MAYWRITE, NULL},
    {RW, MAP_SHARED, VM_MAYWRITE | VM_SHARED, NULL},
    {RW | VM_EXEC, MAP_PRIVATE | 0x800 | 0x20000, VM_MAYWRITE, &file},
    {RW, MAP_PRIVATE, VM_MAYWRITE, &file},
    {RW, MAP_SHARED, VM_MAYWRITE | VM_SHARED, &file},
    {VM_READ, MAP_SHARED_VALIDATE | MAP_READONLY, VM_SHARED, &file},
};

static bool
random_map(bool armed)
{
    const struct kind *k = &kinds[pick(ARRAY_LEN(kinds))];
    unsigned i, n, how = pick(4);
    uint64_t index = k->object == NULL ? 0 : pick(4) == 0 ? pick(1000) : 0;
    uint32_t flags = k->flags | (how < 2    ? MAP_FIXED
                                 : how == 2 ? MAP_FIXED_NOREPLACE
                                            : 0);
    long r, place;
    bool ok;

    pick_range(&i, &n);
    if (k->object != NULL && index == 0)
        index = 5000 + i; /* goes on where a neighbour ends */
    place = (long)at(i);
    if (how == 2 && model_any(i, n))
        place = -EEXIST;
    if (how == 3 && model_any(i, n))
        place = model_gap(n) < 0 ? -ENOMEM : (long)at((unsigned)model_gap(n));
    r = do_mmap(mm, at(i), n * PG - pick(2), k->prot, flags, k->object,
                index * PG);
    if (injection_hit(r, armed, &ok) || !ok)
        return ok;
    EXPECT(r == place);
    if (r < 0) {
        refused++;
        return true;
    }
    model_map((unsigned)(((uintptr_t)r - fake_base) / PG), n, k->prot | k->vm,
              k->object == NULL && (k->flags & MAP_SHARED) ? fake_shared_last
                                                           : k->object,
              index);
    return true;
}

static bool
random_unmap(bool armed)
{
    unsigned i, n;
    int r;
    bool ok;

    pick_range(&i, &n);
    r = do_munmap(mm, at(i), n * PG);
    if (injection_hit(r, armed, &ok) || !ok)
        return ok;
    EXPECT(r == 0);
    model_unmap(i, n);
    return true;
}

static bool
random_protect(bool armed)
{
    static const uint32_t prots[] = {0,  VM_READ,           RW,
                                     RW, VM_READ | VM_EXEC, VM_WRITE};
    uint32_t prot = prots[pick(ARRAY_LEN(prots))];
    unsigned i, n;
    int r;
    bool ok;

    pick_range(&i, &n);
    r = do_mprotect(mm, at(i), n * PG, prot);
    if (injection_hit(r, armed, &ok) || !ok)
        return ok;
    EXPECT(r == model_protect(i, n, prot));
    refused += r != 0;
    return true;
}

static bool
random_touch(bool armed)
{
    unsigned i, n;

    (void)armed;
    fail_set("any", 0);
    pick_range(&i, &n);
    for (unsigned k = i; k < i + n; k++)
        if (!touch(k, pick(3) == 0 ? VM_READ : VM_WRITE))
            return false;
    return true;
}

/* What madvise(DONTNEED) and the like do, and say. */
static int
model_advise(unsigned i, unsigned n, int advice)
{
    int err = 0;

    for (unsigned k = i; k < i + n; k++) {
        struct want *w = &want[k];

        if (!w->mapped) {
            err = -ENOMEM;
            continue;
        }
        if (advice == MADV_FREE &&
            (w->object != NULL || (w->flags & VM_LOCKED)))
            return -EINVAL;
        if (advice == MADV_DONTNEED && (w->flags & VM_LOCKED))
            return -EINVAL;
        if (advice == MADV_FREE || advice == MADV_DONTNEED)
            w->anon = NULL;
        for (unsigned r = 0; r < ARRAY_LEN(remembered); r++)
            if (remembered[r].advice == advice)
                w->flags =
                    (w->flags & ~remembered[r].clear) | remembered[r].set;
    }
    return err;
}

static bool
random_advise(bool armed)
{
    static const int advices[] = {MADV_DONTNEED, MADV_DONTNEED,   MADV_FREE,
                                  MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTFORK,
                                  MADV_DOFORK,   MADV_WILLNEED};
    int advice = advices[pick(ARRAY_LEN(advices))], r;
    unsigned i, n;
    bool ok;

    pick_range(&i, &n);
    r = do_madvise(mm, at(i), n * PG, advice);
    if (injection_hit(r, armed, &ok) || !ok)
        return ok;
    EXPECT(r == model_advise(i, n, advice));
    return true;
}

static bool
random_lock(bool armed)
{
    bool on = pick(3) == 0, hole = false, ok;
    unsigned i, n;
    int r;

    pick_range(&i, &n);
    r = on ? do_mlock(mm, at(i) + 5, n * PG - 5, MLOCK_ONFAULT)
           : do_munlock(mm, at(i), n * PG);
    if (injection_hit(r, armed, &ok) || !ok)
        return ok;
    for (unsigned k = i; k < i + n && !hole; k++) {
        hole = !want[k].mapped;
        if (!hole)
            want[k].flags = (want[k].flags & ~VM_LOCKED) | (on ? VM_LOCKED : 0);
    }
    EXPECT(r == (hole ? -ENOMEM : 0));
    return true;
}

/* Do the pages [I, I + N) belong to one area? */
static bool
one_area(unsigned i, unsigned n)
{
    bool one;

    gate_close(&mm->gate);
    one = areas_reach(mm, at(i), at(i) + 1, 0) != at(i) &&
          find_vma(mm, at(i))->vm_end >= at(i + n);
    gate_open(&mm->gate);
    writes_before++;
    return one;
}

static bool
ends_at(unsigned i)
{
    bool ends;

    gate_close(&mm->gate);
    ends = find_vma(mm, at(i) - 1)->vm_end == at(i);
    gate_open(&mm->gate);
    writes_before++;
    return ends;
}

/* What mremap() must say, by its manual; for a move the place. */
static long
model_remap_result(unsigned i, unsigned old, unsigned new, uint32_t flags,
                   unsigned to)
{
    bool plain = (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0;
    int gap;

    if (flags != 0 && (flags & MREMAP_MAYMOVE) == 0)
        return -EINVAL;
    if ((flags & MREMAP_DONTUNMAP) && old != new)
        return -EINVAL;
    if (!plain && to < i + old && i < to + new)
        return -EINVAL;
    if (plain && new <= old && want[i].mapped)
        return (long)at(i);
    if (!one_area(i, old))
        return -EFAULT;
    if (plain && ends_at(i + old) && i + new <= npages &&
        !model_any(i + old, new - old))
        return (long)at(i);
    if ((flags & MREMAP_MAYMOVE) == 0)
        return -ENOMEM;
    if (flags & MREMAP_FIXED)
        return (long)at(to);
    if ((flags & MREMAP_DONTUNMAP) && !model_any(to, new))
        return (long)at(to);
    gap = new > npages ? -1 : model_gap(new);
    return gap < 0 ? -ENOMEM : (long)at((unsigned)gap);
}

static void
model_remap(unsigned i, unsigned old, unsigned new, uint32_t flags, unsigned to)
{
    struct want saved[FAKE_PAGES];
    unsigned keep = MIN(old, new);

    memcpy(saved, &want[i], old * sizeof(*want));
    if (to != i)
        model_unmap(to, new);
    if (flags & MREMAP_DONTUNMAP) {
        for (unsigned k = 0; k < old; k++)
            want[i + k].anon = NULL;
    } else {
        model_unmap(i, old);
    }
    memcpy(&want[to], saved, keep * sizeof(*want));
    for (unsigned k = keep; k < new; k++) {
        want[to + k] = saved[0];
        want[to + k].index += saved[0].object == NULL ? 0 : k;
        want[to + k].anon = NULL;
    }
}

/* Page K is locked, so it was faulted in again, as far as it may. */
static bool
populated(unsigned k)
{
    struct want *w = &want[k];
    struct vma_struct *v;

    EXPECT(fake_ptes[k].present);
    if (w->anon == NULL && (w->flags & VM_WRITE) &&
        (w->flags & VM_SHARED) == 0) {
        gate_enter(&mm->gate);
        v = find_vma(mm, at(k));
        gate_leave(&mm->gate);
        w->anon = layer_find(v->layer, vma_layer_index(v, at(k)));
    }
    return true;
}

static bool
random_remap(bool armed)
{
    static const uint32_t modes[] = {
        0,
        MREMAP_MAYMOVE,
        MREMAP_MAYMOVE,
        MREMAP_MAYMOVE | MREMAP_FIXED,
        MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
        MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
        MREMAP_FIXED,
    };
    uint32_t flags = modes[pick(ARRAY_LEN(modes))];
    unsigned i, old, new, to;
    long r, expected;
    bool ok;

    pick_range(&i, &old);
    new = flags &MREMAP_DONTUNMAP &&pick(8) != 0 ? old : 1 + pick(20);
    new = MIN(new, npages);
    to = pick(npages - new + 1);
    if (want[i].flags & VM_LOCKED) { /* faults may fail, the call does not */
        fail_set("any", 0);
        armed = false;
    }
    expected = model_remap_result(i, old, new, flags, to);
    r = do_mremap(mm, at(i), old * PG, new *PG - pick(2), flags, at(to));
    if (injection_hit(r, armed, &ok) || !ok)
        return ok;
    EXPECT(r == expected);
    if (r < 0) {
        refused++;
        return true;
    }
    to = (unsigned)(((uintptr_t)r - fake_base) / PG);
    model_remap(i, old, new, flags, to);
    if ((want[to].flags & VM_LOCKED) == 0)
        return true;
    for (unsigned k = to; k < to + new && (want[k].flags & VM_RWX); k++)
        if (!populated(k)) /* up to a hole */
            return false;
    return true;
}

static bool
random_brk(bool armed)
{
    unsigned from = (unsigned)((PAGE_UP(mm->brk) - fake_base) / PG);
    unsigned to = pick(40);
    uintptr_t addr = at(to) - pick(2), old = mm->brk, r = do_brk(mm, addr);
    bool ok, hit = injection_hit(-ENOMEM, armed, &ok);

    if (addr < mm->brk_start || (to > from && model_any(from, to - from)))
        hit = true;
    EXPECT(r == mm->brk && (hit ? r == old || PAGE_UP(r) == PAGE_UP(old)
                                : PAGE_UP(r) == at(to)));
    if (hit)
        return true;
    if (to > from)
        model_map(from, to - from, RW | VM_MAYWRITE, NULL, 0);
    else
        model_unmap(to, from - to);
    return true;
}

/* A relative shares every layer from now on. */
static bool
random_fork(bool armed)
{
    (void)armed;
    fail_set("any", 0);
    for (struct fake_layer *f = fake_layers; f != NULL; f = f->next)
        fake_share(&f->l);
    return true;
}

static bool (*const random_ops[])(bool armed) = {
    random_map,   random_map,   random_map,     random_unmap, random_protect,
    random_touch, random_touch, random_touch,   random_lock,  random_advise,
    random_remap, random_brk,   random_protect, random_fork,
};

static bool
random_run(uint64_t start, unsigned long ops)
{
    seed = start;
    EXPECT(world(96 + (unsigned)(start % 3) * 64));
    EXPECT(do_mmap(mm, MMAP_TOP, user_end() - MMAP_TOP, 0,
                   MAP_SHARED | MAP_FIXED, &device, 0) == (long)MMAP_TOP);
    mm->brk_start = mm->brk = at(2);
    for (unsigned long k = 0; k < ops; k++) {
        unsigned op = pick(ARRAY_LEN(random_ops));
        bool armed = pick(6) == 0;

        if (armed)
            fail_set("any", 1 + pick(6));
        done[op]++;
        if (!random_ops[op](armed) || !agrees() ||
            (k % 64 == 0 && !counts_sound())) {
            printf("  seed %lu, call %lu, kind %u\n", start, k, op);
            return false;
        }
    }
    return world_end();
}

static bool
test_random(void)
{
    unsigned long n = fast ? 10000 : 100000;

    for (uint64_t s = 1; s <= 8; s++)
        if (!random_run(s * 7919, n))
            return false;
    printf("# 8 seeds of %lu calls, %lu refused, %lu failures injected\n", n,
           refused, injected);
    return true;
}

/* --- every allocation fails once --------------------------------------------------------- */

/* Everything that a user, or the next call, could tell. */
struct dump {
    char text[8192];
    size_t n;
};

static void
dump_space(struct dump *d)
{
    d->n = (size_t)snprintf(d->text, sizeof(d->text), "%d %lx %lx %lu\n",
                            mm->map_count, mm->brk_start, mm->brk,
                            mm->locked_pages);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        d->n += (size_t)snprintf(d->text + d->n, sizeof(d->text) - d->n,
                                 "%p %lx-%lx %x %p %lu %p %lu", (void *)v,
                                 v->vm_start, v->vm_end, v->vm_flags,
                                 (void *)v->vm_object, v->vm_pgoff,
                                 (void *)v->layer, v->lpgoff);
        for (uint64_t i = 0; v->layer != NULL && i < vma_pages(v); i++)
            d->n +=
                (size_t)snprintf(d->text + d->n, sizeof(d->text) - d->n, " %p",
                                 (void *)layer_find(v->layer, v->lpgoff + i));
        d->n += (size_t)snprintf(d->text + d->n, sizeof(d->text) - d->n, "\n");
    }
}

static long
sweep_map_over(void)
{
    return do_mmap(mm, at(3), 20 * PG, RW, FIX, &file, 0);
}

static long
sweep_map_shared(void)
{
    return do_mmap(mm, at(3), 20 * PG, RW, MAP_SHARED | MAP_FIXED, NULL, 0);
}

static long
sweep_unmap_middle(void)
{
    return do_munmap(mm, at(2), 2 * PG);
}

static long
sweep_unmap_many(void)
{
    return do_munmap(mm, at(2), 17 * PG);
}

static long
sweep_protect(void)
{
    return do_mprotect(mm, at(2), 17 * PG, VM_READ);
}

static long
sweep_dontneed(void)
{
    return do_madvise(mm, at(1), 18 * PG, MADV_DONTNEED);
}

static long
sweep_huge(void)
{
    return do_madvise(mm, at(1), 18 * PG, MADV_HUGEPAGE);
}

static long
sweep_lock(void)
{
    return do_mlock(mm, at(1), 18 * PG, MLOCK_ONFAULT);
}

static long
sweep_move_over(void)
{
    return do_mremap(mm, at(1), 4 * PG, 6 * PG, 3, at(10));
}

static long
sweep_move_shrink(void)
{
    return do_mremap(mm, at(1), 6 * PG, 3 * PG, 3, at(10));
}

static long
sweep_move_keep(void)
{
    return do_mremap(mm, at(9), 4 * PG, 4 * PG, 7, at(17));
}

static long
sweep_grow(void)
{
    return do_mremap(mm, at(20), 4 * PG, 8 * PG, 0, 0);
}

static long
sweep_brk_grow(void)
{
    return do_brk(mm, at(60)) == at(60) ? 0 : -ENOMEM;
}

static long
sweep_brk_shrink(void)
{
    return do_brk(mm, at(42)) == at(42) ? 0 : -ENOMEM;
}

static long
sweep_stack(void)
{
    return expand_stack(mm, MMAP_MIN + 900 * PG);
}

static const struct sweep {
    const char *name;
    long (*call)(void);
    unsigned least; /* allocations that can fail, at least */
} sweeps[] = {
    {"map over", sweep_map_over, 4},
    {"map shared", sweep_map_shared, 5},
    {"unmap middle", sweep_unmap_middle, 3},
    {"unmap many", sweep_unmap_many, 2},
    {"protect", sweep_protect, 4},
    {"dontneed", sweep_dontneed, 2},
    {"huge", sweep_huge, 4},
    {"lock", sweep_lock, 4},
    {"move over", sweep_move_over, 7},
    {"move, shorter", sweep_move_shrink, 8},
    {"move, keep", sweep_move_keep, 6},
    {"grow", sweep_grow, 2},
    {"brk grows", sweep_brk_grow, 2},
    {"brk shrinks", sweep_brk_shrink, 2},
    {"stack grows", sweep_stack, 2},
};

/* A space without the window: areas near MMAP_MIN. */
static bool
bare_world(void)
{
    EXPECT(world(8));
    EXPECT(do_munmap(mm, MMAP_MIN, fake_base - MMAP_MIN) == 0);
    EXPECT(mm->map_count == 0);
    return true;
}

static bool
stack_world(void)
{
    EXPECT(bare_world());
    EXPECT(do_mmap(mm, MMAP_MIN + 1000 * PG, 6 * PG, RW, FIX | MAP_GROWSDOWN,
                   NULL, 0) > 0);
    return true;
}

/* 0..7 and 8..15 have layers of their own that relatives share; 16..23 has one
 * that is its own; 40..49 is the heap. */
static bool
sweep_world(void)
{
    EXPECT(world(200));
    mm->brk_start = mm->brk = at(40);
    EXPECT(do_mmap(mm, at(0), 8 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(do_mmap(mm, at(8), 8 * PG, RW | VM_EXEC, FIX, NULL, 0) > 0);
    EXPECT(do_mmap(mm, at(16), 8 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(do_brk(mm, at(50)) == at(50));
    for (unsigned i = 0; i < 50; i++)
        if (i < 24 || i >= 40)
            EXPECT(fake_touch(mm, at(i), VM_WRITE) == 0);
    gate_close(&mm->gate);
    fake_share(find_vma(mm, at(0))->layer);
    fake_share(find_vma(mm, at(8))->layer);
    fake_share(find_vma(mm, at(40))->layer);
    gate_open(&mm->gate);
    writes_before++;
    return true;
}

static bool
sweep_one(const struct sweep *s)
{
    static struct dump before, after;
    unsigned failed = 0;

    for (uint64_t nth = 1;; nth++) {
        long r;
        bool hit;

        if (!(s->call == sweep_stack ? stack_world() : sweep_world()))
            return false;
        dump_space(&before);
        fail_set("any", nth);
        r = s->call();
        hit = fail_left(FAIL_ANY) == 0;
        fail_set("any", 0);
        dump_space(&after);
        EXPECT(sound() && counts_sound());
        EXPECT(hit ? r == -ENOMEM : r >= 0);
        EXPECT(!hit || strcmp(before.text, after.text) == 0);
        EXPECT(hit || strcmp(before.text, after.text) != 0);
        failed += hit;
        if (!world_end())
            return false;
        if (!hit)
            break;
    }
    printf("# %s: %u places to fail\n", s->name, failed);
    EXPECT(failed >= s->least);
    return true;
}

static bool
test_every_allocation_fails(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(sweeps); i++) {
        if (!sweep_one(&sweeps[i])) {
            printf("  in %s\n", sweeps[i].name);
            return false;
        }
    }
    return true;
}

static bool
test_create_fails(void)
{
    struct mm_struct *m;
    uint64_t n = 0;

    do {
        fail_set("any", ++n);
        m = mm_create();
    } while (m == NULL);
    fail_set("any", 0);
    mm_put_user(m);
    EXPECT(n == 5 && fake_live() == 0);
    return true;
}

/* --- gaps ------------------------------------------------------------------------------------ */

#define GAP_PAGES 3000

static uintptr_t
gap_by_search(const bool *usable, size_t pages, uintptr_t top)
{
    size_t run = 0, last = (top - MMAP_MIN) / PG;

    for (size_t i = MIN(last, (size_t)GAP_PAGES); i-- > 0;) {
        run = usable[i] ? run + 1 : 0;
        if (run == pages)
            return MMAP_MIN + i * PG;
    }
    return 0;
}

static void
mark_usable(bool *usable)
{
    uintptr_t lo = MMAP_MIN; /* a stack's gap ends at the area below it */

    memset(usable, true, GAP_PAGES);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        uintptr_t start = v->vm_start;

        if (v->vm_flags & VM_GROWSDOWN)
            start = MAX(lo, start - MIN(start, STACK_GAP));
        for (uintptr_t a = start; a < v->vm_end; a += PG)
            usable[(a - MMAP_MIN) / PG] = false;
        lo = v->vm_end;
    }
}

static bool
test_gaps(void)
{
    static bool usable[GAP_PAGES];
    unsigned asked = 0, none = 0;

    seed = 99;
    EXPECT(bare_world());
    for (unsigned round = 0; round < (fast ? 200 : 2000); round++) {
        unsigned i = pick(GAP_PAGES - 40), n = 1 + pick(40);
        uintptr_t a = MMAP_MIN + i * PG;

        if (pick(3) == 0)
            EXPECT(do_munmap(mm, a, n * PG) == 0);
        else
            EXPECT(do_mmap(mm, a, n * PG, RW,
                           FIX | (pick(12) == 0 ? MAP_GROWSDOWN : 0), NULL,
                           0) == (long)a);
        mark_usable(usable);
        for (unsigned q = 0; q < 20; q++) {
            size_t pages = 1 + pick(pick(2) ? 20 : 400);
            uintptr_t top = MMAP_MIN + pick(GAP_PAGES + 1) * PG, found;
            struct vma_struct *next;

            gate_close(&mm->gate);
            found = vma_find_gap(mm, pages * PG, top, &next);
            EXPECT(found == 0 || next == find_vma_walk(mm, found));
            gate_open(&mm->gate);
            writes_before++;
            EXPECT(found == gap_by_search(usable, pages, top));
            asked++;
            none += found == 0;
        }
        EXPECT(sound());
    }
    printf("# %u questions, %u without a gap\n", asked, none);
    return world_end();
}

/* --- steps ------------------------------------------------------------------------------------- */

/* The most steps of find_vma() and vma_find_gap() with N areas. */
static bool
most_steps(unsigned n, unsigned long *find, unsigned long *gap)
{
    struct vma_struct *v = NULL, *u;

    EXPECT(bare_world());
    gate_close(&mm->gate);
    for (unsigned i = 0; i < n; i++) {
        uintptr_t a = MMAP_MIN + (2ul * i + 2) * PG;

        u = vma_create(mm, a, a + PG, VM_READ);
        insert_vma_struct(mm, u);
        if (i == n / 3)
            v = u;
    }
    *find = *gap = 0;
    for (unsigned i = 0; i < 2000; i++) {
        steps = 0;
        u = find_vma(mm, MMAP_MIN + pick(2 * n + 2) * PG);
        *find = MAX(*find, steps);
    }
    vma_unlink(v); /* the one larger gap */
    steps = 0;
    EXPECT(vma_find_gap(mm, 3 * PG, MMAP_MIN + (2ul * n + 2) * PG, &u) ==
           MMAP_MIN + (2ul * (n / 3) + 1) * PG);
    *gap = steps;
    vma_destroy(v);
    gate_open(&mm->gate);
    return world_end();
}

static bool
test_steps(void)
{
    seed = 5;
    for (unsigned n = 10; n <= 100000; n *= 10) {
        unsigned long find, gap, log = log2_floor(n) + 1;

        if (!most_steps(n, &find, &gap))
            return false;
        printf("# %u areas: at most %lu steps to find, %lu for a gap\n", n,
               find, gap);
        EXPECT(find <= log * 3 / 2 + 2);
        EXPECT(gap <= 10 * log + 10);
    }
    return true;
}

static struct vma_struct *
reader_finds(struct mm_struct *m, uintptr_t addr)
{
    struct vma_struct *v;

    gate_enter(&m->gate);
    steps = 0;
    v = find_vma(m, addr);
    gate_leave(&m->gate);
    return v;
}

static bool
test_last_area(void)
{
    struct mm_struct *other;
    struct vma_struct *v;

    EXPECT(world(64));
    for (unsigned i = 0; i < 64; i += 2)
        EXPECT(do_mmap(mm, at(i), PG, RW, FIX, NULL, 0) > 0);
    v = reader_finds(mm, at(10));
    EXPECT(v->vm_start == at(10) && steps > 0);
    EXPECT(reader_finds(mm, at(10) + 5) == v && steps == 0);
    /* A miss in a hole answers the next area and remembers nothing. */
    EXPECT(reader_finds(mm, at(11))->vm_start == at(12) && steps > 0);
    EXPECT(reader_finds(mm, at(10)) == v && steps == 0);
    EXPECT(reader_finds(mm, at(9)) == v && steps > 0);
    EXPECT(reader_finds(mm, at(63)) == NULL);
    /* Another hart has its own. */
    shim_become_hart(3);
    EXPECT(reader_finds(mm, at(10)) == v && steps > 0);
    shim_become_hart(0);
    /* Any writer makes it void: the sanitizer sees a use after free. */
    EXPECT(do_munmap(mm, at(10), PG) == 0);
    EXPECT(reader_finds(mm, at(10))->vm_start == at(12));
    /* A writer neither believes nor fills it. */
    gate_close(&mm->gate);
    steps = 0;
    v = find_vma(mm, at(12));
    EXPECT(find_vma(mm, at(12)) == v && steps > 0);
    gate_open(&mm->gate);
    writes_before++;
    /* Another space of equal age is another space. */
    other = mm_create();
    other->seq = mm->seq;
    EXPECT(reader_finds(mm, at(12)) == v);
    EXPECT(reader_finds(other, at(12)) == NULL);
    mm_put_user(other);
    return world_end();
}

/* --- error numbers -------------------------------------------------------------------------------- */

static bool
test_mmap_errors(void)
{
    const uint32_t priv = MAP_PRIVATE, shared = MAP_SHARED;
    const uintptr_t end = user_end();

    EXPECT(world(32));
#define MAP(addr, len, prot, flags, obj, off) \
    do_mmap(mm, addr, len, prot, flags, obj, off)
    EXPECT(MAP(0, 0, RW, priv, NULL, 0) == -EINVAL);
    EXPECT(MAP(0, PG, RW, 0, NULL, 0) == -EINVAL);
    EXPECT(MAP(0, PG, RW, 4, NULL, 0) == -EINVAL);
    EXPECT(MAP(0, PG, RW, MAP_SHARED_VALIDATE, NULL, 0) == -EINVAL);
    EXPECT(MAP(0, PG, RW, MAP_SHARED_VALIDATE | 1u << 22, &file, 0) ==
           -EOPNOTSUPP);
    EXPECT(MAP(0, PG, RW, priv, &file, 1) == -EINVAL);
    EXPECT(MAP(at(0) + 1, PG, RW, FIX, NULL, 0) == -EINVAL);
    EXPECT(MAP(end, PG, RW, FIX, NULL, 0) == -ENOMEM);
    EXPECT(MAP(end - PG, 2 * PG, RW, FIX, NULL, 0) == -ENOMEM);
    EXPECT(MAP(0, end + 1, RW, priv, NULL, 0) == -ENOMEM);
    EXPECT(MAP(0, ~0ul, RW, priv, NULL, 0) == -ENOMEM);
    EXPECT(MAP(0, ~0ul - PG, RW, FIX, NULL, 0) == -ENOMEM);
    EXPECT(MAP(0, 33 * PG, RW, priv, NULL, 0) == -ENOMEM);
    EXPECT(MAP(0, PG, RW, FIX, NULL, 0) == -EPERM);
    EXPECT(MAP(MMAP_MIN - PG, PG, RW, FIX, NULL, 0) == -EPERM);
    EXPECT(MAP(0, 2 * PG, RW, priv, &file, INT64_MAX & ~PAGE_MASK) ==
           -EOVERFLOW);
    EXPECT(MAP(0, 2 * PG, RW, priv, &file, ~PAGE_MASK) == -EOVERFLOW);
    EXPECT(MAP(0, PG, RW, shared | MAP_READONLY, &file, 0) == -EACCES);
    EXPECT(MAP(0, PG, RW, priv, &device, 0) == -EACCES);
    EXPECT(MAP(0, PG, RW, shared | MAP_GROWSDOWN, NULL, 0) == -EINVAL);
    EXPECT(MAP(0, PG, RW, priv | MAP_GROWSDOWN, &file, 0) == -EINVAL);
    EXPECT(agrees() && file.refs == 1);

    /* What is fine: unknown bits, an unaligned or impossible hint. */
    EXPECT(MAP(at(20), PG, RW, priv, NULL, ~PAGE_MASK) == (long)at(20));
    EXPECT(MAP(0, PG, RW | 0x1000, priv | 1u << 22, NULL, 0) == (long)at(31));
    EXPECT(MAP(at(7) + 1, PG, RW, priv, NULL, 0) == (long)at(7));
    EXPECT(MAP(5, PG, RW, priv, NULL, 0) == (long)at(30));
    EXPECT(MAP(~0ul, PG, RW, priv, NULL, 0) == (long)at(29));
    EXPECT(MAP(at(7), PG, RW, priv | MAP_FIXED_NOREPLACE, NULL, 0) == -EEXIST);
    EXPECT(MAP(at(8), 1, RW, priv | MAP_FIXED_NOREPLACE, NULL, 0) ==
           (long)at(8));
    EXPECT(MAP(at(10), PG, RW, shared, &device, 0) == (long)at(10));
    EXPECT(reader_finds(mm, at(10))->vm_flags & VM_PFNMAP);
    EXPECT(MAP(at(10), PG, VM_READ, priv | MAP_FIXED, &device, 0) > 0);
    EXPECT((reader_finds(mm, at(10))->vm_flags & (VM_PFNMAP | VM_MAYWRITE)) ==
           VM_PFNMAP);
    EXPECT(MAP(at(12), PG, VM_READ, priv | MAP_READONLY, &file, 0) > 0);
    EXPECT(reader_finds(mm, at(12))->vm_flags & VM_MAYWRITE);
#undef MAP
    return world_end();
}

static bool
test_munmap_mprotect_errors(void)
{
    EXPECT(world(32));
    EXPECT(do_mmap(mm, at(4), 4 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(do_mmap(mm, at(8), 2 * PG, VM_READ,
                   MAP_FIXED | MAP_SHARED | MAP_READONLY, &file, 0) > 0);
    model_map(4, 4, RW | VM_MAYWRITE, NULL, 0);
    model_map(8, 2, VM_READ | VM_SHARED, &file, 0);

    EXPECT(do_munmap(mm, at(4) + 1, PG) == -EINVAL);
    EXPECT(do_munmap(mm, at(4), 0) == -EINVAL);
    EXPECT(do_munmap(mm, user_end() + PG, PG) == -EINVAL);
    EXPECT(do_munmap(mm, user_end() - PG, 2 * PG) == -EINVAL);
    EXPECT(do_munmap(mm, at(4), ~0ul) == -EINVAL);
    EXPECT(do_munmap(mm, at(20), PG) == 0); /* nothing there: fine */

    EXPECT(do_mprotect(mm, at(4) + 1, PG, RW) == -EINVAL);
    EXPECT(do_mprotect(mm, at(4), PG, 0x10) == -EINVAL);
    EXPECT(do_mprotect(mm, at(4), 0, 0x10) == 0);
    EXPECT(do_mprotect(mm, at(4), ~0ul, RW) == -ENOMEM);
    EXPECT(do_mprotect(mm, at(4), ~0ul - PG * 8, RW) == -ENOMEM);
    EXPECT(do_mprotect(mm, at(3), 2 * PG, VM_READ) == -ENOMEM);
    EXPECT(agrees());
    EXPECT(do_mprotect(mm, at(4), PG, RW | PROT_SEM) == 0);
    EXPECT(agrees());
    /* What lies before the hole, or the area that refuses, is changed. */
    EXPECT(do_mprotect(mm, at(6), 8 * PG, VM_READ) == -ENOMEM);
    EXPECT(model_protect(6, 8, VM_READ) == -ENOMEM && agrees());
    EXPECT(do_mprotect(mm, at(5), 4 * PG, RW | VM_EXEC) == -EACCES);
    EXPECT(model_protect(5, 4, RW | VM_EXEC) == -EACCES && agrees());
    EXPECT(do_mprotect(mm, at(8), PG, VM_EXEC) == 0);
    EXPECT(model_protect(8, 1, VM_EXEC) == 0 && agrees());
    return world_end();
}

static bool
test_mremap_errors(void)
{
    const uint32_t may = MREMAP_MAYMOVE, fixed = may | MREMAP_FIXED;

    EXPECT(world(32));
    EXPECT(do_mmap(mm, at(4), 4 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(do_mmap(mm, at(8), 4 * PG, VM_READ, FIX, &file, 0) > 0);
    EXPECT(do_mmap(mm, at(16), PG, RW, MAP_SHARED | MAP_FIXED, &device, 0) > 0);
    EXPECT(do_mmap(mm, at(20), PG, RW, FIX, &file, INT64_MAX - 2 * PG + 1) > 0);
#define REMAP(addr, old, new, flags, to) \
    do_mremap(mm, addr, old, new, flags, to)
    EXPECT(REMAP(at(4), PG, PG, 8, 0) == -EINVAL);
    EXPECT(REMAP(at(4), PG, PG, MREMAP_FIXED, at(0)) == -EINVAL);
    EXPECT(REMAP(at(4), PG, PG, MREMAP_DONTUNMAP, 0) == -EINVAL);
    EXPECT(REMAP(at(4), PG, 2 * PG, may | MREMAP_DONTUNMAP, 0) == -EINVAL);
    EXPECT(REMAP(at(4) + 1, PG, PG, 0, 0) == -EINVAL);
    EXPECT(REMAP(at(4), PG, 0, 0, 0) == -EINVAL);
    EXPECT(REMAP(at(4), PG, ~0ul, may, 0) == -EINVAL);
    EXPECT(REMAP(at(4), 0, PG, may, 0) == -EINVAL);
    EXPECT(REMAP(at(4), PG, PG, fixed, at(0) + 1) == -EINVAL);
    EXPECT(REMAP(at(4), PG, 2 * PG, fixed, user_end() - PG) == -EINVAL);
    EXPECT(REMAP(at(4), 2 * PG, 2 * PG, fixed, at(5)) == -EINVAL);
    EXPECT(REMAP(at(4), 2 * PG, 2 * PG, fixed, at(3)) == -EINVAL);
    EXPECT(REMAP(at(4), PG, PG, fixed, PG) == -EPERM);
    EXPECT(REMAP(at(4), PG, PG, may | MREMAP_DONTUNMAP, at(0) + 1) == -EINVAL);
    EXPECT(REMAP(at(4), PG, PG, may | MREMAP_DONTUNMAP, at(4)) == -EINVAL);
    EXPECT(REMAP(at(3), PG, PG, 0, 0) == -EFAULT);
    EXPECT(REMAP(at(4), 5 * PG, 6 * PG, may, 0) == -EFAULT);
    EXPECT(REMAP(at(4), ~0ul - PG, PG, 0, 0) == -EINVAL);
    EXPECT(REMAP(at(16), PG, 2 * PG, may, 0) == -EFAULT); /* a device */
    EXPECT(REMAP(at(4), 4 * PG, 5 * PG, 0, 0) == -ENOMEM);
    EXPECT(REMAP(at(4), PG, 2 * PG, 0, 0) == -ENOMEM);
    EXPECT(REMAP(at(4), PG, 64 * PG, may, 0) == -ENOMEM);
    EXPECT(REMAP(at(4), PG, user_end(), may, 0) == -ENOMEM);
    EXPECT(REMAP(at(4), PG, AREA_PAGES_MAX * PG + PG, may, 0) == -ENOMEM);
    EXPECT(REMAP(at(20), PG, 3 * PG, may, 0) == -EINVAL); /* offset */
    EXPECT(REMAP(at(4), PG, PG, 0, 0) == (long)at(4));
    EXPECT(REMAP(at(5), PG, PG, may | MREMAP_DONTUNMAP, PG) == (long)at(31));
    EXPECT(do_munmap(mm, at(31), PG) == 0);
    /* Shorter: what is behind may be anything. */
    EXPECT(REMAP(at(4), 20 * PG, 2 * PG, 0, 0) == (long)at(4));
    EXPECT(mm->map_count == 2 && sound());
#undef REMAP
    return world_end();
}

static bool
test_advice_and_lock_errors(void)
{
    unsigned char vec[8];

    EXPECT(world(32));
    EXPECT(do_mmap(mm, at(4), 4 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(do_mmap(mm, at(8), PG, RW, MAP_FIXED | MAP_SHARED, &device, 0) > 0);
    EXPECT(do_mmap(mm, at(9), PG, RW, FIX, &file, 0) > 0);
    EXPECT(do_madvise(mm, at(4), PG, 77) == -EINVAL);
    EXPECT(do_madvise(mm, at(4), PG, MADV_MERGEABLE) == -EINVAL);
    EXPECT(do_madvise(mm, at(4) + 1, PG, MADV_NORMAL) == -EINVAL);
    EXPECT(do_madvise(mm, at(4), ~0ul, MADV_NORMAL) == -EINVAL);
    EXPECT(do_madvise(mm, at(4), 0, MADV_DONTNEED) == 0);
    EXPECT(do_madvise(mm, at(3), 2 * PG, MADV_WILLNEED) == -ENOMEM);
    EXPECT(do_madvise(mm, at(8), PG, MADV_DONTNEED) == -EINVAL);
    EXPECT(do_madvise(mm, at(9), PG, MADV_FREE) == -EINVAL);
    EXPECT(do_madvise(mm, at(9), PG, MADV_DONTNEED) == 0);
    EXPECT(do_mlock(mm, at(4), PG, 2) == -EINVAL);
    EXPECT(do_mlock(mm, at(4), 0, 0) == 0);
    EXPECT(do_mlock(mm, ~0ul - PG, PG, 0) == -EINVAL);
    EXPECT(do_mlock(mm, ~0ul - 2 * PG, PG, 0) == -ENOMEM);
    EXPECT(do_mlock(mm, at(4), ~0ul - at(4) - PG, 0) == -ENOMEM);
    EXPECT(do_munlock(mm, at(4), PG * 64) == -ENOMEM && mm->locked_pages == 0);
    EXPECT(do_mlockall(mm, 0) == -EINVAL && do_mlockall(mm, 8) == -EINVAL);
    EXPECT(do_mlockall(mm, MCL_ONFAULT) == -EINVAL);
    EXPECT(do_mincore(mm, at(4) + 1, PG, vec) == -EINVAL);
    EXPECT(do_mincore(mm, at(4), 7 * PG, vec) == -ENOMEM);
    EXPECT(do_mincore(mm, user_end() + PG, PG, vec) == -ENOMEM);
    EXPECT(do_mincore(mm, at(4), ~0ul, vec) == -ENOMEM);
    EXPECT(do_mincore(mm, at(4), 0, vec) == 0);
    return world_end();
}

/* --- growing -------------------------------------------------------------------------------------------- */

static bool
test_heap_stays_one_area(void)
{
    EXPECT(world(128));
    EXPECT(do_munmap(mm, MMAP_MIN, PG) == 0);
    EXPECT(do_brk(mm, 0) == 0 && do_brk(mm, PG) == 0); /* no heap yet */
    mm->brk_start = mm->brk = at(0) + 100;
    EXPECT(do_brk(mm, 0) == at(0) + 100);
    for (unsigned i = 1; i < 100; i++) {
        EXPECT(do_brk(mm, at(i) + 7) == at(i) + 7);
        EXPECT(fake_touch(mm, at(i), VM_WRITE) == 0);
        EXPECT(mm->map_count == 2);
    }
    /* Shrinking drops the pages, growing again shows zeros. */
    EXPECT(do_brk(mm, at(10)) == at(10) && fake_anons == 9);
    EXPECT(do_brk(mm, at(60)) == at(60) && fake_anons == 9);
    EXPECT(mm->map_count == 2 && counts_sound() && sound());
    EXPECT(do_brk(mm, user_end() + 1) == at(60));
    /* A hole mapped again is filled from both sides. */
    EXPECT(do_munmap(mm, at(4), PG) == 0 && mm->map_count == 3);
    EXPECT(do_mmap(mm, at(4), PG, RW, FIX, NULL, 0) > 0 && mm->map_count == 2);
    /* Not into the next area, nor near a stack. */
    EXPECT(do_mmap(mm, at(70), PG, RW, FIX, &file, 0) > 0);
    EXPECT(do_brk(mm, at(70)) == at(70) && do_brk(mm, at(71)) == at(70));
    EXPECT(do_munmap(mm, at(70), PG) == 0);
    EXPECT(do_mmap(mm, at(120), PG, RW, FIX | MAP_GROWSDOWN, NULL, 0) > 0);
    EXPECT(do_brk(mm, at(71)) == at(70));
    return world_end();
}

/* Two areas share a layer, and the second moved: the first may not grow over
 * the indexes that the second shows. */
static bool
test_shared_layer_is_not_overrun(void)
{
    struct vma_struct *a, *b;

    EXPECT(world(64));
    EXPECT(do_mmap(mm, at(4), 8 * PG, RW, FIX, NULL, 0) > 0);
    model_map(4, 8, RW | VM_MAYWRITE, NULL, 0);
    for (unsigned i = 4; i < 12; i++)
        EXPECT(touch(i, VM_WRITE));
    EXPECT(do_mremap(mm, at(8), 4 * PG, 4 * PG, 3, at(20)) == (long)at(20));
    model_remap(8, 4, 4, 3, 20);
    EXPECT(agrees() && mm->map_count == 3);
    a = reader_finds(mm, at(4));
    b = reader_finds(mm, at(20));
    EXPECT(a->layer == b->layer && a->layer->refs == 2);
    /* Behind the first: the second's indexes.  Stays another area. */
    EXPECT(do_mmap(mm, at(8), 2 * PG, RW, FIX, NULL, 0) > 0);
    model_map(8, 2, RW | VM_MAYWRITE, NULL, 0);
    EXPECT(agrees() && mm->map_count == 4);
    EXPECT(touch(8, VM_WRITE) && agrees());
    /* Behind the second, and before the first: free indexes. */
    EXPECT(do_mmap(mm, at(24), 2 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(do_mmap(mm, at(3), PG, RW, FIX, NULL, 0) > 0);
    model_map(24, 2, RW | VM_MAYWRITE, NULL, 0);
    model_map(3, 1, RW | VM_MAYWRITE, NULL, 0);
    EXPECT(agrees() && mm->map_count == 4);
    /* Before the second: the first's. */
    EXPECT(do_mmap(mm, at(19), PG, RW, FIX, NULL, 0) > 0);
    model_map(19, 1, RW | VM_MAYWRITE, NULL, 0);
    EXPECT(agrees() && mm->map_count == 5 && counts_sound());
    return world_end();
}

/* What could not be joined is, when somebody comes by and it can be. */
static bool
test_joined_later(void)
{
    EXPECT(world(64));
    EXPECT(do_mmap(mm, at(4), 8 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(fake_touch(mm, at(4), VM_WRITE) == 0);
    EXPECT(do_mremap(mm, at(8), 4 * PG, 4 * PG, 3, at(20)) == (long)at(20));
    EXPECT(do_mmap(mm, at(8), 2 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(mm->map_count == 4);
    EXPECT(do_munmap(mm, at(20), 4 * PG) == 0 && mm->map_count == 3);
    EXPECT(do_mmap(mm, at(10), PG, RW, FIX, NULL, 0) > 0);
    EXPECT(mm->map_count == 2 && sound() && counts_sound());
    return world_end();
}

static bool
test_stack_grows(void)
{
    const unsigned gap = STACK_GAP / PG;
    uintptr_t top, base;

    EXPECT(bare_world());
    base = MMAP_MIN + 2000 * PG;
    top = base + 4 * PG;
    EXPECT(do_mmap(mm, base, 4 * PG, RW, FIX | MAP_GROWSDOWN, NULL, 0) > 0);
    EXPECT(expand_stack(mm, top) == -EFAULT); /* nothing above */
    EXPECT(expand_stack(mm, base + 9) == 0);  /* somebody else did */
    EXPECT(reader_finds(mm, base)->vm_start == base);
    EXPECT(expand_stack(mm, base - 1) == 0);
    EXPECT(expand_stack(mm, base - 10 * PG + 3) == 0);
    EXPECT(mm->map_count == 1);
    EXPECT(reader_finds(mm, base)->vm_start == base - 10 * PG && sound());
    /* The limit counts from the top. */
    mm->stack_limit = 100 * PG;
    EXPECT(expand_stack(mm, top - 100 * PG) == 0);
    EXPECT(expand_stack(mm, top - 100 * PG - 1) == -EFAULT);
    mm->stack_limit = STACK_LIMIT;
    /* The gap to the area below. */
    EXPECT(do_mmap(mm, base - 500 * PG, PG, VM_READ, FIX, &file, 0) > 0);
    EXPECT(expand_stack(mm, base - (499 - gap) * PG - 1) == -EFAULT);
    EXPECT(expand_stack(mm, base - (499 - gap) * PG) == 0);
    EXPECT(sound());
    /* Not below an ordinary area, nor below MMAP_MIN. */
    EXPECT(expand_stack(mm, base - 501 * PG) == -EFAULT);
    EXPECT(do_munmap(mm, base - 500 * PG, PG) == 0);
    mm->stack_limit = 1ul << 40;
    EXPECT(expand_stack(mm, MMAP_MIN - 1) == -EFAULT);
    EXPECT(expand_stack(mm, MMAP_MIN) == 0 && mm->map_count == 1);
    /* With rights changed at its foot it is two, and grows on. */
    EXPECT(do_munmap(mm, MMAP_MIN, base - MMAP_MIN) == 0);
    EXPECT(do_mprotect(mm, base, PG, VM_READ) == 0 && mm->map_count == 2);
    mm->stack_limit = 8 * PG;
    EXPECT(expand_stack(mm, top - 8 * PG) == 0 && mm->map_count == 2);
    EXPECT(expand_stack(mm, top - 9 * PG) == -EFAULT);
    EXPECT(reader_finds(mm, base - PG)->vm_flags ==
           (VM_READ | VM_GROWSDOWN | VM_MAYWRITE));
    return world_end();
}

/* --- memory, locked and not ---------------------------------------------------------------------- */

static bool
test_populate(void)
{
    EXPECT(world(64));
    fake_faults = 0;
    EXPECT(do_mmap(mm, at(0), 8 * PG, RW, FIX | MAP_POPULATE, NULL, 0) > 0);
    EXPECT(fake_faults == 8 && fake_anons == 8);
    EXPECT(do_mmap(mm, at(8), 4 * PG, VM_READ, FIX | MAP_POPULATE, &file, 0) >
           0);
    EXPECT(fake_faults == 12 && fake_anons == 8 && fake_ptes[11].present);
    EXPECT(do_mmap(mm, at(12), PG, VM_EXEC, FIX | MAP_POPULATE, &file, 0) > 0);
    EXPECT(do_mmap(mm, at(13), PG, VM_WRITE, MAP_SHARED | MAP_FIXED, &file, 0) >
           0);
    EXPECT(fake_faults == 13);
    fake_retries = 3;
    EXPECT(mm_populate(mm, at(0), at(2)) == 0 && fake_faults == 18);
    /* No rights, a hole, no memory. */
    EXPECT(do_mmap(mm, at(20), PG, 0, FIX | MAP_POPULATE, NULL, 0) > 0);
    EXPECT(fake_faults == 18);
    EXPECT(mm_populate(mm, at(20), at(21)) == -ENOMEM);
    EXPECT(mm_populate(mm, at(30), at(31)) == -ENOMEM && fake_faults == 18);
    fail_set("area", 2);
    EXPECT(do_mmap(mm, at(40), PG, RW, FIX | MAP_POPULATE, NULL, 0) > 0);
    fail_set("area", 1);
    EXPECT(mm_populate(mm, at(40), at(41)) == -EAGAIN);
    fail_set("area", 0);
    EXPECT(sound());
    return world_end();
}

static bool
test_locked_pages(void)
{
    EXPECT(world(64));
    EXPECT(do_mmap(mm, at(0), 8 * PG, RW, FIX | MAP_LOCKED, NULL, 0) > 0);
    EXPECT(mm->locked_pages == 8 && fake_anons == 8);
    EXPECT(do_munmap(mm, at(2), 2 * PG) == 0 && mm->locked_pages == 6);
    EXPECT(do_munlock(mm, at(4), PG) == 0 && mm->locked_pages == 5);
    /* What is mapped already is mapped again, to be counted as locked. */
    EXPECT(do_mlock(mm, at(4), PG, MLOCK_ONFAULT) == 0);
    EXPECT(!fake_ptes[4].present && fake_ptes[5].present);
    EXPECT(do_mlock(mm, at(4), 4 * PG, 0) == 0 && mm->locked_pages == 6);
    EXPECT(do_mremap(mm, at(4), 4 * PG, 8 * PG, 0, 0) == (long)at(4));
    EXPECT(mm->locked_pages == 10 && fake_anons == 10);
    EXPECT(do_mremap(mm, at(4), 8 * PG, 2 * PG, 3, at(20)) == (long)at(20));
    EXPECT(mm->locked_pages == 4);
    EXPECT(do_madvise(mm, at(20), PG, MADV_DONTNEED) == -EINVAL);
    EXPECT(do_mmap(mm, at(30), 4 * PG, 0, FIX, NULL, 0) > 0);
    EXPECT(do_mlock(mm, at(30), PG, 0) == -ENOMEM); /* no rights: as Linux */
    EXPECT(mm->locked_pages == 5);
    EXPECT(do_munlockall(mm) == 0 && mm->locked_pages == 0);
    EXPECT(do_mlockall(mm, MCL_FUTURE) == 0 && mm->locked_pages == 0);
    EXPECT(do_mmap(mm, at(40), 4 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(mm->locked_pages == 4 && fake_ptes[43].present);
    mm->brk_start = mm->brk = at(50);
    EXPECT(do_brk(mm, at(52)) == at(52) && fake_ptes[51].present);
    EXPECT(do_mlockall(mm, MCL_CURRENT) == 0 && mm->def_flags == 0);
    EXPECT(mm->locked_pages == (fake_base - MMAP_MIN) / PG + 14);
    EXPECT(do_munlockall(mm) == 0 && mm->locked_pages == 0 && sound());
    return world_end();
}

static bool
test_mincore(void)
{
    struct page cached = {.index = 7, .flags = PG_UPTODATE};
    unsigned char vec[80];
    struct vma_struct *v;
    struct anon *a;

    EXPECT(world(128));
    EXPECT(do_mmap(mm, at(0), 80 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(do_mmap(mm, at(4), 4 * PG, RW, FIX, &file, 5 * PG) > 0);
    EXPECT(do_mmap(mm, at(8), PG, RW, MAP_FIXED | MAP_SHARED, &device, 0) > 0);
    EXPECT(fake_touch(mm, at(2), VM_WRITE) == 0);
    EXPECT(fake_touch(mm, at(3), VM_WRITE) == 0);
    EXPECT(fake_touch(mm, at(70), VM_READ) == 0);
    fake_cached = &cached;
    EXPECT(do_mincore(mm, at(0), 80 * PG, vec) == 0);
    for (unsigned i = 0; i < 80; i++)
        EXPECT(vec[i] == (i == 2 || i == 3 || i == 6 || i == 8 || i == 70));
    EXPECT(cached.ref == 0);
    /* Not mapped, but in memory; then on the swap disk. */
    memset(fake_ptes, 0, sizeof(fake_ptes));
    a = layer_find(reader_finds(mm, at(2))->layer,
                   vma_layer_index(reader_finds(mm, at(2)), at(2)));
    a->page = NULL;
    cached.flags = 0;
    EXPECT(do_mincore(mm, at(2), 5 * PG, vec) == 0);
    EXPECT(vec[0] == 0 && vec[1] == 1 && vec[2] == 0 && vec[4] == 0);
    /* A private page on the swap disk hides the one of the file. */
    cached.flags = PG_UPTODATE;
    EXPECT(fake_touch(mm, at(6), VM_WRITE) == 0);
    fake_ptes[6].present = false;
    v = reader_finds(mm, at(6));
    layer_find(v->layer, vma_layer_index(v, at(6)))->page = NULL;
    EXPECT(do_mincore(mm, at(6), PG, vec) == 0 && vec[0] == 0);
    fake_cached = NULL;
    return world_end();
}

/* --- the rest ---------------------------------------------------------------------------------------- */

static bool
test_mapping_kinds(void)
{
    struct vma_struct *v;

    EXPECT(world(64));
    /* What a loader does: the span of a library, its data over it, its bss. */
    EXPECT(do_mmap(mm, 0, 40 * PG, VM_READ | VM_EXEC, MAP_PRIVATE | 0x800,
                   &file, 0) == (long)at(24));
    EXPECT(do_mmap(mm, at(44), 10 * PG, RW, FIX | 0x800, &file, 20 * PG) > 0);
    EXPECT(do_mmap(mm, at(54), 10 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(fake_touch(mm, at(45), VM_WRITE) == 0);
    EXPECT(do_mprotect(mm, at(44), 2 * PG, VM_READ) == 0);
    EXPECT(mm->map_count == 5 && file.refs == 4 && sound());
    v = reader_finds(mm, at(46));
    EXPECT(v->vm_pgoff == 22 && vma_prev(v)->vm_pgoff == 20);
    EXPECT(v->layer == vma_prev(v)->layer && v->lpgoff == at(46) >> PAGE_SHIFT);
    EXPECT(layer_find(v->layer, at(45) >> PAGE_SHIFT) != NULL);
    EXPECT(do_mprotect(mm, at(44), 2 * PG, RW) == 0);
    EXPECT(mm->map_count == 4 && file.refs == 3 && counts_sound());
    /* DONTNEED shows the file again. */
    EXPECT(do_madvise(mm, at(44), 10 * PG, MADV_DONTNEED) == 0);
    EXPECT(fake_anons == 0 && !fake_ptes[45].present);
    return world_end();
}

/* vma_split() alone: it makes its area itself. */
static bool
test_split(void)
{
    struct vma_struct *v;

    EXPECT(world(16));
    EXPECT(do_mmap(mm, at(0), 4 * PG, RW, FIX | MAP_LOCKED, &file, 7 * PG) > 0);
    mm_write_begin(mm);
    v = find_vma(mm, at(0));
    fail_set("area", 1);
    EXPECT(vma_split(v, at(1)) == -ENOMEM && v->vm_end == at(4));
    EXPECT(vma_split(v, at(1)) == 0 && v->vm_end == at(1));
    EXPECT(mm->map_count == 3 && mm->locked_pages == 4 && file.refs == 3);
    v = vma_next(v);
    EXPECT(v->vm_start == at(1) && v->vm_end == at(4) && v->vm_pgoff == 8);
    EXPECT(v->node.own == 0 && v->layer == vma_prev(v)->layer);
    EXPECT(vma_merge(v)->vm_start == at(0) && mm->map_count == 2);
    mm_write_end(mm);
    EXPECT(sound() && counts_sound());
    return world_end();
}

/* The last reference of an object goes after the gate is open: the stand-in
 * says so if not. */
static bool
test_release_outside_the_gate(void)
{
    EXPECT(world(16));
    EXPECT(do_mmap(mm, at(0), 4 * PG, RW, FIX, &file, 0) > 0);
    file.refs--; /* the file is closed */
    EXPECT(do_munmap(mm, at(1), PG) == 0 && fake_released == 0);
    EXPECT(do_mmap(mm, at(0), 4 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(fake_released == 1 && fake_wrong == NULL);
    file.refs = 1;
    return world_end();
}

static bool
test_life(void)
{
    struct mm_struct *m;
    uint64_t id;

    EXPECT(world(16));
    EXPECT(do_mmap(mm, at(0), 4 * PG, RW, FIX | MAP_POPULATE, NULL, 0) > 0);
    m = mm;
    id = m->id;
    mm_get_user(m);
    mm_get(m);
    mm_put_user(m);
    EXPECT(m->map_count == 2 && fake_anons == 4);
    mm_put_user(m); /* the last one */
    EXPECT(m->map_count == 0 && fake_anons == 0 && device.refs == 1);
    EXPECT(m->tree.root == NULL && list_empty(&m->mmap_list));
    EXPECT(m->refs == 1 && fake_live() == 2);
    mm_put(m);
    EXPECT(fake_live() == 0);
    mm = mm_create();
    EXPECT(mm->id > id && mm->users == 1 && mm->refs == 1);
    return world_end();
}

static bool
test_too_many_areas(void)
{
    struct vma_struct *v;
    uintptr_t a = MMAP_MIN;

    EXPECT(bare_world());
    gate_close(&mm->gate);
    for (int i = 0; i < MAP_COUNT_MAX - 1; i++, a += 4 * PG) {
        v = vma_create(mm, a, a + 3 * PG, RW | VM_MAYWRITE);
        insert_vma_struct(mm, v);
    }
    gate_open(&mm->gate);
    a = MMAP_MIN;
    EXPECT(do_munmap(mm, a + PG, PG) == 0 && mm->map_count == MAP_COUNT_MAX);
    EXPECT(do_munmap(mm, a + 5 * PG, PG) == -ENOMEM);
    EXPECT(do_mmap(mm, 0, PG, RW, MAP_PRIVATE, NULL, 0) == -ENOMEM);
    EXPECT(do_mmap(mm, a + 4 * PG, PG, RW, FIX, NULL, 0) == -ENOMEM);
    EXPECT(do_mprotect(mm, a + 4 * PG, PG, VM_READ) == -ENOMEM);
    EXPECT(do_mprotect(mm, a + 4 * PG, 3 * PG, VM_READ) == 0);
    EXPECT(do_mremap(mm, a + 4 * PG, 3 * PG, 4 * PG, 0, 0) == -ENOMEM);
    EXPECT(do_mremap(mm, a + 4 * PG, PG, PG, 3, at(0)) == -ENOMEM);
    mm->brk_start = mm->brk = at(0);
    EXPECT(do_brk(mm, at(1)) == at(0));
    EXPECT(mm->map_count == MAP_COUNT_MAX);
    /* No split is needed where nothing changes. */
    EXPECT(do_munmap(mm, a + 8 * PG, 3 * PG) == 0);
    EXPECT(do_mprotect(mm, a + 12 * PG, 3 * PG, VM_READ) == 0);
    EXPECT(do_mmap(mm, a + 11 * PG, PG, RW, FIX, NULL, 0) > 0);
    EXPECT(mm->map_count == MAP_COUNT_MAX);
    EXPECT(do_mprotect(mm, a + 11 * PG, 2 * PG, VM_READ) == 0);
    EXPECT(mm->map_count == MAP_COUNT_MAX - 1);
    EXPECT(do_mmap(mm, a + 8 * PG, 3 * PG, RW, FIX, NULL, 0) > 0);
    EXPECT(mm->map_count == MAP_COUNT_MAX);
    /* One less: a hole and an area in it would be one too many. */
    EXPECT(do_munmap(mm, a, PG) == 0 && mm->map_count == MAP_COUNT_MAX - 1);
    EXPECT(do_mmap(mm, a + 9 * PG, PG, VM_READ, FIX, NULL, 0) == -ENOMEM);
    EXPECT(do_munmap(mm, a + 8 * PG, PG) == 0); /* an end needs none */
    EXPECT(do_mmap(mm, a + 8 * PG, PG, VM_READ, FIX, NULL, 0) > 0);
    return world_end();
}

static bool
test_paging_modes(void)
{
    for (paging_levels = 3; paging_levels <= 5; paging_levels++) {
        const uintptr_t end = user_end(), most = AREA_PAGES_MAX * PG;
        struct vma_struct *v;

        EXPECT(end == 1ul << (paging_levels * 9 + 11));
        EXPECT(bare_world());
        EXPECT(do_mmap(mm, end - PG, PG, RW, FIX, NULL, 0) == (long)(end - PG));
        EXPECT(do_mmap(mm, end - 4 * PG, PG, RW, FIX, NULL, 0) > 0);
        EXPECT(do_mmap(mm, end, PG, RW, FIX, NULL, 0) == -ENOMEM);
        EXPECT(do_mprotect(mm, end - PG, PG, VM_READ) == 0);
        EXPECT(do_munmap(mm, 0, end) == 0 && mm->map_count == 0);
        if (end < 2 * most) {
            EXPECT(world_end());
            continue;
        }
        /* Areas of the largest size, not joined, whose layers can index them. */
        EXPECT(do_mmap(mm, most - PG, most, RW, FIX, NULL, 0) > 0);
        EXPECT(do_mmap(mm, 2 * most - PG, most, RW, FIX, NULL, 0) > 0);
        EXPECT(mm->map_count == 2 && sound());
        v = reader_finds(mm, most);
        EXPECT(v->lpgoff + vma_pages(v) <= LAYER_INDEXES);
        EXPECT(do_mmap(mm, 0, most + PG, RW, MAP_PRIVATE, NULL, 0) == -ENOMEM);
        EXPECT(world_end());
    }
    paging_levels = 3;
    return true;
}

int
main(void)
{
    fast = getenv("FAST") != NULL;
    ncpu = 4;
    vmm_init();
    RUN(every_sequence_of_3);
    RUN(random);
    RUN(every_allocation_fails);
    RUN(create_fails);
    RUN(gaps);
    RUN(steps);
    RUN(last_area);
    RUN(mmap_errors);
    RUN(munmap_mprotect_errors);
    RUN(mremap_errors);
    RUN(advice_and_lock_errors);
    RUN(heap_stays_one_area);
    RUN(shared_layer_is_not_overrun);
    RUN(joined_later);
    RUN(stack_grows);
    RUN(populate);
    RUN(locked_pages);
    RUN(mincore);
    RUN(mapping_kinds);
    RUN(split);
    RUN(release_outside_the_gate);
    RUN(life);
    RUN(too_many_areas);
    RUN(paging_modes);
    return shim_summary("test_vmm");
}
