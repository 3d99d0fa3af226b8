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
 * Which byte is which of them, and whether there are lines at all, are its modes;
 * without lines (RAW) each byte can be taken as it came.
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

/* Keys; 0: there is none. */
enum lineedit_keys {
    KEY_INTERRUPT,
    KEY_QUIT,
    KEY_SUSPEND,
    KEY_ERASE,
    KEY_KILL,
    KEY_END,
    KEY_WORD,
    KEY_AGAIN,
    KEYS
};

struct lineedit_modes {
    bool raw;           /* there are no lines, and nothing is edited */
    bool quiet;         /* what is typed is not shown ... */
    bool show_newline;  /* ... but for the ends of lines */
    bool keep;          /* Ctrl-C does not forget what was typed */
    bool drop_cr;       /* carriage returns do not count */
    bool cr_stays;      /* ... are none that end lines, or ... */
    bool newline_to_cr; /* line feeds become such */
    unsigned char key[KEYS];
};

struct lineedit {
    struct lineedit_modes modes; /* change with lineedit_set_modes() */
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
    LINEEDIT_QUIT,      /* the same for the keys that quit ... */
    LINEEDIT_SUSPEND,   /* ... and suspend */
};

void lineedit_init(struct lineedit *e, char *ring, size_t size,
                   void (*echo)(const char *s, size_t n));
/* Those of the beginning: lines, and the keys above. */
extern const struct lineedit_modes lineedit_default;
/* What was typed stays; without lines all of it can be taken. */
void lineedit_set_modes(struct lineedit *e, const struct lineedit_modes *m);
enum lineedit_event lineedit_key(struct lineedit *e, char c);
/* Forget what was typed and not taken. */
void lineedit_flush(struct lineedit *e);

/* Is there something to take? */
bool lineedit_ready(const struct lineedit *e);
/* How many bytes could be taken at once at most. */
size_t lineedit_count(const struct lineedit *e);

/* Copy from the first finished line, its line feed included, at most N bytes,
 * which are not 0.  Returns how many; 0: Ctrl-D on an empty line. */
size_t lineedit_take(struct lineedit *e, char *buf, size_t n);

#endif
