/* user.c: from the kernel to the first program: the root, then process 1.
 *
 *     init=/bin/init      the program
 *     run=/bin/ls,-l      what it is to run instead of a shell */
#include "arch/riscv/memlayout.h"
#include "debug/printk.h"
#include "driver/poweroff.h"
#include "fs/root.h"
#include "init/initcall.h"
#include "process/proc.h"
#include "process/random.h"
#include "syscall/syscall.h"
#include <bootargs.h>
#include <string.h>

#define ARGV_MAX 16

/* Cut LIST at its commas into ARGV, behind the first N. */
static void
split(char *list, char **argv, unsigned n)
{
    while (list != NULL && *list != 0 && n < ARGV_MAX) {
        char *comma = strchr(list, ',');

        argv[n++] = list;
        if (comma != NULL)
            *comma++ = 0;
        list = comma;
    }
    argv[n] = NULL;
}

static void
start_user(const struct machine *m)
{
    static char path[BOOTARG_MAX] = "/bin/init", run[BOOTARG_MAX];
    static char *argv[ARGV_MAX + 1] = {path};
    static char *const envp[] = {"PATH=/bin", "HOME=/", NULL};
    int err;

    proc_init();
    syscall_init();
    if (m->initrd_start == m->initrd_end ||
        root_mount(pa_to_va(m->initrd_start),
                   m->initrd_end - m->initrd_start) != 0)
        return;
    bootarg_get(m->bootargs, "init", path, sizeof(path));
    bootarg_get(m->bootargs, "run", run, sizeof(run));
    split(run, argv, 1);
    err = proc_start_init(path, argv, envp);
    if (err < 0)
        cprintf("boot: \"%s\" cannot be started, error %d\n", path, -err);
}

static const struct initcall user_call = {"user", INIT_USER, start_user};
TABLE_ADD(initcall, user_call);
