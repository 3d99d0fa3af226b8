/* tally.h: how often was each of these things met?  For mmcheck*.c; a first
 * reader may skip it.
 *
 * An open hash table from address to count, in one block of pages, which
 * doubles when it is half full. */
#ifndef KERN_EXT_MM_TALLY_H
#define KERN_EXT_MM_TALLY_H

#include "mm/pmm.h"

enum tally_kind {
    TALLY_NONE,
    TALLY_LAYER,
    TALLY_NODE,
    TALLY_ANON,
    TALLY_PAGE,
    TALLY_OBJECT,
    TALLY_KINDS
};

struct tally_entry {
    uintptr_t key;
    uint32_t n; /* times met */
    uint32_t kind;
};

struct tally {
    struct tally_entry *entry;
    unsigned order; /* of the block */
    size_t used;
    bool full; /* there was no memory: counts are not complete */
};

static inline size_t
tally_size(const struct tally *t)
{
    return t->entry == NULL
               ? 0
               : (PAGE_SIZE << t->order) / sizeof(struct tally_entry);
}

/* Where KEY is, or would be.  => the table has room */
static inline struct tally_entry *
tally_slot(const struct tally *t, uintptr_t key)
{
    size_t mask = tally_size(t) - 1;
    size_t i = (key >> 4) * 0x9e3779b97f4a7c15ul >> 20;

    for (;; i++) {
        struct tally_entry *e = &t->entry[i & mask];

        if (e->kind == TALLY_NONE || e->key == key)
            return e;
    }
}

static inline void
tally_free(struct tally *t)
{
    if (t->entry != NULL)
        free_pages(va_to_page(t->entry), t->order);
    *t = (struct tally){0};
}

static inline bool
tally_grow(struct tally *t)
{
    struct tally bigger = {.order = t->entry == NULL ? 0 : t->order + 1};
    struct page *block =
        bigger.order > MAX_ORDER ? NULL : alloc_pages(bigger.order);

    if (block == NULL)
        return false;
    bigger.entry = page_to_va(block);
    bigger.used = t->used;
    memset(bigger.entry, 0, PAGE_SIZE << bigger.order);
    for (size_t i = 0; i < tally_size(t); i++)
        if (t->entry[i].kind != TALLY_NONE)
            *tally_slot(&bigger, t->entry[i].key) = t->entry[i];
    tally_free(t);
    *t = bigger;
    return true;
}

/* Add N to the count of P; returns what it is now, 0 if there is no memory. */
static inline uint32_t
tally_add(struct tally *t, const void *p, enum tally_kind kind, uint32_t n)
{
    struct tally_entry *e;

    if (t->used >= tally_size(t) / 2 && !tally_grow(t)) {
        t->full = true;
        return 0;
    }
    e = tally_slot(t, (uintptr_t)p);
    t->used += e->kind == TALLY_NONE;
    e->key = (uintptr_t)p;
    e->kind = kind;
    return e->n += n;
}

static inline uint32_t
tally_of(const struct tally *t, const void *p)
{
    return tally_size(t) == 0 ? 0 : tally_slot(t, (uintptr_t)p)->n;
}

#endif
