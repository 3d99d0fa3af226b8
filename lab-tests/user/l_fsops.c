/* l_fsops.c: does what a script says to files, one operation a line.
 *
 *     l_fsops SCRIPT [MARKS [DISK]]     SCRIPT "-": standard input
 *
 * What is written says what it is: the eight bytes at offset O of a file, O a
 * multiple of 8, are the seed of the write in the upper half and O / 8 in the
 * lower.  So whoever finds them later knows which write of which file they are
 * from, and what does not belong there.
 *
 *     write PATH OFF LEN SEED    append PATH LEN SEED    store PATH OFF LEN SEED
 *     creat PATH     truncate PATH LEN     fallocate PATH OFF LEN
 *     mkdir PATH     rmdir PATH            unlink PATH
 *     rename A B     link A B              symlink TEXT PATH
 *     poke PATH OFF LEN SEED               rest MILLISECONDS
 *     fsync PATH     fdatasync PATH        sync
 *     mark N         N is written to MARKS, a disk, after all before is done
 *
 * DISK, if there is one, is mounted at /mnt first, and paths begin there.
 * store maps the file, stores, and calls msync; poke does not call it.  Numbers are multiples of 8.  An
 * operation that fails is said with its line, and ends the program with 1. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536
#define WORDS 8

static const char *marks;
static uint64_t chunk[CHUNK / 8];

static uint64_t
word_at(uint64_t seed, uint64_t off)
{
    return seed << 32 | off / 8;
}

static int
put_words(int fd, uint64_t off, uint64_t len, uint64_t seed)
{
    while (len > 0) {
        size_t n = len < CHUNK ? len : CHUNK;
        ssize_t put;

        for (size_t i = 0; i < n; i += 8)
            chunk[i / 8] = word_at(seed, off + i);
        put = pwrite(fd, chunk, n, (off_t)off);
        if (put <= 0)
            return -1;
        off += (uint64_t)put;
        len -= (uint64_t)put;
    }
    return 0;
}

static int
do_write(char **w)
{
    int fd = open(w[1], O_RDWR | O_CREAT, 0644), r;

    if (fd < 0)
        return -1;
    r = put_words(fd, strtoul(w[2], NULL, 0), strtoul(w[3], NULL, 0),
                  strtoul(w[4], NULL, 0));
    return close(fd) != 0 ? -1 : r;
}

static int
do_append(char **w)
{
    int fd = open(w[1], O_RDWR | O_CREAT, 0644), r;
    off_t end;

    if (fd < 0)
        return -1;
    end = lseek(fd, 0, SEEK_END);
    r = end < 0 ? -1
                : put_words(fd, (uint64_t)end, strtoul(w[2], NULL, 0),
                            strtoul(w[3], NULL, 0));
    return close(fd) != 0 ? -1 : r;
}

static int
do_store(char **w)
{
    uint64_t off = strtoul(w[2], NULL, 0), len = strtoul(w[3], NULL, 0);
    uint64_t seed = strtoul(w[4], NULL, 0), start = off & ~4095ul;
    int fd = open(w[1], O_RDWR), r = -1;
    char *at;

    if (fd < 0)
        return -1;
    at = mmap(NULL, off + len - start, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
              (off_t)start);
    if (at != MAP_FAILED) {
        for (uint64_t i = 0; i < len; i += 8)
            *(uint64_t *)(at + (off - start) + i) = word_at(seed, off + i);
        r = w[0][0] == 'p' ? 0 : msync(at, off + len - start, MS_SYNC);
        munmap(at, off + len - start);
    }
    return close(fd) != 0 ? -1 : r;
}

/* FN on an open file. */
static int
with_file(const char *path, int flags, int (*fn)(int fd, char **w), char **w)
{
    int fd = open(path, flags, 0644), r;

    if (fd < 0)
        return -1;
    r = fn(fd, w);
    return close(fd) != 0 ? -1 : r;
}

static int
on_creat(int fd, char **w)
{
    return 0;
}

static int
on_fsync(int fd, char **w)
{
    return strcmp(w[0], "fsync") == 0 ? fsync(fd) : fdatasync(fd);
}

static int
on_truncate(int fd, char **w)
{
    return ftruncate(fd, (off_t)strtoul(w[2], NULL, 0));
}

static int
on_fallocate(int fd, char **w)
{
    return fallocate(fd, 0, (off_t)strtoul(w[2], NULL, 0),
                     (off_t)strtoul(w[3], NULL, 0));
}

static int
on_mark(int fd, char **w)
{
    memset(chunk, 0, 4096);
    chunk[0] = strtoul(w[1], NULL, 0);
    chunk[1] = ~chunk[0];
    return pwrite(fd, chunk, 4096, 0) == 4096 ? fsync(fd) : -1;
}

