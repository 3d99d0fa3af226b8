/* devfs.c: /dev: a node for each entry of the table "device". */
#include "fs/devfs.h"

#include "debug/printk.h"
#include "driver/event.h"
#include "driver/tty.h"
#include "mm/uaccess.h"
#include "schedule/timeout.h"
#include <errno.h>
#include <string.h>

static long
null_read(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    return 0;
}

static long
null_write(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    return (long)n;
}

static long
zero_read(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    size_t done = 0;

    while (done < n && !thread_wanted(done)) {
        size_t len = MIN(n - done, PAGE_SIZE),
               left = clear_user(buf + done, len);

        done += len - left;
        if (left != 0)
            return done > 0 ? (long)done : -EFAULT;
    }
    return (long)done;
}

static long
full_write(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    return n == 0 ? 0 : -ENOSPC;
}

/* Replaced by kern/ext/process/terminal.c. */
WEAK int
console_may_write(void)
{
    return 0;
}

void
tty_changed(void)
{
    poll_changed();
}

/* Somebody waits for the user: the system is up. */
static void
somebody_asks(void)
{
    static bool asked;

    if (!asked)
        event("boot", "prompt %lu", time_now());
    asked = true;
}

static long
console_read(struct inode *i, struct file *f, void *buf, size_t n, uint64_t pos)
{
    somebody_asks();
    return tty_read(buf, n);
}

static long
console_put(struct inode *i, struct file *f, const void *buf, size_t n,
            uint64_t pos)
{
    int err = console_may_write();

    if (err != 0)
        return err;
    console_write(buf, n);
    return (long)n;
}

static unsigned
console_poll(struct inode *i, struct file *f)
{
    somebody_asks();
    return tty_ready() ? POLLIN | POLLOUT : POLLOUT;
}

/* Replaced by kern/ext/process/termios.c. */
WEAK long
console_control(unsigned cmd, uintptr_t arg)
{
    return -ENOTTY;
}

static long
console_ioctl(struct inode *i, struct file *f, unsigned cmd, uintptr_t arg)
{
    return console_control(cmd, arg);
}

static const struct inode_ops null_ops = {.read_user = null_read,
                                          .write_user = null_write};
static const struct inode_ops zero_ops = {.read_user = zero_read,
                                          .write_user = null_write};
static const struct inode_ops full_ops = {.read_user = zero_read,
                                          .write_user = full_write};
const struct inode_ops console_ops = {.read = console_read,
                                      .write = console_put,
                                      .poll = console_poll,
                                      .ioctl = console_ioctl};

/* Numbers as Linux's Documentation/admin-guide/devices.txt has them. */
static const struct device null = {"null", 1, 3, &null_ops};
static const struct device zero = {"zero", 1, 5, &zero_ops};
static const struct device full = {"full", 1, 7, &full_ops};
static const struct device console = {"console", 5, 1, &console_ops};
TABLE_ADD(device, null);
TABLE_ADD(device, zero);
TABLE_ADD(device, full);
TABLE_ADD(device, console);

WEAK void
devfs_add_disks(struct node *folder)
{
}

WEAK void
devfs_add_links(struct node *folder)
{
}

struct node *
devfs_create(void)
{
    struct node *dev = tree_create("devtmpfs", true), *n;

    if (dev == NULL)
        return NULL;
    TABLE_FOR_EACH (device, struct device, d) {
        if (tree_add(dev, (*d)->name, strlen((*d)->name), S_IFCHR | 0666,
                     (*d)->ops, NULL, &n) == 0)
            n->inode.rdev = (uint64_t)(*d)->major << 8 | (*d)->minor;
    }
    devfs_add_disks(dev);
    devfs_add_links(dev);
    return dev;
}
