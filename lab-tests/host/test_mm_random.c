/* test_mm_random.c: a million random steps of three spaces and a file over the
 * whole of kern/mm, against the model of mm_model.h, under the sanitizers.
 *
 * After each step every hart's TLB may know no more than the model says; after
 * some, everything is counted.  Half of the time the harts look up all there
 * is, so that each missing flush shows; else they keep what they have, also
 * that there was nothing.  One step in eight happens while the n-th
 * allocation fails: then it does all or nothing. */
#define MODEL_SPACES 3
#define MODEL_PAGES  24
#define WORLD_FRAMES 256

#include "mm_model.h"

#define SEEDS       5
#define VERIFY_EACH 64

static unsigned steps = 200000; /* of each seed */
static uint64_t refusals;

static void
do_step(uint64_t x)
{
    unsigned s = (x >> 8) % MODEL_SPACES, p = (x >> 16) % MODEL_PAGES;
    unsigned n = 1 + (x >> 24) % MIN(6, MODEL_PAGES - p);
    unsigned other = (s + 1 + (x >> 32) % (MODEL_SPACES - 1)) % MODEL_SPACES;

    model_side = (x >> 40) % SIDES;
    switch (x % 64) {
    case 0 ... 7:
        step_map(s, p, n, PRIVATE + (x >> 44) % (KINDS - 1));
        break;
    case 8 ... 13:
        step_unmap(s, p, n);
        break;
    case 14 ... 19:
        step_protect(
            s, p, n,
            (x >> 44) % 4 == 0 ? 0 : VM_READ | ((x >> 44) % 3 ? VM_WRITE : 0));
        break;
    case 20:
        step_copy(s, other);
        break;
    case 21:
        if (x >> 60 == 0)
            step_exit(s);
        break;
    case 22:
        step_age(s, p);
        break;
    case 23 ... 25:
        step_evict(p);
        break;
    case 26:
        step_migrate(s, p, n);
        break;
    case 27:
        step_lock(s, p, n, x >> 44 & 1);
        break;
    case 28 ... 42:
        step_read(s, p);
        break;
    default:
        step_write(s, p);
    }
}

static void
run_seed(uint64_t seed)
{
    uint64_t r = seed * 0x9e3779b97f4a7c15ul + 1;

    model_start();
    for (unsigned i = 0; i < steps; i++) {
        uint64_t x = shim_random(&r);

        mmu_traps_ad = seed % 2 != 0;
        model_lazy = x >> 50 & 1;
        model_refused = kstat_read(STAT_ALLOC_FAIL);
        if (x >> 61 == 0)
            fail_set("any", 1 + (x >> 56) % 8);
        do_step(x);
        disarm();
        refusals += kstat_read(STAT_ALLOC_FAIL) - model_refused;
        check_harts();
        if (i % VERIFY_EACH == 0)
            check_all();
    }
    check_all();
    model_end();
}

/* Every ending of the fault path was reached. */
static bool
all_reached(void)
{
    static const struct {
        const char *name;
        enum mmstat_id id;
    } ends[] = {
        {"zero", MM_ZERO},      {"anon", MM_ANON},         {"cow", MM_COW},
        {"reuse", MM_REUSE},    {"fread", MM_FREAD},       {"fcow", MM_FCOW},
        {"shared", MM_FSHARED}, {"mkwrite", MM_MKWRITE},   {"adfix", MM_ADFIX},
        {"spur", MM_SPUR},      {"maj", MM_MAJ},           {"segv", MM_SEGV},
        {"oom", MM_OOM},        {"lunshare", MM_LUNSHARE}, {"retry", MM_RETRY},
        {"around", MM_AROUND},  {"migr", MM_MIGR}};

    printf("#");
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++)
        printf(" %s %lu", ends[i].name, model_stat[ends[i].id]);
    printf("\n");
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++)
        EXPECT(model_stat[ends[i].id] > 0);
    return true;
}

static bool
test_random(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_seed(seed);
    printf("# %u steps, %lu allocations refused, %u pages in, %lu moved\n",
           SEEDS * steps, refusals, file.ins, model_moved);
    EXPECT(refusals > steps / 100);
    return all_reached();
}

int
main(void)
{
    if (getenv("FAST") != NULL)
        steps /= 10;
    model_init();
    RUN(random);
    return shim_summary("test_mm_random");
}
