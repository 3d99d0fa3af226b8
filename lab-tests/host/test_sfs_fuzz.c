/* test_sfs_fuzz.c: damaged disks.
 *
 * Blocks of metadata of a good image are changed at random (a bit, a byte, a
 * number, a block that is zero or another one's), with sums made right again, so
 * that the damage gets past them.  Each image is mounted, everything is listed and
 * read, and then changed.  Nothing may crash, hang or say more than one line; all
 * memory must come back.  IMAGES=n: how many; SEED=n. */
#include "sfs_world.h"

#include <unistd.h>

static char *good, *data;
static struct disk *disk;
static uint64_t seed = 0x2545f4914f6cdd1d;
static uint32_t interesting[256]; /* blocks with metadata */
static unsigned ninteresting;

static uint32_t
roll(uint32_t n)
{
    return (uint32_t)(shim_random(&seed) % n);
}

static void
make_good(void)
{
    static char buf[SFS_BLOCK * 2];
    char path[300], text[200];

    w_format(disk, data, 64);
    if (w_mount(disk) != 0)
        abort();
    memset(text, 't', sizeof(text) - 1);
    w_create("/d", S_IFDIR | 0755, NULL);
    w_create("/d/e", S_IFDIR | 0755, NULL);
    w_create("/d/short", 0, "a link");
    w_create("/d/long", 0, text);
    for (unsigned k = 0; k < 40; k++) {
        snprintf(path, sizeof(path), "/d/%0150u", k);
        w_create(path, S_IFREG | 0644, NULL);
    }
    w_create("/file", S_IFREG | 0644, NULL);
    w_write("/file", 0, buf, sizeof(buf));
    w_write("/file", 200000, buf, 100);
    w_write("/file", 5000000, buf, 100);
    w_link("/file", "/d/e/again");
    w_unmount();
    memcpy(good, data, W_SIZE);
}

/* All but data, and of the journal only the first blocks. */
static void
find_interesting(void)
{
    struct sfs_super *sb = (struct sfs_super *)good;
    struct sfs_places p = sfs_places(sb->nblocks, sb->ninodes, sb->half);
    const uint8_t *map = (uint8_t *)good + SFS_BLOCK;

    for (uint32_t b = 0; b < W_BLOCKS && ninteresting < 256; b++) {
        bool journal = b >= p.journal && b < p.data;
        uint32_t in_half = (b - p.journal) % sb->half;

        if (journal ? in_half < 3 : b < p.journal || map[b / 8] >> b % 8 & 1)
            interesting[ninteresting++] = b;
    }
}

static void
change(uint32_t block)
{
    char *at = data + (size_t)block * SFS_BLOCK;
    uint32_t word = roll(SFS_BLOCK / 4) * 4, other;
    static const uint32_t values[] = {
        0, 1, 2, 64, 399, 400, 63, 0xff, 0x7fffffff, 0xffffffff, 173};

    if (roll(4) == 0)
        word = roll(64) * 4; /* heads are at the front */
    memcpy(&other, at + word, 4);
    switch (roll(7)) {
    case 0:
        at[roll(SFS_BLOCK)] ^= (char)(1u << roll(8));
        break;
    case 1:
        at[word + roll(4)] = (char)roll(256);
        break;
    case 2:
        other = values[roll(ARRAY_LEN(values))];
        memcpy(at + word, &other, 4);
        break;
    case 3:
        other += roll(9) - 4;
        memcpy(at + word, &other, 4);
        break;
    case 4:
        other = roll(W_BLOCKS);
        memcpy(at + word, &other, 4);
        break;
    case 5:
        memset(at + word, roll(2) ? 0 : 0xff, SFS_BLOCK - word);
        break;
    default:
        memcpy(at, data + (size_t)interesting[roll(ninteresting)] * SFS_BLOCK,
               SFS_BLOCK);
    }
}

static void
right_sums(void)
{
    struct sfs_super *sb = (struct sfs_super *)data;
    struct sfs_places p = sfs_places(((struct sfs_super *)good)->nblocks,
                                     ((struct sfs_super *)good)->ninodes,
                                     ((struct sfs_super *)good)->half);

    if (roll(8) == 0)
        sb->clean = 0; /* replay */
    sb->sum = sfs_sum(0, sb, offsetof(struct sfs_super, sum));
    for (unsigned k = 0; k < 2; k++) {
        uint32_t half = ((struct sfs_super *)good)->half;
        char *at = data + (size_t)(p.journal + k * half) * SFS_BLOCK;
        struct sfs_commit *c = (struct sfs_commit *)at;

        if (c->nblocks > half - 5)
            continue;
        c->logged = 0;
        for (uint32_t i = 0; i < SFS_LIST_BLOCKS + c->nblocks; i++)
            c->logged = sfs_sum(c->logged, at + (i + 1) * SFS_BLOCK, SFS_BLOCK);
        c->sum = sfs_sum(0, c, offsetof(struct sfs_commit, sum));
    }
}

