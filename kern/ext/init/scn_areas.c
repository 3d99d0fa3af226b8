/* scn_areas.c: the steps of lab 4 that need no program: areas of a space, and faults
 * in it; a first reader may skip it.
 *
 * A program gets nowhere before most of the lab is done.  So the first exercises are
 * asked by direct calls, in a space that nobody runs in; pages are counted from BASE:
 *
 *     lay     10..14 rw        insert_vma_struct()       4.1, 4.2
 *     seek    12p              find_vma_walk()           4.1
 *     takeout 12p              vma_unlink()
 *     halve   12p              vma_split_into()          4.7
 *     meet    12p              vma_merge()               4.9
 *     fault   12p store        do_pgfault()              4.3, 4.4, 4.5
 *
 * After each step the list of areas is told as it is, and what is counted beside it.
 * The list has the truth: who is in it, is there. */
#include "ext/init/scn.h"
#include "mm/fault.h"
#include <printfmt.h>
#include <string.h>

#define BASE  0x40000000ul
#define SHOWN 100  /* characters of a list; then a sum of all */
#define MOST  1000 /* areas: a list that is longer goes round */

static struct mm_struct *mm;
static struct vm_object
    file; /* what areas "of a file" show; never asked for a page */
static const struct pager_ops no_pages = {.name = "none"};
static uintptr_t touched[SCN_SLOTS]; /* where faults were served */
static unsigned ntouched;

static uint64_t
page_of(uintptr_t va)
{
    return (va - BASE) >> PAGE_SHIFT;
}

/* --- areas --- */

static void
lay(const struct scn_step *st, struct scn_answer *a)
{
    uint32_t flags = st->rights; /* the bits are the same */
    struct vma_struct *v;

    if (strcmp(st->word, "locked") == 0)
        flags |= VM_LOCKED;
    v = vma_create(mm, BASE + st->first * PAGE_SIZE,
                   BASE + (st->last + 1) * PAGE_SIZE, flags);
    if (v == NULL) {
        scn_result(a, "none");
        return;
    }
    if (strcmp(st->word, "file") == 0 || strcmp(st->word, "later") == 0) {
        object_get(&file);
        v->vm_object = &file;
        v->vm_pgoff = st->first + (st->word[0] == 'l' ? 100 : 0);
    }
    insert_vma_struct(mm, v);
}

/* The area that has ADDR, by the list alone; or NULL. */
static struct vma_struct *
at(uintptr_t addr)
{
    unsigned n = 0;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->vm_start <= addr && addr < v->vm_end)
            return v;
        if (++n == MOST)
            break;
    }
    return NULL;
}

static void
seek(uintptr_t addr, struct scn_answer *a)
{
    struct vma_struct *v = find_vma_walk(mm, addr);

    if (v == NULL)
        scn_result(a, "none");
    else
        scn_result(a, "value:%lx", page_of(v->vm_start));
}

static void
halve(uintptr_t addr)
{
    struct vma_struct *v = at(addr);

    vma_split_into(v, addr, vma_create(mm, addr, v->vm_end, 0));
}

/* --- faults --- */

static void
note_touched(uintptr_t va)
{
    unsigned i = 0;

    while (i < ntouched && touched[i] != va)
        i++;
    if (i == ntouched && ntouched < SCN_SLOTS)
        touched[ntouched++] = va;
}

static void
fault(const struct scn_step *st, struct scn_answer *a)
{
    static const struct {
        const char *word;
        unsigned code;
    } kinds[] = {
        {"load", FAULT_READ}, {"store", FAULT_WRITE}, {"fetch", FAULT_EXEC}};
    uint64_t anon = mm->stat[MM_ANON], zero = mm->stat[MM_ZERO];
    unsigned i = 0, result;

    while (i < 2 && strcmp(kinds[i].word, st->word) != 0)
        i++;
    result = do_pgfault(mm, FAULT_USER | kinds[i].code, BASE + st->value);
    if (!(result & VM_FAULT_ERROR))
        note_touched(PAGE_DOWN(BASE + st->value));
    scn_result(a, "%s",
               result & VM_FAULT_ACCERR    ? "accerr"
               : result & VM_FAULT_SIGSEGV ? "maperr"
               : result & VM_FAULT_SIGBUS  ? "sigbus"
               : result & VM_FAULT_OOM     ? "oom"
                                           : "ok");
    scn_count(a, "anon", mm->stat[MM_ANON] - anon);
    scn_count(a, "zero", mm->stat[MM_ZERO] - zero);
}

/* What the entry of VA shows: z the zero page, R or W a page of its own that is all
 * zeros and says that no disk has it, ? another page, - none. */
