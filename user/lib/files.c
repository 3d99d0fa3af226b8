/* files.c: the calls that change names, and those that wait for the disk. */
#include "call.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int
link(const char *old, const char *name)
{
    return (int)result_of(call5(NR_linkat, AT_FDCWD, old, AT_FDCWD, name, 0));
}

int
symlink(const char *text, const char *name)
{
    return (int)result_of(call3(NR_symlinkat, text, AT_FDCWD, name));
}

ssize_t
readlink(const char *path, char *buf, size_t size)
{
    return result_of(call4(NR_readlinkat, AT_FDCWD, path, buf, size));
}

int
rename(const char *from, const char *to)
{
    return (int)result_of(call5(NR_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int
fdatasync(int fd)
{
    return (int)result_of(call1(NR_fdatasync, fd));
}

void
sync(void)
{
    (void)call0(NR_sync);
}

int
fallocate(int fd, int mode, off_t pos, off_t len)
{
    return (int)result_of(call4(NR_fallocate, fd, mode, pos, len));
}
