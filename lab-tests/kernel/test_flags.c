/* test_flags.c: what a page's flags say while it comes, is written, goes out and comes
 * back: row 70 of docs/design/mm.md. */
#include "ext/mm/observe.h"
#include "mm/reclaim.h"
#include "mm/writeback.h"
#include "pager_ram.h"
#include "swap_ram.h"
#include "swap_world.h"

#define U  PGINFO_UPTODATE
#define D  PGINFO_DIRTY
#define WB PGINFO_WRITEBACK
#define L  PGINFO_LOCKED

static struct mm_struct *seen_mm;
static uintptr_t seen_at;

/* The flags of the page at the address that is looked at. */
static uint32_t
flags(void)
{
    struct pginfo info;

    CHECK(pginfo(seen_mm, seen_at, &info) == 0);
    return info.flags & (U | D | WB | L | PGINFO_ERROR);
}

static bool
has(uint32_t flag)
{
    struct pginfo info;

    CHECK(pginfo(seen_mm, seen_at, &info) == 0);
    return (info.flags & flag) != 0;
}

/* --- a page of a file, whose disk takes its time --- */

static struct page *on_its_way;
static uint32_t while_filled;

static int
held_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    (void)obj, (void)index;
    while_filled = page->flags & (PG_LOCKED | PG_UPTODATE | PG_DIRTY);
    page_zero(page_to_va(page));
    return 0;
}

static void
held_out(struct vm_object *obj, uint64_t index, struct page **pages, unsigned n)
{
    (void)obj, (void)index;
    CHECK(n == 1);
    on_its_way = pages[0];
}

static const struct pager_ops held_ops = {
    .name = "held", .page_in = held_in, .page_out = held_out};

KTEST(vm_row_70_the_flags_of_a_page_of_a_file)
{
    struct vm_object obj;
    struct page *page;
    long at;

    object_init(&obj, &held_ops, PG, NULL);
    seen_mm = mm_create();
    at = do_mmap(seen_mm, 0, PG, RW, MAP_SHARED, &obj, 0);
    CHECK(at > 0);
    seen_at = (uintptr_t)at;
    CHECK(get(seen_mm, seen_at) == 0 && while_filled == PG_LOCKED);
    CHECK(flags() == U);
    CHECK(put(seen_mm, seen_at, 1) == 0 && flags() == (U | D));
    CHECK(has(PGINFO_WRITE));
    CHECK(object_sync(&obj, 0, 0, false) == 0 && flags() == (U | WB));
    CHECK(!has(PGINFO_WRITE));
    object_written(&obj, on_its_way, 0);
    CHECK(flags() == U);
    /* A store while it is on its way: it is not clean when it is there. */
    CHECK(put(seen_mm, seen_at, 2) == 0);
    CHECK(object_sync(&obj, 0, 0, false) == 0 && flags() == (U | WB));
    CHECK(put(seen_mm, seen_at, 3) == 0 && flags() == (U | D | WB));
    object_written(&obj, on_its_way, 0);
    CHECK(flags() == (U | D));
    /* What could not be written is dirty again. */
    CHECK(object_sync(&obj, 0, 0, false) == 0 && flags() == (U | WB));
    object_written(&obj, on_its_way, -EIO);
    CHECK(flags() == (U | D));
    CHECK(object_sync(&obj, 0, 0, false) == 0);
    object_written(&obj, on_its_way, 0);
    page = object_find(&obj, 0);
    CHECK(object_evict(&obj, page) && page->owner == 0);
    CHECK((page->flags & (PG_DIRTY | PG_WRITEBACK | PG_LOCKED)) == 0);
    page_put(page); /* free: nothing is left of what it was */
    CHECK(!has(PGINFO_PRESENT) && get(seen_mm, seen_at) == 0 && flags() == U);
    mm_put_user(seen_mm);
    object_put(&obj);
}

/* --- a page that cannot be brought, and one that calls use --- */

KTEST(vm_row_70_an_error_and_its_end)
{
    struct ram_pager *rp = ram_pager_runs(1);
    struct page *page;
    char *data;

    CHECK(object_add(&rp->obj, 0, &page) == 0);
    rp->bad_page = 0;
    CHECK(object_fill(&rp->obj, page) == -EIO);
    CHECK((page->flags & (PG_ERROR | PG_UPTODATE | PG_DIRTY)) == PG_ERROR);
    CHECK(page->owner == 0); /* the next one asks again */
    page_unlock(page);
    page_put(page);
    rp->bad_page = RAM_NONE;
    CHECK(object_page(&rp->obj, 0, &page, &data) == 0);
    CHECK((page->flags & (PG_ERROR | PG_UPTODATE | PG_DIRTY | PG_LOCKED)) ==
          PG_UPTODATE);
    page_put(page);
    object_put(&rp->obj);
}

