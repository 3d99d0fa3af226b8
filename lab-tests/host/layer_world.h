/* layer_world.h: spaces without page tables, for the tests of anons and layers.
 *
 * The kernel's anon.c, lnode.c and layer.c as they are, and stand-ins for all
 * they call: caches of objects, fail points, frames, the gather.  A frame
 * holds four words; a space is one layer; space_read() and space_write() go
 * the way of the fault path, lock for lock, with the store itself after the
 * locks, as a program's is.
 *
 * With WORLD_STATIC all memory comes from an array of this file and is never
 * used twice (for the explorer); otherwise from malloc(), so that sanitizers
 * see each object end. */
#ifndef HOST_LAYER_WORLD_H
#define HOST_LAYER_WORLD_H

#include "mm/anon.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include <string.h>

#include "mm/pageref.h"

#include "kern/mm/anon.c"
#include "kern/mm/layer.c"
#include "kern/mm/lnode.c"

/* --- memory --- */

#ifdef WORLD_STATIC
static char arena[WORLD_STATIC] __attribute__((aligned(64)));
static size_t arena_used; /* [a] */

static void *
world_alloc(size_t size)
{
    size_t at =
        __atomic_fetch_add(&arena_used, ROUND_UP(size, 16), __ATOMIC_RELAXED);

    if (at + size > sizeof(arena))
        panic("the test has no more memory");
    return arena + at;
}

static void
world_free(void *p, size_t size)
{
    memset(p, 0xdd, size);
}
#else
#include <stdlib.h>

static void *
world_alloc(size_t size)
{
    return malloc(size);
}

static void
world_free(void *p, size_t size)
{
    free(p);
}
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, size)
#define ASAN_UNPOISON_MEMORY_REGION(p, size)
#endif

/* --- fail points: the N-th ask of any site says no --- */

bool fail_armed;
bool (*fail_hook)(enum fail_site site);
static uint64_t fail_countdown;

static bool
fail_ask(enum fail_site site)
{
    return fail_countdown != 0 && --fail_countdown == 0;
}

static __attribute__((unused)) void
fail_nth(uint64_t n)
{
    fail_hook = fail_ask;
    fail_countdown = n;
    fail_armed = n != 0;
}

/* --- caches of objects --- */

struct kmem_cache {
    size_t size;
    unsigned flags;
    void (*ctor)(void *obj);
};

/* Where a free type-stable object keeps the next: behind itself.  Each thread
 * has its own, as each hart has; so no lock here hides a missing order. */
#ifndef WORLD_STATIC
static _Thread_local void *stable_free;
#else
static void *stable_free;
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
    struct kmem_cache *c = world_alloc(sizeof(*c));

    *c = (struct kmem_cache){ROUND_UP(size, 16), flags, ctor};
    return c;
}

void *
kmem_cache_alloc(struct kmem_cache *c)
{
    void *obj = stable_free;

    if (fail_now(FAIL_CACHE))
        return NULL;
    if (!(c->flags & KMEM_TYPE_STABLE)) {
        obj = world_alloc(c->size);
        memset(obj, 0xa5, c->size);
        return obj;
    }
    if (obj != NULL) {
        stable_free = *stable_next(c, obj);
        ASAN_UNPOISON_MEMORY_REGION(obj, c->size);
        return obj;
    }
    obj = world_alloc(c->size + sizeof(void *));
    c->ctor(obj);
    return obj;
}