static void
read_all(struct inode *dir, unsigned depth)
{
    static char buf[1 << 16];
    struct tree_entry *e;
    size_t n;

    if (tree_list(dir, &e, &n) == 0 && depth < 6) {
        for (size_t k = 0; k < n && k < 100; k++) {
            struct inode *i;

            if (tree_lookup(dir, e[k].name, &i) != 0)
                continue;
            if (i->object != NULL) {
                object_read(i->object, 0, buf, sizeof(buf));
                object_read(i->object, i->object->size - 100, buf, 100);
            }
            i->ops->readlink(i, buf, sizeof(buf));
            if ((i->mode & S_IFMT) == S_IFDIR)
                read_all(i, depth + 1);
            inode_put(i);
        }
    }
    free(e);
}

static void
change_all(void)
{
    char path[300];

    w_create("/d/new", S_IFREG | 0644, NULL);
    w_create("/newdir", S_IFDIR | 0755, NULL);
    w_write("/d/new", 100000, "text", 4);
    w_write("/file", 4096, "text", 4);
    w_rename("/d/new", "/file");
    w_truncate("/d/e/again", 100);
    w_sync();
    for (unsigned k = 0; k < 40; k += 3) {
        snprintf(path, sizeof(path), "/d/%0150u", k);
        w_unlink(path);
    }
    w_link("/d/e/again", "/d/e/more");
    w_unlink("/d/e/again");
    w_unlink("/d/long");
    w_truncate("/file", 0);
}

static bool
one_image(void)
{
    size_t frames = host_frames_used(), objects = host_objects();
    unsigned lines = shim_lines;

    memcpy(data, good, W_SIZE);
    for (unsigned k = roll(3) + 1; k > 0; k--)
        change(interesting[roll(ninteresting)]);
    right_sums();
    if (w_mount(disk) == 0) {
        read_all(w_fs->super.root, 0);
        change_all();
        w_unmount();
    }
    if (shim_lines - lines > 1 || host_frames_used() != frames ||
        host_objects() != objects) {
        printf("  %u lines, %ld frames, %ld objects\n", shim_lines - lines,
               (long)(host_frames_used() - frames),
               (long)(host_objects() - objects));
        return false;
    }
    return true;
}

static unsigned images = 3000;

static bool
test_damaged_images(void)
{
    unsigned said;

    shim_quiet = true;
    for (unsigned n = 0; n < images; n++) {
        uint64_t was = seed;

        alarm(60);
        if (!one_image()) {
            printf("  image %u, SEED=%#lx\n", n, was);
            return false;
        }
    }
    alarm(0);
    said = shim_lines;
    shim_quiet = false;
    printf("# %u images, %u of them said what is wrong\n", images, said);
    return said > images / 4;
}

/* Whatever it finds, fsck.sfs ends, and what it says it repaired is good. */
static bool
test_repair(void)
{
    unsigned repaired = 0, left = 0, clean = 0;

    shim_quiet = true;
    for (unsigned n = 0; n < images / 10; n++) {
        struct check c, again;
        uint64_t was = seed;
        int status;

        alarm(60);
        memcpy(data, good, W_SIZE);
        for (unsigned k = roll(3) + 1; k > 0; k--)
            change(interesting[roll(ninteresting)]);
        right_sums();
        status = sfs_check(&c, disk, true, true);
        clean += status == 0;
        repaired += status == 1;
        left += status == 4;
        if (status == 1 && sfs_check(&again, disk, false, true) != 0) {
            printf("  image %u, SEED=%#lx: %s; then %s\n", n, was, c.first,
                   again.first);
            return false;
        }
    }
    alarm(0);
    shim_quiet = false;
    printf("# %u clean, %u repaired, %u not\n", clean, repaired, left);
    return repaired > left;
}

int
main(void)
{
    if (getenv("IMAGES") != NULL)
        images = (unsigned)atoi(getenv("IMAGES"));
    else if (getenv("FAST") != NULL)
        images = 1000;
    if (getenv("SEED") != NULL)
        seed = strtoull(getenv("SEED"), NULL, 0);
    host_start(4096);
    good = malloc(W_SIZE);
    data = malloc(W_SIZE);
    disk = disk_memory(data, W_SIZE, "fuzz");
    make_good();
    find_interesting();
    RUN(damaged_images);
    RUN(repair);
    disk_free(disk);
    free(good);
    free(data);
    return shim_summary("test_sfs_fuzz");
}
