/* sleep.c: sleep SECONDS, with up to six digits after the point. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    char *end;
    unsigned long s, us = 0, scale = 100000;

    if (argc != 2) {
        fprintf(stderr, "usage: sleep SECONDS\n");
        return 2;
    }
    s = strtoul(argv[1], &end, 10);
    if (*end == '.') {
        for (end++; *end >= '0' && *end <= '9'; end++, scale /= 10)
            us += (unsigned long)(*end - '0') * scale;
    }
    if (sleep((unsigned)s) != 0 || usleep((unsigned)us) != 0)
        return 1;
    return 0;
}
