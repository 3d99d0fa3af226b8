/* proc_shm.c: adds /proc/sysvipc/shm, which ipcs(1) reads, to ext/fs/procfs.c; a first
 * reader may skip it. */
#include "ext/fs/procfs.h"
#include "ext/syscall/shm.h"

#include "arch/riscv/memlayout.h"

WEAK bool
shm_about(unsigned place, struct shm_about *about)
{
    (void)place, (void)about;
    return false;
}

static int
show_shm(struct proc_text *t, int pid)
{
    struct shm_about a;

    proc_print(t, "%10s %10s %5s %21s %5s %5s %6s %5s %5s %5s %5s", "key",
               "shmid", "perms", "size", "cpid", "lpid", "nattch", "uid", "gid",
               "cuid", "cgid");
    proc_print(t, " %10s %10s %10s %21s %21s\n", "atime", "dtime", "ctime",
               "rss", "swap");
    for (unsigned i = 0; shm_about(i, &a); i++) {
        proc_print(t, "%10d %10d  %4o %21lu %5d %5d  %5lu %5u %5u %5u %5u",
                   a.ds.key, a.id, a.ds.mode, a.ds.size, a.ds.cpid, a.ds.lpid,
                   a.ds.nattch, a.ds.uid, a.ds.gid, a.ds.cuid, a.ds.cgid);
        proc_print(t, " %10ld %10ld %10ld %21lu %21lu\n", a.ds.atime,
                   a.ds.dtime, a.ds.ctime, a.rss * PAGE_SIZE,
                   a.swapped * PAGE_SIZE);
    }
    return 0;
}
PROC_FILE(sysvipc_shm, .name = "shm", .where = PROC_SYSVIPC, .show = show_shm);
