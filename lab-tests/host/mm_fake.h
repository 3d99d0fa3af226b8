/* mm_fake.h: what an address space stands on, as simple as possible, for the
 * tests of vmm.c, range.c, mmap.c, brk.c and kern/ext/mm.
 *
 * Areas come from malloc, so the sanitizer sees every use after free.  A layer
 * is an array of (index, anon).  It can be told that a relative shares all of
 * it; then the first change in each block of FAKE_BLOCK indexes asks the fail
 * point "node", as the real one does.  Entries are an array over one window of
 * pages; each says what it shows.  What must hold is checked as it happens:
 *
 *   - no anon is let go of while an entry shows it (free last)
 *   - the last reference of an object goes with the gate open
 *   - layer_zap() that fails has changed nothing
 *
 * => included once, after shim.h */
#ifndef HOST_MM_FAKE_H
#define HOST_MM_FAKE_H

#include "shim.h"

/* The C library has a sched_yield(), too; ours is not used here. */
#define sched_yield kernel_sched_yield
#include "mm/failpoint.h"
#include "mm/fault.h"
#include "mm/kmalloc.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include <errno.h>
#include <string.h>

/* What went wrong inside the stand-ins, reported by the next check. */
static const char *fake_wrong;

#define FAKE_CHECK(x)        \
    do {                     \
        if (!(x))            \
            fake_wrong = #x; \
    } while (0)

pte_t (*ad_decode)(pte_t stored); /* entries are what they say */
bool fail_armed;
bool (*fail_hook)(enum fail_site site);

uint64_t
satp_of_root(const pte_t *root)
{
    return 0;
}

void
mm_sync_code(struct mm_struct *mm)
{
}

/* --- caches ------------------------------------------------------------- */

struct kmem_cache {
    size_t size, align, live;
};

static struct kmem_cache fake_caches[8];
static unsigned fake_ncaches;

struct kmem_cache *
kmem_cache_create(const char *name, size_t size, size_t align, unsigned flags,
                  void (*ctor)(void *))
{
    struct kmem_cache *c = &fake_caches[fake_ncaches++];

    *c = (struct kmem_cache){.size = size, .align = align};
    return c;
}

void *
kmem_cache_alloc(struct kmem_cache *c)
{
    void *p;

    if (fail_now(FAIL_CACHE))
        return NULL;
    p = aligned_alloc(c->align, ROUND_UP(c->size, c->align));
    memset(p, SHIM_JUNK, c->size);
    c->live++;
    return p;
}

void
kmem_cache_free(struct kmem_cache *c, void *obj)
{
    c->live--;
    free(obj);
}

static size_t
fake_live(void)
{
    size_t sum = 0;

    for (unsigned i = 0; i < fake_ncaches; i++)
        sum += fake_caches[i].live;
    return sum;
}

/* --- the gate ------------------------------------------------------------ */

static unsigned fake_closed, fake_readers, fake_writes;

void
gate_init(struct gate *g, struct gate_row *rows)
{
    memset(g, 0, sizeof(*g));
    g->rows = rows;
}

void
gate_close(struct gate *g)
{
    FAKE_CHECK(g->closed == 0 && fake_readers == 0);
    g->closed = 1;
    fake_closed++;
    fake_writes++;
}

void
gate_open(struct gate *g)
{
    FAKE_CHECK(g->closed == 1);
    g->closed = 0;
    fake_closed--;
}

#define gate_close_here(gate) gate_close(gate)
#define gate_open_here(gate)  gate_open(gate)

void
gate_enter(struct gate *g)
{
    FAKE_CHECK(g->closed == 0 && fake_readers == 0);
    irq_off();
    fake_readers++;
}

void
gate_leave(struct gate *g)
{
    fake_readers--;
    irq_restore();
}

bool
gate_is_mine(struct gate *g)
{
    return g->closed != 0;
}

uint32_t huge_flags; /* no huge leaves */

/* --- entries -------------------------------------------------------------- */

#define FAKE_PAGES 256
static uintptr_t fake_base; /* the window */

/* What page VA shows, as far as the test knows. */
struct fake_pte {
    bool present;
    uint32_t rights;
    struct anon *anon; /* or else: */
    struct vm_object *object;
    uint64_t index;
};

static struct fake_pte fake_ptes[FAKE_PAGES];
static unsigned fake_zaps, fake_protects, fake_trims, fake_finishes;

