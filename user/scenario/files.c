/* files.c: where the files of a scenario lie: in memory, below /tmp, or on a disk that
 * is there for this run.
 *
 *     disk 16M     /tmp/disk/NAME.f     is mounted before the first step and unmounted
 *                                   after the last; then tools/grade.py looks at the
 *                                   image: fsck.sfs, and every byte of every file
 *     crash every write             it has two parts, and in the second is the number
 *                                   of the last step whose work must survive a crash:
 *                                   so the host knows, write by write, what that is
 */
#include "scenario.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NR_UMOUNT 39
#define NR_MOUNT  40
#define NR_FSYNC  82

const char *scn_name = "";

void
step_path(unsigned file, char path[64])
{
    if (scn.disk != 0)
        snprintf(path, 64, "/tmp/disk/%s.%s", scn_name, scn.files[file]);
    else
        snprintf(path, 64, "/tmp/%s", scn.files[file]);
}

bool
step_disk(bool on)
{
    if (!on)
        return syscall(NR_UMOUNT, "/tmp/disk", 0l) == 0;
    return syscall(NR_MOUNT, scn.crash ? "/dev/vda1" : "/dev/vda", "/tmp/disk",
                   "sfs", 0l, NULL) == 0;
}

bool
step_lasts(unsigned op)
{
    return op == SCN_SYNC || op == SCN_FSYNC || op == SCN_REMOUNT;
}

void
step_mark(unsigned number)
{
    static uint64_t page[SCN_PAGE / 8];
    int fd = open("/dev/vda2", O_RDWR);

    page[0] = number;
    page[1] = ~page[0];
    if (fd < 0 || write(fd, page, SCN_PAGE) != SCN_PAGE || fsync(fd) != 0)
        perror("scenario: /dev/vda2");
    if (fd >= 0)
        close(fd);
}

/* 0, or -1 and errno. */
static int
open_again(const struct scn_step *st)
{
    char path[64];
    int *fd = step_file(st->file);

    step_path(st->file, path);
    if (*fd != 0)
        close(*fd - 1);
    *fd = open(path, O_RDWR) + 1;
    return *fd == 0 ? -1 : 0;
}

bool
step_on_disk(const struct scn_step *st, struct reply *r)
{
    int err;

    switch (st->op) {
    case SCN_OPEN:
        err = open_again(st);
        break;
    case SCN_FSYNC:
        err = (int)syscall(NR_FSYNC, (long)*step_file(st->file) - 1);
        break;
    case SCN_REMOUNT:
        err = step_disk(false) && step_disk(true) ? 0 : -1;
        break;
    default:
        return false;
    }
    if (err != 0) {
        r->kind = REPLY_ERROR;
        r->number = errno;
    }
    return true;
}
