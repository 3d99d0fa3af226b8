/* sys_shm.c: adds shmget, shmat, shmdt and shmctl to mm/mmap.c; a first reader may skip
 * it.
 *
 *     key --> segment (a vm_object) <-- areas of any spaces, wherever they like
 *
 * A segment is an object like that of anonymous shared memory, which has a number, and
 * perhaps a key.  It has one reference of its own until it is removed; so its pages
 * stay when nobody maps it, in memory or on swap, and go with its last area if it
 * was removed.  How many are attached is how many references there are beside that.
 *
 * Everybody may do everything, as with files.  Linux's numbers: shmget(2). */
#include "ext/mm/memsum.h"
#include "ext/syscall/shm.h"
#include "fs/inode.h"
#include "mm/kmalloc.h"
#include "mm/mmap.h"
#include "mm/uaccess.h"
#include "process/proc.h"
#include "syscall/syscall.h"

#include "debug/kstat.h"
#include <errno.h>

#define IPC_PRIVATE 0
#define IPC_CREAT   01000u
#define IPC_EXCL    02000u
#define SHM_RDONLY  010000u
#define SHM_RND     020000u
#define SHM_REMAP   040000u
#define SHM_EXEC    0100000u

struct segment {
    struct vm_object object;
    struct list all; /* [segments.lock] in order of their numbers */
    int id;          /* [I] */
    int key;         /* [lock] */
    bool removed;    /* [lock] */
    uint32_t mode;   /* [lock] */
    uint32_t uid, gid;
    int32_t creator, last; /* [lock] processes */
    int64_t atime, dtime, ctime;
    size_t size; /* [I] bytes, as they were asked for */
};

static struct spinlock lock = SPINLOCK_INIT(RANK_PROCESS);
static struct list segments = LIST_INIT(segments); /* [lock] */
static unsigned nsegments;                         /* [lock] */
static int next_id;                                /* [lock] */

static void
segment_release(struct vm_object *obj)
{
    struct segment *s = container_of(obj, struct segment, object);

    spin_lock(&lock);
    list_del(&s->all);
    nsegments--;
    spin_unlock(&lock);
    kfree(s);
}

static const struct pager_ops segment_ops = {.name = "segment",
                                             .at_once = true,
                                             .swap = true,
                                             .page_in = shared_page_in,
                                             .release = segment_release};

static int
caller(void)
{
    return current_process()->pid;
}

/* --- which one --- */

/* => lock held */
static struct segment *
find_key(int key)
{
    list_for_each_entry (s, &segments, struct segment, all)
        if (s->key == key)
            return s;
    return NULL;
}

/* The segment of number ID; it may have ended but for its memory.  => lock held */
static struct segment *
find_id(int id)
{
    list_for_each_entry (s, &segments, struct segment, all)
        if (s->id == id && atomic_load(&s->object.refs) > 0)
            return s;
    return NULL;
}

/* The one of number INDEX in the list, or NULL.  => lock held */
static struct segment *
find_index(unsigned index)
{
    list_for_each_entry (s, &segments, struct segment, all)
        if (atomic_load(&s->object.refs) > 0 && index-- == 0)
            return s;
    return NULL;
}

static uint64_t
attached(const struct segment *s)
{
    return (uint64_t)atomic_load(&s->object.refs) - !s->removed;
}

/* --- shmget --- */

static struct segment *
segment_create(int key, size_t size, uint32_t mode)
{
    struct segment *s = kzalloc(sizeof(*s));

    if (s == NULL)
        return NULL;
    object_init(&s->object, &segment_ops, PAGE_UP(size), NULL);
    s->key = key;
    s->size = size;
    s->mode = mode & 0777;
    s->creator = caller();
    s->ctime = inode_now();
    return s;
}

/* The number of the segment of KEY, FRESH if there was none, which is used up then
 * (*FRESH becomes NULL).  => lock held */
static long
get_locked(int key, size_t size, uint32_t flags, struct segment **fresh)
{
    struct segment *s = key == IPC_PRIVATE ? NULL : find_key(key);

    if (s != NULL) {
        if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
            return -EEXIST;
        return size > s->size ? -EINVAL : s->id;
    }
    if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
        return -ENOENT;
    if (size == 0 || size > SHM_BYTES_MOST)
        return -EINVAL;
    if (nsegments == SHM_SEGMENTS)
        return -ENOSPC;
    if (*fresh == NULL)
        return -ENOMEM;
    s = *fresh;
    *fresh = NULL;
    s->id = next_id;
    next_id = next_id == INT32_MAX ? 0 : next_id + 1;
    list_add_tail(&segments, &s->all);
    nsegments++;
    return s->id;
}

