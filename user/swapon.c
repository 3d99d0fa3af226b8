/* swapon.c: use a disk or a file as swap space; without arguments, what is in use.
 *
 *     swapon [-p PRIORITY] PATH...        the highest priority goes first */
#include <errno.h>
#include <showfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NR_SWAPON 224
#define PREFER    0x8000l

int
main(int argc, char **argv)
{
    long flags = 0;
    int i = 1, failed = 0;

    if (argc == 1)
        return show_file("swapon", "/proc/swaps");
    if (argc > 3 && strcmp(argv[1], "-p") == 0) {
        flags = PREFER | (atoi(argv[2]) & 0x7fff);
        i = 3;
    }
    for (; i < argc; i++) {
        if (syscall(NR_SWAPON, argv[i], flags) == 0)
            continue;
        fprintf(stderr, "swapon: %s: %s\n", argv[i], strerror(errno));
        failed = 1;
    }
    return failed;
}
