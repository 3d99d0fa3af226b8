/* namecache.c: adds names that were looked up lately to fs/namei.c; a first
 * reader may skip it.
 *
 *     (folder, name) ──hash──> set of four: name -> inode     there it is
 *                                           name -> NULL      it is not there
 *
 * A walk that finds its name here takes no folder's lock and asks no file
 * system.  An entry that says where holds a reference of that inode.  What is
 * entered is what a look-up under the folder's lock just said, and who changes a
 * name takes it out under that lock, so an entry is never wrong, only a moment
 * old, as any answer is.
 *
 * The folder is known by its ident, which no other inode ever has, so entries of
 * a folder that is gone cannot be found any more; they are pushed out.  A new name
 * takes the place of the oldest of its set: there is no list to keep. */
#include "fs/inode.h"
#include "fs/namehash.h"

#include "mm/kmalloc.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

#define SETS  1024u
#define WAYS  4u
#define LOCKS 64u

struct known {
    uint64_t dir, hash; /* DIR's ident */
    struct super *super;
    struct inode *inode; /* a reference, or NULL: not there */
    uint8_t len;
    char name[];
};

static struct {
    struct known *way[WAYS]; /* [lock of the set] the newest first */
} sets[SETS];

static struct spinlock locks[LOCKS] = {[0 ... LOCKS - 1] =
                                           SPINLOCK_INIT(RANK_NAMES)};

static uint64_t
hash_of(const struct inode *dir, const char *name, size_t len)
{
    return name_hash(name, len) + dir->ident * 0x9e3779b97f4a7c15ul;
}

static unsigned
set_of(uint64_t hash)
{
    return (unsigned)((hash ^ hash >> 20) % SETS);
}

static bool
remembers(const struct inode *dir)
{
    return dir->super != NULL && dir->super->ops->keep_names;
}

/* The place of the name in its set, or WAYS.  => set locked */
static unsigned
place(unsigned set, const struct inode *dir, uint64_t hash, const char *name,
      size_t len)
{
    unsigned w = 0;

    for (; w < WAYS; w++) {
        const struct known *k = sets[set].way[w];

        if (k != NULL && k->hash == hash && k->dir == dir->ident &&
            k->len == len && memcmp(k->name, name, len) == 0)
            break;
    }
    return w;
}

int
name_cached(struct inode *dir, const char *name, size_t len,
            struct inode **found)
{
    uint64_t hash = hash_of(dir, name, len);
    unsigned set = set_of(hash), w;
    int r = 1;

    spin_lock(&locks[set % LOCKS]);
    w = place(set, dir, hash, name, len);
    if (w < WAYS) {
        *found = sets[set].way[w]->inode;
        r = *found == NULL ? -ENOENT : 0;
        if (r == 0)
            inode_get(*found);
    }
    spin_unlock(&locks[set % LOCKS]);
    return r;
}

static void
known_free(struct known *k)
{
    if (k != NULL && k->inode != NULL)
        inode_put(k->inode);
    kfree(k);
}

void
name_changed(struct inode *dir, const char *name, size_t len)
{
    uint64_t hash = hash_of(dir, name, len);
    unsigned set = set_of(hash), w;
    struct known *k = NULL;

    spin_lock(&locks[set % LOCKS]);
    w = place(set, dir, hash, name, len);
    if (w < WAYS) {
        k = sets[set].way[w];
        sets[set].way[w] = NULL;
    }
    spin_unlock(&locks[set % LOCKS]);
    known_free(k);
}

void
name_learned(struct inode *dir, const char *name, size_t len, struct inode *i)
{
    struct known *k = remembers(dir) ? kmalloc(sizeof(*k) + len) : NULL, *old;
    unsigned set, w;

    if (k == NULL)
        return;
    *k = (struct known){.dir = dir->ident,
                        .hash = hash_of(dir, name, len),
                        .super = dir->super,
                        .inode = i,
                        .len = (uint8_t)len};
    memcpy(k->name, name, len);
    if (i != NULL)
        inode_get(i);
    set = set_of(k->hash);
    spin_lock(&locks[set % LOCKS]);
    w = place(set, dir, k->hash, name, len);
    if (w == WAYS) { /* as it should be: then a free way, or the oldest */
        for (w = 0; w < WAYS - 1 && sets[set].way[w] != NULL;)
            w++;
    }
    old = sets[set].way[w];
    for (; w > 0; w--)
        sets[set].way[w] = sets[set].way[w - 1];
    sets[set].way[0] = k;
    spin_unlock(&locks[set % LOCKS]);
    known_free(old);
}

void
names_forget(struct super *s)
{
    for (unsigned n = 0; n < SETS * WAYS; n++) {
        unsigned set = n / WAYS, w = n % WAYS;
        struct known *k;

        spin_lock(&locks[set % LOCKS]);
        k = sets[set].way[w];
        if (k != NULL && (s == NULL || k->super == s))
            sets[set].way[w] = NULL;
        else
            k = NULL;
        spin_unlock(&locks[set % LOCKS]);
        known_free(k);
    }
}
