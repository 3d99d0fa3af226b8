/* mm_mmu.h: the MMU of each hart, as lazy about forgetting as the manual lets
 * it be.
 *
 * A hart translates through its TLB; on a miss it walks the tables, sets A and
 * D in the entry (or faults, if mmu_traps_ad) and keeps what it found:
 *
 *     leaf entries     also those that were not valid, or forbid the access
 *     tables           where the last-level table of a region is
 *
 * and uses that until it is told to forget: sfence.vma with an address drops
 * leaves only, one without an address drops tables, too; tlb_shootdown() does
 * the same to other harts.  So a missing flush shows as an old value, as a
 * fault that never ends, or as an access to a frame that was given back.
 *
 * A step (look up, or walk one level, or access) is one event: a flush of
 * another hart comes before or after it, never in between, as hardware
 * promises; and between a look-up and its access there is nothing. */
#ifndef HOST_MM_MMU_H
#define HOST_MM_MMU_H

#ifdef EXPLORE_H
#define MMU_HARTS    EXPLORE_HARTS
#define MMU_STEP(op) EXPLORE_POINT(op)
#define MMU_LEAVES   4 /* entries by page number */
#else
#define MMU_HARTS    NCPU_MAX
#define MMU_STEP(op) ((void)0)
#define MMU_LEAVES   32
#endif
#define MMU_TABLES 4

struct mmu_leaf {
    uintptr_t va;
    pte_t pte;
    bool used;
};

struct mmu_table {
    uintptr_t base;
    pte_t *table; /* NULL: none */
};

static struct mmu {
    struct mm_struct *mm; /* what it runs; NULL: nothing */
    uint32_t lock;        /* flushes and steps take turns (threads) */
    struct mmu_leaf leaf[MMU_LEAVES];
    struct mmu_table table[MMU_TABLES];
} mmus[MMU_HARTS];

static bool mmu_traps_ad; /* A and D are set by software */

static void
mmu_lock(struct mmu *m)
{
#ifndef EXPLORE_H
    while (__atomic_exchange_n(&m->lock, 1, __ATOMIC_ACQUIRE))
        cpu_wait();
#endif
}

static void
mmu_unlock(struct mmu *m)
{
#ifndef EXPLORE_H
    __atomic_store_n(&m->lock, 0, __ATOMIC_RELEASE);
#endif
}

static struct mmu *
mmu_here(void)
{
    return &mmus[this_cpu()->id];
}

/* --- forgetting --- */

static void
mmu_drop(struct mmu *m, uintptr_t va, size_t size)
{
    mmu_lock(m);
    for (unsigned i = 0; i < MMU_LEAVES; i++)
        if (m->leaf[i].va - va < size)
            m->leaf[i].used = false;
    if (size == SIZE_MAX)
        memset(m->table, 0, sizeof(m->table));
    mmu_unlock(m);
}

static void
mmu_forget(uintptr_t va)
{
    MMU_STEP("sfence.vma");
    mmu_drop(mmu_here(), va, PAGE_SIZE);
}

static void
mmu_forget_all(void)
{
    MMU_STEP("sfence.vma");
    mmu_drop(mmu_here(), 0, SIZE_MAX);
}

void
tlb_flush_local(uintptr_t va, size_t size)
{
    MMU_STEP("sfence.vma");
    mmu_drop(mmu_here(), va, size);
}

unsigned
tlb_shootdown(uint64_t set, uintptr_t va, size_t size)
{
    unsigned n = 0;

    for (unsigned i = 0; i < MMU_HARTS; i++) {
        if ((set >> i & 1) == 0 || i == this_cpu()->id)
            continue;
        MMU_STEP("shootdown");
        mmu_drop(&mmus[i], va, size);
        n++;
    }
    return n;
}

/* This hart runs MM from now on. */
static void
mmu_run(struct mm_struct *mm)
{
    struct mmu *m = mmu_here();
    struct mm_struct *old = m->mm;

    if (mm != NULL)
        atomic_or(&mm->harts, 1ul << this_cpu()->id);
    m->mm = mm;
    mmu_forget_all();
    if (old != NULL && old != mm)
        atomic_and(&old->harts, ~(1ul << this_cpu()->id));
}

static uint32_t
frame_flags(const struct page *p)
{
    return __atomic_load_n(&p->flags, __ATOMIC_RELAXED);
}

/* --- translating --- */

enum mmu_result { MMU_AGAIN, MMU_OK, MMU_FAULT };

static void
mmu_check(bool right, const char *what, uintptr_t va)
{
    if (!right)
        panic("%s at %#lx", what, va);
}

static struct mmu_leaf *
leaf_of(struct mmu *m, uintptr_t va)
{
    return &m->leaf[(va >> PAGE_SHIFT) % MMU_LEAVES];
}

static struct mmu_table *
table_cached(struct mmu *m, uintptr_t va)
{
    return &m->table[(va / pte_span(1)) % MMU_TABLES];
}

