/* explore_truncate.c: an object gets shorter while others fault on its pages, read
 * them without a mapping, or write them back, over all schedules with at most two
 * preemptions.
 *
 * The stage is that of explore_fault.c, with mm/truncate.c and mm/object_read.c as
 * they are.  What must hold when object_truncate() is back: nobody shows what is
 * beyond the end, nobody has a private copy of it, and it is not in memory; and
 * what is mapped is in memory, always: a page that is freed has no entries. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"

#include "mm_stage.h"

#include "kern/mm/object_read.c"

#define page_lock(p)   EXPLORE_CALL(page_lock, p, p)
#define page_unlock(p) EXPLORE_CALL(page_unlock, p, p)
#define page_unmap(p)  EXPLORE_CALL(page_unmap, p, p)
#undef TRIES
#include "kern/mm/truncate.c"
#undef page_lock
#undef page_unlock
#undef page_unmap

/* Pages come outside of the gate, and are unlocked when they are there. */
static void
run_in(struct vm_object *obj, uint64_t index, struct page **pages, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        object_filled(obj, pages[i], pager_in(obj, index + i, pages[i]));
}

static const struct pager_ops run_ops = {.name = "run",
                                         .read_run = run_in,
                                         .page_out = pager_out,
                                         .mkwrite = pager_mkwrite,
                                         .release = pager_release};

/* A file of one page. */
static void
map_one(uint32_t flags)
{
    map_file(flags);
    file.object.ops = &run_ops;
    file.object.size = PAGE_SIZE;
}

static void
setup_cold(void)
{
    map_one(MAP_SHARED);
}

static void
setup_written(void)
{
    map_one(MAP_SHARED);
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        (void)user_store(HERE, 7);
    }
    as(0);
}

static void
setup_private(void)
{
    map_one(MAP_PRIVATE);
    (void)user_load(HERE, &saw[0][0]);
}

static void
cut(void)
{
    if (object_truncate(&file.object, 0) != 0)
        explore_fail("truncate");
}

static void
setup_read(void)
{
    map_one(MAP_SHARED);
    (void)user_load(HERE, &saw[0][0]);
}

/* Hart 1 cuts; hart 2, if there is one, writes the page back. */
static void
others(unsigned hart)
{
    struct page *page;

    if (hart == 1) {
        cut();
        return;
    }
    page = object_find(&file.object, 0);
    if (page == NULL)
        return;
    page_lock(page);
    if (object_clean(&file.object, page) != 0)
        explore_fail("the pager never fails");
    page_unlock(page);
    page_put(page);
}

static void
load_body(unsigned hart)
{
    start(hart);
    if (hart > 0) {
        others(hart);
        return;
    }
    result[0] = user_load(HERE, &saw[0][0]);
    if (result[0] == 0 && saw[0][0] != 7)
        explore_fail("saw %lu", saw[0][0]);
}

static void
store_body(unsigned hart)
{
    start(hart);
    if (hart > 0)
        others(hart);
    else
        (void)user_store(HERE, 5);
}

/* The last hart, which is the first to run, reads without a mapping, hart 0 of
 * three with one. */
static void
read_body(unsigned hart)
{
    struct page *page;
    char *data;

    start(hart);
    if (hart + 2 == ncpu)
        cut();
    else if (hart == 0)
        (void)user_load(HERE, &saw[0][0]);
    else if (object_page(&file.object, 0, &page, &data) == 0)
        page_put(page);
}

static void
cut_check(void)
{
    uint64_t v;

    if (file.object.npages != 0)
        explore_fail("a page beyond the end has come back");
    if (space[0]->rss != 0 || anon_count() != 0)
        explore_fail("%ld entries, %zu private pages", (long)space[0]->rss,
                     anon_count());
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        if (user_load(HERE, &v) != VM_FAULT_SIGBUS)
            explore_fail("hart %u still sees it", i);
    }
    all_gone();
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})

#define COLD    .setup = setup_cold, .body = load_body, .check = cut_check
#define WRITTEN .setup = setup_written, .body = store_body, .check = cut_check
#define SEEN    .setup = setup_read, .body = store_body, .check = cut_check
#define PRIVATE .setup = setup_private, .body = store_body, .check = cut_check
#define READ    .setup = setup_cold, .body = read_body, .check = cut_check

#define MUTANT(m) .mutant = MUTANT_##m, .expect = ""

static const struct explore_test tests[] = {
    {"cold", 2, COLD},
    {"seen", 2, SEEN},
    {"written", 2, WRITTEN},
    {"written-back", 3, WRITTEN},
    {"seen-and-written-back", 3, SEEN},
    {"private", 2, PRIVATE},
    {"read", 2, READ},
    {"read-and-mapped", 3, READ},
    {"mutant-fill-no-look", 2, READ, MUTANT(FILL_NO_LOOK)},
    {"mutant-fill-removes-mapped", 3, READ, MUTANT(FILL_REMOVES)},
    {"mutant-cut-no-page-lock", 2, COLD,
     .skip = SKIP("cut_pages/page_lock", "cut_pages/page_unlock"),
     .expect = ""},
};

int
main(int argc, char **argv)
{
    world_frames = world_new_frames();
    return explore_main(argc, argv, "explore_truncate", tests,
                        ARRAY_LEN(tests));
}
