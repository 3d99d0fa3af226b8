/* reclaim.c: pages leave memory when it becomes short: private ones, which swap_global.c
 * knows about, and those of files, here.
 *
 *     objects in memory      one after the other, each page by page: a clock
 *         |
 *       used since the hand was here?  keep it, once     (A of its entries, or
 *         |                                               read(2) and write(2))
 *       dirty, on its way, busy?       keep it
 *         |
 *       locked, unmapped everywhere, still clean, nobody else has a reference:
 *       out of the tree, and free
 *
 * If two turns of that do not give enough, the flusher writes what is dirty, and
 * then there is another.
 *
 * How many of each kind: in proportion to how many there are, and to how often the
 * other kind came again, after it had gone, in the last rounds.  (A page of a file
 * came again if one of its index or a later one was there before.)
 *
 * One thread does all of it, so the hand needs no lock; others ask it and wait.  It
 * holds no lock that they might have, and what it waits for, write-back, needs none: a
 * thread with a file's lock may wait, one with a handle of the journal may not.
 *
 * No reference keeps an object alive while it is looked at: the last one of a file may
 * be work that needs locks, memory, and the disk.  Instead who ends an object waits until
 * the hand has left it, which is soon: nothing there sleeps, but for a write to swap.
 *
 * Where nothing can be got back (private pages, if there is no swap), the mark
 * at which the thread is woken goes down with the free pages, an eighth each
 * time: so it does not run in vain for every page. */
#include "mm/reclaim.h"

#include "debug/kstat.h"
#include "mm/bootmem.h"
#include "mm/kmalloc.h"
#include "mm/kthread.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/writeback.h"

#define BATCH   32u
#define AT_ONCE 256ul /* between two looks at what is free */

/* --- the objects with pages in memory --- */

static struct wait_queue hand_wq = {
    .lock = SPINLOCK_INIT(RANK_WAIT),
    .sleepers = LIST_INIT(hand_wq.sleepers)};    /* who ends OBJ */
static struct list objects = LIST_INIT(objects); /* [hand_wq.lock] */
static struct vm_object *hand;     /* [hand_wq.lock] it is looked at */
static size_t nobjects;            /* [hand_wq.lock] */
static size_t low_mark, high_mark; /* [I] */

void
reclaim_object(struct vm_object *obj)
{
    spin_lock(&hand_wq.lock);
    if (list_empty(&obj->cached_link)) {
        list_add_tail(&objects, &obj->cached_link);
        nobjects++;
    }
    spin_unlock(&hand_wq.lock);
    atomic_store(&reclaim_mark, low_mark);
}

/* => hand_wq.lock held */
static void
forget(struct vm_object *obj)
{
    if (list_empty(&obj->cached_link))
        return;
    list_del(&obj->cached_link);
    list_init(&obj->cached_link);
    nobjects--;
}

void
reclaim_forget(struct vm_object *obj)
{
    spin_lock(&hand_wq.lock);
    forget(obj);
    while (hand == obj)
        wait_sleep(&hand_wq);
    spin_unlock(&hand_wq.lock);
}

/* The object the hand points to; it stays until put_hand(). */
static struct vm_object *
take_hand(void)
{
    spin_lock(&hand_wq.lock);
    hand = list_empty(&objects)
               ? NULL
               : list_first(&objects, struct vm_object, cached_link);
    spin_unlock(&hand_wq.lock);
    return hand;
}

/* Its pages were all seen: on to the next; if it has none, it is not looked at any
 * more. */
static void
move_hand(struct vm_object *obj)
{
    spin_lock(&obj->lock);
    spin_lock(&hand_wq.lock);
    if (!list_empty(&obj->cached_link)) {
        forget(obj);
        if (obj->npages > 0) {
            list_add_tail(&objects, &obj->cached_link);
            nobjects++;
        }
    }
    spin_unlock(&hand_wq.lock);
    spin_unlock(&obj->lock);
}

static void
put_hand(void)
{
    spin_lock(&hand_wq.lock);
    hand = NULL;
    wait_wake_all(&hand_wq);
    spin_unlock(&hand_wq.lock);
}

/* The next pages of OBJ from its hand on, MOST of them, with references. */
static unsigned
next_pages(struct vm_object *obj, struct page **pages, unsigned most)
{
    unsigned n = 0;

    while (n < most && (pages[n] = object_next(obj, obj->hand, false))) {
        obj->hand = pages[n]->index + 1;
        n++;
    }
    return n;
}

/* Was PAGE looked at by a call since the hand was here? */
static bool
touched(struct page *page)
{
    return (atomic_load(&page->flags) & PG_REFERENCED) &&
           (atomic_and(&page->flags, ~PG_REFERENCED) & PG_REFERENCED);
}

/* Look at MOST pages of OBJ: *LOOKED becomes how many.  Returns how many went. */
static size_t
look_at(struct vm_object *obj, unsigned most, size_t *looked)
{
    struct page *pages[BATCH];
    unsigned n = next_pages(obj, pages, most);
    uint64_t used = pages_take_accessed(pages, n);
    struct page *cold[BATCH];
    unsigned ncold = 0;
    size_t done;

    for (unsigned i = 0; i < n; i++) {
        if (!touched(pages[i]) && !(used >> i & 1))
            cold[ncold++] = pages[i];
    }
    done = object_evict_some(obj, cold, ncold);
    for (unsigned i = 0; i < n; i++)
        page_put(pages[i]);
    if (n < most) {
        obj->hand = 0;
        move_hand(obj);
    }
    *looked = n + 1;
    return done;
}

