/* scn_run.c: runs scenarios inside the kernel, as soon as it has what their lab is
 * about; a first reader may skip it.
 *
 *     boot argument scenario=LAB,SKIP      the lab, and how many to leave out
 *     initrd: /scn/list                    the seed, then a name per line
 *             /scn/NAME.scn
 *
 * The boot hart is still in kern_init(): no thread, no process, no file system, and
 * of the later labs nothing; only what is about several harts runs in the first thread.
 * The archive is read where the firmware put it.  When all have been run, the machine is
 * switched off.
 *
 * A step may panic or fault, and some should: panic() ends by asking for power off,
 * and whoever asks meanwhile comes back here instead (scn_catch.S). */
#include "arch/riscv/cpu.h"
#include "arch/riscv/sbi.h"
#include "debug/panic.h"
#include "debug/printk.h"
#include "driver/uart.h"
#include "ext/init/scn.h"
#include "mm/kmap.h"
#include <bootargs.h>
#include <newc.h>
#include <printfmt.h>
#include <string.h>

int scn_catch(void (*fn)(void *arg), void *arg);
NORETURN void scn_throw(void);

static struct scn scn;
static const struct scn_lab *lab;

/* --- what is said --- */

void
scn_result(struct scn_answer *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(a->result, sizeof(a->result), fmt, ap);
    va_end(ap);
}

void
scn_count(struct scn_answer *a, const char *name, uint64_t value)
{
    size_t n = strlen(a->counts);

    if (value != 0)
        snprintf(a->counts + n, sizeof(a->counts) - n, " %s=%lu", name, value);
}

void
scn_say(const char *fmt, ...)
{
    char line[SCN_TEXT + 1];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    scn_record(line, strlen(line));
}

/* --- what is printed --- */

static char printed[8192];
static size_t nprinted;
static void (*console)(const char *s, size_t n);

static void
keep(const char *s, size_t n)
{
    n = MIN(n, sizeof(printed) - 1 - nprinted);
    memcpy(printed + nprinted, s, n);
    nprinted += n;
}

void
scn_capture_begin(void)
{
    nprinted = 0;
    console_set(keep);
}

const char *
scn_capture_end(void)
{
    console_set(console);
    printed[nprinted] = 0;
    return printed;
}

/* --- panics are caught --- */

static void
back_instead(int code)
{
    scn_throw();
}

bool
scn_caught(void (*fn)(void *arg), void *arg)
{
    struct tcb *t = current_tcb(), before = *t;
    void (*off)(int code) = power_off_hook, (*wait)(void) = cpu_wait_hook;
    unsigned long on = csr_read(sstatus) & (SSTATUS_SIE | SSTATUS_SUM);
    bool caught;

    power_off_hook = back_instead;
    caught = scn_catch(fn, arg) != 0;
    power_off_hook = off;
    if (!caught)
        return false;
    csr_clear(sstatus, SSTATUS_SIE | SSTATUS_SUM);
    *t = before;
    cpu_wait_hook = wait;
    panicking = 0;
    panic_place = (struct panic_place){0};
    this_cpu()->trap_depth = 0;
    csr_set(sstatus, on);
    return true;
}

/* --- steps --- */

struct work {
    const struct scn_step *step;
    struct scn_answer *answer;
};

static void
do_step(void *arg)
{
    struct work *w = arg;

    lab->step(w->step, w->answer);
}

static void
do_look(void *arg)
{
    struct work *w = arg;

    lab->look(w->answer);
}

static void
do_dump(void *number)
{
    lab->dump(*(unsigned *)number);
}

/* False: what follows makes no sense any more. */
static bool
run_step(unsigned i)
{
    static char last[sizeof(((struct scn_answer *)0)->state)];
    struct scn_answer a = {.result = "ok"};
    struct work w = {&scn.steps[i], &a};
    bool sane;

    if (i == 0)
        last[0] = 0;
    if (scn.steps[i].op == SCN_HALT) {
        scn_say("halt %u", i);
        do_step(&w); /* the machine should end */
    } else if (scn_caught(do_step, &w))
        scn_result(&a, "panic");
    scn_capture_end();
    sane = lab->look == NULL || !scn_caught(do_look, &w);
    if (!sane)
        scn_result(&a, "broken");
    scn_say("step %u %s%s", i, a.result, a.counts);
    if (a.thing[0] != 0 && strcmp(a.state, last) != 0) {
        strlcpy(last, a.state, sizeof(last));
        scn_say("area %u kernel %s %s", i, a.thing, a.state);
    }
    if (lab->dump != NULL)
        sane = !scn_caught(do_dump, &i) && sane;
    return sane;
}

