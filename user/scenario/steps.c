/* steps.c: what a subject of a scenario does for each step.
 *
 * Every first access to a page is made by one of three small functions in
 * assembly; if it faults, the handler lets it return "no", and the reply says
 * which signal it was.  The rest of a page is then read or written in C: it
 * cannot fault.
 *
 *     scn_load(p) --fault--> handler: note signal, pc = scn_no --> returns -1 */
#include "scenario.h"
#include <errno.h>
#include <fcntl.h>
#include <frame.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PC         22 /* of a ucontext, in words */
#define RA         23
#define SA_SIGINFO 4ul

long scn_load(const volatile void *p);
long scn_store(volatile void *p, long byte);
long scn_fetch(const void *p);
long scn_amo(volatile void *p, long word);
extern char scn_no[], scn_fetch_back[], __executable_start[], __DATA_BEGIN__[],
    _end[];

__asm__(
    ".text\n"
    ".globl scn_load, scn_store, scn_fetch, scn_amo, scn_no, scn_fetch_back\n"
    "scn_load:  lbu a0, 0(a0)\n"
    "           ret\n"
    "scn_store: sb a1, 0(a0)\n"
    "           li a0, 0\n"
    "           ret\n"
    "scn_amo:   amoadd.w a0, a1, (a0)\n"
    "           ret\n"
    "scn_no:    li a0, -1\n"
    "           ret\n"
    "scn_fetch: addi sp, sp, -16\n"
    "           sd ra, 0(sp)\n"
    "           fence.i\n"
    "           jalr a0\n"
    "           j 1f\n"
    "scn_fetch_back: li a0, -1\n"
    "1:         ld ra, 0(sp)\n"
    "           addi sp, sp, 16\n"
    "           ret\n");

struct action {
    void (*handler)(int, const uint64_t *, uint64_t *);
    uint64_t flags, mask;
};

bool steps_stay;
char *steps_top;

static struct reply *reply; /* of the step at hand */
static bool fetching;
static int files[SCN_FILES]; /* + 1; 0: not open */

static void
on_fault(int signo, const uint64_t *info, uint64_t *uc)
{
    reply->kind = REPLY_SIGNAL;
    reply->number = signo;
    reply->code = (int)info[1];
    reply->value = info[2];
    uc[PC] = (uint64_t)(fetching ? scn_fetch_back : scn_no);
}

