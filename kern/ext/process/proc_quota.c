/* proc_quota.c: adds quotas to /proc (ext/fs/procfs.c): PID/quota and
 * ucore/replacement, and the knob tick_now; a first reader may skip it.
 * docs/abi.md has the formats. */
#include "ext/fs/procfs.h"
#include "ext/mm/knob.h"
#include "ext/mm/quota.h"
#include "ext/process/look.h"
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
    if (p != NULL && p->state == PROC_LIVE && p->mm != NULL) {
        mm = p->mm;
        mm_get(mm);
    }
    spin_unlock(&tree_lock);
    return mm;
}

static int
show_quota(struct proc_text *t, int pid)
{
    struct mm_struct *mm = mm_of(pid);
    struct swap_scope *s;

    if (mm == NULL)
        return -ESRCH;
    s = atomic_load_acquire(&mm->scope);
    if (s != NULL && s->quota != SIZE_MAX)
        proc_print(t, "%lx-%lx %lu %lu %s%s\n", s->start, s->end, s->quota,
                   s->nr, s->sm->name, s->soft ? " machine" : "");
    mm_put(mm);
    return 0;
}

/* The number that *TEXT begins with, and one blank behind it. */
static bool
number(const char **text, uint64_t *value)
{
    const char *end;

    *value = strtoull_simple(*text, &end);
    if (end == *text || (*end != ' ' && *end != '\0'))
        return false;
    *text = *end == ' ' ? end + 1 : end;
    return true;
}

/* "START END PAGES [POLICY]", or "none" */
static int
order(struct mm_struct *mm, const char *line)
{
    const struct swap_manager *sm = NULL;
    uint64_t start, end, quota;

    if (strcmp(line, "none") == 0)
        return quota_set(mm, 0, 0, SIZE_MAX, NULL);
    if (!number(&line, &start) || !number(&line, &end) ||
        !number(&line, &quota) || start >= end || quota == SIZE_MAX)
        return -EINVAL;
    if (*line != '\0') {
        sm = swap_manager_find(line, strlen(line));
        if (sm == NULL)
            return -EINVAL;
    }
    return quota_set(mm, start, end, quota, sm);
}

static int
store_quota(int pid, const char *line)
{
    struct mm_struct *mm = mm_of(pid);
    int err;

    if (mm == NULL)
        return -ESRCH;
    err = order(mm, line);
    mm_put(mm);
    return err;
}
PROC_FILE(pid_quota, .name = "quota", .where = PROC_PID, .show = show_quota,
          .store = store_quota);

static int
show_replacement(struct proc_text *t, int pid)
{
    char names[80];

    swap_manager_names(names, sizeof(names));
    proc_print(t, "policy %s\npages %lu\nlooked %lu\npolicies %s\n",
               swap_global.sm->name, swap_global.nr, swap_global.looked, names);
    return 0;
}
PROC_FILE(ucore_replacement, .name = "replacement", .where = PROC_UCORE,
          .show = show_replacement);

/* Time passes for the machine, and for who asks. */
static const char *
tick_now(const char *text)
{
    struct process *p = current_task() == NULL ? NULL : current_process();

    swap_tick(&swap_global);
    if (p != NULL && p->mm != NULL && p->mm->scope != NULL)
        swap_tick(p->mm->scope);
    return NULL;
}

static const struct knob tick_knob = {
    .name = "tick_now",
    .help = "a moment passes for who chooses pages: the machine and the caller",
    .set = tick_now,
};
TABLE_ADD(knob, tick_knob);