static void
run_scenario(const char *name, const struct machine *m)
{
    long missing = 0;

    cprintf("scenario %s\n", name);
    lab->begin(&scn, m);
    for (unsigned i = 0; i < scn.nsteps && run_step(i); i++)
        ;
    missing = lab->end();
    scn_say("end %ld 0 0 0", missing);
}

/* --- files --- */

static const char *archive;
static size_t archive_size;

static bool
find_file(const char *path, struct newc_entry *e)
{
    size_t at = 0;

    while (newc_next(archive, archive_size, &at, e) == NEWC_ENTRY) {
        if (strcmp(e->name, path) == 0)
            return true;
    }
    return false;
}

/* The next line of TEXT, up to SIZE bytes into LINE; false: there is none. */
static bool
next_line(const char **text, const char *end, char *line, size_t size)
{
    size_t n = 0;

    while (*text < end && **text == '\n')
        ++*text;
    for (; *text < end && **text != '\n'; ++*text) {
        if (n + 1 < size)
            line[n++] = **text;
    }
    line[n] = 0;
    return n > 0;
}

static void
run_file(const char *name, uint64_t seed, const struct machine *m)
{
    struct newc_entry e;
    char path[100];

    snprintf(path, sizeof(path), "scn/%s.scn", name);
    scn_say("start %s", name);
    if (!find_file(path, &e) ||
        scn_parse(&scn, name, e.data, e.size, seed) != 0 ||
        scn.steps[0].op < SCN_KERNEL || scn.lab != lab->lab)
        scn_say("unreadable");
    else
        run_scenario(name, m);
}

static void
run_list(const struct machine *m, unsigned skip)
{
    const char *text, *stop, *end;
    struct newc_entry e;
    char line[80] = "";
    unsigned n = 0;
    uint64_t seed;

    archive_size = m->initrd_end - m->initrd_start;
    archive = kmap_device(m->initrd_start, archive_size);
    if (archive == NULL || !find_file("scn/list", &e)) {
        cprintf("scenario: no /scn/list in the initrd\n");
        return;
    }
    text = e.data;
    stop = text + e.size;
    next_line(&text, stop, line, sizeof(line));
    seed = strtoull_simple(line, &end);
    for (; next_line(&text, stop, line, sizeof(line)); n++) {
        if (n >= skip)
            run_file(line, seed, m);
    }
    scn_say("done %u", n - MIN(n, skip));
}

/* If the scenarios of a lab are wanted, and this is when: PART was reached, or all HARTS
 * were. */
static void
run_lab(const struct machine *m, bool harts, enum boot_part part)
{
    char value[BOOTARG_MAX];
    const char *rest, *end;
    unsigned number;

    if (!bootarg_get(m->bootargs, "scenario", value, sizeof(value)))
        return;
    number = (unsigned)strtoull_simple(value, &rest);
    TABLE_FOR_EACH (scn_lab, struct scn_lab, l) {
        if ((*l)->lab == number && (*l)->harts == harts &&
            (harts || (*l)->part == part))
            lab = *l;
    }
    if (lab == NULL)
        return;
    scn_key(m);
    console = m->uart.kind == UART_NONE ? sbi_puts : uart_write;
    run_list(m, *rest == ',' ? (unsigned)strtoull_simple(rest + 1, &end) : 0);
    power_off(0);
}

void
boot_reached(enum boot_part part, const struct machine *m)
{
    run_lab(m, false, part);
}

static void
harts_reached(const struct machine *m)
{
    run_lab(m, true, BOOT_TABLES);
}

static const struct initcall scn_harts_call = {"scenario", INIT_EARLY,
                                               harts_reached};
TABLE_ADD(initcall, scn_harts_call);