static char
sign_of(uintptr_t va)
{
    const uint32_t want = PG_UPTODATE | PG_DIRTY;
    unsigned level;
    pte_t e = *pte_lookup(mm, va, &level);
    const struct page *p = pa_to_page(pte_pa(e));
    const uint64_t *word = page_to_va(p);

    if (!pte_is_leaf(e))
        return '-';
    for (size_t i = 0; i < PAGE_SIZE / sizeof(*word); i++) {
        if (word[i] != 0)
            return '?';
    }
    if (p->flags & PG_ZERO)
        return e & PTE_W ? '?' : 'z';
    return (p->flags & want) != want ? '?' : e & PTE_W ? 'W' : 'R';
}

/* --- what is said --- */

static void
step(const struct scn_step *st, struct scn_answer *a)
{
    struct vma_struct *v;

    if (st->op == SCN_FAULT) {
        fault(st, a); /* closes nothing: it comes through the gate itself */
        return;
    }
    mm_write_begin(mm);
    v = at(BASE + st->value);
    if (st->op == SCN_LAY) {
        lay(st, a);
    } else if (st->op == SCN_SEEK) {
        seek(BASE + st->value, a);
    } else if (v == NULL) {
        scn_result(a, "none");
    } else if (st->op == SCN_TAKEOUT) {
        vma_unlink(v);
        vma_destroy(v);
    } else if (st->op == SCN_HALVE) {
        halve(BASE + st->value);
    } else if (st->op == SCN_MEET) {
        (void)vma_merge(v);
    } else {
        scn_result(a, "unknown");
    }
    mm_write_end(mm);
}

static size_t
add_area(char *to, size_t size, const struct vma_struct *v)
{
    static const char rights[] = "rwx";
    char text[8], *r = text;
    size_t n;

    for (unsigned i = 0; i < 3; i++) {
        if (v->vm_flags & 1u << i)
            *r++ = rights[i];
    }
    if (v->vm_flags & VM_LOCKED)
        *r++ = 'l';
    *r = 0;
    n = (size_t)snprintf(to, size, "%lu-%lu:%s,", page_of(v->vm_start),
                         page_of(v->vm_end) - 1, text);
    if (v->vm_object != NULL && n < size)
        n += (size_t)snprintf(to + n - 1, size - n + 1, "@%lu,", v->vm_pgoff) -
             1;
    return MIN(n, size - 1);
}

/* Areas whose layer is not owned as often as areas show it. */
static uint64_t
ill_owned(void)
{
    uint64_t bad = 0;
    unsigned areas = 0;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        int32_t n = 0;

        list_for_each_entry (u, &mm->mmap_list, struct vma_struct, list_link) {
            n += u->layer == v->layer;
            if (++areas == MOST)
                return bad;
        }
        bad += v->layer != NULL && v->layer->refs != n;
    }
    return bad;
}

static void
look(struct scn_answer *a)
{
    uint64_t shown = 0, sum = 0;
    unsigned areas = 0;
    size_t n = 0;

    strlcpy(a->thing, "areas", sizeof(a->thing));
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        sum = sum * 31 + page_of(v->vm_start) * 1000 + vma_pages(v);
        if (n < SHOWN)
            n += add_area(a->state + n, sizeof(a->state) - 20 - n, v);
        if (++areas == MOST)
            break;
    }
    for (unsigned i = 0; i < ntouched && n < SHOWN; i++)
        n += (size_t)snprintf(a->state + n, 12, "%lu=%c,", page_of(touched[i]),
                              sign_of(touched[i]));
    if (n == 0)
        strlcpy(a->state, "none,", sizeof(a->state));
    else if (n >= SHOWN)
        snprintf(a->state + n, 12, "+%x", (unsigned)sum);
    list_for_each (link, &file.areas)
        shown++;
    scn_count(a, "mapped", (uint64_t)(int64_t)mm->map_count);
    scn_count(a, "locked", mm->locked_pages);
    scn_count(a, "shown", shown);
    scn_count(a, "unowned", ill_owned());
    scn_count(a, "refs", (uint64_t)(int64_t)(file.refs - 1));
}

/* --- begin and end --- */

static void
begin(const struct scn *s, const struct machine *m)
{
    static bool started;

    if (!started) {
        vmm_init();
        fault_init();
    }
    started = true;
    ntouched = 0;
    object_init(&file, &no_pages, 1ul << 40, NULL);
    mm = mm_create();
    assert(mm != NULL);
}

/* The space stays as it is: to empty it is an exercise, too (4.8). */
static long
end(void)
{
    return 0;
}

static const struct scn_lab areas_lab = {
    .lab = 4,
    .part = BOOT_TABLES,
    .begin = begin,
    .step = step,
    .look = look,
    .end = end,
};
TABLE_ADD(scn_lab, areas_lab);
