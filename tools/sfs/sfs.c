/* sfs.c: look into an image and change it, without mounting it anywhere. */
#include "tools/sfs/tree.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: sfs IMAGE COMMAND ...\n"
    "  ls [PATH]           what a folder has\n"
    "  stat PATH           attributes of one file\n"
    "  cat PATH            contents, to standard output\n"
    "  extract PATH TO     a file, or a folder with all below it, to the host\n"
    "  put FROM PATH       a file or a folder of the host, to a new PATH\n"
    "  mkdir PATH\n"
    "  rm [-r] PATH        a file, an empty folder; -r: with all below it\n"
    "  info                sizes, label, what is free\n"
    "  dump [PATH]         the journal, or the blocks of a file\n";

static struct sfs *fs;
static struct disk *disk;

static int
list(const char *path)
{
    struct tree_entry *e;
    struct inode *dir, *i;
    size_t n;
    int err = tree_walk(fs, path, &dir);

    if (err != 0)
        return err;
    err = tree_list(dir, &e, &n);
    for (size_t k = 0; k < n && err == 0; k++) {
        err = sfs_inode_get(fs, (uint32_t)e[k].ino, &i);
        if (err != 0)
            break;
        printf("%06o %3u %5u %5u %10lu %s\n", i->mode, i->nlink, i->uid, i->gid,
               i->object ? i->object->size : i->size, e[k].name);
        inode_put(i);
    }
    free(e);
    inode_put(dir);
    return err;
}

static void
print_time(const char *what, int64_t ns)
{
    time_t s = ns / 1000000000;
    char text[64];

    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", gmtime(&s));
    printf("%-8s %s.%09ld\n", what, text, (long)(ns % 1000000000));
}

static int
show(const char *path)
{
    char text[PATH_MAX] = {0};
    struct inode *i;
    int err = tree_walk(fs, path, &i);

    if (err != 0)
        return err;
    printf("inode    %lu\nmode     %06o\nlinks    %u\nowner    %u:%u\n", i->ino,
           i->mode, i->nlink, i->uid, i->gid);
    printf("size     %lu\nblocks   %u\n", i->object ? i->object->size : i->size,
           sfs_inode(i)->d->nblocks);
    if (i->ops->readlink(i, text, sizeof(text) - 1) > 0)
        printf("link to  %s\n", text);
    if ((i->mode & S_IFMT) == S_IFCHR || (i->mode & S_IFMT) == S_IFBLK)
        printf("device   %#lx\n", i->rdev);
    print_time("read", i->atime);
    print_time("written", i->mtime);
    print_time("changed", i->ctime);
    inode_put(i);
    return 0;
}

static int
concatenate(const char *path)
{
    static char buf[1 << 16];
    struct inode *i;
    uint64_t pos = 0;
    long got;
    int err = tree_walk(fs, path, &i);

    if (err != 0)
        return err;
    if (i->object == NULL) {
        inode_put(i);
        return (i->mode & S_IFMT) == S_IFDIR ? -EISDIR : -EINVAL;
    }
    while ((got = object_read(i->object, pos, buf, sizeof(buf))) > 0) {
        if (fwrite(buf, 1, (size_t)got, stdout) != (size_t)got) {
            got = -errno;
            break;
        }
        pos += (uint64_t)got;
    }
    inode_put(i);
    return fflush(stdout) != 0 ? -errno : (int)got;
}

static int
extract(const char *path, const char *to)
{
    struct inode *i;
    int err = tree_walk(fs, path, &i);

    if (err != 0)
        return err;
    err = tree_get(i, to) ? 0 : -EIO;
    inode_put(i);
    return err;
}

static int
put(const char *from, const char *path)
{
    struct tree_options o = {.keep_times = true};
    char name[NAME_MAX + 1];
    struct inode *dir, *there;
    int err = tree_parent(fs, path, &dir, name);

    if (err != 0)
        return err;
    err = tree_lookup(dir, name, &there);
    if (err == 0)
        inode_put(there);
    err = err == 0 ? -EEXIST : err;
    if (err == -ENOENT)
        err = tree_put(dir, name, from, &o) ? 0 : -EIO;
    inode_put(dir);
    return err;
}

static int
make_folder(const char *path)
{
    char name[NAME_MAX + 1];
    struct inode *dir, *there;
    int err = tree_parent(fs, path, &dir, name);

    if (err != 0)
        return err;
    err = tree_lookup(dir, name, &there);
    if (err == -ENOENT) {
        tree_lock(dir);
        err = dir->ops->create(dir, name, strlen(name), S_IFDIR | 0755, 0,
                               &there);
        tree_unlock(dir);
    } else if (err == 0) {
        err = -EEXIST;
    }
    if (err == 0 || err == -EEXIST)
        inode_put(there);
    inode_put(dir);
    return err;
}

static int
remove_from(struct inode *dir, const char *name, bool all)
{
    struct tree_entry *e = NULL;
    struct inode *i;
    size_t n = 0;
    int err = tree_lookup(dir, name, &i);

    if (err != 0)
        return err;
    if (all && (i->mode & S_IFMT) == S_IFDIR)
        err = tree_list(i, &e, &n);
    for (size_t k = 0; k < n && err == 0; k++)
        err = remove_from(i, e[k].name, true);
    free(e);
    if (err == 0) {
        tree_lock(dir);
        err = dir->ops->unlink(dir, name, strlen(name), i);
        tree_unlock(dir);
    }
    inode_put(i);
    return err;
}

