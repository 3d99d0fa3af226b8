/* kmap.c: page tables of the kernel's half: device window, direct map, frame
 * descriptors, stack area.
 *
 * Where a new table comes from changes while we boot, and so does the way to
 * reach it:
 *
 *   at first           a few static pages of the image
 *   kmap_init()        an arena off bootmem, seen through the device window
 *   direct map done    pages of the allocator, seen through the direct map
 */
#include "mm/kmap.h"

#include "arch/riscv/boot.h"
#include "arch/riscv/satp.h"
#include "debug/panic.h"
#include "mm/bootmem.h"
#include "mm/rmap.h"
#include <errno.h>
#include <string.h>

#define STATIC_TABLES 8
#define ARENA_PAGES   64
#define DEVICE_MAX    (128ul << 20) /* of one device */

static pte_t static_tables[STATIC_TABLES][PTES_PER_TABLE]
    __attribute__((aligned(4096), section(".bss.pages")));
static unsigned static_used;

static struct arena {
    paddr_t pa;
    char *va; /* in the device window */
    unsigned used;
} arena;
static bool direct_map_done;
static uintptr_t device_next = DEVICE_BASE;
size_t kmap_tables;

/* A cleared page for a table; 0 if there is none. */
static paddr_t
table_alloc(void)
{
    paddr_t pa = 0;

    if (direct_map_done) {
        struct page *p = alloc_zeroed_page();

        if (p != NULL)
            pa = page_to_pa(p);
    } else if (arena.va != NULL && arena.used < ARENA_PAGES) {
        page_zero(arena.va + arena.used * PAGE_SIZE);
        pa = arena.pa + arena.used++ * PAGE_SIZE;
    } else if (arena.va == NULL && static_used < STATIC_TABLES) {
        pa = va_to_pa(static_tables[static_used++]);
    }
    if (pa != 0)
        kmap_tables++;
    return pa;
}

static pte_t *
table_at(paddr_t pa)
{
    if (pa >= kernel_pa && pa < kernel_pa + (size_t)(image_end - image_start))
        return (pte_t *)(pa - kernel_pa + KERNEL_BASE);
    if (!direct_map_done)
        return (pte_t *)(arena.va + (pa - arena.pa));
    return pa_to_va(pa);
}

/* The entry for VA at LEVEL; tables above it are made.  NULL: no memory, or a
 * larger leaf is in the way. */
static pte_t *
walk_alloc(uintptr_t va, unsigned level)
{
    /* LAB 3.6: the entry for VA at LEVEL in the kernel's own tables; missing
     * ones are made.
     *
     * The root is satp_kernel_root(). It is the walk of get_pte_at() without
     * other harts, but so early that tables have physical addresses only:
     * table_alloc() gives one (0: no memory, return NULL), table_at() says
     * where it can be read. A larger leaf that is in the way is NULL, too. */
    pte_t *table = satp_kernel_root();

    for (unsigned l = paging_levels - 1; l > level; l--) {
        pte_t *e = &table[pte_index(va, l)];

        if (*e == 0) {
            paddr_t pa = table_alloc();

            if (pa == 0)
                return NULL;
            *e = pte_make(pa, PTE_V);
        }
        if (!pte_is_table(*e))
            return NULL;
        table = table_at(pte_pa(*e));
    }
    return &table[pte_index(va, level)];
    /* STUB: return NULL; */
    /* END 3.6 */
}

pte_t *
kmap_find(uintptr_t va, unsigned *level)
{
    pte_t *table = satp_kernel_root();

    for (unsigned l = paging_levels - 1;; l--) {
        pte_t *e = &table[pte_index(va, l)];

        if (pte_is_leaf(*e)) {
            *level = l;
            return e;
        }
        if (!pte_is_table(*e) || l == 0)
            return NULL;
        table = table_at(pte_pa(*e));
    }
}

/* Map [PA, PA+SIZE) at VA, all page-aligned, with the largest leaves that
 * fit, up to MAX_LEVEL. */
static int
map_range(uintptr_t va, paddr_t pa, size_t size, uint64_t flags,
          unsigned max_level)
{
    while (size > 0) {
        unsigned level = max_level;
        pte_t *e;

        while (((va | pa) & (pte_span(level) - 1)) != 0 ||
               size < pte_span(level))
            level--;
        e = walk_alloc(va, level);
        if (e == NULL)
            return -ENOMEM;
        *e = pte_make(pa, flags);
        va += pte_span(level);
        pa += pte_span(level);
        size -= pte_span(level);
    }
    return 0;
}

void *
kmap_device(paddr_t pa, size_t size)
{
    paddr_t start = PAGE_DOWN(pa);
    size_t len = PAGE_UP(pa + size) - start;
    uintptr_t va = device_next;

    /* The numbers come from the firmware's tables. */
    if (size == 0 || pa + size < pa || len > DEVICE_MAX)
        return NULL;
    if (len >= pte_span(1)) /* large leaves, if both addresses allow them */
        va = ROUND_UP(va, pte_span(1)) + start % pte_span(1);
    if (map_range(va, start, len, PTE_KERN_RW, 1) != 0)
        return NULL;
    device_next = va + len + PAGE_SIZE; /* and a page nobody may touch */
    sfence_vma_all();
    return (void *)(va + (pa - start));
}

