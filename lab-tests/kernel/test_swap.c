/* test_swap.c: private pages leave memory and come back; rows of
 * docs/design/mm.md. */
#include "ext/mm/mapcalls.h"
#include "ext/mm/observe.h"
#include "ext/mm/pin.h"
#include "mm/failpoint.h"
#include "schedule/timeout.h"
#include "swap_ram.h"
#include "swap_world.h"
#include "touch.h"

KTEST(vm_row_58_five_pages_in_four_frames)
{
    struct swap_ram *r = swap_ram_on(16);
    uintptr_t at;
    struct mm_struct *mm = space_of(5, 4, "fifo", &at);
    uint64_t in, out;

    fill(mm, at, 5, 100);
    CHECK(mm->stat[MM_ANON] == 5 && mm->stat[MM_SWPOUT] == 1);
    CHECK(resident(mm, at, 5) == 4 && page_at(mm, at) == NULL);
    in = mm->stat[MM_SWPIN];
    out = mm->stat[MM_SWPOUT];
    CHECK(filled(mm, at, 5, 100)); /* in a circle: each one is not there */
    CHECK(mm->stat[MM_SWPIN] - in == 5 && mm->stat[MM_SWPOUT] - out == 4);
    CHECK(mm->stat[MM_MAJ] == 5 && resident(mm, at, 5) == 4);
    CHECK(mmstat_lost_faults(mm) == 0);
    mm_put_user(mm);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

KTEST(vm_row_59_two_spaces_do_not_share_slots)
{
    struct swap_ram *r = swap_ram_on(256);
    struct mm_struct *mm[2];
    uint64_t state = ktest_seed, sum[2][64];
    uintptr_t at[2];

    for (unsigned s = 0; s < 2; s++) {
        mm[s] = space_of(64, 4, s == 0 ? "fifo" : "clock", &at[s]);
        for (size_t i = 0; i < 64; i++) {
            sum[s][i] = 1000 * s + i;
            CHECK(put(mm[s], at[s] + i * PG, sum[s][i]) == 0);
        }
    }
    CHECK(at[0] == at[1]);
    for (unsigned n = 0; n < 4000; n++) {
        uint64_t x = ktest_random(&state);
        unsigned s = x & 1, i = x >> 1 & 63;

        CHECK(get(mm[s], at[s] + i * PG) == sum[s][i]);
        if (x >> 7 & 1)
            CHECK(put(mm[s], at[s] + i * PG, sum[s][i] = x) == 0);
        CHECK(mm[s]->scope->nr <= 4);
    }
    for (unsigned s = 0; s < 2; s++) {
        CHECK(mm[s]->stat[MM_SWPIN] > 1000);
        mm_put_user(mm[s]);
    }
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

KTEST(vm_row_60_a_clean_page_is_not_written_again)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(4, 4, "fifo", &at);
    uint64_t used;

    fill(mm, at, 4, 7);
    all_out(mm);
    CHECK(mm->stat[MM_SWPOUT] == 4 && r->writes == 4);
    used = swap_slots_used();
    for (size_t i = 0; i < 4; i++)
        CHECK(touch(mm, at + i * PG, LOAD) == 1);
    CHECK(mm->stat[MM_SWPIN] == 4 && swap_slots_used() == used);
    all_out(mm);
    CHECK(mm->stat[MM_SWPOUT] == 4 && r->writes == 4);
    CHECK(swap_slots_used() == used);
    /* Read, then written to: the entry's D tells, there is no second fault but
     * where software sets it. */
    CHECK(touch(mm, at, LOAD) == 1);
    CHECK(touch(mm, at, STORE) == (ad_by_software ? 1 : 0));
    all_out(mm);
    CHECK(mm->stat[MM_SWPOUT] == 5 && swap_slots_used() == used);
    mm_put_user(mm);
    swap_ram_off(r);
}

/* Stored to, the page is newer than its slot; given up, it is not dirty.  What was on
 * the slot was never given up, and must not come back. */
KTEST(vm_row_60_given_up_is_zeros_though_it_has_a_slot)
{
    struct swap_ram *r = swap_ram_on(16);
    uintptr_t at;
    struct mm_struct *mm = space_of(1, 1, "fifo", &at);

    fill(mm, at, 1, 7);
    all_out(mm);
    CHECK(put(mm, at, 9) == 0 && swap_slots_used() == 1);
    CHECK(do_madvise(mm, at, PG, MADV_FREE) == 0);
    all_out(mm);
    CHECK(r->writes == 1 && swap_slots_used() == 0);
    CHECK(get(mm, at) == 0);
    mm_put_user(mm);
    swap_ram_off(r);
}

static struct mm_struct *reader_mm[2];
static uintptr_t reader_at;

static void
read_it(unsigned i)
{
    CHECK(get(reader_mm[i], reader_at) == 31);
}

KTEST(vm_row_61_relatives_share_one_read)
{
    struct swap_ram *r = swap_ram_on(64);
    struct mm_struct *mm = space_of(1, 4, "clock", &reader_at);
    struct mm_struct *child;
    uint64_t maj, retry, min;

    fill(mm, reader_at, 1, 31);
    child = mm_copy(mm);
    all_out(mm);
    CHECK(page_at(mm, reader_at) == NULL && page_at(child, reader_at) == NULL);
    reader_mm[0] = mm;
    reader_mm[1] = child;
    maj = mm->stat[MM_MAJ] + child->stat[MM_MAJ];
    retry = mm->stat[MM_RETRY] + child->stat[MM_RETRY];
    min = mm->stat[MM_MIN] + child->stat[MM_MIN];
    r->slow_ms = 20;
    ktest_parallel(2, false, read_it);
    CHECK(r->reads == 1 && mm->stat[MM_SWPIN] + child->stat[MM_SWPIN] == 1);
    CHECK(mm->stat[MM_MAJ] + child->stat[MM_MAJ] - maj == 1);
    CHECK(mm->stat[MM_MIN] + child->stat[MM_MIN] - min == 1);
    /* Who began the read passes twice, too. */
    CHECK(mm->stat[MM_RETRY] + child->stat[MM_RETRY] - retry == 2);
    CHECK(page_at(mm, reader_at) != NULL &&
          page_at(mm, reader_at) == page_at(child, reader_at));
    r->slow_ms = 0;
    mm_put_user(child);
    mm_put_user(mm);
    swap_ram_off(r);
}

KTEST(vm_row_62_swap_is_full)
{
    struct swap_ram *r = swap_ram_on(8);
    uintptr_t at;
    struct mm_struct *mm = space_of(20, 4, "fifo", &at);
    uint64_t v = 1;
    unsigned n = 0;

    while (n < 20 && mm_access(mm, at + n * PG, &v, sizeof(v), true) == 0)
        v = ++n + 1;
    CHECK(n == 12); /* eight slots and four frames */
    CHECK(mm->stat[MM_OOM] > 0 && swap_slots_used() == 8);
    for (unsigned i = 0; i < n; i++)
        CHECK(get(mm, at + i * PG) == i + 1);
    CHECK(do_munmap(mm, at, 8 * PG) == 0);
    for (unsigned i = 12; i < 20; i++)
        CHECK(put(mm, at + i * PG, i + 1) == 0);
    for (unsigned i = 8; i < 20; i++)
        CHECK(get(mm, at + i * PG) == i + 1);
    mm_put_user(mm);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

KTEST(vm_row_62_a_slot_that_cannot_be_written)
{
    struct swap_ram *r = swap_ram_on(16);
    uintptr_t at;
    struct mm_struct *mm = space_of(8, 4, "fifo", &at);

    r->bad_write = 3;
    fill(mm, at, 8, 50);
    CHECK(r->dev.bad == 1 && swap_slots() == 15);
    CHECK(filled(mm, at, 8, 50));
    mm_put_user(mm);
    CHECK(swap_slots_used() == 0 && r->dev.bad == 1);
    swap_ram_off(r);
}

KTEST(vm_row_62_a_slot_that_cannot_be_read)
{
    struct swap_ram *r = swap_ram_on(16);
    uintptr_t at;
    struct mm_struct *mm = space_of(4, 4, "fifo", &at);
    unsigned bad = 0;

    fill(mm, at, 4, 50);
    all_out(mm);
    r->bad_read = 2;
    for (size_t i = 0; i < 4; i++) {
        unsigned res = do_pgfault(mm, FAULT_READ | FAULT_USER, at + i * PG);

        bad += (res & VM_FAULT_SIGBUS) != 0;
        CHECK((res & VM_FAULT_SIGBUS) || get(mm, at + i * PG) == 50 + i);
    }
    CHECK(bad == 1);
    r->bad_read = ~0ul; /* it is still there */
    CHECK(filled(mm, at, 4, 50));
    mm_put_user(mm);
    swap_ram_off(r);
}

KTEST(vm_row_63_everything_comes_back)
{
    struct swap_ram *r = swap_ram_on(64), *r2;
    uintptr_t at;
    struct mm_struct *mm = space_of(32, 32, "clock", &at);
    uint64_t before;

    fill(mm, at, 32, 900);
    all_out(mm);
    CHECK(swap_slots_used() == 32);
    for (size_t i = 0; i < 8; i++) /* in both */
        CHECK(get(mm, at + i * PG) == 900 + i);
    swap_ram_off(r);
    CHECK(swap_slots_used() == 0 && swap_slots() == 0);
    r2 = swap_ram_on(1); /* what was on the disk is not asked for again */
    before = kstat_read(STAT_SWPIN);
    CHECK(filled(mm, at, 32, 900));
    CHECK(kstat_read(STAT_SWPIN) == before && mm->stat[MM_SWPIN] == 8);
    mm_put_user(mm);
    swap_ram_off(r2);
}

KTEST(vm_row_38_relatives_and_their_slots)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(4, 4, "fifo", &at), *child;

    fill(mm, at, 4, 10);
    all_out(mm);
    child = mm_copy(mm);
    CHECK(swap_slots_used() == 4); /* nothing was copied */
    CHECK(put(child, at, 99) == 0 && get(mm, at) == 10);
    CHECK(get(child, at) == 99 && filled(child, at + PG, 3, 11));
    mm_put_user(mm);
    CHECK(filled(child, at + PG, 3, 11) && get(child, at) == 99);
    mm_put_user(child);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

/* --- and pins --- */

static void
read_or_pin(unsigned i)
{
    struct pin *pin;

    if (i == 0) {
        CHECK(get(reader_mm[0], reader_at) == 31);
        return;
    }
    sleep_ms(5); /* the page is on its way */
    CHECK(pin_range(reader_mm[0], reader_at, 8, true, &pin) == 0);
    CHECK(*(uint64_t *)page_to_va(pin->of[0].page) == 31);
    *(uint64_t *)page_to_va(pin->of[0].page) = 32;
    pin_release(pin);
}

/* What a device writes to goes out with what it wrote, and not while it may. */
KTEST(vm_row_92_a_pin_waits_for_a_page_on_its_way)
{
    struct swap_ram *r = swap_ram_on(64);
    struct pin *pin;

    reader_mm[0] = space_of(1, 4, "clock", &reader_at);
    fill(reader_mm[0], reader_at, 1, 31);
    all_out(reader_mm[0]);
    r->slow_ms = 20;
    ktest_parallel(2, false, read_or_pin);
    r->slow_ms = 0;
    all_out(reader_mm[0]);
    CHECK(get(reader_mm[0], reader_at) == 32);
    CHECK(pin_range(reader_mm[0], reader_at, 8, false, &pin) == 0);
    CHECK(swap_out(reader_mm[0]->scope, 1) == 0);
    pin_release(pin);
    all_out(reader_mm[0]);
    mm_put_user(reader_mm[0]);
    swap_ram_off(r);
}

/* Pages of spaces with a quota go, too, when the machine has nothing else. */
KTEST(vm_row_66_quotas_give_when_nothing_else_can)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(16, 16, "fifo", &at);

    fill(mm, at, 16, 5);
    CHECK(swap_out_global(4) == 4 && resident(mm, at, 16) == 12);
    CHECK(swap_out_global(100) == 12 && mm->scope->nr == 0);
    CHECK(filled(mm, at, 16, 5));
    mm_put_user(mm);
    swap_ram_off(r);
}
