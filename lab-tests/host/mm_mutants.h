/* mm_mutants.h: kern/mm as it is, with holes that explore_fault.c can ask for.
 *
 * Calls that a mutant leaves out are wrapped by EXPLORE_CALL; what else it does
 * wrong is a macro around one file.  Without a mutant each macro is the thing
 * it stands for.  => for WORLD_FILES of mm_world.h */
#ifndef HOST_MM_MUTANTS_H
#define HOST_MM_MUTANTS_H

#include "mm_mutant.h"

static bool
is_mutant(int m, const char *func, const char *in)
{
    return explore_mutant() == m && strcmp(func, in) == 0;
}

#define MUTANT_IN(m, in) is_mutant(m, __func__, in)

/* Count down in two steps. */
#undef atomic_add_acq_rel
#define atomic_add_acq_rel(p, n)                       \
    (MUTANT_IN(MUTANT_PUT_APART, "anon_last_put")      \
         ? ({                                          \
               __typeof__(*(p)) was_ = atomic_load(p); \
               atomic_store(p, was_ + (n));            \
               was_;                                   \
           })                                          \
         : (ATOMIC_POINT(p), __atomic_fetch_add(p, n, __ATOMIC_ACQ_REL)))
#include "kern/mm/anon.c"
#undef atomic_add_acq_rel
#define atomic_add_acq_rel(p, n) \
    (ATOMIC_POINT(p), __atomic_fetch_add(p, n, __ATOMIC_ACQ_REL))
#include "kern/mm/lnode.c"
#include "kern/mm/pageref.c"
#include "kern/mm/vmm.c"
#include "kern/sync/gate.c"
#include "kern/sync/mutex.c"
#include "kern/sync/wait.c"
#include "libs/avl.c"

#define gather_node(g, n)                            \
    do {                                             \
        if (explore_mutant() == MUTANT_NODE_AT_ONCE) \
            lnode_put(n);                            \
        else                                         \
            (gather_node)(g, n);                     \
    } while (0)
#include "kern/mm/layer.c"
#undef gather_node

#define gate_close_here(gate) EXPLORE_CALL(gate_close, gate, gate)
#define gate_open_here(gate)  EXPLORE_CALL(gate_open, gate, gate)
#include "kern/mm/mm_struct.c"
#undef gate_close_here
#undef gate_open_here

#define tlb_shootdown(set, va, size)              \
    (explore_mutant() == MUTANT_NO_SHOOTDOWN ? 0u \
                                             : (tlb_shootdown)(set, va, size))
#include "kern/mm/gather.c"
#undef tlb_shootdown

/* --- pgtable.c --- */

#define gather_table(g, table)                        \
    do {                                              \
        if (explore_mutant() == MUTANT_TABLE_AT_ONCE) \
            free_pages(table, 0);                     \
        else                                          \
            (gather_table)(g, table);                 \
    } while (0)
/* The entry whose table is locked, between two points. */
static pte_t *entry_to_lock;
#define pte_lock(pte) (entry_to_lock = (pte_t *)(pte), (pte_lock)(pte))
#undef spin_lock
#define spin_lock(l)                                       \
    do {                                                   \
        struct spinlock *lock_ = (l);                      \
        pte_t *entry_ = entry_to_lock;                     \
                                                           \
        EXPLORE_CALL(spin_lock, lock_, lock_);             \
        if (MUTANT_IN(MUTANT_TABLE_BLINDLY, "make_table")) \
            *entry_ = 0;                                   \
    } while (0)
#include "kern/mm/pgtable.c"
#undef gather_table
#undef spin_lock
#undef pte_lock
#define spin_lock(l) EXPLORE_CALL(spin_lock, l, l)

/* --- fault.c, fault_entry.c, fault_object.c --- */

