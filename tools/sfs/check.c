/* check.c: is an image what it should be?
 *
 * After the journal was replayed: every inode that is used, with all its blocks; every
 * folder; then what only shows when all is known: names against links, what nobody
 * can reach, the maps.  Repair takes away what cannot be (a block number, an entry, an
 * inode), corrects what is counted, and begins again; what has lost its name gets
 * one in lost+found. */
#include "tools/sfs/check.h"

#include "fs/sfs/dir.h"
#include <stdarg.h>

#define PASSES 16

/* --- what is wrong --- */

/* True: repair it. */
bool
check_problem(struct check *c, const char *fmt, ...)
{
    char text[sizeof(c->first)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (c->problems++ == 0)
        memcpy(c->first, text, sizeof(text));
    if (!c->quiet)
        printf("%s%s\n", text, c->repair ? ": repaired" : "");
    if (c->repair)
        c->changes++;
    else
        c->left++;
    return c->repair;
}

bool
check_read(struct check *c, uint32_t block, void *buf)
{
    if (blk_read(&c->disk->dev, (uint64_t)block * SFS_SECTORS, buf,
                 SFS_BLOCK) == 0)
        return true;
    c->failed = true;
    return false;
}

bool
check_write(struct check *c, uint32_t block, const void *buf)
{
    if (blk_write(&c->disk->dev, (uint64_t)block * SFS_SECTORS, buf,
                  SFS_BLOCK) == 0)
        return true;
    c->failed = true;
    return false;
}

/* --- blocks of one inode --- */

/* The inode that is looked at. */
struct looked {
    uint32_t ino;
    struct sfs_dinode *d;
    uint32_t blocks;
    uint32_t entries;
    bool changed;
};

/* BLOCK belongs to L.  False: it cannot. */
static bool
take_block(struct check *c, struct looked *l, uint32_t block)
{
    if (!sfs_is_data(&c->fs, block)) {
        check_problem(c, "inode %u: block %u is none of a file", l->ino, block);
        return false;
    }
    if (c->used[block]) {
        check_problem(c, "inode %u: block %u has another owner", l->ino, block);
        return false;
    }
    c->used[block] = 1;
    l->blocks++;
    return true;
}

/* The number *AT is taken away, if it cannot be.  Returns whether it changed. */
static bool
look_tree(struct check *c, struct looked *l, uint32_t *at, unsigned depth)
{
    uint32_t numbers[SFS_NINDIRECT], block = *at;
    bool changed = false;

    if (depth == 0)
        block &= ~SFS_UNWRITTEN;
    if (*at == 0)
        return false;
    if (!take_block(c, l, block)) {
        *at = 0;
        return true;
    }
    if (depth == 0 || !check_read(c, block, numbers))
        return false;
    for (unsigned i = 0; i < SFS_NINDIRECT; i++)
        changed |= look_tree(c, l, &numbers[i], depth - 1);
    if (changed && c->repair)
        check_write(c, block, numbers);
    return false;
}

static void
look_map(struct check *c, struct looked *l)
{
    for (unsigned i = 0; i < SFS_NDIRECT; i++)
        l->changed |= look_tree(c, l, &l->d->direct[i], 0);
    l->changed |= look_tree(c, l, &l->d->indirect, 1);
    l->changed |= look_tree(c, l, &l->d->dindirect, 2);
}

/* --- folders --- */

/* The entry I of the leaf D leads to something. */
static bool
look_entry(struct check *c, struct looked *l, const struct sfs_dirhead *d,
           unsigned i)
{
    const struct sfs_entry *e = dir_entry(d, i);
    struct found_inode *f = &c->inodes[e->ino];
    bool twice = i > 0 && dir_slots(d)[i].hash == dir_slots(d)[i - 1].hash &&
                 dir_entry(d, i - 1)->len == e->len &&
                 memcmp(dir_entry(d, i - 1)->name, e->name, e->len) == 0;

    if (!f->used || !f->good || f->mode >> 12 != e->type || twice) {
        check_problem(c, "folder %u: %.*s leads to inode %u, which %s", l->ino,
                      e->len, e->name, e->ino,
                      twice                  ? "has this name already"
                      : !f->used || !f->good ? "is none"
                                             : "is of another type");
        return false;
    }
    if ((f->mode & S_IFMT) == S_IFDIR && f->parent != 0) {
        check_problem(c, "folder %u: %.*s is in folder %u already", l->ino,
                      e->len, e->name, f->parent);
        return false;
    }
    if ((f->mode & S_IFMT) == S_IFDIR) {
        f->parent = l->ino;
        c->inodes[l->ino].names++; /* its ".." */
    }
    f->names++;
    l->entries++;
    return true;
}

static void
drop_slot(struct sfs_dirhead *d, unsigned i)
{
    struct sfs_slot *s = dir_slots(d) + i;

    d->gone += (uint16_t)SFS_ENTRY_SIZE(dir_entry(d, i)->len);
    memmove(s, s + 1, (--d->count - i) * sizeof(*s));
}

static void
look_leaf(struct check *c, struct looked *l, uint32_t block,
          struct sfs_dirhead *d, uint64_t from, uint64_t to)
{
    bool changed = false;

    for (unsigned i = 0; i < d->count;) {
        uint32_t hash = dir_slots(d)[i].hash;
        bool ok = hash >= from && hash < to;

        if (!ok)
            check_problem(c, "folder %u: an entry is in the wrong block %u",
                          l->ino, block);
        if (ok && look_entry(c, l, d, i)) {
            i++;
        } else {
            drop_slot(d, i);
            changed = true;
        }
    }
    if (changed && c->repair)
        check_write(c, block, d);
}

/* The block of a folder for the hashes FROM to TO.  False: it cannot be. */
static bool
look_dir(struct check *c, struct looked *l, uint32_t block, unsigned level,
         uint64_t from, uint64_t to)
{
    union {
        struct sfs_dirhead head;
        uint8_t bytes[SFS_BLOCK];
    } u;
    struct sfs_index *x = dir_indexes(&u.head);
    const char *wrong;
    bool changed = false;

    if (!take_block(c, l, block))
        return false;
    if (!check_read(c, block, &u))
        return true;
    wrong = sfs_dir_wrong(&c->fs, &u, l->ino, level);
    if (wrong == NULL && u.head.level > 0 && u.head.count == 0)
        wrong = "is empty";
    if (wrong != NULL) {
        check_problem(c, "folder %u: block %u %s", l->ino, block, wrong);
        c->used[block] = 0;
        l->blocks--;
        return false;
    }
    if (u.head.level == 0) {
        look_leaf(c, l, block, &u.head, from, to);
        return true;
    }
    for (unsigned i = 0; i < u.head.count;) {
        uint64_t lo = i == 0 ? from : MAX(from, x[i].hash);
        uint64_t hi = i + 1u < u.head.count ? MIN(to, x[i + 1].hash) : to;

        if (look_dir(c, l, x[i].block, u.head.level - 1u, lo, hi)) {
            i++;
        } else {
            memmove(x + i, x + i + 1, (--u.head.count - i) * sizeof(*x));
            changed = true;
        }
    }
    if (changed && c->repair)
        check_write(c, block, &u);
    return true;
}

static void
look_folder(struct check *c, struct looked *l)
{
    struct sfs_dinode *d = l->d;

    c->inodes[l->ino].names++; /* its "." */
    if (d->direct[0] != 0 &&
        !look_dir(c, l, d->direct[0], SFS_DIR_LEVELS, 0, 1ul << 32)) {
        d->direct[0] = 0;
        l->changed = true;
    }
    if (d->entries != l->entries &&
        check_problem(c, "folder %u: has %u entries, not %u", l->ino,
                      l->entries, d->entries)) {
        d->entries = l->entries;
        l->changed = true;
    }
}

/* --- all inodes --- */

static void
look_inode(struct check *c, uint32_t ino, struct sfs_dinode *d, bool *changed)
{
    struct looked l = {.ino = ino, .d = d};
    uint32_t type = d->mode & S_IFMT;

    if (type == S_IFREG)
        look_map(c, &l);
    else if (type == S_IFDIR)
        look_folder(c, &l);
    else if (type == S_IFLNK && d->size >= SFS_LINK_INLINE)
        l.changed = look_tree(c, &l, &d->direct[0], 0);
    if (d->nblocks != l.blocks &&
        check_problem(c, "inode %u: has %u blocks, not %u", ino, l.blocks,
                      d->nblocks)) {
        d->nblocks = l.blocks;
        l.changed = true;
    }
    if (type == S_IFDIR && d->size != (uint64_t)l.blocks * SFS_BLOCK) {
        d->size = (uint64_t)l.blocks * SFS_BLOCK;
        l.changed = true;
    }
    *changed |= l.changed;
}

/* Which numbers are used, and are inodes. */
static void
find_inodes(struct check *c)
{
    struct sfs_dinode table[SFS_PER_BLOCK];
    uint8_t map[SFS_BLOCK];
    uint64_t have = UINT64_MAX; /* the block in TABLE */
    const char *wrong;

    for (uint32_t ino = 0; ino < c->fs.ninodes && !c->failed; ino++) {
        struct found_inode *f = &c->inodes[ino];
        struct sfs_dinode *d = &table[ino % SFS_PER_BLOCK];

        if (ino % SFS_BITS == 0)
            check_read(c, c->fs.at.imap + ino / SFS_BITS, map);
        f->used = map[ino % SFS_BITS / 8] >> ino % 8 & 1;
        if (ino == 0 || !f->used)
            continue;
        if (ino / SFS_PER_BLOCK != have) {
            have = ino / SFS_PER_BLOCK;
            check_read(c, c->fs.at.inodes + (uint32_t)have, table);
        }
        wrong = d->mode == 0 ? "is empty" : sfs_inode_wrong(&c->fs, d);
        f->mode = d->mode;
        f->good = wrong == NULL ||
                  ((d->mode & S_IFMT) == S_IFDIR && d->nblocks < c->fs.nblocks);
        if (!f->good && check_problem(c, "inode %u %s", ino, wrong)) {
            memset(d, 0, sizeof(*d));
            check_write(c, c->fs.at.inodes + ino / (uint32_t)SFS_PER_BLOCK,
                        table);
        }
    }
}

static void
look_inodes(struct check *c)
{
    struct sfs_dinode table[SFS_PER_BLOCK];

    for (uint32_t first = 0; first < c->fs.ninodes && !c->failed;
         first += SFS_PER_BLOCK) {
        uint32_t block = c->fs.at.inodes + first / (uint32_t)SFS_PER_BLOCK;
        bool changed = false, any = false;

        for (uint32_t k = 0; k < SFS_PER_BLOCK && first + k < c->fs.ninodes;
             k++)
            any |= c->inodes[first + k].good;
        if (!any || !check_read(c, block, table))
            continue;
        for (uint32_t k = 0; k < SFS_PER_BLOCK && first + k < c->fs.ninodes;
             k++) {
            if (c->inodes[first + k].good)
                look_inode(c, first + k, &table[k], &changed);
        }
        if (changed && c->repair)
            check_write(c, block, table);
    }
}

/* Folders that the root leads to; parents are known. */
static void
find_reached(struct check *c)
{
    for (uint32_t ino = SFS_ROOT; ino < c->fs.ninodes; ino++) {
        struct found_inode *f = &c->inodes[ino];
        uint32_t at = ino, steps = 0;

        if (!f->good)
            continue;
        if ((f->mode & S_IFMT) != S_IFDIR) {
            f->reached = f->names > 0; /* what its folder is, it shows itself */
            continue;
        }
        while (at != SFS_ROOT && at != 0 && steps++ < c->fs.ninodes)
            at = c->inodes[at].parent;
        if (at != SFS_ROOT && at != 0) {
            c->left++;
            check_problem(c, "folder %u is within itself", ino);
        }
        f->reached = at == SFS_ROOT;
    }
}

static void
look_links(struct check *c)
{
    struct sfs_dinode table[SFS_PER_BLOCK];

    for (uint32_t ino = SFS_ROOT; ino < c->fs.ninodes && !c->failed; ino++) {
        struct found_inode *f = &c->inodes[ino];
        uint32_t block = c->fs.at.inodes + ino / (uint32_t)SFS_PER_BLOCK;
        struct sfs_dinode *d = &table[ino % SFS_PER_BLOCK];
        bool changed = false, folder = (f->mode & S_IFMT) == S_IFDIR;
        uint32_t parent = ino == SFS_ROOT ? SFS_ROOT : f->parent;

        if (ino == SFS_ROOT)
            f->names++; /* its ".." */
        if (!f->good || !f->reached || !check_read(c, block, table))
            continue;
        if (d->nlink != f->names &&
            check_problem(c, "inode %u: has %u names, not %u", ino, f->names,
                          d->nlink)) {
            d->nlink = f->names;
            changed = true;
        }
        if (folder && d->parent != parent &&
            check_problem(c, "folder %u: is in %u, not in %u", ino, parent,
                          d->parent)) {
            d->parent = parent;
            changed = true;
        }
        if (changed)
            check_write(c, block, table);
    }
}

/* --- all of it --- */

static bool
open_super(struct check *c)
{
    uint8_t block[SFS_BLOCK];
    const char *wrong;

    if (!check_read(c, 0, block))
        return false;
    memcpy(&c->sb, block, sizeof(c->sb));
    wrong = sfs_super_wrong(&c->sb, c->disk->dev.nsectors / SFS_SECTORS);
    if (wrong != NULL) {
        c->repair = false;
        check_problem(c, "%s", wrong);
        return false;
    }
    c->fs.dev = &c->disk->dev;
    c->fs.sb = &c->sb;
    c->fs.nblocks = c->sb.nblocks;
    c->fs.ninodes = c->sb.ninodes;
    c->fs.at = sfs_places(c->sb.nblocks, c->sb.ninodes, c->sb.half);
    return true;
}

/* As every mount does. */
static bool
replay(struct check *c)
{
    struct sfs *fs;

    if (sfs_mount(&c->disk->dev, false, false, &fs) != 0)
        return false;
    sfs_unmount(&fs->super);
    return true;
}

/* What the journal wants cannot be done: it is taken for done. */
static void
give_up_journal(struct check *c)
{
    uint8_t block[SFS_BLOCK];
    struct sfs_commit *commit = (struct sfs_commit *)block;

    for (unsigned k = 0; k < 2; k++) {
        if (check_read(c, c->fs.at.journal + k * c->sb.half, block) &&
            commit->magic == SFS_COMMIT_MAGIC && commit->tid < 1ul << 46)
            c->sb.clean = MAX(c->sb.clean, commit->tid);
    }
    c->sb.sum = sfs_sum(0, &c->sb, offsetof(struct sfs_super, sum));
    memset(block, 0, sizeof(block));
    memcpy(block, &c->sb, sizeof(c->sb));
    check_write(c, 0, block);
}

static void
pass(struct check *c)
{
    c->used = calloc(c->fs.nblocks, 1);
    c->inodes = calloc(c->fs.ninodes, sizeof(*c->inodes));
    if (c->used == NULL || c->inodes == NULL)
        abort();
    memset(c->used, 1, c->fs.at.data);
    find_inodes(c);
    if (!c->inodes[SFS_ROOT].good ||
        (c->inodes[SFS_ROOT].mode & S_IFMT) != S_IFDIR) {
        c->repair = false;
        check_problem(c, "the root is no folder");
    }
    look_inodes(c);
    find_reached(c);
    look_links(c);
    if (c->changes == 0) /* else the numbers are not the last ones */
        check_maps(c);
    if (c->changes == 0)
        check_adopt(c);
    free(c->used);
    free(c->inodes);
}

int
sfs_check(struct check *c, struct disk *d, bool repair, bool quiet)
{
    bool mounted;

    *c = (struct check){.disk = d, .repair = repair, .quiet = quiet};
    if (!open_super(c))
        return c->failed ? 8 : 4;
    mounted = replay(c);
    if (!mounted && check_problem(c, "it cannot be mounted"))
        give_up_journal(c);
    for (unsigned n = 0; n < PASSES && !c->failed; n++) {
        c->changes = 0;
        if (!open_super(c))
            break;
        pass(c);
        if (c->changes == 0)
            break;
    }
    if (c->failed)
        return 8;
    if (repair && !mounted && !replay(c))
        c->left++;
    return c->left > 0 || c->changes > 0 ? 4 : c->problems > 0 ? 1 : 0;
}
