/* fbench.c: what calls on files cost, and faults in files that are mapped, in
 * instructions.  Its files are in the folder --dir (bench.h), which says what
 * file system is measured; what is opened and asked for is the program's own
 * file. */
#include <bench.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK 65536u

static char buf[CHUNK];

/* The path of NAME in the folder. */
static const char *
in_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", bench_dir, name);
    return path;
}

/* A file of LEN bytes, all of them on the disk and in memory. */
static int
make_file(size_t len)
{
    int fd = open(in_dir("bench"), O_CREAT | O_TRUNC | O_RDWR, 0600);

    for (size_t n = 0; fd >= 0 && n < len; n += MIN(len - n, CHUNK)) {
        if (write(fd, buf, MIN(len - n, CHUNK)) <= 0)
            return -1;
    }
    if (fd >= 0)
        fsync(fd);
    return fd;
}

static void
drop_file(int fd)
{
    close(fd);
    unlink(in_dir("bench"));
}

/* --- by name --- */

static uint64_t
open_close(const struct metric *m)
{
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++)
        close(open(bench_self, O_RDONLY));
    return now() - t;
}

static uint64_t
stat_path(const struct metric *m)
{
    struct stat st;
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++)
        stat(bench_self, &st);
    return now() - t;
}

static uint64_t
create_close_unlink(const struct metric *m)
{
    const char *path = in_dir("bench.new");
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++) {
        int fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);

        if (fd < 0)
            return UNSUPPORTED;
        close(fd);
        unlink(path);
    }
    return now() - t;
}

/* A folder with ARG names, all of one file. */
static bool
make_folder(unsigned n)
{
    char first[256], path[300];
    int fd;

    snprintf(first, sizeof(first), "%s/bench.%u", bench_dir, n);
    if (mkdir(first, 0700) != 0)
        return chdir(first) == 0; /* it is there already */
    if (chdir(first) != 0)
        return false;
    fd = open("e0", O_CREAT | O_RDWR, 0600);
    close(fd);
    for (unsigned i = 1; i < n && fd >= 0; i++) {
        snprintf(path, sizeof(path), "e%u", i);
        if (link("e0", path) != 0)
            return false;
    }
    return fd >= 0;
}

/* Names that are not there and were not asked for before: the folder itself is
 * looked into. */
static uint64_t
look_up(const struct metric *m)
{
    static char names[1000][16];
    static unsigned last;
    struct stat st;
    uint64_t t;

    if (!make_folder(m->arg))
        return UNSUPPORTED;
    for (unsigned i = 0; i < m->n; i++)
        snprintf(names[i], sizeof(names[i]), "x%u", 100000 + last++);
    t = now();
    for (unsigned i = 0; i < m->n; i++)
        stat(names[i], &st);
    t = now() - t;
    chdir("/");
    return t;
}

/* --- by number --- */

static uint64_t
stat_open(const struct metric *m)
{
    int fd = open(bench_self, O_RDONLY);
    struct stat st;
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++)
        fstat(fd, &st);
    t = now() - t;
    close(fd);
    return t;
}

/* Read or write ARG bytes at the beginning of a file that has them. */
static uint64_t
again(const struct metric *m, bool out)
{
    int fd = make_file(m->arg);
    uint64_t t;

    if (fd < 0)
        return UNSUPPORTED;
    pread(fd, buf, m->arg, 0);
    t = now();
    for (unsigned i = 0; i < m->n; i++) {
        if (out)
            pwrite(fd, buf, m->arg, 0);
        else
            pread(fd, buf, m->arg, 0);
    }
    t = now() - t;
    drop_file(fd);
    return t;
}

static uint64_t
file_read(const struct metric *m)
{
    return again(m, false);
}

