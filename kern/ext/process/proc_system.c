/* proc_system.c: adds what the machine does to /proc (ext/fs/procfs.c); a first
 * reader may skip it.  Linux's formats: proc(5). */
#include "debug/kstat.h"
#include "debug/trace.h"
#include "ext/debug/tracering.h"
#include "ext/fs/procfs.h"
#include "ext/mm/observe.h"
#include "ext/mm/spaces.h"
#include "ext/process/look.h"
#include "ext/schedule/loadavg.h"
#include "mm/bootmem.h"
#include "mm/kmalloc.h"
#include "mm/pmm.h"
#include "mm/swap.h"
#include "schedule/clock.h"
#include "schedule/timeout.h"
#include <errno.h>

/* --- memory --- */

static void
kilobytes(struct proc_text *t, const char *name, uint64_t pages)
{
    proc_print(t, "%-16s%8lu kB\n", name, pages * (PAGE_SIZE / 1024));
}

/* What could be had without writing to swap: the marks of reclaim (mm/reclaim.h)
 * stay free. */
static uint64_t
available(uint64_t nfree)
{
    uint64_t keep = kstat_read(STAT_SHMEM) + kstat_read(STAT_DIRTY);
    uint64_t cached = kstat_read(STAT_CACHE);

    nfree += cached - MIN(cached, keep);
    return nfree - MIN(nfree, reclaim_min);
}

/* All spaces together. */
struct totals {
    uint64_t rss, locked, tables;
};

static void
add_spaces(struct totals *z)
{
    for (struct mm_struct *mm = space_next(NULL); mm != NULL;
         mm = space_next(mm)) {
        z->rss += (uint64_t)atomic_load(&mm->rss);
        z->locked += atomic_load(&mm->locked_pages);
        z->tables += atomic_load(&mm->stat[MM_PT_ALLOC]) -
                     atomic_load(&mm->stat[MM_PT_FREE]);
    }
}

static void
count_thread(struct thread *th, void *arg)
{
    (void)th;
    ++*(uint64_t *)arg;
}

static int
show_meminfo(struct proc_text *t, int pid)
{
    uint64_t nfree = nr_free_pages(), cached = kstat_read(STAT_CACHE);
    uint64_t slots = swap_slots(), used = swap_slots_used();
    uint64_t swapped = kstat_read(STAT_SWAPPED);
    uint64_t private = kstat_read(STAT_ANON), threads = 0;
    uint64_t in_memory = private - MIN(private, swapped);
    struct totals z = {.rss = 0};

    add_spaces(&z);
    thread_for_each(count_thread, &threads);
    kilobytes(t, "MemTotal:", bootmem_total() / PAGE_SIZE);
    kilobytes(t, "MemFree:", nfree);
    kilobytes(t, "MemAvailable:", available(nfree));
    kilobytes(t, "Buffers:", 0);
    kilobytes(t, "Cached:", cached);
    kilobytes(t, "SwapCached:", used - MIN(used, swapped));
    kilobytes(t, "Active:", 0);
    kilobytes(t, "Inactive:", cached + in_memory);
    kilobytes(t, "Unevictable:", z.locked);
    kilobytes(t, "Mlocked:", z.locked);
    kilobytes(t, "SwapTotal:", slots);
    kilobytes(t, "SwapFree:", slots - MIN(slots, used));
    kilobytes(t, "Dirty:", kstat_read(STAT_DIRTY));
    kilobytes(t, "Writeback:", 0);
    kilobytes(t, "AnonPages:", in_memory);
    kilobytes(t, "Mapped:", z.rss - MIN(z.rss, in_memory));
    kilobytes(t, "Shmem:", kstat_read(STAT_SHMEM));
    kilobytes(t, "KernelStack:", threads * (KSTACK_SIZE / PAGE_SIZE));
    kilobytes(t, "PageTables:", z.tables);
    kilobytes(t, "CommitLimit:", bootmem_total() / PAGE_SIZE + slots);
    kilobytes(t, "Committed_AS:", private + kstat_read(STAT_SHMEM));
    kilobytes(t, "AnonHugePages:", 0);
    proc_print(t, "HugePages_Total:       0\nHugePages_Free:        0\n");
    kilobytes(t, "Hugepagesize:", (2ul << 20) / PAGE_SIZE);
    return 0;
}
PROC_FILE(meminfo, .name = "meminfo", .show = show_meminfo);

static int
show_vmstat(struct proc_text *t, int pid)
{
    struct mmstat_value *v = kmalloc(MMSTAT_VALUES * sizeof(*v));
    uint64_t faults, major, in, out;

    if (v == NULL)
        return -ENOMEM;
    mmstat_read(NULL, v);
    faults = v[MM_FLT].value;
    major = v[MM_MAJ].value;
    in = v[MM_SWPIN].value;
    out = v[MM_SWPOUT].value;
    kfree(v);
    proc_print(t, "nr_free_pages %lu\nnr_anon_pages %lu\nnr_file_pages %lu\n",
               nr_free_pages(), kstat_read(STAT_ANON), kstat_read(STAT_CACHE));
    proc_print(t, "nr_dirty %lu\npgalloc_normal %lu\npgfree %lu\n",
               kstat_read(STAT_DIRTY), kstat_read(STAT_PAGE_ALLOC),
               kstat_read(STAT_PAGE_FREE));
    proc_print(t, "pgfault %lu\npgmajfault %lu\n", faults, major);
    proc_print(t, "pswpin %lu\npswpout %lu\nallocstall_normal %lu\n", in, out,
               kstat_read(STAT_DIRECT));
    return 0;
}
PROC_FILE(vmstat, .name = "vmstat", .show = show_vmstat);

