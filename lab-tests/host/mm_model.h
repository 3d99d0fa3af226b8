/* mm_model.h: what users of a few spaces must see, as simple as possible, and
 * the steps that change it, each done to the model and to the kernel.
 *
 * A space is an array of cells, one per page: mapped or not, what, with which
 * rights, and the value of its word if the page is private.  The file has one
 * value per page.  A space's window lies at BASE; page P of it shows page P of
 * the file.  Each space runs on two harts, whose TLBs are as full as they can
 * be.
 *
 * => included once; MODEL_SPACES and MODEL_PAGES are set */
#ifndef HOST_MM_MODEL_H
#define HOST_MM_MODEL_H

#include "shim.h"

#include "mm_world.h"

#define program timer_program
#include "kern/ext/mm/failpoint.c"
#undef program
#include "kern/ext/mm/mlock.c"

#define BASE 0x10000000ul

enum kind { NOTHING, PRIVATE, FILE_SHARED, FILE_PRIVATE, KINDS };

struct cell {
    uint8_t kind;
    uint8_t rights; /* VM_READ, VM_WRITE */
    bool own;       /* VALUE is its own */
    uint64_t value;
};

static struct cell model[MODEL_SPACES][MODEL_PAGES];
static uint64_t model_file[MODEL_PAGES];
static struct mm_struct *mms[MODEL_SPACES];
static struct pager file;
static struct thread world_thread;

/* --- no scheduler: nobody else could wake us --- */

void
sched_sleep(struct spinlock *lock, bool intr)
{
    panic("the only thread sleeps");
}

bool
sched_wake(struct thread *t)
{
    return false;
}

void
sched_yield(void)
{
}

/* --- harts --- */

static void
be_hart(unsigned hart)
{
    world_thread.tcb.cpu = &cpus[hart];
    shim_tcb = &world_thread.tcb;
}

#define SIDES 2 /* harts of a space */

static void
run_space(unsigned s)
{
    for (unsigned side = 0; side < SIDES; side++) {
        be_hart(s + side * MODEL_SPACES);
        mmu_run(mms[s]);
    }
}

static void
leave_space(unsigned s)
{
    for (unsigned side = 0; side < SIDES; side++) {
        be_hart(s + side * MODEL_SPACES);
        mmu_run(NULL);
    }
    be_hart(s);
}

/* --- the model --- */

static struct cell *
cell(unsigned s, unsigned p)
{
    return &model[s][p];
}

static uint64_t
cell_value(unsigned s, unsigned p)
{
    struct cell *c = cell(s, p);

    if (c->own)
        return c->value;
    return c->kind == PRIVATE ? 0 : model_file[p];
}

static bool
cell_allows(unsigned s, unsigned p, bool write)
{
    return cell(s, p)->kind != NOTHING &&
           (cell(s, p)->rights & (write ? VM_WRITE : VM_READ));
}

/* --- a hart may know no more than the model --- */

static void
check_leaf(unsigned s, unsigned p, const struct mmu_leaf *l)
{
    uintptr_t va = BASE + p * PAGE_SIZE;
    struct page *page;

    if (!l->used || (l->pte & PTE_V) == 0)
        return;
    mmu_check(l->va == va, "a strange translation", l->va);
    mmu_check(cell_allows(s, p, false), "a translation of nothing", va);
    mmu_check((l->pte & PTE_W) == 0 || cell_allows(s, p, true),
              "a translation that may write", va);
    page = mmu_frame(l->pte, va);
    mmu_check((page->flags & PG_BUDDY) == 0, "a translation to a free frame",
              va);
    mmu_check(*(uint64_t *)page_to_va(page) == cell_value(s, p),
              "another value", va);
}

static bool model_lazy; /* harts look up what they need, no more */

/* Then it looks up all there is, for no reason, as harts do. */
static void
look_ahead(struct mmu *m, uintptr_t va)
{
    unsigned level;
    pte_t *pte = pte_lookup(m->mm, va, &level);

    if (level > 0)
        *leaf_of(m, va) = (struct mmu_leaf){va, 0, true};
    else
        *leaf_of(m, va) = (struct mmu_leaf){va, *pte, true};
    if (level == 0)
        *table_cached(m, va) = (struct mmu_table){
            ROUND_DOWN(va, pte_span(1)), (pte_t *)PAGE_DOWN((uintptr_t)pte)};
}