/* --- the thread --- */

/* How many pages are still wanted, if GOAL are, and DONE were had. */
static size_t
missing(size_t goal, size_t done)
{
    size_t free = nr_free_pages();
    size_t more = free < high_mark ? high_mark - free : 0;

    return MAX(more, goal - MIN(goal, done));
}

/* Pages of files; at most two turns: the first takes away what says that pages were
 * used. */
static size_t
drop_files(size_t n)
{
    size_t left = 2 * (kstat_read(STAT_CACHE) + nobjects), looked, done = 0;

    while (left > 0 && done < n) {
        struct vm_object *obj = take_hand();

        if (obj == NULL)
            break;
        done += look_at(obj, (unsigned)MIN(n - done, BATCH), &looked);
        put_hand();
        left -= MIN(left, looked);
    }
    return done;
}

/* What came again although it had gone: halved with each round. */
static size_t again_files, again_private;
static uint64_t last_refault, last_swpin;

static void
count_what_came_again(void)
{
    uint64_t refault = kstat_read(STAT_REFAULT), swpin = kstat_read(STAT_SWPIN);

    again_files = again_files / 2 + (refault - last_refault);
    again_private = again_private / 2 + (swpin - last_swpin);
    last_refault = refault;
    last_swpin = swpin;
}

/* Of N pages, how many should be private ones. */
static size_t
private_share(size_t n)
{
    size_t private = anon_count() * (1 + again_files);
    size_t files = kstat_read(STAT_CACHE) * (1 + again_private);

    return private == 0 ? 0 : n * private / (private + files);
}

/* Each kind has its share; what one has not, the other gives; and in the end
 * whoever has any, used or not. */
static size_t
drop_some(size_t n)
{
    size_t done = swap_out_slowly(private_share(n));

    done += drop_files(n - MIN(n, done));
    return done < n ? done + swap_out_global(n - done) : done;
}

static size_t
drop(size_t goal)
{
    size_t done = 0, got, more;

    while ((more = missing(goal, done)) > 0) {
        got = drop_some(MIN(more, AT_ONCE));
        done += got;
        if (got == 0)
            break;
    }
    return done;
}

static size_t
try_hard(size_t goal)
{
    size_t done, free;

    count_what_came_again();
    done = drop(goal);
    if (missing(goal, done) > 0 && objects_dirty()) {
        flusher_write_all();
        done += drop(goal - MIN(goal, done));
    }
    if (missing(goal, done) > 0)
        done += kmem_shrink();
    free = nr_free_pages();
    atomic_store(&reclaim_mark,
                 done > 0 ? low_mark : MIN(low_mark, free - free / 8));
    return done;
}

static struct wait_queue wq = {.lock = SPINLOCK_INIT(RANK_WAIT),
                               .sleepers = LIST_INIT(wq.sleepers)};
static unsigned wanted;       /* [a] not 0: a round */
static size_t wanted_pages;   /* [wq.lock] */
static uint64_t begun, ended; /* [wq.lock] rounds */
static size_t got;            /* [wq.lock] in the last one */
static bool running;          /* [I] there is a thread */

void
reclaim_wake(void)
{
    if (memory_short() && current_tcb()->in_interrupt == 0)
        atomic_store(&current_thread()->owes_memory, 1u);
    if (atomic_swap(&wanted, 1u) != 0)
        return;
    spin_lock(&wq.lock);
    wait_wake_all(&wq);
    spin_unlock(&wq.lock);
}

size_t
reclaim(size_t n)
{
    uint64_t round;

    if (!running || current_tcb()->held >> RANK_GATE != 0)
        return 0;
    kstat_inc(STAT_DIRECT);
    spin_lock(&wq.lock);
    wanted_pages = MAX(wanted_pages, n);
    round = begun + 1;
    atomic_store(&wanted, 1u);
    wait_wake_all(&wq);
    while (ended < round)
        wait_sleep(&wq);
    n = got;
    spin_unlock(&wq.lock);
    return n;
}

/* The goal of the next round, as soon as somebody wants one. */
static size_t
await(void)
{
    size_t goal;

    spin_lock(&wq.lock);
    while (atomic_load(&wanted) == 0)
        wait_sleep(&wq);
    atomic_store(&wanted, 0u);
    goal = wanted_pages;
    wanted_pages = 0;
    begun++;
    spin_unlock(&wq.lock);
    return goal;
}

static void
reclaimer(void *arg)
{
    (void)arg;
    for (;;) {
        size_t done = try_hard(await());

        spin_lock(&wq.lock);
        ended = begun;
        got = done;
        wait_wake_all(&wq);
        spin_unlock(&wq.lock);
    }
}

static size_t
square_root(size_t n)
{
    size_t r = 0;

    for (size_t bit = 1ul << 31; bit != 0; bit >>= 1) {
        if ((r | bit) * (r | bit) <= n)
            r |= bit;
    }
    return r;
}

void
reclaim_start(void)
{
    size_t min = MAX(square_root(16 * (bootmem_total() / PAGE_SIZE)), 128ul);

    low_mark = min + min / 4;
    high_mark = min + min / 2;
    if (kthread_serve("reclaimer", reclaimer, NULL) != 0)
        boot_refuse("memory: not enough for the reclaimer");
    running = true;
    reclaim_min = min;
    atomic_store(&reclaim_mark, low_mark);
}
