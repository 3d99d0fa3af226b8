/* test_user.c: rows of docs/design/mm.md from real user mode, and how a hart
 * gets and leaves a space. */
#include "ktest.h"
#include "mm/failpoint.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include "mm/uaccess.h"
#include "mm_words.h"
#include "schedule/timeout.h"
#include "ublob.h"
#include <errno.h>
#include <string.h>

#define P PAGE_SIZE

/* A space with the programs in it. */
static struct mm_struct *
space(void)
{
    struct mm_struct *mm = mm_create();

    CHECK(mm != NULL && ublob_map(mm));
    return mm;
}

static uintptr_t
map_anon(struct mm_struct *mm, size_t pages, uint32_t prot)
{
    long at =
        do_mmap(mm, 0, pages * P, prot, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

    CHECK(at > 0);
    return (uintptr_t)at;
}

static uint64_t
peek(struct mm_struct *mm, uintptr_t at)
{
    uint64_t v = ~0ul;

    CHECK(mm_access(mm, at, &v, sizeof(v), false) == 0);
    return v;
}

static void
poke(struct mm_struct *mm, uintptr_t at, uint64_t v)
{
    CHECK(mm_access(mm, at, &v, sizeof(v), true) == 0);
}

KTEST(user_blob_loads_and_stores)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);
    struct urun r = {0};

    ublob_run(&r, mm, 0, UBLOB_STORE, at + 8, 4711, 0);
    CHECK(r.signo == 0 && peek(mm, at + 8) == 4711);
    ublob_run(&r, mm, ncpu - 1, UBLOB_LOAD, at + 8, 0, 0);
    CHECK(r.signo == 0 && r.result == 4711);
    ublob_run(&r, mm, UBLOB_ANY_HART, UBLOB_EBREAK, 0, 0, 0);
    CHECK(r.signo == SIGTRAP && r.addr == r.pc);
    ublob_run(&r, mm, UBLOB_ANY_HART, UBLOB_ILLEGAL, 0, 0, 0);
    CHECK(r.signo == SIGILL && r.code == ILL_ILLOPC);
    mm_put_user(mm);
}

static bool
died(const struct urun *r, int code, uintptr_t addr)
{
    return r->signo == SIGSEGV && r->code == code && r->addr == addr;
}

KTEST(vm_row_1_user_load_from_a_hole)
{
    struct mm_struct *mm = space();
    struct urun r = {0};

    mark(mm);
    ublob_run(&r, mm, 0, UBLOB_LOAD, 0x123450, 0, 0);
    CHECK(died(&r, SEGV_MAPERR, 0x123450));
    CHECK(r.pc >= UBLOB_CODE && r.pc < UBLOB_CODE + P);
    CHECK(since(mm, MM_SEGV) == 1 && since(mm, MM_FLT) == 1);
    CHECK(since(mm, MM_PT_ALLOC) == 0);
    mm_put_user(mm);
}

/* One access to the page at AT, where ublob_function(7) was written. */
static void
access_page(struct mm_struct *mm, uintptr_t at, uint32_t prot, uint32_t want)
{
    enum ublob what = want == VM_READ    ? UBLOB_LOAD
                      : want == VM_WRITE ? UBLOB_STORE
                                         : UBLOB_JUMP;
    uintptr_t addr = want == VM_EXEC ? at : at + 8;
    struct urun r = {0};

    mark(mm);
    ublob_run(&r, mm, 0, what, addr, 5, 0);
    /* What the hart cannot tell apart: whoever writes may read. */
    if (prot & want || (want == VM_READ && prot & VM_WRITE))
        CHECK(r.signo == 0);
    else
        CHECK(died(&r, SEGV_ACCERR, addr) && since(mm, MM_SEGV) == 1);
    if (want == VM_EXEC && r.signo == 0)
        CHECK(r.result == 7);
    if (want == VM_EXEC && r.signo != 0)
        CHECK(r.pc == addr);
}

