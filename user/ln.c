/* ln.c: another name for a file; -s a link that holds a path. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    bool soft = argc > 1 && strcmp(argv[1], "-s") == 0;
    char **a = argv + (soft ? 2 : 1);

    if (argc != (soft ? 4 : 3)) {
        fprintf(stderr, "usage: ln [-s] OLD NEW\n");
        return 2;
    }
    if ((soft ? symlink(a[0], a[1]) : link(a[0], a[1])) == 0)
        return 0;
    fprintf(stderr, "ln: %s: %s\n", a[1], strerror(errno));
    return 1;
}
