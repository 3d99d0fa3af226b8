/* scn_table.c: the steps of lab 3: page tables; a first reader may skip it.
 *
 * A scenario has a space of its own, which is nothing but a root table, and this hart
 * runs in it all the time; so a translation that was not forgotten is used again:
 *
 *     enter VA 5 rw      entry --> frame 5, whose first word says "5"
 *     peek  VA           5
 *     remap VA 6         entry --> frame 6; flush
 *     peek  VA           6, or 5 if there was no flush
 *
 * What the tables are is said word by word: after each step all that the root leads
 * to is dumped as it lies in memory, and decoded by tools/faultmodel/pagetable.py.
 * The walk that finds them is written out here, so that it does not go wrong with
 * get_pte(). */
#include "arch/riscv/memlayout.h"
#include "arch/riscv/probe.h"
#include "arch/riscv/satp.h"
#include "ext/init/scn.h"
#include "ext/init/scn_others.h"
#include "ext/init/scn_probe.h"
#include "mm/huge.h"
#include "mm/kmap.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include <printfmt.h>
#include <string.h>

#define BIG_ORDER 9

static struct mm_struct space;
static struct frame {
    struct page *page; /* NULL: not yet */
    unsigned order;
    bool told;
} frames[SCN_SLOTS];
static size_t free_at_begin;
static bool half_wanted; /* the kernel's half is dumped, too */

static size_t
free_now(void)
{
    table_pages_drain();
    pmm_drain();
    return nr_free_pages();
}

/* --- frames --- */

static size_t
frames_held(void)
{
    size_t n = 0;

    for (unsigned i = 0; i < SCN_SLOTS; i++)
        n += frames[i].page != NULL ? 1ul << frames[i].order : 0;
    return n;
}

/* Frame SLOT, or the first of a block; each begins with its number. */
static struct page *
frame_of(unsigned slot, unsigned order)
{
    struct frame *f = &frames[slot % SCN_SLOTS];

    if (f->page != NULL)
        return f->order == order ? f->page : NULL;
    f->page = alloc_pages(order);
    f->order = order;
    f->told = false;
    for (unsigned i = 0; f->page != NULL && i < 1u << order; i++) {
        uint64_t *word = page_to_va(f->page + i);

        word[0] = slot << 16 | i;
        word[1] = 0;
    }
    return f->page;
}

/* Frames of blocks know their entry, so that these can be split. */
static bool
in_block(const struct page *p)
{
    return (p->flags & (PG_HEAD | PG_TAIL)) != 0;
}

/* --- entries --- */

static pte_t
flags_of(unsigned rights)
{
    pte_t flags = PTE_V | PTE_U | PTE_A;

    flags |= rights & SCN_R ? PTE_R : 0;
    flags |= rights & SCN_W ? PTE_W | PTE_D : 0;
    return flags | (rights & SCN_X ? PTE_X : 0);
}

static void
enter(const struct scn_step *st, unsigned level, struct scn_answer *a)
{
    unsigned order = level == 0 ? 0 : BIG_ORDER;
    struct page *p = frame_of(st->first, order);
    struct rmap_block *spare = NULL;
    pte_t *e = p == NULL ? NULL : get_pte_at(&space, st->value, level, true);

    if (e == NULL || *e != 0) {
        scn_result(a, e == NULL ? "none" : "busy");
        return;
    }
    pte_install(e, pte_make(page_to_pa(p), flags_of(st->rights)));
    for (unsigned i = 0; level > 0 && i < 1u << order; i++)
        (void)!rmap_add(p + i, e, &spare);
}

static void
enter_with_rival(const struct scn_step *st, struct scn_answer *a)
{
    others_rival_begin(st->value);
    enter(st, 0, a);
    others_rival_end(a);
}

/* The tables on the way to VA, and no entry yet: as if a fault were under way. */
static void
way(uintptr_t va, struct scn_answer *a)
{
    if (get_pte(&space, va, true) == NULL)
        scn_result(a, "none");
}

/* The entry of VA is cleared.  False: there was none. */
static bool
clear(uintptr_t va, struct gather *g)
{
    unsigned level;
    pte_t *e = pte_lookup(&space, va, &level), old = *e;
    struct page *p = pa_to_page(pte_pa(old));

    if (!pte_is_leaf(old))
        return false;
    for (size_t i = 0; in_block(p) && i < pte_span(level) / PAGE_SIZE; i++)
        rmap_remove(p + i, e);
    pte_clear(e);
    va = ROUND_DOWN(va, pte_span(level));
    gather_range(g, va, va + pte_span(level));
    return true;
}