/* Content first, then rights: so an entry is there already. */
KTEST(vm_row_2_user_accesses_by_rights)
{
    struct mm_struct *mm = space();

    for (uint32_t prot = 0; prot < 8; prot++) {
        uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);

        CHECK(ublob_function(mm, at, 7));
        poke(mm, at + 8, 1234);
        CHECK(do_mprotect(mm, at, P, prot) == 0);
        for (uint32_t want = 1; want <= 4; want *= 2)
            access_page(mm, at, prot, want);
        CHECK(do_mprotect(mm, at, P, VM_READ) == 0);
        CHECK(peek(mm, at + 8) == (prot & VM_WRITE ? 5 : 1234));
    }
    mm_put_user(mm);
}

/* Nothing was touched before: the first fault decides. */
KTEST(vm_row_3_user_accesses_to_untouched_pages)
{
    static const uint32_t prots[] = {VM_READ, VM_EXEC, VM_READ | VM_WRITE, 0,
                                     VM_WRITE};
    struct mm_struct *mm = space();
    struct urun r = {0};

    for (unsigned i = 0; i < ARRAY_LEN(prots); i++) {
        uintptr_t at = map_anon(mm, 1, prots[i]);

        ublob_run(&r, mm, 0, UBLOB_LOAD, at + 16, 0, 0);
        if (prots[i] & VM_READ)
            CHECK(r.signo == 0 && r.result == 0);
        else
            CHECK(died(&r, SEGV_ACCERR, at + 16));
        ublob_run(&r, mm, 0, UBLOB_STORE, at + 16, 3, 0);
        if (prots[i] & VM_WRITE)
            CHECK(r.signo == 0);
        else
            CHECK(died(&r, SEGV_ACCERR, at + 16));
    }
    mm_put_user(mm);
}

/* li a0, N; ret */
static uint64_t
function_word(unsigned n)
{
    return 0x0000806700000513 | (uint64_t)n << 20;
}

KTEST(vm_row_4_new_code_runs_on_another_hart)
{
    unsigned other = ncpu - 1;
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);
    struct urun r = {0};

    ublob_run(&r, mm, other, UBLOB_JUMP, at, 0, 0);
    CHECK(died(&r, SEGV_ACCERR, at) && r.pc == at);
    for (unsigned n = 7; n < 12; n++) {
        ublob_run(&r, mm, 0, UBLOB_STORE, at, function_word(n), 0);
        CHECK(r.signo == 0);
        ublob_run(&r, mm, other, UBLOB_JUMP, at, 0, 0);
        CHECK(died(&r, SEGV_ACCERR, at) && r.pc == at);
        CHECK(do_mprotect(mm, at, P, VM_READ | VM_EXEC) == 0);
        ublob_run(&r, mm, other, UBLOB_JUMP, at, 0, 0);
        CHECK(r.signo == 0 && r.result == n);
        CHECK(do_mprotect(mm, at, P, VM_READ | VM_WRITE) == 0);
    }
    mm_put_user(mm);
}

KTEST(vm_row_4_fetch_of_an_untouched_page)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 1, VM_READ | VM_EXEC);
    struct urun r = {0};

    mark(mm);
    ublob_run(&r, mm, 0, UBLOB_JUMP, at, 0, 0);
    CHECK(r.signo == SIGILL && r.pc == at); /* zeros are no instruction */
    CHECK(since(mm, MM_MIN) == 1 && since(mm, MM_FLT) == 1);
    mm_put_user(mm);
}

KTEST(vm_row_4_harts_outside_fetch_anew_when_they_come)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);
    struct urun r = {0};

    CHECK(ublob_function(mm, at, 3));
    ublob_run(&r, mm, 0, UBLOB_NOTHING, 0, 0, 0);
    CHECK((mm->stale_code & 1) == 0);
    CHECK(sched_set_affinity(1) == 0);
    CHECK(do_mprotect(mm, at, P, VM_READ | VM_EXEC) == 0);
    CHECK(sched_set_affinity(~0ul) == 0);
    for (unsigned i = 1; i < ncpu; i++) {
        CHECK(mm->stale_code >> i & 1);
        ublob_run(&r, mm, i, UBLOB_JUMP, at, 0, 0);
        CHECK(r.signo == 0 && r.result == 3);
        CHECK((mm->stale_code >> i & 1) == 0);
    }
    mm_put_user(mm);
}

