/* t_filename.c: calls that make, move and remove names, in the folder that is
 * asked for (dir=): what they do, and every error of theirs. */
#include "lib/files.h"

static void
make_file(const char *path)
{
    long fd = OPEN(path, O_CREAT | O_EXCL | O_RDWR);

    CHECK(fd >= 0);
    CHECK(CLOSE(fd) == 0);
}

static unsigned
links(const char *path)
{
    struct stat st;

    CHECK(LSTAT(path, &st) == 0);
    return st.st_nlink;
}

static uint64_t
number(const char *path)
{
    struct stat st;

    CHECK(LSTAT(path, &st) == 0);
    return st.st_ino;
}

UTEST(file_create_and_unlink)
{
    struct stat st;
    long fd;

    enter("create");
    fd = sys(56, -100, (long)"f", O_CREAT | O_RDWR, 0640, 0);
    CHECK(fd >= 0 && FSTAT(fd, &st) == 0);
    CHECK(st.st_mode == (S_IFREG | 0640) && st.st_nlink == 1 &&
          st.st_size == 0);
    CHECK(OPEN("f", O_CREAT | O_EXCL | O_RDWR) == -EEXIST);
    CHECK(UNLINK("f") == 0 && UNLINK("f") == -ENOENT);
    CHECK(FSTAT(fd, &st) == 0 && st.st_nlink == 0); /* still there */
    CHECK(WRITE(fd, "abc", 3) == 3 && FSTAT(fd, &st) == 0 && st.st_size == 3);
    CHECK(CLOSE(fd) == 0);
    CHECK(OPEN("f", O_RDWR) == -ENOENT);
    leave();
}

UTEST(file_create_errors)
{
    static char name[300];

    enter("errors");
    make_file("f");
    CHECK(OPEN("", O_CREAT | O_RDWR) == -ENOENT);
    CHECK(OPEN("x/", O_CREAT | O_RDWR) == -EISDIR);
    CHECK(OPEN(".", O_CREAT | O_RDWR) == -EISDIR);
    CHECK(OPEN("/", O_CREAT | O_RDWR) == -EISDIR);
    CHECK(OPEN("f/x", O_CREAT | O_RDWR) == -ENOTDIR);
    CHECK(OPEN("no/x", O_CREAT | O_RDWR) == -ENOENT);
    CHECK(OPEN("f", O_RDONLY | O_DIRECTORY) == -ENOTDIR);
    CHECK(OPEN("x", O_CREAT | O_DIRECTORY) == -EINVAL);
    CHECK(OPEN(".", O_WRONLY) == -EISDIR);
    CHECK(OPEN("f", 3) == -EINVAL);
    CHECK(OPEN((char *)8, O_CREAT | O_RDWR) == -EFAULT);
    memset(name, 'n', 256);
    CHECK(OPEN(name, O_CREAT | O_RDWR) == -ENAMETOOLONG);
    CHECK(MKDIR(name, 0755) == -ENAMETOOLONG);
    name[255] = 0;
    make_file(name);
    CHECK(UNLINK(name) == 0);
    CHECK(sys(56, 999, (long)"x", O_CREAT | O_RDWR, 0644, 0) == -EBADF);
    CHECK(UNLINK("f") == 0);
    leave();
}

