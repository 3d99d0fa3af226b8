/* cp.c: copy files; -r folders with all that is in them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool recursive;

static int
complain(const char *path)
{
    fprintf(stderr, "cp: %s: %s\n", path, strerror(errno));
    return 1;
}

/* FOLDER/NAME, from malloc(). */
static char *
join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);

    if (path != NULL)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static int
copy_contents(int from, int to, const char *name)
{
    static char buf[65536];
    ssize_t n, done, put;

    while ((n = read(from, buf, sizeof(buf))) > 0) {
        for (done = 0; done < n; done += put) {
            put = write(to, buf + done, (size_t)(n - done));
            if (put <= 0)
                return complain(name);
        }
    }
    return n < 0 ? complain(name) : 0;
}

static int
copy_file(const char *from, const char *to, unsigned mode)
{
    int in = open(from, O_RDONLY), out, result;

    if (in < 0)
        return complain(from);
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC, mode & 0777);
    result = out < 0 ? complain(to) : copy_contents(in, out, to);
    close(in);
    if (out >= 0 && close(out) != 0)
        result = complain(to);
    return result;
}

static int
copy_link(const char *from, const char *to)
{
    char text[4096];
    ssize_t n = readlink(from, text, sizeof(text) - 1);

    if (n < 0)
        return complain(from);
    text[n] = 0;
    return symlink(text, to) == 0 ? 0 : complain(to);
}

static int copy(const char *from, const char *to);

static int
copy_folder(const char *from, const char *to)
{
    int result = 0, n;
    char **names;

    if (mkdir(to, 0777) != 0 && errno != EEXIST)
        return complain(to);
    n = dir_names(from, &names);
    if (n < 0)
        return complain(from);
    for (int i = 0; i < n; i++) {
        char *a = join(from, names[i]), *b = join(to, names[i]);

        result |= a == NULL || b == NULL ? complain(to) : copy(a, b);
        free(a);
        free(b);
        free(names[i]);
    }
    free(names);
    return result;
}

static int
copy(const char *from, const char *to)
{
    struct stat a, b;

    if ((recursive ? lstat(from, &a) : stat(from, &a)) != 0)
        return complain(from);
    if (stat(to, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
        fprintf(stderr, "cp: %s and %s are the same\n", from, to);
        return 1;
    }
    if (S_ISDIR(a.st_mode)) {
        if (recursive)
            return copy_folder(from, to);
        fprintf(stderr, "cp: %s: is a folder (-r copies it)\n", from);
        return 1;
    }
    return S_ISLNK(a.st_mode) ? copy_link(from, to)
                              : copy_file(from, to, a.st_mode);
}

int
main(int argc, char **argv)
{
    const char *last = argv[argc - 1];
    int i = 1, result = 0;
    struct stat st;
    bool into;

    if (argc > 1 && strcmp(argv[1], "-r") == 0) {
        recursive = true;
        i++;
    }
    into = stat(last, &st) == 0 && S_ISDIR(st.st_mode);
    if (argc - i < 2 || (argc - i > 2 && !into)) {
        fprintf(stderr, "usage: cp [-r] FROM TO, or cp [-r] FROM... FOLDER\n");
        return 2;
    }
    for (; i < argc - 1; i++) {
        const char *name = strrchr(argv[i], '/');
        char *to = into ? join(last, name == NULL ? argv[i] : name + 1) : NULL;

        result |= copy(argv[i], to == NULL ? last : to);
        free(to);
    }
    return result;
}
