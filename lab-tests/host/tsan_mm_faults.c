/* tsan_mm_faults.c: harts fault, map and unmap at once, in one space and in its
 * relative, over the whole of kern/mm, watched by the thread sanitizer.
 *
 * A thread is a hart, with an MMU of its own (mm_mmu.h).  Two harts run space 0,
 * two run its copy.  In every page word H belongs to hart H, which remembers
 * what it stored; so a store that is lost, or that a relative sees, shows as a
 * wrong value, and a kernel that copies, fills or frees a page which a user can
 * still write to shows as a data race.
 *
 *     private   pages that both spaces inherited
 *               and which move to other frames again and again
 *     shared    pages of a file, which go out again and again
 *     own       one range per hart, which it maps, protects and unmaps
 *     common    one range per space, which every hart of it maps and unmaps:
 *               a load finds nothing, or what this space stored */
#pragma GCC diagnostic ignored "-Wtsan" /* fences: each has its atomics */

#include "shim.h"

#define WORLD_FRAMES 2048
#include "mm_world.h"

#include <pthread.h>

#define HARTS  4
#define PAGES  48 /* private; as many as the file has, or more */
#define OWN    6
#define COMMON 4

#define AT_PRIVATE 0x10000000ul
#define AT_SHARED  0x11000000ul
#define AT_COMMON  0x12000000ul
#define AT_OWN(h)  (0x13000000ul + (h)*0x200000ul)

static unsigned rounds = 100000;
static unsigned wrong; /* [a] */

/* --- threads --- */

static struct thread threads[HARTS];

void
sched_sleep(struct spinlock *lock, bool intr)
{
    atomic_store(&current_thread()->state, THREAD_BLOCKED);
    spin_unlock(lock);
    while (atomic_load_acquire(&current_thread()->state) == THREAD_BLOCKED)
        cpu_wait();
    spin_lock(lock);
}

bool
sched_wake(struct thread *t)
{
    uint32_t blocked = THREAD_BLOCKED;

    return atomic_cas(&t->state, &blocked, THREAD_RUNNING);
}

void
sched_yield(void)
{
    cpu_wait();
}

static void
be_hart(unsigned hart)
{
    threads[hart] = (struct thread){.tid = (int)hart + 1};
    threads[hart].state = THREAD_RUNNING;
    threads[hart].tcb.cpu = &cpus[hart];
    shim_tcb = &threads[hart].tcb;
}

static void
must(bool right, const char *what)
{
    if (!right && atomic_add(&wrong, 1) < 5)
        printf("  %s\n", what);
}

/* --- what a hart does --- */

static struct mm_struct *spaces[2];
static struct pager file;

struct user {
    unsigned hart;
    struct mm_struct *mm;
    uint64_t private[PAGES], shared[PAGER_PAGES], own[OWN];
    uint8_t rights[OWN];
    uint64_t clock;
};

static uint64_t
word_at(const struct user *u, uintptr_t base, unsigned p)
{
    return base + p * PAGE_SIZE + 8 * u->hart;
}

static void
touch(struct user *u, uintptr_t base, unsigned p, uint64_t *value, bool write)
{
    uint64_t got = 0;

    if (write) {
        *value = ++u->clock << 4 | (u->mm == spaces[1]);
        must(user_store(word_at(u, base, p), *value) == 0, "a store fails");
        return;
    }
    must(user_load(word_at(u, base, p), &got) == 0, "a load fails");
    must(got == *value, "another value");
}

static void
own_step(struct user *u, uint64_t x)
{
    unsigned p = (x >> 8) % OWN;
    uintptr_t at = AT_OWN(u->hart) + p * PAGE_SIZE;
    uint64_t got;

    switch ((x >> 16) % 4) {
    case 0:
        must(do_munmap(u->mm, at, PAGE_SIZE) == 0, "munmap");
        u->rights[p] = 0;
        must(user_load(at, &got) == VM_FAULT_SIGSEGV, "it is still there");
        break;
    case 1:
        must(do_mmap(u->mm, at, PAGE_SIZE, VM_READ | VM_WRITE,
                     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL,
                     0) == (long)at,
             "mmap");
        u->rights[p] = VM_READ | VM_WRITE;
        u->own[p] = 0;
        break;
    case 2:
        if (u->rights[p] == 0)
            break;
        u->rights[p] ^= VM_WRITE;
        must(do_mprotect(u->mm, at, PAGE_SIZE, u->rights[p]) == 0, "mprotect");
        break;
    default:
        if (u->rights[p] == VM_READ)
            must(user_store(at, 1) == (VM_FAULT_SIGSEGV | VM_FAULT_ACCERR),
                 "a store is not refused");
        if (u->rights[p] != 0)
            touch(u, AT_OWN(u->hart), p, &u->own[p], u->rights[p] & VM_WRITE);
    }
}

