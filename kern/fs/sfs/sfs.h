/* sfs.h: the simple file system on a disk.
 *
 * All numbers are little-endian.  A disk is blocks of 4 KiB; a block has a number
 * of 32 bits, of which the highest is free for a flag, so a disk has at most
 * 8 TiB.  What lies where follows from three numbers in the super block: how many
 * blocks, how many inodes, how long half a journal is.
 *
 *      block 0   1             ...            ...          ...           ...
 *     +-------+--------------+--------------+------------+-------------+------+
 *     | super | freemap:     | inode map:   | inodes,    | journal:    | data |
 *     | block | 1 bit/block  | 1 bit/inode  | 16 a block | two halves  | ...  |
 *     +-------+--------------+--------------+------------+-------------+------+
 *
 * A bit of a map is 1 if the block or inode is used, or does not exist.
 *
 * An inode is 256 bytes; number 0 is none, number 1 the root folder.  Its map says
 * which block holds which page of the file:
 *
 *     direct[38] ------------------------------------> data      152 KiB
 *     indirect ------> 1,024 numbers ----------------> data      + 4 MiB
 *     dindirect -----> 1,024 ------> 1,024 numbers --> data      + 4 GiB
 *
 * Number 0 is a hole and reads as zeros; so does a number with SFS_UNWRITTEN, whose
 * block is the file's already (fallocate).  A symbolic link of less than 160
 * bytes stands in the inode instead of the map, a longer one in block direct[0].
 *
 * A folder is a tree ordered by the hash of the names; direct[0] is its top.
 * "." and ".." are no entries; the inode knows its parent.
 *
 *     top: level n > 0   [ head | hash, block | hash, block | ...          ]
 *                                       v
 *     leaf: level 0      [ head | slot slot slot ->      <- entry entry entry ]
 *                                 hash, minor, at ------------^ number, name
 *
 * Slots are in the order of (hash, minor), which is the position of an entry for
 * readdir; entries of one hash have different minors and are in one leaf.
 *
 * One half of the journal holds transaction n, the other n - 1:
 *
 *     | commit block | list: 4 blocks | logged blocks, in the order of the list |
 *
 * The list names the blocks, then the inodes that were to be freed when their last
 * user went away, or to be cut (orphans): a crash is followed by doing it.  The
 * valid half of the higher number is copied to its places at mount, unless it
 * is not newer than super.clean. */
#ifndef KERN_FS_SFS_SFS_H
#define KERN_FS_SFS_SFS_H

#include <stddef.h>
#include <stdint.h>

#define SFS_MAGIC      0x3153465376536375ul /* "ucSvSFS1" */
#define SFS_VERSION    1u
#define SFS_BLOCK      4096u
#define SFS_BITS       (SFS_BLOCK * 8) /* of a block of a map */
#define SFS_PER_BLOCK  (SFS_BLOCK / sizeof(struct sfs_dinode))
#define SFS_NDIRECT    38u
#define SFS_NINDIRECT  1024u
#define SFS_UNWRITTEN  0x80000000u
#define SFS_MAX_BLOCKS 0x7fffffffu
#define SFS_MAX_PAGES \
    (SFS_NDIRECT + SFS_NINDIRECT + (uint64_t)SFS_NINDIRECT * SFS_NINDIRECT)
#define SFS_LINK_INLINE 160u
#define SFS_ROOT        1u
#define SFS_LINK_MAX    65000u

/* Features this code knows: of COMPAT an older one may ignore what it does not
 * know, with unknown RO_COMPAT it must not write, with unknown INCOMPAT it must
 * not even read. */
#define SFS_COMPAT    0u
#define SFS_RO_COMPAT 0u
#define SFS_INCOMPAT  1u /* bit 0: folders ordered by hash */

/* 512 bytes, so that one sector changes it at once. */
struct sfs_super {
    uint64_t magic;
    uint32_t version, block_size;
    uint32_t compat, ro_compat, incompat;
    uint32_t nblocks, ninodes;
    uint32_t half; /* blocks of half a journal */
    uint32_t free_blocks, free_inodes;
    uint64_t clean;     /* the transaction after which all is in its place */
    uint64_t hash_seed; /* of the names */
    int64_t made;       /* ns since 1970 */
    uint8_t uuid[16];
    char label[32]; /* with its NUL */
    uint32_t zero[96];
    uint64_t sum; /* sfs_sum() of what is before */
};