/* L is the lock of the anon that a mutant leaves alone. */
#define NO_ANON(l)                                         \
    (strstr(#l, "layer") == NULL && #l[0] == '&' &&        \
     (MUTANT_IN(MUTANT_READ_NO_ANON, "do_private_read") || \
      MUTANT_IN(MUTANT_WRITE_NO_ANON, "do_wp_page")))
/* A read lets go of the layer as soon as it knows the anon. */
#define LAYER_EARLY(l)                                                         \
    (MUTANT_IN(MUTANT_READ_NO_LAYER, "do_private_read") && f->layer != NULL && \
     (l) != &f->layer->lock)
static bool layer_free[EXPLORE_HARTS];

static void
leave_layer(struct layer *l)
{
    layer_free[explore_hart] = true;
    spin_unlock(&l->lock);
}

#undef spin_lock
#undef spin_unlock
#define spin_lock(l)                                         \
    do {                                                     \
        if (LAYER_EARLY(l))                                  \
            leave_layer(f->layer);                           \
        if (!NO_ANON(l))                                     \
            EXPLORE_CALL(spin_lock, l, l);                   \
        if (MUTANT_IN(MUTANT_NO_COMPARE, "publish_private")) \
            f->old = *f->slot;                               \
    } while (0)
#define spin_unlock(l)                                            \
    do {                                                          \
        if (MUTANT_IN(MUTANT_READ_NO_LAYER, "do_private_read") && \
            (l) == &f->layer->lock && layer_free[explore_hart])   \
            layer_free[explore_hart] = false;                     \
        else if (!NO_ANON(l))                                     \
            EXPLORE_CALL(spin_unlock, l, l);                      \
    } while (0)
#define anon_shared(a)                                  \
    (MUTANT_IN(MUTANT_NO_COMPARE, "publish_private") || \
     (!MUTANT_IN(MUTANT_NEVER_SHARED, "do_wp_page") && anon_shared(a)))
/* The anon that a mutant has let go of already. */
static struct anon *dropped;

static void
drop_at_once(struct anon *old, const char *in)
{
    dropped = NULL;
    if (old != NULL && is_mutant(MUTANT_ANON_AT_ONCE, in, "publish_private"))
        anon_put(dropped = old);
}

/* The page says what its frame was before. */
static struct anon *
old_owner(struct page *page, uint32_t epoch)
{
    struct anon *a = anon_new(page, epoch);

    page->owner = WORLD_OLD_OWNER;
    return a;
}

#include "mm/fault_impl.h"
#define owner_rights(f) (drop_at_once((f)->old, __func__), owner_rights(f))
#define anon_new(page, epoch)                                          \
    (explore_mutant() == MUTANT_OWNED_EARLY ? anon_create(page, epoch) \
     : explore_mutant() == MUTANT_OLD_OWNER ? old_owner(page, epoch)   \
                                            : (anon_new)(page, epoch))
#define anon_put(a)         \
    do {                    \
        if ((a) != dropped) \
            (anon_put)(a);  \
    } while (0)
#define layer_find(l, index)                                    \
    (MUTANT_IN(MUTANT_BELOW_BLINDLY, "show_below") ||           \
             MUTANT_IN(MUTANT_BELOW_BLINDLY, "do_private_read") \
         ? NULL                                                 \
         : layer_find(l, index))
#undef atomic_cas
#define atomic_cas(p, expected, desired)                            \
    (ATOMIC_POINT(p),                                               \
     explore_mutant() == MUTANT_TWO_LAYERS                          \
         ? (*(p) = (desired), true)                                 \
         : __atomic_compare_exchange_n(p, expected, desired, false, \
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
#include "kern/mm/fault.c"
#include "kern/mm/fault_wp.c"
#undef atomic_cas
#define atomic_cas(p, expected, desired)                      \
    (ATOMIC_POINT(p),                                         \
     __atomic_compare_exchange_n(p, expected, desired, false, \
                                 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
#undef layer_find

#define gather_flush_page(mm, va) EXPLORE_CALL(gather_flush_page, mm, mm, va)
#define pte_load(p)                                   \
    (MUTANT_IN(MUTANT_NO_SECOND_READ, "set_entry") || \
             MUTANT_IN(MUTANT_AD_BLINDLY, "ad_fix")   \
         ? f->seen                                    \
         : pte_load(p))
#undef atomic_load_acquire
#define atomic_load_acquire(p)                \
    (explore_mutant() == MUTANT_NO_LAYER_LOOK \
         ? NULL                               \
         : (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_ACQUIRE)))
#define rmap_add(page, pte, spare)                                          \
    (MUTANT_IN(MUTANT_NOT_RECORDED, "store_entry") && (page)->mapcount != 0 \
         ? 0                                                                \
         : rmap_add(page, pte, spare))
#undef spin_lock_off
#define spin_lock_off(l, r)                                          \
    do {                                                             \
        if (MUTANT_IN(MUTANT_RETIRE_UNLOCKED, "set_entry_locked")) { \
            pte_t e_ = pte_load(f->pte);                             \
                                                                     \
            if ((e_ & PTE_V) && !shows(e_, page) && wants_own(f))    \
                retire_entry(f, pte_table(f->pte));                  \
        }                                                            \
        spin_lock(l);                                                \
    } while (0)
#include "kern/mm/fault_entry.c"
#undef rmap_add
#undef spin_lock_off
#define spin_lock_off(l, r) spin_lock(l)
#undef atomic_load_acquire
#define atomic_load_acquire(p) \
    (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_ACQUIRE))
#undef pte_load
#undef gather_flush_page
#undef spin_lock
#undef spin_unlock
#undef anon_shared
#undef owner_rights
#undef anon_new
#undef anon_put
#define spin_lock(l)   EXPLORE_CALL(spin_lock, l, l)
#define spin_unlock(l) EXPLORE_CALL(spin_unlock, l, l)

static bool
page_is_free(void *page)
{
    return (((struct page *)page)->flags & PG_LOCKED) == 0;
}

/* The entry is stored while nobody has the page locked. */
static unsigned
finish_unlocked(struct fault *f, struct page *page, uint64_t rights)
{
    unsigned result;

    page_unlock(page);
    result = finish_fault(f, page, rights);
    while (!page_trylock(page))
        explore_wait("busy page", page_is_free, page);
    return result;
}

#define finish_fault(f, page, rights)                    \
    (MUTANT_IN(MUTANT_ENTRY_UNLOCKED, "do_shared_fault") \
         ? finish_unlocked(f, page, rights)              \
         : finish_fault(f, page, rights))
static void **slot_find(struct vm_object *obj, uint64_t index);

/* Whatever is there already. */
static int
add_blindly(struct vm_object *obj, uint64_t index, struct page **page)
{
    void **slot;

    spin_lock(&obj->lock);
    slot = slot_find(obj, index);
    if (slot != NULL)
        *slot = NULL;
    spin_unlock(&obj->lock);
    return object_add(obj, index, page);
}

#define object_add(obj, index, page)                                        \
    (explore_mutant() == MUTANT_ADD_BLINDLY ? add_blindly(obj, index, page) \
                                            : object_add(obj, index, page))
#define page_trylock(p) \
    (explore_mutant() == MUTANT_NO_PAGE_LOCK || page_trylock(p))
#include "kern/mm/fault_object.c"
#include "kern/mm/fault_swap.c"
#undef page_trylock
#undef finish_fault
#undef object_add

/* --- object.c, rmap.c --- */

#undef atomic_or
#define atomic_or(p, v)                                   \
    (MUTANT_IN(MUTANT_LATE_ANNOUNCE, "sleep_once")        \
         ? ({                                             \
               __typeof__(*(p)) seen_ = atomic_load(p);   \
               ATOMIC_POINT(p);                           \
               __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL); \
               seen_;                                     \
           })                                             \
         : (ATOMIC_POINT(p), __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL)))
#define wait_wake_all(wq) EXPLORE_CALL(wait_wake_all, wq, wq)
#define object_pages(obj)                                     \
    (MUTANT_IN(MUTANT_FILL_NO_LOOK, "object_fill_run") ? ~0ul \
                                                       : (object_pages)(obj))
/* others_had() says no; nobody maps a page that leaves. */
#undef atomic_load
#define atomic_load(p)                                             \
    (MUTANT_IN(MUTANT_FILL_REMOVES, "others_had") ||               \
             MUTANT_IN(MUTANT_EVICT_BLIND, "object_remove_unused") \
         ? 0                                                       \
         : (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_RELAXED)))