static int
remove_path(const char *path, bool all)
{
    char name[NAME_MAX + 1];
    struct inode *dir;
    int err = tree_parent(fs, path, &dir, name);

    if (err != 0)
        return err;
    err = remove_from(dir, name, all);
    inode_put(dir);
    return err;
}

static int
info(void)
{
    const struct sfs_super *sb = fs->sb;

    printf("label    %s\nuuid     ", sb->label);
    for (unsigned i = 0; i < 16; i++)
        printf("%02x", sb->uuid[i]);
    printf("\nversion  %u, features %x %x %x\n", sb->version, sb->compat,
           sb->ro_compat, sb->incompat);
    printf("blocks   %u, %u free\ninodes   %u, %u free\n", sb->nblocks,
           sb->free_blocks, sb->ninodes, sb->free_inodes);
    printf("freemap  %u\ninode map %u\ninodes   %u\njournal  %u, 2 * %u\n"
           "data     %u\n",
           fs->at.freemap, fs->at.imap, fs->at.inodes, fs->at.journal, sb->half,
           fs->at.data);
    printf("clean    after transaction %lu; the last one is %lu\n", sb->clean,
           fs->done);
    return 0;
}

/* Runs of consecutive blocks. */
static int
dump_file(const char *path)
{
    uint32_t block, first = 0, last = 0;
    uint64_t from = 0;
    struct inode *i;
    int err = tree_walk(fs, path, &i), got = 1;

    if (err != 0)
        return err;
    for (uint64_t index = 0; i->object && index <= object_pages(i->object);
         index++) {
        block = 0;
        if (index < object_pages(i->object))
            got = sfs_map(sfs_inode(i), index, &block, 1, false);
        if (got < 0)
            break;
        if (first != 0 && (block != last + 1 || block == 0))
            printf("%8lu..%lu at %u%s\n", from, index - 1,
                   first & ~SFS_UNWRITTEN,
                   first & SFS_UNWRITTEN ? " (not written)" : "");
        if (block != last + 1 || first == 0) {
            first = block;
            from = index;
        }
        last = block;
    }
    inode_put(i);
    return got < 0 ? got : 0;
}

static int
dump_journal(void)
{
    struct sfs_commit *c;
    struct page *page = alloc_pages(0);
    int err = 0;

    for (unsigned k = 0; k < 2 && err == 0; k++) {
        err = blk_read(&disk->dev,
                       (uint64_t)(fs->at.journal + k * fs->sb->half) *
                           SFS_SECTORS,
                       page_to_va(page), SFS_BLOCK);
        c = page_to_va(page);
        if (err == 0 && c->magic == SFS_COMMIT_MAGIC)
            printf("half %u: transaction %lu, %u blocks, %u orphans\n", k,
                   c->tid, c->nblocks, c->norphans);
        else
            printf("half %u: nothing\n", k);
    }
    page_put(page);
    return err;
}

/* -1: that is no command. */
static int
run(int argc, char **argv)
{
    const char *c = argv[0], *arg = argc > 1 ? argv[1] : "/";

    if (strcmp(c, "ls") == 0 && argc <= 2)
        return list(arg);
    if (strcmp(c, "stat") == 0 && argc == 2)
        return show(arg);
    if (strcmp(c, "cat") == 0 && argc == 2)
        return concatenate(arg);
    if (strcmp(c, "extract") == 0 && argc == 3)
        return extract(arg, argv[2]);
    if (strcmp(c, "put") == 0 && argc == 3)
        return put(arg, argv[2]);
    if (strcmp(c, "mkdir") == 0 && argc == 2)
        return make_folder(arg);
    if (strcmp(c, "rm") == 0 && argc == 2)
        return remove_path(arg, false);
    if (strcmp(c, "rm") == 0 && argc == 3 && strcmp(arg, "-r") == 0)
        return remove_path(argv[2], true);
    if (strcmp(c, "info") == 0 && argc == 1)
        return info();
    if (strcmp(c, "dump") == 0 && argc <= 2)
        return argc == 2 ? dump_file(arg) : dump_journal();
    fprintf(stderr, "%s", usage);
    exit(2);
}

static uint64_t
size_of(int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);

    return end < 0 ? 0 : (uint64_t)end;
}

int
main(int argc, char **argv)
{
    bool help = argc == 2 && strcmp(argv[1], "--help") == 0, writes;
    int fd, err;

    if (argc < 3) {
        fputs(usage, help ? stdout : stderr);
        return help ? 0 : 2;
    }
    writes = strcmp(argv[2], "put") == 0 || strcmp(argv[2], "mkdir") == 0 ||
             strcmp(argv[2], "rm") == 0;
    fd = open(argv[1], writes ? O_RDWR : O_RDONLY);
    if (fd < 0)
        return complain(argv[1], errno), 1;
    host_start(1ul << 17);
    host_clock = (int64_t)time(NULL) * 1000000000;
    /* Who only looks must not change it, not even what a crash left. */
    disk = writes ? disk_file(fd, size_of(fd), "image", false)
                  : disk_overlay(fd, size_of(fd), "image");
    err = sfs_mount(&disk->dev, !writes, false, &fs);
    if (err == 0) {
        err = run(argc - 2, argv + 2);
        if (err == 0 && writes)
            err = fs->super.ops->sync(&fs->super);
        sfs_unmount(&fs->super);
    }
    if (err != 0)
        complain(argv[argc - 1], err);
    disk_free(disk);
    return err == 0 ? 0 : 1;
}
