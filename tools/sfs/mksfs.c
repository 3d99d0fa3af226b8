/* mksfs.c: a folder becomes an image with our file system. */
#include "tools/sfs/tree.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <unistd.h>

static const char usage[] =
    "usage: mksfs [options] IMAGE [FOLDER]\n"
    "Make IMAGE, a disk with all that is in FOLDER, or empty.  The same "
    "folder\n"
    "gives the same image.\n"
    "  -s, --size=SIZE         of the image: 64M, 1G; else as large as needed\n"
    "  -e, --extra-space=SIZE  free space beside what is needed (default 4M "
    "and\n"
    "                          a tenth)\n"
    "  -i, --inodes=N          how many files it can have (default: size / "
    "16K)\n"
    "  -L, --label=NAME        up to 31 bytes\n"
    "  -U, --uuid=HEX          32 digits; else from the label and the size\n"
    "  -t, --time=SECONDS      of all files, since 1970 (default 0)\n"
    "      --keep-times        files keep their times\n"
    "      --keep-owner        and their owners; else all is root's\n"
    "  -h, --help\n";

static char temporary[4096];

static void
remove_temporary(void)
{
    if (temporary[0] != 0)
        unlink(temporary);
}

static void
interrupted(int sig)
{
    remove_temporary();
    _exit(128 + sig);
}

static bool
parse_size(const char *text, uint64_t *bytes)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);
    static const char units[] = "KMGT";
    const char *unit = *end ? strchr(units, *end) : NULL;

    if (end == text || (*end != 0 && (unit == NULL || end[1] != 0)))
        return false;
    if (unit != NULL)
        n <<= 10 * (unit - units + 1);
    *bytes = n;
    return true;
}

static bool
parse_uuid(const char *text, uint8_t *uuid)
{
    unsigned digits = 0;

    for (; *text != 0; text++) {
        char c[2] = {*text, 0};

        if (*text == '-')
            continue;
        if (digits == 32 || strchr("0123456789abcdefABCDEF", *text) == NULL)
            return false;
        uuid[digits / 2] =
            (uint8_t)(uuid[digits / 2] << 4 | strtoul(c, NULL, 16));
        digits++;
    }
    return digits == 32;
}

struct options {
    const char *image, *folder;
    uint64_t size, extra;
    bool has_extra, has_uuid;
    struct sfs_format format;
    struct tree_options tree;
};

static void
bad_usage(const char *what)
{
    fprintf(stderr, "mksfs: %s\nTry mksfs --help.\n", what);
    exit(2);
}

static void
parse(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"size", 1, 0, 's'},       {"extra-space", 1, 0, 'e'},
        {"inodes", 1, 0, 'i'},     {"label", 1, 0, 'L'},
        {"uuid", 1, 0, 'U'},       {"time", 1, 0, 't'},
        {"keep-times", 0, 0, 'T'}, {"keep-owner", 0, 0, 'O'},
        {"help", 0, 0, 'h'},       {0}};
    int c;

    while ((c = getopt_long(argc, argv, "s:e:i:L:U:t:h", longs, NULL)) != -1) {
        if (c == 's' && !parse_size(optarg, &o->size))
            bad_usage("a size is a number and K, M, G or T");
        if (c == 'e' && !(o->has_extra = parse_size(optarg, &o->extra)))
            bad_usage("a size is a number and K, M, G or T");
        if (c == 'i')
            o->format.ninodes = strtoull(optarg, NULL, 0) + 2;
        if (c == 'L' && strlen(o->format.label = optarg) > 31)
            bad_usage("a label has at most 31 bytes");
        if (c == 'U' && !(o->has_uuid = parse_uuid(optarg, o->format.uuid)))
            bad_usage("a UUID has 32 hexadecimal digits");
        if (c == 't')
            host_clock = strtoll(optarg, NULL, 0) * 1000000000;
        o->tree.keep_times |= c == 'T';
        o->tree.keep_owner |= c == 'O';
        if (c == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        if (c == '?')
            bad_usage("that is no option");
    }
    if (optind >= argc || argc - optind > 2)
        bad_usage("which image, from which folder?");
    o->image = argv[optind];
    o->folder = argv[optind + 1];
}

