/* files.c: what tests of files share. */
#include "files.h"

static const char *entered;
const char *files_dir;

long
sys(long nr, long a, long b, long c, long d, long e)
{
    long r = syscall(nr, a, b, c, d, e, 0L);

    return r == -1 ? -errno : r;
}

#define DISK "/tmp/disk"

void
enter(const char *name)
{
    const char *dir = utest_dir;

    if (strncmp(dir, "/dev/vd", 7) == 0) {
        CHECK(MKDIR(DISK, 0755) == 0);
        CHECK(MOUNT(dir, DISK, "sfs", 0, NULL) == 0);
        dir = DISK;
    }
    files_dir = dir;
    CHECK(CHDIR(dir) == 0);
    CHECK(MKDIR(name, 0755) == 0 && CHDIR(name) == 0);
    entered = name;
}

void
leave(void)
{
    CHECK(CHDIR("..") == 0);
    CHECK(RMDIR(entered) == 0);
    if (strncmp(utest_dir, "/dev/vd", 7) == 0)
        CHECK(CHDIR("/") == 0 && UMOUNT(DISK) == 0 && RMDIR(DISK) == 0);
}
