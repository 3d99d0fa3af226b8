/* touch.c: files that are there from now on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    int result = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: touch FILE...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_WRONLY | O_CREAT, 0666);

        /* utimensat(fd, NULL, NULL): both times are now */
        if (fd >= 0 && syscall(88, (long)fd, 0l, 0l, 0l) == 0) {
            close(fd);
            continue;
        }
        fprintf(stderr, "touch: %s: %s\n", argv[i], strerror(errno));
        result = 1;
    }
    return result;
}
