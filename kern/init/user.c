/* user.c: from the kernel to the first program: the root, then process 1.
 *
 *     init=/bin/init      the program
 *     root=vda2           its disk; fs/root_disk.c says what happens without
 *     run=/bin/ls,-l      what it is to run instead of a shell */
#include "arch/riscv/memlayout.h"
#include "debug/panic.h"
#include "debug/printk.h"
#include "driver/poweroff.h"
#include "fs/root.h"
#include "init/initcall.h"
#include "process/proc.h"
#include "process/random.h"
#include "syscall/syscall.h"
#include <bootargs.h>
#include <errno.h>
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
    char root[BOOTARG_MAX] = "";
    static char *argv[ARGV_MAX + 1] = {path};
    static char *const envp[] = {"PATH=/bin", "HOME=/", NULL};
    int err;

    proc_init();
    syscall_init();
    bootarg_get(m->bootargs, "root", root, sizeof(root));
    err = root_find(root, pa_to_va(m->initrd_start),
                    m->initrd_end - m->initrd_start);
    if (err == -ENOENT)
        return; /* no programs: the monitor goes on */
    if (err != 0)
        boot_refuse("the root cannot be made, error %d", -err);
    bootarg_get(m->bootargs, "init", path, sizeof(path));
    bootarg_get(m->bootargs, "run", run, sizeof(run));
    split(run, argv, 1);
    err = proc_start_init(path, argv, envp);
    if (err >= 0)
        return;
    cprintf("boot: \"%s\" cannot be started, error %d\n", path, -err);
    if (run[0] != 0) /* nobody waits for the monitor */
        power_off(1);
}

static const struct initcall user_call = {"user", INIT_USER, start_user};
TABLE_ADD(initcall, user_call);
