/* test_sfs_crash.c: the power goes at every moment of every short story.
 *
 * A story is one, two or three operations of 14, between or after them syncs.  The
 * disk records what is written and when it is flushed.  From that, images are made:
 * everything up to a flush, and of what came before the next one each prefix, and
 * seeded samples of subsets with sectors torn off.  Each image must
 *
 *   - be clean after the journal was replayed,
 *   - have the names of the tree as they were after one of the operations, not an
 *     earlier one than the last sync,
 *   - have in each file, at each place, bytes that this file had there since its
 *     last sync, or zeros where it was cut: nothing of another file, nothing of a
 *     free block.
 *
 * CRASHTEST=1: all stories of 2, many of 3 and long ones (make crashtest). */
#include "sfs_world.h"

#define NSTATES 66
#define NNODES  40
#define NINODES 64

/* --- the recorder --- */

enum kind { WRITE, FLUSH, BEGIN, PROMISE };

struct event {
    enum kind kind;
    uint64_t pos, n;
    char *data;
    unsigned state;
    uint64_t ino; /* of a promise; 0: everything */
};

static struct event *events;
static size_t nevents, events_room;
static struct disk *disk;
static char *base, *live, *image;

static void
record(struct event e)
{
    if (nevents == events_room) {
        events_room = events_room * 2 + 64;
        events = realloc(events, events_room * sizeof(*events));
    }
    events[nevents++] = e;
}

static int
recorded_write(struct disk *d, uint64_t pos, const void *buf, size_t n)
{
    struct event e = {.kind = WRITE, .pos = pos, .n = n, .data = malloc(n)};

    memcpy(e.data, buf, n);
    record(e);
    memcpy(d->data + pos, buf, n);
    return 0;
}

static int
recorded_flush(struct disk *d)
{
    (void)d;
    record((struct event){.kind = FLUSH});
    return 0;
}

static void
forget_events(void)
{
    for (size_t i = 0; i < nevents; i++)
        free(events[i].data);
    nevents = 0;
}

/* --- what the tree is --- */

struct node {
    char path[64];
    uint64_t ino, size;
    uint32_t mode, nlink;
    char *data; /* of a file, or the text of a link */
};

struct state {
    struct node node[NNODES];
    unsigned n;
};

static struct state states[NSTATES];

static void
forget_state(struct state *s)
{
    for (unsigned i = 0; i < s->n; i++)
        free(s->node[i].data);
    s->n = 0;
}

static int
look(struct inode *dir, const char *path, struct state *s)
{
    struct tree_entry *e;
    size_t n;
    int err = tree_list(dir, &e, &n);

    for (size_t k = 0; k < n && err == 0; k++) {
        struct node *o = &s->node[s->n];
        struct inode *i;

        if (s->n == NNODES || (err = tree_lookup(dir, e[k].name, &i)) != 0)
            break;
        s->n++;
        *o = (struct node){.ino = i->ino,
                           .mode = i->mode,
                           .nlink = i->nlink,
                           .size = i->object ? i->object->size : i->size};
        snprintf(o->path, sizeof(o->path), "%.40s/%.20s", path, e[k].name);
        o->data = calloc(1, o->size + 1);
        if (i->object != NULL &&
            object_read(i->object, 0, o->data, o->size) != (long)o->size)
            err = -EIO;
        if ((i->mode & S_IFMT) == S_IFLNK)
            i->ops->readlink(i, o->data, o->size);
        if ((i->mode & S_IFMT) == S_IFDIR)
            err = look(i, o->path, s);
        inode_put(i);
    }
    free(e);
    return err;
}

static int
look_all(struct state *s)
{
    forget_state(s);
    return look(w_fs->super.root, "", s);
}

static const struct node *
by_ino(const struct state *s, uint64_t ino)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (s->node[i].ino == ino && (s->node[i].mode & S_IFMT) == S_IFREG)
            return &s->node[i];
    }
    return NULL;
}

static bool
same_names(const struct state *a, const struct state *b)
{
    if (a->n != b->n)
        return false;
    for (unsigned i = 0; i < a->n; i++) {
        const struct node *x = &a->node[i], *y = &b->node[i];

        if (strcmp(x->path, y->path) != 0 || x->ino != y->ino ||
            x->mode != y->mode || x->nlink != y->nlink)
            return false;
        if ((x->mode & S_IFMT) == S_IFLNK && strcmp(x->data, y->data) != 0)
            return false;
    }
    return true;
}

