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

#define SETS 1024u
#define WAYS 4u

struct known {
    uint64_t dir, hash; /* DIR's ident */
    struct super *super;
    struct inode *inode; /* a reference, or NULL: not there */
    uint8_t len;
    char name[];
};

static struct set {
    struct spinlock lock;
    struct known *way[WAYS]; /* [lock] the newest first */
} sets[SETS] = {[0 ... SETS - 1] = {.lock = SPINLOCK_INIT(RANK_NAMES)}};

static uint64_t
hash_of(const struct inode *dir, const struct name *n)
{
    return n->hash + dir->ident * 0x9e3779b97f4a7c15ul;
}

static struct set *
set_of(uint64_t hash)
{
    return &sets[(hash ^ hash >> 20) % SETS];
}

static bool
remembers(const struct inode *dir)
{
    return dir->super != NULL && dir->super->ops->keep_names;
}

/* They have the same hash.  Are they the same? */
static inline bool
is_same(const struct known *k, const struct inode *dir, const struct name *n)
{
    return k->dir == dir->ident && k->len == n->len &&
           (n->len <= NAME_HASH_EXACT || memcmp(k->name, n->text, n->len) == 0);
}

/* The place of the name in its set, or WAYS.  => S locked */
static inline unsigned
place(const struct set *s, const struct inode *dir, uint64_t hash,
      const struct name *n)
{
    unsigned w = 0;

    for (; w < WAYS; w++) {
        const struct known *k = s->way[w];

        if (k != NULL && k->hash == hash && is_same(k, dir, n))
            break;
    }
    return w;
}

int
name_cached(struct inode *dir, const struct name *n, struct inode **found)
{
    uint64_t hash = hash_of(dir, n);
    struct set *s = set_of(hash);
    struct inode *i = NULL;
    unsigned w;

    irq_off();
    spin_lock_off(&s->lock, RANK_NAMES);
    w = place(s, dir, hash, n);
    if (w < WAYS) {
        i = s->way[w]->inode;
        if (i != NULL)
            inode_get(i);
    }
    spin_unlock_off(&s->lock, RANK_NAMES);
    irq_restore();
    *found = i;
    return w == WAYS ? 1 : i == NULL ? -ENOENT : 0;
}

static void
known_free(struct known *k)
{
    if (k == NULL)
        return;
    if (k->inode != NULL)
        inode_put(k->inode);
    kfree(k);
}

void
name_changed(struct inode *dir, const struct name *n)
{
    uint64_t hash = hash_of(dir, n);
    struct set *s = set_of(hash);
    struct known *k = NULL;
    unsigned w;

    spin_lock(&s->lock);
    w = place(s, dir, hash, n);
    if (w < WAYS) {
        k = s->way[w];
        s->way[w] = NULL;
    }
    spin_unlock(&s->lock);
    known_free(k);
}

void
name_learned(struct inode *dir, const struct name *n, struct inode *i)
{
    struct known *k = remembers(dir) ? kmalloc(sizeof(*k) + n->len) : NULL,
                 *old;
    struct set *s;
    unsigned w;

    if (k == NULL)
        return;
    *k = (struct known){.dir = dir->ident,
                        .hash = hash_of(dir, n),
                        .super = dir->super,
                        .inode = i,
                        .len = (uint8_t)n->len};
    memcpy(k->name, n->text, n->len);
    if (i != NULL)
        inode_get(i);
    s = set_of(k->hash);
    spin_lock(&s->lock);
    w = place(s, dir, k->hash, n);
    if (w == WAYS) { /* as it should be: then a free way, or the oldest */
        for (w = 0; w < WAYS - 1 && s->way[w] != NULL;)
            w++;
    }
    old = s->way[w];
    for (; w > 0; w--)
        s->way[w] = s->way[w - 1];
    s->way[0] = k;
    spin_unlock(&s->lock);
    known_free(old);
}

void
names_forget(struct super *s)
{
    for (unsigned n = 0; n < SETS * WAYS; n++) {
        struct set *set = &sets[n / WAYS];
        struct known **at = &set->way[n % WAYS], *k;

        spin_lock(&set->lock);
        k = *at;
        if (k != NULL && (s == NULL || k->super == s))
            *at = NULL;
        else
            k = NULL;
        spin_unlock(&set->lock);
        known_free(k);
    }
}