static void
common_step(struct user *u, uint64_t x)
{
    uintptr_t at = AT_COMMON + (x >> 8) % COMMON * PAGE_SIZE;
    uint64_t side = u->mm == spaces[1], got = 0;

    switch ((x >> 16) % 8) {
    case 0:
        must(do_munmap(u->mm, at, PAGE_SIZE) == 0, "munmap");
        break;
    case 1:
        must(do_mmap(u->mm, at, PAGE_SIZE, VM_READ | VM_WRITE,
                     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0) > 0,
             "mmap");
        break;
    case 2 ... 4:
        must((user_store(at, 16 | side) & ~VM_FAULT_SIGSEGV) == 0, "a store");
        break;
    default:
        if (user_load(at, &got) == 0)
            must(got == 0 || got == (16 | side), "what is not of this space");
    }
}

/* A child for a moment: what is ours there is what it was. */
static void
fork_step(struct user *u, uint64_t x)
{
    struct mm_struct *child = mm_copy(u->mm);
    unsigned p = (x >> 8) % PAGES;
    uint64_t value = u->private[p];

    must(child != NULL, "no copy");
    mmu_run(child);
    touch(u, AT_PRIVATE, p, &value, false);
    touch(u, AT_PRIVATE, p, &value, true);
    mmu_run(u->mm);
    mm_put_user(child);
    touch(u, AT_PRIVATE, p, &u->private[p], false);
}

static void
user_step(struct user *u, uint64_t x)
{
    unsigned p = (x >> 8) % PAGES;
    bool write = x >> 40 & 1;

    switch (x % 32) {
    case 0:
        if (x >> 60 == 0)
            fork_step(u, x);
        break;
    case 1 ... 2:
        (void)pager_evict(&file, p % PAGER_PAGES);
        break;
    case 3:
        (void)migrate_range(u->mm, AT_PRIVATE + p * PAGE_SIZE,
                            AT_PRIVATE + (p + 1) * PAGE_SIZE);
        break;
    case 4 ... 6:
        own_step(u, x);
        break;
    case 7 ... 10:
        common_step(u, x);
        break;
    case 11 ... 20:
        p %= PAGER_PAGES;
        touch(u, AT_SHARED, p, &u->shared[p], write);
        break;
    default:
        touch(u, AT_PRIVATE, p, &u->private[p], write);
    }
}

static void *
user_body(void *arg)
{
    struct user *u = calloc(1, sizeof(*u));
    uint64_t r = (uintptr_t)arg + 77;

    u->hart = (unsigned)(uintptr_t)arg;
    u->mm = spaces[u->hart / 2];
    for (unsigned p = 0; p < PAGES; p++)
        u->private[p] = 1000 + p;
    be_hart(u->hart);
    mmu_run(u->mm);
    for (unsigned i = 0; i < rounds; i++)
        user_step(u, shim_random(&r));
    for (unsigned p = 0; p < PAGES; p++)
        touch(u, AT_PRIVATE, p, &u->private[p], false);
    mmu_run(NULL);
    free(u);
    return NULL;
}

/* --- the tests --- */

static bool
run_harts(void *(*body)(void *))
{
    pthread_t t[HARTS];

    wrong = 0;
    for (uintptr_t i = 0; i < HARTS; i++)
        EXPECT(pthread_create(&t[i], NULL, body, (void *)i) == 0);
    for (unsigned i = 0; i < HARTS; i++)
        EXPECT(pthread_join(t[i], NULL) == 0);
    be_hart(0);
    EXPECT(wrong == 0);
    return true;
}

