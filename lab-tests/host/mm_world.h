/* mm_world.h: a machine under the whole of kern/mm, for host tests.
 *
 *     the test          user_load(), user_store(), do_mmap(), mm_copy() ...
 *     kern/mm           vmm mm_struct range mmap brk pgtable rmap unmap anon
 *                       layer lnode gather object zap mm_copy space fault*
 *                       pageref, ext/mm/migrate, and sync/gate mutex wait: the
 *                       files as they are
 *     this file         frames, caches of objects, kmalloc, fail points
 *     mm_mmu.h          the MMU of each hart with its TLB, and flushes
 *     mm_verify.h       what must hold between the structures
 *
 * A frame that was given back is filled and poisoned; free frames and objects
 * are reused as late as can be.  With EXPLORE_H (the race explorer) memory is
 * never used twice; otherwise objects come from malloc(), so that sanitizers
 * see each of them end.
 *
 * => included once; see WORLD_FRAMES and WORLD_LEVELS */
#ifndef HOST_MM_WORLD_H
#define HOST_MM_WORLD_H

/* The C library has a sched_yield(), too; the kernel's is meant below. */
#define sched_yield world_yield

#include "mm/failpoint.h"
#ifdef EXPLORE_H /* what is counted makes no difference: no points there */
#include "mm/anon.h"
#include "mm/object.h"
#include "mm/pgtable.h"
#include "sync/gate.h"
#undef ATOMIC_POINT
#define ATOMIC_POINT(p) ((void)0)
#include "mm/vmm.h"
#undef ATOMIC_POINT
#define ATOMIC_POINT(p)                                                        \
    explore_point("access", EXPLORE_PTR(p), sizeof(*EXPLORE_PTR(p)), __FILE__, \
                  __LINE__)
#endif
#include "mm/fault.h"
#include "mm/kmalloc.h"
#include "mm/mmap.h"
#include "mm/rmap.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "sync/gate.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifndef WORLD_FRAMES
#define WORLD_FRAMES 1024
#endif
#ifndef WORLD_LEVELS
#define WORLD_LEVELS 3
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, size)
#define ASAN_UNPOISON_MEMORY_REGION(p, size)
#endif

#define WORLD_UNUSED __attribute__((unused))

/* --- objects --- */

#ifdef EXPLORE_H
static char world_arena[32 * 1024] __attribute__((aligned(64)));
static size_t world_used;

static void *
world_alloc(size_t align, size_t size)
{
    size_t at = ROUND_UP(world_used, MAX(align, 16ul));

    world_used = at + size;
    if (world_used > sizeof(world_arena))
        panic("the test has no more memory");
    return world_arena + at;
}

static void
world_free(void *p, size_t size)
{
    memset(p, 0xdd, size);
}
#else
static void *
world_alloc(size_t align, size_t size)
{
    return aligned_alloc(MAX(align, 16ul), ROUND_UP(size, MAX(align, 16ul)));
}

static void
world_free(void *p, size_t size)
{
    free(p);
}
#endif

static size_t world_objects; /* [a] from caches and kmalloc() */

/* A type-stable cache keeps its free objects, the oldest is reused first; each
 * thread has its own, so that no lock here hides a missing order. */
struct kmem_cache {
    size_t size, align;
    unsigned flags;
    void (*ctor)(void *obj);
};

#ifdef EXPLORE_H
static void *stable_free;
#else
static _Thread_local void *stable_free;
#endif

static void **
stable_next(struct kmem_cache *c, void *obj)
{
    return (void **)((char *)obj + c->size);
}

struct kmem_cache *
kmem_cache_create(const char *name, size_t size, size_t align, unsigned flags,
                  void (*ctor)(void *obj))
{
    struct kmem_cache *c = world_alloc(0, sizeof(*c));

    *c = (struct kmem_cache){ROUND_UP(size, 16), align, flags, ctor};
    return c;
}

static void *
stable_alloc(struct kmem_cache *c)
{
    void *obj = stable_free;

    if (obj != NULL) {
        stable_free = *stable_next(c, obj);
        ASAN_UNPOISON_MEMORY_REGION(obj, c->size);
        return obj;
    }
    obj = world_alloc(c->align, c->size + sizeof(void *));
    c->ctor(obj);
    return obj;
}

void *
kmem_cache_alloc(struct kmem_cache *c)
{
    void *obj;

    if (fail_now(FAIL_CACHE))
        return NULL;
    __atomic_fetch_add(&world_objects, 1, __ATOMIC_RELAXED);
    if (c->flags & KMEM_TYPE_STABLE)
        return stable_alloc(c);
    obj = world_alloc(c->align, c->size);
    memset(obj, 0xa5, c->size);
    return obj;
}

