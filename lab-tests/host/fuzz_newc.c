/* fuzz_newc.c: damaged boot archives, by the hundred thousand.
 *
 *     fuzz_newc [COUNT [SEED]]           default 100000 1
 *
 * An archive of up to eight entries gets bits flipped, digits of its numbers
 * replaced, pieces copied or cut away; then newc_next() walks through a copy
 * that ends where its allocation ends.  Each entry must lie inside, name and
 * contents, each step must lead on, and an archive nobody touched must give
 * back what was put in. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../libs/newc.c"
#include "fuzz_uncounted.h"

#define ROOM 8192

static unsigned long number;
static uint64_t random_state = 1;
static char work[ROOM];
static size_t size;
static unsigned nentries;

static void
claim(bool ok, const char *what)
{
    if (!ok) {
        printf("FAIL fuzz_newc archive %lu: %s\n", number, what);
        exit(1);
    }
}

static uint32_t
any(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

static void
add(const char *name, size_t name_room, uint32_t n)
{
    size += (size_t)snprintf(work + size, ROOM - size,
                             "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x"
                             "%08x%08x%08x",
                             nentries, 0100755, 1, 2, 1, 3, n, 0, 0, 0, 0,
                             (unsigned)name_room, 0);
    memset(work + size, 0, name_room + 4);
    memcpy(work + size, name, strlen(name));
    size = (size + name_room + 3) & ~(size_t)3;
    memset(work + size, 'a' + (int)nentries, n);
    memset(work + size + n, 0, 4);
    size = (size + n + 3) & ~(size_t)3;
}

static void
make(void)
{
    char name[32];

    size = 0;
    nentries = 0;
    for (uint32_t n = any(8); nentries < n; nentries++) {
        snprintf(name, sizeof(name), "bin/file%u", any(1000));
        add(name, strlen(name) + 1 + any(100), any(600));
    }
    add("TRAILER!!!", 11, 0);
    if (any(2)) {
        memset(work + size, 0, 512);
        size += any(512);
    }
}

static void
spoil(void)
{
    static const char digits[] = "0123456789abcdefABCDEFg/:@`\xff";
    uint32_t at = any((uint32_t)size), to = any((uint32_t)size);

    switch (any(6)) {
    case 0:
        work[at] ^= (char)(1u << any(8));
        break;
    case 1: /* a number of some header */
        while (at > 0 && memcmp(work + at, "07070", 5) != 0)
            at--;
        at += 6 + any(104);
        if (at < size)
            work[at] = digits[any(sizeof(digits) - 1)];
        break;
    case 2:
        while (at > 0 && memcmp(work + at, "07070", 5) != 0)
            at--;
        at += 6 + 8 * (any(2) ? F_SIZE : F_NAMESIZE);
        if (at + 8 <= size)
            memcpy(work + at,
                   (const char *[]){"ffffffff", "00000000", "80000000",
                                    "00001fff", "fffffffc"}[any(5)],
                   8);
        break;
    case 3:
        memmove(work + at, work + to,
                any((uint32_t)(size - (at > to ? at : to)) + 1));
        break;
    case 4:
        size = at + 1;
        break;
    default:
        memset(work + at, 0, any((uint32_t)(size - at)));
        break;
    }
}

/* How many entries there are. */
static unsigned
walk(bool whole)
{
    char *copy = malloc(size);
    enum newc_result r;
    struct newc_entry e;
    size_t pos = 0, before;
    unsigned n = 0;

    memcpy(copy, work, size);
    do {
        before = pos;
        r = newc_next(copy, size, &pos, &e);
        claim(pos <= size, "behind the end");
        if (r != NEWC_ENTRY) {
            claim(pos == before || r == NEWC_END, "moved although bad");
            break;
        }
        claim(pos > before, "does not go on");
        claim(e.name > copy && e.name + strlen(e.name) < copy + size, "name");
        claim((const char *)e.data >= copy &&
                  (size_t)((const char *)e.data - copy) <= size &&
                  e.size <= size - (size_t)((const char *)e.data - copy) &&
                  e.offset == (size_t)((const char *)e.data - copy),
              "contents");
        if (whole)
            claim(e.ino == n && e.mode == 0100755 && e.uid == 1 && e.gid == 2 &&
                      (e.size == 0 ||
                       (*(const char *)e.data == 'a' + (int)n &&
                        memcmp(e.data, (char *)e.data + 1, e.size - 1) == 0)),
                  "not what was put in");
        n++;
    } while (true);
    claim(!whole || (r == NEWC_END && n == nentries), "a good one is refused");
    free(copy);
    return n;
}

int
main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
    unsigned long entries = 0;

    random_state += argc > 2 ? strtoull(argv[2], NULL, 0) * 2 : 2;
    for (number = 0; number < count; number++) {
        uint32_t n = any(5);

        make();
        if (n == 0)
            walk(true);
        while (n-- > 0)
            spoil();
        entries += walk(false);
    }
    printf("fuzz_newc: %lu archives, %lu entries\n", count, entries);
    return 0;
}