/* Part of the direct map; what is text or rodata stays read-only here, too. */
static int
map_direct(paddr_t start, paddr_t end)
{
    /* LAB 3.7: the direct map: physical addresses [START, END) at dmap_base +
     * address.
     *
     * Everything can be read and written there (PTE_KERN_RW), and nothing run.
     * But the kernel's text and rodata, from kernel_pa up to where rodata_end
     * lies (va_to_pa()), are in RAM as well: if they could be written here
     * their own mapping would protect nothing. So that part is PTE_KERN_R,
     * what lies before and behind is not. map_range() maps with leaves up to
     * level 2 and says if there is no memory. */
    paddr_t image = kernel_pa, fixed = va_to_pa(rodata_end);
    int err = 0;

    if (start < fixed && end > image) {
        if (start < image)
            err = map_direct(start, image);
        if (err == 0)
            err = map_range(MAX(start, image) + dmap_base, MAX(start, image),
                            MIN(end, fixed) - MAX(start, image), PTE_KERN_R, 2);
        start = fixed;
    }
    if (err == 0 && start < end)
        err = map_range(start + dmap_base, start, end - start, PTE_KERN_RW, 2);
    return err;
    /* STUB: return map_range(start + dmap_base, start, end - start, PTE_KERN_RW, 2); */
    /* END 3.7 */
}

/* [START, END) of RAM without the N sorted RESERVED ranges. */
static int
map_ram(paddr_t start, paddr_t end, const struct pmm_range *reserved,
        unsigned n)
{
    for (unsigned i = 0; i < n && start < end; i++) {
        paddr_t from = PAGE_DOWN(reserved[i].start);
        int err;

        if (from >= end || PAGE_UP(reserved[i].end) <= start)
            continue;
        if (from > start) {
            err = map_direct(start, from);
            if (err != 0)
                return err;
        }
        start = PAGE_UP(reserved[i].end);
    }
    return start < end ? map_direct(start, end) : 0;
}

/* Frames and a mapping for the descriptors of [START, END). */
static int
map_memmap(paddr_t start, paddr_t end)
{
    uintptr_t va = PAGE_DOWN((uintptr_t)pa_to_page(start));
    uintptr_t stop = PAGE_UP((uintptr_t)pa_to_page(end - 1) + 1);

    while (va < stop) {
        unsigned level = va % pte_span(1) == 0 && stop - va >= pte_span(1);
        pte_t *e = walk_alloc(va, level);
        paddr_t pa;

        if (e == NULL)
            return -ENOMEM;
        if (*e == 0) { /* the edge of the range below may have mapped it */
            pa = bootmem_alloc(pte_span(level), pte_span(level));
            if (pa == 0)
                return -ENOMEM;
            *e = pte_make(pa, PTE_KERN_RW);
        }
        va += pte_span(level);
    }
    return 0;
}

/* Every address space copies the root's upper half once, so entries there must
 * all exist before the first one is made. */
static int
make_root_entries(void)
{
    for (uintptr_t va = VMAP_BASE; va < VMAP_BASE + VMAP_SIZE;
         va += pte_span(2)) {
        if (walk_alloc(va, 1) == NULL)
            return -ENOMEM;
    }
    return 0;
}

int
kmap_init(const struct pmm_range *reserved, unsigned n)
{
    const struct pmm_range *ram;
    unsigned nram = bootmem_ram(&ram);
    paddr_t pa = bootmem_alloc(ARENA_PAGES * PAGE_SIZE, PAGE_SIZE);
    char *va;
    int err;

    if (pa == 0)
        return -ENOMEM;
    va = kmap_device(pa, ARENA_PAGES * PAGE_SIZE);
    if (va == NULL)
        return -ENOMEM;
    arena = (struct arena){.pa = pa, .va = va};
    memmap_first_pfn = ROUND_DOWN(ram[0].start, pte_span(1)) >> PAGE_SHIFT;
    rmap_pairs =
        ram[nram - 1].end - (memmap_first_pfn << PAGE_SHIFT) <= RMAP_PAIR_RAM;
    err = make_root_entries();
    for (unsigned i = 0; i < nram && err == 0; i++) {
        err = map_ram(ram[i].start, ram[i].end, reserved, n);
        if (err == 0)
            err = map_memmap(ram[i].start, ram[i].end);
    }
    sfence_vma_all();
    direct_map_done = true;
    return err;
}

int
kmap_page(uintptr_t va, paddr_t pa, uint64_t flags)
{
    pte_t *e = walk_alloc(va, 0);

    if (e == NULL)
        return -ENOMEM;
    assert(*e == 0);
    *e = pte_make(pa, flags);
    sfence_vma_page(va);
    return 0;
}

paddr_t
kmap_unmap(uintptr_t va)
{
    unsigned level;
    pte_t *e = kmap_find(va, &level);
    paddr_t pa;

    assert(e != NULL && level == 0);
    pa = pte_pa(*e);
    *e = 0;
    return pa;
}