struct sfs_dinode {
    uint32_t mode, nlink, uid, gid;
    uint64_t size; /* of a folder: its blocks in bytes */
    uint64_t rdev;
    int64_t atime, mtime, ctime, btime; /* ns since 1970 */
    uint32_t nblocks;                   /* all that it has */
    uint32_t parent;                    /* of a folder */
    uint32_t entries;                   /* of a folder */
    uint32_t flags, zero[4];            /* 0 */
    union {
        struct {
            uint32_t direct[SFS_NDIRECT], indirect, dindirect;
        };
        char link[SFS_LINK_INLINE];
    };
};

#define SFS_DIR_MAGIC 0x52494453u /* "SDIR" */

struct sfs_dirhead {
    uint32_t magic;
    uint32_t ino; /* of the folder */
    uint16_t count;
    uint16_t level;
    uint16_t heap; /* leaf: where the lowest entry begins */
    uint16_t gone; /* leaf: bytes behind it that are no entry's any more */
};

struct sfs_slot {
    uint32_t hash;
    uint16_t minor, at;
};

struct sfs_entry { /* its size is a multiple of 4 */
    uint32_t ino;
    uint8_t type; /* mode >> 12 */
    uint8_t len;
    char name[]; /* no NUL */
};

struct sfs_index { /* hashes from HASH on are in BLOCK; the first is 0 */
    uint32_t hash, block;
};

#define SFS_DIR_ROOM   (SFS_BLOCK - sizeof(struct sfs_dirhead))
#define SFS_DIR_FANOUT (SFS_DIR_ROOM / sizeof(struct sfs_index))
#define SFS_DIR_LEVELS 3u /* a leaf and two levels above */
#define SFS_ENTRY_SIZE(len) \
    ((uint32_t)(offsetof(struct sfs_entry, name) + (len) + 3) & ~3u)

#define SFS_COMMIT_MAGIC 0x74696d6d6f634653ul
#define SFS_LIST_BLOCKS  4u
#define SFS_LIST_MAX     (SFS_LIST_BLOCKS * SFS_BLOCK / 4)
#define SFS_HALF_MIN     64u
#define SFS_HALF_MAX     1024u

struct sfs_commit {
    uint64_t magic, tid;
    uint32_t nblocks, norphans;
    uint64_t logged; /* sfs_sum() of the list and the logged blocks */
    uint64_t sum;    /* of what is before */
};

_Static_assert(sizeof(struct sfs_super) == 512, "one sector");
_Static_assert(sizeof(struct sfs_dinode) == 256, "16 a block");
_Static_assert(sizeof(struct sfs_dirhead) == 16, "aligned slots");

/* Where the parts begin. */
struct sfs_places {
    uint32_t freemap, imap, inodes, journal, data;
};

static inline struct sfs_places
sfs_places(uint32_t nblocks, uint32_t ninodes, uint32_t half)
{
    struct sfs_places p = {.freemap = 1};

    p.imap =
        p.freemap + (uint32_t)(((uint64_t)nblocks + SFS_BITS - 1) / SFS_BITS);
    p.inodes = p.imap + ninodes / SFS_BITS + 1;
    p.journal = p.inodes + ninodes / (uint32_t)SFS_PER_BLOCK + 1;
    p.data = p.journal + 2 * half;
    return p;
}

/* A sum of N bytes, a multiple of 8, that goes on from SEED.  Not against malice:
 * it tells whether all of it was written. */
static inline uint64_t
sfs_sum(uint64_t seed, const void *data, size_t n)
{
    const uint64_t *w = data;
    uint64_t h = seed ^ 0x9e3779b97f4a7c15ul;

    for (size_t i = 0; i < n / 8; i++) {
        h = (h ^ w[i]) * 0xff51afd7ed558ccdul;
        h ^= h >> 32;
    }
    return h;
}

static inline uint32_t
sfs_hash(uint64_t seed, const char *name, size_t len)
{
    uint64_t h = seed ^ len;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)name[i]) * 0x100000001b3ul;
    h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9ul;
    return (uint32_t)(h >> 32);
}

#endif