static void
clear_range(uintptr_t va, size_t pages, struct scn_answer *a)
{
    uintptr_t end = va + pages * PAGE_SIZE;
    struct gather g;
    bool any = false;

    gather_start(&g, &space);
    for (uintptr_t at = va; at < end; at += PAGE_SIZE)
        any |= clear(at, &g);
    if (any)
        pgtable_trim(&space, va, end, &g);
    else
        scn_result(a, "none");
    gather_finish(&g);
}

static void
change_rights(uintptr_t va, unsigned rights, struct scn_answer *a)
{
    struct gather g;
    unsigned level;
    pte_t *e = pte_lookup(&space, va, &level);

    if (!pte_is_leaf(*e)) {
        scn_result(a, "none");
        return;
    }
    pte_change(e, PTE_RWX | PTE_D, flags_of(rights));
    gather_start(&g, &space);
    gather_range(&g, va, va + PAGE_SIZE);
    gather_finish(&g);
}

static void
remap(uintptr_t va, unsigned slot, struct scn_answer *a)
{
    struct page *p = frame_of(slot, 0);
    pte_t *e = get_pte(&space, va, false), old;

    if (p == NULL || e == NULL || !pte_is_leaf(*e)) {
        scn_result(a, "none");
        return;
    }
    old = pte_clear(e);
    pte_install(e, pte_make(page_to_pa(p), old & PTE_FLAGS));
    others_flush_page(&space, va, a);
}

static void
split(uintptr_t va, struct scn_answer *a)
{
    unsigned level;
    pte_t *e = pte_lookup(&space, va, &level);

    if (level == 0 || !pte_is_leaf(*e) || !spin_trylock_nested(pte_lock(e)))
        scn_result(a, "none");
    else
        huge_break(e);
}

/* --- looks --- */

static void
say_entry(pte_t e, unsigned level, struct scn_answer *a)
{
    if (pte_is_leaf(e))
        scn_result(a, "leaf:%u:%s%s%s", level, e & PTE_R ? "r" : "",
                   e & PTE_W ? "w" : "", e & PTE_X ? "x" : "");
    else
        scn_result(a, "%s:%u", e == 0 ? "empty" : "table", level);
}

static void
walk(uintptr_t va, struct scn_answer *a)
{
    unsigned level = 0;
    pte_t *e = pte_lookup(&space, va, &level);

    say_entry(*e, level, a);
}

static void
find(uintptr_t va, struct scn_answer *a)
{
    pte_t *e = get_pte(&space, va, false);

    if (e == NULL)
        scn_result(a, "null");
    else
        say_entry(*e, 0, a);
}

/* Through the hart's own translation. */
static void
peek(uintptr_t va, bool as_user, struct scn_answer *a)
{
    uint64_t value = 0, ok;

    if (!as_user)
        csr_clear(sstatus, SSTATUS_SUM);
    ok = GETS_THROUGH("ld %1, (%2)", va);
    if (ok)
        __asm__ volatile("ld %0, (%1)" : "=r"(value) : "r"(va) : "memory");
    csr_set(sstatus, SSTATUS_SUM);
    if (ok)
        scn_result(a, "value:%lx", value);
    else
        scn_result(a, "fault");
}

static void
poke(uintptr_t va, uint64_t value, struct scn_answer *a)
{
    STORE_OR_GO("sd", (uint64_t *)va + 1, value, fault);
    return;
fault:
    scn_result(a, "fault");
}

static void
table_step(const struct scn_step *st, struct scn_answer *a)
{
    switch (st->op) {
    case SCN_ENTER:
    case SCN_BIG:
        enter(st, st->op == SCN_BIG, a);
        break;
    case SCN_RIVAL:
        enter_with_rival(st, a);
        break;
    case SCN_WAY:
        way(st->value, a);
        break;
    case SCN_SHARE:
        others_share(st->value);
        break;
    case SCN_REMOVE:
        clear_range(st->value, 1, a);
        break;
    case SCN_CLEAR:
        clear_range(st->value, st->last, a);
        break;
    case SCN_RIGHTS:
        change_rights(st->value, st->rights, a);
        break;
    case SCN_REMAP:
        remap(st->value, st->first, a);
        break;
    case SCN_SPLIT:
        split(st->value, a);
        break;
    case SCN_PEEK:
    case SCN_BARE:
        peek(st->value, st->op == SCN_PEEK, a);
        break;
    case SCN_POKE:
        poke(st->value, st->first, a);
        break;
    case SCN_WORD:
        if (frames[st->first].page != NULL)
            scn_result(a, "value:%lx",
                       ((uint64_t *)page_to_va(frames[st->first].page))[1]);
        break;
    case SCN_WALK:
        walk(st->value, a);
        break;
    case SCN_FIND:
        find(st->value, a);
        break;
    case SCN_PROBE:
        csr_clear(sstatus, SSTATUS_SUM);
        scn_probe(st->word, a);
        csr_set(sstatus, SSTATUS_SUM);
        break;
    case SCN_HALF:
        half_wanted = true;
        break;
    default:
        scn_result(a, "unknown");
    }
}

