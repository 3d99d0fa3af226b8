/* t_mount.c: a disk with our file system, mounted by programs.  The tests want one
 * as vda; it is empty again after each. */
#include "lib/files.h"

#define AT "/tmp/at"

static void
need_disk(void)
{
    long fd = OPEN("/dev/vda", O_RDONLY);

    if (fd < 0)
        utest_skip("no disk");
    CHECK(CLOSE(fd) == 0 && MKDIR(AT, 0755) == 0);
}

UTEST(mount_keeps_what_is_written)
{
    char buf[8];
    long fd;

    need_disk();
    CHECK(MOUNT("/dev/vda", AT, "sfs", 0, NULL) == 0);
    fd = OPEN(AT "/f", O_CREAT | O_EXCL | O_RDWR);
    CHECK(fd >= 0 && WRITE(fd, "stays", 5) == 5);
    CHECK(UMOUNT(AT) == -EBUSY);
    CHECK(CLOSE(fd) == 0 && UMOUNT(AT) == 0);
    CHECK(OPEN(AT "/f", O_RDONLY) == -ENOENT);
    CHECK(MOUNT("vda", AT, "sfs", 0, NULL) == 0); /* its name will do */
    fd = OPEN(AT "/f", O_RDONLY);
    CHECK(fd >= 0 && READ(fd, buf, 8) == 5 && memcmp(buf, "stays", 5) == 0);
    CHECK(CLOSE(fd) == 0 && UNLINK(AT "/f") == 0 && UMOUNT(AT) == 0);
    CHECK(RMDIR(AT) == 0);
}

/* Two would not know of each other, and destroy what the other wrote. */
UTEST(mount_a_disk_only_once)
{
    need_disk();
    CHECK(MKDIR("/tmp/b", 0755) == 0);
    CHECK(MOUNT("/dev/vda", AT, "sfs", 0, NULL) == 0);
    CHECK(MOUNT("/dev/vda", "/tmp/b", "sfs", 0, NULL) == -EBUSY);
    CHECK(MOUNT("/dev/vda", "/tmp/b", "sfs", 1, NULL) == -EBUSY);
    CHECK(UMOUNT(AT) == 0);
    CHECK(MOUNT("/dev/vda", "/tmp/b", "sfs", 1, NULL) == 0);
    CHECK(OPEN("/tmp/b/f", O_CREAT | O_RDWR) == -EROFS);
    CHECK(UMOUNT("/tmp/b") == 0 && RMDIR("/tmp/b") == 0 && RMDIR(AT) == 0);
}

UTEST(mount_refuses)
{
    need_disk();
    CHECK(MOUNT("/dev/none", AT, "sfs", 0, NULL) == -ENOENT);
    CHECK(MOUNT("none", AT, "sfs", 0, NULL) == -ENOENT);
    CHECK(MOUNT("/dev/null", AT, "sfs", 0, NULL) == -ENOTBLK);
    CHECK(MOUNT("/dev/vda", AT, "nofs", 0, NULL) == -ENODEV);
    CHECK(MOUNT("/dev/vda", "/tmp/none", "sfs", 0, NULL) == -ENOENT);
    CHECK(RMDIR(AT) == 0);
}

UTEST(mount_readonly)
{
    long fd;

    need_disk();
    CHECK(MOUNT("/dev/vda", AT, "sfs", 0, NULL) == 0);
    fd = OPEN(AT "/f", O_CREAT | O_EXCL | O_RDWR);
    CHECK(fd >= 0 && WRITE(fd, "x", 1) == 1 && CLOSE(fd) == 0);
    CHECK(MOUNT("", AT, "", 0x21, NULL) == 0); /* remount */
    CHECK(OPEN(AT "/f", O_RDWR) == -EROFS && UNLINK(AT "/f") == -EROFS);
    CHECK(OPEN(AT "/g", O_CREAT | O_RDWR) == -EROFS);
    CHECK(MOUNT("", AT, "", 0x20, NULL) == 0);
    CHECK(UNLINK(AT "/f") == 0 && UMOUNT(AT) == 0 && RMDIR(AT) == 0);
}

static int
flushes(void *arg)
{
    for (;;) {
        set_knob("flush_now=1");
        syscall(81); /* sync */
    }
    return 0;
}

/* Who writes back has an inode, or the file system, for a moment: that is no reason
 * to refuse. */
UTEST(mount_is_not_busy_because_of_a_flush)
{
    int status;
    pid_t pid;

    need_disk();
    pid = child(flushes, NULL);
    for (unsigned i = 0; i < 60; i++) {
        long fd;

        CHECK(MOUNT("/dev/vda", AT, "sfs", 0, NULL) == 0);
        fd = OPEN(AT "/f", O_CREAT | O_EXCL | O_RDWR);
        CHECK(fd >= 0 && WRITE(fd, "flushed", 7) == 7 && CLOSE(fd) == 0);
        CHECK(UNLINK(AT "/f") == 0);
        fd = OPEN(AT "/g", O_CREAT | O_RDWR);
        CHECK(fd >= 0 && PWRITE(fd, "flushed", 7, i * 100) == 7);
        CHECK(CLOSE(fd) == 0 && UMOUNT(AT) == 0);
    }
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    CHECK(MOUNT("/dev/vda", AT, "sfs", 0, NULL) == 0);
    CHECK(UNLINK(AT "/g") == 0 && UMOUNT(AT) == 0 && RMDIR(AT) == 0);
}
