/* procs.c: looking through /proc. */
#include <dirent.h>
#include <fcntl.h>
#include <procs.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
procs_list(pid_t *pids, int n)
{
    DIR *dir = opendir("/proc");
    struct dirent *e;
    int found = 0;

    if (dir == NULL)
        return -1;
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && found < n)
            pids[found++] = atoi(e->d_name);
    }
    closedir(dir);
    return found;
}

ssize_t
procs_text(pid_t pid, const char *name, char *buf, size_t size)
{
    char path[64];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    n = read(fd, buf, size - 1);
    close(fd);
    if (n >= 0)
        buf[n] = 0;
    return n;
}
