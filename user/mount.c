/* mount.c: without arguments, what is mounted; else mount a disk.
 *
 *     mount [-t TYPE] [-r] DISK FOLDER        TYPE is sfs unless said otherwise */
#include <errno.h>
#include <showfile.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NR_MOUNT  40
#define MS_RDONLY 1l

int
main(int argc, char **argv)
{
    const char *type = "sfs";
    long flags = 0;
    int i = 1;

    if (argc == 1)
        return show_file("mount", "/proc/mounts");
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