UTEST(file_mkdir_and_rmdir)
{
    struct stat st;
    long fd;

    enter("mkdir");
    CHECK(links(".") == 2);
    CHECK(MKDIR("d", 0700) == 0 && LSTAT("d", &st) == 0);
    CHECK(st.st_mode == (S_IFDIR | 0700) && st.st_nlink == 2);
    CHECK(links(".") == 3 && number("d/..") == number("."));
    CHECK(MKDIR("d", 0755) == -EEXIST && MKDIR(".", 0755) == -EEXIST);
    CHECK(MKDIR("/", 0755) == -EEXIST && MKDIR("", 0755) == -ENOENT);
    CHECK(MKDIR("e/", 0755) == 0 && MKDIR("e/f", 0755) == 0);
    CHECK(UNLINK("d") == -EISDIR && UNLINK("d/") == -EISDIR);
    CHECK(RMDIR("e") == -ENOTEMPTY && RMDIR("d/.") == -EINVAL);
    CHECK(RMDIR("e/f/..") == -ENOTEMPTY && RMDIR("/") == -EBUSY);
    make_file("f");
    CHECK(RMDIR("f") == -ENOTDIR && UNLINK("f/") == -ENOTDIR);
    CHECK(RMDIR("no") == -ENOENT);
    fd = OPEN("d", O_RDONLY);
    CHECK(fd >= 0 && RMDIR("d/") == 0 && links(".") == 3);
    CHECK(sys(56, fd, (long)"x", O_CREAT | O_RDWR, 0644, 0) == -ENOENT);
    CHECK(sys(34, fd, (long)"x", 0755, 0, 0) == -ENOENT);
    CHECK(FSTAT(fd, &st) == 0 && st.st_nlink == 0);
    CHECK(CLOSE(fd) == 0);
    CHECK(RMDIR("e/f") == 0 && RMDIR("e") == 0 && UNLINK("f") == 0);
    leave();
}

UTEST(file_symlinks)
{
    static char buf[64];
    struct stat st;

    enter("symlink");
    make_file("f");
    CHECK(SYMLINK("f", "l") == 0 && SYMLINK("f", "l") == -EEXIST);
    CHECK(SYMLINK("", "m") == -ENOENT && SYMLINK("f", "no/m") == -ENOENT);
    CHECK(LSTAT("l", &st) == 0 && st.st_mode == (S_IFLNK | 0777));
    CHECK(st.st_size == 1 && STAT("l", &st) == 0 && S_ISREG(st.st_mode));
    CHECK(READLINK("l", buf, sizeof(buf)) == 1 && buf[0] == 'f');
    CHECK(READLINK("f", buf, sizeof(buf)) == -EINVAL);
    CHECK(OPEN("l", O_RDONLY | O_NOFOLLOW) == -ELOOP);
    CHECK(OPEN("l", O_CREAT | O_EXCL | O_RDWR) == -EEXIST);
    CHECK(SYMLINK("later", "d") == 0 && OPEN("d", O_RDONLY) == -ENOENT);
    CHECK(CLOSE(OPEN("d", O_CREAT | O_RDWR)) == 0); /* where it leads */
    CHECK(STAT("later", &st) == 0 && S_ISREG(st.st_mode));
    CHECK(SYMLINK("loop", "loop") == 0 && STAT("loop", &st) == -ELOOP);
    CHECK(OPEN("loop", O_CREAT | O_RDWR) == -ELOOP);
    CHECK(SYMLINK("..", "up") == 0 && STAT("up/symlink/f", &st) == 0);
    CHECK(UNLINK("l") == 0 && STAT("f", &st) == 0);
    CHECK(UNLINK("f") == 0 && UNLINK("d") == 0 && UNLINK("later") == 0);
    CHECK(UNLINK("loop") == 0 && UNLINK("up") == 0);
    leave();
}

UTEST(file_hard_links)
{
    struct stat st;

    enter("link");
    make_file("a");
    CHECK(MKDIR("d", 0755) == 0 && LINK("a", "d/b") == 0);
    CHECK(links("a") == 2 && number("a") == number("d/b"));
    CHECK(LINK("a", "d/b") == -EEXIST && LINK("d", "e") == -EPERM);
    CHECK(LINK("no", "e") == -ENOENT && LINK("a", "no/e") == -ENOENT);
    CHECK(LINK("a", "a/e") == -ENOTDIR && LINK("a", "e/") == -ENOENT);
    CHECK(LINK("a", "/proc/x") == -EXDEV);
    CHECK(sys(37, -100, (long)"a", -100, (long)"e", 1) == -EINVAL);
    CHECK(SYMLINK("a", "s") == 0 && LINK("s", "t") == 0); /* not followed */
    CHECK(LSTAT("t", &st) == 0 && S_ISLNK(st.st_mode) && links("a") == 2);
    CHECK(sys(37, -100, (long)"s", -100, (long)"u", 0x400) == 0);
    CHECK(links("a") == 3);
    CHECK(UNLINK("a") == 0 && links("u") == 2);
    CHECK(UNLINK("u") == 0 && UNLINK("d/b") == 0 && UNLINK("s") == 0);
    CHECK(UNLINK("t") == 0 && RMDIR("d") == 0);
    leave();
}

