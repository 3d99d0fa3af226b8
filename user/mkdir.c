/* mkdir.c: make folders; -p with those above, and no complaint if it is there. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Every folder on the way to PATH, which is changed and restored. */
static void
make_parents(char *path)
{
    for (char *p = path + 1; *p != 0; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        (void)mkdir(path, 0777); /* the last one tells what is wrong */
        *p = '/';
    }
}

static bool
is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int
main(int argc, char **argv)
{
    bool parents = argc > 1 && strcmp(argv[1], "-p") == 0;
    int result = 0, first = parents ? 2 : 1;

    if (first >= argc) {
        fprintf(stderr, "usage: mkdir [-p] FOLDER...\n");
        return 2;
    }
    for (int i = first; i < argc; i++) {
        if (parents)
            make_parents(argv[i]);
        if (mkdir(argv[i], 0777) == 0 || (parents && is_folder(argv[i])))
            continue;
        fprintf(stderr, "mkdir: %s: %s\n", argv[i], strerror(errno));
        result = 1;
    }
    return result;
}
