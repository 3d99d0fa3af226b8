/* test_icache.c: inodes in memory and mounted file systems, with a file system
 * that only counts. */
#include "fs/icache.h"
#include "fs/inode.h"
#include "ktest.h"
#include "mm/kmalloc.h"
#include "mm/pmm.h"
#include <atomic.h>
#include <errno.h>

static struct super fake;
static int32_t made, released; /* [a] */
static bool broken;            /* make() fails */

static void
fake_release(struct inode *i)
{
    atomic_add(&released, 1);
    kfree(i);
}

static const struct inode_ops fake_ops = {.release = fake_release};

static int
fake_make(struct super *s, uint64_t ino, struct inode **i)
{
    if (broken)
        return -EIO;
    *i = kmalloc(sizeof(**i));
    if (*i == NULL)
        return -ENOMEM;
    inode_init(*i, &fake_ops, S_IFREG | 0644, ino);
    atomic_add(&made, 1);
    return 0;
}

static void
fake_drop(struct inode *i)
{
    kfree(i);
}

static NOINLINE struct inode *
get(uint64_t ino)
{
    struct inode *i;

    return icache_get(&fake, ino, fake_make, fake_drop, &i) == 0 ? i : NULL;
}

static void
begin(void)
{
    static const struct super_ops ops = {.name = "fake"};

    super_init(&fake, &ops, "none", false);
    made = released = 0;
}

static void
end(void)
{
    icache_shrink(&fake, SIZE_MAX);
    CHECK(list_empty(&fake.inodes));
}

KTEST(icache_has_one_inode_per_number)
{
    struct inode *a, *b, *c;

    begin();
    a = get(1);
    b = get(1);
    c = get(2);
    CHECK(a != NULL && a == b && a != c && made == 2);
    CHECK(a->refs == 2 && a->super == &fake && a->dev == fake.dev);
    inode_put(a);
    inode_put(b);
    inode_put(c);
    CHECK(released == 0); /* remembered */
    CHECK(get(1) == a && made == 2 && a->refs == 1);
    inode_put(a);
    CHECK(icache_find(&fake, 3) == NULL);
    end();
    CHECK(released == 2);
}

KTEST(icache_numbers_belong_to_their_file_system)
{
    static struct super other;
    struct inode *a, *b;

    begin();
    super_init(&other, fake.ops, "none", false);
    CHECK(other.dev != fake.dev);
    a = get(1);
    CHECK(icache_get(&other, 1, fake_make, fake_drop, &b) == 0 && a != b);
    inode_put(a);
    inode_put(b);
    CHECK(icache_shrink(&other, SIZE_MAX) == 1 && released == 1);
    end();
}

KTEST(icache_inode_without_names_goes_at_once)
{
    struct inode *i;

    begin();
    i = get(1);
    inode_get(i);
    i->nlink = 0; /* unlinked, and open */
    inode_put(i);
    CHECK(released == 0 && icache_find(&fake, 1) == i);
    inode_put(i);
    CHECK(released == 0);
    inode_put(i);
    CHECK(released == 1 && icache_find(&fake, 1) == NULL);
    end();
}

KTEST(icache_passes_on_what_make_says)
{
    struct inode *i;

    begin();
    broken = true;
    CHECK(icache_get(&fake, 1, fake_make, fake_drop, &i) == -EIO);
    broken = false;
    CHECK(icache_find(&fake, 1) == NULL);
    end();
}

KTEST(icache_shrinks_the_longest_unused_first)
{
    struct inode *i[4];

    begin();
    for (unsigned n = 0; n < 4; n++)
        i[n] = get(n);
    inode_put(i[2]);
    inode_put(i[0]);
    inode_put(i[1]);
    CHECK(icache_shrink(&fake, 1) == 1);
    CHECK(icache_find(&fake, 2) == NULL);
    CHECK(icache_shrink(&fake, 100) == 2); /* 3 is in use */
    CHECK(icache_find(&fake, 3) == i[3]);
    inode_put(i[3]);
    inode_put(i[3]);
    end();
    CHECK(released == 4);
}

/* Unused inodes are memory, too. */
KTEST(icache_few_stay_while_memory_is_short)
{
    struct list held = LIST_INIT(held);
    struct page *p;
    size_t rounds = 0;

    begin();
    for (uint64_t n = 0; n < 1000; n++)
        inode_put(get(n));
    icache_trim();
    CHECK(released <= 1 || nr_free_pages() < 16000);
    for (; released < 1000 - 64 && rounds < 200; rounds++) {
        while (!memory_short() && (p = alloc_pages(0)) != NULL)
            list_add(&held, &p->lru);
        icache_trim();
    }
    CHECK(released >= 1000 - 64);
    CHECK(icache_find(&fake, 0) == NULL); /* the longest unused first */
    while (!list_empty(&held)) {
        p = list_first(&held, struct page, lru);
        list_del(&p->lru);
        page_put(p);
    }
    end();
}

