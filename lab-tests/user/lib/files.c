/* files.c: what tests of files share. */
#include "files.h"

static const char *entered;

long
sys(long nr, long a, long b, long c, long d, long e)
{
    long r = syscall(nr, a, b, c, d, e, 0L);

    return r == -1 ? -errno : r;
}

void
enter(const char *name)
{
    CHECK(CHDIR(utest_dir) == 0);
    CHECK(MKDIR(name, 0755) == 0 && CHDIR(name) == 0);
    entered = name;
}

void
leave(void)
{
    CHECK(CHDIR("..") == 0);
    CHECK(RMDIR(entered) == 0);
}