#define shared_forget(obj) EXPLORE_CALL(shared_forget, obj, obj)
#include "kern/mm/object.c"
#undef shared_forget
#include "kern/mm/object_fill.c"
#include "kern/mm/object_zeros.c"
#undef object_pages
#undef atomic_load
#define atomic_load(p) (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_RELAXED))
#include "kern/mm/page_lock.c"
#include "kern/mm/readahead.c"
#include "kern/mm/writeback.c"
#undef wait_wake_all
#undef atomic_or
#define atomic_or(p, v)                                             \
    ((ATOMIC_POINT(p), __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL)) & \
     (explore_mutant() == MUTANT_NO_RMAP_LOCK ? 0 : ~0u))
#define spin_trylock_nested(l) \
    (explore_mutant() == MUTANT_VISIT_UNLOCKED || spin_trylock_nested(l))
#undef spin_unlock_nested
#define spin_unlock_nested(l)                          \
    do {                                               \
        if (explore_mutant() != MUTANT_VISIT_UNLOCKED) \
            EXPLORE_CALL(spin_unlock_nested, l, l);    \
    } while (0)
#include "kern/mm/rmap.c"
#undef spin_trylock_nested
#undef spin_unlock_nested
#define spin_unlock_nested(l) EXPLORE_CALL(spin_unlock_nested, l, l)
#undef atomic_or
#define atomic_or(p, v) \
    (ATOMIC_POINT(p), __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL))

