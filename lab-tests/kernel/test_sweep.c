/* test_sweep.c: every allocation of every call fails once, and from then on.
 *
 * For n = 1, 2, ... a world is built anew, the n-th allocation of the call is
 * refused (alone, then with all that follow), and the call must either succeed
 * or say -ENOMEM and have changed nothing: not the areas, not a page, not a
 * count.  After that the same call must succeed.  The sweep ends with the first
 * n that is not reached.
 *
 *   the world   [ a: 40 written | b: written, read-only | c: untouched ]  gap
 *               [ s: shared ]  [ heap ]  [ stack ], and a child that shares
 *               all private pages: every write needs new nodes. */
#include "ext/mm/audit.h"
#include "vm_tools.h"

#define A     0x10000000ul
#define B     (A + 40 * PG)
#define C     (A + 48 * PG)
#define S     0x20000000ul
#define HEAP  0x30000000ul
#define STACK 0x50000000ul
#define FREE  0x60000000ul

static struct {
    struct mm_struct *mm, *child, *made;
} w;

static struct {
    uint64_t asks, nth;
    bool onwards, hit;
} refusal;

static bool
refuse(enum fail_site site)
{
    bool yes;

    (void)site;
    refusal.asks++;
    yes = refusal.onwards ? refusal.asks >= refusal.nth
                          : refusal.asks == refusal.nth;
    refusal.hit |= yes;
    return yes;
}

static void
arm(uint64_t nth, bool onwards)
{
    refusal.asks = 0;
    refusal.nth = nth;
    refusal.onwards = onwards;
    refusal.hit = false;
    fail_hook = refuse;
    fail_armed = true;
}

static void
disarm(void)
{
    fail_armed = false;
}

static void
world_begin(void)
{
    struct mm_struct *mm = mm_create();

    map_pages(mm, A, 40, RW, MAP_FIXED);
    map_pages(mm, B, 8, RW, MAP_FIXED);
    fill(mm, A, 48, 100);
    CHECK(do_mprotect(mm, B, 8 * PG, VM_READ) == 0);
    map_pages(mm, C, 8, VM_READ | VM_EXEC, MAP_FIXED);
    CHECK(do_mmap(mm, S, 4 * PG, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
                  NULL, 0) == (long)S);
    fill(mm, S, 4, 200);
    mm->brk_start = mm->brk = HEAP;
    CHECK(do_brk(mm, HEAP + 8 * PG) == HEAP + 8 * PG);
    fill(mm, HEAP, 8, 300);
    map_pages(mm, STACK - 2 * PG, 2, RW, MAP_FIXED | MAP_GROWSDOWN);
    fill(mm, STACK - 2 * PG, 2, 400);
    w.mm = mm;
    w.child = mm_copy(mm);
    w.made = NULL;
    CHECK(w.child != NULL);
}

static void
world_end(void)
{
    if (w.made != NULL)
        mm_put_user(w.made);
    mm_put_user(w.child);
    mm_put_user(w.mm);
}

/* Everything that anybody could tell apart, mixed into one number. */
static uint64_t
mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ul;
    return h ^ h >> 29;
}

static uint64_t
mix_area(uint64_t h, struct mm_struct *mm, const struct vma_struct *v)
{
    h = mix(mix(h, v->vm_start), v->vm_end);
    h = mix(mix(h, v->vm_flags), (uintptr_t)v->vm_object);
    h = mix(mix(h, v->vm_pgoff), v->layer == NULL ? 0 : v->lpgoff);
    if ((v->vm_flags & VM_READ) == 0 || vma_pages(v) > 64)
        return h;
    for (uintptr_t at = v->vm_start; at < v->vm_end; at += PG)
        h = mix(h, get(mm, at));
    return h;
}

static uint64_t
fingerprint(struct mm_struct *mm)
{
    uint64_t h = mix(1, (uint64_t)mm->map_count);

    h = mix(mix(h, mm->brk), mm->locked_pages);
    h = mix(h, mm->def_flags);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link)
        h = mix_area(h, mm, v);
    return h;
}

/* One call in a new world; if it fails, it must work right after that. */
static bool
one_failure(long (*call)(void), uint64_t n, bool onwards)
{
    uint64_t before, child;
    size_t anons;
    long r;

    world_begin();
    before = fingerprint(w.mm);
    child = fingerprint(w.child);
    anons = anon_count();
    arm(n, onwards);
    r = call();
    disarm();
    if (r < 0) {
        CHECK(refusal.hit && r == -ENOMEM);
        CHECK(fingerprint(w.mm) == before && anon_count() == anons);
        CHECK(call() >= 0);
    }
    CHECK(fingerprint(w.child) == child);
    CHECK(w.made == NULL || filled(w.made, B, 8, 140));
    world_end();
    return refusal.hit;
}