void
kmem_cache_free(struct kmem_cache *c, void *obj)
{
    __atomic_fetch_add(&world_objects, -1ul, __ATOMIC_RELAXED);
    if ((c->flags & KMEM_TYPE_STABLE) == 0) {
        world_free(obj, c->size);
        return;
    }
    *stable_next(c, obj) = stable_free;
    stable_free = obj;
    ASAN_POISON_MEMORY_REGION(obj, c->size);
}

void
kmem_cache_free_all(struct kmem_cache *c, void **obj, unsigned n)
{
    while (n > 0)
        kmem_cache_free(c, obj[--n]);
}

/* The size stands in front of the object. */
void *
kmalloc(size_t size)
{
    size_t *p;

    if (fail_now(FAIL_KMALLOC))
        return NULL;
    p = world_alloc(0, size + 16);
    *p = size;
    memset(p + 2, 0xa5, size);
    __atomic_fetch_add(&world_objects, 1, __ATOMIC_RELAXED);
    return p + 2;
}

void *
kzalloc(size_t size)
{
    void *p = kmalloc(size);

    return p == NULL ? NULL : memset(p, 0, size);
}

void
kfree(void *p)
{
    size_t *head;

    if (p == NULL)
        return;
    head = (size_t *)p - 2;
    __atomic_fetch_add(&world_objects, -1ul, __ATOMIC_RELAXED);
    world_free(head, *head + 16);
}

/* --- frames --- */

#define WORLD_FIRST 0x80000ul /* number of the first frame */

pfn_t memmap_first_pfn = WORLD_FIRST;
bool pmm_poison;
bool fail_armed;
bool (*fail_hook)(enum fail_site site);

/* A frame remembers whose it was, a slab's or a table's. */
#define WORLD_OLD_OWNER 0x5a5a5a5a5a5a5a50ul

static struct page world_page[WORLD_FRAMES];
static char *world_frames;  /* their contents; set up before the first use */
static size_t frames_used;  /* [frames_lock] */
static size_t frames_fresh; /* [frames_lock] behind these, none was used yet */
static struct list frames_free;
static WORLD_UNUSED uint32_t frames_lock;

#ifdef EXPLORE_H
uintptr_t shim_memmap_base, dmap_base;
paddr_t kernel_pa;
unsigned paging_levels;
#endif

static void
lock_frames(void)
{
#ifndef EXPLORE_H
    while (__atomic_exchange_n(&frames_lock, 1, __ATOMIC_ACQUIRE))
        cpu_wait();
#endif
}

static void
unlock_frames(void)
{
#ifndef EXPLORE_H
    __atomic_store_n(&frames_lock, 0, __ATOMIC_RELEASE);
#endif
}

static struct page *
take_frame(void)
{
    struct page *p = NULL;

    lock_frames();
    if (frames_fresh < WORLD_FRAMES) {
        p = &world_page[frames_fresh++];
    } else if (!list_empty(&frames_free)) {
        p = list_first(&frames_free, struct page, lru);
        list_del(&p->lru);
    }
    frames_used += p != NULL;
    unlock_frames();
    return p;
}

struct page *
alloc_pages(unsigned order)
{
    struct page *p;

    assert(order == 0);
    p = fail_now(FAIL_PAGE) ? NULL : take_frame();
    if (p == NULL)
        return NULL;
    memset(p, 0, sizeof(*p));
    p->ref = 1;
    p->owner = WORLD_OLD_OWNER;
    ASAN_UNPOISON_MEMORY_REGION(page_to_va(p), PAGE_SIZE);
    return p;
}

struct page *
alloc_zeroed_page(void)
{
    struct page *p = alloc_pages(0);

    if (p != NULL)
        page_zero(page_to_va(p));
    return p;
}

void
free_pages(struct page *p, unsigned order)
{
    assert((p->flags & PG_BUDDY) == 0);
    assert(p->ref == 1 && p->users == 0 && p->rmap == 0);
    memset(page_to_va(p), 0xdd, PAGE_SIZE);
    ASAN_POISON_MEMORY_REGION(page_to_va(p), PAGE_SIZE);
    p->flags = PG_BUDDY;
    p->ref = 0;
    lock_frames();
    list_add_tail(&frames_free, &p->lru);
    frames_used--;
    unlock_frames();
}

void
free_page_list(struct page **p, unsigned n)
{
    while (n > 0)
        free_pages(p[--n], 0);
}

static pte_t kernel_root[PTES_PER_TABLE];