static long
sys_shmget(ARGS)
{
    int key = (int)a0;
    uint32_t flags = (uint32_t)a2;
    struct segment *fresh = segment_create(key, a1, flags);
    long id;

    spin_lock(&lock);
    id = get_locked(key, a1, flags, &fresh);
    spin_unlock(&lock);
    kfree(fresh);
    return id;
}
SYSCALL(194, shmget, "dxo", sys_shmget);

/* --- shmat, shmdt --- */

/* The segment ID with a reference, as somebody uses it now; NULL: there is none. */
static struct segment *
segment_take(int id)
{
    struct segment *s;

    spin_lock(&lock);
    s = find_id(id);
    if (s != NULL && !object_try_get(&s->object))
        s = NULL;
    if (s != NULL) {
        s->atime = inode_now();
        s->last = caller();
    }
    spin_unlock(&lock);
    return s;
}

static long
map_segment(struct segment *s, uintptr_t addr, uint32_t flags)
{
    uint32_t how = MAP_SHARED, prot = VM_READ;
    long at;

    if (addr != 0)
        how |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    if (!(flags & SHM_RDONLY))
        prot |= VM_WRITE;
    if (flags & SHM_EXEC)
        prot |= VM_EXEC;
    at = do_mmap(current_process()->mm, addr, s->object.size, prot, how,
                 &s->object, 0);
    return at == -EEXIST || at == -EPERM ? -EINVAL : at;
}

static long
sys_shmat(ARGS)
{
    uintptr_t addr = a1;
    uint32_t flags = (uint32_t)a2;
    struct segment *s;
    long at;

    if (flags & SHM_RND)
        addr = PAGE_DOWN(addr);
    if ((addr & PAGE_MASK) || (addr == 0 && (flags & SHM_REMAP)))
        return -EINVAL;
    s = segment_take((int)a0);
    if (s == NULL)
        return -EINVAL;
    at = map_segment(s, addr, flags);
    object_put(&s->object);
    return at;
}
SYSCALL(196, shmat, "dpx", sys_shmat);

/* The first piece at AT or behind of what was attached at ADDR, END its end; NULL:
 * no more.  => gate closed */
static struct vma_struct *
next_piece(struct mm_struct *mm, uintptr_t addr, uintptr_t at)
{
    struct vma_struct *v = find_vma_walk(mm, at);

    for (; v != NULL; v = vma_next(v)) {
        if (v->vm_start >= addr && v->vm_object != NULL &&
            v->vm_object->ops == &segment_ops &&
            v->vm_start - addr == v->vm_pgoff << PAGE_SHIFT)
            return v;
    }
    return NULL;
}

/* What was attached may be in pieces by now, some of them unmapped. */
static long
sys_shmdt(ARGS)
{
    struct mm_struct *mm = current_process()->mm;
    struct vm_object *obj = NULL;
    uintptr_t at = a0, start, end;
    long r = -EINVAL;

    if (a0 & PAGE_MASK)
        return -EINVAL;
    for (;;) {
        struct vma_struct *v;

        mm_write_begin(mm);
        v = next_piece(mm, a0, at);
        if (v != NULL && (obj == NULL || v->vm_object == obj)) {
            if (obj == NULL)
                object_get(obj = v->vm_object);
            start = v->vm_start;
            end = v->vm_end;
        } else {
            v = NULL;
        }
        mm_write_end(mm);
        if (v == NULL)
            break;
        r = do_munmap(mm, start, end - start);
        if (r != 0)
            break;
        at = end;
    }
    if (obj != NULL) {
        struct segment *s = container_of(obj, struct segment, object);

        spin_lock(&lock);
        s->dtime = inode_now();
        s->last = caller();
        spin_unlock(&lock);
        object_put(obj);
    }
    return r;
}
SYSCALL(197, shmdt, "p", sys_shmdt);

/* --- shmctl --- */

#define IPC_RMID     0
#define IPC_SET      1
#define IPC_STAT     2
#define IPC_INFO     3
#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15

static long
segment_remove(int id)
{
    struct segment *s;

    spin_lock(&lock);
    s = find_id(id);
    if (s != NULL && s->removed) {
        spin_unlock(&lock);
        return 0; /* it is on its way */
    }
    if (s != NULL) {
        s->removed = true;
        s->key = IPC_PRIVATE;
        s->mode |= SHM_DEST;
    }
    spin_unlock(&lock);
    if (s == NULL)
        return -EINVAL;
    object_put(&s->object);
    return 0;
}