static void
sweep(long (*call)(void), unsigned at_least)
{
    unsigned n = 1;

    while (one_failure(call, n, false)) {
        one_failure(call, n, true);
        n++;
    }
    CHECK(n > at_least && n < 200);
}

#define SWEEP(id, least)               \
    static long call_##id(void);       \
    KTEST(vm_every_allocation_of_##id) \
    {                                  \
        sweep(call_##id, least);       \
    }                                  \
    static long call_##id(void)

static long
fault(uintptr_t at, unsigned code)
{
    unsigned r = do_pgfault(w.mm, code | FAULT_USER, at);

    return r & VM_FAULT_OOM ? -ENOMEM : r & VM_FAULT_ERROR ? -EFAULT : 0;
}

/* The first write far from everything: tables, a layer, its path, the page. */
SWEEP(a_first_write, 6)
{
    long at = do_mmap(w.mm, FREE, PG, RW, ANON | MAP_FIXED, NULL, 0);
    long r = at < 0 ? at : fault(FREE, FAULT_WRITE);

    if (r < 0 && at > 0)
        (void)do_munmap(w.mm, FREE, PG); /* whole areas: never fails */
    return r;
}

SWEEP(a_copy_on_write, 4)
{
    return fault(A + 3 * PG, FAULT_WRITE);
}

SWEEP(a_read_of_zeros, 2)
{
    long at = do_mmap(w.mm, FREE, PG, VM_READ, ANON | MAP_FIXED, NULL, 0);
    long r = at < 0 ? at : fault(FREE, FAULT_READ);

    if (r < 0 && at > 0)
        (void)do_munmap(w.mm, FREE, PG);
    return r;
}

/* A third space maps the page: its record needs a block. */
SWEEP(a_third_mapping, 1)
{
    bool armed = fail_armed;
    unsigned r;

    disarm();
    if (w.made == NULL)
        w.made = mm_copy(w.mm);
    CHECK(do_pgfault(w.made, FAULT_READ | FAULT_USER, A) != VM_FAULT_OOM);
    /* The entry of the third goes. */
    CHECK(do_mprotect(w.child, A, 40 * PG, 0) == 0);
    CHECK(do_mprotect(w.child, A, 40 * PG, RW) == 0);
    fail_armed = armed;
    r = do_pgfault(w.child, FAULT_READ | FAULT_USER, A);
    return r & VM_FAULT_OOM ? -ENOMEM : 0;
}

SWEEP(a_stack_that_grows, 1)
{
    return expand_stack(w.mm, STACK - 9 * PG);
}

SWEEP(mmap, 1)
{
    return do_mmap(w.mm, 0, 3 * PG, RW, ANON, NULL, 0);
}

SWEEP(mmap_shared, 2)
{
    return do_mmap(w.mm, 0, 3 * PG, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0);
}

SWEEP(mmap_over_others, 4)
{
    return do_mmap(w.mm, A + 20 * PG, 30 * PG, RW, ANON | MAP_FIXED, NULL, 0);
}

SWEEP(mmap_populate, 3)
{
    return do_mmap(w.mm, FREE, 3 * PG, RW, ANON | MAP_POPULATE | MAP_FIXED,
                   NULL, 0);
}

SWEEP(munmap_in_the_middle, 3)
{
    return do_munmap(w.mm, A + 10 * PG, 5 * PG);
}

SWEEP(munmap_of_many, 2)
{
    return do_munmap(w.mm, A + 10 * PG, 42 * PG);
}

SWEEP(mprotect, 2)
{
    return do_mprotect(w.mm, A + 5 * PG, 20 * PG, VM_READ | VM_EXEC);
}

SWEEP(mprotect_of_many, 2)
{
    return do_mprotect(w.mm, A + 5 * PG, 45 * PG, 0);
}

SWEEP(mremap_moves, 3)
{
    return do_mremap(w.mm, A + 4 * PG, 20 * PG, 30 * PG,
                     MREMAP_MAYMOVE | MREMAP_FIXED, FREE);
}

SWEEP(mremap_moves_over_others, 4)
{
    return do_mremap(w.mm, HEAP, 8 * PG, 10 * PG, MREMAP_MAYMOVE | MREMAP_FIXED,
                     A + 10 * PG);
}

SWEEP(mremap_moves_and_shrinks, 4)
{
    return do_mremap(w.mm, A + 4 * PG, 20 * PG, 10 * PG,
                     MREMAP_MAYMOVE | MREMAP_FIXED, FREE);
}

SWEEP(mremap_grows, 1)
{
    return do_mremap(w.mm, S, 4 * PG, 9 * PG, 0, 0);
}

SWEEP(mremap_dontunmap, 3)
{
    return do_mremap(w.mm, A + 4 * PG, 20 * PG, 20 * PG,
                     MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
}

SWEEP(madvise_dontneed, 2)
{
    return do_madvise(w.mm, A + 3 * PG, 40 * PG, MADV_DONTNEED);
}

SWEEP(madvise_free, 0)
{
    return do_madvise(w.mm, A + 3 * PG, 20 * PG, MADV_FREE);
}

SWEEP(madvise_hugepage, 2)
{
    return do_madvise(w.mm, A + 3 * PG, 40 * PG, MADV_HUGEPAGE);
}

SWEEP(mlock_on_fault, 2)
{
    return do_mlock(w.mm, A + 3 * PG, 40 * PG, MLOCK_ONFAULT);
}

SWEEP(brk_up, 1)
{
    uintptr_t want = HEAP + 20 * PG;

    return do_brk(w.mm, want) == want ? 0 : -ENOMEM;
}

SWEEP(brk_down, 1)
{
    uintptr_t want = HEAP + 3 * PG;

    return do_brk(w.mm, want) == want ? 0 : -ENOMEM;
}

SWEEP(mm_copy, 10)
{
    w.made = mm_copy(w.mm);
    return w.made == NULL ? -ENOMEM : 0;
}

/* With an area left out, which shares its layer with one that is copied. */
SWEEP(mm_copy_without_some, 12)
{
    long r = do_madvise(w.mm, A + 10 * PG, 10 * PG, MADV_DONTFORK);

    if (r == 0 && (w.made = mm_copy(w.mm)) == NULL) {
        disarm();
        CHECK(do_madvise(w.mm, A + 10 * PG, 10 * PG, MADV_DOFORK) == 0);
        return -ENOMEM;
    }
    return r;
}

/* --- rows 13 and 21, with their words --- */

/* Each table of a fault cannot be had, now or ever. */
KTEST(vm_row_13_no_table_is_out_of_memory)
{
    for (unsigned n = 1; n < paging_levels; n++) {
        struct mm_struct *mm = mm_create();
        uintptr_t at = map_pages(mm, FREE, 1, RW, MAP_FIXED);
        struct marks m;

        mark(&m, mm);
        CHECK(fail_set("pt", n) == 0);
        CHECK((do_pgfault(mm, FAULT_WRITE, at) & VM_FAULT_ERROR) == 0);
        CHECK(fail_left(FAIL_PT) == 0 && since(&m, MM_OOM) == 1);
        CHECK(put(mm, at, n) == 0 && get(mm, at) == n);
        CHECK(do_munmap(mm, at, PG) == 0);
        CHECK(since(&m, MM_PT_ALLOC) == paging_levels - 1);
        CHECK(since(&m, MM_PT_ALLOC) == since(&m, MM_PT_FREE));
        map_pages(mm, FREE, 1, RW, MAP_FIXED);
        arm(n, true);
        CHECK(do_pgfault(mm, FAULT_WRITE, at) == VM_FAULT_OOM);
        disarm();
        CHECK(put(mm, at, 7) == 0);
        CHECK(do_munmap(mm, at, PG) == 0);
        CHECK(since(&m, MM_PT_ALLOC) == since(&m, MM_PT_FREE));
        mm_put_user(mm);
    }
}

KTEST(vm_row_21_a_copy_fails_until_it_succeeds)
{
    struct mm_struct *made = NULL;
    uint64_t before, n = 0;
    size_t anons;

    world_begin();
    before = fingerprint(w.mm);
    anons = anon_count();
    do {
        arm(++n, false);
        made = mm_copy(w.mm);
        disarm();
        CHECK((made == NULL) == refusal.hit);
        CHECK(fingerprint(w.mm) == before && anon_count() == anons);
    } while (made == NULL && n < 200);
    CHECK(n > 10 && made != NULL);
    CHECK(fingerprint(made) == fingerprint(w.mm));
    mm_put_user(made);
    world_end();
}
