/* mount.c: without arguments, what is mounted; else mount a disk.
 *
 *     mount [-t TYPE] [-r] DISK FOLDER        TYPE is sfs unless said otherwise */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NR_MOUNT  40
#define MS_RDONLY 1l

static int
show(void)
{
    static char buf[4096];
    int fd = open("/proc/mounts", O_RDONLY);
    ssize_t n;

    if (fd < 0) {
        perror("mount: /proc/mounts");
        return 1;
    }
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        (void)write(1, buf, (size_t)n);
    close(fd);
    return n < 0;
}

int
main(int argc, char **argv)
{
    const char *type = "sfs";
    long flags = 0;
    int i = 1;

    if (argc == 1)
        return show();
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-r") == 0)
            flags = MS_RDONLY;
        else if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
            type = argv[++i];
        else
            break;
    }
    if (argc - i != 2) {
        fprintf(stderr, "usage: mount [-t TYPE] [-r] DISK FOLDER\n");
        return 2;
    }
    if (syscall(NR_MOUNT, argv[i], argv[i + 1], type, flags, 0l) == 0)
        return 0;
    fprintf(stderr, "mount: %s on %s: %s\n", argv[i], argv[i + 1],
            strerror(errno));
    return 1;
}
