/* ls.c: what is in a folder, in order of names; -l with type, size. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct dirent64 { /* getdents64(2) */
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
};

static char **names;
static size_t count, room;

static bool
add(const char *name)
{
    if (count == room) {
        size_t more = room ? 2 * room : 64;
        char **p = realloc(names, more * sizeof(*p));

        if (p == NULL)
            return false;
        names = p;
        room = more;
    }
    names[count] = strdup(name);
    return names[count++] != NULL;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

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
    static char buf[8192];
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    long n;

    if (fd < 0 && errno == ENOTDIR) {
        show("", dir, longer);
        return 0;
    }
    count = 0;
    while (fd >= 0 && (n = syscall(61, fd, buf, sizeof(buf))) > 0) {
        for (long i = 0; i < n;) {
            struct dirent64 *d = (struct dirent64 *)(buf + i);

            if (d->name[0] != '.' && !add(d->name))
                break;
            i += d->reclen;
        }
    }
    if (fd < 0 || n < 0) {
        fprintf(stderr, "ls: %s: %s\n", dir, strerror(errno));
        return 1;
    }
    close(fd);
    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 0; i < count; i++) {
        show(dir, names[i], longer);
        free(names[i]);
    }
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
