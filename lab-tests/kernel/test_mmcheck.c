/* test_mmcheck.c: the check of address spaces finds what is broken.
 *
 * One small world, a parent, its copy, and a mapping that both share; each test
 * breaks one thing in it, wants a complaint that names it, and mends it. */
#include "ext/mm/mmcheck.h"
#include "ext/mm/pin.h"
#include "ktest.h"
#include "mm/mmap.h"
#include "mm/rmap.h"
#include "mm/space.h"
#include <printfmt.h>
#include <string.h>

#define P PAGE_SIZE

static struct mm_struct *mm, *child;
static uintptr_t at, shared;
static char lines[8][160];
static unsigned nlines;

static void
keep(const char *line)
{
    if (nlines < ARRAY_LEN(lines))
        strlcpy(lines[nlines++], line, sizeof(lines[0]));
}

static unsigned
look(void)
{
    nlines = 0;
    return mmcheck_report(keep);
}

static bool
contains(const char *text, const char *part)
{
    for (; *text != '\0'; text++)
        if (strncmp(text, part, strlen(part)) == 0)
            return true;
    return false;
}

/* Did some line name all of A and B? */
static bool
said(const char *a, const char *b)
{
    for (unsigned i = 0; i < nlines; i++)
        if (contains(lines[i], a) && contains(lines[i], b))
            return true;
    for (unsigned i = 0; i < nlines; i++)
        cprintf("said: %s\n", lines[i]);
    return false;
}

static const char *
hex(uintptr_t v)
{
    static char text[2][24];
    static unsigned turn;

    turn ^= 1;
    snprintf(text[turn], sizeof(text[0]), "%#lx", v);
    return text[turn];
}

static uintptr_t
map(size_t pages, uint32_t flags)
{
    long a = do_mmap(mm, 0, pages * P, VM_READ | VM_WRITE,
                     flags | MAP_ANONYMOUS, NULL, 0);

    CHECK(a > 0);
    return (uintptr_t)a;
}

static pte_t *
entry(struct mm_struct *space, uintptr_t va)
{
    pte_t *pte;

    gate_enter(&space->gate);
    pte = get_pte(space, va, false);
    gate_leave(&space->gate);
    return pte;
}

static struct page *
page_at(struct mm_struct *space, uintptr_t va)
{
    return pa_to_page(pte_pa(pte_load(entry(space, va))));
}

static struct vma_struct *
area(uintptr_t va)
{
    struct vma_struct *v;

    gate_enter(&mm->gate);
    v = find_vma(mm, va);
    gate_leave(&mm->gate);
    return v;
}

static struct anon *
anon_at(uintptr_t va)
{
    return (struct anon *)page_at(mm, va)->owner;
}

static void
make_world(void)
{
    uint64_t v = 7;

    mm = mm_create();
    shared = map(4, MAP_SHARED);
    at = map(8, MAP_PRIVATE);
    for (unsigned i = 0; i < 4; i++) {
        CHECK(mm_access(mm, at + i * P, &v, sizeof(v), true) == 0);
        CHECK(mm_access(mm, shared + i * P, &v, sizeof(v), true) == 0);
    }
    child = mm_copy(mm);
    CHECK(child != NULL);
    for (unsigned i = 0; i < 4; i++) {
        CHECK(mm_access(child, at + i * P, &v, sizeof(v), i == 3) == 0);
        CHECK(mm_access(child, shared + i * P, &v, sizeof(v), false) == 0);
        CHECK(mm_access(child, at + 5 * P, &v, sizeof(v), false) == 0);
    }
    CHECK(look() == 0);
}

