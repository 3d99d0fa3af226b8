/* proc_maps.c: adds /proc/PID/maps to ext/fs/procfs.c; a first reader may skip
 * it.
 *
 *     1000000000-1000009000 r-xp 00000000 00:01 113      /bin/cat
 *     start      end        rights  |      |     inode
 *                           offset in file device
 *
 * Areas are read a few at a time, inside the gate; what their files are called is
 * found outside of it, since that reads folders.  So the list is of one moment
 * only as far as these few go, as elsewhere.  proc_pid_maps(5). */
#include "ext/fs/procfs.h"
#include "ext/process/look.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <string.h>

#define BATCH 16u

struct area {
    uintptr_t start, end;
    uint32_t flags;
    uint64_t offset;
    struct inode *file; /* a reference, or NULL */
    const char *name;   /* of what is no file */
};

struct maps {
    const struct look *l;
    struct area areas[BATCH];
    struct inode *named; /* whose path PATH is; a reference, or NULL */
    char path[PATH_MAX];
};

/* The inode whose pages OBJ holds.  => gate closed */
static struct inode *
file_of(const struct look *l, const struct vm_object *obj)
{
    if (l->exe != NULL && obj == l->exe->object)
        return l->exe;
    return obj != NULL && obj->ops->pin == inode_pin ? obj->host : NULL;
}

static const char *
area_name(const struct vma_struct *v, const struct look *l)
{
    if (v->vm_object != NULL)
        return "";
    if (v->vm_start < l->mm->brk && v->vm_end > l->mm->brk_start)
        return "[heap]";
    if (v->vm_start <= l->stack_start && l->stack_start < v->vm_end)
        return "[stack]";
    return "";
}

/* The next areas, the first of which ends behind AT; how many. */
static unsigned
read_areas(struct maps *m, uintptr_t at)
{
    struct mm_struct *mm = m->l->mm;
    struct vma_struct *v;
    unsigned n = 0;

    gate_close(&mm->gate);
    for (v = find_vma_walk(mm, at); v != NULL && n < BATCH; v = vma_next(v)) {
        struct area *a = &m->areas[n++];

        a->start = v->vm_start;
        a->end = v->vm_end;
        a->flags = v->vm_flags;
        a->offset = v->vm_object ? v->vm_pgoff << PAGE_SHIFT : 0;
        a->name = area_name(v, m->l);
        a->file = file_of(m->l, v->vm_object);
        if (a->file != NULL)
            inode_get(a->file);
    }
    gate_open(&mm->gate);
    return n;
}

/* Areas of one file follow each other, so the last path is kept. */
static const char *
path_of_area(struct maps *m, const struct area *a)
{
    if (a->file == m->named)
        return m->path;
    if (m->named != NULL)
        inode_put(m->named);
    inode_get(a->file);
    m->named = a->file;
    if (look_path(a->file, m->path, sizeof(m->path)) <= 0)
        strlcpy(m->path, "(deleted)", sizeof(m->path));
    return m->path;
}

static void
print_area(struct proc_text *t, struct maps *m, const struct area *a)
{
    const char *name = a->file != NULL ? path_of_area(m, a) : a->name;
    uint64_t dev = a->file != NULL ? a->file->dev : 0;
    uint32_t f = a->flags;

    proc_print(t, "%08lx-%08lx %c%c%c%c %08lx %02lx:%02lx %lu", a->start,
               a->end, f & VM_READ ? 'r' : '-', f & VM_WRITE ? 'w' : '-',
               f & VM_EXEC ? 'x' : '-', f & VM_SHARED ? 's' : 'p', a->offset,
               dev >> 8 & 0xfff, dev & 0xff,
               a->file != NULL ? a->file->ino : 0);
    if (*name != 0) {
        proc_print(t, "     ");
        proc_add(t, name, strlen(name));
    }
    proc_print(t, "\n");
}

static void
print_all(struct proc_text *t, struct maps *m)
{
    uintptr_t at = 0;
    unsigned n;

    while ((n = read_areas(m, at)) > 0) {
        at = m->areas[n - 1].end;
        for (unsigned i = 0; i < n; i++) {
            print_area(t, m, &m->areas[i]);
            if (m->areas[i].file != NULL)
                inode_put(m->areas[i].file);
        }
    }
    if (m->named != NULL)
        inode_put(m->named);
}

static int
show_maps(struct proc_text *t, int pid)
{
    struct look l;
    struct maps *m = kzalloc(sizeof(*m));
    int err = m == NULL ? -ENOMEM : look_at(pid, &l);

    if (err == 0) {
        m->l = &l;
        if (l.mm != NULL)
            print_all(t, m);
        look_end(&l);
    }
    kfree(m);
    return err;
}
PROC_FILE(pid_maps, .name = "maps", .where = PROC_PID, .show = show_maps);
