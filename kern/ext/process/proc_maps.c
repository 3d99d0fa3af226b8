/* proc_maps.c: adds /proc/PID/maps, smaps and smaps_rollup to ext/fs/procfs.c; a first
 * reader may skip it.
 *
 *     1000000000-1000009000 r-xp 00000000 00:01 113                   /bin/cat
 *     start      end        rights  |      |     inode
 *                           offset in file device
 *
 * Areas are read a few at a time, inside the gate; what their files are called is
 * found outside of it, since that reads folders.  So the list is of one moment
 * only as far as these few go, as elsewhere.  proc_pid_maps(5), proc_pid_smaps(5). */
#include "ext/fs/procfs.h"
#include "ext/mm/memsum.h"
#include "ext/process/look.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <string.h>

#define BATCH       16u
#define NAME_COLUMN 73u

struct area {
    uintptr_t start, end;
    uint32_t flags;
    uint64_t offset;
    struct inode *file; /* a reference, or NULL */
    const char *name;   /* of what is no file */
    struct memsum sum;  /* if that is wanted */
};

struct maps {
    const struct look *l;
    bool sums;
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
        a->sum = (struct memsum){0};
        if (m->sums)
            memsum_area(v, &a->sum);
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

    size_t from = t->n;

    proc_print(t, "%08lx-%08lx %c%c%c%c %08lx %02lx:%02lx %lu ", a->start,
               a->end, f & VM_READ ? 'r' : '-', f & VM_WRITE ? 'w' : '-',
               f & VM_EXEC ? 'x' : '-', f & VM_SHARED ? 's' : 'p', a->offset,
               dev >> 8 & 0xfff, dev & 0xff,
               a->file != NULL ? a->file->ino : 0);
    if (*name != 0) {
        while (t->err == 0 && t->n - from < NAME_COLUMN)
            proc_add(t, " ", 1);
        proc_add(t, name, strlen(name));
    }
    proc_print(t, "\n");
}

static void
print_kb(struct proc_text *t, const char *name, uint64_t pages)
{
    size_t n = strlen(name) + 1;

    proc_print(t, "%s:", name);
    for (; n < 16; n++)
        proc_add(t, " ", 1);
    proc_print(t, "%8lu kB\n", pages * (PAGE_SIZE / 1024));
}

static void
print_sum(struct proc_text *t, const struct memsum *s, bool rollup)
{
    const struct {
        const char *name;
        uint64_t pages;
    } lines[] = {
        {"Rss", s->rss},
        {"Pss", s->share / 4096},
        {"Shared_Clean", s->shared_clean},
        {"Shared_Dirty", s->shared_dirty},
        {"Private_Clean", s->private_clean},
        {"Private_Dirty", s->private_dirty},
        {"Referenced", s->referenced},
        {"Anonymous", s->anonymous},
        {"LazyFree", s->lazy_free},
        {"AnonHugePages", s->huge},
        {"Swap", s->swap},
        {"SwapPss", s->swap_share / 4096},
        {"Locked", s->locked},
    };

    if (!rollup) {
        print_kb(t, "Size", s->size);
        print_kb(t, "KernelPageSize", 1);
        print_kb(t, "MMUPageSize", 1);
    }
    for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
        print_kb(t, lines[i].name, lines[i].pages);
}

static void
print_flags(struct proc_text *t, uint32_t f)
{
    proc_print(t, "VmFlags:%s%s%s%s%s \n", f & VM_READ ? " rd" : "",
               f & VM_WRITE ? " wr" : "", f & VM_EXEC ? " ex" : "",
               f & VM_SHARED ? " sh" : "", f & VM_LOCKED ? " lo" : "");
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
            if (m->sums) {
                print_sum(t, &m->areas[i].sum, false);
                print_flags(t, m->areas[i].flags);
            }
            if (m->areas[i].file != NULL)
                inode_put(m->areas[i].file);
        }
    }
    if (m->named != NULL)
        inode_put(m->named);
}

static void
print_rollup(struct proc_text *t, struct mm_struct *mm)
{
    struct memsum sum = {0};
    uintptr_t start = 0, end = 0;

    gate_close(&mm->gate);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        start = end == 0 ? v->vm_start : start;
        end = v->vm_end;
        memsum_area(v, &sum);
    }
    gate_open(&mm->gate);
    proc_print(t, "%08lx-%08lx ---p 00000000 00:00 0", start, end);
    proc_print(t, "                          [rollup]\n");
    print_sum(t, &sum, true);
}

/* LIST: each area; SUMS: and what it takes, or that of all. */
static int
show(struct proc_text *t, int pid, bool sums, bool list)
{
    struct look l;
    struct maps *m = kzalloc(sizeof(*m));
    int err = m == NULL ? -ENOMEM : look_at(pid, &l);

    if (err == 0) {
        m->l = &l;
        m->sums = sums;
        if (l.mm != NULL && list)
            print_all(t, m);
        else if (l.mm != NULL)
            print_rollup(t, l.mm);
        look_end(&l);
    }
    kfree(m);
    return err;
}

static int
show_maps(struct proc_text *t, int pid)
{
    return show(t, pid, false, true);
}
PROC_FILE(pid_maps, .name = "maps", .where = PROC_PID, .show = show_maps);

static int
show_smaps(struct proc_text *t, int pid)
{
    return show(t, pid, true, true);
}
PROC_FILE(pid_smaps, .name = "smaps", .where = PROC_PID, .show = show_smaps);

static int
show_rollup(struct proc_text *t, int pid)
{
    return show(t, pid, true, false);
}
PROC_FILE(pid_rollup, .name = "smaps_rollup", .where = PROC_PID,
          .show = show_rollup);