/* A path of folders, each in memory only because of the one below it. */
KTEST(icache_deep_folders_go_without_recursion)
{
    struct inode *above = NULL;

    begin();
    for (uint64_t n = 0; n < 20000; n++) {
        struct inode *i = get(n);

        CHECK(i != NULL);
        i->nlink = 0;
        if (above != NULL) {
            inode_set_parent(i, above);
            inode_put(above);
        }
        above = i;
    }
    CHECK(released == 0);
    inode_put(above);
    CHECK(released == 20000);
    end();
}

KTEST(icache_a_pinned_object_keeps_its_inode)
{
    static const struct pager_ops ops = {
        .name = "fake", .pin = inode_pin, .unpin = inode_unpin};
    static struct vm_object obj;
    struct inode *i;

    begin();
    i = get(1);
    object_init(&obj, &ops, PAGE_SIZE, i);
    i->nlink = 0;
    object_get(&obj); /* mapped */
    object_get(&obj);
    CHECK(i->refs == 2);
    inode_put(i);
    object_put(&obj);
    CHECK(released == 0);
    object_put(&obj);
    CHECK(released == 1);
    end();
}

/* --- many harts --- */

#define FEW 6u /* numbers they fight for */

static int
race_make(struct super *s, uint64_t ino, struct inode **i)
{
    int err = fake_make(s, ino, i);

    sched_yield();
    return err;
}

static void
get_and_put(unsigned hart)
{
    uint64_t seed = ktest_seed * 31 + hart + 1;

    for (unsigned n = 0; n < 400; n++) {
        uint64_t r = ktest_random(&seed);
        uint64_t ino = r % FEW;
        struct inode *i;

        CHECK(icache_get(&fake, ino, race_make, fake_drop, &i) == 0);
        CHECK(i->ino == ino && i->super == &fake);
        CHECK(icache_find(&fake, ino) == i); /* there is no other */
        inode_put(i);
        if (r >> 8 & 1)
            sched_yield();
        if ((r >> 16) % 8 == 0)
            i->nlink = 0;
        inode_put(i);
        if ((r >> 24) % 8 == 0)
            icache_shrink(&fake, 2);
    }
}

KTEST(icache_race_one_inode_per_number)
{
    begin();
    ktest_parallel(2 * ncpu, true, get_and_put);
    end();
}

/* --- mounts --- */

static struct super *
fake_super(void)
{
    static const struct super_ops ops = {.name = "fake2"};
    struct super *s = kmalloc(sizeof(*s));

    CHECK(s != NULL);
    super_init(s, &ops, "word", true);
    CHECK(fake_make(s, 1, &s->root) == 0);
    s->root->mode = S_IFDIR | 0755;
    icache_add(s, s->root);
    return s;
}

static int32_t unmounts;

static void
fake_unmount(struct super *s)
{
    unmounts++;
    inode_put(s->root);
    icache_shrink(s, SIZE_MAX);
    CHECK(list_empty(&s->inodes));
    kfree(s);
}

static const struct super_ops mount_ops = {.name = "fake3",
                                           .unmount = fake_unmount};

static bool
listed(struct super *which)
{
    for (struct super *s = super_next(NULL); s != NULL; s = super_next(s)) {
        if (s == which) {
            super_done(s);
            return true;
        }
    }
    return false;
}

KTEST(mount_covers_and_uncovers)
{
    struct super *top = fake_super(), *s = fake_super();
    struct inode *at = top->root, *file;

    s->ops = &mount_ops;
    CHECK(super_attach(s, at) == 0 && listed(s));
    CHECK(at->mounted == s->root && s->root->covers == at);
    CHECK(mount_at(at, s->root) == -EBUSY);
    CHECK(fs_unmount(at) == -EINVAL);
    CHECK(icache_get(s, 2, fake_make, fake_drop, &file) == 0);
    inode_get(s->root);
    CHECK(fs_unmount(s->root) == -EBUSY); /* a file is open */
    inode_put(file);
    inode_get(s->root);
    CHECK(fs_unmount(s->root) == -EBUSY); /* somebody stands in it */
    inode_put(s->root);
    unmounts = 0;
    CHECK(fs_unmount(s->root) == 0 && unmounts == 1);
    CHECK(at->mounted == NULL && !listed(s));
    inode_put(at);
    icache_shrink(top, SIZE_MAX);
    kfree(top);
}

KTEST(mount_refuses_files)
{
    struct super *top = fake_super(), *s = fake_super();

    top->root->mode = S_IFREG | 0644;
    CHECK(super_attach(s, top->root) == -ENOTDIR && !listed(s));
    inode_put(top->root);
    inode_put(s->root);
    icache_shrink(top, SIZE_MAX);
    icache_shrink(s, SIZE_MAX);
    kfree(top);
    kfree(s);
}
