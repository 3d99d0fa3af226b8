/* inode.h: whatever has a name: a file, a folder, a device, a pipe.
 *
 * A file system embeds a struct inode in its own and fills in the operations;
 * what it leaves NULL is refused with the error the call has for that (-EISDIR,
 * -ENOTDIR, -EROFS, -EINVAL ...).  Names belong to folders, not to inodes.
 *
 * Contents: a file system whose files have pages gives the inode a vm_object;
 * then read, write and mmap all go through it.  Others have read and write. */
#ifndef KERN_FS_INODE_H
#define KERN_FS_INODE_H

#include "mm/object.h"
#include "sync/mutex.h"
#include <atomic.h>
#include <stddef.h>
#include <stdint.h>
#include <util.h>

struct inode;
struct file;
struct super;

#define NAME_MAX 255
#define PATH_MAX 4096

/* Linux's numbers, in mode. */
#define S_IFMT   0170000u
#define S_IFIFO  0010000u
#define S_IFCHR  0020000u
#define S_IFDIR  0040000u
#define S_IFBLK  0060000u
#define S_IFREG  0100000u
#define S_IFLNK  0120000u
#define S_IFSOCK 0140000u

/* One entry of a folder, as readdir() passes it on.  Returns false: stop. */
typedef bool (*fill_fn)(void *arg, const char *name, size_t len, uint64_t ino,
                        uint32_t mode, uint64_t next_pos);

/* Kernel memory; offsets and sizes in bytes.  All may sleep; the inode's lock
 * is held where it says so.  Returns a count, 0, or a negative errno. */
struct inode_ops {
    /* The inode of NAME (not "." or ".."), with a reference.  => dir locked */
    int (*lookup)(struct inode *dir, const char *name, size_t len,
                  struct inode **found);
    /* Entries from *POS on (0: the first).  => dir locked */
    int (*readdir)(struct inode *dir, uint64_t pos, fill_fn fill, void *arg);
    int (*readlink)(struct inode *link, char *buf, size_t size);
    /* Where a walk goes that follows LINK, with a reference, whatever its text
     * says; NULL: where that says. */
    int (*jump)(struct inode *link, struct inode **to);
    /* For inodes without a vm_object.  What has no position gets as POS the
     * bytes that the same call has moved already. */
    long (*read)(struct inode *i, struct file *f, void *buf, size_t n,
                 uint64_t pos);
    long (*write)(struct inode *i, struct file *f, const void *buf, size_t n,
                  uint64_t pos);
    /* Instead of those: straight to and from the caller's memory. */
    long (*read_user)(struct inode *i, struct file *f, uintptr_t buf, size_t n);
    long (*write_user)(struct inode *i, struct file *f, uintptr_t buf,
                       size_t n);
    int (*open)(struct inode *i, struct file *f);      /* may refuse */
    void (*close)(struct inode *i, struct file *f);    /* last reference */
    unsigned (*poll)(struct inode *i, struct file *f); /* POLLIN ... now */
    long (*ioctl)(struct inode *i, struct file *f, unsigned cmd, uintptr_t arg);
    /* Changes; NULL: read-only file system.  The caller (ops.c) has checked
     * rights, that NAME is no "." or "..", that what must (not) exist does (not),
     * and holds the lock of every inode named here.  Either all happens or
     * nothing; nlink and the times of all concerned are the file system's to
     * change, see inode_now().
     * create: a file, folder, device ... by MODE; RDEV for devices. */
    int (*create)(struct inode *dir, const char *name, size_t len,
                  uint32_t mode, uint64_t rdev, struct inode **made);
    int (*symlink)(struct inode *dir, const char *name, size_t len,
                   const char *target, struct inode **made);
    int (*link)(struct inode *dir, const char *name, size_t len,
                struct inode *old);
    /* VICTIM is what NAME names; -ENOTEMPTY if it is a folder with entries.  An
     * inode without names lives until its last reference goes. */
    int (*unlink)(struct inode *dir, const char *name, size_t len,
                  struct inode *victim);
    int (*rename)(struct inode *dir, const char *name, size_t len,
                  struct inode *moved, struct inode *to_dir,
                  const char *to_name, size_t to_len, struct inode *replaced);
    /* The blocks from SIZE on are given back, I->size is SIZE; the page cache was
     * cut, or will show zeros.  Longer: a hole. */
    int (*truncate)(struct inode *i, uint64_t size);
    /* Blocks for [POS, END) are there and read as zeros, whatever I->size. */
    int (*allocate)(struct inode *i, uint64_t pos, uint64_t end);
    /* The first page from INDEX on that has a block, or END.  => I locked */
    uint64_t (*next_block)(struct inode *i, uint64_t index, uint64_t end);
    /* The block of page INDEX, if it has one, is given back.  => I locked, and
     * that page, which nobody maps and which goes next */
    int (*punch)(struct inode *i, uint64_t index);
    /* Attributes (size, times, mode, owner) changed in memory. => cheap; called
     * with or without the lock; may be called often */
    void (*dirty)(struct inode *i);
    /* All that was done to I is on the disk when this returns; DATA: times may
     * be missing.  Its pages were written before.  => not locked */
    int (*sync)(struct inode *i, bool data);
    /* The last reference is gone, and nobody can find I any more.  nlink 0: its
     * blocks go, too.  => may sleep */
    void (*release)(struct inode *i);
};

