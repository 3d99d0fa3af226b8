/* orders.c: what the kernel is told about memory: by a subject of a scenario in a step
 * (quotas, knobs, what shall fail), and by the runner before the first one. */
#include "scenario.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NR_SWAPOFF 225

static long
order(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    long r = fd < 0 ? fd : write(fd, text, strlen(text));

    if (fd >= 0)
        close(fd);
    return r;
}

static long
turn(const char *knob, const char *value)
{
    char text[64];

    snprintf(text, sizeof(text), "%s=%s", knob, value);
    return order("/proc/ucore/knobs", text);
}

static long
quota(const struct scn_step *st)
{
    char text[96];
    uint64_t start = (uint64_t)step_address(st);

    if (st->value == SCN_QUOTA_NONE)
        return order("/proc/self/quota", "none");
    snprintf(text, sizeof(text), "0x%lx 0x%lx %lu %s", start,
             start + (size_t)(st->last - st->first + 1) * SCN_PAGE, st->value,
             st->word);
    return order("/proc/self/quota", text);
}

/* What "fail" and "meanwhile" ask for holds during the next step only: what lies
 * between would count, too. */
static const struct scn_step *failing, *next_failing;

void
order_failures(bool on)
{
    bool store;
    char text[48];

    if (on) {
        failing = next_failing;
        next_failing = NULL;
    }
    if (failing == NULL)
        return;
    store = failing->op == SCN_WHILE;
    if (store)
        snprintf(text, sizeof(text), "0x%lx,%lu",
                 on ? (uint64_t)step_address(failing) : 0, failing->value);
    else
        snprintf(text, sizeof(text), "%s,%lu", failing->word,
                 on ? failing->value : 0);
    (void)turn(store ? "swap_store" : "fail_alloc", text);
}

long
order_step(const struct scn_step *st)
{
    char number[24];

    snprintf(number, sizeof(number), "%lu", st->value);
    switch (st->op) {
    case SCN_QUOTA:
        return quota(st);
    case SCN_FAIL:
    case SCN_WHILE:
        next_failing = st;
        return 0;
    case SCN_KNOB:
        return turn(st->word, number);
    case SCN_KEEP:
        snprintf(number, sizeof(number), "0x%lx", (uint64_t)step_address(st));
        return turn("page_kept", number);
    case SCN_LETGO:
        return turn("page_kept", "0");
    case SCN_POLICY:
        return turn("swap_policy", st->word);
    case SCN_RECLAIM:
        return turn("reclaim", number);
    case SCN_TICK:
        return turn("tick_now", "1");
    case SCN_SWAPOFF:
        return syscall(NR_SWAPOFF, "ram");
    case SCN_DROP:
        return turn("drop_clean", "1");
    case SCN_FLUSH:
        return turn("flush_now", "1");
    }
    return 0;
}

/* --- before the first step --- */

void
orders_turn(const char *line)
{
    int fd = open("/proc/ucore/knobs", O_WRONLY);

    write(fd, line, strlen(line));
    close(fd);
}

/* The machine's policy, as a knob. */
static char policy[64];

void
orders_begin(void)
{
    int fd = open("/proc/ucore/replacement", O_RDONLY);
    char line[64] = "", *end;

    if (fd >= 0 && read(fd, line, sizeof(line) - 1) > 7 &&
        (end = strchr(line, '\n')) != NULL) {
        *end = 0;
        snprintf(policy, sizeof(policy), "swap_policy=%s",
                 line + strlen("policy "));
    }
    close(fd);
}

/* Does the scenario have memory thrown out?  Then that is done once before it begins,
 * so that programs it is not about are out already, and its own stay. */
bool
orders_throw_out(void)
{
    for (unsigned i = 0; i < scn.nsteps; i++) {
        if (scn.steps[i].op == SCN_RECLAIM)
            return true;
    }
    return false;
}

/* The knobs as the plan has them in every scenario. */
void
orders_knobs(void)
{
    orders_turn("fork_eager=0");
    orders_turn("fault_around=16");
    orders_turn(
        "flush_age=1000000000"); /* what is dirty stays so until a step says */
    orders_turn("swap_readahead=0");
    orders_turn("page_kept=0");
    if (policy[0] != 0)
        orders_turn(policy);
}
