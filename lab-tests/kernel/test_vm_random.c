/* test_vm_random.c: random calls and accesses in families of spaces, against a
 * model that knows the value of every page.
 *
 * A family is up to four spaces, each with a window of 64 pages.  A step maps,
 * unmaps, protects, advises, reads, writes, copies a space or ends one; now and
 * then an allocation fails.  The model says what each access must give; a call
 * that failed for lack of memory must have changed nothing.
 *
 *     vm_random_one_family     one thread, all allocations may fail, the check
 *                              of all spaces every 1000 steps
 *     vm_random_families       a family per hart, whose first spaces are copies
 *                              of one ancestor: they share its pages
 *     vm_random_one_space      four threads in one space, each with pages of its
 *                              own next to the others'; copies come and go
 *
 * The boot argument steps=N makes them N steps long altogether. */
#include "ext/mm/mapcalls.h"
#include "ext/mm/mmcheck.h"
#include "ext/mm/observe.h"
#include "ktest.h"
#include "mm/failpoint.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include <errno.h>
#include <string.h>

#define P       PAGE_SIZE
#define WINDOW  64
#define SPACES  4
#define SEGS    24
#define THREADS 4
#define BASE    0x7f00000ul /* the window lies over a 2 MiB border */
#define STEPS   6000        /* of each test, unless steps= says otherwise */

enum kind { HOLE, PRIVATE, SHARED };

struct cell {
    uint8_t kind, prot, seg, index; /* SHARED: page INDEX of segment SEG */
    uint32_t value;                 /* PRIVATE */
};

struct member {
    struct mm_struct *mm;
    struct cell cell[WINDOW];
};

struct family {
    uint64_t rng;
    bool fails;      /* allocations may fail */
    bool lodger;     /* the space is others', too: copies end at once */
    unsigned stride; /* pages of the space per cell; > 1: single pages only */
    uintptr_t base;
    uint32_t last; /* value written */
    uint64_t calls, accesses, copies, refused;
    struct member member[SPACES];
    uint32_t seg[SEGS][WINDOW];
} families[THREADS];

static unsigned
roll(struct family *f, unsigned n)
{
    return (unsigned)(ktest_random(&f->rng) >> 20) % n;
}

static uintptr_t
address(const struct family *f, unsigned i)
{
    return f->base + (uintptr_t)i * f->stride * P;
}

/* --- the model --- */

static uint32_t *
value_of(struct family *f, struct cell *c)
{
    return c->kind == SHARED ? &f->seg[c->seg][c->index] : &c->value;
}

/* A segment no cell shows, cleared; SEGS: none. */
static unsigned
new_segment(struct family *f)
{
    bool used[SEGS] = {false};

    for (unsigned s = 0; s < SPACES; s++)
        for (unsigned i = 0; i < WINDOW && f->member[s].mm != NULL; i++)
            if (f->member[s].cell[i].kind == SHARED)
                used[f->member[s].cell[i].seg] = true;
    for (unsigned s = 0; s < SEGS; s++) {
        if (used[s])
            continue;
        memset(f->seg[s], 0, sizeof(f->seg[s]));
        return s;
    }
    return SEGS;
}

/* A random range of cells; MAPPED: cut where a hole begins, maybe to nothing. */
static unsigned
pick_range(struct family *f, struct member *m, unsigned *first, bool mapped)
{
    unsigned n = f->stride > 1 ? 1 : 1 + roll(f, roll(f, 4) == 0 ? 40 : 6);
    unsigned len = 0;

    *first = roll(f, WINDOW);
    n = MIN(n, WINDOW - *first);
    if (!mapped)
        return n;
    while (len < n && m->cell[*first + len].kind != HOLE)
        len++;
    return len;
}

/* --- steps --- */

static const uint8_t prots[] = {VM_READ | VM_WRITE,
                                VM_READ | VM_WRITE,
                                VM_READ | VM_WRITE,
                                VM_READ,
                                0,
                                VM_READ | VM_EXEC,
                                VM_READ | VM_WRITE | VM_EXEC,
                                VM_EXEC};

/* Did the call work?  If not, for lack of memory, which must be allowed. */
static bool
worked(struct family *f, long result)
{
    CHECK(result >= 0 || (result == -ENOMEM && f->fails));
    f->calls++;
    f->refused += result < 0;
    return result >= 0;
}