/* --- operations --- */

static char letter; /* what the next write writes */
static char chunk[16 * SFS_BLOCK];

static const char *
fresh(void)
{
    letter = letter == 'z' ? 'b' : (char)(letter + 1);
    memset(chunk, letter, sizeof(chunk));
    return chunk;
}

static const char *
numbered(const char *what, unsigned nr)
{
    static char path[32];

    snprintf(path, sizeof(path), "%s%u", what, nr);
    return path;
}

static uint64_t
ino_of(const char *path)
{
    struct inode *i;
    uint64_t ino;

    if (tree_walk(w_fs, path, &i) != 0)
        return 0;
    ino = i->ino;
    inode_put(i);
    return ino;
}

static void
promise(uint64_t ino, unsigned state)
{
    record((struct event){.kind = PROMISE, .ino = ino, .state = state});
}

static uint64_t
size_of(const char *path)
{
    struct inode *i;
    uint64_t size;

    if (tree_walk(w_fs, path, &i) != 0)
        return 0;
    size = i->object ? i->object->size : 0;
    inode_put(i);
    return size;
}

#define NOPS 14
static const char *const op_names[NOPS] = {
    "creat",     "write",  "append",     "overwrite", "truncate",
    "fallocate", "rename", "link",       "symlink",   "unlink",
    "mkdir",     "rmdir",  "mmap+msync", "fsync"};

/* Operation OP, the NR-th of the story; what cannot be is left out. */
static void
operate(unsigned op, unsigned nr)
{
    char text[240];

    switch (op) {
    case 0:
        w_create(numbered("/n", nr), S_IFREG | 0644, NULL);
        break;
    case 1: /* over a hole, and longer */
        w_write("/d/c", 2 * SFS_BLOCK + 100, fresh(), 2 * SFS_BLOCK);
        break;
    case 2:
        w_write("/a", size_of("/a"), fresh(), 5000);
        break;
    case 3:
        w_write("/a", 4000, fresh(), 6000);
        break;
    case 4:
        w_truncate("/a", 5000);
        break;
    case 5:
        w_allocate("/b", 0, 3 * SFS_BLOCK);
        break;
    case 6:
        w_rename("/d/c", "/b");
        break;
    case 7:
        w_link("/a", numbered("/d/l", nr));
        break;
    case 8:
        memset(text, 's', sizeof(text) - 1);
        text[sizeof(text) - 1] = 0;
        w_create(numbered("/s", nr), 0, text);
        break;
    case 9:
        w_unlink("/a");
        break;
    case 10:
        w_create(numbered("/d/m", nr), S_IFDIR | 0755, NULL);
        break;
    case 11:
        w_unlink("/d/e");
        break;
    case 12:
        w_write("/b", 0, fresh(), 3000);
        w_msync("/b");
        break;
    default:
        w_fsync("/d/c");
    }
}

/* What is on the disk when OP has returned. */
static uint64_t
promised(unsigned op)
{
    return op == 12 ? ino_of("/b") : op == 13 ? ino_of("/d/c") : 0;
}

static void
small_tree(void)
{
    w_create("/d", S_IFDIR | 0755, NULL);
    w_create("/d/e", S_IFDIR | 0755, NULL);
    w_create("/a", S_IFREG | 0644, NULL);
    w_create("/b", S_IFREG | 0644, NULL);
    w_create("/d/c", S_IFREG | 0644, NULL);
    w_write("/a", 0, fresh(), 3 * SFS_BLOCK + 100);
    w_write("/b", 0, fresh(), 2000);
    w_write("/d/c", 0, fresh(), 4000);
}

/* --- images --- */

static uint64_t seed, nimages, nstories, nviolations;
static unsigned low, high;         /* states of names that may be seen */
static unsigned file_low[NINODES]; /* of contents */
static const unsigned *story;
static unsigned story_len;