static void
set_handlers(bool on)
{
    static const int which[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
    struct action a = {on ? on_fault : NULL, on ? SA_SIGINFO : 0, 0};

    for (unsigned i = 0; i < 4; i++)
        syscall(134, (long)which[i], &a, 0l, 8l);
}

void
steps_begin(void)
{
    set_handlers(true);
    steps_catch();
}

void
steps_catch(void)
{
    struct reply r = {0};

    reply = &r;
    scn_load(NULL);
}

/* This program's memory, its stack from LOW on, stays.  In later scenarios its stack may
 * go again: else it would be two areas, and scenarios look at it. */
static void
stay(uintptr_t low)
{
    static uintptr_t from; /* the stack stays from here on */

    if (steps_stay) {
        mlock(__executable_start, (size_t)(_end - __executable_start));
        mlock((const void *)low, (uintptr_t)steps_top - low);
        if (shared != NULL)
            mlock((const void *)shared, SHARED_SIZE);
        from = low;
    } else if (from != 0) {
        munlock((const void *)from, (uintptr_t)steps_top - from);
        from = 0;
    }
}

/* All memory this program may touch is touched, so that only what a step is about
 * faults in it. */
void
steps_warm(void)
{
    volatile char stack[STEPS_STACK * SCN_PAGE];
    uintptr_t data = (uintptr_t)__DATA_BEGIN__ & ~(uintptr_t)(SCN_PAGE - 1);

    if (shared != NULL)
        shared[0] = shared[0];
    for (unsigned i = 0; i < STEPS_STACK; i++)
        stack[i * SCN_PAGE] = (char)i;
    (void)stack[0];
    for (volatile char *p = (char *)data; p < (char *)_end; p += SCN_PAGE)
        *p = *p;
    for (const volatile char *p = __executable_start; p < (char *)data;
         p += SCN_PAGE)
        (void)*p;
    stay((uintptr_t)stack);
}

/* --- memory --- */

static char *
address(const struct scn_step *st, uint32_t page)
{
    return (char *)scn_base(&scn, st->area) + (size_t)page * SCN_PAGE;
}

char *
step_address(const struct scn_step *st)
{
    return address(st, st->first) + st->offset;
}

static bool
touch(const char *p)
{
    long c = scn_load(p);

    if (c >= 0 && reply->kind == REPLY_OK)
        reply->value = (uint64_t)c;
    return c >= 0;
}

static void
read_pages(const struct scn_step *st)
{
    uint32_t sum = 0;

    for (uint32_t page = st->first; page <= st->last; page++) {
        char *p = address(st, page);

        if (!touch(p))
            return;
        sum = crc32_more(sum, p, SCN_PAGE);
    }
    reply->kind = REPLY_VALUE;
    reply->value = sum;
}

static void
write_pages(const struct scn_step *st)
{
    for (uint32_t page = st->first; page <= st->last; page++) {
        char *p = address(st, page);

        if (scn_store(p, scn_byte(st->pattern, st->value, page, 0)) < 0)
            return;
        for (uint32_t i = 1; i < SCN_PAGE; i++)
            p[i] = (char)scn_byte(st->pattern, st->value, page, i);
    }
}

/* So many loads that no other process comes between; every other one is of one of
 * the first three pages.  tools/faultmodel/steps.py draws the same. */
static void
weave(const struct scn_step *st)
{
    uint32_t x = (uint32_t)st->value, n = st->last - st->first + 1;

    for (uint64_t i = 0; i < st->value; i++) {
        uint32_t page;

        x = x * 1664525 + 1013904223;
        page = (x >> 16) % (i % 2 == 0 || n < 3 ? n : 3);
        if (scn_load(address(st, st->first + page)) < 0)
            return;
    }
}

static void
access_byte(const struct scn_step *st, unsigned op)
{
    char *p = st->area == SCN_NO ? (char *)st->value : step_address(st);

    if (op == SCN_STORE) {
        scn_store(p, (long)st->value);
    } else if (op == SCN_LOAD) {
        if (touch(p))
            reply->kind = REPLY_VALUE;
    } else {
        long got;

        fetching = true;
        got = scn_fetch(p);
        fetching = false;
        if (reply->kind == REPLY_OK) {
            reply->kind = REPLY_VALUE;
            reply->value = (uint64_t)got;
        }
    }
}

void
steps_reply(struct reply *r)
{
    reply = r;
}

bool
step_store_byte(void *p, long byte)
{
    return scn_store(p, byte) >= 0;
}

void
step_die(const struct scn_step *st)
{
    struct reply r = {0};

    reply = &r;
    set_handlers(false);
    access_byte(st, st->access);
    _exit(201); /* it should not have survived */
}

static void
add_word(const struct scn_step *st)
{
    long was = scn_amo(step_address(st), (long)st->value);

    if (reply->kind == REPLY_OK) {
        reply->kind = REPLY_VALUE;
        reply->value = (uint32_t)was;
    }
}

static void
result(long r)
{
    if (r < 0) {
        reply->kind = REPLY_ERROR;
        reply->number = errno;
    }
}

static int
prot_of(unsigned rights)
{
    return (rights & SCN_R ? PROT_READ : 0) |
           (rights & SCN_W ? PROT_WRITE : 0) | (rights & SCN_X ? PROT_EXEC : 0);
}

static void
map(const struct scn_step *st)
{
    int flags = (st->shared ? MAP_SHARED : MAP_PRIVATE) |
                (st->advice == SCN_FRESH  ? MAP_FIXED_NOREPLACE
                 : st->advice == SCN_HINT ? 0
                                          : MAP_FIXED);
    size_t len = (size_t)(st->last + 1) * SCN_PAGE;
    char *p = (char *)st->value + scn.areas[scn.areas[st->area].like].moved;
    char *got;
    int fd = -1;

    if (st->file == SCN_NO)
        flags |= MAP_ANONYMOUS;
    else
        fd = files[st->file] - 1;
    got = mmap(p, len, prot_of(st->rights), flags, fd, (off_t)st->at);
    result(got == MAP_FAILED ? -1 : 0);
    if (got != MAP_FAILED &&
        got != p) { /* welcome elsewhere: that is no area */
        munmap(got, len);
        reply->kind = REPLY_VALUE;
        reply->value = 1;
    }
}

/* --- files --- */

int *
step_file(unsigned file)
{
    return &files[file];
}

static char block[SCN_PAGE];

/* A new file of AT bytes. */
static void
make_file(const struct scn_step *st)
{
    char path[64];
    int fd;

    step_path(st->file, path);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    result(fd);
    if (fd < 0)
        return;
    files[st->file] = fd + 1;
    for (uint64_t at = 0; at < st->at; at += SCN_PAGE) {
        size_t n = st->at - at < SCN_PAGE ? (size_t)(st->at - at) : SCN_PAGE;

        for (uint32_t i = 0; i < n; i++)
            block[i] = (char)scn_byte(st->pattern, st->value,
                                      (uint32_t)(at / SCN_PAGE), i);
        if (write(fd, block, n) != (ssize_t)n) {
            result(-1);
            return;
        }
    }
}

/* read(2) into, or write(2) from, memory of the scenario. */
static void
move(const struct scn_step *st, bool get)
{
    char *p = address(st, st->first) + st->offset;
    int fd = files[st->file] - 1;
    size_t n = (size_t)st->value;
    ssize_t r =
        get ? pread(fd, p, n, (off_t)st->at) : pwrite(fd, p, n, (off_t)st->at);

    result(r);
    if (r >= 0) {
        reply->kind = REPLY_VALUE;
        reply->value = (uint64_t)r;
    }
}

static void
unlink_file(const struct scn_step *st)
{
    char path[64];

    step_path(st->file, path);
    result(unlink(path));
}

static void
close_file(const struct scn_step *st)
{
    result(close(files[st->file] - 1));
    files[st->file] = 0;
}

static void
about_memory(const struct scn_step *st)
{
    char *p = st->area == SCN_NO ? NULL : address(st, st->first);
    size_t len = (size_t)(st->last - st->first + 1) * SCN_PAGE;

    switch (st->op) {
    case SCN_MAP:
        map(st);
        break;
    case SCN_TOUCH:
        access_byte(st, st->access);
        break;
    case SCN_AMO:
        add_word(st);
        break;
    case SCN_UNMAP:
        result(munmap(p, len));
        break;
    case SCN_PROTECT:
        result(mprotect(p, len, prot_of(st->rights)));
        break;
    case SCN_ADVISE:
        result(madvise(p, len, st->advice));
        break;
    case SCN_SYNC:
        result(msync(p, len, MS_SYNC));
        break;
    case SCN_LOCK:
        result(mlock(p, len));
        break;
    case SCN_UNLOCK:
        result(munlock(p, len));
        break;
    case SCN_READ:
        read_pages(st);
        break;
    case SCN_WRITE:
        write_pages(st);
        break;
    case SCN_WEAVE:
        weave(st);
        break;
    case SCN_LOAD:
    case SCN_STORE:
    case SCN_FETCH:
        access_byte(st, st->op);
        break;
    }
}

static void
about_files(const struct scn_step *st)
{
    switch (st->op) {
    case SCN_FILE:
        make_file(st);
        break;
    case SCN_GET:
    case SCN_PUT:
        move(st, st->op == SCN_GET);
        break;
    case SCN_TRUNCATE:
        result(ftruncate(files[st->file] - 1, (off_t)st->value));
        break;
    case SCN_UNLINK:
        unlink_file(st);
        break;
    case SCN_CLOSE:
        close_file(st);
        break;
    }
}

void
step_do(const struct scn_step *st, struct reply *r)
{
    reply = r;
    if (step_own(st, r) || step_on_disk(st, r) || step_program(st, r))
        return;
    order_failures(true);
    about_memory(st);
    about_files(st);
    result(order_step(st));
    order_failures(false);
}
