/* l_realuse.c: what a disk has to bear, by several processes at once.
 *
 *     l_realuse FOLDER [FILES [MEBIBYTES [PROCESSES]]]
 *
 * Each process, in a folder of its own: makes FILES files with a few words each,
 * counts them, reads them, removes every other one, counts again, removes the
 * rest; then maps a sparse file of MEBIBYTES, stores at random places, and finds
 * all of it by read, and zeros elsewhere.  Says the first thing that is wrong. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096ul
#define WORDS 40
#define TOUCH 2000

#define MUST(x)                                                                \
    do {                                                                       \
        if (!(x)) {                                                            \
            printf("l_realuse: %s: line %d: %s, errno %d\n", folder, __LINE__, \
                   #x, errno);                                                 \
            fflush(stdout);                                                    \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

static char folder[256];
static unsigned nfiles = 10000, mebibytes = 1024, processes = 1;
static uint64_t state;

static uint64_t
rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static const char *
name_of(unsigned i)
{
    static char name[64];

    snprintf(name, sizeof(name), "file-number-%u", i);
    return name;
}

static unsigned
count(void)
{
    DIR *d = opendir(".");
    unsigned n = 0;

    MUST(d != NULL);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2;
}

static void
make_files(void)
{
    uint64_t words[WORDS];

    for (unsigned i = 0; i < nfiles; i++) {
        int fd = open(name_of(i), O_RDWR | O_CREAT | O_EXCL, 0644);

        MUST(fd >= 0);
        for (unsigned k = 0; k < WORDS; k++)
            words[k] = (uint64_t)i << 32 | k;
        MUST(write(fd, words, sizeof(words)) == sizeof(words));
        MUST(close(fd) == 0);
    }
}

static void
read_files(void)
{
    uint64_t words[WORDS + 1];

    for (unsigned i = 0; i < nfiles; i++) {
        int fd = open(name_of(i), O_RDONLY);

        MUST(fd >= 0);
        MUST(read(fd, words, sizeof(words)) == WORDS * 8);
        for (unsigned k = 0; k < WORDS; k++)
            MUST(words[k] == ((uint64_t)i << 32 | k));
        close(fd);
    }
}

static void
many_files(void)
{
    make_files();
    MUST(count() == nfiles);
    read_files();
    for (unsigned i = 0; i < nfiles; i += 2)
        MUST(unlink(name_of(i)) == 0);
    MUST(count() == nfiles / 2);
    for (unsigned i = 0; i < nfiles; i++)
        MUST((unlink(name_of(i)) == 0) == (i % 2 == 1));
    MUST(count() == 0);
}

static void
sparse_file(void)
{
    uint64_t npages = (uint64_t)mebibytes << 8, word;
    static uint64_t touched[TOUCH];
    int fd = open("sparse", O_RDWR | O_CREAT | O_EXCL, 0644);
    uint64_t *map;

    MUST(fd >= 0 && ftruncate(fd, (off_t)(npages * PAGE)) == 0);
    map = mmap(NULL, npages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST(map != MAP_FAILED);
    for (unsigned i = 0; i < TOUCH; i++) {
        touched[i] = rnd() % npages;
        map[touched[i] * 512 + 7] = ~touched[i];
    }
    MUST(msync(map, npages * PAGE, MS_SYNC) == 0);
    for (unsigned i = 0; i < TOUCH; i++) {
        off_t at = (off_t)(touched[i] * PAGE);

        MUST(pread(fd, &word, 8, at + 56) == 8 && word == ~touched[i]);
        MUST(pread(fd, &word, 8, at + 64) == 8 && word == 0);
    }
    MUST(munmap(map, npages * PAGE) == 0);
    MUST(close(fd) == 0 && unlink("sparse") == 0);
}

static void
all_of_it(const char *where, unsigned k)
{
    snprintf(folder, sizeof(folder), "%s/p%u", where, k);
    state = k + 1;
    MUST(mkdir(folder, 0755) == 0);
    MUST(chdir(folder) == 0);
    if (nfiles > 0)
        many_files();
    if (mebibytes > 0)
        sparse_file();
    MUST(chdir("/") == 0);
    MUST(rmdir(folder) == 0);
}

int
main(int argc, char **argv)
{
    unsigned *numbers[] = {&nfiles, &mebibytes, &processes};
    int status, failed = 0;

    if (argc < 2 || argc > 5) {
        printf("usage: l_realuse FOLDER [FILES [MEBIBYTES [PROCESSES]]]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        *numbers[i - 2] = (unsigned)atoi(argv[i]);
    for (unsigned k = 0; k < processes; k++) {
        pid_t pid = fork();

        if (pid == 0) {
            all_of_it(argv[1], k);
            _exit(0);
        }
        failed |= pid < 0;
    }
    while (waitpid(-1, &status, 0) > 0)
        failed |= status != 0;
    sync();
    printf("l_realuse: %u processes, %s\n", processes,
           failed ? "FAILED" : "ok");
    return failed;
}
