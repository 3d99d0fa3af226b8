/* scn_swap.c: the steps of lab 6 that need no program: slots of a swap space, and who
 * is the next to go; a first reader may skip it.
 *
 * Nothing comes back from swap before nearly all of the lab is done.  So the first
 * exercises are asked by direct calls:
 *
 *     swapspace 600        swap_on()
 *     setaside 3 8         a run of at most 8 slots: swap_slot_alloc()      6.7
 *     give 3               swap_slot_free(), one after the other            6.8
 *
 *     manage fifo          swap_select()
 *     come 5               page 5: swap_map_swappable()                     6.1
 *     victim 4             swap_take_victim(), which may look at 4          6.2, 6.3
 *     again 5              it could not go
 *     pin, unpin, used 5   it may not go; its entry has A
 *
 * No page is ever written: the space has no disk. */
#include "ext/init/scn.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include <printfmt.h>
#include <string.h>

#define BASE      0x40000000ul
#define SLOT_MASK ((1ul << 48) - 1) /* of a swp_t: see swapslot.c */
#define CHUNKS    64u               /* a list that is longer goes round */

static struct swap_dev dev;
static bool on;
static struct run {
    swp_t first;
    unsigned n;
} runs[SCN_SLOTS];

static struct mm_struct space; /* has the entries of pages, and nothing else */
static struct page *pages[SCN_SLOTS];
static bool
    queue_counts; /* in which order pages stand is the manager's promise */

/* --- slots --- */

static void
swapspace(uint64_t n, struct scn_answer *a)
{
    dev = (struct swap_dev){.nslots = n};
    on = swap_on(&dev) == 0;
    if (!on)
        scn_result(a, "none");
}

static void
set_aside(struct run *r, unsigned most, struct scn_answer *a)
{
    struct swap_run run = {0};

    r->first = swap_slot_alloc(SWAP_SHARED, &run, most);
    if (r->first == 0) {
        scn_result(a, "none");
        return;
    }
    r->n = 1;
    while (run.n > 0 && swap_slot_alloc(SWAP_SHARED, &run, most) != 0)
        r->n++;
    scn_result(a, "run:%lx:%x", (r->first & SLOT_MASK) - 1, r->n);
}

static void
give(struct run *r)
{
    for (; r->n > 0; r->n--)
        swap_slot_free(r->first + r->n - 1);
}

static uint64_t
length(const struct list *l)
{
    uint64_t n = 0;

    for (const struct list *i = l->next; i != l && n < CHUNKS; i = i->next)
        n++;
    return n;
}

/* --- pages --- */

static uint64_t
number_of(const struct page *p)
{
    unsigned i = 0;

    while (i < SCN_SLOTS && pages[i] != p)
        i++;
    return i;
}

/* Page I, mapped at a place of its own. */
static struct page *
page_of(unsigned i)
{
    struct rmap_block *spare = NULL;
    pte_t *e;

    if (pages[i] != NULL)
        return pages[i];
    pages[i] = alloc_pages(0);
    e = get_pte_at(&space, BASE + i * PAGE_SIZE, 0, true);
    assert(pages[i] != NULL && e != NULL);
    pte_install(e, pte_make(page_to_pa(pages[i]), PTE_V | PTE_U | PTE_R));
    (void)!rmap_add(pages[i], e, &spare);
    return pages[i];
}

static void
manage(const char *name, struct scn_answer *a)
{
    const struct swap_manager *sm = swap_manager_find(name, strlen(name));

    if (sm == NULL) {
        scn_result(a, "none");
        return;
    }
    swap_select(&swap_global, sm);
    queue_counts = strcmp(name, "fifo") == 0;
}

static void
victim(size_t most, struct scn_answer *a)
{
    uint64_t before = swap_global.looked;
    struct page *p = swap_take_victim(&swap_global, most);
    uint64_t looked = swap_global.looked - before;

    if (p == NULL) {
        scn_result(a, "none");
    } else {
        scn_result(a, "value:%lx", number_of(p));
        page_put(p);
    }
    scn_count(a, "over", looked > most ? looked - most : 0);
}

static void
page_step(const struct scn_step *st, struct scn_answer *a)
{
    struct page *p = page_of(st->first);
    unsigned level;

    switch (st->op) {
    case SCN_COME:
        swap_map_swappable(&swap_global, p, false);
        break;
    case SCN_AGAIN:
        swap_map_swappable(&swap_global, p, true);
        break;
    case SCN_PIN:
        p->mlocks = 1;
        break;
    case SCN_UNPIN:
        p->mlocks = 0;
        break;
    case SCN_USED:
        *pte_lookup(&space, BASE + st->first * PAGE_SIZE, &level) |= PTE_A;
        break;
    default:
        scn_result(a, "unknown");
    }
}

/* --- all together --- */

static void
step(const struct scn_step *st, struct scn_answer *a)
{
    switch (st->op) {
    case SCN_SLOTS_OF:
        swapspace(st->value, a);
        break;
    case SCN_SETASIDE:
        set_aside(&runs[st->first], st->last, a);
        break;
    case SCN_GIVE:
        give(&runs[st->first]);
        break;
    case SCN_MANAGE:
        manage(st->word, a);
        break;
    case SCN_VICTIM:
        victim(st->last, a);
        break;
    default:
        page_step(st, a);
    }
}

static void
look(struct scn_answer *a)
{
    const struct list *l = &swap_global.pages;
    size_t n = 0;

    if (on) {
        scn_count(a, "whole", length(&dev.whole));
        scn_count(a, "part", length(&dev.part));
        scn_count(a, "taken", dev.used);
    }
    scn_count(a, "pages", swap_global.nr);
    if (!queue_counts)
        return;
    strlcpy(a->thing, "queue", sizeof(a->thing));
    for (const struct list *i = l->next; i != l && n < 120; i = i->next)
        n += (size_t)snprintf(a->state + n, 8, "%lu,",
                              number_of(list_entry(i, struct page, lru)));
    if (n == 0)
        strlcpy(a->state, "none", sizeof(a->state));
}

static void
begin(const struct scn *s, const struct machine *m)
{
    memset(runs, 0, sizeof(runs));
    memset(&space, 0, sizeof(space));
    space.pgdir = pgdir_create(&space);
    queue_counts = false;
}

static void
close_space(void *arg)
{
    for (unsigned i = 0; i < SCN_SLOTS; i++)
        give(&runs[i]);
    if (swap_off(&dev) != 0)
        dev.closed = true;
}

static void
forget_pages(void *arg)
{
    for (unsigned i = 0; i < SCN_SLOTS; i++) {
        if (pages[i] != NULL)
            swap_forget(pages[i]);
    }
}

/* What cannot be given back stays: no scenario after this one misses it. */
static long
end(void)
{
    if (on && scn_caught(close_space, NULL))
        dev.closed = true;
    on = false;
    if (scn_caught(forget_pages, NULL)) {
        list_init(&swap_global.pages);
        swap_global.nr = 0;
    }
    memset(pages, 0, sizeof(pages));
    return 0;
}

static const struct scn_lab swap_lab = {
    .lab = 6,
    .part = BOOT_TABLES,
    .begin = begin,
    .step = step,
    .look = look,
    .end = end,
};
TABLE_ADD(scn_lab, swap_lab);
