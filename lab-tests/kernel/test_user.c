/* test_user.c: rows of docs/design/mm.md from real user mode, and how a hart
 * gets and leaves a space. */
#include "ktest.h"
#include "mm/failpoint.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include "mm/uaccess.h"
#include "schedule/timeout.h"
#include "ublob.h"
#include <errno.h>
#include <string.h>

#define P PAGE_SIZE

static uint64_t before[MMSTAT_COUNT];

static void
mark(struct mm_struct *mm)
{
    for (unsigned i = 0; i < MMSTAT_COUNT; i++)
        before[i] = mm->stat[i];
}

static uint64_t
since(struct mm_struct *mm, enum mmstat_id id)
{
    return mm->stat[id] - before[id];
}

/* A space with the programs in it. */
static struct mm_struct *
space(void)
{
    struct mm_struct *mm = mm_create();

    CHECK(mm != NULL && ublob_map(mm));
    return mm;
}

static uintptr_t
map_anon(struct mm_struct *mm, size_t pages, uint32_t prot)
{
    long at =
        do_mmap(mm, 0, pages * P, prot, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

    CHECK(at > 0);
    return (uintptr_t)at;
}

static uint64_t
peek(struct mm_struct *mm, uintptr_t at)
{
    uint64_t v = ~0ul;

    CHECK(mm_access(mm, at, &v, sizeof(v), false) == 0);
    return v;
}

static void
poke(struct mm_struct *mm, uintptr_t at, uint64_t v)
{
    CHECK(mm_access(mm, at, &v, sizeof(v), true) == 0);
}

KTEST(user_blob_loads_and_stores)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);
    struct urun r = {0};

    ublob_run(&r, mm, 0, UBLOB_STORE, at + 8, 4711, 0);
    CHECK(r.signo == 0 && peek(mm, at + 8) == 4711);
    ublob_run(&r, mm, ncpu - 1, UBLOB_LOAD, at + 8, 0, 0);
    CHECK(r.signo == 0 && r.result == 4711);
    ublob_run(&r, mm, UBLOB_ANY_HART, UBLOB_EBREAK, 0, 0, 0);
    CHECK(r.signo == SIGTRAP && r.addr == r.pc);
    ublob_run(&r, mm, UBLOB_ANY_HART, UBLOB_ILLEGAL, 0, 0, 0);
    CHECK(r.signo == SIGILL && r.code == ILL_ILLOPC);
    mm_put_user(mm);
}

static bool
died(const struct urun *r, int code, uintptr_t addr)
{
    return r->signo == SIGSEGV && r->code == code && r->addr == addr;
}

KTEST(vm_row_1_user_load_from_a_hole)
{
    struct mm_struct *mm = space();
    struct urun r = {0};

    mark(mm);
    ublob_run(&r, mm, 0, UBLOB_LOAD, 0x123450, 0, 0);
    CHECK(died(&r, SEGV_MAPERR, 0x123450));
    CHECK(r.pc >= UBLOB_CODE && r.pc < UBLOB_CODE + P);
    CHECK(since(mm, MM_SEGV) == 1 && since(mm, MM_FLT) == 1);
    CHECK(since(mm, MM_PT_ALLOC) == 0);
    mm_put_user(mm);
}

/* One access to the page at AT, where ublob_function(7) was written. */
static void
access_page(struct mm_struct *mm, uintptr_t at, uint32_t prot, uint32_t want)
{
    enum ublob what = want == VM_READ    ? UBLOB_LOAD
                      : want == VM_WRITE ? UBLOB_STORE
                                         : UBLOB_JUMP;
    uintptr_t addr = want == VM_EXEC ? at : at + 8;
    struct urun r = {0};

    mark(mm);
    ublob_run(&r, mm, 0, what, addr, 5, 0);
    /* What the hart cannot tell apart: whoever writes may read. */
    if (prot & want || (want == VM_READ && prot & VM_WRITE))
        CHECK(r.signo == 0);
    else
        CHECK(died(&r, SEGV_ACCERR, addr) && since(mm, MM_SEGV) == 1);
    if (want == VM_EXEC && r.signo == 0)
        CHECK(r.result == 7);
    if (want == VM_EXEC && r.signo != 0)
        CHECK(r.pc == addr);
}

/* Content first, then rights: so an entry is there already. */
KTEST(vm_row_2_user_accesses_by_rights)
{
    struct mm_struct *mm = space();

    for (uint32_t prot = 0; prot < 8; prot++) {
        uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);

        CHECK(ublob_function(mm, at, 7));
        poke(mm, at + 8, 1234);
        CHECK(do_mprotect(mm, at, P, prot) == 0);
        for (uint32_t want = 1; want <= 4; want *= 2)
            access_page(mm, at, prot, want);
        CHECK(do_mprotect(mm, at, P, VM_READ) == 0);
        CHECK(peek(mm, at + 8) == (prot & VM_WRITE ? 5 : 1234));
    }
    mm_put_user(mm);
}

/* Nothing was touched before: the first fault decides. */
KTEST(vm_row_3_user_accesses_to_untouched_pages)
{
    static const uint32_t prots[] = {VM_READ, VM_EXEC, VM_READ | VM_WRITE, 0,
                                     VM_WRITE};
    struct mm_struct *mm = space();
    struct urun r = {0};

    for (unsigned i = 0; i < ARRAY_LEN(prots); i++) {
        uintptr_t at = map_anon(mm, 1, prots[i]);

        ublob_run(&r, mm, 0, UBLOB_LOAD, at + 16, 0, 0);
        if (prots[i] & VM_READ)
            CHECK(r.signo == 0 && r.result == 0);
        else
            CHECK(died(&r, SEGV_ACCERR, at + 16));
        ublob_run(&r, mm, 0, UBLOB_STORE, at + 16, 3, 0);
        if (prots[i] & VM_WRITE)
            CHECK(r.signo == 0);
        else
            CHECK(died(&r, SEGV_ACCERR, at + 16));
    }
    mm_put_user(mm);
}