static uint32_t
referenced(struct vm_object *obj, uint64_t index)
{
    struct page *page = object_find(obj, index);
    uint32_t flag;

    CHECK(page != NULL);
    flag = page->flags & PG_REFERENCED;
    page_put(page);
    return flag;
}

/* read(2) came by one of two: the hand passes over it once, and takes the other. */
KTEST(vm_row_70_referenced_by_a_call)
{
    struct ram_pager *rp = ram_pager_runs(2);
    struct page *page;
    uint64_t word;
    char *data;

    flush_everything();
    (void)reclaim(1ul << 20);
    CHECK(object_page(&rp->obj, 1, &page, &data) == 0);
    atomic_and(&page->flags, ~PG_REFERENCED);
    page_put(page);
    CHECK(object_read(&rp->obj, 0, &word, 8) == 8 && rp->obj.npages == 2);
    CHECK(referenced(&rp->obj, 0) && !referenced(&rp->obj, 1));
    CHECK(reclaim(1) == 1 && rp->obj.npages == 1);
    CHECK(!referenced(&rp->obj, 0));
    CHECK(reclaim(1) == 1 && rp->obj.npages == 0);
    object_put(&rp->obj);
}

/* --- a private page, and its slot --- */

static int (*real_io)(struct swap_dev *dev, bool write, uint64_t slot,
                      struct page **pages, unsigned n);
static uint32_t in_io[2]; /* flags while it is read, and written */

static int
look_and_do(struct swap_dev *dev, bool write, uint64_t slot,
            struct page **pages, unsigned n)
{
    in_io[write] = flags();
    return real_io(dev, write, slot, pages, n);
}

KTEST(vm_row_70_the_flags_of_a_private_page)
{
    struct swap_ram *r = swap_ram_on(16);
    struct pginfo info;

    seen_mm = space_of(1, 1, "fifo", &seen_at);
    real_io = r->dev.io;
    r->dev.io = look_and_do;
    CHECK(get(seen_mm, seen_at) == 0 && has(PGINFO_ZERO));
    CHECK(put(seen_mm, seen_at, 5) == 0 && flags() == (U | D));
    CHECK(has(PGINFO_ACCESSED));
    all_out(seen_mm);
    CHECK(in_io[1] == (U | WB | L)); /* clean from before it is written */
    CHECK(flags() == 0 && !has(PGINFO_PRESENT));
    CHECK(pginfo(seen_mm, seen_at, &info) == 0 && info.slot != 0);
    CHECK(get(seen_mm, seen_at) == 5);
    CHECK(in_io[0] == L && flags() == U);
    CHECK(put(seen_mm, seen_at, 6) == 0 && flags() == (U | D));
    mm_put_user(seen_mm);
    swap_ram_off(r);
}

/* --- who may go, and who never --- */

static uint32_t
flags_at_entry(struct mm_struct *mm, uintptr_t at)
{
    struct page *page = page_at(mm, at);

    CHECK(page != NULL);
    return atomic_load(&page->flags);
}

/* A private page is on a list of those that may go from when it comes until it goes,
 * whatever way; a file's page and the zero page are on none. */
KTEST(vm_row_70_swappable_while_it_is_private)
{
    struct swap_ram *r = swap_ram_on(16);
    struct ram_pager *rp = ram_pager_runs(1);
    uintptr_t at, file;
    struct mm_struct *mm = space_of(3, 3, "clock", &at);
    struct page *page;

    file = (uintptr_t)do_mmap(mm, 0, PG, RW, MAP_PRIVATE, &rp->obj, 0);
    fill(mm, at, 2, 1);
    CHECK(flags_at_entry(mm, at) & PG_SWAPPABLE);
    CHECK(page_at(mm, at)->scope == mm->scope && mm->scope->nr == 2);
    CHECK(get(mm, at + 2 * PG) == 0 && get(mm, file) == ram_word(0, 0));
    CHECK((flags_at_entry(mm, at + 2 * PG) & (PG_SWAPPABLE | PG_ZERO)) ==
          PG_ZERO);
    CHECK(!(flags_at_entry(mm, file) & PG_SWAPPABLE) && mm->scope->nr == 2);
    /* It goes to swap and comes back; or its program gives it up. */
    CHECK(swap_out(mm->scope, 1) == 1 && mm->scope->nr == 1);
    CHECK(filled(mm, at, 2, 1) && mm->scope->nr == 2);
    CHECK(flags_at_entry(mm, at) & PG_SWAPPABLE);
    page = page_at(mm, at + PG);
    page_get(page);
    CHECK(do_munmap(mm, at + PG, PG) == 0 && mm->scope->nr == 1);
    CHECK((page->flags & (PG_SWAPPABLE | PG_LOCKED | PG_WRITEBACK)) == 0);
    CHECK(page->owner == 0 && page->mapcount == 0);
    page_put(page);
    mm_put_user(mm);
    object_put(&rp->obj);
    swap_ram_off(r);
}
