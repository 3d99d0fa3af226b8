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

static void
get_checked(struct page *page)
{
    assert(in_use[page - frames]);
    page_get(page);
}

#define page_get(p) get_checked(p)

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
#define page_unlock(p)    EXPLORE_CALL(page_unlock, p, p)
#include "kern/mm/object.c"
#include "kern/mm/object_fill.c"
#undef page_unlock
#include "kern/mm/page_lock.c"
#include "kern/mm/readahead.c"

#define object_owns(o, p) \
    (explore_mutant() == MUTANT_NO_SECOND_LOOK || object_owns(o, p))
#define object_set_dirty(o, p)                      \
    do {                                            \
        if (explore_mutant() != MUTANT_STAYS_CLEAN) \
            object_set_dirty(o, p);                 \
    } while (0)
#define page_unlock(p) EXPLORE_CALL(page_unlock, p, p)
#include "kern/mm/fault_object.c"

/* No private pages here, and no swap. */
void
shared_forget(struct vm_object *obj)
{
    (void)obj;
}

int
swap_in_outside(struct fault *f)
{
    (void)f;
    return -EIO;
}

void
make_room(struct fault *f)
{
    (void)f;
}
#undef page_unlock
static void take_away(struct page *page, bool all);
#include "kern/mm/writeback.c"

void
balance_dirty(struct vm_object *obj)
{
}

void
pages_mkclean(struct page **pages, unsigned n)
{
    while (n > 0)
        take_away(pages[--n], false);
}

unsigned
try_to_unmap(struct page *page)
{
    take_away(page, true);
    return 0;
}
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

static unsigned bad_writes;

static void
disk_out(struct vm_object *obj, uint64_t index, struct page **pages, unsigned n)
{
    int err = bad_writes > 0 ? -EIO : 0;

    if (err == 0)
        memcpy(disk, word[pages[0] - frames], sizeof(disk));
    else
        bad_writes--;
    EXPLORE_POINT("written");
    object_written(obj, pages[0], err);
}

static int
disk_mkwrite(struct vm_object *obj, uint64_t index, struct page *page)
{
    EXPLORE_POINT("mkwrite");
    return 0;
}

/* A disk that works beside: hart 2 ends what was begun. */
static struct page *begun;
static bool begun_write;

static void
begin_io(struct page **pages, unsigned n, bool write)
{
    if (begun != NULL || n != 1)
        explore_fail("two at a time");
    begun_write = write;
    EXPLORE_POINT("begun");
    begun = pages[0];
}

static void
slow_run(struct vm_object *obj, uint64_t index, struct page **pages, unsigned n)
{
    ins++;
    begin_io(pages, n, false);
}

static void
slow_out(struct vm_object *obj, uint64_t index, struct page **pages, unsigned n)
{
    begin_io(pages, n, true);
}

static bool
io_begun(void *arg)
{
    return begun != NULL;
}

/* As in an interrupt. */
static void
end_io(void)
{
    struct page *page;
    unsigned *bad;
    int err = 0;

    explore_wait("a request", io_begun, NULL);
    page = begun;
    bad = begun_write ? &bad_writes : &bad_reads;
    begun = NULL;
    irq_off();
    if (*bad > 0) {
        --*bad;
        err = -EIO;
    } else if (begun_write) {
        memcpy(disk, word[page - frames], sizeof(disk));
    } else {
        memcpy(word[page - frames], disk, sizeof(disk));
    }
    EXPLORE_POINT("ending");
    if (begun_write)
        object_written(&object, page, err);
    else
        object_filled(&object, page, err);
    irq_restore();
}

static const struct pager_ops slow_ops = {.name = "disk beside",
                                          .read_run = slow_run,
                                          .page_out = slow_out,
                                          .mkwrite = disk_mkwrite};
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

static void
clean_once(void)
{
    struct page *page = object_find(&object, 0);

    page_lock(page);
    page_wait_written(page);
    object_write_run(&object, &page, 1);
    page_put(page);
}

