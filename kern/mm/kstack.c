/* kstack.c: the VMAP area is cut into slots of twice a stack:
 *
 *     slot: | hole, never mapped | stack, mapped |
 *
 * A freed stack stays mapped and waits on a list for the next thread (the link
 * lies in the stack itself); that spares the remote flush that unmapping would
 * cost.  When more than KEEP wait, BATCH of them are taken apart at once. */
#include "mm/kstack.h"

#include "mm/failpoint.h"
#include "mm/kmap.h"
#include "mm/tlb.h"
#include "sync/spinlock.h"
#include <errno.h>

#define SLOT_SIZE   (2ul * KSTACK_SIZE)
#define SLOT_COUNT  (VMAP_SIZE / SLOT_SIZE)
#define STACK_PAGES (KSTACK_SIZE / PAGE_SIZE)
#define KEEP        64
#define BATCH       32

static struct spinlock lock = SPINLOCK_INIT(RANK_KMAP);
static struct free_stack {
    struct free_stack *next;
} * waiting;                               /* [lock] mapped, unused stacks */
static unsigned nwaiting;                  /* [lock] */
static uint64_t slot_map[SLOT_COUNT / 64]; /* [lock] bit set: slot in use */
static unsigned first_word; /* [lock] all words before are full */

static uintptr_t
slot_take(void)
{
    for (; first_word < ARRAY_LEN(slot_map); first_word++) {
        uint64_t *w = &slot_map[first_word];
        unsigned bit;

        if (*w == ~0ul)
            continue;
        bit = (unsigned)__builtin_ctzl(~*w);
        *w |= 1ul << bit;
        return VMAP_BASE + (first_word * 64ul + bit) * SLOT_SIZE + KSTACK_SIZE;
    }
    return 0;
}

static void
slot_give(uintptr_t stack)
{
    unsigned slot = (unsigned)((stack - VMAP_BASE) / SLOT_SIZE);

    slot_map[slot / 64] &= ~(1ul << slot % 64);
    first_word = MIN(first_word, slot / 64);
}

static void
free_frames(const paddr_t *pa, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        free_pages(pa_to_page(pa[i]), 0);
}

/* Take waiting stacks apart, up to BATCH of them, until KEEP are left: off the
 * list, unmap, one flush for all of them with no lock held, then free frames
 * and slots.  Returns how many. */
static unsigned
take_apart(unsigned keep)
{
    uintptr_t stack[BATCH];
    paddr_t pa[BATCH * STACK_PAGES];
    unsigned n = 0;

    spin_lock(&lock);
    for (; n < BATCH && nwaiting > keep; n++, nwaiting--) {
        stack[n] = (uintptr_t)waiting;
        waiting = waiting->next;
        for (unsigned i = 0; i < STACK_PAGES; i++)
            pa[n * STACK_PAGES + i] = kmap_unmap(stack[n] + i * PAGE_SIZE);
    }
    spin_unlock(&lock);
    if (n == 0)
        return 0;
    tlb_flush_kernel(VMAP_BASE, VMAP_SIZE);
    free_frames(pa, n * STACK_PAGES);
    spin_lock(&lock);
    for (unsigned i = 0; i < n; i++)
        slot_give(stack[i]);
    spin_unlock(&lock);
    return n;
}

/* An entry that was never valid needs no remote flush when it is undone. */
static void
unmap_pages(uintptr_t stack, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        paddr_t pa = kmap_unmap(stack + i * PAGE_SIZE);

        sfence_vma_page(stack + i * PAGE_SIZE);
        free_pages(pa_to_page(pa), 0);
    }
}

static int
map_stack(uintptr_t stack)
{
    for (unsigned i = 0; i < STACK_PAGES; i++) {
        struct page *p = alloc_pages(0);

        if (p != NULL &&
            kmap_page(stack + i * PAGE_SIZE, page_to_pa(p), PTE_KERN_RW) == 0)
            continue;
        if (p != NULL)
            free_pages(p, 0);
        unmap_pages(stack, i);
        return -ENOMEM;
    }
    return 0;
}

uintptr_t
kstack_alloc(void)
{
    uintptr_t stack;

    if (fail_now(FAIL_KSTACK))
        return 0;
    spin_lock(&lock);
    if (waiting != NULL) {
        stack = (uintptr_t)waiting;
        waiting = waiting->next;
        nwaiting--;
    } else {
        stack = slot_take();
        if (stack != 0 && map_stack(stack) != 0) {
            slot_give(stack);
            stack = 0;
        }
    }
    spin_unlock(&lock);
    return stack;
}

void
kstack_free(uintptr_t stack)
{
    struct free_stack *s = (struct free_stack *)stack;
    bool many;

    spin_lock(&lock);
    s->next = waiting;
    waiting = s;
    many = ++nwaiting > KEEP;
    spin_unlock(&lock);
    if (many)
        take_apart(KEEP - BATCH);
}

size_t
kstack_drain(void)
{
    size_t n = 0;
    unsigned some;

    while ((some = take_apart(0)) != 0)
        n += some;
    return n;
}