static void
check_harts(void)
{
    for (unsigned h = 0; h < SIDES * MODEL_SPACES; h++) {
        unsigned s = h % MODEL_SPACES;

        for (unsigned p = 0; p < MODEL_PAGES; p++) {
            uintptr_t va = BASE + p * PAGE_SIZE;

            check_leaf(s, p, leaf_of(&mmus[h], va));
            if (model_lazy)
                continue;
            look_ahead(&mmus[h], va);
            check_leaf(s, p, leaf_of(&mmus[h], va));
        }
    }
}

static void
check_all(void)
{
    struct vm_object *obj = &file.object;

    check_harts();
    verify(mms, MODEL_SPACES, &obj, 1);
}

/* --- steps --- */

static WORLD_UNUSED uint64_t model_moved; /* private pages, to another frame */
static uint64_t model_clock; /* gives every store a value of its own */
static unsigned model_side;  /* which hart of the space does it */

/* Does a failure have a reason?  Only if memory was refused. */
static uint64_t model_refused;

static void
check_refused(int err, const char *what)
{
    if (err != -ENOMEM || kstat_read(STAT_ALLOC_FAIL) == model_refused)
        panic("%s fails: %d", what, err);
}

static void
step_map(unsigned s, unsigned p, unsigned n, enum kind kind)
{
    uint32_t flags = MAP_FIXED |
                     (kind == FILE_SHARED ? MAP_SHARED : MAP_PRIVATE) |
                     (kind == PRIVATE ? MAP_ANONYMOUS : 0);
    long at =
        do_mmap(mms[s], BASE + p * PAGE_SIZE, n * PAGE_SIZE, VM_READ | VM_WRITE,
                flags, kind == PRIVATE ? NULL : &file.object,
                kind == PRIVATE ? 0 : p * PAGE_SIZE);

    if (at < 0)
        check_refused((int)at, "mmap");
    for (; at >= 0 && n > 0; n--, p++)
        *cell(s, p) = (struct cell){kind, VM_READ | VM_WRITE, false, 0};
}

static void
step_unmap(unsigned s, unsigned p, unsigned n)
{
    int err = do_munmap(mms[s], BASE + p * PAGE_SIZE, n * PAGE_SIZE);

    if (err != 0)
        check_refused(err, "munmap");
    for (; err == 0 && n > 0; n--, p++)
        *cell(s, p) = (struct cell){0};
}

/* Up to the first hole. */
static void
step_protect(unsigned s, unsigned p, unsigned n, uint32_t rights)
{
    int err = do_mprotect(mms[s], BASE + p * PAGE_SIZE, n * PAGE_SIZE, rights);
    bool refused = kstat_read(STAT_ALLOC_FAIL) != model_refused, hole = false;

    if (err != 0 && refused)
        return;
    for (; n > 0 && !hole; n--, p++) {
        hole = cell(s, p)->kind == NOTHING;
        if (!hole)
            cell(s, p)->rights = (uint8_t)rights;
    }
    if (err != (hole ? -ENOMEM : 0))
        panic("mprotect says %d", err);
}

static unsigned
expected(unsigned s, unsigned p, bool write)
{
    if (cell_allows(s, p, write))
        return 0;
    return VM_FAULT_SIGSEGV |
           (cell(s, p)->kind == NOTHING ? 0 : VM_FAULT_ACCERR);
}

static void
check_result(unsigned got, unsigned want, uintptr_t va)
{
    bool refused = kstat_read(STAT_ALLOC_FAIL) != model_refused;

    if (got != want && !(got == VM_FAULT_OOM && want == 0 && refused))
        panic("access at %#lx gives %#x, not %#x", va, got, want);
}

static void
step_read(unsigned s, unsigned p)
{
    uintptr_t va = BASE + p * PAGE_SIZE;
    uint64_t value = 0;
    unsigned result;

    be_hart(s + model_side * MODEL_SPACES);
    result = user_load(va, &value);
    check_result(result, expected(s, p, false), va);
    if (result == 0 && value != cell_value(s, p))
        panic("read %lu, not %lu, at %#lx", value, cell_value(s, p), va);
}

static void
step_write(unsigned s, unsigned p)
{
    uintptr_t va = BASE + p * PAGE_SIZE;
    uint64_t value = ++model_clock;
    unsigned result;

    be_hart(s + model_side * MODEL_SPACES);
    result = user_store(va, value);
    check_result(result, expected(s, p, true), va);
    if (result != 0)
        return;
    if (cell(s, p)->kind == FILE_SHARED)
        model_file[p] = value;
    else
        *cell(s, p) =
            (struct cell){cell(s, p)->kind, cell(s, p)->rights, true, value};
}