static struct fake_pte *
fake_pte(uintptr_t va)
{
    uintptr_t i = (va - fake_base) >> PAGE_SHIFT;

    return va >= fake_base && i < FAKE_PAGES ? &fake_ptes[i] : NULL;
}

/* The numbers of the window's pages that lie in [START, END). */
static void
fake_clip(uintptr_t start, uintptr_t end, unsigned *from, unsigned *to)
{
    uintptr_t stop = fake_base + FAKE_PAGES * PAGE_SIZE;

    start = MIN(MAX(start, fake_base), stop);
    end = MIN(MAX(end, fake_base), stop);
    *from = (unsigned)((start - fake_base) >> PAGE_SHIFT);
    *to = (unsigned)((end - fake_base) >> PAGE_SHIFT);
}

bool
zap_ptes(struct vma_struct *vma, uintptr_t start, uintptr_t end,
         struct gather *g)
{
    unsigned i, to;

    FAKE_CHECK(vma->vm_start <= start && start < end && end <= vma->vm_end);
    FAKE_CHECK(g->mm == vma->vm_mm && vma->vm_mm->gate.closed);
    for (fake_clip(start, end, &i, &to); i < to; i++)
        fake_ptes[i].present = false;
    fake_zaps++;
    return true;
}

void
protect_ptes(struct vma_struct *vma, uintptr_t start, uintptr_t end,
             struct gather *g)
{
    unsigned i, to;

    FAKE_CHECK(vma->vm_start <= start && start < end && end <= vma->vm_end);
    FAKE_CHECK(g->mm == vma->vm_mm && vma->vm_mm->gate.closed);
    for (fake_clip(start, end, &i, &to); i < to; i++) {
        fake_ptes[i].rights &= vma->vm_flags;
        if (fake_ptes[i].rights == 0)
            fake_ptes[i].present = false;
    }
    fake_protects++;
}

pte_t *
pgdir_create(struct mm_struct *mm)
{
    return fail_now(FAIL_PT) ? NULL : aligned_alloc(PAGE_SIZE, PAGE_SIZE);
}

void
pgdir_destroy(struct mm_struct *mm)
{
    free(mm->pgdir);
}

void
pgtable_trim(struct mm_struct *mm, uintptr_t start, uintptr_t end,
             struct gather *g)
{
    unsigned i, to;

    for (fake_clip(start, end, &i, &to); i < to; i++)
        FAKE_CHECK(!fake_ptes[i].present);
    fake_trims++;
}

static pte_t fake_entry;

pte_t *
pte_lookup(struct mm_struct *mm, uintptr_t va, unsigned *level)
{
    struct fake_pte *e = fake_pte(va);

    *level = 0;
    fake_entry = e != NULL && e->present ? PTE_V | PTE_R : 0;
    return &fake_entry;
}

/* --- anons and gathers ----------------------------------------------------- */

static size_t fake_anons;
static struct page fake_page = {.flags = PG_UPTODATE};

static struct anon *
fake_anon(void)
{
    struct anon *a = calloc(1, sizeof(*a));

    a->ref = 1;
    a->lock = (struct spinlock)SPINLOCK_INIT(RANK_ANON);
    a->page = &fake_page; /* in memory */
    fake_anons++;
    return a;
}

static void
fake_gather(struct gather *g, struct anon *a)
{
    for (unsigned i = 0; i < FAKE_PAGES; i++)
        FAKE_CHECK(!fake_ptes[i].present || fake_ptes[i].anon != a);
    free(a);
    fake_anons--;
    g->n++;
}

void
gather_flush(struct gather *g)
{
}

/* Counted, also if there is nothing to do. */
#define gather_finish(g) gather_finish_now(g)

void
gather_finish_now(struct gather *g)
{
    g->n = 0;
    fake_finishes++;
}

/* --- layers ----------------------------------------------------------------- */

#define FAKE_BLOCK 4
#define FAKE_ITEMS 1024

struct fake_layer {
    struct layer l;
    struct fake_item {
        uint64_t index;
        struct anon *anon; /* NULL: none */
    } item[FAKE_ITEMS];    /* at index % FAKE_ITEMS */
    unsigned nowned;       /* blocks this layer need not clone; ~0u: all */
    uint64_t owned[FAKE_ITEMS];
    struct fake_layer *next;
};

static struct fake_layer *fake_layers;

static struct fake_layer *
fake_of(struct layer *l)
{
    return container_of(l, struct fake_layer, l);
}