/* Who spins for a table writes (the page's rmap lock) on every turn, so the
 * explorer is told what it waits for. */
static bool tables_free(void *arg);
#define cpu_wait() explore_wait("busy table", tables_free, NULL)
#define tlb_shootdown(set, va, size) \
    EXPLORE_CALL(tlb_shootdown, NULL, set, va, size)
#define changed unmap_changed /* range.c has another one */
#include "kern/mm/unmap.c"
#undef changed
#undef tlb_shootdown
#undef cpu_wait
#include "kern/ext/mm/migrate.c"
#ifdef WORLD_SHARED_SWAP /* explore_shared.c */
#define object_evict_some files_evict_some
#include "kern/mm/evict.c"
#undef object_evict_some
#else
#include "kern/mm/evict.c"
#include "kern/mm/object_swap.c"
#endif
#include "kern/mm/space.c"

#undef atomic_load
#define atomic_load(p)                         \
    (MUTANT_IN(MUTANT_DIRTY_UNSEEN, "end_out") \
         ? (__typeof__(*(p)))0                 \
         : (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_RELAXED)))
#include "kern/mm/swap.c"
#undef atomic_load
#define atomic_load(p) (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_RELAXED))
#include "kern/mm/swap_clock.c"
#include "kern/mm/swap_fifo.c"

#define page_get(p)                                              \
    do {                                                         \
        if (MUTANT_IN(MUTANT_VICTIM_LATE, "swap_take_victim")) { \
            spin_unlock(&s->lock);                               \
            (page_get)(p);                                       \
            spin_lock(&s->lock);                                 \
        } else {                                                 \
            (page_get)(p);                                       \
        }                                                        \
    } while (0)
#include "kern/mm/swap_scope.c"
#undef page_get
#include "kern/mm/swapoff.c"

#undef atomic_load
#define atomic_load(p)                         \
    (MUTANT_IN(MUTANT_OFF_AT_ONCE, "swap_off") \
         ? (__typeof__(*(p)))0                 \
         : (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_RELAXED)))
#include "kern/mm/swapslot.c"
#undef atomic_load
#define atomic_load(p) (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_RELAXED))
#ifdef WORLD_SHARED_SWAP
#include "kern/ext/mm/pager_swap.c"
#endif
#include "mm_one_node.h"

/* --- what changes a space --- */

#define gather_finish(g) EXPLORE_CALL(gather_finish, g, g)
#include "kern/mm/brk.c"
#include "kern/mm/mmap.c"
#include "kern/mm/range.c"
#include "kern/mm/zap.c"
#undef gather_finish

static struct gather late; /* the parent's, which is the second */

#define gather_finish(g)                             \
    do {                                             \
        if (explore_mutant() != MUTANT_LATE_FLUSH) { \
            EXPLORE_CALL(gather_finish, g, g);       \
        } else {                                     \
            late = *(g);                             \
        }                                            \
    } while (0)
#define gate_open(gate)                            \
    do {                                           \
        (gate_open)(gate);                         \
        if (explore_mutant() == MUTANT_LATE_FLUSH) \
            (gather_finish)(&late);                \
    } while (0)
#include "kern/mm/mm_copy.c"
#undef gather_finish
#undef gate_open

#endif
