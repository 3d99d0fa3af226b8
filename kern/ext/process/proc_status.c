/* proc_status.c: adds /proc/PID/status and limits to ext/fs/procfs.c; a first reader
 * may skip it.  Linux's lines in Linux's order: proc_pid_status(5).
 *
 * Memory is counted by looking at every entry, as for smaps.  Nobody remembers what
 * was there once: the peaks are what is there now. */
#include "ext/fs/procfs.h"
#include "ext/mm/memsum.h"
#include "ext/process/look.h"
#include "process/impl.h"
#include <errno.h>
#include <string.h>

/* --- what it may do and waits for --- */

struct signals {
    uint64_t own, shared, blocked, ignored, handled;
    unsigned queued;
    uint64_t harts;
};

static struct task *
first_task(struct process *p)
{
    return list_empty(&p->tasks) ? NULL
                                 : list_entry(p->tasks.next, struct task, link);
}

static void
look_at_signals(int pid, struct signals *s)
{
    struct process *p;
    struct task *t;

    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL) {
        s->shared = p->pending;
        s->ignored = p->ignored;
        s->handled = p->handled;
        t = first_task(p);
        if (t != NULL) {
            s->own = t->pending;
            s->blocked = t->blocked;
            s->harts = t->thread.affinity;
        }
    }
    spin_unlock(&tree_lock);
}

static void
print_signals(struct proc_text *t, const struct signals *s, uint64_t limit)
{
    proc_print(t, "SigQ:\t%u/%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\n",
               s->queued, limit, s->own, s->shared);
    proc_print(t, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
               s->blocked, s->ignored, s->handled);
}

/* There is one user, who may do everything. */
static void
print_rights(struct proc_text *t)
{
    static const char *const sets[] = {"CapPrm", "CapEff", "CapBnd"};

    proc_print(t, "CapInh:\t%016lx\n", 0ul);
    for (unsigned i = 0; i < ARRAY_LEN(sets); i++)
        proc_print(t, "%s:\t%016lx\n", sets[i], (1ul << 41) - 1);
    proc_print(t, "CapAmb:\t%016lx\nNoNewPrivs:\t0\nSeccomp:\t0\n", 0ul);
    proc_print(t, "Seccomp_filters:\t0\n");
}