/* How large the image is to be. */
static bool
choose_size(struct options *o)
{
    struct tree_size t = {0};
    uint64_t blocks;

    if (o->folder != NULL && !tree_measure(o->folder, &t))
        return false;
    if (o->format.ninodes == 0)
        o->format.ninodes =
            MAX(t.inodes + t.inodes / 4 + 256, (o->size / SFS_BLOCK) / 4);
    if (o->size != 0) {
        o->format.nblocks = o->size / SFS_BLOCK;
        return true;
    }
    if (!o->has_extra)
        o->extra = (4ul << 20) + t.blocks * SFS_BLOCK / 10;
    blocks = t.blocks + (o->extra + SFS_BLOCK - 1) / SFS_BLOCK;
    blocks += o->format.ninodes / SFS_PER_BLOCK + 64;
    blocks += blocks / (SFS_BITS / 2) +
              2 * MIN(MAX(blocks / 60, SFS_HALF_MIN), SFS_HALF_MAX);
    o->format.nblocks = ROUND_UP(blocks, 256ul);
    return true;
}

static bool
fill(struct disk *d, const struct options *o)
{
    struct sfs *fs;
    bool ok = true;
    int err = sfs_format(d, &o->format);

    if (err == -ENOSPC)
        return complain("too small for a file system", err);
    if (err == 0)
        err = sfs_mount(&d->dev, false, false, &fs);
    if (err != 0)
        return complain(o->image, err);
    if (o->folder != NULL) {
        struct stat st;

        ok = tree_put_all(fs->super.root, o->folder, &o->tree);
        if (stat(o->folder, &st) == 0)
            fs->super.root->mode = S_IFDIR | (st.st_mode & 07777);
        fs->super.root->atime = fs->super.root->mtime = host_clock;
        fs->super.root->ctime = host_clock;
        fs->super.root->ops->dirty(fs->super.root);
    }
    err = fs->super.ops->sync(&fs->super);
    sfs_unmount(&fs->super);
    return (err == 0 || complain(o->image, err)) && ok;
}

int
main(int argc, char **argv)
{
    struct options o = {0};
    struct disk *d;
    uint64_t size;
    bool ok;
    int fd;

    parse(argc, argv, &o);
    if (!choose_size(&o))
        return 1;
    if (!o.has_uuid) {
        uint64_t h = sfs_sum(o.format.nblocks, "sfs uuid", 8);

        for (const char *c = o.format.label; c != NULL && *c; c++)
            h = (h ^ (uint8_t)*c) * 0x100000001b3ul;
        memcpy(o.format.uuid, &h, 8);
        h = sfs_sum(h, &h, 8);
        memcpy(o.format.uuid + 8, &h, 8);
    }
    size = o.format.nblocks * SFS_BLOCK;
    snprintf(temporary, sizeof(temporary) - 8, "%s.XXXXXX", o.image);
    fd = mkstemp(temporary);
    if (fd < 0) {
        temporary[0] = 0;
        complain(o.image, errno);
        return 1;
    }
    atexit(remove_temporary);
    signal(SIGINT, interrupted);
    signal(SIGTERM, interrupted);
    signal(SIGHUP, interrupted);
    host_start(1ul << 17);
    d = disk_file(fd, size, "image", false);
    ok = ftruncate(fd, (off_t)size) == 0 || complain(o.image, errno);
    ok = ok && fill(d, &o);
    ok = ok && (fchmod(fd, 0644) == 0 || complain(o.image, errno));
    if (close(fd) != 0)
        ok = complain(o.image, errno);
    if (ok && rename(temporary, o.image) != 0)
        ok = complain(o.image, errno);
    if (ok)
        temporary[0] = 0;
    disk_free(d);
    return ok ? 0 : 1;
}
