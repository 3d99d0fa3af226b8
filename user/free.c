/* free.c: how much memory, and swap space, there is, from /proc/meminfo. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[4096];

static int
kilobytes(const char *name)
{
    const char *p = strstr(text, name);

    return p == NULL ? 0
                     : atoi(p + strlen(name) + strspn(p + strlen(name), " "));
}

int
main(void)
{
    int fd = open("/proc/meminfo", O_RDONLY), total, unused, swap;

    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) {
        perror("free: /proc/meminfo");
        return 1;
    }
    total = kilobytes("MemTotal:");
    unused = kilobytes("MemFree:");
    printf("%10s %10s %10s %10s %10s\n", "total", "used", "free", "private",
           "cache");
    printf("%10d %10d %10d %10d %10d  kB\n", total, total - unused, unused,
           kilobytes("AnonPages:"), kilobytes("Cached:"));
    swap = kilobytes("SwapTotal:");
    if (swap > 0)
        printf("%10d %10d %10d  kB of swap space\n", swap,
               swap - kilobytes("SwapFree:"), kilobytes("SwapFree:"));
    return 0;
}
