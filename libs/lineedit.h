/* lineedit.h: from single bytes to lines.
 *
 * A pure state machine: it is fed one byte at a time, keeps lines in a buffer
 * of the caller's, and says through a function what to show.  It knows no
 * lock, no sleep and no device; the terminal of the kernel adds those.
 *
 *     backspace, Ctrl-H   delete a character     Ctrl-L   show the line again
 *     Ctrl-W              ... a word             Ctrl-D   end of input
 *     Ctrl-U              ... the whole line     Ctrl-C   forget everything
 *
 * One ring holds both what is finished and what is being edited:
 *
 *        read_pos        done_pos        edit_pos
 *     ......| l s \n c a t \n | e c h o _    |.............
 *           finished lines    the line being
 *                             edited
 *
 * Positions only grow; a byte's place is its position modulo the size. */
#ifndef LIBS_LINEEDIT_H
#define LIBS_LINEEDIT_H

#include <stdbool.h>
#include <stddef.h>

#define CTRL(letter) ((letter)&0x1f)

enum lineedit_escape { ESC_NONE, ESC_SEEN, ESC_SEQUENCE, ESC_ONE_MORE };

struct lineedit {
    void (*echo)(const char *s, size_t n);
    char *ring;
    size_t size;                 /* of the ring: a power of two */
    size_t read_pos;             /* next byte for a reader */
    size_t done_pos;             /* end of the finished lines */
    size_t edit_pos;             /* end of the line being edited */
    enum lineedit_escape escape; /* inside the bytes of a function key */
    bool last_was_cr;            /* a line feed now belongs to it */
};

/* What a byte brought about. */
enum lineedit_event {
    LINEEDIT_MORE,      /* nothing to take that was not there before */
    LINEEDIT_LINE,      /* a line is finished, or the input has an end */
    LINEEDIT_INTERRUPT, /* Ctrl-C: all that was typed is gone */
};

void lineedit_init(struct lineedit *e, char *ring, size_t size,
                   void (*echo)(const char *s, size_t n));
enum lineedit_event lineedit_key(struct lineedit *e, char c);

/* Is there something to take? */
bool lineedit_ready(const struct lineedit *e);

/* Copy from the first finished line, its line feed included, at most N bytes,
 * which are not 0.  Returns how many; 0: Ctrl-D on an empty line. */
size_t lineedit_take(struct lineedit *e, char *buf, size_t n);

#endif
