/* test_race_page.c: faults against those who come from an object's page: who cuts
 * it off, throws it out, or writes it back.  See test_race.c.
 *
 * Whoever did that and still has the page locked may rely on it: nobody maps the
 * page, or nobody writes to it.  So he looks at its words twice, with others at
 * work in between (race_still()). */
#include "mm/rmap.h"
#include "race.h"

#define P      PAGE_SIZE
#define TURNS  1000u
#define STORES 3000u /* of a writer in a round, at most */

static struct mm_struct *mm[2];
static size_t anons;          /* before the first round */
static uint32_t told[SET];    /* [a] the round's news are out */
static uint64_t last[2][SET]; /* [a] what each writer stored last */

static void
drop_spaces(void)
{
    for (unsigned i = 0; i < 2; i++) {
        if (mm[i] != NULL)
            mm_put_user(mm[i]);
        mm[i] = NULL;
    }
    memset(told, 0, sizeof(told));
    memset(last, 0, sizeof(last));
}

static void
race_test(const struct race *r)
{
    anons = anon_count();
    race_run(r);
    drop_spaces();
    CHECK(anon_count() == anons);
}

/* Until writer I stored something in round R that is newer than N; but its hart
 * may have no processor now. */
static uint64_t
await_store(unsigned i, unsigned r, uint64_t n)
{
    for (unsigned k = 0; k < TURNS && atomic_load(&last[i][r]) <= n; k++)
        (void)race_wait();
    return atomic_load(&last[i][r]);
}

/* --- an object --- */

static struct vm_object object;
static uint64_t disk[SET][4]; /* [page lock] the first words of each page */

static int
disk_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    page_zero(page_to_va(page));
    memcpy(page_to_va(page), disk[index], sizeof(disk[index]));
    return 0;
}

/* The page is unlocked before object_fill() has it again. */
static void
slow_disk_read(struct vm_object *obj, uint64_t index, struct page **pages,
               unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sched_yield();
        object_filled(obj, pages[i], disk_in(obj, index + i, pages[i]));
    }
}

static const struct pager_ops slow_disk = {.name = "slow disk",
                                           .read_run = slow_disk_read};
static const struct pager_ops fast_disk = {
    .name = "fast disk", .at_once = true, .page_in = disk_in};
static const struct pager_ops *pager;

static uintptr_t
page_of(unsigned index)
{
    return RACE_AT + index * P;
}

/* Two spaces show the object; in the first, private pages follow. */
static void
object_begin(void)
{
    drop_spaces();
    memset(disk, 0, sizeof(disk));
    for (unsigned i = 0; i < SET; i++)
        disk[i][0] = 1000 + i;
    object_init(&object, pager, SET * P, NULL);
    mm[0] = mm_create();
    RCHECK(do_mmap(mm[0], RACE_AT, SET * P, VM_READ | VM_WRITE,
                   MAP_SHARED | MAP_FIXED, &object, 0) == (long)RACE_AT);
    RCHECK(do_mmap(mm[0], page_of(SET), SET * P, VM_READ | VM_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) > 0);
    mm[1] = mm_copy(mm[0]);
    RCHECK(mm[1] != NULL);
}

/* Page INDEX, locked, with a reference, in the cache; or NULL. */
static struct page *
lock_page_of(uint64_t index)
{
    struct page *page = object_find(&object, index);

    if (page == NULL)
        return NULL;
    page_lock(page);
    if (object_owns(&object, page))
        return page;
    page_unlock(page);
    page_put(page);
    return NULL;
}

static void
release(struct page *page)
{
    page_unlock(page);
    page_put(page);
}

/* --- truncate: no page beyond the end is shown, or stays in the cache --- */

static void
cut_off(unsigned index)
{
    struct page *page;

    atomic_store(&object.size, index * P);
    page = lock_page_of(index);
    if (page == NULL)
        return;
    page_unmap(page);
    race_still(page, true);
    object_remove(&object, page);
    release(page);
}

/* In every other round the page is known to both. */
static void
truncate_page(unsigned r)
{
    if (r % 2) {
        (void)await_store(0, r, 0);
        (void)await_store(1, r, 0);
    }
    cut_off(SET - 1 - r);
    atomic_store_release(&told[r], 1u);
}