/* One mounted file system. */
struct statfs_info {
    uint64_t type, bsize, blocks, bfree, files, ffree, namelen;
};

struct super_ops {
    const char *name;
    bool keep_names; /* names only change by fs/ops.c: they may be remembered */
    /* All that was done before is on the disk when this returns.  => may sleep */
    int (*sync)(struct super *s);
    void (*statfs)(struct super *s, struct statfs_info *info);
    /* Some inode but the root is in use, or the root by others than S and who
     * unmounts it.  NULL: icache.c knows.  => inode_lock held */
    bool (*busy)(struct super *s);
    /* No inode but the root is in memory, nobody can get at it any more; S->root
     * is to be put.  => may sleep */
    void (*unmount)(struct super *s);
};

struct super {
    const struct super_ops *ops;
    uint64_t dev;        /* [I] st_dev of its inodes */
    bool readonly;       /* [a] */
    struct inode *root;  /* [I] a reference */
    char source[32];     /* [I] "vda1", for /proc/mounts */
    void *host;          /* [I] the file system's */
    uint64_t max_size;   /* [I] of a file; 0: as much as a loff_t holds */
    struct mutex rename; /* rank RENAME: a folder moves to another */
    struct list inodes;  /* [n] those entered below, by of_super */
    struct list all;     /* [m] of all mounted ones */
    unsigned users;      /* [m] calls that walk it: no unmount */
};

/* n: inode_lock;  m: mount_lock (mount.c);  dir: the lock of the folder */
struct inode {
    struct mutex lock; /* rank INODE: size, contents of a folder */
    int32_t refs;      /* [a] */
    uint32_t mode;     /* type and rights */
    uint32_t nlink, uid, gid;
    uint64_t ino, dev, rdev;
    uint64_t ident;  /* [I] of this inode in memory; none has it after it; it is
                      * mixed, as a part of a hash */
    uint64_t size;   /* bytes; obj->size follows it */
    uint64_t blocks; /* [a] of 512 bytes, that it takes */
    bool frozen;     /* [lock] its blocks are in use past the file system: it is
                       * not written, cut or punched: -ETXTBSY */
    int64_t atime, mtime, ctime; /* ns since 1970 */
    struct vm_object *object;    /* [I] contents by pages, or NULL */
    struct super *super;         /* [I] NULL: of no mounted file system */
    struct inode *parent;  /* [n] a reference, see inode_set_parent(): "..";
                                  * of a file: the last folder it was found in */
    struct inode *mounted; /* [n] the root that covers this folder */
    struct inode *covers;  /* [n] the folder this root covers */
    const struct inode_ops *ops; /* [I] */
    void *host;                  /* [I] the file system's */
    struct list locks;           /* ext/fs/locks.c: of ranges of bytes */
    struct list hash, of_super;  /* [n] icache.c; empty: not entered */
    struct list unused;          /* [n] entered, refs 0 */
};

