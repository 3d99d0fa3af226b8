/* namecache.c: adds names that were looked up lately to fs/namei.c; a first
 * reader may skip it.
 *
 *     (folder, name) ──hash──> set of four: name -> inode     there it is
 *                                           name -> NULL      it is not there
 *
 * A walk that finds its name here takes no folder's lock and asks no file
 * system.  An entry that says where holds a reference of that inode.  What is
 * entered is what a look-up under the folder's lock just said, and who changes a
 * name enters what it is now under that lock, so an entry is never wrong, only a moment
 * old, as any answer is.
 *
 * The folder is known by its ident, which no other inode ever has, so entries of
 * a folder that is gone cannot be found any more; they are pushed out.  A new name
 * takes the place of the oldest of its set: there is no list to keep. */
#include "fs/walk.h"

#include "mm/kmalloc.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

#define SETS 1024u
#define WAYS 4u

struct known {
    uint64_t dir, hash; /* DIR's ident, the hash of the name alone */
    struct super *super;
    struct inode *inode; /* a reference, or NULL: not there */
    uint8_t len;
    char name[];
};

static struct set { /* one cache line */
    struct spinlock lock;
    struct known *way[WAYS]; /* [lock] the newest first */
} __attribute__((aligned(64)))
sets[SETS] = {[0 ... SETS - 1] = {.lock = SPINLOCK_INIT(RANK_NAMES)}};

static inline struct set *
set_of(const struct inode *dir, const struct name *n)
{
    return &sets[(n->hash + dir->ident) % SETS]; /* both are mixed */
}

static bool
remembers(const struct inode *dir)
{
    return dir->super != NULL && dir->super->ops->keep_names;
}

static inline bool
is_same(const struct known *k, const struct inode *dir, const struct name *n)
{
    return k->hash == n->hash && k->dir == dir->ident && k->len == n->len &&
           (n->len <= NAME_HASH_EXACT || memcmp(k->name, n->text, n->len) == 0);
}

/* What is known of the name, or NULL.  => S locked */
static inline struct known *
find(struct set *s, const struct inode *dir, const struct name *n)
{
    for (struct known **way = s->way; way < s->way + WAYS; way++) {
        struct known *k = *way;

        if (k != NULL && is_same(k, dir, n))
            return k;
    }
    return NULL;
}

static inline __attribute__((always_inline)) int
known(struct inode *dir, const struct name *n, struct inode **found)
{
    struct set *s = set_of(dir, n);
    struct inode *i = NULL;
    struct known *k;

    irq_off();
    spin_lock_off(&s->lock, RANK_NAMES);
    k = find(s, dir, n);
    if (k != NULL)
        i = k->inode;
    if (i != NULL)
        inode_get(i);
    spin_unlock_off(&s->lock, RANK_NAMES);
    irq_restore();
    *found = i;
    return k == NULL ? 1 : i == NULL ? -ENOENT : 0;
}

int
name_cached(struct inode *dir, const struct name *n, struct inode **found)
{
    return known(dir, n, found);
}

/* Is a walk to look at I, for it is more than a name? */
static inline bool
is_special(struct inode *i)
{
    return (i->mode & S_IFMT) == S_IFLNK || atomic_load(&i->mounted) != NULL;
}

int
names_walk(struct step *s)
{
    const char *rest = s->rest, *from;
    struct inode *at = s->at, *next;
    bool owned = s->owned;
    struct name n;
    int err = 0;

    for (;;) {
        from = rest;
        rest = next_name(from, &n);
        if (n.len == 0 || (n.len <= 2 && n.text[0] == '.') ||
            stops_before(s, rest))
            break;
        err = known(at, &n, &next);
        if (err != 0)
            break;
        if (unlikely(is_special(next))) {
            inode_put(next);
            break;
        }
        if (owned)
            inode_put(at);
        at = next;
        owned = true;
        if (*rest == 0) {
            n = (struct name){.text = from = rest};
            break;
        }
    }
    s->at = at;
    s->owned = owned;
    s->slash = n.text != from;
    s->unknown = err > 0;
    s->name = n;
    s->rest = rest;
    return MIN(err, 0);
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

/* K, whose name S has not, takes a free place or that of the oldest, which is
 * returned.  => S locked */
static struct known *
enter(struct set *s, struct known *k)
{
    unsigned w = 0;
    struct known *old;

    while (w < WAYS - 1 && s->way[w] != NULL)
        w++;
    old = s->way[w];
    for (; w > 0; w--)
        s->way[w] = s->way[w - 1];
    s->way[0] = k;
    return old;
}

static NOINLINE void
name_new(struct inode *dir, const struct name *n, struct inode *i)
{
    struct known *k = kmalloc(sizeof(*k) + n->len), *old;
    struct set *s;

    if (k == NULL)
        return;
    *k = (struct known){.dir = dir->ident,
                        .hash = n->hash,
                        .super = dir->super,
                        .inode = i,
                        .len = (uint8_t)n->len};
    memcpy(k->name, n->text, n->len);
    if (i != NULL)
        inode_get(i);
    s = set_of(dir, n);
    spin_lock(&s->lock);
    old = enter(s, k);
    spin_unlock(&s->lock);
    known_free(old);
}

void
name_learned(struct inode *dir, const struct name *n, struct inode *i)
{
    struct set *s = set_of(dir, n);
    struct inode *old = i;
    struct known *k;

    if (!remembers(dir))
        return;
    irq_off();
    spin_lock_off(&s->lock, RANK_NAMES);
    k = find(s, dir, n);
    if (k != NULL) {
        old = k->inode;
        k->inode = i;
        if (i != NULL)
            inode_get(i);
    }
    spin_unlock_off(&s->lock, RANK_NAMES);
    irq_restore();
    if (k == NULL)
        name_new(dir, n, i); /* nobody else enters it: DIR is locked */
    else
        inode_put(old);
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