/* --- row 6: the kernel follows pointers of the program --- */

static uintptr_t
copies_lazily(struct urun *r)
{
    uintptr_t at = (uintptr_t)r->arg;
    char buf[24] = "a lazily zeroed page";

    mark(r->mm);
    CHECK(copy_to_user(at, buf, sizeof(buf)) == 0);
    CHECK(since(r->mm, MM_FLT) == 1 && since(r->mm, MM_MIN) == 1);
    CHECK(since(r->mm, MM_ANON) == 1);
    mark(r->mm);
    CHECK(copy_from_user(buf, at + P, sizeof(buf)) == 0 && buf[0] == 0);
    CHECK(since(r->mm, MM_MIN) == 1 && since(r->mm, MM_ZERO) == 1);
    CHECK(strncpy_from_user(buf, at, sizeof(buf)) == 20);
    CHECK(strcmp(buf, "a lazily zeroed page") == 0);
    CHECK(strncpy_from_user(buf, at, 5) == 5);
    CHECK(clear_user(at + 2, 9) == 0);
    CHECK(copy_from_user(buf, at, 12) == 0);
    CHECK(memcmp(buf, "a \0\0\0\0\0\0\0\0\0r", 12) == 0);
    CHECK((csr_read(sstatus) & SSTATUS_SUM) == 0);
    return 0;
}

KTEST(vm_row_6_copies_fault_pages_in)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 2, VM_READ | VM_WRITE);
    struct urun r = {.call = copies_lazily, .arg = (void *)at};

    ublob_run(&r, mm, 0, UBLOB_CALL, 0, 0, 0);
    CHECK(r.signo == 0);
    mm_put_user(mm);
}

static char big[3 * PAGE_SIZE]; /* the kernel's end of copies */

/* Page 0 is mapped, page 1 is not, page 2 is read-only. */
static uintptr_t
copies_stop_at_holes(struct urun *r)
{
    uintptr_t at = (uintptr_t)r->arg;

    CHECK(copy_to_user(at + P, big, 1) == 1);
    CHECK(copy_to_user(at + P - 100, big, 300) == 200);
    CHECK(copy_to_user(at + P - 100, big + 3, 300) == 200);
    CHECK(clear_user(at + P - 77, 300) == 223);
    memset(big, 1, sizeof(big));
    CHECK(copy_from_user(big, at, 2 * P) == P);
    CHECK(big[P - 1] == 0 && big[P] == 0 && big[2 * P - 1] == 0);
    CHECK(big[2 * P] == 1);
    CHECK(copy_to_user(at + 2 * P, big, 8) == 8); /* read-only */
    CHECK(copy_from_user(big, at + 2 * P, 8) == 0);
    CHECK(strncpy_from_user(big, at + P, 8) == -EFAULT);
    CHECK(copy_to_user(at + P - 4, "abcd", 4) == 0);
    CHECK(strncpy_from_user(big, at + P - 4, 9) == -EFAULT);
    CHECK(copy_to_user(at + P - 4, "abc", 4) == 0); /* ends at the page's */
    CHECK(strncpy_from_user(big, at + P - 4, 9) == 3);
    /* Out of the user's half. */
    CHECK(copy_from_user(big, user_end() - 8, 16) == 16);
    CHECK(copy_from_user(big, dmap_base, 8) == 8);
    CHECK(copy_to_user((uintptr_t)big, "x", 1) == 1);
    CHECK(copy_to_user(UINTPTR_MAX - 3, "x", 8) == 8);
    return 0;
}

KTEST(vm_row_6_copies_stop_at_what_is_not_mapped)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 3, VM_READ | VM_WRITE);
    struct urun r = {.call = copies_stop_at_holes, .arg = (void *)at};
    char c;

    CHECK(do_munmap(mm, at + P, P) == 0);
    CHECK(do_mprotect(mm, at + 2 * P, P, VM_READ) == 0);
    ublob_run(&r, mm, 0, UBLOB_CALL, 0, 0, 0);
    CHECK(r.signo == 0);
    CHECK(copy_from_user(&c, at, 1) == 1); /* we have no space */
    mm_put_user(mm);
}

