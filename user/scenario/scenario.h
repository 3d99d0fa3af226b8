/* scenario.h: the parts of user/scenario.
 *
 *     runner (scenario.c)  -- index of a step -->  subject (subject.c)
 *        |  ^------------ struct reply -----------    main, and who it forks
 *        |
 *        +-- /proc/PID/{mmstat,pginfo,maps} (observe.c) --> /dev/scenario
 *
 * The subjects do nothing but steps: who looks and reports is another process, so
 * that looking changes nothing.  Only one process runs at any time. */
#ifndef USER_SCENARIO_H
#define USER_SCENARIO_H

#include "../../lab-tests/scenario/scn.h"
#include <sys/types.h>

enum reply_kind {
    REPLY_OK,
    REPLY_VALUE,
    REPLY_ERROR,
    REPLY_SIGNAL,
    REPLY_ENDED
};

struct reply {
    int32_t kind, number; /* errno, signal, exit status of who ended */
    int32_t code;         /* of the signal */
    int32_t pid;          /* whose this is */
    uint64_t value;       /* checksum, byte, or the address of a fault */
};

/* What the runner may tell a subject beside the index of a step. */
#define SCN_FED     0x55 /* the bytes that "await" gets */
#define SHARED_SIZE 4096ul
_Static_assert(SHARED_SIZE > SCN_STEPS * sizeof(uint32_t),
               "a word each, and one");
#define DO_WAIT 0x10000 /* + index of its child: wait for it */
#define DO_QUIT 0x20000
#define DO_STOP 0x40000 /* let a debugger stop here */

struct wire { /* of each subject */
    int command[2], answer[2];
};

extern struct scn scn;
extern const char *scn_name; /* ... without the lab's */
extern struct wire wires[SCN_PROCS];
extern int channel;                /* /dev/scenario */
extern int feed[2];                /* what SCN_AWAIT reads comes through it */
extern volatile uint32_t *shared;  /* by all subjects: a word for each step */
bool scn_is_thread(unsigned proc); /* or a process of its own */

/* subject.c: be the process NUMBER until told to quit. */
void subject_main(unsigned number) __attribute__((noreturn));
/* Obey as NUMBER; a thread comes back when told to quit. */
void subject_serve(unsigned number, bool thread);

/* threads.c, own.c: do STEP; false: it is none of theirs. */
bool step_several(const struct scn_step *st, unsigned self, struct reply *r);
bool step_own(const struct scn_step *st, struct reply *r);
void thread_start(const struct scn_step *st, struct reply *r);
void thread_join(unsigned number);

/* orders.c: tell the kernel what STEP says, if it is such a step; negative: an error.
 * What the last one had said shall fail, from now on, or no more. */
long order_step(const struct scn_step *step);
void order_failures(bool on);
/* For the runner: once; a line for the knobs; the knobs as all scenarios have them.  Does
 * this one have all memory thrown out? */
void orders_begin(void);
void orders_turn(const char *line);
void orders_knobs(void);
bool orders_throw_out(void);

/* spaces.c: have the swap space that this scenario asks for, if the machine has none
 * that will do; and have what was there again. */
void spaces_take(void);
void spaces_give_back(void);

/* steps.c: do STEP; a fault is caught. */
void step_do(const struct scn_step *step, struct reply *r);
void steps_reply(struct reply *r);               /* where a fault is noted */
bool step_store_byte(void *p, long byte);        /* false: it faulted */
char *step_address(const struct scn_step *step); /* page FIRST and OFFSET */
void steps_begin(void);                          /* catch faults */
void steps_catch(void); /* ... for once, for nothing: all it needs is there */
#define STEPS_STACK 8   /* pages of it that steps may use */
void steps_warm(void);  /* touch all memory of this program */
/* ... and keep it in memory, up to STEPS_TOP on the stack. */
extern bool steps_stay;
extern char *steps_top;
/* The access of a step that ends the process: the fault is not caught. */
/* program.c: as own.c. */
bool step_program(const struct scn_step *st, struct reply *r);
/* files.c: as own.c; and where FILE is. */
bool step_on_disk(const struct scn_step *st, struct reply *r);
void step_path(unsigned file, char path[64]);
int *step_file(unsigned file); /* its descriptor + 1; 0: not open */
bool step_disk(bool on);       /* mount, or unmount, what files lie on */
void
step_mark(unsigned number);   /* the scenario has come so far, says the disk */
bool step_lasts(unsigned op); /* must what was done survive a crash now? */
void step_die(const struct scn_step *step);

/* observe.c: what the kernel says of process PID. */
#define COUNTERS 23
extern const char *const counter_names[COUNTERS];
int observe_counters(pid_t pid, uint64_t values[COUNTERS]);
int observe_areas(pid_t pid); /* that scenarios may map; -1: cannot say */
void observe_check(void);     /* report what mmcheck complains of */
/* The state of all pages of AREA as text: see docs/scenarios.md. */
void observe_pages(pid_t pid, unsigned area, char *text, size_t size);
void observe_begin(void); /* no frame has a name yet */

/* scenario.c, for line.c */
long ask(unsigned what, void *arg);
void report(const char *line);
void run_file(const char *name, uint64_t seed);
void run_text(const char *name, const char *what, size_t n, uint64_t seed);

/* line.c: take orders from the console until told to quit. */
int line_main(void);
/* So that it can be sent again; false: it is not to be sent at all. */
bool line_keep(const char *record);

#endif