static void
end_world(void)
{
    CHECK(look() == 0);
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(mmcheck_a_sound_world_has_no_complaints)
{
    make_world();
    end_world();
}

KTEST(mmcheck_finds_wrong_rights)
{
    pte_t *pte;

    make_world();
    pte = entry(mm, at);
    atomic_or(pte, (pte_t)PTE_X);
    CHECK(look() == 1 && said(hex(at), "allows more"));
    atomic_and(pte, ~(pte_t)PTE_X);
    end_world();
}

KTEST(mmcheck_finds_a_writable_shared_page)
{
    pte_t *pte;

    make_world();
    pte = entry(child, at + P);
    atomic_or(pte, (pte_t)PTE_W);
    CHECK(look() == 1 && said(hex(at + P), "may be written"));
    atomic_and(pte, ~(pte_t)PTE_W);
    pte = entry(child, at + 5 * P); /* the zero page */
    atomic_or(pte, (pte_t)PTE_W);
    CHECK(look() == 1 && said(hex(at + 5 * P), "may be written"));
    atomic_and(pte, ~(pte_t)PTE_W);
    end_world();
}

KTEST(mmcheck_finds_a_stale_entry)
{
    pte_t *pte, was;

    make_world();
    pte = entry(mm, at);
    was = *pte;
    *pte = pte_make(page_to_pa(page_at(mm, at + P)), PTE_R | PTE_U | PTE_V);
    CHECK(look() > 0);
    CHECK(said(hex(at), "but the private one"));
    CHECK(said(hex(at), "0 records of this entry"));
    CHECK(said("1 records of entries that map others", ""));
    *pte = was;
    end_world();
}

KTEST(mmcheck_finds_a_lost_record)
{
    struct rmap_block *spare = NULL;
    struct page *page;
    pte_t *pte;

    make_world();
    pte = entry(mm, at + 3 * P); /* the child has its own page there */
    page = page_at(mm, at + 3 * P);
    spin_lock(pte_lock(pte));
    rmap_remove(page, pte);
    spin_unlock(pte_lock(pte));
    CHECK(look() > 0 && said(hex(at + 3 * P), "0 records"));
    CHECK(said(hex(page_to_pfn(page)), "is mapped 1 times, counted 0"));
    spin_lock(pte_lock(pte));
    CHECK(rmap_add(page, pte, &spare) == 0);
    spin_unlock(pte_lock(pte));
    end_world();
}

KTEST(mmcheck_finds_a_record_too_many)
{
    struct rmap_block *spare = rmap_block_alloc();
    struct page *page;
    pte_t *pte;

    make_world();
    pte = entry(mm, at + 3 * P);
    page = page_at(mm, at);
    spin_lock(pte_lock(pte));
    CHECK(rmap_add(page, pte, &spare) == 0);
    spin_unlock(pte_lock(pte));
    CHECK(look() > 0);
    CHECK(said(hex(page_to_pfn(page)), "is mapped 2 times, counted 3"));
    CHECK(said(hex(page_to_pfn(page)), "1 records of entries"));
    spin_lock(pte_lock(pte));
    rmap_remove(page, pte);
    spin_unlock(pte_lock(pte));
    rmap_block_free(spare);
    end_world();
}

KTEST(mmcheck_finds_wrong_references)
{
    struct anon *a;
    struct lnode *root;

    make_world();
    a = anon_at(at + 3 * P);
    a->ref++;
    CHECK(look() == 1 && said("has 2 references, 1 slots", hex((uintptr_t)a)));
    a->ref--;
    root = area(at)->layer->root;
    root->ref++;
    CHECK(look() == 1 && said("parents", hex((uintptr_t)root)));
    root->ref--;
    area(at)->layer->refs++;
    CHECK(look() == 1 && said("layer", "has 2 references, 1 areas"));
    area(at)->layer->refs--;
    root->live++;
    CHECK(look() == 1 && said("node", "slots, counted"));
    root->live--;
    end_world();
}

KTEST(mmcheck_finds_a_wrong_owner)
{
    struct page *page;
    uintptr_t owner;
    struct anon *a;

    make_world();
    page = page_at(mm, at + 3 * P);
    owner = page->owner;
    page->owner = (uintptr_t)anon_at(at);
    CHECK(look() == 1 && said(hex(page_to_pfn(page)), "belongs to"));
    page->owner = owner;
    a = (struct anon *)owner;
    a->page = NULL;
    CHECK(look() > 0 && said(hex(owner), "neither page nor swap slot"));
    a->page = page;
    end_world();
}

KTEST(mmcheck_finds_a_page_that_nobody_would_write)
{
    struct page *page;

    make_world();
    page = page_at(mm, at);
    atomic_and(&page->flags, ~PG_DIRTY);
    CHECK(look() == 1 && said("has no slot", "not dirty"));
    atomic_or(&page->flags, PG_DIRTY);
    end_world();
}

KTEST(mmcheck_finds_a_cleared_entry)
{
    pte_t *pte, was;

    make_world();
    pte = entry(mm, shared + P);
    was = *pte;
    *pte = 0;
    CHECK(look() > 0 && said("table of level 0", "entries, counted"));
    CHECK(said("pages mapped, rss is", ""));
    CHECK(said(hex(pte_pa(was) >> PAGE_SHIFT), "mapped 1 times, counted 2"));
    *pte = was;
    end_world();
}

KTEST(mmcheck_finds_pages_nobody_reaches)
{
    struct lnode *leaf;
    struct anon *a, *only; /* the child has another one there */

    make_world();
    only = anon_at(at + 3 * P);
    leaf = area(at)->layer->root;
    while (leaf->level > 0) { /* the only slot in use */
        unsigned i = 0;

        while (leaf->slot[i].node == NULL)
            i++;
        leaf = leaf->slot[i].node;
    }
    for (unsigned i = 0; i <= leaf->last; i++) {
        a = leaf->slot[i].anon;
        if (a != only)
            continue;
        leaf->slot[i].anon = NULL;
        leaf->live--;
        CHECK(look() > 0 && said("anons can be reached", "there are"));
        leaf->slot[i].anon = a;
        leaf->live++;
        break;
    }
    end_world();
}

KTEST(mmcheck_finds_wrong_counts)
{
    struct page *table;

    make_world();
    mm->rss++;
    CHECK(look() == 1 && said("pages mapped, rss is", ""));
    mm->rss--;
    table = pte_table(entry(mm, at));
    table->mapcount++;
    CHECK(look() == 1 && said(hex(table->index), "entries, counted"));
    table->mapcount--;
    mm->stat[MM_PT_ALLOC]++;
    CHECK(look() == 1 && said("tables, pt_alloc - pt_free", ""));
    mm->stat[MM_PT_ALLOC]--;
    mm->map_count++;
    CHECK(look() == 1 && said("areas, counted", ""));
    mm->map_count--;
    mm->locked_pages++;
    CHECK(look() == 1 && said("pages locked, counted", ""));
    mm->locked_pages--;
    end_world();
}

KTEST(mmcheck_finds_a_foreign_table)
{
    struct page *table;

    make_world();
    table = pte_table(entry(child, at));
    table->owner = (uintptr_t)mm | PAGE_OWNER_MM;
    CHECK(look() == 1 && said("is another's", "level 0"));
    table->owner = (uintptr_t)child | PAGE_OWNER_MM;
    end_world();
}

KTEST(mmcheck_finds_broken_areas)
{
    struct vma_struct *v;

    make_world();
    v = area(at);
    mm_write_begin(v->vm_mm);
    vma_settle(v->vm_mm);
    mm_write_end(v->vm_mm);
    v->node.most += P;
    CHECK(look() > 0 && said(hex(at), "largest gap"));
    v->node.most -= P;
    v->node.own += P;
    CHECK(look() > 0 && said(hex(at), "gap"));
    v->node.own -= P;
    v->node.height += 2;
    CHECK(look() > 0 && said(hex(at), "its place in the tree"));
    v->node.height -= 2;
    v->vm_end += P; /* into the next, or into nothing */
    CHECK(look() > 0);
    v->vm_end -= P;
    v->lpgoff += 64;
    CHECK(look() > 0 && said("layer", "pages, its areas show"));
    v->lpgoff -= 64;
    end_world();
}

KTEST(mmcheck_finds_a_lost_area_of_an_object)
{
    struct vma_struct *v;

    make_world();
    v = area(shared);
    list_del(&v->object_link);
    CHECK(look() == 1 && said("lists 1 areas, 2 show it", ""));
    list_add_tail(&v->vm_object->areas, &v->object_link);
    end_world();
}

KTEST(mmcheck_sees_a_wrong_count_of_pins)
{
    struct page *page;
    struct pin *pin;

    make_world();
    CHECK(pin_range(mm, at, 2 * P, true, &pin) == 0 && look() == 0);
    page = page_at(mm, at + P);
    page->pins--;
    CHECK(look() == 1 && said("pinned 1 times", "counted 0"));
    page->pins++;
    pin_release(pin);
    end_world();
}