/* read() of a file that is in memory, page after page. */
static uint64_t
read_on(const struct metric *m)
{
    int fd = make_file(m->n * PAGE);
    uint64_t t;

    if (fd < 0)
        return UNSUPPORTED;
    lseek(fd, 0, SEEK_SET);
    t = now();
    for (unsigned i = 0; i < m->n; i++)
        read(fd, buf, PAGE);
    t = now() - t;
    drop_file(fd);
    return t;
}

static uint64_t
file_write(const struct metric *m)
{
    return again(m, true);
}

/* New blocks at the end of a file of ARG MiB, most of it a hole.  Not what writes
 * them to the disk: who waits for one does not count instructions. */
static uint64_t
new_blocks(const struct metric *m)
{
    off_t end = (off_t)m->arg << 20;
    int fd = make_file(0);
    uint64_t t;

    if (fd < 0 || ftruncate(fd, end) != 0)
        return UNSUPPORTED;
    t = now();
    for (unsigned i = m->n; i > 0; i--)
        pwrite(fd, buf, PAGE, end - (off_t)(i * PAGE));
    t = now() - t;
    fsync(fd);
    drop_file(fd);
    return t;
}

/* --- mapped --- */

enum { PRIVATE = 0, SHARED = 1, STORE = 2, SECOND = 4 };

/* The first touch of each page of a new mapping, which stays at *AT. */
static uint64_t
touch(const struct metric *m, int fd, char **at)
{
    int prot = m->arg & STORE ? PROT_READ | PROT_WRITE : PROT_READ;
    uint64_t t;

    *at = mmap(NULL, m->n * PAGE, prot,
               m->arg & SHARED ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    if (*at == MAP_FAILED)
        return UNSUPPORTED;
    t = now();
    if (m->arg & STORE)
        store_each(*at, m->n);
    else
        load_each(*at, m->n);
    return now() - t;
}

/* ... by a child, while its parent has them mapped, too. */
static uint64_t
touch_second(const struct metric *m, int fd)
{
    uint64_t *result = bench_shared(), t;
    char *at;
    pid_t pid = result == NULL ? -1 : fork();

    if (pid < 0)
        return UNSUPPORTED;
    if (pid == 0) {
        *result = touch(m, fd, &at);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    t = *result;
    munmap(result, PAGE);
    return t;
}

static uint64_t
mapped(const struct metric *m)
{
    int fd = make_file(m->n * PAGE);
    uint64_t t;
    char *at;

    if (fd < 0)
        return UNSUPPORTED;
    t = touch(m, fd, &at);
    if (m->arg & SECOND)
        t = touch_second(m, fd);
    if (at != MAP_FAILED)
        munmap(at, m->n * PAGE);
    drop_file(fd);
    return t;
}

static const struct metric metrics[] = {
    {"open_close", open_close, 1000, 0},
    {"stat", stat_path, 1000, 0},
    {"fstat", stat_open, 1000, 0},
    {"file_pread_4k", file_read, 1000, PAGE},
    {"file_read_4k", read_on, 1000, 0},
    {"file_read_64k", file_read, 200, 16 * PAGE},
    {"file_write_4k", file_write, 1000, PAGE},
    {"create_close_unlink", create_close_unlink, 500, 0},
    {"lookup_10", look_up, 1000, 10},
    {"lookup_10000", look_up, 1000, 10000},
    {"file_new_block_1m", new_blocks, 256, 1},
    {"file_new_block_1g", new_blocks, 256, 1024},
    {"file_private_rfault_page", mapped, 1024, PRIVATE},
    {"file_shared_rfault_page", mapped, 1024, SHARED},
    {"file_private_rfault_page_2nd", mapped, 1024, PRIVATE | SECOND},
    {"file_shared_rfault_page_2nd", mapped, 1024, SHARED | SECOND},
    {"file_private_wfault_page", mapped, 1024, PRIVATE | STORE},
    {"file_shared_wfault_page", mapped, 1024, SHARED | STORE},
};

int
main(int argc, char **argv)
{
    return bench_main(argc, argv, metrics, ARRAY_LEN(metrics), false);
}