static struct page *
mmu_frame(pte_t pte, uintptr_t va)
{
    size_t i = (pte_pa(pte) >> PAGE_SHIFT) - WORLD_FIRST;

    mmu_check(i < WORLD_FRAMES, "no frame behind the entry", va);
    return &world_page[i];
}

/* What does the hart know about VA? */
static enum mmu_result
mmu_look(struct mmu *m, uintptr_t va, bool write)
{
    struct mmu_leaf *l = leaf_of(m, va);

    if (!l->used || l->va != va)
        return MMU_AGAIN;
    if ((l->pte & PTE_V) == 0 || (l->pte & (write ? PTE_W : PTE_R)) == 0)
        return MMU_FAULT;
    if (write && (l->pte & PTE_D) == 0) { /* the walk sets it */
        l->used = false;
        return MMU_AGAIN;
    }
    return MMU_OK;
}

/* One level further down, from the root to the last table. */
static void
mmu_walk_tables(struct mmu *m, uintptr_t va)
{
    pte_t *table = m->mm->pgdir, e;

    for (unsigned level = paging_levels - 1; level > 0; level--) {
        e = __atomic_load_n(&table[pte_index(va, level)], __ATOMIC_ACQUIRE);
        if (!pte_is_table(e)) {
            *leaf_of(m, va) = (struct mmu_leaf){va, 0, true};
            return;
        }
        table = pa_to_va(pte_pa(e));
        mmu_check(frame_flags(mmu_frame(e, va)) & PG_TABLE, "no table", va);
    }
    *table_cached(m, va) =
        (struct mmu_table){ROUND_DOWN(va, pte_span(1)), table};
}

/* Look at the entry, set A and D, remember it. */
static void
mmu_walk_entry(struct mmu *m, pte_t *table, uintptr_t va, bool write)
{
    pte_t *pte = &table[pte_index(va, 0)], set = PTE_A | (write ? PTE_D : 0);
    pte_t e;

    mmu_check(frame_flags(va_to_page(table)) & PG_TABLE, "a freed table", va);
    e = __atomic_load_n(pte, __ATOMIC_ACQUIRE);
    while ((e & PTE_V) && (e & (write ? PTE_W : PTE_R)) && (e & set) != set) {
        if (mmu_traps_ad) {
            *leaf_of(m, va) = (struct mmu_leaf){va, 0, true};
            return;
        }
        if (__atomic_compare_exchange_n(pte, &e, e | set, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            e |= set;
    }
    *leaf_of(m, va) = (struct mmu_leaf){va, e, true};
}

static void
mmu_walk(struct mmu *m, uintptr_t va, bool write)
{
    struct mmu_table *t = table_cached(m, va);

    if (t->table == NULL || t->base != ROUND_DOWN(va, pte_span(1)))
        mmu_walk_tables(m, va);
    else
        mmu_walk_entry(m, t->table, va, write);
}

/* One load or store of this hart, without the kernel. */
static enum mmu_result
mmu_access(uintptr_t at, bool write, uint64_t *value)
{
    struct mmu *m = mmu_here();
    uintptr_t va = PAGE_DOWN(at);
    enum mmu_result r;

    do {
        MMU_STEP(write ? "store" : "load");
        mmu_lock(m);
        r = mmu_look(m, va, write);
        if (r == MMU_AGAIN) {
            mmu_walk(m, va, write);
        } else if (r == MMU_OK) {
            struct page *p = mmu_frame(leaf_of(m, va)->pte, va);
            uint64_t *word =
                (uint64_t *)((char *)page_to_va(p) + (at & PAGE_MASK));

            mmu_check((frame_flags(p) & PG_BUDDY) == 0, "a freed frame", va);
            if (write)
                __atomic_store_n(word, *value, __ATOMIC_RELAXED);
            else
                *value = __atomic_load_n(word, __ATOMIC_RELAXED);
        }
        mmu_unlock(m);
    } while (r == MMU_AGAIN);
    return r;
}

/* A user's load or store: access, fault, access.  0, or VM_FAULT_ERROR bits. */
static unsigned
user_access(uintptr_t at, bool write, uint64_t *value)
{
    unsigned code = FAULT_USER | (write ? FAULT_WRITE : FAULT_READ);

    for (unsigned tries = 0; mmu_access(at, write, value) != MMU_OK; tries++) {
        unsigned result = do_pgfault(mmu_here()->mm, code, at);

        if (result & VM_FAULT_ERROR)
            return result & (VM_FAULT_ERROR | VM_FAULT_ACCERR);
        mmu_check(tries < 100, "faults without end", at);
    }
    return 0;
}

static WORLD_UNUSED unsigned
user_store(uintptr_t at, uint64_t value)
{
    return user_access(at, true, &value);
}

static WORLD_UNUSED unsigned
user_load(uintptr_t at, uint64_t *value)
{
    return user_access(at, false, value);
}

#endif