void
kmem_cache_free(struct kmem_cache *c, void *obj)
{
    if (!(c->flags & KMEM_TYPE_STABLE)) {
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

/* --- frames --- */

#define FRAME_WORDS 4

struct frame {
    struct page page;
    uint64_t word[FRAME_WORDS];
};

static size_t frames; /* [a] in use */

static uint64_t *
words_of(struct page *page)
{
    return container_of(page, struct frame, page)->word;
}

/* Copy the contents of OLD without asking whether anybody writes there: the
 * copy is looked at only if it turns out that nobody could. */
static __attribute__((noinline, no_sanitize("thread"))) void
copy_words(uint64_t *to, const uint64_t *from)
{
    for (unsigned i = 0; i < FRAME_WORDS; i++)
        to[i] = from[i];
}

/* A copy of OLD, or zeros. */
static struct page *
frame_create(struct page *old)
{
    struct frame *f;

    if (fail_now(FAIL_PAGE))
        return NULL;
    f = world_alloc(sizeof(*f));
    memset(f, 0, sizeof(*f));
    f->page.ref = 1;
    if (old != NULL)
        copy_words(f->word, words_of(old));
    __atomic_fetch_add(&frames, 1, __ATOMIC_RELAXED);
    return &f->page;
}

void
page_put(struct page *page)
{
    int32_t before = atomic_add_acq_rel(&page->ref, -1);

    assert(before > 0);
    if (before > 1)
        return;
    assert(page->owner == 0);
    world_free(container_of(page, struct frame, page), sizeof(struct frame));
    __atomic_fetch_add(&frames, -1ul, __ATOMIC_RELAXED);
}

void
page_put_all(struct page **pages, unsigned n)
{
    while (n > 0)
        page_put(pages[--n]);
}

/* --- the gather --- */

struct mm_struct {
    struct layer *layer;
    unsigned cloned;                        /* [layer lock] */
    void (*flush)(struct mm_struct *space); /* NULL: nothing to forget */
};

enum { ITEM_ANON, ITEM_NODE };

/* Also if nothing was gathered. */
#define gather_finish(g) gather_finish_now(g)

void
gather_finish_now(struct gather *g)
{
    assert(current_tcb()->held == 0);
    if (g->mm != NULL && g->mm->flush != NULL)
        g->mm->flush(g->mm);
    for (unsigned i = 0; i < g->n; i++) {
        unsigned tag = (uintptr_t)g->item[i] & 1;
        void *p = (char *)g->item[i] - tag;

        if (tag == ITEM_ANON)
            anon_put(p);
        else
            lnode_put(p);
    }
    g->n = 0;
}

static void
gather_item(struct gather *g, void *p, unsigned tag)
{
    if (g->n == GATHER_MAX)
        gather_finish(g);
    g->item[g->n++] = (char *)p + tag;
}

#ifndef WORLD_GATHER_NODE
void
gather_node(struct gather *g, struct lnode *node)
{
    gather_item(g, node, ITEM_NODE);
}
#endif

/* --- spaces --- */

enum outcome { NOMEM, NEW, COPY, REUSE };

/* Mutants are made here; see explore_layer.c. */
#ifndef BEFORE_COPY
#define BEFORE_COPY(a)       ((void)0)
#define GATHER_OLD(g, a)     gather_anon(g, a)
#define STILL_RIGHT(slot, a) (*(slot) == (a) && anon_shared(a))
#endif

/* FRESH is a copy of PAGE, which is as it was all the time. */
static void
check_copy(struct page *fresh, struct page *page)
{
    for (unsigned i = 0; i < FRAME_WORDS; i++)
        assert(words_of(fresh)[i] == words_of(page)[i]);
}

/* A is shared: a write gets a copy.  SLOT held it; PAGE is its page, with a
 * reference of ours.  False: the world moved meanwhile. */
static bool
copy_anon(struct mm_struct *space, struct anon **slot, struct anon *a,
          struct page *page, struct page **written)
{
    struct layer *l = space->layer;
    struct page *fresh;
    struct anon *copy;
    struct gather g;
    bool same;

    BEFORE_COPY(a);
    *written = fresh = frame_create(page);
    copy = fresh == NULL ? NULL : anon_create(fresh, l->epoch);
    if (copy == NULL) {
        if (fresh != NULL)
            page_put(fresh);
        *written = NULL;
        return true;
    }
    gather_start(&g, space);
    spin_lock(&l->lock);
    spin_lock(&a->lock);
    same = STILL_RIGHT(slot, a) && a->page == page;
    spin_unlock(&a->lock);
    if (same) {
        check_copy(fresh, page);
        *slot = copy;
    }
    spin_unlock(&l->lock);
    if (same)
        GATHER_OLD(&g, a);
    else
        anon_put(copy);
    gather_finish(&g);
    return same;
}

/* Nothing is there yet. */
static struct page *
new_anon(struct mm_struct *space, uint64_t index, bool *raced)
{
    struct layer *l = space->layer;
    struct page *fresh = frame_create(NULL);
    struct anon *a = fresh == NULL ? NULL : anon_create(fresh, l->epoch);
    struct anon **slot;

    *raced = false;
    if (a == NULL) {
        if (fresh != NULL)
            page_put(fresh);
        return NULL;
    }
    spin_lock(&l->lock);
    slot = layer_slot(l, index, &space->cloned);
    *raced = slot != NULL && *slot != NULL;
    if (slot != NULL && *slot == NULL) {
        layer_set(l, index, slot, a);
        spin_unlock(&l->lock);
        return fresh;
    }
    spin_unlock(&l->lock);
    anon_put(a);
    return NULL;
}

/* Make the page at INDEX ours to write.  *PAGE is it. */
static enum outcome
space_own(struct mm_struct *space, uint64_t index, struct page **page)
{
    struct layer *l = space->layer;
    struct anon **slot, *a;
    bool done;

    for (;;) {
        spin_lock(&l->lock);
        slot = layer_slot(l, index, &space->cloned);
        a = slot == NULL ? NULL : *slot;
        if (a == NULL) {
            spin_unlock(&l->lock);
            if (slot == NULL)
                return NOMEM;
            *page = new_anon(space, index, &done);
            if (!done)
                return *page == NULL ? NOMEM : NEW;
            continue;
        }
        spin_lock(&a->lock);
        *page = a->page;
        if (!anon_shared(a)) {
            spin_unlock(&a->lock);
            spin_unlock(&l->lock);
            return REUSE;
        }
        page_get(*page);
        spin_unlock(&a->lock);
        spin_unlock(&l->lock);
        {
            struct page *old = *page;

            done = copy_anon(space, slot, a, old, page);
            page_put(old);
        }
        if (done)
            return *page == NULL ? NOMEM : COPY;
    }
}

static enum outcome
space_write_word(struct mm_struct *space, uint64_t index, unsigned word,
                 uint64_t value)
{
    struct page *page;
    enum outcome how = space_own(space, index, &page);

    if (how != NOMEM)
        words_of(page)[word] = value;
    return how;
}

static __attribute__((unused)) enum outcome
space_write(struct mm_struct *space, uint64_t index, uint64_t value)
{
    return space_write_word(space, index, 0, value);
}

/* 0: no page there. */
static __attribute__((unused)) uint64_t
space_read_word(struct mm_struct *space, uint64_t index, unsigned word)
{
    struct layer *l = space->layer;
    struct anon *a;
    uint64_t value;

    spin_lock(&l->lock);
    a = layer_find(l, index);
    value = a == NULL ? 0 : words_of(a->page)[word];
    spin_unlock(&l->lock);
    return value;
}

static __attribute__((unused)) uint64_t
space_read(struct mm_struct *space, uint64_t index)
{
    return space_read_word(space, index, 0);
}

static __attribute__((unused)) struct mm_struct
space_create(void)
{
    return (struct mm_struct){.layer = layer_create()};
}

static __attribute__((unused)) struct mm_struct
space_fork(struct mm_struct *space)
{
    return (struct mm_struct){.layer = layer_share(space->layer)};
}

static __attribute__((unused)) int
space_zap(struct mm_struct *space, uint64_t first, uint64_t last)
{
    struct gather g;
    int err;

    gather_start(&g, space);
    err = layer_zap(space->layer, first, last, &g);
    gather_finish(&g);
    return err;
}

static __attribute__((unused)) void
space_exit(struct mm_struct *space)
{
    struct gather g;

    gather_start(&g, space);
    layer_put(space->layer, &g);
    gather_finish(&g);
    space->layer = NULL;
}

#endif
