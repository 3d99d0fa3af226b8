/* kill.c: kill [-N] PID...: send a signal, 15 if none is named. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
    int signal = SIGTERM, i = 1, result = 0;

    if (i < argc && argv[i][0] == '-' && argv[i][1] != 0)
        signal = atoi(argv[i++] + 1);
    if (i == argc) {
        fprintf(stderr, "usage: kill [-N] PID...\n");
        return 2;
    }
    for (; i < argc; i++) {
        if (kill(atoi(argv[i]), signal) < 0) {
            fprintf(stderr, "kill: %s: %s\n", argv[i], strerror(errno));
            result = 1;
        }
    }
    return result;
}
