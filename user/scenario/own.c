/* own.c: steps about what a process has of its own (heap, stack), areas that move,
 * system calls with a pointer, and forks without memory.
 *
 * Where heap and stack lie the scenario does not know: the first step about them finds
 * out how far that is from the place they have on paper. */
#include "scenario.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_BRK          214
#define NR_GETAFFINITY  123
#define NR_GETRUSAGE    165
#define RUSAGE_CHILDREN (-1)
#define RU_MINFLT       8   /* of its words */
#define FAILURES        120 /* more than a fork allocates */
#define MAPS_SIZE       8192

static char buffer[MAPS_SIZE] __attribute__((aligned(SCN_PAGE)));

static void
result(struct reply *r, long value)
{
    if (value < 0) {
        r->kind = REPLY_ERROR;
        r->number = errno;
    }
}

/* --- heap and stack --- */

/* The stack's area, from the process's own list. */
static bool
find_stack(uint64_t *start, uint64_t *end)
{
    int fd = open("/proc/self/maps", O_RDONLY);
    ssize_t n = 0, more;
    uint64_t here = (uint64_t)&n;

    while (fd >= 0 &&
           (more = read(fd, buffer + n, sizeof(buffer) - 1 - (size_t)n)) > 0)
        n += more;
    close(fd);
    buffer[n] = 0;
    for (char *line = buffer; line != NULL && *line != 0;) {
        char *rest;

        *start = strtoul(line, &rest, 16);
        *end = strtoul(rest + 1, NULL, 16);
        if (*start <= here && here < *end)
            return true;
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return false;
}

static void
own_area(const struct scn_step *st, struct reply *r)
{
    struct scn_area *a = &scn.areas[st->area];
    uint64_t start = 0, end = 0, base;

    if (st->op == SCN_HEAP) {
        base = (uint64_t)syscall(NR_BRK, NULL);
    } else if (find_stack(&start, &end)) {
        base = (st->at != 0 ? end - st->at : start) - a->pages * SCN_PAGE;
    } else {
        result(r, -1);
        return;
    }
    a->moved = base - a->base;
    r->value = a->moved; /* the runner wants to know, too */
}

static void
set_break(const struct scn_step *st, struct reply *r)
{
    uint64_t to = (uint64_t)step_address(st);

    if ((uint64_t)syscall(NR_BRK, to) != to) {
        r->kind = REPLY_ERROR;
        r->number = ENOMEM;
    }
}

static void
remap(const struct scn_step *st, struct reply *r)
{
    size_t len = (size_t)(st->last - st->first + 1) * SCN_PAGE;
    char *from = step_address(st);

    if (st->at == 0)
        result(r, mremap(from, len, st->value, 0) == MAP_FAILED ? -1 : 0);
    else
        result(r, mremap(from, len, st->value, MREMAP_MAYMOVE | MREMAP_FIXED,
                         st->at) == MAP_FAILED
                      ? -1
                      : 0);
}

/* --- calls with a pointer --- */

#define PTR 0x7074 /* the pointer's place among the arguments */
#define BUF 0x6275 /* memory that is good */
#define DIR 0x6469 /* an open folder */

static const struct call {
    const char *name;
    long number, a[6];
} calls[] = {
    /* What the kernel writes: */
    {"getcwd", 17, {PTR, 4096}},
    {"uname", 160, {PTR}},
    {"fstat", 80, {DIR, PTR}},
    {"stat", 79, {AT_FDCWD, (long)"/", PTR, 0}},
    {"statx", 291, {AT_FDCWD, (long)"/", 0, 0x7ff, PTR}},
    {"statfs", 43, {(long)"/", PTR}},
    {"getdents", 61, {DIR, PTR, 1000}},
    {"pipe", 59, {PTR, 0}},
    {"clock", 113, {1, PTR}},
    {"resolution", 114, {1, PTR}},
    {"timeofday", 169, {PTR, 0}},
    {"times", 153, {PTR}},
    {"sysinfo", 179, {PTR}},
    {"rlimit", 163, {7, PTR}},
    {"prlimit", 261, {0, 7, 0, PTR}},
    {"rusage", 165, {0, PTR}},
    {"affinity", 123, {0, 8, PTR}},
    {"sigaction", 134, {10, 0, PTR, 8}},
    {"sigmask", 135, {0, 0, PTR, 8}},
    {"sigpending", 136, {PTR, 8}},
    {"altstack", 132, {0, PTR}},
    {"itimer", 102, {0, PTR}},
    {"random", 278, {PTR, 100, 0}},
    {"mincore", 232, {BUF, 4096, PTR}},
    /* What it reads: */
    {"open", 56, {AT_FDCWD, PTR, 0, 0}},
    {"stat_path", 79, {AT_FDCWD, PTR, BUF, 0}},
    {"statfs_path", 43, {PTR, BUF}},
    {"access", 48, {AT_FDCWD, PTR, 0}},
    {"chdir", 49, {PTR}},
    {"mkdir", 34, {AT_FDCWD, PTR, 0755}},
    {"unlink", 35, {AT_FDCWD, PTR, 0}},
    {"rename", 276, {AT_FDCWD, PTR, AT_FDCWD, (long)"/tmp/x", 0}},
    {"rename_to", 276, {AT_FDCWD, (long)"/tmp", AT_FDCWD, PTR, 0}},
    {"link", 37, {AT_FDCWD, PTR, AT_FDCWD, (long)"/tmp/x", 0}},
    {"symlink", 36, {PTR, AT_FDCWD, (long)"/tmp/x"}},
    {"readlink", 78, {AT_FDCWD, PTR, BUF, 100}},
    {"truncate_path", 45, {PTR, 0}},
    {"exec", 221, {PTR, 0, 0}},
    {"exec_args", 221, {(long)"/bin/init", PTR, 0}},
    {"mount", 40, {(long)"x", PTR, (long)"sfs", 0, 0}},
    {"umount", 39, {PTR, 0}},
    {"swapoff", 225, {PTR}},
    {"set_action", 134, {10, PTR, 0, 8}},
    {"set_mask", 135, {0, PTR, 0, 8}},
    {"set_altstack", 132, {PTR, 0}},
    {"set_itimer", 103, {0, PTR, 0}},
    {"set_rlimit", 164, {7, PTR}},
    {"set_affinity", 122, {0, 8, PTR}},
    {"sleep", 101, {PTR, 0}},
    {"poll", 73, {PTR, 1, BUF, 0, 8}},
    {"futex", 98, {PTR, 0, 1, 0, 0, 0}},
};

static void
call(const struct scn_step *st, struct reply *r)
{
    const struct call *c = calls, *end = calls + sizeof(calls) / sizeof(*calls);
    long a[6];
    int dir;

    while (c < end && strcmp(c->name, st->word) != 0)
        c++;
    if (c == end) {
        errno = ENOSYS;
        result(r, -1);
        return;
    }
    memset(buffer, 0, 128); /* no time, no descriptors */
    dir = open("/", O_RDONLY);
    for (int i = 0; i < 6; i++)
        a[i] = c->a[i] == PTR   ? (long)step_address(st)
               : c->a[i] == BUF ? (long)buffer
               : c->a[i] == DIR ? dir
                                : c->a[i];
    result(r, syscall(c->number, a[0], a[1], a[2], a[3], a[4], a[5]));
    close(dir);
}

/* --- what a process is told of itself --- */

/* The harts it may run on, a bit for each; or whether faults of its children that have
 * ended are counted. */
static void
about(const struct scn_step *st, struct reply *r)
{
    uint64_t harts[16] = {0};
    int64_t usage[18] = {0}; /* struct rusage */

    r->kind = REPLY_VALUE;
    if (strcmp(st->word, "harts") == 0 &&
        syscall(NR_GETAFFINITY, 0, sizeof(harts), harts) > 0)
        r->value = harts[0];
    else if (strcmp(st->word, "children") == 0 &&
             syscall(NR_GETRUSAGE, RUSAGE_CHILDREN, usage) == 0)
        r->value = usage[RU_MINFLT] > 0;
    else
        result(r, -1);
}

/* --- forks without memory --- */

static bool
arm(unsigned nth)
{
    char text[40];
    int fd = open("/proc/ucore/knobs", O_WRONLY);
    bool ok;

    snprintf(text, sizeof(text), "fail_alloc=any,%u", nth);
    ok = fd >= 0 && write(fd, text, strlen(text)) > 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* A fork for each allocation there is that could fail; who is born ends at once. */
static void
fork_in_vain(struct reply *r)
{
    for (unsigned n = 1; n <= FAILURES; n++) {
        bool armed = arm(n);
        pid_t pid = armed ? fork() : -1;
        int err = errno, status;

        if (pid == 0)
            _exit(0);
        while (!arm(0)) {
        }
        if (pid > 0)
            waitpid(pid, &status, 0);
        else if (armed && err != ENOMEM && err != EAGAIN) {
            errno = err;
            result(r, -1);
            return;
        }
    }
}

bool
step_own(const struct scn_step *st, struct reply *r)
{
    switch (st->op) {
    case SCN_HEAP:
    case SCN_STACK:
        own_area(st, r);
        return true;
    case SCN_BRK:
        set_break(st, r);
        return true;
    case SCN_MREMAP:
        remap(st, r);
        return true;
    case SCN_CALL:
        call(st, r);
        return true;
    case SCN_ECALL:
        result(r, syscall((long)st->value));
        return true;
    case SCN_ABOUT:
        about(st, r);
        return true;
    case SCN_FORKFAIL:
        fork_in_vain(r);
        steps_warm();
        steps_catch();
        return true;
    }
    return false;
}
