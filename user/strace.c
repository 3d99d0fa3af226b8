/* strace.c: strace PROGRAM ARGUMENTS: runs it, and the kernel prints the calls it
 * makes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    int fd;

    if (argc < 2) {
        fprintf(stderr, "usage: strace PROGRAM ARGUMENTS\n");
        return 2;
    }
    fd = open("/proc/self/trace", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "1", 1) != 1) {
        perror("strace: /proc/self/trace");
        return 1;
    }
    execvp(argv[1], argv + 1);
    fprintf(stderr, "strace: %s: %s\n", argv[1], strerror(errno));
    return 127;
}
