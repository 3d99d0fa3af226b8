/* swapoff.c: take back what is on swap spaces, and use them no more.  What is in
 * memory is called "ram". */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NR_SWAPOFF 225

int
main(int argc, char **argv)
{
    int failed = argc < 2;

    if (argc < 2)
        fprintf(stderr, "usage: swapoff PATH...\n");
    for (int i = 1; i < argc; i++) {
        if (syscall(NR_SWAPOFF, argv[i]) == 0)
            continue;
        fprintf(stderr, "swapoff: %s: %s\n", argv[i], strerror(errno));
        failed = 1;
    }
    return failed;
}