UTEST(file_rename)
{
    uint64_t ino;

    enter("rename");
    make_file("a");
    ino = number("a");
    CHECK(RENAME("a", "b") == 0 && number("b") == ino);
    CHECK(RENAME("a", "b") == -ENOENT && RENAME("b", "b") == 0);
    make_file("c");
    CHECK(RENAME2("b", "c", 1) == -EEXIST && RENAME2("b", "e", 2) == -EINVAL);
    CHECK(RENAME("b", "c") == 0 && number("c") == ino && links("c") == 1);
    CHECK(LINK("c", "d") == 0 && RENAME("c", "d") == 0); /* the same: nothing */
    CHECK(links("c") == 2 && UNLINK("d") == 0);
    CHECK(MKDIR("x", 0755) == 0 && RENAME("c", "x/c") == 0);
    CHECK(number("x/c") == ino && RENAME("x/c", "c") == 0);
    CHECK(RENAME("c", "x") == -EISDIR && RENAME("x", "c") == -ENOTDIR);
    CHECK(RENAME("c", "/proc/c") == -EXDEV && RENAME("c", "no/c") == -ENOENT);
    CHECK(RENAME("c", ".") == -EBUSY && RENAME("x/..", "y") == -EBUSY);
    CHECK(RENAME("c/", "d") == -ENOTDIR && RENAME("", "d") == -ENOENT);
    CHECK(UNLINK("c") == 0 && RMDIR("x") == 0);
    leave();
}

UTEST(file_rename_folders)
{
    enter("renamedir");
    CHECK(MKDIR("a", 0755) == 0 && MKDIR("a/b", 0755) == 0);
    CHECK(MKDIR("c", 0755) == 0 && links(".") == 4);
    CHECK(RENAME("a", "a/b/x") == -EINVAL && RENAME("a", "a/x") == -EINVAL);
    CHECK(RENAME("a/b", "a") == -ENOTEMPTY);
    CHECK(RENAME("c", "a") == -ENOTEMPTY);
    CHECK(RENAME("a/b", "c/b") == 0 && links("a") == 2 && links("c") == 3);
    CHECK(number("c/b/..") == number("c"));
    CHECK(RENAME("c", "a") == 0 && links(".") == 3); /* replaces an empty one */
    CHECK(number("a/b/..") == number("a"));
    CHECK(RMDIR("a/b") == 0 && RMDIR("a/") == 0 && links(".") == 2);
    leave();
}

UTEST(file_mknod)
{
    struct stat st;

    enter("mknod");
    CHECK(MKNOD("f", 0644, 0) == 0 && STAT("f", &st) == 0);
    CHECK(S_ISREG(st.st_mode) && MKNOD("f", 0644, 0) == -EEXIST);
    CHECK(MKNOD("d", S_IFDIR | 0755, 0) == -EPERM);
    CHECK(MKNOD("d", 0170000, 0) == -EINVAL);
    CHECK(MKNOD("n", S_IFCHR | 0600, 0x103) == 0 && STAT("n", &st) == 0);
    CHECK(st.st_rdev == 0x103 && st.st_mode == (S_IFCHR | 0600));
    CHECK(UNLINK("f") == 0 && UNLINK("n") == 0);
    leave();
}