static void
step_map(struct family *f, struct member *m)
{
    unsigned first, n = pick_range(f, m, &first, false);
    uint8_t prot = prots[roll(f, ARRAY_LEN(prots))];
    unsigned seg = roll(f, 5) == 0 ? new_segment(f) : SEGS;
    uint32_t type = seg < SEGS ? MAP_SHARED : MAP_PRIVATE;

    if (!worked(f, do_mmap(m->mm, address(f, first), n * P, prot,
                           type | MAP_ANONYMOUS | MAP_FIXED, NULL, 0)))
        return;
    for (unsigned i = 0; i < n; i++)
        m->cell[first + i] = (struct cell){
            .kind = seg < SEGS ? SHARED : PRIVATE,
            .prot = prot,
            .seg = (uint8_t)seg,
            .index = (uint8_t)i,
        };
}

static void
step_unmap(struct family *f, struct member *m)
{
    unsigned first, n = pick_range(f, m, &first, false);

    if (worked(f, do_munmap(m->mm, address(f, first), n * P)))
        memset(&m->cell[first], 0, n * sizeof(m->cell[0]));
}

static void
step_protect(struct family *f, struct member *m)
{
    unsigned first, n = pick_range(f, m, &first, true);
    uint8_t prot = prots[roll(f, ARRAY_LEN(prots))];

    if (n == 0 ||
        !worked(f, do_mprotect(m->mm, address(f, first), n * P, prot)))
        return;
    for (unsigned i = 0; i < n; i++)
        m->cell[first + i].prot = prot;
}

static void
step_discard(struct family *f, struct member *m)
{
    unsigned first, n = pick_range(f, m, &first, true);

    if (n == 0 ||
        !worked(f, do_madvise(m->mm, address(f, first), n * P, MADV_DONTNEED)))
        return;
    for (unsigned i = 0; i < n; i++)
        m->cell[first + i].value = 0;
}

/* What word 0 and the last word hold when VALUE was written. */
static void
check_read(struct family *f, struct member *m, unsigned i)
{
    struct cell *c = &m->cell[i];
    uintptr_t at = address(f, i);
    uint32_t v = ~0u;
    int err = mm_access(m->mm, at, &v, sizeof(v), false);

    f->accesses++;
    if (c->kind == HOLE || !(c->prot & VM_READ)) {
        CHECK(err == -EFAULT);
        return;
    }
    CHECK(err == 0 && v == *value_of(f, c));
    if (v % 4 == 0) {
        CHECK(mm_access(m->mm, at + P - sizeof(v), &v, sizeof(v), false) == 0);
        CHECK(v == *value_of(f, c));
    }
}

static void
step_write(struct family *f, struct member *m)
{
    unsigned i = roll(f, WINDOW);
    struct cell *c = &m->cell[i];
    uintptr_t at = address(f, i);
    uint32_t v = ++f->last;
    int err = mm_access(m->mm, at, &v, sizeof(v), true);

    f->accesses++;
    if (c->kind == HOLE || !(c->prot & VM_WRITE)) {
        CHECK(err == -EFAULT);
        return;
    }
    CHECK(err == 0);
    CHECK(mm_access(m->mm, at + P - sizeof(v), &v, sizeof(v), true) == 0);
    *value_of(f, c) = v;
}

static void
check_member(struct family *f, struct member *m)
{
    for (unsigned i = 0; i < WINDOW; i++)
        check_read(f, m, i);
}

static void
end_member(struct family *f, struct member *m)
{
    if (roll(f, 4) == 0)
        check_member(f, m);
    mm_put_user(m->mm);
    m->mm = NULL;
}

static void
step_copy(struct family *f, struct member *m)
{
    struct member *to = NULL;

    for (unsigned s = 0; s < SPACES; s++)
        if (f->member[s].mm == NULL)
            to = &f->member[s];
    if (to == NULL)
        return;
    *to = *m;
    to->mm = mm_copy(m->mm);
    CHECK(to->mm != NULL || f->fails);
    f->copies++;
    if (to->mm == NULL || !f->lodger)
        return;
    step_write(f, m);
    check_member(f, to);
    step_write(f, to);
    end_member(f, to);
}

static void
step_exit(struct family *f, struct member *m)
{
    unsigned alive = 0;

    for (unsigned s = 0; s < SPACES; s++)
        alive += f->member[s].mm != NULL;
    if (alive > 1)
        end_member(f, m);
}

/* Read pages of the others in the same space.  What they hold is not ours to
 * know; but our fault races with theirs. */
static void
step_touch_others(struct family *f, struct member *m)
{
    for (unsigned n = 0; n < 4; n++) {
        uint32_t v;

        (void)mm_access(m->mm, BASE + roll(f, THREADS * WINDOW) * P, &v,
                        sizeof(v), false);
    }
}

