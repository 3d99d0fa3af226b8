/* proc_pid.c: adds what a process is to /proc/PID (ext/fs/procfs.c); a first reader
 * may skip it.  Linux's formats: proc(5). */
#include "ext/fs/procfs.h"
#include "ext/mm/memsum.h"
#include "ext/process/look.h"
#include "mm/kmalloc.h"
#include "schedule/timeout.h"
#include <errno.h>
#include <string.h>

static struct look *
look_new(int pid)
{
    struct look *l = kmalloc(sizeof(*l));

    if (l != NULL && look_at(pid, l) != 0) {
        kfree(l);
        l = NULL;
    }
    return l;
}

static void
look_drop(struct look *l)
{
    look_end(l);
    kfree(l);
}

/* Bytes of address space; pages mapped. */
static uint64_t
size_of(struct mm_struct *mm)
{
    uint64_t bytes = 0;

    if (mm == NULL)
        return 0;
    gate_close(&mm->gate);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link)
        bytes += v->vm_end - v->vm_start;
    gate_open(&mm->gate);
    return bytes;
}

static uint64_t
pages_of(struct mm_struct *mm)
{
    return mm == NULL ? 0 : (uint64_t)atomic_load(&mm->rss);
}

static int
show_stat(struct proc_text *t, int pid)
{
    struct look *l = look_new(pid);

    if (l == NULL)
        return -ESRCH;
    proc_print(t, "%d (%s) %c %d %d %d 0 -1 0 %lu %lu %lu %lu %lu %lu %lu %lu ",
               l->pid, l->name, l->state, l->ppid, l->pgid, l->sid,
               l->stat[MM_MIN], l->child_stat[MM_MIN], l->stat[MM_MAJ],
               l->child_stat[MM_MAJ], l->ran.user, l->ran.all - l->ran.user,
               l->child_ran.user, l->child_ran.all - l->child_ran.user);
    proc_print(t, "%d %d %u 0 %lu %lu %lu 18446744073709551615 0 0 %lu ",
               20 + l->nice, l->nice, l->tasks,
               l->born / (timebase_hz / TICK_HZ), size_of(l->mm),
               pages_of(l->mm), l->stack_start);
    proc_print(t, "0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
    look_drop(l);
    return 0;
}

/* In pages: all areas, what is in memory, and of that what is of files or shared;
 * code; what may be written and is the process's own. */
static int
show_statm(struct proc_text *t, int pid)
{
    struct look *l = look_new(pid);
    struct memsum sum = {0};
    uint64_t code = 0, data = 0;

    if (l == NULL)
        return -ESRCH;
    if (l->mm != NULL) {
        gate_close(&l->mm->gate);
        list_for_each_entry (v, &l->mm->mmap_list, struct vma_struct,
                             list_link) {
            uint32_t what = v->vm_flags & (VM_WRITE | VM_EXEC | VM_SHARED);

            memsum_area(v, &sum);
            code += what == VM_EXEC ? vma_pages(v) : 0;
            data += (what & ~VM_EXEC) == VM_WRITE ? vma_pages(v) : 0;
        }
        gate_open(&l->mm->gate);
    }
    proc_print(t, "%lu %lu %lu %lu 0 %lu 0\n", sum.size, pages_of(l->mm),
               sum.rss - sum.anonymous, code, data);
    look_drop(l);
    return 0;
}

/* --- the program --- */

static int
link_exe(int pid, char *buf, size_t size)
{
    struct look *l = look_new(pid);
    int n;

    if (l == NULL)
        return -ESRCH;
    n = l->exe == NULL ? -ENOENT : look_path(l->exe, buf, size);
    look_drop(l);
    return n > 0 ? n - 1 : n;
}

/* --- trace: 1 or 0 --- */

static int
show_trace(struct proc_text *t, int pid)
{
    struct look *l = look_new(pid);

    if (l == NULL)
        return -ESRCH;
    proc_print(t, "%d\n", l->trace);
    look_drop(l);
    return 0;
}

static int
store_trace(int pid, const char *line)
{
    struct process *p;

    if ((*line != '0' && *line != '1') || line[1] != 0)
        return -EINVAL;
    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL)
        proc_trace(p, *line == '1');
    spin_unlock(&tree_lock);
    return p == NULL ? -ESRCH : 0;
}

static int
link_self(int pid, char *buf, size_t size)
{
    struct proc_text t = {.buf = buf, .room = size};

    proc_print(&t, "%d", current_process()->pid);
    return (int)t.n;
}

PROC_FILE(pid_stat, .name = "stat", .where = PROC_PID, .show = show_stat);
PROC_FILE(pid_statm, .name = "statm", .where = PROC_PID, .show = show_statm);
PROC_FILE(pid_exe, .name = "exe", .where = PROC_PID, .link = link_exe);
PROC_FILE(pid_trace, .name = "trace", .where = PROC_PID, .show = show_trace,
          .store = store_trace);
PROC_FILE(self, .name = "self", .link = link_self);