pte_t *
satp_kernel_root(void)
{
    return kernel_root;
}

/* --- the kernel --- */

/* A page that is copied may turn out not to be shared any more, and then
 * somebody may write there meanwhile: the copy is thrown away unread.  Whether
 * it was right to use one is for the values to say. */
static __attribute__((noinline, no_sanitize("thread"))) void
world_copy(void *dst, const void *src)
{
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        ((uint64_t *)dst)[i] = ((const uint64_t *)src)[i];
}
#define page_copy(dst, src) world_copy(dst, src)

static void mmu_forget(uintptr_t va);
static void mmu_forget_all(void);
#ifdef EXPLORE_H
#define sfence_vma_page(va) EXPLORE_CALL(mmu_forget, NULL, va)
#else
#define sfence_vma_page(va) mmu_forget(va)
#endif
#define sfence_vma_all() mmu_forget_all()

/* Of space.c only mm_access() is used: harts are told what to run by mmu_run(),
 * and nothing is executed. */
struct mm_struct *(*sched_switch_hook)(struct thread *next);
void (*sched_left_hook)(struct mm_struct *left);

uint64_t kernel_satp;

uint64_t
satp_of_root(const pte_t *root)
{
    return 0;
}

void
tlb_sync_code(uint64_t set)
{
}

#ifndef SATP_PPN_MASK
#define SATP_PPN_MASK 0ul
#endif
#undef BITS /* the assembler's are ints in C */
#define BITS(v, shift) ((uint64_t)(v) << (shift))
#define fence_i()      ((void)0)

/* What a mutant of the explorer changes goes around one of these. */
#ifndef WORLD_FILES
#include "kern/mm/anon.c"
#include "kern/mm/brk.c"
#include "kern/mm/fault.c"
#include "kern/mm/fault_entry.c"
#include "kern/mm/fault_object.c"
#include "kern/mm/fault_swap.c"
#include "kern/mm/fault_wp.c"
#include "kern/mm/gather.c"
#include "kern/mm/layer.c"
#include "kern/mm/lnode.c"
#include "kern/mm/mm_copy.c"
#include "kern/mm/mm_struct.c"
#include "kern/mm/mmap.c"
#include "kern/mm/object.c"
#include "kern/mm/object_fill.c"
#include "kern/mm/object_swap.c"
#include "kern/mm/object_zeros.c"
#include "kern/mm/page_lock.c"
#include "kern/mm/pageref.c"
#include "kern/mm/readahead.c"
#include "kern/mm/writeback.c"
#ifdef __SANITIZE_THREAD__
/* A table is looked into through the entry that leads to it: that is an order
 * (RVWMO, rule 9: address dependency), but not one the sanitizer knows. */
#undef atomic_load
#define atomic_load(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#include "kern/mm/pgtable.c"
#undef atomic_load
#define atomic_load(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#else
#include "kern/mm/pgtable.c"
#endif
#include "kern/mm/range.c"
#include "kern/mm/rmap.c"
#include "kern/mm/space.c"
#include "kern/mm/swap.c"
#include "kern/mm/swap_clock.c"
#include "kern/mm/swap_fifo.c"
#include "kern/mm/swap_scope.c"
#include "kern/mm/swapoff.c"
#include "kern/mm/swapslot.c"
#define changed unmap_changed /* range.c has another one */
#include "kern/mm/unmap.c"
#undef changed
#include "kern/ext/mm/migrate.c"
#include "kern/mm/vmm.c"
#include "kern/mm/zap.c"
#include "kern/sync/gate.c"
#include "kern/sync/mutex.c"
#include "kern/sync/wait.c"
#include "libs/avl.c"
#include "mm_one_node.h"
#else
#include WORLD_FILES
#endif

/* There is always memory enough for dirty pages. */
void
balance_dirty(struct vm_object *obj)
{
    (void)obj;
}

bool
memory_short(void)
{
    return false;
}

#include "mm_mmu.h"
#include "mm_pager.h"
#include "mm_verify.h"

/* Start the machine.  => once; world_frames is set */
static void
world_start(void)
{
    list_init(&frames_free);
    shim_memmap_base = (uintptr_t)world_page;
    dmap_base = (uintptr_t)world_frames - (WORLD_FIRST << PAGE_SHIFT);
    paging_levels = WORLD_LEVELS;
    anon_init();
    swap_init();
    pgdir_init();
    vmm_init();
    object_start();
    fault_init();
    frames_used--; /* the zero page stays */
}

static char *
world_new_frames(void)
{
    return aligned_alloc(PAGE_SIZE, WORLD_FRAMES * PAGE_SIZE);
}

#endif