static void
print_harts(struct proc_text *t, uint64_t harts)
{
    const char *comma = "";

    harts &= (1ul << ncpu) - 1;
    proc_print(t, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", harts);
    for (unsigned i = 0; i < ncpu; i++) {
        unsigned last = i;

        if ((harts >> i & 1) == 0)
            continue;
        while (last + 1 < ncpu && (harts >> (last + 1) & 1))
            last++;
        proc_print(t, last > i ? "%s%u-%u" : "%s%u", comma, i, last);
        comma = ",";
        i = last;
    }
    proc_print(t, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

/* --- what it has --- */

struct sizes {
    struct memsum all;
    uint64_t file, shmem;               /* pages in memory */
    uint64_t data, stack, code, shared; /* pages of areas */
};

static void
add_area(struct sizes *z, struct vma_struct *v, const struct look *l)
{
    struct memsum own = {.size = 0};
    uint32_t f = v->vm_flags;
    bool named = v->vm_object != NULL && v->vm_object->ops->pin == inode_pin;
    uint64_t mapped;

    memsum_area(v, &own);
    mapped = own.rss - own.anonymous;
    z->all.size += own.size;
    z->all.rss += own.rss;
    z->all.anonymous += own.anonymous;
    if (v->vm_object != NULL && v->vm_object->ops->swap)
        z->shmem += mapped;
    else
        z->file += mapped;
    if (v->vm_start <= l->stack_start && l->stack_start < v->vm_end)
        z->stack += own.size;
    else if ((f & (VM_WRITE | VM_SHARED)) == VM_WRITE)
        z->data += own.size;
    if ((f & (VM_WRITE | VM_EXEC)) == VM_EXEC) {
        if (named || v->vm_object == NULL)
            z->shared += own.size;
        if (l->exe != NULL && v->vm_object == l->exe->object)
            z->code += own.size;
    }
}

static void
kilobytes(struct proc_text *t, const char *name, uint64_t pages)
{
    proc_print(t, "%s:\t%8lu kB\n", name, pages * (PAGE_SIZE / 1024));
}

static void
print_memory(struct proc_text *t, const struct look *l)
{
    struct mm_struct *mm = l->mm;
    struct sizes z = {.file = 0};
    uint64_t locked;

    gate_close(&mm->gate);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link)
        add_area(&z, v, l);
    locked = mm->locked_pages;
    gate_open(&mm->gate);
    kilobytes(t, "VmPeak", z.all.size);
    kilobytes(t, "VmSize", z.all.size);
    kilobytes(t, "VmLck", locked);
    kilobytes(t, "VmPin", 0);
    kilobytes(t, "VmHWM", z.all.rss);
    kilobytes(t, "VmRSS", z.all.rss);
    kilobytes(t, "RssAnon", z.all.anonymous);
    kilobytes(t, "RssFile", z.file);
    kilobytes(t, "RssShmem", z.shmem);
    kilobytes(t, "VmData", z.data);
    kilobytes(t, "VmStk", z.stack);
    kilobytes(t, "VmExe", z.code);
    kilobytes(t, "VmLib", z.shared > z.code ? z.shared - z.code : 0);
    kilobytes(t, "VmPTE",
              atomic_load(&mm->stat[MM_PT_ALLOC]) -
                  atomic_load(&mm->stat[MM_PT_FREE]));
    kilobytes(t, "VmSwap", memsum_swapped(mm)); /* not what is shared */
    kilobytes(t, "HugetlbPages", 0);
    proc_print(t, "CoreDumping:\t0\nTHP_enabled:\t1\n");
}

static const char *
state_name(char state)
{
    return state == 'R'   ? "running"
           : state == 'Z' ? "zombie"
           : state == 'T' ? "stopped"
                          : "sleeping";
}

static int
show_status(struct proc_text *t, int pid)
{
    struct signals s = {.queued = 0};
    struct look l;
    int err = look_at(pid, &l);

    if (err != 0)
        return err;
    look_at_signals(pid, &s);
    proc_print(t, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\n", l.name, l.umask,
               l.state, state_name(l.state));
    proc_print(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n", l.pid, l.pid,
               l.ppid);
    proc_print(t, "TracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n");
    proc_print(t, "FDSize:\t%d\nGroups:\t \n", l.files ? l.files->size : 0);
    proc_print(t, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", l.pid,
               l.pid, l.pgid, l.sid);
    proc_print(t, "Kthread:\t0\n");
    if (l.mm != NULL)
        print_memory(t, &l);
    proc_print(t, "Threads:\t%u\n", l.tasks);
    print_signals(t, &s, process_limit);
    print_rights(t);
    print_harts(t, s.harts);
    look_end(&l);
    return 0;
}
PROC_FILE(pid_status, .name = "status", .where = PROC_PID, .show = show_status);

/* --- limits: proc_pid_limits(5) --- */

static void
print_limit(struct proc_text *t, uint64_t value)
{
    if (value == ~0ul)
        proc_print(t, "%-20s ", "unlimited");
    else
        proc_print(t, "%-20lu ", value);
}

static int
show_limits(struct proc_text *t, int pid)
{
    static const struct {
        const char *name, *unit;
    } rows[RLIM_COUNT] = {
        {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
        {"Max data size", "bytes"},      {"Max stack size", "bytes"},
        {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"},  {"Max open files", "files"},
        {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
        {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
        {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
    };
    struct rlimit64 limits[RLIM_COUNT];
    struct process *p;

    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL)
        memcpy(limits, p->limits, sizeof(limits));
    spin_unlock(&tree_lock);
    if (p == NULL)
        return -ESRCH;
    proc_print(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
               "Hard Limit", "Units");
    for (unsigned i = 0; i < RLIM_COUNT; i++) {
        proc_print(t, "%-25s ", rows[i].name);
        print_limit(t, limits[i].cur);
        print_limit(t, limits[i].max);
        proc_print(t, *rows[i].unit ? "%-10s\n" : "\n", rows[i].unit);
    }
    return 0;
}
PROC_FILE(pid_limits, .name = "limits", .where = PROC_PID, .show = show_limits);
