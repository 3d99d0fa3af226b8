/* repair.c: the last things of a check: the maps, the counts, and names for what
 * has lost its own. */
#include "tools/sfs/check.h"

/* Compare the map at block FIRST with what IS_USED says of each number below N. */
static uint32_t
look_map(struct check *c, const char *what, uint32_t first, uint32_t n,
         bool (*is_used)(struct check *c, uint32_t nr))
{
    uint8_t map[SFS_BLOCK];
    uint32_t free_ones = 0;

    for (uint32_t m = 0; m * (uint64_t)SFS_BITS < n && !c->failed; m++) {
        bool changed = false;

        if (!check_read(c, first + m, map))
            break;
        for (uint32_t bit = 0; bit < SFS_BITS; bit++) {
            uint64_t nr = (uint64_t)m * SFS_BITS + bit;
            bool want = nr >= n || is_used(c, (uint32_t)nr);
            bool have = map[bit / 8] >> bit % 8 & 1;

            free_ones += !want;
            if (want == have)
                continue;
            if (check_problem(c, "%s %lu is %s, and marked %s", what, nr,
                              want ? "used" : "free", have ? "used" : "free")) {
                map[bit / 8] ^= (uint8_t)(1u << bit % 8);
                changed = true;
            }
        }
        if (changed)
            check_write(c, first + m, map);
    }
    return free_ones;
}

static bool
block_used(struct check *c, uint32_t nr)
{
    return c->used[nr];
}

static bool
inode_used(struct check *c, uint32_t nr)
{
    return nr == 0 || c->inodes[nr].good;
}

void
check_maps(struct check *c)
{
    uint8_t block[SFS_BLOCK] = {0};
    uint32_t blocks =
        look_map(c, "block", c->fs.at.freemap, c->fs.nblocks, block_used);
    uint32_t inodes =
        look_map(c, "inode", c->fs.at.imap, c->fs.ninodes, inode_used);

    if (c->failed ||
        (blocks == c->sb.free_blocks && inodes == c->sb.free_inodes))
        return;
    if (!check_problem(c, "%u blocks and %u inodes are free, not %u and %u",
                       blocks, inodes, c->sb.free_blocks, c->sb.free_inodes))
        return;
    c->sb.free_blocks = blocks;
    c->sb.free_inodes = inodes;
    c->sb.sum = sfs_sum(0, &c->sb, offsetof(struct sfs_super, sum));
    memcpy(block, &c->sb, sizeof(c->sb));
    check_write(c, 0, block);
}

/* The folder lost+found, made if need be. */
static int
lost_and_found(struct sfs *fs, struct inode **dir)
{
    struct inode *root = fs->super.root;
    int err = tree_lookup(root, "lost+found", dir);

    if (err != -ENOENT)
        return err;
    tree_lock(root);
    err = root->ops->create(root, "lost+found", 10, S_IFDIR | 0700, 0, dir);
    tree_unlock(root);
    return err;
}

/* INO gets the name "#INO" there; its links are counted in the next pass. */
static int
adopt(struct sfs *fs, struct inode *dir, uint32_t ino)
{
    struct sfs_handle h;
    struct sfs_spot spot;
    char name[16];
    size_t len = (size_t)snprintf(name, sizeof(name), "#%u", ino);
    struct inode *i;
    int err = sfs_inode_get(fs, ino, &i);

    if (err != 0)
        return err;
    i->nlink = MAX(i->nlink, 1u);
    err = journal_begin(&h, fs, 24);
    if (err == 0)
        err = sfs_dir_room(&h, dir, name, len, &spot);
    if (err == 0) {
        err = sfs_dir_add(&h, dir, &spot, name, len, ino, i->mode);
        sfs_path_put(&spot.path);
        if (err == 0)
            err = sfs_store(&h, sfs_inode(i));
    }
    journal_end(&h);
    inode_put(i);
    return err;
}

/* Of folders that lead to each other in a circle, or to lost ones, only the top
 * needs a name; it is one whose parent nobody knows. */
static bool
is_lost(struct check *c, uint32_t ino)
{
    struct found_inode *f = &c->inodes[ino];

    return f->good && !f->reached && f->parent == 0 &&
           (f->names == 0 || (f->mode & S_IFMT) == S_IFDIR);
}

void
check_adopt(struct check *c)
{
    struct inode *dir = NULL;
    struct sfs *fs = NULL;
    int err = 0;

    for (uint32_t ino = SFS_ROOT + 1; ino < c->fs.ninodes && err == 0; ino++) {
        if (!is_lost(c, ino) || !check_problem(c, "inode %u has no name", ino))
            continue;
        if (fs == NULL)
            err = sfs_mount(&c->disk->dev, false, false, &fs);
        if (err == 0 && dir == NULL)
            err = lost_and_found(fs, &dir);
        if (err == 0)
            err = adopt(fs, dir, ino);
    }
    if (dir != NULL)
        inode_put(dir);
    if (fs != NULL)
        sfs_unmount(&fs->super);
    if (err != 0) {
        c->left++;
        complain("lost+found", err);
    }
}