static void
violation(const char *what, const char *more)
{
    nviolations++;
    if (nviolations > 10)
        return;
    printf("  VIOLATION after");
    for (unsigned i = 0; i < story_len; i++)
        printf(" %s", op_names[story[i] % NOPS]);
    printf(", image %lu: %s %s\n", nimages, what, more);
}

static void
judge_file(const struct node *f)
{
    bool size_ok = false;

    for (unsigned k = file_low[f->ino]; k <= high; k++) {
        const struct node *o = by_ino(&states[k], f->ino);

        size_ok |= o != NULL && o->size == f->size;
    }
    if (!size_ok)
        violation("a size that the file did not have:", f->path);
    for (uint64_t at = 0; at < f->size; at++) {
        bool ok = false;

        for (unsigned k = file_low[f->ino]; k <= high && !ok; k++) {
            const struct node *o = by_ino(&states[k], f->ino);

            ok = o != NULL &&
                 (at < o->size ? o->data[at] == f->data[at] : f->data[at] == 0);
        }
        if (!ok) {
            char more[120];

            snprintf(more, sizeof(more), "%s at %lu: %#x", f->path, at,
                     (uint8_t)f->data[at]);
            violation("bytes that the file did not have:", more);
            return;
        }
    }
}

/* The power has gone, and the disk has IMAGE. */
static void
judge(void)
{
    static struct state seen;
    struct disk *d = disk_memory(image, W_SIZE, "crash");
    struct check c;
    unsigned k;

    nimages++;
    if (sfs_check(&c, d, false, true) != 0) {
        violation("not clean:", c.first);
    } else if (w_mount(d) != 0) {
        violation("cannot be mounted", "");
    } else {
        if (look_all(&seen) != 0)
            violation("cannot be read", "");
        w_unmount();
        for (k = low; k <= high && !same_names(&seen, &states[k]); k++)
            ;
        if (k > high)
            violation("names that never were", "");
        for (unsigned i = 0; i < seen.n; i++) {
            if ((seen.node[i].mode & S_IFMT) == S_IFREG)
                judge_file(&seen.node[i]);
        }
    }
    disk_free(d);
}

static void
apply(const struct event *e, bool torn)
{
    for (uint64_t at = 0; at < e->n; at += SECTOR_SIZE) {
        if (!torn || shim_random(&seed) % 4 != 0)
            memcpy(image + e->pos + at, e->data + at, SECTOR_SIZE);
    }
}

/* Images of the writes FROM to TO, behind what SAFE has, which is flushed. */
static void
images(const char *safe, size_t from, size_t to, unsigned samples)
{
    memcpy(image, safe, W_SIZE);
    judge();
    for (unsigned k = 0; k < samples; k++) {
        memcpy(image, safe, W_SIZE);
        for (size_t i = from; i < to; i++) {
            if (events[i].kind == WRITE && shim_random(&seed) % 2 == 0)
                apply(&events[i], shim_random(&seed) % 4 == 0);
        }
        judge();
    }
}

/* What holds once event E has happened. */
static void
note(const struct event *e)
{
    if (e->kind == BEGIN)
        high = e->state;
    if (e->kind != PROMISE)
        return;
    low = MAX(low, e->state);
    for (uint64_t ino = 0; ino < NINODES; ino++) {
        if (e->ino == 0 || e->ino == ino)
            file_low[ino] = MAX(file_low[ino], e->state);
    }
}

static void
all_images(unsigned samples)
{
    char *safe = malloc(W_SIZE);
    size_t from = 0;

    memcpy(safe, base, W_SIZE);
    low = high = 0;
    memset(file_low, 0, sizeof(file_low));
    for (size_t i = 0; i <= nevents; i++) {
        const struct event *e = &events[i];

        if (i < nevents && e->kind != FLUSH) {
            note(e);
            if (e->kind != WRITE)
                continue;
            /* The prefix that ends here. */
            memcpy(image, safe, W_SIZE);
            for (size_t k = from; k <= i; k++) {
                if (events[k].kind == WRITE)
                    apply(&events[k], k == i && i % 2 == 0);
            }
            judge();
            continue;
        }
        images(safe, from, i, samples);
        for (; from < i; from++) {
            if (events[from].kind == WRITE)
                memcpy(safe + events[from].pos, events[from].data,
                       events[from].n);
        }
        from = i;
    }
    free(safe);
}

/* --- stories --- */

