/* dirent.c: folders, read by getdents64. */
#include "call.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct dir {
    int fd;
    long at, end;
    char buf[4096] __attribute__((aligned(8)));
};

DIR *
opendir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d;

    if (fd < 0)
        return NULL;
    d = malloc(sizeof(*d));
    if (d == NULL) {
        close(fd);
        return NULL;
    }
    d->fd = fd;
    d->at = d->end = 0;
    return d;
}

struct dirent *
readdir(DIR *d)
{
    struct dirent *e;

    if (d->at >= d->end) {
        d->at = 0;
        d->end = result_of(call3(NR_getdents64, d->fd, d->buf, sizeof(d->buf)));
        if (d->end <= 0)
            return NULL;
    }
    e = (struct dirent *)(d->buf + d->at);
    d->at += e->d_reclen;
    return e;
}

int
closedir(DIR *d)
{
    int fd = d->fd;

    free(d);
    return close(fd);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int
dir_names(const char *path, char ***names)
{
    size_t n = 0, room = 0;
    DIR *d = opendir(path);
    struct dirent *e;

    *names = NULL;
    if (d == NULL)
        return -1;
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (n == room) {
            char **more;

            room = room ? 2 * room : 64;
            more = realloc(*names, room * sizeof(**names));
            if (more == NULL)
                break;
            *names = more;
        }
        (*names)[n++] = strdup(e->d_name);
    }
    closedir(d);
    if (n > 0)
        qsort(*names, n, sizeof(**names), by_name);
    return (int)n;
}

int
dir_each(const char *path, int (*fn)(const char *below))
{
    int result = 0, n;
    char **names;

    n = dir_names(path, &names);
    if (n < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        size_t size = strlen(path) + strlen(names[i]) + 2;
        char *below = result < 0 ? NULL : malloc(size);

        if (below == NULL) {
            result = -1;
        } else {
            snprintf(below, size, "%s/%s", path, names[i]);
            result |= fn(below);
        }
        free(below);
        free(names[i]);
    }
    free(names);
    return result;
}
