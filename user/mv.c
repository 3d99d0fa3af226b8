/* mv.c: give files other names, or another folder, on one file system. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int
main(int argc, char **argv)
{
    const char *last = argv[argc - 1];
    static char path[4096];
    int result = 0;
    struct stat st;
    bool into = argc > 1 && stat(last, &st) == 0 && S_ISDIR(st.st_mode);

    if (argc < 3 || (argc > 3 && !into)) {
        fprintf(stderr, "usage: mv FROM TO, or mv FROM... FOLDER\n");
        return 2;
    }
    for (int i = 1; i < argc - 1; i++) {
        const char *name = strrchr(argv[i], '/');

        snprintf(path, sizeof(path), "%s%s%s", last, into ? "/" : "",
                 !into          ? ""
                 : name == NULL ? argv[i]
                                : name + 1);
        if (rename(argv[i], path) == 0)
            continue;
        fprintf(stderr, "mv: %s to %s: %s\n", argv[i], path, strerror(errno));
        result = 1;
    }
    return result;
}
