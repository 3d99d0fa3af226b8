/* explore_object.c: busy pages, and faults against eviction and writeback, over
 * all schedules with at most two preemptions.
 *
 * mm/object.c and mm/fault_object.c run as they are, above the model of the
 * scheduler.  A hart is a space with one address; its entry is a page and a
 * right to write, below a table's lock.  What must hold: an entry shows a page
 * only while it is the object's and filled; a store is never lost, whoever
 * throws the page out or writes it back meanwhile; everybody who waits is
 * woken; no lock or reference is left over. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "explore/model.h"
#include "mm/failpoint.h"
#include "mm/fault_impl.h"
#include "mm/kmalloc.h"
#include <string.h>

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"
#include "libs/avl.c"
#define program timer_program /* the name is free in timeout.c only */
#include "kern/schedule/timeout.c"
#undef program
#include "kern/sync/wait.c"

enum mutant {
    MUTANT_NONE,
    MUTANT_ANNOUNCE_LATE,  /* the waiter looks, then says that it waits */
    MUTANT_NO_SECOND_LOOK, /* a page that was locked is taken as it is */
    MUTANT_STAYS_CLEAN,    /* a page becomes writable without being dirty */
    MUTANT_KEEPS_W,        /* a page is written back, and stays writable */
    MUTANT_LOOKS_ONCE,     /* at the size, before the page is locked */
};

/* --- memory --- */

static char arena[8192] __attribute__((aligned(64)));
static size_t arena_used;
static struct page frames[6];
static bool in_use[6];
static uint64_t word[6][EXPLORE_HARTS]; /* the contents */

bool fail_armed;
bool (*fail_hook)(enum fail_site site);

/* Nobody looks into frames through these. */
pfn_t memmap_first_pfn;
uintptr_t dmap_base, shim_memmap_base;

void *
kzalloc(size_t size)
{
    size_t at = arena_used;

    arena_used += ROUND_UP(size, 16);
    assert(arena_used <= sizeof(arena));
    return arena + at;
}

void *
kmalloc(size_t size)
{
    return kzalloc(size);
}

void
kfree(void *p)
{
}

struct page *
alloc_pages(unsigned order)
{
    for (unsigned i = 0; i < ARRAY_LEN(frames); i++) {
        if (!in_use[i]) {
            in_use[i] = true;
            memset(&frames[i], 0, sizeof(frames[i]));
            frames[i].ref = 1;
            return &frames[i];
        }
    }
    return NULL;
}

void
page_get(struct page *page)
{
    assert(in_use[page - frames]);
    atomic_add(&page->ref, 1);
}

static struct page *mapped[EXPLORE_HARTS]; /* [table] */
static bool writable[EXPLORE_HARTS];       /* [table] */

void
page_put(struct page *page)
{
    assert(in_use[page - frames]);
    if (atomic_add_acq_rel(&page->ref, -1) > 1)
        return;
    for (unsigned i = 0; i < EXPLORE_HARTS; i++) {
        if (mapped[i] == page)
            explore_fail("hart %u maps a page that is freed", i);
    }
    if (page->flags & PG_LOCKED)
        explore_fail("a page is freed that somebody has locked");
    in_use[page - frames] = false;
    memset(word[page - frames], 0xdd, sizeof(word[0]));
}

/* --- the kernel's files, with their holes --- */

#undef atomic_or
#define atomic_or(p, v)                                            \
    (explore_mutant() == MUTANT_ANNOUNCE_LATE && (v) == PG_WAITERS \
         ? late_or((uint32_t *)(p), v)                             \
         : (ATOMIC_POINT(p), __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL)))

static uint32_t
late_or(uint32_t *p, uint32_t v)
{
    uint32_t old = atomic_load(p);

    ATOMIC_POINT(p);
    __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL);
    return old;
}

static unsigned looks[EXPLORE_HARTS];

static uint64_t
pages_of(struct vm_object *obj)
{
    if (explore_mutant() == MUTANT_LOOKS_ONCE && looks[explore_hart]++ > 0)
        return 1;
    return object_pages(obj);
}