static bool
tell(const unsigned *ops, unsigned n, unsigned sync_after, unsigned samples)
{
    memcpy(live, base, W_SIZE);
    story = ops;
    story_len = n;
    nstories++;
    EXPECT(w_mount(disk) == 0 && look_all(&states[0]) == 0);
    for (unsigned i = 0; i < n; i++) {
        record((struct event){.kind = BEGIN, .state = i + 1});
        operate(ops[i], i);
        EXPECT(look_all(&states[i + 1]) == 0);
        if (promised(ops[i]) != 0)
            promise(promised(ops[i]), i + 1);
        if (sync_after & 1u << i) {
            EXPECT(w_sync() == 0);
            promise(0, i + 1);
        }
    }
    EXPECT(w_sync() == 0);
    promise(0, n);
    w_unmount();
    all_images(samples);
    forget_events();
    return nviolations == 0;
}

static bool
test_stories_of_one(void)
{
    for (unsigned a = 0; a < NOPS; a++)
        EXPECT(tell(&a, 1, 0, 8));
    return true;
}

static bool full;

static bool
test_stories_of_two(void)
{
    unsigned step = full ? 1 : 7;

    for (unsigned k = 0; k < NOPS * NOPS * 2; k += step) {
        unsigned ops[2] = {k / 2 % NOPS, k / 2 / NOPS};

        EXPECT(tell(ops, 2, k & 1, full ? 8 : 3));
    }
    return true;
}

static bool
test_stories_of_three(void)
{
    for (unsigned k = 0; k < (full ? 300u : 8u); k++) {
        unsigned ops[3];

        for (unsigned i = 0; i < 3; i++)
            ops[i] = (unsigned)(shim_random(&seed) % NOPS);
        EXPECT(tell(ops, 3, (unsigned)(shim_random(&seed) % 4), 4));
    }
    return true;
}

static bool
test_long_story(void)
{
    for (unsigned k = 0; k < (full ? 10u : 1u); k++) {
        unsigned ops[24];

        for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
            ops[i] = (unsigned)(shim_random(&seed) % NOPS);
        EXPECT(
            tell(ops, ARRAY_LEN(ops), (unsigned)shim_random(&seed) & 0x888, 4));
    }
    return true;
}

static unsigned
count_flushes(void)
{
    unsigned n = 0;

    for (size_t i = 0; i < nevents; i++)
        n += events[i].kind == FLUSH;
    return n;
}

/* An fsync has at most two flushes, create with unlink none. */
static bool
test_flushes(void)
{
    memcpy(live, base, W_SIZE);
    EXPECT(w_mount(disk) == 0);
    forget_events();
    EXPECT(w_create("/x", S_IFREG | 0644, NULL) == 0 && w_unlink("/x") == 0);
    EXPECT(nevents == 0);
    EXPECT(w_write("/b", 0, fresh(), 9000) == 0 && w_fsync("/b") == 0);
    EXPECT(count_flushes() == 2);
    EXPECT(w_fsync("/b") == 0);
    EXPECT(count_flushes() == 3);
    w_unmount();
    forget_events();
    return true;
}

int
main(void)
{
    full = getenv("CRASHTEST") != NULL;
    seed = 88172645463325252ul;
    if (getenv("SEED") != NULL)
        seed = strtoull(getenv("SEED"), NULL, 0);
    letter = 'a';
    host_start(4096);
    base = malloc(W_SIZE);
    live = malloc(W_SIZE);
    image = malloc(W_SIZE);
    disk = disk_memory(base, W_SIZE, "base");
    w_format(disk, base, NINODES);
    if (w_mount(disk) != 0)
        return 1;
    small_tree();
    w_unmount();
    disk_free(disk);
    disk = disk_memory(live, W_SIZE, "live");
    disk->write = recorded_write;
    disk->flush = recorded_flush;
    RUN(flushes);
    RUN(stories_of_one);
    RUN(stories_of_two);
    RUN(stories_of_three);
    RUN(long_story);
    printf("# %lu stories, %lu crash images, %lu violations\n", nstories,
           nimages, nviolations);
    for (unsigned k = 0; k < NSTATES; k++)
        forget_state(&states[k]);
    return shim_summary("test_sfs_crash");
}