/* Write the page back, and throw it out if EVICT, unless it is stored to all the
 * time. */
static void
clean(bool evict)
{
    struct page *page = object_find(&object, 0);

    if (page == NULL)
        return;
    page_lock(page);
    if (object_owns(&object, page) && (page->flags & PG_UPTODATE)) {
        if (evict)
            take_away(page, true);
        if (object_clean(&object, page) != 0)
            explore_fail("the disk is well");
        if (evict && object_owns(&object, page)) {
            take_away(page, true);
            if (!(page->flags & (PG_DIRTY | PG_WRITEBACK)))
                object_remove(&object, page);
        }
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

/* The same with a disk that works beside. */
static void
setup_beside(void)
{
    setup();
    object.ops = &slow_ops;
}

static void
beside_body(unsigned hart)
{
    if (hart < 2) {
        read_body(hart);
    } else {
        model_start(hart);
        end_io();
    }
}

/* Whatever is left to be written has no disk beside any more. */
static void
beside_check(void)
{
    object.ops = &disk_ops;
    read_check();
}

static void
setup_beside_bad(void)
{
    setup_beside();
    bad_reads = 1;
}

static unsigned failures;

static void
beside_bad_body(unsigned hart)
{
    uint64_t v = 0;

    model_start(hart);
    if (hart == 2) {
        end_io();
        end_io();
    } else if (reach_or_fault(hart, false, &v) != 0) {
        failures++;
    } else if (v != 10 + hart) {
        explore_fail("hart %u read %lu", hart, v);
    }
}

static void
beside_bad_check(void)
{
    object.ops = &disk_ops;
    /* Who tries again before the first one looked, spares him the error. */
    if (failures > 1 || ins != 2)
        explore_fail("%u errors, the disk was asked %u times", failures, ins);
    nothing_left();
}

/* Hart 0 stores while the page is written; hart 2 is the disk. */
static void
setup_beside_dirty(void)
{
    uint64_t v = 1;

    setup();
    (void)reach_or_fault(0, true, &v);
    object.ops = &slow_ops;
}

static void
beside_store_body(unsigned hart)
{
    uint64_t v = 200;

    model_start(hart);
    if (hart == 2)
        end_io();
    else if (hart == 1)
        clean_once();
    else
        (void)reach_or_fault(0, true, &v);
}

static void
beside_stored(void)
{
    object.ops = &disk_ops;
    nothing_left();
    if (disk[0] != 200)
        explore_fail("the disk has %lu", disk[0]);
}

static void
setup_beside_full(void)
{
    setup_beside_dirty();
    bad_writes = 1;
}

static void
beside_full_check(void)
{
    uint32_t seen = 0;

    if (object_error_since(&object, &seen) != -EIO ||
        object_error_since(&object, &seen) != 0)
        explore_fail("who asks is not told once");
    beside_stored();
}

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
     .skip = SKIP("take_bit/wait_wake_all"),
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
    {.name = "disk-beside",
     .harts = 3,
     .setup = setup_beside,
     .body = beside_body,
     .check = beside_check},
    {.name = "mutant-filled-stays-locked",
     .harts = 3,
     .setup = setup_beside,
     .body = beside_body,
     .check = beside_check,
     .skip = SKIP("object_filled/page_unlock"),
     .expect = "dead-lock"},
    {.name = "disk-beside-fails",
     .harts = 3,
     .setup = setup_beside_bad,
     .body = beside_bad_body,
     .check = beside_bad_check},
    {.name = "store-while-written",
     .harts = 3,
     .setup = setup_beside_dirty,
     .body = beside_store_body,
     .check = beside_stored},
    {.name = "store-while-writing-fails",
     .harts = 3,
     .setup = setup_beside_full,
     .body = beside_store_body,
     .check = beside_full_check},
    {.name = "mutant-written-wakes-nobody",
     .harts = 3,
     .setup = setup_beside_dirty,
     .body = beside_store_body,
     .check = beside_stored,
     .skip = SKIP("take_bit/wait_wake_all"),
     .expect = "dead-lock"},
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
