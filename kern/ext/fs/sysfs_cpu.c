/* sysfs_cpu.c: adds the harts to /sys (ext/fs/procfs.c), which C libraries count to
 * know how many there are; a first reader may skip it.  sysfs(5), cpuset(7). */
#include "arch/riscv/cpu.h"
#include "ext/fs/procfs.h"
#include "mm/huge.h"

/* "0-3", or "0". */
static int
show_harts(struct proc_text *t, int pid)
{
    if (ncpu > 1)
        proc_print(t, "0-%u\n", ncpu - 1);
    else
        proc_print(t, "0\n");
    return 0;
}

static int
show_none(struct proc_text *t, int pid)
{
    proc_print(t, "\n");
    return 0;
}

static int
show_most(struct proc_text *t, int pid)
{
    proc_print(t, "%u\n", NCPU_MAX - 1);
    return 0;
}

#define CPU "devices/system/cpu/"
PROC_FILE(cpu_online, .name = CPU "online", .where = PROC_SYS,
          .show = show_harts);
PROC_FILE(cpu_possible, .name = CPU "possible", .where = PROC_SYS,
          .show = show_harts);
PROC_FILE(cpu_present, .name = CPU "present", .where = PROC_SYS,
          .show = show_harts);
PROC_FILE(cpu_offline, .name = CPU "offline", .where = PROC_SYS,
          .show = show_none);
PROC_FILE(cpu_kernel_max, .name = CPU "kernel_max", .where = PROC_SYS,
          .show = show_most);

#define NODE "devices/system/node/"
static int
show_node(struct proc_text *t, int pid)
{
    proc_print(t, "0\n");
    return 0;
}
PROC_FILE(node_online, .name = NODE "online", .where = PROC_SYS,
          .show = show_node);
PROC_FILE(node_possible, .name = NODE "possible", .where = PROC_SYS,
          .show = show_node);
PROC_FILE(node_harts, .name = NODE "node0/cpulist", .where = PROC_SYS,
          .show = show_harts);

/* --- huge pages --- */

static int
show_huge(struct proc_text *t, int pid)
{
    proc_print(t, "%s\n",
               huge_flags & VM_RWX    ? "[always] madvise never"
               : huge_flags & VM_HUGE ? "always [madvise] never"
                                      : "always madvise [never]");
    return 0;
}
PROC_FILE(thp, .name = "kernel/mm/transparent_hugepage/enabled",
          .where = PROC_SYS, .show = show_huge);