static inline bool
is_dir(const struct inode *i)
{
    return (i->mode & S_IFMT) == S_IFDIR;
}

extern struct spinlock inode_lock; /* rank ICACHE */

void inode_init(struct inode *i, const struct inode_ops *ops, uint32_t mode,
                uint64_t ino); /* refs 1 */
static inline void
inode_get(struct inode *i)
{
    atomic_add(&i->refs, 1);
}

/* Give one back that is not the last.  False: it may be. */
static inline bool
inode_put_one(struct inode *i)
{
    int32_t refs = atomic_load(&i->refs);

    while (refs > 1) {
        if (atomic_cas(&i->refs, &refs, refs - 1))
            return true;
    }
    return false;
}

void inode_put_last(struct inode *i); /* what may be the last one */

static inline void
inode_put(struct inode *i) /* NULL: nothing.  => may sleep */
{
    if (i != NULL && !inode_put_one(i))
        inode_put_last(i);
}

/* The folder I lies in DIR now, of which a reference is taken.  Walks call it
 * for what they find and ops.c for what it moves, so file systems need not; the
 * reference of DIR is given back before release().  => DIR locked, or at boot */
void inode_set_parent(struct inode *i, struct inode *dir);
/* I->parent with a reference, or NULL. */
struct inode *inode_parent(struct inode *i);

int64_t inode_now(void); /* for atime, mtime, ctime */

/* pager_ops.pin and .unpin of an object whose host is an inode. */
void inode_pin(struct vm_object *obj);
void inode_unpin(struct vm_object *obj);

/* --- icache.c: inodes in memory, by (file system, number) ---
 *
 * An inode nobody refers to stays, with its pages, until there are too many or
 * memory is short; not if it has no names (nlink 0).  What must not be forgotten
 * yet holds a reference: who has changes of I to store takes one (so does a
 * dirty page, see pager_ops.pin). */

/* The inode INO of S, with a reference.  If it is not in memory, MAKE gives a new
 * one (refs 1, not seen by anybody yet), which is entered; should somebody else
 * be faster, it goes to DROP and the other one is returned.  inode_put() takes
 * an inode out before it calls release(), so nobody finds one that is going.
 * => may sleep.  0 or what MAKE says */
int icache_get(struct super *s, uint64_t ino,
               int (*make)(struct super *s, uint64_t ino, struct inode **made),
               void (*drop)(struct inode *i), struct inode **found);
/* Enter a new inode whose number nobody else can know yet. */
void icache_add(struct super *s, struct inode *i);
/* I if it is in memory, used or not, with a reference; else NULL. */
struct inode *icache_find(struct super *s, uint64_t ino);
/* Release up to N inodes nobody refers to, the longest unused first; of S, or of
 * all (NULL).  Returns how many.  => may sleep, no lock held */
size_t icache_shrink(struct super *s, size_t n);

/* --- mount.c: which file systems there are, and where --- */

struct fs_type { /* TABLE_ADD(fs_type, ...) */
    const char *name;
    bool nodev; /* SOURCE is a word, not a disk */
    /* Does a disk that begins with HEAD, a page, hold one, perhaps damaged?  May
     * be NULL. */
    bool (*probe)(const void *head);
    /* A new super, see super_init(), with its root.  SOURCE is the name of a
     * disk; OPTIONS as in mount(2), "" if there are none.  => may sleep */
    int (*mount)(const struct fs_type *t, const char *source,
                 const char *options, bool readonly, struct super **made);
};
TABLE_DECLARE(fs_type, struct fs_type);

const struct fs_type *fs_type_find(const char *name); /* or NULL */
/* Fills in S: a dev of its own, lists; ROOT and HOST are the caller's. */
void super_init(struct super *s, const struct super_ops *ops,
                const char *source, bool readonly);
