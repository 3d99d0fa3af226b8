/* icache.c: inodes in memory.
 *
 *     (file system, number) ──hash──> bucket: inode, inode ...
 *     unused, longest first ────────> inode, inode ...     refs 0, has names
 *     a file system ────────────────> all of its own, for unmount
 *
 * So a file has one inode, however many names and open files lead to it; two would
 * mean two sets of pages.  The count of references falls to zero only under
 * inode_lock: whoever finds an inode in the table, under that lock, may take a
 * reference, and whoever took the last one back knows that nobody will.  Only who
 * comes from the list of dirty objects pins an inode without it, even an unused
 * one; retire() decides who is first. */
#include "fs/icache.h"

#include "mm/bootmem.h"
#include "mm/pmm.h"
#include <atomic.h>

#define BUCKETS 1024u
#define UNUSED_MAX \
    8192u /* unused inodes that stay, if there is memory for them: */
#define PAGES_EACH 16u /* one for so many pages of the machine, and only */
#define UNUSED_FEW 64u /* so many while memory is short */

struct spinlock inode_lock = SPINLOCK_INIT(RANK_ICACHE);

static struct list buckets[BUCKETS]; /* [inode_lock] NULLs: empty */
static struct list unused_list = LIST_INIT(unused_list); /* [inode_lock] */
static size_t unused_count;                              /* [a] */

static struct list *
bucket_of(const struct super *s, uint64_t ino)
{
    uint64_t h = (s->dev * 31 + ino) * 0x9e3779b97f4a7c15ul;
    struct list *b = &buckets[h >> 54];

    if (b->next == NULL)
        list_init(b);
    return b;
}

/* The inode, with a reference, or NULL.  => inode_lock */
static struct inode *
take(struct super *s, uint64_t ino)
{
    list_for_each_entry (i, bucket_of(s, ino), struct inode, hash) {
        if (i->ino != ino || i->super != s)
            continue;
        inode_get(i);
        if (!list_empty(&i->unused)) {
            list_del(&i->unused);
            unused_count--;
        }
        return i;
    }
    return NULL;
}

static void
enter(struct super *s, struct inode *i)
{
    list_add(bucket_of(s, i->ino), &i->hash);
    list_add_tail(&s->inodes, &i->of_super);
}

static void
take_out(struct inode *i)
{
    list_del(&i->hash);
    list_del(&i->of_super);
    if (!list_empty(&i->unused)) {
        list_del(&i->unused);
        unused_count--;
    }
}

struct inode *
icache_find(struct super *s, uint64_t ino)
{
    struct inode *i;

    spin_lock(&inode_lock);
    i = take(s, ino);
    spin_unlock(&inode_lock);
    return i;
}

void
icache_add(struct super *s, struct inode *i)
{
    i->super = s;
    i->dev = s->dev;
    spin_lock(&inode_lock);
    enter(s, i);
    spin_unlock(&inode_lock);
}

int
icache_get(struct super *s, uint64_t ino,
           int (*make)(struct super *s, uint64_t ino, struct inode **made),
           void (*drop)(struct inode *i), struct inode **found)
{
    struct inode *fresh;
    int err;

    *found = icache_find(s, ino);
    if (*found != NULL)
        return 0;
    err = make(s, ino, &fresh);
    if (err != 0)
        return err;
    fresh->super = s;
    fresh->dev = s->dev;
    spin_lock(&inode_lock);
    *found = take(s, ino);
    if (*found == NULL) {
        *found = fresh;
        enter(s, fresh);
    }
    spin_unlock(&inode_lock);
    if (*found != fresh)
        drop(fresh);
    return 0;
}

/* Nobody comes by way of its pages any more, as the flusher does.  False: somebody
 * is there, and has a reference of I, or will in a moment; its end is his. */
static bool
retire(struct inode *i)
{
    struct vm_object *obj = i->object;
    int32_t refs = 1;

    return obj == NULL || obj->host != i || obj->ops->pin == NULL ||
           atomic_cas(&obj->refs, &refs, 0);
}

bool
icache_last_put(struct inode *i)
{
    bool last, stays;

    spin_lock(&inode_lock);
    last = atomic_add_acq_rel(&i->refs, -1) == 1;
    stays = !list_empty(&i->hash) && i->nlink > 0;
    if (last && stays) {
        if (list_empty(&i->unused)) { /* else it was only pinned meanwhile */
            list_add_tail(&unused_list, &i->unused);
            unused_count++;
        }
    } else if (last && (last = retire(i))) {
        take_out(i);
    }
    spin_unlock(&inode_lock);
    return last && !stays;
}

/* Somebody maps its pages, or some of them are not on the disk yet: who looked it
 * up again would get another one, with other contents. */
static bool
pages_in_use(const struct inode *i)
{
    return i->object != NULL && object_in_use(i->object);
}

/* The longest unused inode, of S if that is not NULL, out of the table. */
static struct inode *
take_unused(struct super *s)
{
    struct inode *found = NULL;

    spin_lock(&inode_lock);
    list_for_each (l, &unused_list) {
        struct inode *i = list_entry(l, struct inode, unused);

        if ((s != NULL && i->super != s) || atomic_load(&i->refs) > 0 ||
            pages_in_use(i) || !retire(i))
            continue;
        take_out(i);
        found = i;
        break;
    }
    spin_unlock(&inode_lock);
    return found;
}

size_t
icache_shrink(struct super *s, size_t n)
{
    struct inode *i, *parent;
    size_t done = 0;

    while (done < n && (i = take_unused(s)) != NULL) {
        done++;
        parent = inode_release(i);
        if (parent != NULL)
            inode_put(parent);
    }
    return done;
}

bool
icache_busy(struct super *s, int32_t root_refs)
{
    list_for_each_entry (i, &s->inodes, struct inode, of_super) {
        if (i != s->root) /* in use, mapped or dirty: else it was dropped */
            return true;
    }
    return atomic_load(&s->root->refs) > root_refs;
}

/* How many may stay now. */
static size_t
unused_most(void)
{
    size_t most = bootmem_total() / PAGE_SIZE / PAGES_EACH;

    return memory_short() ? UNUSED_FEW : MIN(most, (size_t)UNUSED_MAX);
}

void
icache_trim(void)
{
    size_t most = unused_most(), n = atomic_load(&unused_count);

    if (unlikely(n > most))
        icache_shrink(NULL, MIN(n - most, n / 16 + 1));
}
