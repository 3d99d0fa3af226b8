/* lex.c: cut a scenario into words.
 *
 *     write A[0..3] = pat(1)   # why
 *     word  word [ number .. number ] = word ( number ) line
 *
 * The end of a line is a token, comments are not.  After an error every token is
 * the end of the text, so that a parser needs no way out of its own. */
#include "lex.h"
#include <stdio.h>
#include <string.h>

static bool
is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* The character I after the next one; -1: none. */
static int
peek(const struct lex *l, size_t i)
{
    return l->pos + i < l->n ? (unsigned char)l->text[l->pos + i] : -1;
}

bool
lex_failed(const struct lex *l)
{
    return l->scn->error[0] != 0;
}

void
lex_wrong(struct lex *l, const char *what)
{
    if (!lex_failed(l))
        snprintf(l->scn->error, sizeof(l->scn->error), "%s:%u:%u: %s", l->name,
                 l->start_line, (unsigned)(l->start - l->start_line_start) + 1,
                 what);
    l->token = T_END;
    l->pos = l->n;
}

void
lex_expected(struct lex *l, const char *what)
{
    char text[160];

    switch (l->token) {
    case T_END:
        snprintf(text, sizeof(text), "expected %s, but the file ends", what);
        break;
    case T_LINE:
        snprintf(text, sizeof(text), "expected %s, but the line ends", what);
        break;
    case T_NUMBER:
        snprintf(text, sizeof(text), "expected %s, got the number %llu", what,
                 (unsigned long long)l->number);
        break;
    default:
        snprintf(text, sizeof(text), "expected %s, got '%s%s'", what,
                 l->token == T_VAR ? "$" : "", l->word);
    }
    lex_wrong(l, text);
}

static void
take_word(struct lex *l)
{
    size_t n = 0;

    while (is_letter(peek(l, 0)) || is_digit(peek(l, 0))) {
        if (n + 1 >= sizeof(l->word)) {
            lex_wrong(l, "this name is too long: 15 letters are the most");
            return;
        }
        l->word[n++] = l->text[l->pos++];
    }
    l->word[n] = 0;
}

static int
digit_of(int c, unsigned base)
{
    int d = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;

    return d < (int)base ? d : -1;
}

static void
take_number(struct lex *l)
{
    unsigned base = 10;
    uint64_t n = 0;

    if (peek(l, 0) == '0' && peek(l, 1) == 'x') {
        base = 16;
        l->pos += 2;
    }
    if (digit_of(peek(l, 0), base) < 0) {
        lex_wrong(l, "a digit must follow 0x");
        return;
    }
    for (int d; (d = digit_of(peek(l, 0), base)) >= 0; l->pos++) {
        if (n > (UINT64_MAX - (unsigned)d) / base) {
            lex_wrong(l, "this number is too large");
            return;
        }
        n = n * base + (unsigned)d;
    }
    if (n < 1ul << 40 && !is_letter(peek(l, 1)) && !is_digit(peek(l, 1))) {
        static const char suffix[] = "pKM";
        static const uint64_t by[] = {SCN_PAGE, 1024, 1024 * 1024};
        const char *s = peek(l, 0) > 0 ? strchr(suffix, peek(l, 0)) : NULL;

        if (s != NULL) {
            n *= by[s - suffix];
            l->pos++;
        }
    }
    if (is_letter(peek(l, 0)) || is_digit(peek(l, 0)))
        lex_wrong(l, "only p, K or M may follow a number");
    l->number = n;
}

static void
take_sign(struct lex *l)
{
    static const char *const pairs[] = {"..", "==", "->"};
    int c = peek(l, 0);

    for (unsigned i = 0; i < 3; i++) {
        if (c == pairs[i][0] && peek(l, 1) == pairs[i][1]) {
            memcpy(l->word, pairs[i], 3);
            l->pos += 2;
            return;
        }
    }
    if (c <= 0 || strchr("[]{}()+-*:,=%", c) == NULL) {
        lex_wrong(l, "this character means nothing here");
        return;
    }
    l->word[0] = (char)c;
    l->word[1] = 0;
    l->pos++;
}

static void
skip_blanks(struct lex *l)
{
    while (peek(l, 0) == ' ' || peek(l, 0) == '\t' || peek(l, 0) == '\r')
        l->pos++;
    if (peek(l, 0) == '#') {
        while (peek(l, 0) >= 0 && peek(l, 0) != '\n')
            l->pos++;
    }
}

void
lex_next(struct lex *l)
{
    int c;

    skip_blanks(l);
    l->start = l->pos;
    l->start_line = l->line;
    l->start_line_start = l->line_start;
    l->word[0] = 0;
    c = peek(l, 0);
    if (c < 0) {
        l->token = T_END;
    } else if (c == '\n') {
        l->token = T_LINE;
        l->line_start = ++l->pos;
        l->line++;
    } else if (is_letter(c)) {
        l->token = T_WORD;
        take_word(l);
    } else if (is_digit(c)) {
        l->token = T_NUMBER;
        take_number(l);
    } else if (c == '$' && is_letter(peek(l, 1))) {
        l->token = T_VAR;
        l->pos++;
        take_word(l);
    } else {
        l->token = T_SIGN;
        take_sign(l);
    }
}

void
lex_rest(struct lex *l, char *to, size_t size)
{
    size_t end, n;

    skip_blanks(l);
    l->start = l->pos;
    end = l->pos;
    while (end < l->n && l->text[end] != '\n' && l->text[end] != '#')
        end++;
    n = end - l->pos;
    while (n > 0 && (unsigned char)l->text[l->pos + n - 1] <= ' ')
        n--;
    if (n == 0)
        lex_wrong(l, "expected some text, but the line ends");
    else if (n >= size)
        lex_wrong(l, "this text is too long");
    else
        memcpy(to, l->text + l->pos, n);
    for (size_t i = 0; i < n && n < size; i++) {
        if ((unsigned char)to[i] < ' ' || to[i] == 127)
            to[i] = ' ';
    }
    to[n < size ? n : 0] = 0;
    if (!lex_failed(l)) {
        l->pos = end;
        lex_next(l);
    }
}

bool
lex_is(const struct lex *l, const char *word)
{
    return (l->token == T_WORD || l->token == T_SIGN) &&
           strcmp(l->word, word) == 0;
}

bool
lex_take(struct lex *l, const char *word)
{
    bool is = lex_is(l, word);

    if (is)
        lex_next(l);
    return is;
}

void
lex_want(struct lex *l, const char *word)
{
    char text[32];

    if (lex_take(l, word))
        return;
    snprintf(text, sizeof(text), "'%s'", word);
    lex_expected(l, text);
}
