/* fsck.sfs.c: check an image, and repair it. */
#include "tools/sfs/check.h"

#include <fcntl.h>
#include <unistd.h>

static const char usage[] =
    "usage: fsck.sfs [-n | -y] [-q] IMAGE\n"
    "Check a disk with our file system; without an option it is only looked "
    "at.\n"
    "  -n            change nothing, not even what the journal wants "
    "(default)\n"
    "  -y, --repair  replay the journal, and repair what is wrong\n"
    "  -q            only say how it ended\n"
    "Ends with 0: clean; 1: was repaired; 4: something is wrong; 8: cannot be "
    "read\n"
    "or written; 16: usage.\n";

int
main(int argc, char **argv)
{
    bool repair = false, quiet = false;
    const char *image = NULL;
    struct check c;
    struct disk *d;
    off_t size;
    int fd, status;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(argv[i], "-y") == 0 || strcmp(argv[i], "--repair") == 0)
            repair = true;
        else if (strcmp(argv[i], "-q") == 0)
            quiet = true;
        else if (strcmp(argv[i], "-n") == 0)
            repair = false;
        else if (argv[i][0] == '-' || image != NULL)
            return fputs(usage, stderr), 16;
        else
            image = argv[i];
    }
    if (image == NULL)
        return fputs(usage, stderr), 16;
    fd = open(image, repair ? O_RDWR : O_RDONLY);
    size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (size < 0)
        return complain(image, errno), 8;
    host_start(1ul << 17);
    d = repair ? disk_file(fd, (uint64_t)size, "image", false)
               : disk_overlay(fd, (uint64_t)size, "image");
    status = sfs_check(&c, d, repair, quiet);
    if (repair && fsync(fd) != 0)
        status = 8;
    printf("%s: %s\n", image,
           status == 0   ? "clean"
           : status == 1 ? "repaired"
           : status == 8 ? "cannot be read or written"
                         : "something is wrong");
    disk_free(d);
    return status;
}
