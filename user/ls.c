/* ls.c: what is in a folder, in order of names; -l with type, size. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char
type_of(unsigned mode)
{
    static const char types[] = "?pc?d?b?-?l?s???";

    return types[(mode & S_IFMT) >> 12];
}

static void
show(const char *dir, const char *name, bool longer)
{
    char path[512];
    struct stat st;

    if (!longer) {
        puts(name);
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (lstat(*dir ? path : name, &st) < 0)
        printf("?                   %s: %s\n", name, strerror(errno));
    else
        printf("%c%04o %3u %12ld %s\n", type_of(st.st_mode), st.st_mode & 07777,
               st.st_nlink, (long)st.st_size, name);
}

static int
list(const char *dir, bool longer)
{
    char **names;
    int n = dir_names(dir, &names);

    if (n < 0 && errno == ENOTDIR) {
        show("", dir, longer);
        return 0;
    }
    if (n < 0) {
        fprintf(stderr, "ls: %s: %s\n", dir, strerror(errno));
        return 1;
    }
    for (int i = 0; i < n; i++) {
        if (names[i][0] != '.')
            show(dir, names[i], longer);
        free(names[i]);
    }
    free(names);
    return 0;
}

int
main(int argc, char **argv)
{
    bool longer = false;
    int i = 1, result = 0;

    if (i < argc && strcmp(argv[i], "-l") == 0) {
        longer = true;
        i++;
    }
    if (i >= argc)
        return list(".", longer);
    for (; i < argc; i++)
        result |= list(argv[i], longer);
    return result;
}
