/* test_transcript.c: one long story about two address spaces, told in records:
 *
 *     vm STEP at|data|entries|... VALUE     vm STEP SPACE COUNTER VALUE
 *
 * Nothing in it may depend on the paging mode, on who sets A and D, or on the
 * number of harts: tools/ktest.py compares what the rows transcript-* say, word
 * by word.  The exceptions are the counters that tell these machines apart:
 * adfix, pt_alloc and pt_free are not told, and flt without adfix. */
#include "driver/event.h"
#include "ext/mm/hint.h"
#include "ext/mm/mapcalls.h"
#include "ext/mm/migrate.h"
#include "ktest.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include "mm/swap.h"
#include <errno.h>

#define P     PAGE_SIZE
#define PAGES 64ul
#define STACK 0x3000000000ul
#define RW    (VM_READ | VM_WRITE)
#define ANON  (MAP_PRIVATE | MAP_ANONYMOUS)

static const char *const names[MMSTAT_COUNT] = {
#define X(id, name) [id] = name,
    MMSTAT_LIST(X)
#undef X
};

static const char *step;
static size_t anons_before, nodes_before;
static struct mm_struct *mm, *child;

static void
say(const char *what, uint64_t value)
{
    event("vm", "%s %s %#lx", step, what, value);
}

static uint64_t
mix(uint64_t hash, uint64_t v)
{
    return (hash ^ v) * 0x100000001b3; /* FNV-1a, a word at a time */
}

static long
put(struct mm_struct *s, uintptr_t at, uint64_t v)
{
    return mm_access(s, at, &v, sizeof(v), true);
}

/* What PAGES pages from AT hold; a page that cannot be read counts, too. */
static void
say_data(const char *what, struct mm_struct *s, uintptr_t at, size_t pages)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < pages; i++) {
        uint64_t v[2] = {0, 0};

        hash = mix(hash, (uint64_t)mm_access(s, at + i * P, v, 16, false));
        hash = mix(mix(hash, v[0]), v[1]);
    }
    say(what, hash);
}

static pte_t
entry(struct mm_struct *s, uintptr_t at)
{
    pte_t *pte, e;

    gate_enter(&s->gate);
    pte = get_pte(s, at, false);
    e = pte == NULL ? 0 : pte_load(pte);
    gate_leave(&s->gate);
    return e;
}

/* The bits of the entries, A and D included. */
static void
say_entries(struct mm_struct *s, uintptr_t at, size_t pages)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < pages; i++)
        hash = mix(hash, entry(s, at + i * P) & PTE_FLAGS);
    say("entries", hash);
}

static void
say_counters(const char *name, struct mm_struct *s)
{
    for (unsigned i = 0; i < MMSTAT_COUNT; i++) {
        uint64_t n = s->stat[i];

        if (i == MM_ADFIX || i == MM_PT_ALLOC || i == MM_PT_FREE)
            continue;
        if (i == MM_FLT)
            n -= s->stat[MM_ADFIX];
        if (n != 0)
            event("vm", "%s %s %s %lu", step, name, names[i], n);
    }
    event("vm", "%s %s rss %lu", step, name, (uint64_t)s->rss);
    event("vm", "%s %s areas %lu", step, name, (uint64_t)s->map_count);
}

static void
say_pages(void)
{
    say("anons", anon_count() - anons_before);
    say("nodes", lnode_count() - nodes_before);
}

static void
end_step(void)
{
    say_counters("parent", mm);
    if (child != NULL)
        say_counters("child", child);
    say_pages();
}

static void
write_pages(struct mm_struct *s, uintptr_t at, size_t first, size_t n,
            uint64_t salt)
{
    for (size_t i = first; i < first + n; i++)
        CHECK(put(s, at + i * P, salt + i) == 0);
}

