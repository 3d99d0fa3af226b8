/* spaces.c: the swap space that a scenario asks for, where the boot had another one.
 *
 * A machine of its own has what "boot swapspace=ram:24K" says.  On a board all
 * scenarios share one boot, and its swap space is as good as any that is as large:
 * a partition of the card, or memory.  But a small one is meant to get full, and only
 * memory can be told to fail ("fail swapread 1"), be turned off as "ram", or store for
 * a program while a page is written ("meanwhile").  For these the spaces there are make
 * room, and come back when it is over.  So they do for a scenario that asks for none,
 * but tells memory to be short: it has none where it has a machine of its own. */
#include "scenario.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NR_SWAPON  224
#define NR_SWAPOFF 225
#define SPACES     4
#define SMALL      1024ul /* KiB: less is meant to get full */

struct space {
    char name[64];
    unsigned long kib;
};

static struct space before[SPACES];
static unsigned nbefore;
static bool exchanged;

/* What the boot argument swapspace=ram: asks for, in KiB; 0: nothing. */
static unsigned long
asked(void)
{
    const char *word = strstr(scn.boot, "swapspace=ram:");
    char *end;
    unsigned long n;

    if (word == NULL)
        return 0;
    n = strtoul(word + strlen("swapspace=ram:"), &end, 10);
    return *end == 'M' ? n * 1024 : *end == 'K' ? n : n / 1024;
}

/* /proc/swaps: a name, blanks, a type, and a number of KiB, line by line. */
static void
look(void)
{
    static char text[2048];
    int fd = open("/proc/swaps", O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    char *rest = text, *line, *word;

    close(fd);
    text[n < 0 ? 0 : n] = 0;
    nbefore = 0;
    (void)strtok_r(text, "\n", &rest);
    while (nbefore < SPACES && (line = strtok_r(NULL, "\n", &rest)) != NULL) {
        struct space *s = &before[nbefore++];

        snprintf(s->name, sizeof(s->name), "%s", strtok_r(line, " \t", &line));
        (void)strtok_r(NULL, " \t", &line);
        word = strtok_r(NULL, " \t", &line);
        s->kib = word == NULL ? 0 : strtoul(word, NULL, 10);
    }
}

static void
use_memory(unsigned long kib)
{
    char knob[32];

    snprintf(knob, sizeof(knob), "swap_ram=%lu", kib);
    orders_turn(knob);
}

/* Has it this step?  Of "fail", one that begins so. */
static bool
has_step(unsigned op, const char *word)
{
    for (unsigned i = 0; i < scn.nsteps; i++) {
        if (scn.steps[i].op == op &&
            strncmp(scn.steps[i].word, word, strlen(word)) == 0)
            return true;
    }
    return false;
}

/* Are the spaces there as good as memory of so many KIB? */
static bool
will_do(unsigned long kib)
{
    unsigned long there = 0;
    bool memory = true;

    for (unsigned i = 0; i < nbefore; i++) {
        there += before[i].kib;
        memory = memory && strcmp(before[i].name, "ram") == 0;
    }
    return (there == kib || (there > kib && kib >= SMALL)) &&
           (memory || (!has_step(SCN_FAIL, "swap") &&
                       !has_step(SCN_SWAPOFF, "") && !has_step(SCN_WHILE, "")));
}

void
spaces_take(void)
{
    unsigned long kib = asked();

    if (kib == 0 && !has_step(SCN_QUOTA, "") && !has_step(SCN_RECLAIM, ""))
        return;
    look();
    if (will_do(kib)) {
        exchanged = has_step(SCN_SWAPOFF, ""); /* it must come back, too */
        return;
    }
    for (unsigned i = 0; i < nbefore; i++)
        syscall(NR_SWAPOFF, before[i].name);
    if (kib != 0)
        use_memory(kib);
    exchanged = true;
}

void
spaces_give_back(void)
{
    if (!exchanged)
        return;
    exchanged = false;
    syscall(NR_SWAPOFF, "ram"); /* if there is one */
    for (unsigned i = 0; i < nbefore; i++) {
        if (strcmp(before[i].name, "ram") == 0)
            use_memory(before[i].kib);
        else
            syscall(NR_SWAPON, before[i].name, 0l);
    }
}