/* The number behind KEY ("size=") in OPTIONS, with k, m or g; or OTHERWISE. */
uint64_t mount_option(const char *options, const char *key, uint64_t otherwise);
/* Mount SOURCE, of type T, on the folder AT; NULL: as the first root.
 * -EBUSY, -ENOTDIR, or what T says */
int fs_mount(const struct fs_type *t, const char *source, const char *options,
             bool readonly, struct inode *at);
/* S covers AT (NULL: is the root), and is on the list. -EBUSY, -ENOTDIR */
int super_attach(struct super *s, struct inode *at);
/* Take the file system with this root away, and the caller's reference of ROOT,
 * which must be his only one, with it.  -EINVAL: it is no such root, or the
 * first one; -EBUSY: somebody is in it.  => may sleep */
int fs_unmount(struct inode *root);
/* The next mounted file system after S (NULL: the first), in order of mounting;
 * it stays until the next call gets it as S.  NULL: that was the last one. */
struct super *super_next(struct super *s);
/* Stop before the last one. */
void super_done(struct super *s);

/* ROOT covers the folder AT.  -EBUSY: something does already. */
int mount_at(struct inode *at, struct inode *root);

/* What poll() may answer; Linux's numbers. */
#define POLLIN   0x01u
#define POLLPRI  0x02u
#define POLLOUT  0x04u
#define POLLERR  0x08u
#define POLLHUP  0x10u
#define POLLNVAL 0x20u

/* Some ops->poll() may answer otherwise now.  Does nothing here.  => any
 * context; spinlocks before RANK_TTY may be held */
void poll_changed(void);

/* --- namei.c --- */

/* A name without its folder; not a string: LEN bytes. */
struct name {
    const char *text;
    size_t len;
    uint64_t hash; /* name_hash() */
};
struct name name_of(const char *text); /* of a string */

/* The name cache (kern/ext); the core has none.
 * What N in DIR is, as far as it is known: 0: *FOUND has a reference; -ENOENT:
 * there is nothing; 1: unknown. */
int name_cached(struct inode *dir, const struct name *n, struct inode **found);
/* N names I in DIR now; NULL: nothing.  => DIR locked */
void name_learned(struct inode *dir, const struct name *n, struct inode *i);
/* Forget all that leads into S (NULL: everything).  => no lock held */
void names_forget(struct super *s);

extern struct inode *root_inode; /* [I] after boot */

/* What a path is walked from; borrowed references. */
struct walk {
    struct inode *root, *cwd;
    bool owned; /* walk_put() gives them back */
};
#define WALK_NOFOLLOW 1u /* a link at the end is what is meant */
#define WALK_DIR      2u /* must be a folder */
#define WALK_THROUGH  4u /* namei_parent(): where a link at the end leads */

/* The inode of PATH (kernel memory), with a reference in *FOUND.  => may sleep.
 * 0, -ENOENT (also for ""), -ENOTDIR, -ELOOP (more than 40 links),
 * -ENAMETOOLONG, -ENOMEM */
int namei(const struct walk *w, const char *path, unsigned flags,
          struct inode **found);
/* The last component of a path. */
struct last {
    struct name
        name; /* in the path, or in TEXT, if a link was followed; perhaps
                       * ".", "..", or of no bytes for "/" */
    char text[NAME_MAX + 2];
};
/* Is a slash behind it?  Then it means a folder. */
static inline bool
last_slash(const struct last *l)
{
    return l->name.text[l->name.len] == '/';
}
/* The folder that holds, or would hold, the LAST component of PATH. */
int namei_parent(const struct walk *w, const char *path, unsigned flags,
                 struct inode **dir, struct last *last);
/* What N names in DIR, with a reference; "." and ".." are no names here.
 * => DIR locked, may sleep.  0, -ENOENT, -ENOTDIR, or what the file system
 * says */
int dir_lookup(struct inode *dir, const struct name *n, struct inode **found);
/* The path from the root to the folder DIR, into BUF: -ERANGE, or its length
 * with the NUL.  -ENOENT: it was removed. */
int path_of(const struct walk *w, struct inode *dir, char *buf, size_t size);

#endif