#define object_pages(obj) pages_of(obj)
#define wait_wake_all(wq) EXPLORE_CALL(wait_wake_all, wq, wq)
#include "kern/mm/object.c"

#define object_owns(o, p) \
    (explore_mutant() == MUTANT_NO_SECOND_LOOK || object_owns(o, p))
#define object_set_dirty(o, p)                      \
    do {                                            \
        if (explore_mutant() != MUTANT_STAYS_CLEAN) \
            object_set_dirty(o, p);                 \
    } while (0)
#define page_unlock(p) EXPLORE_CALL(page_unlock, p, p)
#include "kern/mm/fault_object.c"
#undef page_unlock
#undef object_set_dirty
#undef object_owns

#undef object_pages

/* --- the rest of a fault --- */

static struct spinlock table = SPINLOCK_INIT(RANK_PTE);
static struct vm_object object;
static struct mm_struct space[EXPLORE_HARTS];
static struct vma_struct area[EXPLORE_HARTS];

static unsigned
store_entry(struct fault *f, struct page *page, bool write)
{
    unsigned me = (unsigned)(f->mm - space);

    spin_lock(&table);
    if (!in_use[page - frames] || !(page->flags & PG_UPTODATE) ||
        page->owner != ((uintptr_t)&object | PAGE_OWNER_OBJECT))
        explore_fail("an entry shows what is not the object's");
    if (mapped[me] != NULL && mapped[me] != page)
        explore_fail("another page is mapped already");
    mapped[me] = page;
    writable[me] |= write;
    spin_unlock(&table);
    return VM_FAULT_NOPAGE;
}

unsigned
finish_fault(struct fault *f, struct page *page, uint64_t rights)
{
    return store_entry(f, page, true);
}

unsigned
show_below(struct fault *f, struct page *page)
{
    return store_entry(f, page, false);
}

unsigned
finish_frame(struct fault *f, pte_t entry)
{
    return 0;
}

unsigned
publish_private(struct fault *f, struct page *page)
{
    return 0;
}

int
expand_stack(struct mm_struct *mm, uintptr_t addr)
{
    return 0;
}

uint64_t
pte_rights(uint32_t vm_flags)
{
    return 0;
}

/* do_pgfault(), without a gate. */
static unsigned
fault(unsigned me, bool write)
{
    struct fault f = {.mm = &space[me],
                      .vma = &area[me],
                      .code = write ? FAULT_WRITE : FAULT_READ};

    for (;;) {
        unsigned result;

        irq_off();
        result = do_object_fault(&f);
        irq_restore();
        if (f.todo != 0)
            result = fault_outside(&f, result);
        if (!(result & VM_FAULT_RETRY))
            return result;
    }
}

/* A load or a store of this hart's word, through its entry.  False: fault. */
static bool
reach(unsigned me, bool write, uint64_t *value)
{
    bool may;

    spin_lock(&table);
    may = mapped[me] != NULL && (writable[me] || !write);
    if (may && write)
        word[mapped[me] - frames][me] = *value;
    else if (may)
        *value = word[mapped[me] - frames][me];
    spin_unlock(&table);
    return may;
}

static unsigned
reach_or_fault(unsigned me, bool write, uint64_t *value)
{
    while (!reach(me, write, value)) {
        unsigned result = fault(me, write);

        if (result & VM_FAULT_ERROR)
            return result;
    }
    return 0;
}

/* --- the disk --- */

static uint64_t disk[EXPLORE_HARTS];
static unsigned ins, bad_reads;

static int
disk_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    ins++;
    EXPLORE_POINT("reading");
    if (bad_reads > 0) {
        bad_reads--;
        return -EIO;
    }
    memcpy(word[page - frames], disk, sizeof(disk));
    return 0;
}

static int
disk_out(struct vm_object *obj, uint64_t index, struct page **pages, unsigned n)
{
    memcpy(disk, word[pages[0] - frames], sizeof(disk));
    EXPLORE_POINT("written");
    return 0;
}

static int
disk_mkwrite(struct vm_object *obj, uint64_t index, struct page *page)
{
    EXPLORE_POINT("mkwrite");
    return 0;
}

