/* string.c: what libs/string.c leaves out, and the texts of numbers. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = malloc(n);

    return p == NULL ? NULL : memcpy(p, s, n);
}

char *
strstr(const char *s, const char *part)
{
    size_t n = strlen(part);

    for (; strncmp(s, part, n) != 0; s++)
        if (*s == 0)
            return NULL;
    return (char *)s;
}

size_t
strspn(const char *s, const char *set)
{
    size_t n = 0;

    while (s[n] != 0 && strchr(set, s[n]) != NULL)
        n++;
    return n;
}

size_t
strcspn(const char *s, const char *set)
{
    size_t n = 0;

    while (s[n] != 0 && strchr(set, s[n]) == NULL)
        n++;
    return n;
}

char *
strtok_r(char *s, const char *separators, char **rest)
{
    if (s == NULL)
        s = *rest;
    s += strspn(s, separators);
    if (*s == 0) {
        *rest = s;
        return NULL;
    }
    *rest = s + strcspn(s, separators);
    if (**rest != 0)
        *(*rest)++ = 0;
    return s;
}

char *
strcpy(char *dst, const char *src)
{
    return memcpy(dst, src, strlen(src) + 1);
}

char *
strcat(char *dst, const char *src)
{
    strcpy(dst + strlen(dst), src);
    return dst;
}

static const char *const errors[] = {
    [EPERM] = "not permitted",
    [ENOENT] = "no such file or folder",
    [ESRCH] = "no such process",
    [EINTR] = "interrupted",
    [EIO] = "input/output error",
    [E2BIG] = "arguments too long",
    [ENOEXEC] = "not a program",
    [EBADF] = "no such open file",
    [ECHILD] = "no child",
    [EAGAIN] = "try again",
    [ENOMEM] = "no memory",
    [EACCES] = "not allowed",
    [EFAULT] = "bad address",
    [EBUSY] = "busy",
    [EEXIST] = "exists already",
    [ENODEV] = "no such device",
    [ENOTDIR] = "not a folder",
    [EISDIR] = "is a folder",
    [EINVAL] = "invalid argument",
    [EMFILE] = "too many open files",
    [ENOTTY] = "not a terminal",
    [EFBIG] = "file too large",
    [ENOSPC] = "no space left",
    [ESPIPE] = "cannot seek",
    [EROFS] = "read-only",
    [EPIPE] = "nobody reads the pipe",
    [ERANGE] = "out of range",
    [ENAMETOOLONG] = "name too long",
    [ENOSYS] = "no such system call",
    [ENOTEMPTY] = "folder not empty",
    [ELOOP] = "too many links",
};

const char *
strerror(int number)
{
    static char text[24];

    if (number > 0 && (size_t)number < ARRAY_LEN(errors) &&
        errors[number] != NULL)
        return errors[number];
    snprintf(text, sizeof(text), "error %d", number);
    return text;
}

static const char *const signals[] = {
    [SIGHUP] = "Hangup",       [SIGINT] = "Interrupt",
    [SIGQUIT] = "Quit",        [SIGILL] = "Illegal instruction",
    [SIGTRAP] = "Trap",        [SIGABRT] = "Aborted",
    [SIGBUS] = "Bus error",    [SIGFPE] = "Arithmetic error",
    [SIGKILL] = "Killed",      [SIGSEGV] = "Segmentation fault",
    [SIGPIPE] = "Broken pipe", [SIGALRM] = "Alarm clock",
    [SIGTERM] = "Terminated",
};

const char *
strsignal(int signal)
{
    static char text[24];

    if (signal > 0 && (size_t)signal < ARRAY_LEN(signals) &&
        signals[signal] != NULL)
        return signals[signal];
    snprintf(text, sizeof(text), "signal %d", signal);
    return text;
}
