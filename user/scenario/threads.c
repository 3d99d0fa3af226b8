/* threads.c: threads of a subject, and what several subjects do at a time.
 *
 *     race T add A[0..1]      main  ---meet---+1---meet---+1---> answers
 *                             T     ---meet---+1---meet---+1---> answers
 *
 * They meet before every page, in memory that all subjects share, so that they come to
 * it as near to at once as can be.  What comes out is the same whoever is first, or the
 * step would have no result to compare. */
#include "scenario.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_FUTEX       98
#define NR_SETAFFINITY 122
#define NR_YIELD       124
#define FUTEX_WAIT     0
#define FUTEX_WAKE     1
/* VM FS FILES SIGHAND THREAD SYSVSEM CHILD_CLEARTID */
#define THREAD_FLAGS 0x250f00l
#define STACK_SIZE   16384
#define PING_ROUNDS  500
#define MEALS        100

int raw_clone(unsigned long flags, void *stack, int (*fn)(void *), void *arg,
              int *parent_tid, int *child_tid);

static char stacks[SCN_PROCS][STACK_SIZE] __attribute__((aligned(16)));
static int
    alive[SCN_PROCS]; /* cleared by the kernel when the thread has ended */

static long
futex(volatile void *word, int op, uint32_t value)
{
    return syscall(NR_FUTEX, (long)word, (long)op, (long)value, 0l, 0l, 0l);
}

/* --- threads --- */

static int
thread_main(void *arg)
{
    subject_serve((unsigned)(long)arg, true);
    return 0;
}

void
thread_start(const struct scn_step *st, struct reply *r)
{
    unsigned n = st->other;

    memset(stacks[n], 0, STACK_SIZE);
    alive[n] = 1;
    if (raw_clone(THREAD_FLAGS, stacks[n] + STACK_SIZE, thread_main,
                  (void *)(long)n, NULL, &alive[n]) < 0) {
        r->kind = REPLY_ERROR;
        r->number = errno;
    }
}

void
thread_join(unsigned number)
{
    volatile int *word = &alive[number];

    while (*word != 0)
        (void)futex(word, FUTEX_WAIT, 1);
}

static void
on_hart(const struct scn_step *st, struct reply *r)
{
    uint64_t mask = 1ul << (st->value & 63);

    if (syscall(NR_SETAFFINITY, 0l, sizeof(mask), &mask) < 0) {
        r->kind = REPLY_ERROR;
        r->number = errno;
    }
}

/* --- races --- */

struct racer {
    const struct scn_step *st;
    volatile uint32_t *arrived;
    unsigned n, me, meetings;
};

static void
meet(struct racer *r)
{
    uint32_t all = ++r->meetings * r->n;

    __atomic_fetch_add(r->arrived, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 1; *r->arrived < all; i++) {
        if (i % 64 == 0)
            syscall(NR_YIELD);
    }
}

static volatile uint32_t *
word_of(const struct racer *r, uint32_t page)
{
    return (volatile uint32_t *)(scn_base(&scn, r->st->area) +
                                 (size_t)page * SCN_PAGE);
}

static void
add_or_load(struct racer *r, bool add)
{
    for (uint32_t p = r->st->first; p <= r->st->last; p++) {
        meet(r);
        if (add)
            __atomic_fetch_add(word_of(r, p), 1, __ATOMIC_SEQ_CST);
        else
            (void)*word_of(r, p);
    }
}

/* By turns: each waits until the word says so, and wakes all others. */
static void
ping(struct racer *r)
{
    volatile uint32_t *word = word_of(r, r->st->first);

    meet(r);
    for (unsigned i = 0; i < PING_ROUNDS; i++) {
        uint32_t now;

        while ((now = *word) % r->n != r->me)
            (void)futex(word, FUTEX_WAIT, now);
        *word = now + 1;
        (void)futex(word, FUTEX_WAKE, 0x7fffffff);
    }
}

static void
take(volatile uint32_t *fork)
{
    while (__atomic_exchange_n(fork, 1, __ATOMIC_SEQ_CST) != 0)
        (void)futex(fork, FUTEX_WAIT, 1);
}

static void
put_down(volatile uint32_t *fork)
{
    __atomic_store_n(fork, 0, __ATOMIC_SEQ_CST);
    (void)futex(fork, FUTEX_WAKE, 0x7fffffff);
}

/* Philosophers: a fork to the left and one to the right, the one with the lower number
 * first.  Word 16 of the page counts meals. */
static void
dine(struct racer *r)
{
    volatile uint32_t *table = word_of(r, r->st->first);
    unsigned a = r->me, b = (r->me + 1) % r->n;

    meet(r);
    for (unsigned i = 0; i < MEALS; i++) {
        take(&table[a < b ? a : b]);
        take(&table[a < b ? b : a]);
        table[16 + r->me]++;
        __atomic_fetch_add(&table[15], 1, __ATOMIC_SEQ_CST);
        put_down(&table[a]);
        put_down(&table[b]);
    }
}

/* The first takes the right to store away, or the pages, while the others store there
 * without a pause: so their harts know the entry.  When it is done they may not. */