UTEST(file_umask)
{
    struct stat st;
    long fd;

    enter("umask");
    CHECK(sys(166, 077, 0, 0, 0, 0) >= 0);
    fd = sys(56, -100, (long)"f", O_CREAT | O_RDWR, 0666, 0);
    CHECK(FSTAT(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(MKDIR("d", 0777) == 0 && STAT("d", &st) == 0);
    CHECK((st.st_mode & 0777) == 0700);
    CHECK(CLOSE(fd) == 0 && UNLINK("f") == 0 && RMDIR("d") == 0);
    leave();
}

UTEST(file_attributes)
{
    struct timespec t[2] = {{11, 22}, {33, 44}}, bad[2] = {{1, 1000000000}};
    struct stat st;
    long fd;

    enter("attributes");
    make_file("f");
    CHECK(SYMLINK("f", "l") == 0 && CHMOD("l", 0123) == 0);
    CHECK(CHOWN("f", 7, 8) == 0 && UTIMENSAT("f", t) == 0);
    CHECK(STAT("f", &st) == 0 && st.st_mode == (S_IFREG | 0123));
    CHECK(st.st_uid == 7 && st.st_gid == 8);
    CHECK(st.st_atim.tv_sec == 11 && st.st_mtim.tv_nsec == 44);
    CHECK(UTIMENSAT("f", bad) == -EINVAL && UTIMENSAT("no", t) == -ENOENT);
    CHECK(CHMOD("no", 0) == -ENOENT && CHOWN("no", 0, 0) == -ENOENT);
    CHECK(CHOWN("f", -1, 9) == 0 && STAT("f", &st) == 0);
    CHECK(st.st_uid == 7 && st.st_gid == 9);
    t[0].tv_nsec = 0x3ffffffe; /* stays */
    t[1].tv_nsec = 0x3fffffff; /* now */
    fd = OPEN("f", O_RDWR);
    CHECK(sys(88, fd, 0, (long)t, 0, 0) == 0 && FSTAT(fd, &st) == 0);
    CHECK(st.st_atim.tv_sec == 11 && st.st_mtim.tv_sec != 33);
    CHECK(sys(52, fd, 0600, 0, 0, 0) == 0 && sys(55, fd, 1, 2, 0, 0) == 0);
    CHECK(FSTAT(fd, &st) == 0 && st.st_mode == (S_IFREG | 0600));
    CHECK(st.st_uid == 1 && st.st_gid == 2);
    CHECK(UTIMENSAT("f", (void *)8) == -EFAULT);
    CHECK(sys(52, 999, 0, 0, 0, 0) == -EBADF);
    CHECK(CHMOD("/proc/mounts", 0) == -EROFS);
    CHECK(CLOSE(fd) == 0 && UNLINK("l") == 0 && UNLINK("f") == 0);
    leave();
}

struct dirent64 {
    uint64_t ino;
    int64_t off;
    uint16_t len;
    uint8_t type;
    char name[];
} __attribute__((packed));

/* Every name once, though names go while the folder is read; positions are as
 * stable as telldir() needs them. */
UTEST(file_getdents_is_stable)
{
    static char buf[256], seen[100];
    char name[8];
    unsigned nseen = 0;
    long fd, n;

    enter("getdents");
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "%d", i);
        make_file(name);
    }
    fd = OPEN(".", O_RDONLY | O_DIRECTORY);
    CHECK(GETDENTS(fd, buf, 8) == -EINVAL);
    while ((n = GETDENTS(fd, buf, sizeof(buf))) > 0) {
        for (long at = 0; at < n;) {
            struct dirent64 *d = (struct dirent64 *)(buf + at);
            int i = atoi(d->name);

            at += d->len;
            if (d->name[0] == '.')
                continue;
            CHECK(seen[i] == 0 && d->type == 8);
            seen[i] = 1;
            nseen++;
            CHECK(UNLINK(d->name) == 0);
        }
    }
    CHECK(n == 0 && nseen == 100);
    CHECK(LSEEK(fd, 0, SEEK_SET) == 0);
    CHECK(GETDENTS(fd, buf, sizeof(buf)) == 48); /* "." and ".." */
    CHECK(GETDENTS(fd, (char *)8, 256) == 0);
    CHECK(LSEEK(fd, 0, SEEK_SET) == 0);
    CHECK(GETDENTS(fd, (char *)8, 256) == -EFAULT);
    CHECK(CLOSE(fd) == 0);
    leave();
}

