/* mm_struct.c: the life of an address space, and where areas come from.
 *
 *            mm_create()  users 1, refs 1
 *                |
 *     threads    |  mm_get_user() / mm_put_user()     run in it
 *     others     |  mm_get() / mm_put()               only look: reclaim, a
 *                |                                    hart that is lazy
 *                v
 *     last mm_put_user()   every area goes, every page; drops one of refs
 *     last mm_put()        the root table and the struct go
 *
 * All users together hold one reference, so the struct outlives the areas. */
#include "arch/riscv/satp.h"
#include "debug/panic.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include "mm/mmap.h"
#include "mm/swap.h"
#include <string.h>

static struct kmem_cache *area_cache, *space_cache, *row_cache;
static uint64_t last_id; /* [a] */
int map_count_max = MAP_COUNT_MAX;

void
vmm_init(void)
{
    area_cache =
        kmem_cache_create("area", sizeof(struct vma_struct), 16, 0, NULL);
    space_cache =
        kmem_cache_create("space", sizeof(struct mm_struct), 16, 0, NULL);
    row_cache = kmem_cache_create("gate rows", ncpu * sizeof(struct gate_row),
                                  _Alignof(struct gate_row), 0, NULL);
    if (area_cache == NULL || space_cache == NULL || row_cache == NULL)
        panic("no memory for address spaces");
}

/* --- areas --- */

struct vma_struct *
vma_create(struct mm_struct *mm, uintptr_t start, uintptr_t end, uint32_t flags)
{
    struct vma_struct *vma;

    if (fail_now(FAIL_AREA))
        return NULL;
    vma = kmem_cache_alloc(area_cache);
    if (vma == NULL)
        return NULL;
    vma->vm_mm = mm; /* the rest is set when it goes into the space */
    vma->vm_flags = flags;
    vma->vm_object = NULL;
    vma->vm_pgoff = 0;
    vma->layer = NULL;
    vma_place(vma, start, end);
    return vma;
}

/* Rare: what was in a space has lost its layer already. */
static NOINLINE void
destroy_layer(struct vma_struct *vma)
{
    struct gather g;

    gather_start(&g, vma->vm_mm);
    layer_put(vma->layer, &g);
    gather_finish(&g);
}

void
vma_destroy(struct vma_struct *vma)
{
    if (unlikely(vma->layer != NULL))
        destroy_layer(vma);
    if (vma->vm_object != NULL)
        object_put(vma->vm_object);
    kmem_cache_free(area_cache, vma);
}

/* --- spaces --- */

/* Replaced by kern/ext/mm/spaces.c, which keeps a list of all spaces. */
WEAK void
mm_born(struct mm_struct *mm)
{
}

WEAK void
mm_gone(struct mm_struct *mm)
{
}

static void
mm_init(struct mm_struct *mm, struct gate_row *rows)
{
    memset(mm, 0, sizeof(*mm));
    memset(rows, 0, ncpu * sizeof(*rows));
    gate_init(&mm->gate, rows);
    mm->gate_rows = rows;
    list_init(&mm->mmap_list);
    list_init(&mm->dead);
    mm->id = atomic_add(&last_id, 1ul) + 1;
    mm->users = mm->refs = 1;
    mm->stack_limit = STACK_LIMIT;
    mm->as_limit = mm->data_limit = UINTPTR_MAX;
}

struct mm_struct *
mm_create(void)
{
    struct mm_struct *mm;
    struct gate_row *rows;

    if (fail_now(FAIL_AREA))
        return NULL;
    mm = kmem_cache_alloc(space_cache);
    if (mm == NULL)
        return NULL;
    rows = kmem_cache_alloc(row_cache);
    if (rows == NULL)
        goto out_free_mm;
    mm_init(mm, rows);
    mm->pgdir = pgdir_create(mm);
    if (mm->pgdir != NULL) {
        mm->satp = satp_of_root(mm->pgdir);
        mm_born(mm);
        return mm;
    }
    kmem_cache_free(row_cache, rows);
out_free_mm:
    kmem_cache_free(space_cache, mm);
    return NULL;
}

void
mm_get(struct mm_struct *mm)
{
    atomic_add(&mm->refs, 1);
}

void
mm_put(struct mm_struct *mm)
{
    if (mm_drop(mm))
        mm_free(mm);
}

void
mm_free(struct mm_struct *mm)
{
    assert(mm->map_count == 0);
    swap_scope_end(mm);
    pgdir_destroy(mm);
    mm_gone(mm);
    kmem_cache_free(row_cache, mm->gate_rows);
    kmem_cache_free(space_cache, mm);
}

void
mm_get_user(struct mm_struct *mm)
{
    atomic_add(&mm->users, 1);
}

void
mm_put_user(struct mm_struct *mm)
{
    if (atomic_add_acq_rel(&mm->users, -1) != 1)
        return;
    mm_write_begin(mm);
    unmap_all(mm);
    mm_write_end(mm);
    mm_put(mm);
}

/* --- writers --- */

void
mm_write_begin(struct mm_struct *mm)
{
    gate_close_here(&mm->gate);
    mm->seq++;
}

void
mm_write_end(struct mm_struct *mm)
{
    struct list *dead = mm->dead.next, *next;

    if (likely(dead == &mm->dead)) {
        gate_open_here(&mm->gate);
        return;
    }
    mm->dead.prev->next = NULL; /* a chain, and an empty ring */
    list_init(&mm->dead);
    gate_open_here(&mm->gate);
    for (; dead != NULL; dead = next) {
        next = dead->next;
        vma_destroy(list_entry(dead, struct vma_struct, list_link));
    }
}