static void
take_away(struct racer *r, struct reply *reply)
{
    const struct scn_step *st = r->st;
    volatile uint32_t *word = word_of(r, st->first), *done = &shared[SCN_STEPS];
    size_t len = (size_t)(st->last - st->first + 1) * SCN_PAGE;

    if (r->me == 0)
        *done = 0;
    else
        steps_reply(reply); /* the first one does not fault */
    meet(r);
    if (r->me != 0) {
        bool over = false;

        (void)step_store_byte((void *)word, 1);
        meet(r);
        while (step_store_byte((void *)word, 1)) {
            if (over) { /* it could store, and should not */
                reply->kind = REPLY_VALUE;
                return;
            }
            over = *done != 0;
        }
        return;
    }
    meet(r); /* all have stored once */
    for (unsigned i = 0; i < 20; i++)
        syscall(NR_YIELD);
    if (st->word[0] == 'u')
        munmap((void *)word, len);
    else
        mprotect((void *)word, len, PROT_READ);
    *done = 1;
}

/* --- random schedules --- */

static uint32_t
next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

static void
map_page(volatile uint32_t *p)
{
    (void)mmap((void *)p, SCN_PAGE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* Something happens to page P, which is mine, and then it is as it was: rw, and its
 * first word is VALUE. */
static bool
disturb(volatile uint32_t *p, uint32_t what, uint32_t value)
{
    pid_t pid;
    int status;

    switch (what % 5) {
    case 0:
        munmap((void *)p, SCN_PAGE);
        map_page(p);
        break;
    case 1:
        mprotect((void *)p, SCN_PAGE, PROT_READ);
        mprotect((void *)p, SCN_PAGE, PROT_READ | PROT_WRITE);
        return *p == value;
    case 2:
        madvise((void *)p, SCN_PAGE, MADV_DONTNEED);
        break;
    case 3:
        map_page(p); /* over itself */
        break;
    case 4:
        if (what % 4 != 0)
            return *p == value;
        pid = fork();
        if (pid == 0)
            _exit(*p != value);
        *p = value + 1;
        if (pid > 0 && (waitpid(pid, &status, 0) != pid || status != 0))
            return false;
        *p = value;
        return true;
    }
    if (*p != 0)
        return false;
    *p = value;
    return true;
}

/* Pages are dealt out; the last one is everybody's, and counts. */
static void
stress(struct racer *r, struct reply *reply)
{
    const struct scn_step *st = r->st;
    uint64_t state = st->value * 0x9e3779b97f4a7c15ul + r->me * 77 + 1;
    unsigned mine = (st->last - st->first) / r->n;
    uint32_t first = st->first + r->me * mine;

    meet(r);
    for (uint32_t p = first; p < first + mine; p++)
        *word_of(r, p) = p + 1;
    for (unsigned i = 0; i < 20 && reply->kind == REPLY_OK; i++) {
        uint32_t p = first + next(&state) % mine;

        if (!disturb(word_of(r, p), next(&state), p + 1)) {
            reply->kind = REPLY_VALUE;
            reply->value = p;
        }
        __atomic_fetch_add(word_of(r, st->last), 1, __ATOMIC_SEQ_CST);
    }
    meet(r); /* nobody forks any more */
    for (uint32_t p = first; p < first + mine; p++) {
        map_page(word_of(r, p));
        *word_of(r, p) = p + 1;
    }
    steps_warm();
}

static void
race(const struct scn_step *st, unsigned self, struct reply *reply)
{
    struct racer r = {.st = st, .arrived = &shared[st - scn.steps], .n = 1};

    for (unsigned i = 0; i < SCN_PROCS; i++)
        r.n += (unsigned)(st->at >> i & 1);
    for (unsigned i = 0; self != st->proc && i <= self; i++)
        r.me += (unsigned)(st->at >> i & 1);
    if (strcmp(st->word, "add") == 0 || strcmp(st->word, "load") == 0)
        add_or_load(&r, st->word[0] == 'a');
    else if (strcmp(st->word, "ping") == 0)
        ping(&r);
    else if (strcmp(st->word, "dine") == 0)
        dine(&r);
    else if (strcmp(st->word, "unmap") == 0 || strcmp(st->word, "protect") == 0)
        take_away(&r, reply);
    else if (strcmp(st->word, "stress") == 0)
        stress(&r, reply);
    else {
        reply->kind = REPLY_ERROR;
        reply->number = ENOSYS;
    }
}

/* Wait for bytes that the runner sends with the step "finish". */
static void
await(const struct scn_step *st, struct reply *r)
{
    ssize_t n = read(feed[0], step_address(st), st->value);

    r->kind = n < 0 ? REPLY_ERROR : REPLY_VALUE;
    r->number = errno;
    r->value = (uint64_t)n;
}

bool
step_several(const struct scn_step *st, unsigned self, struct reply *r)
{
    switch (st->op) {
    case SCN_HART:
        on_hart(st, r);
        return true;
    case SCN_RACE:
        race(st, self, r);
        return true;
    case SCN_AWAIT:
        await(st, r);
        return true;
    }
    return false;
}