static uint64_t model_stat[MMSTAT_COUNT]; /* of the spaces that are gone */

/* The last user of space S goes. */
static void
end_space(unsigned s)
{
    leave_space(s);
    for (unsigned i = 0; i < MMSTAT_COUNT; i++)
        model_stat[i] += mms[s]->stat[i];
    mm_put_user(mms[s]);
    memset(model[s], 0, sizeof(model[s]));
}

static void
disarm(void)
{
    fail_set("any", 0);
}

static void
step_exit(unsigned s)
{
    end_space(s);
    disarm();
    mms[s] = mm_create();
    run_space(s);
}

static void
step_copy(unsigned from, unsigned to)
{
    struct mm_struct *copy;

    end_space(to);
    be_hart(from);
    copy = mm_copy(mms[from]);
    disarm();
    if (copy != NULL)
        memcpy(model[to], model[from], sizeof(model[to]));
    else
        check_refused(-ENOMEM, "mm_copy");
    mms[to] = copy != NULL ? copy : mm_create();
    run_space(to);
}

static bool
page_cached(unsigned p)
{
    struct page *page = object_find(&file.object, p);

    if (page != NULL)
        page_put(page);
    return page != NULL;
}

static void
step_evict(unsigned p)
{
    bool cached = page_cached(p);

    if (pager_evict(&file, p) != cached)
        panic("a page stays, though nobody uses it");
}

/* Take A and D from the entry, as reclaim does to see who comes back. */
static WORLD_UNUSED void
step_age(unsigned s, unsigned p)
{
    uintptr_t va = BASE + p * PAGE_SIZE;
    pte_t *pte = get_pte(mms[s], va, false);
    struct gather g;

    if (pte == NULL || (pte_load(pte) & PTE_V) == 0)
        return;
    spin_lock(pte_lock(pte));
    if (pte_change(pte, PTE_A | PTE_D, 0) & PTE_D)
        atomic_or(&pa_to_page(pte_pa(*pte))->flags, PG_DIRTY);
    spin_unlock(pte_lock(pte));
    gather_start(&g, mms[s]);
    gather_range(&g, va, va + PAGE_SIZE);
    gather_finish(&g);
}

/* Lock what there is up to a hole, or unlock it: the model does not change. */
static WORLD_UNUSED void
step_lock(unsigned s, unsigned p, unsigned n, bool lock)
{
    uintptr_t va = BASE + p * PAGE_SIZE;
    int err;

    be_hart(s + model_side * MODEL_SPACES);
    err = lock ? do_mlock(mms[s], va, n * PAGE_SIZE, MLOCK_ONFAULT)
               : do_munlock(mms[s], va, n * PAGE_SIZE);
    if (err != 0 && err != -ENOMEM)
        panic("mlock says %d", err);
}

/* Private pages get other frames; nobody sees that. */
static WORLD_UNUSED void
step_migrate(unsigned s, unsigned p, unsigned n)
{
    uintptr_t va = BASE + p * PAGE_SIZE;
    long owned = 0, moved;

    for (unsigned i = 0; i < n; i++)
        owned += cell(s, p + i)->own;
    be_hart(s + model_side * MODEL_SPACES);
    moved = migrate_range(mms[s], va, va + n * PAGE_SIZE);
    if (moved != owned && kstat_read(STAT_ALLOC_FAIL) == model_refused)
        panic("%ld of %ld private pages moved", moved, owned);
    model_moved += (uint64_t)moved;
}

/* --- the life of a world --- */

static void
model_start(void)
{
    memset(model, 0, sizeof(model));
    memset(model_file, 0, sizeof(model_file));
    model_clock = 0;
    pager_init(&file, &pager_ops, MODEL_PAGES);
    for (unsigned s = 0; s < MODEL_SPACES; s++) {
        mms[s] = mm_create();
        run_space(s);
    }
    be_hart(0);
}

/* Everything goes, and nothing is left. */
static void
model_end(void)
{
    disarm();
    for (unsigned s = 0; s < MODEL_SPACES; s++) {
        end_space(s);
        mms[s] = NULL;
    }
    object_put(&file.object);
    must_be(file.released == 1, "the file is let go");
    must_be(frames_used == 0, "no frame is left");
    must_be(world_objects == 0, "no object is left");
}

static void
model_init(void)
{
    ncpu = SIDES * MODEL_SPACES;
    for_each_cpu (c)
        c->online = 1;
    be_hart(0);
    world_frames = world_new_frames();
    world_start();
}

#endif