static int
do_file(char **w)
{
    if (strcmp(w[0], "creat") == 0)
        return with_file(w[1], O_RDWR | O_CREAT | O_EXCL, on_creat, w);
    if (strcmp(w[0], "truncate") == 0)
        return with_file(w[1], O_RDWR, on_truncate, w);
    if (strcmp(w[0], "fallocate") == 0)
        return with_file(w[1], O_RDWR | O_CREAT, on_fallocate, w);
    if (strcmp(w[0], "mark") == 0)
        return marks == NULL ? 0 : with_file(marks, O_RDWR, on_mark, w);
    return with_file(w[1], O_RDONLY, on_fsync, w);
}

static int
do_mkdir(char **w)
{
    return mkdir(w[1], 0755);
}

static int
do_rmdir(char **w)
{
    return rmdir(w[1]);
}

static int
do_unlink(char **w)
{
    return unlink(w[1]);
}

static int
do_rename(char **w)
{
    return rename(w[1], w[2]);
}

static int
do_link(char **w)
{
    return link(w[1], w[2]);
}

static int
do_symlink(char **w)
{
    return symlink(w[1], w[2]);
}

static int
do_sync(char **w)
{
    sync();
    return 0;
}

static int
do_rest(char **w)
{
    return usleep((unsigned)strtoul(w[1], NULL, 0) * 1000);
}

static const struct {
    const char *name;
    int args;
    int (*fn)(char **w);
} ops[] = {
    {"write", 4, do_write},   {"append", 3, do_append},
    {"store", 4, do_store},   {"creat", 1, do_file},
    {"truncate", 2, do_file}, {"fallocate", 3, do_file},
    {"mkdir", 1, do_mkdir},   {"rmdir", 1, do_rmdir},
    {"unlink", 1, do_unlink}, {"rename", 2, do_rename},
    {"link", 2, do_link},     {"symlink", 2, do_symlink},
    {"fsync", 1, do_file},    {"fdatasync", 1, do_file},
    {"sync", 0, do_sync},     {"mark", 1, do_file},
    {"poke", 4, do_store},    {"rest", 1, do_rest},
};

static int
do_line(char *line, unsigned number)
{
    char *w[WORDS + 1], *p = line;
    int n = 0;

    while (n < WORDS) {
        while (*p == ' ')
            *p++ = 0;
        if (*p == 0)
            break;
        w[n++] = p;
        while (*p != ' ' && *p != 0)
            p++;
    }
    w[n] = NULL;
    if (n == 0 || w[0][0] == '#')
        return 0;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (strcmp(ops[i].name, w[0]) != 0 || ops[i].args != n - 1)
            continue;
        if (ops[i].fn(w) == 0)
            return 0;
        printf("l_fsops: line %u: %s %s: errno %d\n", number, w[0],
               n > 1 ? w[1] : "", errno);
        return 1;
    }
    printf("l_fsops: line %u: no such operation: %s\n", number, w[0]);
    return 1;
}

/* The whole script; it is cut into lines in place. */
static char *
read_script(const char *path)
{
    int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY);
    size_t size = 0, room = CHUNK;
    char *text = malloc(room);
    ssize_t n = 0;

    while (fd >= 0 && text != NULL &&
           (n = read(fd, text + size, room - size - 1)) > 0) {
        size += (size_t)n;
        if (size + 1 == room)
            text = realloc(text, room *= 2);
    }
    if (fd < 0 || text == NULL || n < 0) {
        printf("l_fsops: %s: cannot be read\n", path);
        return NULL;
    }
    text[size] = 0;
    return text;
}

int
main(int argc, char **argv)
{
    unsigned number = 0, failed = 0;
    char *text, *next;

    if (argc < 2 || argc > 4) {
        printf("usage: l_fsops SCRIPT [MARKS [DISK]]\n");
        return 2;
    }
    marks = argv[2];
    text = read_script(argv[1]);
    if (argc == 4 && (syscall(40, argv[3], "/mnt", "sfs", 0l, 0l) != 0 ||
                      chdir("/mnt") != 0)) {
        printf("l_fsops: %s: cannot be mounted, errno %d\n", argv[3], errno);
        return 1;
    }
    for (; text != NULL && *text != 0 && !failed; text = next) {
        next = strchr(text, '\n');
        if (next == NULL)
            next = text + strlen(text);
        else
            *next++ = 0;
        failed = (unsigned)do_line(text, ++number);
    }
    printf("l_fsops: %u lines, %s\n", number, failed ? "failed" : "done");
    return text == NULL || failed;
}
