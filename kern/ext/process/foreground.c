/* foreground.c: adds to the terminal of fs/devfs.c and driver/tty.c the group of
 * processes that Ctrl-C ends; a first reader may skip it.
 *
 * A shell gives the terminal to the group of what it runs (TIOCSPGRP) and takes
 * it back; it ignores SIGINT itself, and its read() returns -EINTR.  Until
 * somebody asks, the group is that of process 1, which Ctrl-C does not end. */
#include "driver/tty.h"
#include "fs/devfs.h"
#include "mm/uaccess.h"
#include "process/proc.h"
#include <errno.h>
#include <signal.h>

#define TIOCGPGRP  0x540fu
#define TIOCSPGRP  0x5410u
#define TIOCGWINSZ 0x5413u

static int32_t foreground = 1; /* [a] */

void
tty_interrupted(void)
{
    signal_group(atomic_load(&foreground), SIGINT);
}

long
console_control(unsigned cmd, uintptr_t arg)
{
    static const uint16_t size[4] = {24, 80, 0, 0};
    int32_t group = atomic_load(&foreground);

    switch (cmd) {
    case TIOCGPGRP:
        return copy_to_user(arg, &group, sizeof(group)) ? -EFAULT : 0;
    case TIOCSPGRP:
        if (copy_from_user(&group, arg, sizeof(group)) != 0)
            return -EFAULT;
        if (group <= 0)
            return -EINVAL;
        atomic_store(&foreground, group);
        tty_forget_interrupts();
        return 0;
    case TIOCGWINSZ:
        return copy_to_user(arg, size, sizeof(size)) ? -EFAULT : 0;
    }
    return -ENOTTY;
}
