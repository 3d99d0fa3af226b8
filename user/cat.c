/* cat.c: files, one after the other, to standard output. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
copy(int fd, const char *name)
{
    static char buf[16384];
    ssize_t n, done, w;

    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        for (done = 0; done < n; done += w) {
            w = write(1, buf + done, (size_t)(n - done));
            if (w <= 0) {
                perror("cat: write");
                return 1;
            }
        }
    }
    if (n < 0)
        fprintf(stderr, "cat: %s: %s\n", name, strerror(errno));
    return n < 0;
}

int
main(int argc, char **argv)
{
    int result = 0;

    if (argc == 1)
        return copy(0, "standard input");
    for (int i = 1; i < argc; i++) {
        int fd = strcmp(argv[i], "-") == 0 ? 0 : open(argv[i], O_RDONLY);

        if (fd < 0) {
            fprintf(stderr, "cat: %s: %s\n", argv[i], strerror(errno));
            result = 1;
            continue;
        }
        result |= copy(fd, argv[i]);
        if (fd != 0)
            close(fd);
    }
    return result;
}