static void
step(struct family *f)
{
    static const char *const sites[] = {"any",  "any",  "page", "anon",
                                        "node", "area", "pt",   "rmap"};
    unsigned s = roll(f, SPACES), what = roll(f, 100);
    struct member *m;

    while (f->member[s].mm == NULL)
        s = (s + 1) % SPACES;
    m = &f->member[s];
    if (f->fails && roll(f, 4) == 0)
        (void)fail_set(sites[roll(f, ARRAY_LEN(sites))], 1 + roll(f, 12));
    if (f->lodger && what % 4 == 0)
        step_touch_others(f, m);
    if (what < 38)
        step_write(f, m);
    else if (what < 68)
        check_read(f, m, roll(f, WINDOW));
    else if (what < 77)
        step_map(f, m);
    else if (what < 82)
        step_unmap(f, m);
    else if (what < 89)
        step_protect(f, m);
    else if (what < 93)
        step_discard(f, m);
    else if (what < 97)
        step_copy(f, m);
    else
        step_exit(f, m);
    if (f->fails)
        for (unsigned i = 0; i < ARRAY_LEN(sites); i++)
            (void)fail_set(sites[i], 0);
}

/* --- families --- */

static struct family *
begin(unsigned i, struct mm_struct *mm)
{
    struct family *f = &families[i];

    memset(f, 0, sizeof(*f));
    f->rng = ktest_seed * 0x9e3779b97f4a7c15ul + i + 1;
    f->base = BASE;
    f->stride = 1;
    f->last = i << 28;
    f->member[0].mm = mm;
    CHECK(mm != NULL);
    return f;
}

static void
finish(struct family *f)
{
    for (unsigned s = 0; s < SPACES; s++) {
        struct member *m = &f->member[s];

        if (m->mm == NULL)
            continue;
        check_member(f, m);
        CHECK(mmstat_lost_faults(m->mm) == 0);
        mm_put_user(m->mm);
        m->mm = NULL;
    }
    CHECK(f->calls > 0 && f->accesses > 0 && f->copies > 0);
}

/* Each of the tests makes a quarter of what was asked for. */
static uint64_t
steps_each(unsigned threads)
{
    return (ktest_steps == 0 ? STEPS : ktest_steps / 4) / threads;
}

KTEST(vm_random_one_family)
{
    uint64_t steps = steps_each(1);
    struct family *f = begin(0, mm_create());
    size_t anons = anon_count();

    f->fails = true;
    for (uint64_t n = 1; n <= steps; n++) {
        step(f);
        if (n % 1000 == 0)
            CHECK(mmcheck() == 0);
    }
    CHECK(f->refused > 0);
    cprintf("%lu calls, %lu refused, %lu accesses, %lu copies\n", f->calls,
            f->refused, f->accesses, f->copies);
    finish(f);
    CHECK(anon_count() == anons);
}

static void
family_life(unsigned i)
{
    uint64_t steps = steps_each(THREADS);

    for (uint64_t n = 0; n < steps; n++)
        step(&families[i]);
}

KTEST(vm_random_families)
{
    struct family *f = begin(0, mm_create());
    size_t anons = anon_count();

    CHECK(do_mmap(f->member[0].mm, BASE, WINDOW * P, VM_READ | VM_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) == BASE);
    for (unsigned i = 0; i < WINDOW; i++)
        f->member[0].cell[i] =
            (struct cell){.kind = PRIVATE, .prot = VM_READ | VM_WRITE};
    for (unsigned i = 0; i < 3 * WINDOW; i++)
        step_write(f, &f->member[0]);
    for (unsigned i = 1; i < THREADS; i++) {
        struct family *g = begin(i, mm_copy(f->member[0].mm));

        memcpy(g->member[0].cell, f->member[0].cell, sizeof(f->member[0].cell));
    }
    ktest_parallel(THREADS, true, family_life);
    CHECK(mmcheck() == 0);
    for (unsigned i = 0; i < THREADS; i++)
        finish(&families[i]);
    CHECK(anon_count() == anons);
}

/* STRIDE 1: each thread has a slice; else every so many pages one. */
static void
one_space(unsigned stride)
{
    struct mm_struct *mm = mm_create();
    size_t anons = anon_count();

    for (unsigned i = 0; i < THREADS; i++) {
        struct family *f = begin(i, mm);

        f->lodger = true;
        f->stride = stride;
        f->base = BASE + (stride > 1 ? i * P : i * WINDOW * P);
        if (i > 0)
            mm_get_user(mm);
    }
    ktest_parallel(THREADS, true, family_life);
    CHECK(mmcheck() == 0);
    for (unsigned i = 0; i < THREADS; i++)
        finish(&families[i]);
    CHECK(anon_count() == anons);
}

KTEST(vm_random_one_space)
{
    one_space(1);
}

KTEST(vm_random_one_space_page_by_page)
{
    one_space(THREADS);
}
