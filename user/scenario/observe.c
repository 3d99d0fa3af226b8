/* observe.c: what the kernel says of a subject, through its files in /proc. */
#include "../../kern/ext/init/scenario.h"
#include "scenario.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const counter_names[COUNTERS] = {
    "flt",     "min",    "maj",   "spur",   "retry", "zero",
    "anon",    "cow",    "reuse", "fread",  "fcow",  "fshared",
    "mkwrite", "around", "segv",  "sigbus", "oom",   "swpin",
    "swpout",  "rmapun", "wb",    "steal",  "pswpin"};

struct page { /* begins as struct pginfo of kern/ext/mm/observe.h */
    uint64_t va, frame, slot;
    uint32_t flags, mapcount, anon_share, epoch;
    uint64_t rest[3];
};
_Static_assert(sizeof(struct page) == 64, "part of the interface");

#define PRESENT  0x0001u
#define WRITE    0x0004u
#define AREA     0x0080u
#define ANON     0x0100u
#define OBJECT   0x0200u
#define ZERO     0x0400u
#define UPTODATE 0x2000u

#define RETRY 4 /* of counter_names */
#define OOM   16
/* Of the machine; the last three. */
#define WB     (COUNTERS - 3)
#define STEAL  (COUNTERS - 2)
#define PSWPIN (COUNTERS - 1)

static char text[16384];

/* Bytes of PATH into TEXT, or -1. */
static ssize_t
read_path(const char *path)
{
    ssize_t n = 0, more;
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        return -1;
    while ((more = read(fd, text + n, sizeof(text) - 1 - (size_t)n)) > 0)
        n += more;
    close(fd);
    text[n] = 0;
    return more < 0 ? -1 : n;
}

static ssize_t
read_file(pid_t pid, const char *name)
{
    char path[40];

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    return read_path(path);
}

static uint64_t
value_of(const char *name)
{
    size_t n = strlen(name);

    for (const char *line = text; *line != 0;) {
        const char *end = strchr(line, '\n');

        if (strncmp(line, name, n) == 0 && line[n] == ' ')
            return strtoul(line + n, NULL, 10);
        if (end == NULL)
            break;
        line = end + 1;
    }
    return 0;
}

/* Does the scenario look at what the machine counts of swap? */
static bool
wants_machine(void)
{
    for (unsigned i = 0; i < scn.nsteps; i++) {
        if (scn.steps[i].op == SCN_EXPECT &&
            (strcmp(scn.steps[i].word, counter_names[STEAL]) == 0 ||
             strcmp(scn.steps[i].word, counter_names[PSWPIN]) == 0))
            return true;
    }
    return false;
}

int
observe_counters(pid_t pid, uint64_t values[COUNTERS])
{
    if (read_file(pid, "mmstat") <= 0)
        return -1;
    for (unsigned i = 0; i < COUNTERS; i++)
        values[i] = value_of(counter_names[i]);
    /* Whether A and D are set by the hart or by a fault, and how often the kernel
     * starts over before an access goes on, is no matter of a scenario. */
    values[0] -= value_of("adfix") + values[RETRY] + values[OOM];
    values[RETRY] = 0;
    values[WB] = values[STEAL] = values[PSWPIN] = 0;
    if (scn.disk != 0 && read_path("/proc/ucore/mmstat") > 0)
        values[WB] = value_of("wb");
    if (wants_machine() && read_path("/proc/ucore/mmstat") > 0) {
        values[STEAL] = value_of("steal");
        values[PSWPIN] = value_of("swpin");
    }
    return 0;
}

int
observe_areas(pid_t pid)
{
    int n = 0;

    if (read_file(pid, "maps") <= 0)
        return -1;
    for (const char *line = text; line != NULL && *line != 0;) {
        uint64_t start = strtoul(line, NULL, 16);

        n += start >= SCN_BASE && start < SCN_BASE + 32 * SCN_STRIDE;
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return n;
}

/* What the auditor has to say; more than the first few lines help nobody. */
void
observe_check(void)
{
    char line[SCN_TEXT + 1], *rest = text, *next;

    if (read_path("/proc/ucore/mmcheck") <= 0)
        return;
    (void)strtok_r(text, "\n", &rest); /* how many lines follow */
    for (int n = 0; n < 3 && (next = strtok_r(NULL, "\n", &rest)) != NULL;
         n++) {
        if (strncmp(next, "no memory", 9) == 0) /* ... to look at all */
            continue;
        snprintf(line, sizeof(line), "complaint %s", next);
        report(line);
    }
}

/* --- pages --- */

static uint64_t frames[52];
static unsigned nframes;

void
observe_begin(void)
{
    nframes = 0;
}

/* Frames are called a, b, c ... in the order in which they are met. */
static char
name_of(uint64_t frame)
{
    unsigned i = 0;

    while (i < nframes && frames[i] != frame)
        i++;
    if (i == sizeof(frames) / sizeof(frames[0]))
        return '?';
    if (i == nframes)
        frames[nframes++] = frame;
    return (char)(i < 26 ? 'a' + (int)i : 'A' + (int)i - 26);
}

static char *
add_page(char *to, const struct page *p)
{
    bool writable = p->flags & WRITE;

    if (!(p->flags & AREA)) {
        *to++ = '-';
    } else if (!(p->flags & PRESENT)) {
        *to++ = (char)(!(p->flags & ANON)                       ? '.'
                       : p->slot != 0 && !(p->flags & UPTODATE) ? 's'
                                                                : 'p');
    } else if (p->flags & ZERO) {
        *to++ = 'z';
    } else {
        *to++ = (char)(p->flags & OBJECT ? writable ? 'F' : 'f'
                       : writable        ? 'W'
                                         : 'R');
        *to++ = name_of(p->frame);
    }
    return to;
}

void
observe_pages(pid_t pid, unsigned area, char *out, size_t size)
{
    static struct page pages[SCN_PAGES];
    const struct scn_area *a = &scn.areas[area];
    size_t n = a->pages * sizeof(pages[0]);
    char path[40];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/pginfo", pid);
    fd = open(path, O_RDONLY);
    if (fd < 0 || size < 2 * SCN_PAGES + 1 ||
        pread(fd, pages, n, (off_t)(scn_base(&scn, area) / SCN_PAGE * 64)) !=
            (ssize_t)n) {
        strlcpy(out, "?", size);
    } else {
        for (unsigned i = 0; i < a->pages; i++)
            out = add_page(out, &pages[i]);
        *out = 0;
    }
    if (fd >= 0)
        close(fd);
}
