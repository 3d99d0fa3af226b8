/* lex.h: words of a scenario.  Private to lab-tests/scenario. */
#ifndef LAB_TESTS_SCENARIO_LEX_H
#define LAB_TESTS_SCENARIO_LEX_H

#include "scn.h"

enum token {
    T_END,    /* of the text, or of everything after an error */
    T_LINE,   /* the end of a line */
    T_WORD,   /* letters, digits, "_", beginning with a letter */
    T_NUMBER, /* 12, 0x10, 4p (pages), 16K, 64M */
    T_VAR,    /* $name */
    T_SIGN,   /* one of [ ] { } ( ) + - * : , = % or .. == -> */
};

struct lex {
    struct scn *scn;
    const char *name, *text; /* of the file */
    size_t n, pos;
    unsigned line;
    size_t line_start;
    /* the token at hand: */
    enum token token;
    size_t start; /* where it begins */
    unsigned start_line;
    size_t start_line_start;
    char word[SCN_NAME]; /* T_WORD, T_VAR, T_SIGN */
    uint64_t number;
};

void lex_next(struct lex *l);
/* What follows the token at hand on its line, without blanks at its ends and
 * without a comment. */
void lex_rest(struct lex *l, char *to, size_t size);
bool lex_is(const struct lex *l, const char *word); /* a word or sign */
bool lex_take(struct lex *l, const char *word);     /* ... and go past it */
void lex_want(struct lex *l, const char *word);     /* ... or an error */
/* "expected WHAT, got ..." at the token at hand; everything ends there.  Only the
 * first error counts. */
void lex_expected(struct lex *l, const char *what);
void lex_wrong(struct lex *l, const char *what); /* as it stands */
bool lex_failed(const struct lex *l);

#endif
