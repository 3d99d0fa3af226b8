/* scn.h: scenarios which the kernel runs itself: those of labs 0 to 3, of the begin of
 * labs 4 and 6 and some of lab 8 before there are threads, some of lab 9 in the first
 * one; a first reader may skip it.
 *
 *     boot_reached(part) -> scn_run.c: the list in the initrd, parse, walk
 *                               |  step by step
 *                               v
 *                           struct scn_lab: scn_buddy.c, scn_table.c, ...
 *
 * docs/design/scenarios.md has the picture. */
#ifndef KERN_EXT_INIT_SCN_H
#define KERN_EXT_INIT_SCN_H

#include "ext/init/scenario.h"
#include "init/initcall.h"
#include <lab-tests/scenario/scn.h>

/* What is said of a step: a word, counters, and the state of one thing. */
struct scn_answer {
    char result[40];
    char counts[150];
    char thing[SCN_NAME], state[SCN_TEXT - 40]; /* thing: empty if none */
};

struct scn_lab {
    unsigned lab;
    enum boot_part part; /* ... is all it needs */
    bool harts;          /* not so: it needs all harts, and runs in a thread */
    void (*begin)(const struct scn *s, const struct machine *m);
    /* Do STEP, and say with a word what came of it. */
    void (*step)(const struct scn_step *step, struct scn_answer *a);
    /* How things are now; may be NULL. */
    void (*look)(struct scn_answer *a);
    /* More records of step NUMBER; may be NULL. */
    void (*dump)(unsigned number);
    /* Give all back; how many frames are missing. */
    long (*end)(void);
};
TABLE_DECLARE(scn_lab, struct scn_lab);

void scn_say(const char *fmt, ...) PRINTF_LIKE(1, 2);
void scn_result(struct scn_answer *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
void scn_count(struct scn_answer *a, const char *name, uint64_t value);

/* What is printed between these two is kept, and not shown.  The text is good until
 * the next time. */
void scn_capture_begin(void);
const char *scn_capture_end(void);

/* Run FN(ARG).  True: it panicked, or faulted, and everything is as if it had
 * returned, but for what it had changed; where other harts run they have stopped. */
bool scn_caught(void (*fn)(void *arg), void *arg);

/* scn_record.c: send one record, and learn the key from the boot arguments. */
void scn_record(const char *text, size_t n);
void scn_key(const struct machine *m);
/* From now on to the console, framed, with KEY, from record 0 on.  -EPERM: the boot
 * arguments gave a key. */
MUST_CHECK int scn_on_console(const uint64_t key[2]);
/* The next record is number N. */
void scn_number(uint64_t n);

#endif