/* --- time --- */

/* Hundredths of a second since boot. */
static uint64_t
uptime(void)
{
    return time_now() / (timebase_hz / 100);
}

/* An idle hart has no ticks: its time is what the others' are missing. */
static uint64_t
idle_time(uint64_t all, uint64_t user, uint64_t kernel)
{
    return all - MIN(user + kernel, all);
}

static int
show_uptime(struct proc_text *t, int pid)
{
    uint64_t up = uptime();
    uint64_t idle = idle_time(up * ncpu, kstat_read(STAT_TICK_USER),
                              kstat_read(STAT_TICK_KERNEL));

    proc_print(t, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100,
               idle % 100);
    return 0;
}
PROC_FILE(uptime, .name = "uptime", .show = show_uptime);

static void
count_runnable(struct thread *th, void *arg)
{
    unsigned *n = arg;
    uint32_t state = atomic_load(&th->state);

    n[0] += state == THREAD_READY || state == THREAD_RUNNING;
    n[1]++;
}

static int
show_stat(struct proc_text *t, int pid)
{
    uint64_t up = uptime(), user, kernel;
    unsigned n[2] = {0};

    thread_for_each(count_runnable, n);
    user = kstat_read(STAT_TICK_USER);
    kernel = kstat_read(STAT_TICK_KERNEL);
    proc_print(t, "cpu  %lu 0 %lu %lu 0 0 0 0 0 0\n", user, kernel,
               idle_time(up * ncpu, user, kernel));
    for (unsigned i = 0; i < ncpu; i++) {
        user = atomic_load(&kstat_rows[i].v[STAT_TICK_USER]);
        kernel = atomic_load(&kstat_rows[i].v[STAT_TICK_KERNEL]);
        proc_print(t, "cpu%u %lu 0 %lu %lu 0 0 0 0 0 0\n", i, user, kernel,
                   idle_time(up, user, kernel));
    }
    proc_print(t, "intr %lu\nctxt %lu\nbtime %ld\n", kstat_read(STAT_IRQ),
               kstat_read(STAT_SWITCH), (long)((wall_ns() - uptime_ns()) / NS));
    proc_print(t, "procs_running %u\nprocs_blocked 0\n", n[0]);
    return 0;
}
PROC_FILE(stat, .name = "stat", .show = show_stat);

/* Without ext/init/loadavg.c. */
WEAK void
load_average(uint64_t load[3])
{
    load[0] = load[1] = load[2] = 0;
}

static int
show_loadavg(struct proc_text *t, int pid)
{
    unsigned n[2] = {0};
    uint64_t load[3];

    load_average(load);
    thread_for_each(count_runnable, n);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t l = load[i] + (1ul << LOAD_SHIFT) / 200; /* to the nearest */

        proc_print(t, "%lu.%02lu ", l >> LOAD_SHIFT,
                   (l & ((1ul << LOAD_SHIFT) - 1)) * 100 >> LOAD_SHIFT);
    }
    proc_print(t, "%u/%u %d\n", n[0], n[1], current_process()->pid);
    return 0;
}
PROC_FILE(loadavg, .name = "loadavg", .show = show_loadavg);

/* --- what it is --- */

static int
show_cpuinfo(struct proc_text *t, int pid)
{
    for (unsigned i = 0; i < ncpu; i++)
        proc_print(t, "processor\t: %u\nisa\t\t: rv64imafdc\n\n", i);
    return 0;
}
PROC_FILE(cpuinfo, .name = "cpuinfo", .show = show_cpuinfo);

static int
show_version(struct proc_text *t, int pid)
{
    proc_print(t, "ucore-sv version 6.1.0-ucore-sv\n");
    return 0;
}
PROC_FILE(version, .name = "version", .show = show_version);

/* --- ucore/trace: the latest events of each hart, oldest first --- */

#define EVENTS 128

static void
add_event(struct proc_text *t, unsigned cpu, const struct trace_event *e)
{
    static const char *const names[TRACE_COUNT] = {
#define X(id, name, fmt) [id] = name,
        TRACE_LIST(X)
#undef X
    };

    if (e->id < TRACE_COUNT)
        proc_print(t, "%lu %u %s %#lx %#lx\n", e->time, cpu, names[e->id], e->a,
                   e->b);
}

static int
show_trace(struct proc_text *t, int pid)
{
    struct trace_event e;

    for (unsigned cpu = 0; cpu < ncpu; cpu++) {
        for (unsigned age = EVENTS; age-- > 0;) {
            if (trace_read(cpu, age, &e))
                add_event(t, cpu, &e);
        }
    }
    return 0;
}

static int
store_trace(int pid, const char *line)
{
    if ((*line != '0' && *line != '1') || line[1] != 0)
        return -EINVAL;
    trace_enabled = *line == '1';
    return 0;
}
PROC_FILE(ucore_trace, .name = "trace", .where = PROC_UCORE, .show = show_trace,
          .store = store_trace);
