/* proc_sys.c: adds /proc/sys to ext/fs/procfs.c: what the kernel is set to; a first
 * reader may skip it.
 *
 * Programs read these to learn limits, and administrators write them.  What is
 * here says what is so: memory is never refused for what it might be used for
 * (overcommit_memory 1), addresses are the same in every run (randomize_va_space
 * 0).  A value that cannot be another one may be written as it is, so that who
 * saves and restores it succeeds; anything else is EINVAL.  proc_sys(5). */
#include "arch/riscv/memlayout.h"
#include "ext/fs/procfs.h"
#include "ext/mm/knob.h"
#include "ext/syscall/shm.h"
#include "mm/pmm.h"
#include "mm/vmm.h"
#include "process/proc.h"
#include <errno.h>
#include <string.h>

/* A number that stays what it is: NAME of the file in C, PATH, VALUE. */
#define FIXED(id, path, value)                                  \
    static int show_##id(struct proc_text *t, int pid)          \
    {                                                           \
        proc_print(t, "%lu\n", (uint64_t)(value));              \
        return 0;                                               \
    }                                                           \
    static int store_##id(int pid, const char *line)            \
    {                                                           \
        return same_number(line, (uint64_t)(value));            \
    }                                                           \
    PROC_FILE(sys_##id, .name = "sys/" path, .show = show_##id, \
              .store = store_##id)

/* A word or line that nobody can change. */
#define WORDS(id, path, text)                          \
    static int show_##id(struct proc_text *t, int pid) \
    {                                                  \
        proc_print(t, "%s\n", text);                   \
        return 0;                                      \
    }                                                  \
    PROC_FILE(sys_##id, .name = "sys/" path, .show = show_##id)

static int
same_number(const char *line, uint64_t value)
{
    const char *end;
    uint64_t n = strtoull_simple(line, &end);

    while (*end == ' ' || *end == '\t')
        end++;
    return end == line || *end != 0 || n != value ? -EINVAL : 0;
}

/* --- memory --- */

FIXED(overcommit, "vm/overcommit_memory", 1);
FIXED(overcommit_ratio, "vm/overcommit_ratio", 50);
FIXED(overcommit_kbytes, "vm/overcommit_kbytes", 0);
FIXED(max_map_count, "vm/max_map_count", map_count_max);
FIXED(mmap_min_addr, "vm/mmap_min_addr", MMAP_MIN);
FIXED(min_free, "vm/min_free_kbytes", reclaim_min *(PAGE_SIZE / 1024));
FIXED(swappiness, "vm/swappiness", 100); /* both kinds cost the same */
FIXED(page_cluster, "vm/page-cluster", 0);
FIXED(panic_on_oom, "vm/panic_on_oom", 0);
FIXED(oom_kill_asker, "vm/oom_kill_allocating_task", 0);
FIXED(nr_hugepages, "vm/nr_hugepages", 0);
FIXED(nr_overcommit_huge, "vm/nr_overcommit_hugepages", 0);
FIXED(legacy_layout, "vm/legacy_va_layout", 0);

/* 1: pages of files, 2: what can be made again, 3: both.  Written only. */
static int
store_drop(int pid, const char *line)
{
    char why[64];

    if (line[0] < '1' || line[0] > '4' || line[1] != 0)
        return -EINVAL;
    return line[0] == '1' || line[0] == '3'
               ? knob_line("drop_clean=1", why, sizeof(why))
               : 0;
}

static int
show_nothing(struct proc_text *t, int pid)
{
    proc_print(t, "0\n");
    return 0;
}
PROC_FILE(sys_drop, .name = "sys/vm/drop_caches", .mode = S_IFREG | 0200,
          .show = show_nothing, .store = store_drop);

/* --- the kernel --- */

WORDS(ostype, "kernel/ostype", "ucore-sv");
WORDS(osrelease, "kernel/osrelease", "6.1.0-ucore-sv");
WORDS(osversion, "kernel/version", "1");
WORDS(hostname, "kernel/hostname", "ucore");
WORDS(domainname, "kernel/domainname", "(none)");
WORDS(core_pattern, "kernel/core_pattern", "core");
WORDS(printk, "kernel/printk", "7\t4\t1\t7");
FIXED(core_uses_pid, "kernel/core_uses_pid", 0);
FIXED(core_pipe_limit, "kernel/core_pipe_limit", 0);
FIXED(pid_max, "kernel/pid_max", 32768);
FIXED(threads_max, "kernel/threads-max", process_limit);
FIXED(random_va, "kernel/randomize_va_space", 0);
FIXED(tainted, "kernel/tainted", 0);
FIXED(panic, "kernel/panic", 0);
FIXED(panic_on_oops, "kernel/panic_on_oops", 1);
FIXED(cap_last, "kernel/cap_last_cap", 40);
FIXED(ngroups, "kernel/ngroups_max", 65536);
FIXED(overflowuid, "kernel/overflowuid", 65534);
FIXED(overflowgid, "kernel/overflowgid", 65534);
FIXED(shmmax, "kernel/shmmax", SHM_BYTES_MOST);
FIXED(shmall, "kernel/shmall", SHM_BYTES_MOST / PAGE_SIZE);
FIXED(shmmni, "kernel/shmmni", SHM_SEGMENTS);

/* --- files --- */

FIXED(nr_open, "fs/nr_open", NOFILE_MAX);
FIXED(file_max, "fs/file-max", INT64_MAX);
FIXED(pipe_max, "fs/pipe-max-size", 65536);
FIXED(protected_links, "fs/protected_hardlinks", 0);
FIXED(protected_symlinks, "fs/protected_symlinks", 0);
FIXED(suid_dumpable, "fs/suid_dumpable", 0);
