/* test_modes.c: what differs between Sv39, Sv48 and Sv57, and what does not:
 * docs/design/mm.md, "One binary for Sv39, Sv48 and Sv57".  The same story in
 * all of them is test_transcript.c. */
#include "ktest.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include "ublob.h"
#include <errno.h>

#define P  PAGE_SIZE
#define RW (VM_READ | VM_WRITE)

static long
map_at(struct mm_struct *mm, uintptr_t at, uint32_t more)
{
    return do_mmap(mm, at, P, RW, MAP_PRIVATE | MAP_ANONYMOUS | more, NULL, 0);
}

static int
put(struct mm_struct *mm, uintptr_t at, uint64_t v)
{
    return mm_access(mm, at, &v, sizeof(v), true);
}

KTEST(vm_modes_two_to_the_forty)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = 1ul << 40;
    long r = map_at(mm, at, MAP_FIXED);

    if (paging_levels == 3) {
        CHECK(user_end() == 1ul << 38);
        CHECK(r == -ENOMEM);
        CHECK(mm->stat[MM_PT_ALLOC] == 1); /* the root */
    } else {
        CHECK(user_end() == 1ul << (paging_levels == 4 ? 47 : 56));
        CHECK(r == (long)at && put(mm, at, 1) == 0);
        CHECK(mm->stat[MM_PT_ALLOC] == paging_levels);
    }
    /* As a hint it is only a wish, and without one nothing goes so high. */
    CHECK(map_at(mm, (1ul << 62) + P, 0) <= (long)(MMAP_TOP - P));
    CHECK(map_at(mm, 0, 0) <= (long)(MMAP_TOP - P));
    mm_put_user(mm);
}

KTEST(vm_modes_last_page_of_the_user)
{
    struct mm_struct *mm = mm_create();
    uintptr_t last = user_end() - P;
    struct urun r = {0};

    CHECK(map_at(mm, last, MAP_FIXED) == (long)last);
    CHECK(map_at(mm, last + P, MAP_FIXED) == -ENOMEM);
    CHECK(ublob_map(mm));
    ublob_run(&r, mm, UBLOB_ANY_HART, UBLOB_STORE, last + P - 8, 42, 0);
    CHECK(r.signo == 0 && r.result == 42);
    ublob_run(&r, mm, UBLOB_ANY_HART, UBLOB_LOAD, last + P - 8, 0, 0);
    CHECK(r.signo == 0 && r.result == 42);
    mm_put_user(mm);
}

/* The first byte beyond, the hole between the halves, the kernel's half, and
 * addresses whose upper bits are no copy of the top bit: SIGSEGV with that very
 * address, and no table is made. */
KTEST(vm_modes_nothing_beyond)
{
    static const enum ublob how[] = {UBLOB_LOAD, UBLOB_STORE, UBLOB_JUMP};
    struct mm_struct *mm = mm_create();
    uintptr_t place[] = {
        user_end(),
        user_end() + P,
        (1ul << 57) + 8,
        1ul << 62,
        ~0ul << 63,
        dmap_base,
        dmap_base - 16,
        (uintptr_t)&place & ~7ul,
        (uintptr_t)map_at & ~7ul,
        ~0ul - 15,
    };
    uint64_t tables;

    CHECK(ublob_map(mm));
    tables = mm->stat[MM_PT_ALLOC];
    for (unsigned i = 0; i < ARRAY_LEN(place); i++) {
        for (unsigned k = 0; k < ARRAY_LEN(how); k++) {
            struct urun r = {0};

            ublob_run(&r, mm, UBLOB_ANY_HART, how[k], place[i], 1, 0);
            CHECK(r.signo == SIGSEGV && r.addr == place[i]);
        }
    }
    CHECK(mm->stat[MM_PT_ALLOC] == tables);
    mm_put_user(mm);
}
