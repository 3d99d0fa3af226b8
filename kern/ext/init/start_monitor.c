/* start_monitor.c: adds the kernel monitor as the last thing that init/main.c
 * starts; a first reader may skip it. */
#include "arch/riscv/csr.h"
#include "driver/event.h"
#include "driver/tty.h"
#include "ext/debug/monitor.h"
#include "fs/inode.h"
#include "init/initcall.h"
#include "schedule/timeout.h"

/* Ctrl-P at any time: the threads. */
static void
special_key(char c)
{
    char ps[] = "ps";

    if (c == 'P' - '@')
        monitor_execute(ps);
}

static void
start_monitor(const struct machine *m)
{
    tty_set_interrupt(special_key);
    if (root_inode != NULL) /* there are programs: the terminal is theirs */
        return;
    event("boot", "prompt %lu", time_now());
    monitor_loop(tty_read);
}

static const struct initcall monitor_call = {"monitor", INIT_LAST,
                                             start_monitor};
TABLE_ADD(initcall, monitor_call);
