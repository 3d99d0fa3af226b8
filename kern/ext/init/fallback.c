/* fallback.c: lets each file of kern/ext be deleted alone; a first reader may
 * skip it.
 *
 * Some extensions use another one: the commands use the monitor, semaphores
 * use waiting with a deadline.  Where the other is gone, the linker takes these
 * weak stand-ins, which do as little as is right. */
#include "ext/debug/monitor.h"
#include "ext/debug/tracering.h"
#include "ext/init/scn_others.h"
#include "ext/init/scn_probe.h"
#include "ext/mm/audit.h"
#include "ext/sync/wait_until.h"
#include "mm/gather.h"
#include "schedule/timeout.h"
#include <errno.h>
#include <string.h>

/* ext/debug/monitor.c: no prompt; the thread that would show it sleeps. */
WEAK void
monitor_loop(int (*read)(char *buf, size_t n))
{
    for (;;)
        sleep_ms(60 * 1000);
}

WEAK void
monitor_execute(char *line)
{
}

WEAK bool
monitor_number(const char *word, uint64_t *value)
{
    return false;
}

WEAK void
monitor_usage(const char *name)
{
}

/* ext/debug/trace.c: nothing is kept. */
WEAK bool
trace_read(unsigned cpu, unsigned age, struct trace_event *e)
{
    return false;
}

/* ext/sync/wait_until.c: the deadline never comes. */
WEAK int
wait_finish_until(struct wait_queue *wq, struct waiter *w, uint64_t deadline)
{
    wait_finish(wq, w);
    return 0;
}

WEAK int
wait_sleep_until(struct wait_queue *wq, uint64_t deadline)
{
    wait_sleep(wq);
    return 0;
}

/* ext/mm/pmm_audit.c and slab_audit.c: nothing is known. */
WEAK size_t
nr_managed_pages(void)
{
    return 0;
}

WEAK void
pmm_stat(size_t blocks[MAX_ORDER + 1])
{
    memset(blocks, 0, (MAX_ORDER + 1) * sizeof(*blocks));
}

WEAK size_t
kmalloc_in_use(void)
{
    return 0;
}

WEAK size_t
kmalloc_pages(void)
{
    return 0;
}

WEAK void
kmalloc_print(void)
{
}

/* ext/init/scn_record.c and scn_run.c: nobody listens. */
WEAK void
scn_record(const char *text, size_t n)
{
}

WEAK void
scn_key(const struct machine *m)
{
}

WEAK int
scn_on_console(const uint64_t key[2])
{
    return -ENOSYS;
}

WEAK void
scn_number(uint64_t n)
{
}

WEAK void
scn_say(const char *fmt, ...)
{
}

WEAK void
scn_result(struct scn_answer *a, const char *fmt, ...)
{
}

WEAK void
scn_count(struct scn_answer *a, const char *name, uint64_t value)
{
}

WEAK void
scn_capture_begin(void)
{
}

WEAK const char *
scn_capture_end(void)
{
    return "";
}

WEAK bool
scn_caught(void (*fn)(void *arg), void *arg)
{
    fn(arg);
    return false;
}

WEAK void
scn_probe(const char *what, struct scn_answer *a)
{
}

/* ext/init/scn_others.c: there are no others. */
WEAK void
others_begin(struct mm_struct *mm)
{
}

WEAK void
others_share(uint64_t set)
{
}

WEAK void
others_flush_page(struct mm_struct *mm, uintptr_t va, struct scn_answer *a)
{
    gather_flush_page(mm, va);
}

WEAK void
others_rival_begin(uintptr_t va)
{
}

WEAK void
others_rival_end(struct scn_answer *a)
{
}
