/* echo.c: its arguments, with -n without a line feed. */
#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
    int i = 1, line = 1;

    if (argc > 1 && strcmp(argv[1], "-n") == 0) {
        line = 0;
        i++;
    }
    for (; i < argc; i++)
        printf("%s%s", argv[i], i + 1 < argc ? " " : "");
    if (line)
        putchar('\n');
    return 0;
}