/* Every alignment of both ends, and lengths around the sizes of the loops. */
static uintptr_t
copies_at_all_alignments(struct urun *r)
{
    static const unsigned char lengths[] = {0, 1, 7, 8, 63, 64, 65, 135, 200};
    uintptr_t at = (uintptr_t)r->arg;
    char *from = big, *back = big + P;

    for (unsigned i = 0; i < 256; i++)
        from[i] = (char)(i * 7 + 1);
    for (unsigned i = 0; i < 8 * 8 * ARRAY_LEN(lengths); i++) {
        unsigned n = lengths[i / 64];
        uintptr_t to = at + P - 64 + i % 8;
        char *src = from + i / 8 % 8;

        CHECK(clear_user(at + P - 80, 320) == 0);
        CHECK(copy_to_user(to, src, n) == 0);
        CHECK(copy_from_user(back + i % 5, to - 1, n + 2) == 0);
        CHECK(back[i % 5] == 0 && back[i % 5 + n + 1] == 0);
        CHECK(memcmp(back + i % 5 + 1, src, n) == 0);
    }
    return 0;
}

KTEST(vm_row_6_copies_at_all_alignments)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 2, VM_READ | VM_WRITE);
    struct urun r = {.call = copies_at_all_alignments, .arg = (void *)at};

    ublob_run(&r, mm, 0, UBLOB_CALL, 0, 0, 0);
    CHECK(r.signo == 0);
    mm_put_user(mm);
}

/* Who holds something gets no page, and no fault is served. */
static uintptr_t
copies_that_may_not_wait(struct urun *r)
{
    static struct spinlock lock = SPINLOCK_INIT(RANK_OBJECT);
    uintptr_t at = (uintptr_t)r->arg;
    uint64_t v = 1;

    mark(r->mm);
    nofault_begin();
    CHECK(copy_to_user(at, &v, 8) == 8);
    nofault_end();
    spin_lock(&lock);
    CHECK(copy_to_user(at, &v, 8) == 8);
    spin_unlock(&lock);
    mm_write_begin(r->mm);
    CHECK(copy_to_user(at, &v, 8) == 8);
    mm_write_end(r->mm);
    gate_enter(&r->mm->gate);
    CHECK(copy_to_user(at, &v, 8) == 8);
    gate_leave(&r->mm->gate);
    CHECK(since(r->mm, MM_FLT) == 0);
    CHECK(copy_to_user(at, &v, 8) == 0); /* now it is there ... */
    nofault_begin();
    CHECK(copy_to_user(at + 8, &v, 8) == 0); /* ... for everybody */
    CHECK(copy_to_user(at + P - 8, &v, 16) == 8);
    nofault_end();
    CHECK(since(r->mm, MM_FLT) == 1);
    return 0;
}

KTEST(vm_row_6_copies_that_may_not_wait)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 2, VM_READ | VM_WRITE);
    struct urun r = {.call = copies_that_may_not_wait, .arg = (void *)at};

    ublob_run(&r, mm, 0, UBLOB_CALL, 0, 0, 0);
    CHECK(r.signo == 0);
    mm_put_user(mm);
}

static unsigned interrupted, with_sum; /* [a] */

static void
look_at_sum(struct timeout *t)
{
    atomic_add(&interrupted, 1u);
    if (csr_read(sstatus) & SSTATUS_SUM)
        atomic_add(&with_sum, 1u);
    timeout_arm(t, time_now() + timebase_hz / 2000, look_at_sum);
}

/* A copy that is interrupted goes on with its right to user memory, and the
 * interrupt has none. */