/* A of every page with records is cleared, as a sweep does. */
static void
grow_old(struct mm_struct *s, uintptr_t at, size_t pages)
{
    uint64_t used = 0;

    for (size_t i = 0; i < pages; i++) {
        pte_t e = entry(s, at + i * P);
        struct page *page = e & PTE_V ? pa_to_page(pte_pa(e)) : NULL;

        if (page == NULL || (page->flags & PG_ZERO))
            continue;
        page_get(page);
        used += pages_take_accessed(&page, 1);
        page_put(page);
    }
    say("used", used);
}

static uintptr_t
map(size_t pages, uint32_t prot, uint32_t flags, struct vm_object *obj)
{
    long at = do_mmap(mm, 0, pages * P, prot, flags, obj, 0);

    CHECK(at > 0);
    say("at", (uint64_t)at);
    return (uintptr_t)at;
}

/* --- the steps --- */

static uintptr_t
first_touches(void)
{
    uintptr_t at;

    step = "first";
    at = map(PAGES, RW, ANON, NULL);
    say_data("data", mm, at, PAGES);
    write_pages(mm, at, 0, 48, 100);
    say_entries(mm, at, PAGES);
    end_step();
    return at;
}

static void
old_pages(uintptr_t at)
{
    step = "old";
    grow_old(mm, at, PAGES);
    say_entries(mm, at, PAGES);
    say_data("data", mm, at, 24);
    write_pages(mm, at, 24, 8, 200);
    say_entries(mm, at, PAGES);
    grow_old(mm, at, PAGES);
    end_step();
}

static void
copy(uintptr_t at)
{
    step = "fork";
    child = mm_copy(mm);
    CHECK(child != NULL);
    say_data("data", child, at, PAGES);
    write_pages(child, at, 0, 16, 300);
    write_pages(mm, at, 8, 16, 400);
    say_data("data", mm, at, PAGES);
    say_data("data", child, at, PAGES);
    say_entries(mm, at, PAGES);
    say_entries(child, at, PAGES);
    end_step();
}

static void
unmap_and_protect(uintptr_t at)
{
    step = "protect";
    CHECK(do_munmap(mm, at + 4 * P, 4 * P) == 0);
    CHECK(do_mprotect(mm, at + 16 * P, 8 * P, VM_READ) == 0);
    CHECK(put(mm, at + 16 * P, 1) == -EFAULT);
    CHECK(do_mprotect(mm, at + 20 * P, 8 * P, 0) == 0);
    say_data("data", mm, at, PAGES);
    CHECK(do_mprotect(mm, at + 16 * P, 12 * P, RW) == 0);
    write_pages(mm, at, 16, 4, 500);
    say_data("data", mm, at, PAGES);
    say_data("data", child, at, PAGES);
    say_entries(mm, at, PAGES);
    end_step();
}

static void
stack_and_break(void)
{
    uintptr_t top;

    step = "stack";
    CHECK(do_mmap(mm, STACK, 4 * P, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, NULL,
                  0) == (long)STACK);
    top = STACK + 4 * P;
    for (unsigned i = 1; i <= 20; i++)
        CHECK(put(mm, top - i * P, i) == 0);
    CHECK(put(mm, top - STACK_LIMIT - P, 0) == -EFAULT);
    mm->brk_start = mm->brk = 0x10000000;
    say("brk", do_brk(mm, 0x10000000 + 9 * P));
    write_pages(mm, 0x10000000, 0, 9, 600);
    say("brk", do_brk(mm, 0x10000000 + 3 * P));
    say_data("data", mm, 0x10000000, 9);
    say_data("data", mm, top - 20 * P, 20);
    end_step();
}

