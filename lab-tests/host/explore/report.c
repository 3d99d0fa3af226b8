/* report.c: a schedule as people read it, one line per event, in the order in
 * which the accesses happened. */
#include "engine.h"

#include <stdio.h>
#include <string.h>

#define MAX_EVENTS (2 * MAX_STEPS)

void
explore_name(const void *p, size_t size, const char *name)
{
    if (E->nnames == MAX_NAMES)
        return;
    E->name[E->nnames].p = p;
    E->name[E->nnames].size = size;
    E->name[E->nnames++].name = name;
}

static void
print_object(char *to, size_t size, const char *op, const void *obj)
{
    for (unsigned i = 0; i < E->nnames; i++) {
        size_t at = (size_t)((const char *)obj - E->name[i].p);

        if ((const char *)obj < E->name[i].p || at >= E->name[i].size)
            continue;
        if (at == 0)
            snprintf(to, size, "%s(%s)", op, E->name[i].name);
        else
            snprintf(to, size, "%s(%s+%zu)", op, E->name[i].name, at);
        return;
    }
    if (obj == NULL)
        snprintf(to, size, "%s", op);
    else
        snprintf(to, size, "%s(..%04x)", op, (unsigned)(uintptr_t)obj & 0xffff);
}

/* Something happened on this hart: at SITE, or what FMT says. */
void
report_event(const struct site *site, const char *fmt, ...)
{
    struct event *e;
    va_list ap;

    if (E->event == NULL || E->nevents == MAX_EVENTS)
        return;
    e = &E->event[E->nevents++];
    memset(e, 0, sizeof(*e));
    e->hart = explore_hart;
    e->step = E->step;
    if (site != NULL) {
        e->site = *site;
        print_object(e->text, sizeof(e->text), site->op, site->obj);
        return;
    }
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
}

static void
print_event(const struct event *e)
{
    const char *file = e->site.file;
    const char *base = file == NULL ? NULL : strrchr(file, '/');

    printf("    %5u  hart %u: %s", e->step, e->hart, e->text);
    if (file != NULL)
        printf(" at %s:%d", base == NULL ? file : base + 1, e->site.line);
    printf("\n");
}

/* The same spot again and again (a wrapped call touches several words) is one
 * line. */
void
report_print(const char *replay)
{
    for (unsigned i = 0; i < E->nevents; i++) {
        const struct event *e = &E->event[i], *before = e - 1;

        if (i > 0 && e->hart == before->hart && e->site.file != NULL &&
            strcmp(e->text, before->text) == 0 &&
            e->site.line == before->site.line &&
            e->site.file == before->site.file)
            continue;
        if (i > 0 && e->hart != before->hart)
            printf("           ------\n");
        print_event(e);
    }
    printf("    replay with: --replay '%s'\n", replay);
}
