/* test_mm_small.c: every sequence of six steps on four pages in two spaces,
 * against the model of mm_model.h, over the whole of kern/mm.
 *
 *     for each page and space: map private zeros, unmap, take W away or give
 *     it back, read, write; map the file, shared (pages 1, 2) or privately (3);
 *     for each space: unmap pages 0 and 1 at once, or all four; copy it over
 *     the other; exit (and begin anew);
 *     evict a page of the file; fail the 1st, 2nd or 3rd allocation of the step
 *     that follows
 *
 * There are billions of sequences; but nearly all run into a state where
 * another one was already.  So the search goes by states: from each state that
 * is reached in K steps, every step is taken once, for K = 0 to 5.  A state is
 * all that the kernel's future depends on, written down as a list of numbers:
 *
 *     areas; the entries of each page and which tables there are; the shape of
 *     each layer, with all reference counts; the pages of the file; which
 *     frame is the same as which; which value is the same as which
 *
 * where pointers and values are numbered as they are met, so that it does not
 * matter which frame or value it is.  The harts' TLBs are no part of it: after
 * each step all of them hold every entry there is.  Two spaces that changed
 * places are one state, because no step tells them apart.  What a sequence
 * leaves open besides (counters, ids, which free frame is next) no answer of
 * the kernel depends on.  States are told apart by a hash of 64 bits.
 *
 * A state is entered again by doing the steps that led to it; a step that
 * changed nothing needs no new beginning.  Every sequence's every prefix ends
 * in a state that was found, with as few steps or fewer, so each of its steps
 * was taken from there.  After each step: what users see, what they are
 * refused, and all that verify() counts. */
#define MODEL_SPACES 2
#define MODEL_PAGES  4
#define WORLD_FRAMES 64
#define WORLD_LEVELS 2

#include "mm_model.h"

static unsigned depth = 6;

/* --- steps --- */

/* Where we are. */
static struct state {
    uint64_t hash;
    uint8_t path[6];
    uint8_t k;
} now;

enum {
    DO_MAP,
    DO_MAP_FILE, /* of page 0: unmap pages 0 and 1 at once */
    DO_UNMAP,
    DO_PROTECT,
    DO_READ,
    DO_WRITE,
    DO_KINDS,
};

#define PER_SPACE (DO_KINDS * MODEL_PAGES)
#define FIRST_ONE (PER_SPACE * MODEL_SPACES)
#define FAILS     3

enum {
    STEP_EVICT = FIRST_ONE, /* by page */
    STEP_CLEAR = STEP_EVICT + MODEL_PAGES,
    STEP_COPY = STEP_CLEAR + MODEL_SPACES, /* by the space that is copied */
    STEP_EXIT = STEP_COPY + MODEL_SPACES,
    STEP_FAIL = STEP_EXIT + MODEL_SPACES, /* which allocation */
    STEPS = STEP_FAIL + FAILS,
};

static unsigned armed; /* the next step meets this failure; 0: none */

static void
page_step(unsigned s, unsigned p, unsigned what)
{
    uint32_t rights = cell(s, p)->rights ^ VM_WRITE;

    switch (what) {
    case DO_MAP:
        step_map(s, p, 1, PRIVATE);
        break;
    case DO_MAP_FILE:
        if (p == 0)
            step_unmap(s, 0, 2);
        else
            step_map(s, p, 1, p == 3 ? FILE_PRIVATE : FILE_SHARED);
        break;
    case DO_UNMAP:
        step_unmap(s, p, 1);
        break;
    case DO_PROTECT:
        step_protect(s, p, 1, VM_READ | (rights & VM_WRITE));
        break;
    case DO_READ:
        step_read(s, p);
        break;
    default:
        step_write(s, p);
    }
}

static void
do_step(unsigned step)
{
    model_refused = kstat_read(STAT_ALLOC_FAIL);
    if (step >= STEP_FAIL) {
        armed = step - STEP_FAIL + 1;
        return;
    }
    fail_set("any", armed);
    armed = 0;
    if (step < FIRST_ONE)
        page_step(step / PER_SPACE, step % MODEL_PAGES,
                  step % PER_SPACE / MODEL_PAGES);
    else if (step < STEP_CLEAR)
        step_evict(step - STEP_EVICT);
    else if (step < STEP_COPY)
        step_unmap(step - STEP_CLEAR, 0, MODEL_PAGES);
    else if (step < STEP_EXIT)
        step_copy(step - STEP_COPY, 1 - (step - STEP_COPY));
    else
        step_exit(step - STEP_EXIT);
    disarm();
}

/* --- the state, as a number --- */

static uint64_t hash;
static struct {
    uint64_t what;
    unsigned turn, number;
} named[1024];
static unsigned name_turn, names_given;

static void
put(uint64_t x)
{
    hash = (hash ^ x) * 0x9e3779b97f4a7c15ul;
    hash ^= hash >> 29;
}

/* The same thing gets the same number; true: the first time. */
static bool
put_name(uint64_t what)
{
    unsigned i = (unsigned)(what * 0x9e3779b97f4a7c15ul >> 54);

    for (; named[i].turn == name_turn; i = (i + 1) % 1024) {
        if (named[i].what == what) {
            put(named[i].number);
            return false;
        }
    }
    named[i].what = what;
    named[i].turn = name_turn;
    named[i].number = ++names_given;
    put(names_given);
    return true;
}

static void
put_page(struct page *p)
{
    if (p == NULL || !put_name((uintptr_t)p)) {
        put(0);
        return;
    }
    put(p->flags);
    put((uint64_t)p->mapcount);
    put((uint64_t)p->ref);
    if ((p->flags & PG_ZERO) == 0)
        put_name(*(uint64_t *)page_to_va(p) << 32 | 1);
    if ((p->flags & PG_ZERO) == 0 && (p->rmap & 1))
        put((p->rmap & 1) ? (uint64_t)used_in_first(p) : 0);
}