/* Space 0 with a value in each word of the private pages, and its copy. */
static void
make_spaces(void)
{
    be_hart(0);
    spaces[0] = mm_create();
    mmu_run(spaces[0]);
    (void)do_mmap(spaces[0], AT_PRIVATE, PAGES * PAGE_SIZE, VM_READ | VM_WRITE,
                  MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    for (unsigned p = 0; p < PAGES; p++)
        for (unsigned h = 0; h < HARTS; h++)
            (void)user_store(AT_PRIVATE + p * PAGE_SIZE + 8 * h, 1000 + p);
    (void)do_mmap(spaces[0], AT_SHARED, PAGER_PAGES * PAGE_SIZE,
                  VM_READ | VM_WRITE, MAP_FIXED | MAP_SHARED, &file.object, 0);
    spaces[1] = mm_copy(spaces[0]);
    mmu_run(NULL);
}

static bool
all_gone(void)
{
    struct vm_object *obj = &file.object;

    verify(spaces, 2, &obj, 1);
    mm_put_user(spaces[0]);
    mm_put_user(spaces[1]);
    object_put(obj);
    EXPECT(file.released == 1);
    EXPECT(frames_used == 0 && world_objects == 0);
    return true;
}

static bool
test_users(void)
{
    pager_init(&file, &pager_ops, PAGER_PAGES);
    make_spaces();
    EXPECT(run_harts(user_body));
    printf("# moved %lu %lu, around %lu %lu, ", spaces[0]->stat[MM_MIGR],
           spaces[1]->stat[MM_MIGR], spaces[0]->stat[MM_AROUND],
           spaces[1]->stat[MM_AROUND]);
    printf("copies %lu %lu, reuses %lu %lu, spurious %lu %lu, waits %lu %lu, "
           "in %u, out %u\n",
           spaces[0]->stat[MM_COW], spaces[1]->stat[MM_COW],
           spaces[0]->stat[MM_REUSE], spaces[1]->stat[MM_REUSE],
           spaces[0]->stat[MM_SPUR], spaces[1]->stat[MM_SPUR],
           spaces[0]->stat[MM_RETRY], spaces[1]->stat[MM_RETRY], file.ins,
           file.outs);
    EXPECT(spaces[0]->stat[MM_COW] + spaces[1]->stat[MM_COW] > 0);
    EXPECT(spaces[0]->stat[MM_MIGR] + spaces[1]->stat[MM_MIGR] > 0);
    EXPECT(file.outs > 0);
    return all_gone();
}

/* Rows 32, 33: all pages are shared with a relative that keeps still; four
 * harts of one space write them at once: each is copied once. */
static void *
same_pages_body(void *arg)
{
    unsigned h = (unsigned)(uintptr_t)arg;
    uint64_t got;

    be_hart(h);
    mmu_run(spaces[0]);
    for (unsigned p = 0; p < PAGES; p++)
        must(user_store(AT_PRIVATE + p * PAGE_SIZE + 8 * h, p + h) == 0,
             "a store fails");
    for (unsigned p = 0; p < PAGES; p++)
        must(user_load(AT_PRIVATE + p * PAGE_SIZE + 8 * h, &got) == 0 &&
                 got == p + h,
             "a store is lost");
    mmu_run(NULL);
    return NULL;
}

static bool
test_row_33_one_copy_each(void)
{
    for (unsigned turn = 0; turn < 30; turn++) {
        uint64_t got;

        pager_init(&file, &pager_ops, PAGER_PAGES);
        make_spaces();
        EXPECT(run_harts(same_pages_body));
        EXPECT(spaces[0]->stat[MM_COW] == PAGES);
        mmu_run(spaces[1]);
        for (unsigned p = 0; p < PAGES; p++)
            EXPECT(user_load(AT_PRIVATE + p * PAGE_SIZE, &got) == 0 &&
                   got == 1000 + p);
        mmu_run(NULL);
        EXPECT(all_gone());
    }
    return true;
}

int
main(void)
{
    if (getenv("FAST") != NULL)
        rounds /= 10;
    ncpu = HARTS;
    for_each_cpu (c)
        c->online = 1;
    be_hart(0);
    world_frames = world_new_frames();
    world_start();
    RUN(users);
    RUN(row_33_one_copy_each);
    return shim_summary("tsan_mm_faults");
}
