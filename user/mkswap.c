/* mkswap.c: make a disk or a file swap space: the header of mkswap(8) in its first
 * page.
 *
 *     mkswap DISK                 all of it
 *     mkswap FILE [SIZE]          made or grown to SIZE (64M) first, without holes */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE      4096l
#define SIGNATURE "SWAPSPACE2"

#define NR_FALLOCATE 47

static int
fail(const char *what)
{
    fprintf(stderr, "mkswap: %s: %s\n", what, strerror(errno));
    return 1;
}

/* "64M"; 0: it is no size. */
static long
parse_size(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (*end == 'K')
        n <<= 10;
    else if (*end == 'M')
        n <<= 20;
    else if (*end == 'G')
        n <<= 30;
    return *end != 0 && end[1] != 0 ? 0 : n;
}

static int
write_header(int fd, long pages)
{
    static char page[PAGE];
    static const uint32_t version = 1;
    uint32_t last = (uint32_t)(pages - 1);

    memcpy(page + 1024, &version, sizeof(version));
    memcpy(page + 1028, &last, sizeof(last));
    memcpy(page + PAGE - 10, SIGNATURE, 10);
    return write(fd, page, PAGE) == PAGE && fsync(fd) == 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
    long size = argc == 3 ? parse_size(argv[2]) : 0;
    long pages;
    int fd;

    if (argc < 2 || argc > 3 || (argc == 3 && size < 2 * PAGE)) {
        fprintf(stderr, "usage: mkswap DISK, or mkswap FILE [SIZE]\n");
        return 2;
    }
    fd = open(argv[1], size > 0 ? O_RDWR | O_CREAT : O_RDWR, 0600);
    if (fd < 0)
        return fail(argv[1]);
    if (size > 0 && syscall(NR_FALLOCATE, (long)fd, 0l, 0l, size) != 0)
        return fail(argv[1]);
    pages = (long)lseek(fd, 0, SEEK_END) / PAGE;
    if (lseek(fd, 0, SEEK_SET) != 0 || pages < 2) {
        fprintf(stderr, "mkswap: %s: too small\n", argv[1]);
        return 1;
    }
    if (write_header(fd, pages) != 0 || close(fd) != 0)
        return fail(argv[1]);
    printf("swap space of %ld KiB\n", (pages - 1) * (PAGE / 1024));
    return 0;
}
