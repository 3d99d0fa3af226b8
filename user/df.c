/* df.c: how full the mounted file systems are, or those that hold some paths. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct statfs { /* Linux, 64 bits */
    int64_t type, bsize;
    uint64_t blocks, bfree, bavail, files, ffree;
    int32_t fsid[2];
    int64_t namelen, frsize, flags, spare[4];
};

static int
show(const char *what, const char *path)
{
    struct statfs s;

    if (syscall(43, path, &s) != 0) {
        fprintf(stderr, "df: %s: %s\n", path, strerror(errno));
        return 1;
    }
    if (s.blocks == 0)
        return 0;
    printf("%-12s %10lu %10lu %10lu %4lu%% %8lu %s\n", what,
           s.blocks * (uint64_t)s.bsize >> 10,
           (s.blocks - s.bfree) * (uint64_t)s.bsize >> 10,
           s.bavail * (uint64_t)s.bsize >> 10,
           100 * (s.blocks - s.bfree) / s.blocks, s.ffree, path);
    return 0;
}

static int
show_mounted(void)
{
    static char buf[8192];
    int fd = open("/proc/mounts", O_RDONLY), result = 0;
    ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
    char *line, *rest = buf;

    if (n < 0) {
        perror("df: /proc/mounts");
        return 1;
    }
    close(fd);
    buf[n] = 0;
    while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
        char *words = line, *what = strtok_r(NULL, " ", &words);
        char *path = strtok_r(NULL, " ", &words);

        if (path != NULL)
            result |= show(what, path);
    }
    return result;
}

int
main(int argc, char **argv)
{
    int result = 0;

    printf("%-12s %10s %10s %10s %5s %8s %s\n", "from", "KiB", "used", "free",
           "full", "inodes", "at");
    if (argc == 1)
        return show_mounted();
    for (int i = 1; i < argc; i++)
        result |= show("-", argv[i]);
    return result;
}
