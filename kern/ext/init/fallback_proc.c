/* fallback_proc.c: as fallback.c, lets the files that /proc and the rarer system
 * calls use be deleted alone; a first reader may skip it. */
#include "ext/debug/tracering.h"
#include "ext/fs/procfs.h"
#include "ext/mm/knob.h"
#include "ext/mm/mapcalls.h"
#include "ext/mm/mmcheck.h"
#include "ext/mm/observe.h"
#include "ext/process/look.h"
#include "ext/process/signals.h"
#include "ext/process/terminal.h"
#include "mm/failpoint.h"
#include <errno.h>
#include <string.h>

/* ext/fs/procfs.c: nobody reads. */
WEAK void
proc_print(struct proc_text *t, const char *fmt, ...)
{
}

WEAK void
proc_add(struct proc_text *t, const void *bytes, size_t n)
{
}

WEAK int
proc_pid_of(const struct inode *i)
{
    return 0;
}

WEAK struct inode *
proc_inode(int pid, unsigned number, uint32_t mode, const struct inode_ops *ops,
           const void *host, struct inode *parent)
{
    return NULL;
}

WEAK void
proc_release(struct inode *i)
{
}

/* ext/process/look.c: there is nobody. */
WEAK int
look_at(int pid, struct look *l)
{
    return -ESRCH;
}

WEAK void
look_end(struct look *l)
{
}

WEAK int
look_path(struct inode *i, char *buf, size_t size)
{
    return -ENOENT;
}

/* ext/mm/mmstat.c, pginfo.c, mmcheck.c, failpoint.c, knob.c: nothing is known. */
WEAK void
mmstat_read(struct mm_struct *mm, struct mmstat_value out[MMSTAT_VALUES])
{
    for (unsigned i = 0; i < MMSTAT_VALUES; i++)
        out[i] = (struct mmstat_value){"unknown", 0};
}

WEAK int
pginfo(struct mm_struct *mm, uintptr_t va, struct pginfo *info)
{
    return -EFAULT;
}

WEAK unsigned
mmcheck_report(void (*say)(const char *line))
{
    return 0;
}

WEAK uint64_t
fail_left(enum fail_site site)
{
    return 0;
}

WEAK int
knob_line(const char *line, char *why, size_t n)
{
    return -ENOENT;
}

/* ext/debug/trace.c: nothing is kept. */
WEAK bool
trace_read(unsigned cpu, unsigned age, struct trace_event *e)
{
    return false;
}

/* ext/mm/mremap.c, madvise.c, mincore.c, mlock.c: not there. */
WEAK long
do_mremap(struct mm_struct *mm, uintptr_t addr, size_t old_len, size_t new_len,
          uint32_t flags, uintptr_t new_addr)
{
    return -ENOSYS;
}

WEAK int
do_madvise(struct mm_struct *mm, uintptr_t addr, size_t len, int advice)
{
    return -ENOSYS;
}

WEAK int
do_mincore(struct mm_struct *mm, uintptr_t addr, size_t len, unsigned char *vec)
{
    return -ENOSYS;
}

WEAK int
do_mlock(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t flags)
{
    return -ENOSYS;
}

WEAK int
do_munlock(struct mm_struct *mm, uintptr_t addr, size_t len)
{
    return -ENOSYS;
}

WEAK int
do_mlockall(struct mm_struct *mm, uint32_t flags)
{
    return -ENOSYS;
}

WEAK int
do_munlockall(struct mm_struct *mm)
{
    return -ENOSYS;
}

/* ext/process/siginfo.c: nothing came with it. */
WEAK void
signal_forget(struct process *p, uint64_t set)
{
    p->pending &= ~set;
}

WEAK unsigned
signals_queued(const struct process *p)
{
    return 0;
}

WEAK void
queued_forget(struct process *p, uint64_t set, const struct task *to)
{
}

/* ext/process/stop.c: nobody stops. */
WEAK bool
group_orphaned(int pgid)
{
    return true;
}

/* ext/process/terminal.c: it is everybody's. */
WEAK int
terminal_change(void)
{
    return 0;
}

WEAK long
terminal_control(unsigned cmd, uintptr_t arg)
{
    return -ENOTTY;
}

WEAK void
terminal_signal(int signo)
{
}

/* ext/process/termios.c: it has no modes. */
WEAK bool
termios_tostop(void)
{
    return false;
}

WEAK void
termios_reset(void)
{
}