static const struct pager_ops disk_ops = {.name = "disk",
                                          .page_in = disk_in,
                                          .page_out = disk_out,
                                          .mkwrite = disk_mkwrite};

static void
take_away(struct page *page, bool all)
{
    spin_lock(&table);
    for (unsigned i = 0; i < EXPLORE_HARTS; i++) {
        if (mapped[i] != page)
            continue;
        writable[i] = writable[i] && explore_mutant() == MUTANT_KEEPS_W && !all;
        if (all)
            mapped[i] = NULL;
    }
    spin_unlock(&table);
}

/* Write the page back, and throw it out if EVICT. */
static void
clean(bool evict)
{
    struct page *page = object_find(&object, 0);

    if (page == NULL)
        return;
    page_lock(page);
    if (object_owns(&object, page) && (page->flags & PG_UPTODATE)) {
        take_away(page, evict);
        if (page->flags & PG_DIRTY) {
            object_clear_dirty(&object, page);
            (void)disk_out(&object, 0, &page, 1);
        }
        if (evict)
            object_remove(&object, page);
    }
    page_unlock(page);
    page_put(page);
}

/* --- the tests --- */

static void
setup(void)
{
    model_start(explore_hart);
    object_start();
    object_init(&object, &disk_ops, PAGE_SIZE, NULL);
    for (unsigned i = 0; i < EXPLORE_HARTS; i++) {
        area[i].vm_object = &object;
        area[i].vm_flags = VM_SHARED | VM_READ | VM_WRITE;
        disk[i] = 10 + i;
    }
    EXPLORE_NAME(frames);
    EXPLORE_NAME(object);
    EXPLORE_NAME(table);
}

/* Nothing is left over, and the disk holds what was stored last. */
static void
nothing_left(void)
{
    clean(true);
    if (object.npages != 0 || atomic_load(&object.refs) != 1)
        explore_fail("left: %zu pages, %d references", object.npages,
                     object.refs);
    for (unsigned i = 0; i < ARRAY_LEN(in_use); i++) {
        if (in_use[i])
            explore_fail("a reference to frame %u is left", i);
    }
}

static void
read_body(unsigned hart)
{
    uint64_t v = 0;

    model_start(hart);
    if (reach_or_fault(hart, false, &v) != 0 || v != 10 + hart)
        explore_fail("hart %u read %lu", hart, v);
}

static void
read_check(void)
{
    if (ins != 1)
        explore_fail("the disk was asked %u times", ins);
    nothing_left();
}

static void
setup_bad(void)
{
    setup();
    bad_reads = 1;
}

static unsigned failures;

static void
bad_body(unsigned hart)
{
    uint64_t v = 0;

    model_start(hart);
    if (reach_or_fault(hart, false, &v) != 0)
        failures++;
    else if (v != 10 + hart)
        explore_fail("hart %u read %lu", hart, v);
}

static void
bad_check(void)
{
    if (failures != 1)
        explore_fail("%u harts got an error", failures);
    nothing_left();
}

/* Hart 0 and 1 store and look; the last one cleans meanwhile. */
static void
store_body(unsigned hart, bool evict)
{
    model_start(hart);
    if (hart == 2) {
        clean(evict);
        return;
    }
    for (uint64_t n = 1; n <= 2; n++) {
        uint64_t v = 100 * n + hart, got = 0;

        (void)reach_or_fault(hart, true, &v);
        (void)reach_or_fault(hart, false, &got);
        if (got != v)
            explore_fail("hart %u stored %lu and reads %lu", hart, v, got);
    }
}

static void
evict_body(unsigned hart)
{
    store_body(hart, true);
}

static void
flush_body(unsigned hart)
{
    store_body(hart, false);
}

/* The page is cached, and both map it for reading. */
static void
setup_cached(void)
{
    uint64_t v;

    setup();
    (void)reach_or_fault(0, false, &v);
    (void)reach_or_fault(1, false, &v);
}

/* The page is cached, but neither of the two maps it. */
static void
setup_read_by_another(void)
{
    uint64_t v;

    setup();
    (void)reach_or_fault(3, false, &v);
}

static void
read_or_evict_body(unsigned hart)
{
    if (hart == 0) {
        read_body(hart);
    } else {
        model_start(hart);
        clean(true);
    }
}

