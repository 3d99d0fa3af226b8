/* format.c: an empty file system: the super block, the two maps, the root. */
#include "tools/sfs/host.h"

#include "fs/sfs/impl.h"
#include <stdio.h>
#include <string.h>

static int
put_block(struct disk *d, uint32_t block, const void *data)
{
    return blk_write(&d->dev, (uint64_t)block * SFS_SECTORS, data, SFS_BLOCK);
}

/* The map that begins at block FIRST: bits below USED and from END on are 1. */
static int
put_map(struct disk *d, uint32_t first, uint32_t nmaps, uint32_t used,
        uint32_t end)
{
    uint8_t map[SFS_BLOCK];
    int err = 0;

    for (uint32_t m = 0; m < nmaps && err == 0; m++) {
        memset(map, 0, sizeof(map));
        for (uint32_t i = 0; i < SFS_BITS; i++) {
            uint64_t nr = (uint64_t)m * SFS_BITS + i;

            if (nr < used || nr >= end)
                map[i / 8] |= (uint8_t)(1u << i % 8);
        }
        err = put_block(d, first + m, map);
    }
    return err;
}

static int
put_root(struct disk *d, const struct sfs_places *p)
{
    struct sfs_dinode table[SFS_PER_BLOCK] = {0};

    table[SFS_ROOT] = (struct sfs_dinode){.mode = S_IFDIR | 0755,
                                          .nlink = 2,
                                          .parent = SFS_ROOT,
                                          .atime = inode_now(),
                                          .mtime = inode_now(),
                                          .ctime = inode_now(),
                                          .btime = inode_now()};
    return put_block(d, p->inodes, table);
}

int
sfs_format(struct disk *d, const struct sfs_format *f)
{
    union {
        struct sfs_super sb;
        uint8_t block[SFS_BLOCK];
    } u = {0};
    uint64_t inodes = f->ninodes ? f->ninodes : f->nblocks / 4;
    uint32_t half =
        (uint32_t)MIN(MAX(f->nblocks / 64, SFS_HALF_MIN), SFS_HALF_MAX);
    struct sfs_places p;
    int err;

    if (f->nblocks > SFS_MAX_BLOCKS || inodes > SFS_MAX_BLOCKS)
        return -EFBIG;
    inodes = ROUND_UP(MAX(inodes, 32ul), SFS_PER_BLOCK);
    p = sfs_places((uint32_t)f->nblocks, (uint32_t)inodes, half);
    if (p.data + 8 > f->nblocks)
        return -ENOSPC;
    u.sb = (struct sfs_super){.magic = SFS_MAGIC,
                              .version = SFS_VERSION,
                              .block_size = SFS_BLOCK,
                              .incompat = SFS_INCOMPAT,
                              .nblocks = (uint32_t)f->nblocks,
                              .ninodes = (uint32_t)inodes,
                              .half = half,
                              .free_blocks = (uint32_t)f->nblocks - p.data,
                              .free_inodes = (uint32_t)inodes - 2,
                              .made = inode_now()};
    memcpy(u.sb.uuid, f->uuid, sizeof(f->uuid));
    u.sb.hash_seed = sfs_sum(1, f->uuid, sizeof(f->uuid));
    snprintf(u.sb.label, sizeof(u.sb.label), "%s", f->label ? f->label : "");
    u.sb.sum = sfs_sum(0, &u.sb, offsetof(struct sfs_super, sum));
    err =
        put_map(d, p.freemap, p.imap - p.freemap, p.data, (uint32_t)f->nblocks);
    if (err == 0)
        err = put_map(d, p.imap, p.inodes - p.imap, SFS_ROOT + 1,
                      (uint32_t)inodes);
    if (err == 0)
        err = put_root(d, &p);
    return err == 0 ? put_block(d, 0, &u) : err;
}
