/* proc_mm.c: adds what can be seen and turned in memory management to /proc
 * (ext/fs/procfs.c): PID/mmstat, PID/pginfo, and ucore/; a first reader may skip
 * it.  docs/abi.md has the formats. */
#include "ext/fs/procfs.h"
#include "ext/mm/knob.h"
#include "ext/mm/mmcheck.h"
#include "ext/mm/observe.h"
#include "ext/process/look.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <string.h>

/* The space of PID with a reference; NULL: it has none. */
static struct mm_struct *
mm_of(int pid)
{
    struct mm_struct *mm = NULL;
    struct process *p;

    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL && p->mm != NULL) {
        mm = p->mm;
        mm_get(mm);
    }
    spin_unlock(&tree_lock);
    return mm;
}

/* --- mmstat --- */

static int
add_values(struct proc_text *t, struct mm_struct *mm)
{
    struct mmstat_value *v = kmalloc(MMSTAT_VALUES * sizeof(*v));

    if (v == NULL)
        return -ENOMEM;
    mmstat_read(mm, v);
    for (unsigned i = 0; i < MMSTAT_VALUES; i++)
        proc_print(t, "%s %lu\n", v[i].name, v[i].value);
    kfree(v);
    return 0;
}

static int
show_mmstat(struct proc_text *t, int pid)
{
    struct mm_struct *mm = mm_of(pid);
    int err;

    if (mm == NULL)
        return -ESRCH;
    err = add_values(t, mm);
    mm_put(mm);
    return err;
}
PROC_FILE(pid_mmstat, .name = "mmstat", .where = PROC_PID, .show = show_mmstat);

static int
show_global(struct proc_text *t, int pid)
{
    return add_values(t, NULL);
}
PROC_FILE(ucore_mmstat, .name = "mmstat", .where = PROC_UCORE,
          .show = show_global);

/* --- pginfo --- */

static long
read_pginfo(int pid, void *buf, size_t n, uint64_t pos)
{
    struct pginfo *to = buf;
    struct mm_struct *mm;
    size_t done = 0;
    uint64_t va = pos / sizeof(*to) * PAGE_SIZE;

    if (pos % sizeof(*to) != 0 || n < sizeof(*to))
        return -EINVAL;
    if (pos / sizeof(*to) >= user_end() / PAGE_SIZE)
        return 0;
    mm = mm_of(pid);
    if (mm == NULL)
        return -ESRCH;
    while (n - done >= sizeof(*to) && pginfo(mm, va, to) == 0) {
        to++;
        done += sizeof(*to);
        va += PAGE_SIZE;
    }
    mm_put(mm);
    return (long)done;
}
PROC_FILE(pid_pginfo, .name = "pginfo", .where = PROC_PID, .read = read_pginfo);

/* --- knobs --- */

static int
show_knobs(struct proc_text *t, int pid)
{
    TABLE_FOR_EACH (knob, struct knob, k) {
        if ((*k)->value != NULL)
            proc_print(t, "%s=%u\n", (*k)->name, atomic_load((*k)->value));
    }
    return 0;
}

static int
store_knob(int pid, const char *line)
{
    char why[128];

    return knob_line(line, why, sizeof(why));
}
PROC_FILE(ucore_knobs, .name = "knobs", .where = PROC_UCORE, .show = show_knobs,
          .store = store_knob);

/* --- mmcheck --- */

static uint32_t checking;            /* [a] somebody is at it */
static struct proc_text *check_text; /* who is that */

static void
say(const char *line)
{
    proc_print(check_text, "%s\n", line);
}

/* One at a time: -EAGAIN for a second one. */
static int
show_mmcheck(struct proc_text *t, int pid)
{
    struct proc_text lines = {0};
    uint32_t idle = 0;
    unsigned n;

    if (!atomic_cas(&checking, &idle, 1))
        return -EAGAIN;
    check_text = &lines;
    n = mmcheck_report(say);
    atomic_store_release(&checking, 0);
    proc_print(t, "%u\n", n);
    if (lines.n > 0)
        proc_add(t, lines.buf, lines.n);
    kfree(lines.buf);
    return 0;
}
PROC_FILE(ucore_mmcheck, .name = "mmcheck", .where = PROC_UCORE,
          .show = show_mmcheck);

/* --- fail --- */

static int
show_fail(struct proc_text *t, int pid)
{
    static const char *const names[FAIL_COUNT] = {
#define X(id, name) [id] = name,
        FAIL_LIST(X)
#undef X
    };

    for (unsigned i = 0; i < FAIL_COUNT; i++)
        proc_print(t, "%s %lu\n", names[i], fail_left((enum fail_site)i));
    return 0;
}

/* "SITE NTH" */
static int
store_fail(int pid, const char *line)
{
    char site[16];
    size_t n = 0;
    const char *end;
    uint64_t nth;

    while (line[n] != ' ' && line[n] != 0)
        n++;
    if (line[n] == 0 || n >= sizeof(site))
        return -EINVAL;
    memcpy(site, line, n);
    site[n] = 0;
    nth = strtoull_simple(line + n + 1, &end);
    if (end == line + n + 1 || *end != 0)
        return -EINVAL;
    return fail_set(site, nth);
}
PROC_FILE(ucore_fail, .name = "fail", .where = PROC_UCORE, .show = show_fail,
          .store = store_fail);