static void
put_node(const struct lnode *n)
{
    if (n == NULL || !put_name((uintptr_t)n)) {
        put(0);
        return;
    }
    put((uint64_t)n->ref << 16 | n->live << 8 | n->level);
    for (unsigned i = 0; i <= n->last; i++) {
        if (n->slot[i].anon == NULL)
            continue;
        put(i);
        if (n->level > 0) {
            put_node(n->slot[i].node);
        } else if (put_name((uintptr_t)n->slot[i].anon)) {
            put((uint64_t)n->slot[i].anon->ref);
            put_page(n->slot[i].anon->page);
        }
    }
}

static void
put_area(const struct vma_struct *v)
{
    put(v->vm_start);
    put(v->vm_end);
    put(v->vm_flags);
    put(v->vm_object != NULL);
    put(v->vm_pgoff);
    put(v->lpgoff);
    if (v->layer == NULL || !put_name((uintptr_t)v->layer)) {
        put(v->layer == NULL);
        return;
    }
    put((uint64_t)v->layer->refs);
    put(v->layer->origin >> (v->layer->root ? v->layer->root->bits : 0));
    put_node(v->layer->root);
}

static void
put_space(unsigned s)
{
    list_for_each_entry (v, &mms[s]->mmap_list, struct vma_struct, list_link)
        put_area(v);
    for (unsigned p = 0; p < MODEL_PAGES; p++) {
        unsigned level;
        pte_t *pte = pte_lookup(mms[s], BASE + p * PAGE_SIZE, &level);

        put(level << 16 | (*pte & PTE_FLAGS));
        if (level == 0 && (*pte & PTE_V))
            put_page(pa_to_page(pte_pa(*pte)));
        put(model[s][p].kind << 8 | model[s][p].rights);
        put_name(cell_value(s, p) << 32 | 1);
    }
}

static uint64_t
hash_from(unsigned first)
{
    hash = armed + 1;
    name_turn++;
    names_given = 0;
    put_name(1); /* the value 0 */
    put_space(first);
    put_space(1 - first);
    for (unsigned p = 0; p < MODEL_PAGES; p++) {
        struct page *page = object_find(&file.object, p);

        if (page != NULL)
            page_put(page);
        put_page(page);
        put(file.reserved[p]);
        put_name(file.word[p][0] << 32 | 1);
        put_name(model_file[p] << 32 | 1);
    }
    put(file.object.height);
    return hash;
}

static uint64_t
hash_state(void)
{
    uint64_t a = hash_from(0), b = hash_from(1);

    return MIN(a, b);
}

/* --- the search --- */

#define TABLE (1u << 22)

static struct state
    *states; /* in the order they were found, so by the fewest steps */
static size_t nstates, room;
static uint32_t *by_hash; /* index + 1; 0: free */
static unsigned long transitions, entered;

static void
add_state(uint64_t h, const struct state *from, unsigned step)
{
    size_t i = h % TABLE;
    struct state s = {.hash = h, .k = from == NULL ? 0 : from->k + 1};

    for (; by_hash[i] != 0; i = (i + 1) % TABLE)
        if (states[by_hash[i] - 1].hash == h)
            return;
    if (from != NULL) {
        memcpy(s.path, from->path, sizeof(s.path));
        s.path[from->k] = (uint8_t)step;
    }
    if (nstates == room) {
        room = 2 * room + 1024;
        states = realloc(states, room * sizeof(*states));
    }
    states[nstates++] = s;
    by_hash[i] = (uint32_t)nstates;
}

static void
enter(const struct state *s)
{
    model_start();
    armed = 0;
    check_harts();
    for (unsigned i = 0; i < s->k; i++) {
        do_step(s->path[i]);
        check_harts();
    }
    entered++;
}

static void
step_and_check(unsigned step)
{
    do_step(step);
    check_all();
}

/* Say which sequence it was. */
static void
give_up(void)
{
    printf("  after steps");
    for (unsigned i = 0; i < now.k; i++)
        printf(" %u", now.path[i]);
    printf(": %s\nFAIL every_sequence\n", shim_panic_text);
    exit(1);
}

/* All steps from one state. */
static void
expand(struct state from)
{
    uint64_t before = 0;
    bool here = false;

    for (unsigned step = 0; step < STEPS; step++) {
        if (!here) {
            enter(&from);
            before = hash_from(0);
        }
        now = from;
        now.path[now.k++] = (uint8_t)step;
        if (PANICS(step_and_check(step)))
            give_up();
        transitions++;
        if (from.k + 1u < depth)
            add_state(hash_state(), &from, step);
        here = hash_from(0) == before;
        if (!here)
            model_end();
    }
    if (here)
        model_end();
}

static bool
test_every_sequence(void)
{
    double all = 1;

    by_hash = calloc(TABLE, sizeof(*by_hash));
    model_start();
    check_harts();
    add_state(hash_state(), NULL, 0);
    model_end();
    for (size_t i = 0; i < nstates; i++)
        expand(states[i]);
    for (unsigned i = 0; i < depth; i++)
        all *= STEPS;
    printf("# all %.0f sequences of %u of %d steps: %zu states, "
           "%lu steps taken, %lu states entered\n",
           all, depth, STEPS, nstates, transitions, entered);
    EXPECT(nstates < TABLE / 2);
    return true;
}

int
main(void)
{
    if (getenv("FAST") != NULL)
        depth = 4;
    model_init();
    RUN(every_sequence);
    free(states);
    free(by_hash);
    return shim_summary("test_mm_small");
}