/* Tables in use, by the frames that are missing. */
static void
table_look(struct scn_answer *a)
{
    scn_count(a, "used", free_at_begin - free_now() - frames_held());
}

/* --- the dump --- */

/* "INDEX=ENTRY", or "INDEX*N=ENTRY" of N leaves whose frames follow each other. */
static void
dump_table(unsigned step, const pte_t *table, unsigned level, unsigned from,
           unsigned to)
{
    char line[SCN_TEXT];
    size_t n = 0;

    for (unsigned i = from, count; i < to; i += count) {
        pte_t e = table[i], next = pte_span(level) >> 2;

        for (count = 1; i + count < to && (e & PTE_RWX) != 0 &&
                        table[i + count] == e + count * next;
             count++)
            ;
        if (e == 0)
            continue;
        if (n == 0)
            n = (size_t)snprintf(line, sizeof(line), "pt %u %u %lx", step,
                                 level, va_to_pa(table) >> PAGE_SHIFT);
        n += (size_t)snprintf(line + n, sizeof(line) - n, " %u*%u=%lx", i,
                              count, e);
        if (n > sizeof(line) - 36) {
            scn_record(line, n);
            n = 0;
        }
    }
    if (n > 0)
        scn_record(line, n);
}

static void
dump_tree(unsigned step, const pte_t *table, unsigned level, unsigned from,
          unsigned to)
{
    dump_table(step, table, level, from, to);
    for (unsigned i = from; level > 0 && i < to; i++) {
        if (pte_is_table(table[i]))
            dump_tree(step, pa_to_va(pte_pa(table[i])), level - 1, 0,
                      PTES_PER_TABLE);
    }
}

static void
table_dump(unsigned step)
{
    for (unsigned i = 0; i < SCN_SLOTS; i++) {
        struct frame *f = &frames[i];

        if (f->page == NULL || f->told)
            continue;
        scn_say("pt %u frame %u %lx %u", step, i, page_to_pfn(f->page),
                f->order);
        f->told = true;
    }
    scn_say("pt %u root %lx %u", step, va_to_pa(space.pgdir) >> PAGE_SHIFT,
            (unsigned)(csr_read(satp) >> 60));
    dump_tree(step, space.pgdir, paging_levels - 1,
              half_wanted ? PTES_PER_TABLE / 2 : 0,
              half_wanted ? PTES_PER_TABLE : PTES_PER_TABLE / 2);
    half_wanted = false;
}

/* --- begin and end --- */

static void
table_begin(const struct scn *s, const struct machine *m)
{
    memset(&space, 0, sizeof(space));
    memset(frames, 0, sizeof(frames));
    free_at_begin = free_now();
    space.pgdir = pgdir_create(&space);
    space.harts = 1ul << this_cpu()->id;
    others_begin(&space);
    csr_write(satp, satp_of_root(space.pgdir));
    sfence_vma_all();
    /* All the time: some versions of QEMU forget translations when it changes. */
    csr_set(sstatus, SSTATUS_SUM);
}

/* What still is mapped below TABLE goes. */
static void
clear_tree(const pte_t *table, unsigned level, uintptr_t va, unsigned to)
{
    struct scn_answer a;

    for (unsigned i = 0; i < to; i++, va += pte_span(level)) {
        if (pte_is_leaf(table[i]))
            clear_range(va, 1, &a);
        else if (pte_is_table(table[i]))
            clear_tree(pa_to_va(pte_pa(table[i])), level - 1, va,
                       PTES_PER_TABLE);
    }
}

static void
give_all(void *arg)
{
    clear_tree(space.pgdir, paging_levels - 1, 0, PTES_PER_TABLE / 2);
    pgdir_destroy(&space);
    for (unsigned i = 0; i < SCN_SLOTS; i++) {
        if (frames[i].page != NULL)
            free_pages(frames[i].page, frames[i].order);
    }
}

static long
table_end(void)
{
    csr_clear(sstatus, SSTATUS_SUM);
    csr_write(satp, kernel_satp);
    sfence_vma_all();
    scn_caught(give_all, NULL);
    return (long)(free_at_begin - free_now());
}

static const struct scn_lab table_lab = {
    .lab = 3,
    .part = BOOT_TABLES,
    .begin = table_begin,
    .step = table_step,
    .look = table_look,
    .dump = table_dump,
    .end = table_end,
};
TABLE_ADD(scn_lab, table_lab);
