/* unistd.h: the calls of POSIX that our programs use.  -1 and errno, as usual.
 */
#ifndef USER_UNISTD_H
#define USER_UNISTD_H

#include <sys/types.h>

#define STDIN_FILENO  0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define SEEK_SET      0
#define SEEK_CUR      1
#define SEEK_END      2

extern char **environ;

ssize_t read(int fd, void *buf, size_t n);
ssize_t write(int fd, const void *buf, size_t n);
ssize_t pread(int fd, void *buf, size_t n, off_t pos);
ssize_t pwrite(int fd, const void *buf, size_t n, off_t pos);
off_t lseek(int fd, off_t pos, int whence);
int close(int fd);
int dup(int fd);
int dup2(int from, int to);
int pipe(int fd[2]);
int unlink(const char *path);
int rmdir(const char *path);
int chdir(const char *path);
char *getcwd(char *buf, size_t size);
int ftruncate(int fd, off_t size);
int fsync(int fd);
int fdatasync(int fd);
void sync(void);
int link(const char *old, const char *name);
int symlink(const char *text, const char *name);
ssize_t readlink(const char *path, char *buf, size_t size); /* no NUL */
int isatty(int fd);

pid_t fork(void);
pid_t vfork(void) __attribute__((returns_twice));
int execve(const char *path, char *const argv[], char *const envp[]);
int execvp(const char *name, char *const argv[]); /* searches PATH */
void _exit(int code) __attribute__((noreturn));
pid_t getpid(void);
pid_t getppid(void);
pid_t gettid(void);
int setpgid(pid_t pid, pid_t group);
pid_t setsid(void);
pid_t getpgrp(void);
pid_t tcgetpgrp(int fd);
int tcsetpgrp(int fd, pid_t group); /* who Ctrl-C ends */
int wait_readable(int fd); /* -1, EINTR: a signal, also one that is blocked */
int sched_yield(void);
unsigned sleep(unsigned seconds);
int usleep(unsigned microseconds);
void *sbrk(intptr_t change);
int brk(void *end);
long syscall(long number, ...);

#endif