struct layer *
layer_create(void)
{
    struct fake_layer *f;

    if (fail_now(FAIL_AREA))
        return NULL;
    f = calloc(1, sizeof(*f));
    f->l.refs = 1;
    spin_init(&f->l.lock, RANK_LAYER);
    f->nowned = ~0u;
    f->next = fake_layers;
    fake_layers = f;
    return &f->l;
}

void
layer_get(struct layer *l)
{
    l->refs++;
}

static void
fake_drop(struct fake_layer *f, unsigned i, struct gather *g)
{
    struct anon *a = f->item[i].anon;

    f->item[i].anon = NULL;
    if (a != NULL)
        fake_gather(g, a);
}

void
layer_put(struct layer *l, struct gather *g)
{
    struct fake_layer *f = fake_of(l), **link = &fake_layers;

    if (--l->refs != 0)
        return;
    for (unsigned i = 0; i < FAKE_ITEMS; i++)
        fake_drop(f, i, g);
    while (*link != f)
        link = &(*link)->next;
    *link = f->next;
    free(f);
}

/* From now on a relative shares all nodes. */
static void
fake_share(struct layer *l)
{
    fake_of(l)->nowned = 0;
}

static bool
fake_owns(struct fake_layer *f, uint64_t index)
{
    if (f->nowned == ~0u)
        return true;
    for (unsigned i = 0; i < f->nowned; i++)
        if (f->owned[i] == index / FAKE_BLOCK)
            return true;
    return false;
}

static bool
fake_clone(struct fake_layer *f, uint64_t index)
{
    if (fake_owns(f, index))
        return true;
    if (fail_now(FAIL_NODE))
        return false;
    f->owned[f->nowned++ % FAKE_ITEMS] = index / FAKE_BLOCK;
    return true;
}

struct anon **
layer_walk(struct layer *l, uint64_t index, unsigned *cloned)
{
    static struct anon *slot;

    FAKE_CHECK(index < LAYER_INDEXES);
    *cloned += !fake_owns(fake_of(l), index);
    return fake_clone(fake_of(l), index) ? &slot : NULL;
}

struct anon *
layer_find(struct layer *l, uint64_t index)
{
    struct fake_item *it = &fake_of(l)->item[index % FAKE_ITEMS];

    return it->anon != NULL && it->index == index ? it->anon : NULL;
}

/* Must the node of EDGE be cloned to cut [FIRST, LAST] out? */
static bool
fake_cuts(struct fake_layer *f, uint64_t edge, uint64_t first, uint64_t last)
{
    uint64_t block = edge / FAKE_BLOCK * FAKE_BLOCK;

    if (first <= block && block + FAKE_BLOCK - 1 <= last)
        return false; /* covered whole */
    for (uint64_t i = block; i < block + FAKE_BLOCK; i++)
        if (layer_find(&f->l, i) != NULL)
            return true;
    return false;
}

int
layer_zap(struct layer *l, uint64_t first, uint64_t last, struct gather *g)
{
    struct fake_layer *f = fake_of(l);

    FAKE_CHECK(first <= last && last < LAYER_INDEXES);
    FAKE_CHECK(g->mm->gate.closed);
    if (fake_cuts(f, first, first, last) && !fake_clone(f, first))
        return -ENOMEM;
    if (fake_cuts(f, last, first, last) && !fake_clone(f, last))
        return -ENOMEM;
    for (unsigned i = 0; i < FAKE_ITEMS; i++)
        if (first <= f->item[i].index && f->item[i].index <= last)
            fake_drop(f, i, g);
    return 0;
}

/* --- objects ------------------------------------------------------------------ */

static unsigned fake_released;
static struct vm_object *fake_shared_last;
static size_t fake_objects; /* made by anon_shared_object() */

static void
fake_release(struct vm_object *obj)
{
    fake_released++;
}

static paddr_t
fake_frame(struct vm_object *obj, uint64_t index)
{
    return index << PAGE_SHIFT < obj->size ? (index + 1) << PAGE_SHIFT : 0;
}

static int
fake_page_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    return -EIO; /* nobody asks: the fault path is a stand-in, too */
}

static const struct pager_ops fake_file_ops = {.name = "file",
                                               .page_in = fake_page_in,
                                               .release = fake_release},
                              fake_device_ops = {.name = "device",
                                                 .frame = fake_frame,
                                                 .release = fake_release},
                              fake_shared_ops = {.name = "shared"};