static void
truncate_act(unsigned who, unsigned r)
{
    uintptr_t at = page_of(SET - 1 - r);
    bool over = false, ok = true;
    uint64_t v = 0;

    if (who == 0) {
        truncate_page(r);
        return;
    }
    mm_use(mm[who - 1]);
    for (uint64_t n = 1; ok && n <= STORES; n++) {
        over = atomic_load_acquire(&told[r]) != 0;
        ok = user_store(at + 8 * who, n);
        RCHECK(!(over && ok));
        ok = user_load(at, &v);
        RCHECK(!ok || (v == 1000 + SET - 1 - r && !over));
        atomic_store(&last[who - 1][r], n);
    }
}

static void
truncate_after(unsigned who)
{
    uint64_t v;

    for (unsigned r = 0; who > 0 && r < SET; r++)
        RCHECK(!user_load(page_of(r), &v));
}

static void
truncate_end(unsigned n)
{
    RCHECK(object.npages == 0 && mm[0]->rss == 0 && mm[1]->rss == 0);
    object_put(&object);
}

static void
truncate_test(const struct pager_ops *ops)
{
    pager = ops;
    race_test(&(struct race){.racers = 3,
                             .begin = object_begin,
                             .act = truncate_act,
                             .after = truncate_after,
                             .end = truncate_end});
}

KTEST(vm_race_52_truncate_and_fault)
{
    truncate_test(&slow_disk);
}

KTEST(vm_race_52_truncate_and_fault_at_once)
{
    truncate_test(&fast_disk);
}

/* --- writeback and eviction: no store is lost --- */

static void
clean(uint64_t index, bool out)
{
    struct page *page = lock_page_of(index);

    if (page == NULL)
        return;
    if (out)
        page_unmap(page);
    else
        page_mkclean(page);
    race_still(page, out);
    if (atomic_load(&page->flags) & PG_DIRTY) {
        object_clear_dirty(&object, page);
        memcpy(disk[index], page_to_va(page), sizeof(disk[index]));
    }
    if (out)
        object_remove(&object, page);
    release(page);
}

static void
clean_pages(unsigned r)
{
    uint64_t n[2] = {0, 0};

    for (unsigned k = 0; k < 4; k++) {
        n[k % 2] = await_store(k % 2, r, n[k % 2]);
        clean(r, k == 2);
    }
    atomic_store_release(&told[r], 1u);
}

static void
store_shared(unsigned who, unsigned r)
{
    uintptr_t at = page_of(r);
    bool over = false;
    uint64_t v = 0;

    for (uint64_t n = 1; !over && n <= STORES; n++) {
        over = atomic_load_acquire(&told[r]) != 0;
        RCHECK(user_store(at + 8 * who, n));
        RCHECK(user_load(at + 8 * who, &v) && v == n);
        RCHECK(user_load(at, &v) && v == 1000 + r);
        atomic_store(&last[who - 1][r], n);
    }
}

/* A neighbour comes and goes: so the table is locked now and then. */
static void
disturb(unsigned r)
{
    for (unsigned k = 0; k < 3; k++) {
        RCHECK(user_store(page_of(SET + r), k));
        race_evict(mm[0], page_of(SET + r));
    }
}

static void
clean_act(unsigned who, unsigned r)
{
    if (who == 0) {
        clean_pages(r);
        return;
    }
    mm_use(mm[who % 2 ? 0 : 1]);
    if (who == 3)
        disturb(r);
    else
        store_shared(who, r);
}

static void
clean_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        clean(r, false); /* now the last stores are written, too */
        RCHECK(disk[r][0] == 1000 + r);
        RCHECK(disk[r][1] == last[0][r] && disk[r][2] == last[1][r]);
    }
    object_put(&object);
}

static void
clean_test(const struct pager_ops *ops)
{
    pager = ops;
    race_test(&(struct race){.racers = 4,
                             .begin = object_begin,
                             .act = clean_act,
                             .end = clean_end});
}

KTEST(vm_race_48_writeback_and_store)
{
    clean_test(&slow_disk);
}

KTEST(vm_race_48_writeback_and_store_at_once)
{
    clean_test(&fast_disk);
}
