/* calls.c: POSIX's calls by Linux's. */
#include "call.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int last_error;

int *
errno_place(void)
{
    return &last_error;
}

long
result_of(long r)
{
    if (r < 0 && r >= -4095) {
        errno = (int)-r;
        return -1;
    }
    return r;
}

long
syscall(long number, ...)
{
    va_list ap;
    long a[6];

    va_start(ap, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    return result_of(call6(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

/* --- files --- */

ssize_t
read(int fd, void *buf, size_t n)
{
    return result_of(call3(NR_read, fd, buf, n));
}

ssize_t
write(int fd, const void *buf, size_t n)
{
    return result_of(call3(NR_write, fd, buf, n));
}

ssize_t
pread(int fd, void *buf, size_t n, off_t pos)
{
    return result_of(call4(NR_pread64, fd, buf, n, pos));
}

ssize_t
pwrite(int fd, const void *buf, size_t n, off_t pos)
{
    return result_of(call4(NR_pwrite64, fd, buf, n, pos));
}

off_t
lseek(int fd, off_t pos, int whence)
{
    return result_of(call3(NR_lseek, fd, pos, whence));
}

int
open(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return (int)result_of(call4(NR_openat, AT_FDCWD, path, flags, mode));
}

int
fcntl(int fd, int cmd, ...)
{
    va_list ap;
    long arg;

    va_start(ap, cmd);
    arg = va_arg(ap, long);
    va_end(ap);
    return (int)result_of(call3(NR_fcntl, fd, cmd, arg));
}

int
close(int fd)
{
    return (int)result_of(call1(NR_close, fd));
}

int
dup(int fd)
{
    return (int)result_of(call1(NR_dup, fd));
}

int
dup2(int from, int to)
{
    if (from == to)
        return fcntl(from, F_GETFD) < 0 ? -1 : to;
    return (int)result_of(call3(NR_dup3, from, to, 0));
}

int
pipe(int fd[2])
{
    return (int)result_of(call2(NR_pipe2, fd, 0));
}

int
unlink(const char *path)
{
    return (int)result_of(call3(NR_unlinkat, AT_FDCWD, path, 0));
}

int
rmdir(const char *path)
{
    return (int)result_of(call3(NR_unlinkat, AT_FDCWD, path, 0x200));
}

int
mkdir(const char *path, mode_t mode)
{
    return (int)result_of(call3(NR_mkdirat, AT_FDCWD, path, mode));
}

int
chdir(const char *path)
{
    return (int)result_of(call1(NR_chdir, path));
}

char *
getcwd(char *buf, size_t size)
{
    return result_of(call2(NR_getcwd, buf, size)) < 0 ? NULL : buf;
}

int
ftruncate(int fd, off_t size)
{
    return (int)result_of(call2(NR_ftruncate, fd, size));
}

int
fsync(int fd)
{
    return (int)result_of(call1(NR_fsync, fd));
}

int
isatty(int fd)
{
    char termios[64];

    return result_of(call3(NR_ioctl, fd, 0x5401, termios)) == 0;
}

int
stat(const char *path, struct stat *st)
{
    return (int)result_of(call4(NR_newfstatat, AT_FDCWD, path, st, 0));
}

int
lstat(const char *path, struct stat *st)
{
    return (int)result_of(call4(NR_newfstatat, AT_FDCWD, path, st, 0x100));
}

int
fstat(int fd, struct stat *st)
{
    return (int)result_of(call2(NR_fstat, fd, st));
}

/* --- memory --- */

void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
    return (void *)result_of(
        call6(NR_mmap, (long)addr, (long)len, prot, flags, fd, off));
}

int
munmap(void *addr, size_t len)
{
    return (int)result_of(call2(NR_munmap, addr, len));
}

int
mprotect(void *addr, size_t len, int prot)
{
    return (int)result_of(call3(NR_mprotect, addr, len, prot));
}

void *
mremap(void *old, size_t old_len, size_t new_len, int flags, ...)
{
    va_list ap;
    long to;

    va_start(ap, flags);
    to = flags & MREMAP_FIXED ? va_arg(ap, long) : 0;
    va_end(ap);
    return (void *)result_of(call6(NR_mremap, (long)old, (long)old_len,
                                   (long)new_len, flags, to, 0));
}

int
madvise(void *addr, size_t len, int advice)
{
    return (int)result_of(call3(NR_madvise, addr, len, advice));
}

int
mincore(void *addr, size_t len, unsigned char *vec)
{
    return (int)result_of(call3(NR_mincore, addr, len, vec));
}

int
msync(void *addr, size_t len, int flags)
{
    return (int)result_of(call3(NR_msync, addr, len, flags));
}

int
mlock(const void *addr, size_t len)
{
    return (int)result_of(call2(NR_mlock, addr, len));
}

int
munlock(const void *addr, size_t len)
{
    return (int)result_of(call2(NR_munlock, addr, len));
}

static uintptr_t heap_end;

int
brk(void *end)
{
    heap_end = (uintptr_t)call1(NR_brk, end);
    if (heap_end >= (uintptr_t)end)
        return 0;
    errno = ENOMEM;
    return -1;
}

void *
sbrk(intptr_t change)
{
    uintptr_t old;

    if (heap_end == 0)
        heap_end = (uintptr_t)call1(NR_brk, 0);
    old = heap_end;
    if (change != 0 && brk((void *)(old + (uintptr_t)change)) < 0)
        return (void *)-1;
    return (void *)old;
}

/* --- processes --- */

pid_t
fork(void)
{
    return (pid_t)result_of(call2(NR_clone, SIGCHLD, 0));
}

int
execve(const char *path, char *const argv[], char *const envp[])
{
    return (int)result_of(call3(NR_execve, path, argv, envp));
}

int
execvp(const char *name, char *const argv[])
{
    const char *path = getenv("PATH"), *end;
    char full[256];

    if (strchr(name, '/') != NULL)
        return execve(name, argv, environ);
    for (path = path ? path : "/bin"; *path != 0; path = end + (*end == ':')) {
        size_t n = strcspn(path, ":");

        end = path + n;
        if (n + strlen(name) + 2 > sizeof(full))
            continue;
        memcpy(full, path, n);
        full[n] = '/';
        strlcpy(full + n + 1, name, sizeof(full) - n - 1);
        execve(full, argv, environ);
        if (errno != ENOENT && errno != ENOTDIR)
            return -1;
    }
    errno = ENOENT;
    return -1;
}

void
_exit(int code)
{
    for (;;)
        call1(NR_exit_group, code);
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
    return (pid_t)result_of(call4(NR_wait4, pid, status, options, 0));
}

pid_t
wait(int *status)
{
    return waitpid(-1, status, 0);
}

pid_t
getpid(void)
{
    return (pid_t)call0(NR_getpid);
}

pid_t
getppid(void)
{
    return (pid_t)call0(NR_getppid);
}

pid_t
gettid(void)
{
    return (pid_t)call0(NR_gettid);
}

int
setpgid(pid_t pid, pid_t group)
{
    return (int)result_of(call2(NR_setpgid, pid, group));
}

int
kill(pid_t pid, int signal)
{
    return (int)result_of(call2(NR_kill, pid, signal));
}

int
raise(int signal)
{
    return kill(getpid(), signal);
}

int
sched_yield(void)
{
    return (int)result_of(call0(NR_sched_yield));
}

static int
nap(int64_t seconds, int64_t nanoseconds)
{
    struct timespec t = {seconds, nanoseconds};

    return (int)result_of(call4(NR_clock_nanosleep, 1, 0, &t, 0));
}

unsigned
sleep(unsigned seconds)
{
    return nap(seconds, 0) == 0 ? 0 : seconds;
}

int
usleep(unsigned us)
{
    return nap(us / 1000000, us % 1000000 * 1000);
}