void
object_init(struct vm_object *obj, const struct pager_ops *ops, uint64_t size,
            void *host)
{
    memset(obj, 0, sizeof(*obj));
    spin_init(&obj->lock, RANK_OBJECT);
    obj->refs = 1;
    obj->size = size;
    obj->ops = ops;
    list_init(&obj->areas);
}

void
object_get(struct vm_object *obj)
{
    obj->refs++;
}

void
object_put(struct vm_object *obj)
{
    if (--obj->refs != 0)
        return;
    FAKE_CHECK(fake_closed == 0 && list_empty(&obj->areas));
    if (obj->ops->release != NULL) {
        obj->ops->release(obj);
    } else {
        fake_objects--;
        free(obj);
    }
}

struct vm_object *
anon_shared_object(size_t bytes)
{
    struct vm_object *obj;

    FAKE_CHECK(fake_closed == 0);
    if (fail_now(FAIL_KMALLOC))
        return NULL;
    obj = malloc(sizeof(*obj));
    object_init(obj, &fake_shared_ops, bytes, NULL);
    fake_objects++;
    return fake_shared_last = obj;
}

static struct page *fake_cached; /* what object_find() returns */

struct page *
object_find_off(struct vm_object *obj, uint64_t index)
{
    if (fake_cached == NULL || fake_cached->index != index)
        return NULL;
    fake_cached->ref++;
    return fake_cached;
}

void
page_put(struct page *page)
{
    page->ref--;
}

/* --- the fault path ------------------------------------------------------------- */

/* Serve an access by the rules, at once.  Returns a negative errno. */
static int
fake_touch(struct mm_struct *mm, uintptr_t va, uint32_t access)
{
    struct vma_struct *v;
    struct fake_pte *e = fake_pte(va);
    struct fake_layer *f;
    struct anon *a;

    gate_enter(&mm->gate);
    v = find_vma(mm, va);
    gate_leave(&mm->gate);
    if (v == NULL || v->vm_start > va || e == NULL)
        return -EFAULT;
    if ((v->vm_flags & access) != access)
        return -EACCES;
    if (v->layer == NULL && access == VM_WRITE &&
        (v->vm_flags & VM_SHARED) == 0) {
        v->layer = layer_create();
        if (v->layer == NULL)
            return -ENOMEM;
    }
    a = v->layer == NULL ? NULL : layer_find(v->layer, vma_layer_index(v, va));
    if (a == NULL && access == VM_WRITE && (v->vm_flags & VM_SHARED) == 0) {
        f = fake_of(v->layer);
        if (!fake_clone(f, vma_layer_index(v, va)))
            return -ENOMEM;
        a = fake_anon();
        FAKE_CHECK(f->item[vma_layer_index(v, va) % FAKE_ITEMS].anon == NULL);
        f->item[vma_layer_index(v, va) % FAKE_ITEMS] =
            (struct fake_item){vma_layer_index(v, va), a};
    }
    *e = (struct fake_pte){
        .present = true,
        .rights = v->vm_flags & VM_RWX & (access | VM_READ | VM_EXEC),
        .anon = a,
        .object = v->vm_object,
        .index = v->vm_object == NULL ? 0 : vma_object_index(v, va)};
    return 0;
}

static unsigned fake_faults, fake_retries;

unsigned
do_pgfault(struct mm_struct *mm, unsigned error_code, uintptr_t addr)
{
    FAKE_CHECK(fake_closed == 0 && fake_readers == 0);
    fake_faults++;
    if (fake_retries != 0) {
        fake_retries--;
        return VM_FAULT_RETRY;
    }
    if (fake_pte(addr) == NULL)
        return 0;
    switch (fake_touch(mm, addr, error_code & FAULT_RIGHTS)) {
    case 0:
        return 0;
    case -ENOMEM:
        return VM_FAULT_OOM;
    default:
        return VM_FAULT_SIGSEGV;
    }
}

/* A new world, whatever became of the one before. */
static void
fake_reset(void)
{
    fail_set("any", 0);
    for (unsigned i = 0; i < fake_ncaches; i++)
        fake_caches[i].live = 0;
    memset(fake_ptes, 0, sizeof(fake_ptes));
    fake_wrong = NULL;
    fake_layers = NULL;
    fake_anons = fake_objects = 0;
    fake_released = fake_closed = fake_readers = fake_retries = 0;
}

#endif