static uintptr_t
copies_under_interrupts(struct urun *r)
{
    uintptr_t at = (uintptr_t)r->arg;
    struct timeout t = {.armed = false};

    interrupted = with_sum = 0;
    timeout_arm(&t, time_now(), look_at_sum);
    while (atomic_load(&interrupted) < 50) {
        CHECK(copy_to_user(at, big, sizeof(big)) == 0);
        CHECK(copy_from_user(big, at, sizeof(big)) == 0);
    }
    timeout_cancel(&t);
    CHECK(with_sum == 0);
    return 0;
}

KTEST(vm_row_6_interrupts_cannot_touch_user_memory)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 3, VM_READ | VM_WRITE);
    struct urun r = {.call = copies_under_interrupts, .arg = (void *)at};

    ublob_run(&r, mm, 0, UBLOB_CALL, 0, 0, 0);
    CHECK(r.signo == 0);
    mm_put_user(mm);
}

/* --- row 7 --- */

static uintptr_t
arm(struct urun *r)
{
    mark(r->mm);
    fail_set("any", (uint64_t)r->arg);
    return r->a[0];
}

KTEST(vm_row_7_a_failed_fault_is_taken_again)
{
    unsigned n = 0;
    bool failed;

    do {
        struct mm_struct *mm = space();
        uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);
        struct urun r = {.call = arm, .arg = (void *)(uintptr_t)++n};

        ublob_run(&r, mm, 0, UBLOB_CALL_STORE, at, 77, 0);
        failed = fail_left(FAIL_ANY) == 0;
        fail_set("any", 0);
        CHECK(r.signo == 0 && peek(mm, at) == 77);
        /* A slab that cannot grow looks into magazines first: no OOM then. */
        CHECK(since(mm, MM_OOM) <= failed && since(mm, MM_MIN) >= 1);
        CHECK(since(mm, MM_FLT) <= 64);
        mm_put_user(mm);
    } while (failed && n < 100);
    CHECK(n > 3); /* a page, an anon, a layer at least could fail */
}

static struct thread *starving; /* nothing for this one */

static bool
fail_for_one(enum fail_site site)
{
    return current_thread() == starving && current_tcb()->in_interrupt == 0;
}

static uintptr_t
starve(struct urun *r)
{
    mark(r->mm);
    fail_set("any", 1u << 30); /* armed; never gets there */
    starving = current_thread();
    fail_hook = fail_for_one;
    return r->a[0];
}

KTEST(vm_row_7_without_memory_one_kill)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);
    struct urun r = {.call = starve};

    ublob_run(&r, mm, 0, UBLOB_CALL_STORE, at, 77, 0);
    starving = NULL;
    fail_set("any", 0);
    CHECK(r.signo == SIGKILL);
    CHECK(since(mm, MM_FLT) <= 64 && since(mm, MM_OOM) == since(mm, MM_FLT));
    ublob_run(&r, mm, 0, UBLOB_STORE, at, 78, 0);
    CHECK(r.signo == 0 && peek(mm, at) == 78);
    mm_put_user(mm);
}

KTEST(vm_row_M1_user_read_of_untouched_memory)
{
    struct mm_struct *mm = space();
    uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);
    struct urun r = {0};

    mark(mm);
    ublob_run(&r, mm, 0, UBLOB_LOAD, at, 0, 0);
    CHECK(r.signo == 0 && r.result == 0);
    CHECK(since(mm, MM_ZERO) == 1 && since(mm, MM_MIN) == 1);
    CHECK(since(mm, MM_FLT) == 1 && since(mm, MM_ANON) == 0);
    mm_put_user(mm);
}

/* The kernel's end of a copy is the kernel's own mistake. */
static uintptr_t
copy_from_nowhere(struct urun *r)
{
    return copy_to_user((uintptr_t)r->arg, (void *)-PAGE_SIZE, 8);
}

KTEST(die_bad_kernel_end_of_a_copy)
{
    struct mm_struct *mm = space();
    struct urun r = {.call = copy_from_nowhere};

    r.arg = (void *)map_anon(mm, 1, VM_READ | VM_WRITE);
    ublob_run(&r, mm, 0, UBLOB_CALL, 0, 0, 0);
    CHECK(false);
}
