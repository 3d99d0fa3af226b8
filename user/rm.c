/* rm.c: remove names; -r folders with all that is in them, -f without asking
 * whether they are there. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool recursive, force;

static int
complain(const char *path)
{
    fprintf(stderr, "rm: %s: %s\n", path, strerror(errno));
    return 1;
}

static int remove_path(const char *path);

static int
remove_folder(const char *path)
{
    int result = dir_each(path, remove_path);

    return result >= 0 && rmdir(path) == 0 ? result : complain(path);
}

static int
remove_path(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return force && errno == ENOENT ? 0 : complain(path);
    if (S_ISDIR(st.st_mode) && recursive)
        return remove_folder(path);
    return unlink(path) == 0 ? 0 : complain(path);
}

int
main(int argc, char **argv)
{
    int i = 1, result = 0;

    for (; i < argc && argv[i][0] == '-' && argv[i][1] != 0; i++) {
        for (const char *c = argv[i] + 1; *c != 0; c++) {
            recursive = recursive || *c == 'r';
            force = force || *c == 'f';
            if (*c != 'r' && *c != 'f')
                argc = 0; /* says how it is used */
        }
    }
    if (i >= argc && !(force && argc != 0)) {
        fprintf(stderr, "usage: rm [-rf] PATH...\n");
        return 2;
    }
    for (; i < argc; i++)
        result |= remove_path(argv[i]);
    return result;
}