static long
segment_set(int id, uintptr_t from)
{
    struct shmid_ds d;
    struct segment *s;

    if (copy_from_user(&d, from, sizeof(d)) != 0)
        return -EFAULT;
    spin_lock(&lock);
    s = find_id(id);
    if (s != NULL) {
        s->uid = d.uid;
        s->gid = d.gid;
        s->mode = (s->mode & (SHM_DEST | SHM_LOCKED)) | (d.mode & 0777);
        s->ctime = inode_now();
    }
    spin_unlock(&lock);
    return s == NULL ? -EINVAL : 0;
}

/* What is in memory stays there from now on, and what comes; or not any more. */
static long
segment_lock(int id, bool stays)
{
    struct segment *s;

    spin_lock(&lock);
    s = find_id(id);
    if (s != NULL) {
        atomic_store(&s->object.stays, (uint32_t)stays);
        s->mode = (s->mode & ~SHM_LOCKED) | (stays ? SHM_LOCKED : 0);
    }
    spin_unlock(&lock);
    return s == NULL ? -EINVAL : 0;
}

/* => lock held */
static struct shmid_ds
describe(const struct segment *s)
{
    return (struct shmid_ds){.key = s->key,
                             .uid = s->uid,
                             .gid = s->gid,
                             .mode = s->mode,
                             .size = s->size,
                             .atime = s->atime,
                             .dtime = s->dtime,
                             .ctime = s->ctime,
                             .cpid = s->creator,
                             .lpid = s->last,
                             .nattch = attached(s)};
}

/* Of the segment of number, or (SHM_STAT) place in the list, ID. */
static long
segment_stat(int id, bool by_place, uintptr_t to)
{
    struct shmid_ds d = {0};
    struct segment *s;
    long r = 0;

    spin_lock(&lock);
    s = by_place ? find_index((unsigned)id) : find_id(id);
    if (s != NULL) {
        d = describe(s);
        r = by_place ? s->id : 0;
    }
    spin_unlock(&lock);
    if (s == NULL)
        return -EINVAL;
    return copy_to_user(to, &d, sizeof(d)) != 0 ? -EFAULT : r;
}

WEAK uint64_t
memsum_object(struct vm_object *obj, uint64_t first, uint64_t last)
{
    (void)obj, (void)first, (void)last;
    return 0;
}

bool
shm_about(unsigned place, struct shm_about *about)
{
    struct segment *s;

    spin_lock(&lock);
    do {
        s = find_index(place);
        if (s != NULL)
            about->ds = describe(s);
    } while (s != NULL && !object_try_get(&s->object));
    spin_unlock(&lock);
    if (s == NULL)
        return false;
    about->id = s->id;
    about->pages = s->object.size >> PAGE_SHIFT;
    about->rss = atomic_load(&s->object.npages);
    about->swapped = memsum_object(&s->object, 0, UINT64_MAX);
    object_put(&s->object);
    return true;
}

/* The last place in the list; 0 also if there is none. */
static long
last_place(void)
{
    unsigned n = atomic_load(&nsegments);

    return n == 0 ? 0 : (long)n - 1;
}

static long
give_limits(uintptr_t to)
{
    struct shminfo info = {.max = SHM_BYTES_MOST,
                           .min = 1,
                           .mni = SHM_SEGMENTS,
                           .seg = SHM_SEGMENTS,
                           .all = SHM_BYTES_MOST >> PAGE_SHIFT};

    return copy_to_user(to, &info, sizeof(info)) != 0 ? -EFAULT : last_place();
}

/* What is in memory, and what there may be at most. */
static long
give_sums(uintptr_t to)
{
    struct shm_info info = {0};
    struct shm_about about;

    for (unsigned i = 0; shm_about(i, &about); i++) {
        info.used_ids++;
        info.tot += about.pages;
        info.rss += about.rss;
        info.swp += about.swapped;
    }
    return copy_to_user(to, &info, sizeof(info)) != 0 ? -EFAULT : last_place();
}

static long
sys_shmctl(ARGS)
{
    int id = (int)a0, cmd = (int)a1;

    if (id < 0 || cmd < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_RMID:
        return segment_remove(id);
    case IPC_SET:
        return segment_set(id, a2);
    case SHM_LOCK:
    case SHM_UNLOCK:
        return segment_lock(id, cmd == SHM_LOCK);
    case IPC_STAT:
        return segment_stat(id, false, a2);
    case SHM_STAT:
    case SHM_STAT_ANY:
        return segment_stat(id, true, a2);
    case IPC_INFO:
        return give_limits(a2);
    case SHM_INFO:
        return give_sums(a2);
    default:
        return -EINVAL;
    }
}
SYSCALL(195, shmctl, "ddp", sys_shmctl);
