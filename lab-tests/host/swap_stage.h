/* swap_stage.h: what explore_swap.c and explore_shared.c share: a disk in memory, and
 * the stories that are the same for private and for shared pages.  The page at HERE
 * holds 7, the next one 8.
 *
 * Who includes it says how a page leaves memory, and what must hold at the end. */
#ifndef LAB_TESTS_HOST_SWAP_STAGE_H
#define LAB_TESTS_HOST_SWAP_STAGE_H

#define P     PAGE_SIZE
#define SLOTS 4u

/* Page INDEX leaves memory, if it can. */
static void throw_out(uint64_t index);
/* No slot is left, and nothing else. */
static void over(void);

/* --- the disk --- */

static struct swap_dev dev;
static char disk[SLOTS][PAGE_SIZE];
static unsigned reads;
static bool bad_reads;

static int
disk_io(struct swap_dev *d, bool write, uint64_t slot, struct page **pages,
        unsigned n)
{
    EXPLORE_POINT("disk");
    if (!write && bad_reads)
        return -EIO;
    for (unsigned i = 0; i < n; i++) {
        char *there = disk[slot + i], *here = page_to_va(pages[i]);

        memcpy(write ? there : here, write ? here : there, PAGE_SIZE);
    }
    reads += write ? 0 : n;
    EXPLORE_POINT("disk-done");
    return 0;
}

static void
dev_on(void)
{
    dev = (struct swap_dev){.io = disk_io, .nslots = SLOTS};
    if (swap_on(&dev) != 0)
        explore_fail("no swap");
}

static void
dev_off(void)
{
    as(0);
    bad_reads = false;
    if (dev.nslots != 0 && swap_off(&dev) != 0)
        explore_fail("the device does not go");
    if (swap_slots() != 0 || swap_slots_used() != 0)
        explore_fail("%lu slots are left", swap_slots_used());
    if ((int64_t)kstat_read(STAT_SWAPPED) != 0)
        explore_fail("%ld pages are counted as swapped",
                     (long)kstat_read(STAT_SWAPPED));
}

static void
sees_at(uintptr_t va, uint64_t value)
{
    uint64_t got = 12345;
    unsigned r = user_load(va, &got);

    if (r != 0 || got != value)
        explore_fail("%#lx has %lu, not %lu (%#x)", va, got, value, r);
}

/* --- a store while the page is on its way --- */

static void
store_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        throw_out(0);
    else
        result[1] = user_store(HERE, 5);
}

/* --- two want the page --- */

static void
two_body(unsigned hart)
{
    start(hart);
    result[hart] = user_load(HERE, &saw[hart][0]);
}

static void
two_check(void)
{
    for (unsigned i = 0; i < 2; i++)
        if (result[i] != 0 || saw[i][0] != 7)
            explore_fail("hart %u saw %lu (%#x)", i, saw[i][0], result[i]);
    if (reads != 1)
        explore_fail("%u reads", reads);
    over();
}

/* --- swapoff --- */

static void
off_went(void)
{
    if (result[0] != 0)
        explore_fail("swapoff gives %d", (int)result[0]);
    dev.nslots = 0;
}

static void
off_check(void)
{
    off_went();
    as(0);
    sees_at(HERE, 7);
    sees_at(HERE + P, 8);
    over();
}

static void
off_write_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = (unsigned)swap_off(&dev);
    else
        throw_out(0);
}

static void
off_fault_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = (unsigned)swap_off(&dev);
    else
        result[1] = user_load(HERE, &saw[1][0]);
}

static void
off_fault_check(void)
{
    if (result[1] != 0 || saw[1][0] != 7)
        explore_fail("saw %lu (%#x)", saw[1][0], result[1]);
    off_check();
}

#endif
