/* test_swapslot.c: who gets which slot, and what that costs; rows 58 and 63 of
 * docs/design/mm.md. */
#include "ktest.h"
#include "mm/kmalloc.h"
#include "mm/swap.h"
#include "swap_ram.h"
#include "vm_tools.h"

static int
no_io(struct swap_dev *dev, bool write, uint64_t slot, struct page **pages,
      unsigned n)
{
    CHECK(!"nothing goes there");
    return 0;
}

static struct anon owner; /* of all of them: nobody looks */

static swp_t
take_one(void)
{
    struct swap_run run = {0};

    return swap_slot_alloc(&owner, &run, 1);
}

/* Words looked at for each of 1000 slots that are given back and taken again
 * anywhere on a device of N that is full but for that one. */
static uint64_t
looked_when_full(uint64_t n)
{
    struct swap_dev *dev = kzalloc(sizeof(*dev));
    uint64_t state = ktest_seed, looked;
    swp_t first;

    dev->io = no_io;
    dev->nslots = n;
    CHECK(swap_on(dev) == 0);
    first = take_one();
    for (uint64_t i = 1; i < n; i++)
        CHECK(take_one() == first + i);
    CHECK(take_one() == 0 && swap_slots_used() == n);
    looked = dev->looked;
    for (unsigned i = 0; i < 1000; i++) {
        swp_t swp = first + ktest_random(&state) % n;

        swap_slot_free(swp);
        CHECK(take_one() == swp && take_one() == 0);
    }
    looked = dev->looked - looked;
    for (uint64_t i = 0; i < n; i++)
        swap_slot_free(first + i);
    CHECK(swap_slots_used() == 0 && swap_off(dev) == 0);
    kfree(dev);
    return looked / 1000;
}

KTEST(vm_row_58_a_slot_is_found_as_fast_on_a_full_disk_of_any_size)
{
    uint64_t most = looked_when_full(1000);

    CHECK(most <= 8); /* the words of one chunk */
    CHECK(looked_when_full(10000) <= 8);
    CHECK(looked_when_full(100000) <= 8);
}

KTEST(vm_row_58_victims_of_a_batch_are_written_together)
{
    struct swap_ram *r = swap_ram_on(256);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0, 64, RW, 0);

    gate_close(&mm->gate);
    CHECK(swap_quota(mm, at, at + 64 * PG, 64, swap_manager_find("fifo", 4)) ==
          0);
    gate_open(&mm->gate);
    fill(mm, at, 64, 5);
    CHECK(swap_out(mm->scope, 64) == 64);
    CHECK(r->writes == 64 && r->calls == 2); /* of 32 */
    CHECK(filled(mm, at, 64, 5));
    mm_put_user(mm);
    swap_ram_off(r);
}

/* Equal devices take turns, run by run; one of a lower priority waits. */
KTEST(vm_row_58_equal_devices_take_turns)
{
    struct swap_ram *low, *r[2];
    struct swap_run run;
    swp_t got[6];

    low = swap_ram_on_at(64, -5);
    r[0] = swap_ram_on_at(64, 3);
    r[1] = swap_ram_on_at(64, 3);
    for (unsigned i = 0; i < 6; i++) {
        run = (struct swap_run){0};
        got[i] = swap_slot_alloc(&owner, &run, 4);
        CHECK(got[i] != 0 && run.n == 3 && run.dev == &r[i % 2]->dev);
        swap_run_end(&run);
    }
    CHECK(r[0]->dev.used == 3 && r[1]->dev.used == 3 && low->dev.used == 0);
    for (unsigned i = 0; i < 6; i++)
        swap_slot_free(got[i]);
    CHECK(swap_slots_used() == 0);
    for (unsigned i = 0; i < 128; i++)
        CHECK(take_one() != 0);
    CHECK(low->dev.used == 0 && take_one() != 0 && low->dev.used == 1);
    for (uint64_t i = 0; i < 64; i++) {
        swap_slot_free(((swp_t)r[0]->dev.index << 48) + i + 1);
        swap_slot_free(((swp_t)r[1]->dev.index << 48) + i + 1);
    }
    swap_slot_free(((swp_t)low->dev.index << 48) + 1);
    swap_ram_off(r[1]);
    swap_ram_off(r[0]);
    swap_ram_off(low);
}

/* What is set aside and not needed is there for others at once. */
KTEST(vm_row_62_the_last_slots_are_found)
{
    struct swap_ram *r = swap_ram_on(16);
    struct swap_run one = {0}, two = {0};

    CHECK(swap_slot_alloc(&owner, &one, 32) == 1 && one.n == 2);
    CHECK(swap_slot_alloc(&owner, &two, 32) == 4 && two.n == 1);
    swap_run_end(&one);
    swap_run_end(&two);
    CHECK(swap_slots_used() == 2 && r->dev.reserved == 0 && r->dev.busy == 0);
    for (unsigned i = 0; i < 14; i++)
        CHECK(take_one() != 0);
    CHECK(take_one() == 0);
    for (swp_t i = 1; i <= 16; i++)
        swap_slot_free(i);
    swap_ram_off(r);
}