UTEST(file_cwd_follows_renames)
{
    static char buf[128], want[128];

    enter("cwd");
    CHECK(MKDIR("a", 0755) == 0 && MKDIR("b", 0755) == 0);
    CHECK(MKDIR("a/c", 0755) == 0 && CHDIR("a/c") == 0);
    CHECK(RENAME("../../a", "../../b/x") == 0);
    snprintf(want, sizeof(want), "%s/cwd/b/x/c", files_dir);
    CHECK(sys(17, (long)buf, sizeof(buf), 0, 0, 0) > 0);
    CHECK(strcmp(buf, want) == 0);
    CHECK(RMDIR("../c") == 0);
    CHECK(sys(17, (long)buf, sizeof(buf), 0, 0, 0) == -ENOENT);
    CHECK(CHDIR("..") == 0 && CHDIR("../..") == 0);
    CHECK(RMDIR("b/x") == 0 && RMDIR("b") == 0);
    leave();
}

UTEST(file_chroot)
{
    struct stat st;
    int status;

    enter("chroot");
    CHECK(MKDIR("r", 0755) == 0);
    make_file("r/f");
    if (fork() == 0) {
        CHECK(CHROOT("no") == -ENOENT && CHROOT("r/f") == -ENOTDIR);
        CHECK(CHROOT("r") == 0 && CHDIR("/") == 0);
        CHECK(STAT("/f", &st) == 0 && STAT("../../f", &st) == 0);
        CHECK(STAT("/tmp", &st) == -ENOENT);
        _exit(0);
    }
    CHECK(wait(&status) > 0 && status == 0);
    CHECK(UNLINK("r/f") == 0 && RMDIR("r") == 0);
    leave();
}

UTEST(file_mount_tmpfs)
{
    struct stat st, in;
    char buf[4096];
    long fd, n;

    enter("mount");
    CHECK(MKDIR("m", 0755) == 0 && STAT("m", &st) == 0);
    CHECK(MOUNT("none", "m", "nofs", 0, 0) == -ENODEV);
    CHECK(MOUNT("none", "no", "tmpfs", 0, 0) == -ENOENT);
    CHECK(MOUNT("word", "m", "tmpfs", 0, "size=64k") == 0);
    CHECK(STAT("m", &in) == 0 && in.st_dev != st.st_dev);
    CHECK(number("m/..") == number("."));
    make_file("m/f");
    make_file("g");
    CHECK(RENAME("m/f", "f") == -EXDEV && LINK("m/f", "f") == -EXDEV);
    CHECK(RENAME("m", "n") == -EBUSY && RMDIR("m") == -EBUSY);
    CHECK(RENAME("g", "m") == -EISDIR);
    fd = OPEN("/proc/mounts", O_RDONLY);
    n = READ(fd, buf, sizeof(buf) - 1);
    CHECK(n > 0);
    buf[n] = 0;
    CHECK(strstr(buf, "/mount/m tmpfs rw") != NULL && CLOSE(fd) == 0);
    fd = OPEN("m/f", O_RDWR);
    CHECK(UMOUNT("m") == -EBUSY && CLOSE(fd) == 0);
    CHECK(UMOUNT("m/f") == -EINVAL && UMOUNT("g") == -EINVAL);
    CHECK(MKDIR("m/d", 0755) == 0 && MKDIR("m/d/e", 0755) == 0);
    CHECK(MOUNT("word", "m", "tmpfs", 32 | 1, 0) == 0); /* read-only now */
    CHECK(OPEN("m/x", O_CREAT | O_RDWR) == -EROFS && OPEN("m/f", 1) == -EROFS);
    CHECK(UNLINK("m/f") == -EROFS && MKDIR("m/x", 0755) == -EROFS);
    CHECK(CHMOD("m/f", 0) == -EROFS && RENAME("m/f", "m/g") == -EROFS);
    CHECK(CLOSE(OPEN("m/f", O_RDONLY)) == 0);
    CHECK(UMOUNT("m") == 0 && STAT("m", &in) == 0 && in.st_ino == st.st_ino);
    CHECK(UMOUNT("m") == -EINVAL && STAT("m/f", &in) == -ENOENT);
    CHECK(UNLINK("g") == 0 && RMDIR("m") == 0);
    leave();
}
