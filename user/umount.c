/* umount.c: a file system leaves its folder; all of it is on the disk then. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NR_UMOUNT2 39

int
main(int argc, char **argv)
{
    int result = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: umount FOLDER...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        if (syscall(NR_UMOUNT2, argv[i], 0l) == 0)
            continue;
        fprintf(stderr, "umount: %s: %s\n", argv[i], strerror(errno));
        result = 1;
    }
    return result;
}
