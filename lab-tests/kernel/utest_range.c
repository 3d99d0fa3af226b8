/* utest_range.c: what the kernel does to a range of a test program's memory, and
 * what it knows of it: the part of /dev/utest (utest_dev.c) for what no call of
 * a program does.  Operations and results: lab-tests/user/lib/utest_abi.h. */
#include "utest_range.h"

#include "debug/trace.h"
#include "ext/debug/tracering.h"
#include "ext/mm/hint.h"
#include "ext/mm/huge.h"
#include "ext/mm/migrate.h"
#include "ext/mm/pagers.h"
#include "lab-tests/user/lib/utest_abi.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/swap.h"
#include "mm/uaccess.h"
#include "process/proc.h"
#include <errno.h>

/* The page that an entry of VA maps, with a reference; NULL: none that is kept
 * records of. */
static struct page *
page_at(struct mm_struct *mm, uintptr_t va)
{
    struct page *page = NULL;
    pte_t *pte;

    gate_enter(&mm->gate);
    pte = get_pte(mm, va, false);
    if (pte != NULL && pte_is_leaf(pte_load(pte))) {
        page = pa_to_page(pte_pa(pte_load(pte)));
        if (page != NULL && !(page->flags & (PG_ZERO | PG_RESERVED)))
            page_get(page);
        else
            page = NULL;
    }
    gate_leave(&mm->gate);
    return page;
}

/* How many pages of the range were accessed since the last time. */
static long
sweep(struct mm_struct *mm, const struct utest_range *r)
{
    long n = 0;

    for (uint64_t va = r->addr; va < r->addr + r->len; va += PAGE_SIZE) {
        struct page *page = page_at(mm, va);

        if (page == NULL)
            continue;
        n += pages_take_accessed(&page, 1);
        page_put(page);
    }
    return n;
}

/* How many entries the last table for the address has in use; 0: no table. */
static long
entries(struct mm_struct *mm, uint64_t va)
{
    pte_t *pte;
    long n = 0;

    gate_enter(&mm->gate);
    pte = get_pte(mm, va, false);
    if (pte != NULL)
        n = (long)pte_table(pte)->mapcount;
    gate_leave(&mm->gate);
    return n;
}

/* What the log says of the latest fault at the address: the frame it mapped.  A
 * hart writes the two events of a fault one after the other. */
static long
logged(struct utest_range *r)
{
    struct trace_event e, done;
    uint64_t latest = 0;
    long frame = -ENOENT;

    for (unsigned c = 0; c < ncpu; c++) {
        for (unsigned age = 1; trace_read(c, age, &e); age++) {
            if (e.id != TRACE_PGFAULT || e.b != r->addr || e.time <= latest ||
                !trace_read(c, age - 1, &done) || done.id != TRACE_PGDONE)
                continue;
            latest = e.time;
            r->len = e.a;
            frame = (long)done.a;
        }
    }
    return frame;
}

/* --- a device of two pages --- */

static struct page *device_pages;

static long
map_device(struct mm_struct *mm, const struct utest_range *r)
{
    struct vm_object *dev;
    long at;

    if (device_pages == NULL)
        device_pages = alloc_pages(1);
    if (device_pages == NULL)
        return -ENOMEM;
    dev = device_object(page_to_pa(device_pages), 2 * PAGE_SIZE);
    if (dev == NULL)
        return -ENOMEM;
    at = do_mmap(mm, 0, r->len, VM_READ | VM_WRITE, MAP_SHARED, dev, r->addr);
    object_put(dev);
    return at;
}

void
utest_range_reset(void)
{
    if (device_pages != NULL)
        free_pages(device_pages, 1);
    device_pages = NULL;
    trace_enabled = false;
}

static long
work(struct mm_struct *mm, struct utest_range *r)
{
    switch (r->op) {
    case RANGE_HINT:
        return hint_scan(mm, r->addr, r->addr + r->len);
    case RANGE_MOVE:
        return migrate_range(mm, r->addr, r->addr + r->len);
    case RANGE_SWEEP:
        return sweep(mm, r);
    case RANGE_ENTRIES:
        return entries(mm, r->addr);
    case RANGE_GIB:
        return do_mmap_1g(mm, r->len, VM_READ | VM_WRITE);
    case RANGE_DEVICE:
        return map_device(mm, r);
    case RANGE_LOG:
        trace_enabled = r->len != 0;
        return 0;
    case RANGE_LOGGED:
        return logged(r);
    }
    return -EINVAL;
}

long
utest_range(uintptr_t arg)
{
    struct utest_range r;

    if (copy_from_user(&r, arg, sizeof(r)) != 0)
        return -EFAULT;
    r.result = work(current_process()->mm, &r);
    return copy_to_user(arg, &r, sizeof(r)) != 0 ? -EFAULT : 0;
}