static void
truncate_body(unsigned hart)
{
    uint64_t v;

    model_start(hart);
    if (hart == 0) {
        (void)reach_or_fault(hart, false, &v); /* or SIGBUS */
        return;
    }
    atomic_store(&object.size, (uint64_t)0);
    clean(true);
}

static void
truncated(void)
{
    for (unsigned i = 0; i < EXPLORE_HARTS; i++) {
        if (mapped[i] != NULL)
            explore_fail("hart %u maps what is beyond the end", i);
    }
    if (object.npages != 0)
        explore_fail("a page beyond the end is cached");
    nothing_left();
}

static void
stored_check(void)
{
    nothing_left();
    for (unsigned i = 0; i < 2; i++) {
        if (disk[i] != 200 + i)
            explore_fail("the disk has %lu of hart %u", disk[i], i);
    }
}

static unsigned inside;

static void
lock_body(unsigned hart)
{
    struct page *page = &frames[0];

    model_start(hart);
    page_lock(page);
    if (++inside != 1)
        explore_fail("two harts have the page");
    EXPLORE_POINT("inside");
    --inside;
    page_unlock(page);
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct explore_test tests[] = {
    {.name = "page-lock",
     .harts = 3,
     .setup = setup,
     .body = lock_body,
     .frozen = true},
    {.name = "mutant-no-wake",
     .harts = 2,
     .setup = setup,
     .body = lock_body,
     .frozen = true,
     .skip = SKIP("page_unlock/wait_wake_all"),
     .expect = "dead-lock"},
    {.name = "mutant-announce-late",
     .harts = 2,
     .setup = setup,
     .body = lock_body,
     .frozen = true,
     .mutant = MUTANT_ANNOUNCE_LATE,
     .expect = "dead-lock"},
    {.name = "cold-page",
     .harts = 3,
     .setup = setup,
     .body = read_body,
     .check = read_check},
    {.name = "bad-disk",
     .harts = 2,
     .setup = setup_bad,
     .body = bad_body,
     .check = bad_check},
    {.name = "mutant-error-keeps-lock",
     .harts = 2,
     .setup = setup_bad,
     .body = bad_body,
     .check = bad_check,
     .skip = SKIP("page_outside/page_unlock"),
     .expect = ""},
    {.name = "evict",
     .harts = 3,
     .setup = setup_cached,
     .body = evict_body,
     .check = stored_check},
    {.name = "evict-before-read",
     .harts = 2,
     .setup = setup_read_by_another,
     .body = read_or_evict_body,
     .check = nothing_left},
    {.name = "mutant-no-second-look",
     .harts = 2,
     .setup = setup_read_by_another,
     .body = read_or_evict_body,
     .check = nothing_left,
     .mutant = MUTANT_NO_SECOND_LOOK,
     .expect = "not the object's"},
    {.name = "mutant-stays-clean",
     .harts = 3,
     .setup = setup_cached,
     .body = evict_body,
     .check = stored_check,
     .mutant = MUTANT_STAYS_CLEAN,
     .expect = ""},
    {.name = "truncate",
     .harts = 2,
     .setup = setup_read_by_another,
     .body = truncate_body,
     .check = truncated},
    {.name = "truncate-cold",
     .harts = 2,
     .setup = setup,
     .body = truncate_body,
     .check = truncated},
    {.name = "mutant-truncate-looks-once",
     .harts = 2,
     .setup = setup,
     .body = truncate_body,
     .check = truncated,
     .mutant = MUTANT_LOOKS_ONCE,
     .expect = "beyond the end"},
    {.name = "writeback",
     .harts = 3,
     .setup = setup_cached,
     .body = flush_body,
     .check = stored_check},
    {.name = "mutant-writeback-keeps-w",
     .harts = 3,
     .setup = setup_cached,
     .body = flush_body,
     .check = stored_check,
     .mutant = MUTANT_KEEPS_W,
     .expect = "the disk has"},
};

int
main(int argc, char **argv)
{
    return explore_main(argc, argv, "explore_object", tests, ARRAY_LEN(tests));
}
