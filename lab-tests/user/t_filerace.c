/* t_filerace.c: processes that make, move and remove the same few names at once:
 * each call says one of the things it may say, none hangs, and afterwards the
 * tree is right, and empty when all is removed. */
#include "lib/files.h"

#define PROCS 4
#define NAMES 4

static bool
one_of(long r, const int *set)
{
    while (*set != r && *set != 1)
        set++;
    return r >= 0 || *set == r;
}

static void
path_of(char *to, size_t n, uint64_t r)
{
    static const char *const dirs[] = {"", "a/", "b/", "a/c/"};

    snprintf(to, n, "%s%lu", dirs[r % 4], r / 4 % NAMES);
}

static void
storm(unsigned who)
{
    static const int say[] = {-ENOENT, -EEXIST, -ENOTEMPTY, -EISDIR, -ENOTDIR,
                              -EINVAL, -EBUSY,  -EPERM,     1};
    uint64_t seed = who * 977 + 5;
    char from[64], to[64];

    for (unsigned i = 0; i < 20 * utest_rounds; i++) {
        uint64_t r = rnd(&seed);
        long got = 0;

        path_of(from, sizeof(from), r >> 8);
        path_of(to, sizeof(to), r >> 16);
        switch (r % 8) {
        case 0:
        case 1:
            got = OPEN(from, O_CREAT | O_RDWR);
            if (got >= 0) {
                CHECK(WRITE(got, from, 8) == 8);
                CHECK(CLOSE(got) == 0);
            }
            break;
        case 2:
            got = UNLINK(from);
            break;
        case 3:
        case 4:
            got = RENAME(from, to);
            break;
        case 5:
            got = LINK(from, to);
            break;
        case 6:
            got = MKDIR(from, 0755);
            break;
        default:
            got = r >> 32 & 1 ? RMDIR(from) : SYMLINK(to, from);
        }
        CHECK(one_of(got, say) || got == -ELOOP);
    }
}

/* Folders that move into one another, both ways round. */
static void
swap(unsigned who)
{
    for (unsigned i = 0; i < 20 * utest_rounds; i++) {
        long r = who % 2 ? RENAME("a", "b/x") : RENAME("b", "a/x");

        CHECK(r == 0 || r == -ENOENT || r == -EINVAL || r == -ENOTEMPTY);
        r = who % 2 ? RENAME("b/x", "a") : RENAME("a/x", "b");
        CHECK(r == 0 || r == -ENOENT || r == -EINVAL || r == -ENOTEMPTY);
    }
}

static void
in_all(void (*fn)(unsigned who))
{
    int status;

    for (unsigned i = 0; i < PROCS; i++) {
        if (fork() == 0) {
            fn(i);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < PROCS; i++)
        CHECK(wait(&status) > 0 && status == 0);
}

struct dirent64 {
    uint64_t ino;
    int64_t off;
    uint16_t len;
    uint8_t type;
    char name[];
} __attribute__((packed));

/* Remove what is in the working folder; its link count must agree. */
static void
clear(void)
{
    char buf[2048];
    struct stat st;
    unsigned folders = 0;
    long fd = OPEN(".", O_RDONLY | O_DIRECTORY), n;

    CHECK(fd >= 0 && STAT(".", &st) == 0);
    while ((n = GETDENTS(fd, buf, sizeof(buf))) > 0) {
        for (long at = 0; at < n;) {
            struct dirent64 *d = (struct dirent64 *)(buf + at);

            at += d->len;
            if (strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0)
                continue;
            if (d->type == 4) {
                folders++;
                CHECK(CHDIR(d->name) == 0);
                clear();
                CHECK(CHDIR("..") == 0 && RMDIR(d->name) == 0);
            } else {
                CHECK(UNLINK(d->name) == 0);
            }
        }
    }
    CHECK(n == 0 && st.st_nlink == 2 + folders && CLOSE(fd) == 0);
}

UTEST(file_race_storm_of_names)
{
    enter("storm");
    CHECK(MKDIR("a", 0755) == 0 && MKDIR("b", 0755) == 0);
    CHECK(MKDIR("a/c", 0755) == 0);
    in_all(storm);
    clear();
    leave();
}

UTEST(file_race_folders_into_one_another)
{
    enter("swap");
    CHECK(MKDIR("a", 0755) == 0 && MKDIR("b", 0755) == 0);
    in_all(swap);
    clear();
    leave();
}

static void
make_one(unsigned who)
{
    char name[16];

    for (unsigned i = 0; i < 5 * utest_rounds; i++) {
        long fd;

        snprintf(name, sizeof(name), "w%u", i % 3);
        fd = OPEN(name, O_CREAT | O_EXCL | O_RDWR);
        CHECK(fd >= 0 || fd == -EEXIST);
        if (fd >= 0) {
            CHECK(CLOSE(fd) == 0);
        }
        fd = OPEN(name, O_CREAT | O_RDWR); /* somebody's, or a new one */
        CHECK(fd >= 0 && CLOSE(fd) == 0);
        fd = UNLINK(name);
        CHECK(fd == 0 || fd == -ENOENT);
    }
}

UTEST(file_race_open_never_says_enoent)
{
    enter("make");
    in_all(make_one);
    clear();
    leave();
}

/* Appenders never overwrite each other. */
static void
append(unsigned who)
{
    long fd = OPEN("log", O_WRONLY | O_APPEND);
    char line[100];

    memset(line, 'a' + (int)who, sizeof(line));
    for (unsigned i = 0; i < utest_rounds; i++)
        CHECK(WRITE(fd, line, sizeof(line)) == sizeof(line));
    CHECK(CLOSE(fd) == 0);
}

UTEST(file_race_appends)
{
    unsigned count[PROCS] = {0};
    char line[100];
    long fd;

    enter("append");
    fd = OPEN("log", O_CREAT | O_RDWR);
    in_all(append);
    while (READ(fd, line, sizeof(line)) == sizeof(line)) {
        for (unsigned i = 1; i < sizeof(line); i++)
            CHECK(line[i] == line[0]);
        count[line[0] - 'a']++;
    }
    for (unsigned i = 0; i < PROCS; i++)
        CHECK(count[i] == utest_rounds);
    CHECK(CLOSE(fd) == 0);
    clear();
    leave();
}