static uintptr_t
move_and_advise(uintptr_t at)
{
    static unsigned char in[PAGES];
    uint64_t hash = 0;
    long to;

    step = "mremap";
    to = do_mremap(mm, at + 32 * P, 16 * P, 24 * P, MREMAP_MAYMOVE, 0);
    CHECK(to > 0);
    say("at", (uint64_t)to);
    say_data("data", mm, (uintptr_t)to, 24);
    CHECK(do_madvise(mm, at + 8 * P, 8 * P, MADV_DONTNEED) == 0);
    say_data("data", mm, at + 8 * P, 8);
    say("mincore", (uint64_t)do_mincore(mm, at + 8 * P, 16 * P, in));
    for (unsigned i = 0; i < 16; i++)
        hash = mix(hash, in[i]);
    say("in", hash);
    end_step();
    return (uintptr_t)to;
}

static int
pattern_page_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    uint64_t *word = page_to_va(page);

    (void)obj;
    for (unsigned i = 0; i < P / sizeof(*word); i++)
        word[i] = index * 1000 + i;
    return 0;
}

static const struct pager_ops pattern = {.name = "pattern",
                                         .page_in = pattern_page_in};

/* A shared and a private view of one object; relatives share the first.
 * Neighbours of a fault may be mapped with it, and their A depends on the
 * machine: so the entries are not told. */
static void
objects(void)
{
    static struct vm_object file;
    uintptr_t shared, own;

    step = "object";
    object_init(&file, &pattern, 20 * P, NULL);
    shared = map(20, RW, MAP_SHARED, &file);
    own = map(22, RW, MAP_PRIVATE, &file);
    say_data("data", mm, own, 22); /* two pages are beyond the end */
    write_pages(mm, own, 0, 6, 700);
    write_pages(mm, shared, 3, 6, 800);
    say_data("data", mm, own, 22);
    say_data("data", mm, shared, 20);
    mm_put_user(child);
    child = mm_copy(mm);
    CHECK(child != NULL);
    write_pages(child, shared, 15, 3, 900);
    write_pages(child, own, 5, 3, 950);
    say_data("data", mm, shared, 20);
    say_data("data", child, own, 20);
    end_step();
    CHECK(do_munmap(mm, shared, 20 * P) == 0);
    CHECK(do_munmap(mm, own, 22 * P) == 0);
    mm_put_user(child);
    child = NULL;
    object_put(&file);
}

static void
hints_and_moves(uintptr_t at)
{
    step = "hint";
    say("marked", (uint64_t)hint_scan(mm, at, at + 24 * P));
    say_data("data", mm, at, 12);
    say("moved", (uint64_t)migrate_range(mm, at, at + 24 * P));
    write_pages(mm, at, 6, 12, 1000);
    say_data("data", mm, at, 24);
    say_entries(mm, at, 24);
    end_step();
}

/* Four threads, on as many harts as there are: the sums do not depend on it. */
static uintptr_t gang_at;

static void
gang_writes(unsigned i)
{
    for (size_t n = 0; n < 100; n++)
        CHECK(put(mm, gang_at + n * P + 8 * i, n * 10 + i) == 0);
}

static void
many_threads(void)
{
    step = "threads";
    gang_at = map(100, RW, ANON, NULL);
    write_pages(mm, gang_at, 0, 50, 1100);
    child = mm_copy(mm);
    CHECK(child != NULL);
    ktest_parallel(4, true, gang_writes);
    say_data("data", mm, gang_at, 100);
    say_data("data", child, gang_at, 100);
    say("anon", mm->stat[MM_ANON]);
    say("own", mm->stat[MM_COW] + mm->stat[MM_REUSE]);
    mm_put_user(child);
    child = NULL;
    say_pages();
}

KTEST(vm_transcript_of_two_spaces)
{
    uintptr_t at, moved;

    anons_before = anon_count();
    nodes_before = lnode_count();
    mm = mm_create();
    at = first_touches();
    old_pages(at);
    copy(at);
    unmap_and_protect(at);
    stack_and_break();
    moved = move_and_advise(at);
    objects();
    hints_and_moves(moved);
    many_threads();
    mm_put_user(mm);
    step = "end";
    say_pages();
}
