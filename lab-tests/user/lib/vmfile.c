/* vmfile.c: see vmfile.h. */
#include "vmfile.h"

#define BLKFLSBUF 0x1261

static char buf[64 * PAGE];

void
quiet(void)
{
    CHECK(syscall(230, 1l) == 0 && syscall(231) == 0); /* mlockall */
    mark_counts(); /* what a child shares with us and writes is its own now */
}

void
enter_disk(const char *name)
{
    if (strncmp(utest_dir, "/dev/vd", 7) != 0)
        utest_skip("no disk");
    enter(name);
    set_knob("flush_age=4000000000");
    quiet();
}

long
file_of(const char *name, unsigned n, unsigned last)
{
    long fd = OPEN(name, O_CREAT | O_EXCL | O_RDWR);

    CHECK(fd >= 0);
    for (unsigned i = 0; i < n; i++) {
        long len = i == n - 1 ? (long)last : (long)PAGE;

        fill(buf, PAGE, i);
        CHECK(WRITE(fd, buf, len) == len);
    }
    CHECK(fsync((int)fd) == 0);
    return fd;
}

void
drop(const char *name, long fd)
{
    CHECK(CLOSE(fd) == 0 && UNLINK(name) == 0);
}

void
cold(void)
{
    set_knob("flush_now=1");
    set_knob("drop_clean=1");
}

char *
map_at(char *at, long fd, unsigned n, int prot, int flags)
{
    char *p = mmap(at, n * PAGE, prot, flags | MAP_FIXED, (int)fd, 0);

    CHECK(p == at);
    return p;
}

uint64_t
disk_count(unsigned column)
{
    long fd = OPEN("/proc/diskstats", O_RDONLY);
    long n = fd < 0 ? -1 : READ(fd, buf, sizeof(buf) - 1);
    char *p;

    CHECK(n > 0 && CLOSE(fd) == 0);
    buf[n] = 0;
    p = strstr(buf, " vda ");
    CHECK(p != NULL);
    for (p += 5; column > 0; column--)
        p = strchr(p, ' ') + 1;
    return strtoul(p, NULL, 10);
}

long
find_on_disk(const void *data)
{
    long fd = OPEN("/dev/vda", O_RDONLY), at = 0, found = -1, n = 1;

    CHECK(fd >= 0 && sys(29, fd, BLKFLSBUF, 0, 0, 0) == 0);
    while (found < 0 && (n = READ(fd, buf, sizeof(buf))) > 0) {
        for (long i = 0; i < n && found < 0; i += (long)PAGE, at++) {
            if (memcmp(buf + i, data, 64) == 0)
                found = at;
        }
    }
    CHECK(n >= 0 && sys(29, fd, BLKFLSBUF, 0, 0, 0) == 0 && CLOSE(fd) == 0);
    return found;
}
