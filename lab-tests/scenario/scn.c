/* scn.c: the parser of scenarios, upper half: the head, numbers, blocks.
 *
 *     scenario = { head | step | block | line end }
 *     head     = "title" text | "hint" text | "boot" text | "lab" N.M | ...
 *     block    = "repeat" number [ "as" name ] "{" ... "}"
 *              | process ":" step | process "{" ... "}"
 *     number   = term { ("+" | "-" | "*") term }     from left to right
 *     term     = NUMBER | $name | "rand" "(" number ".." number ")"
 *              | "(" number ")"
 *
 * A repetition is read as often as it is run: the reader goes back to where it
 * began.  steps.c has the steps; docs/scenarios.md the whole language. */
#include "parse.h"
#include <stdio.h>
#include <string.h>

static void parse_lines(struct parser *p, bool inside);

/* --- numbers --- */

uint64_t
parse_random(struct parser *p)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return p->random;
}

static uint64_t
parse_rand(struct parser *p)
{
    uint64_t from, to;

    lex_want(&p->lex, "(");
    from = parse_number(p, "the least number");
    lex_want(&p->lex, "..");
    to = parse_number(p, "the largest number");
    if (!lex_failed(&p->lex) && (to < from || to - from == UINT64_MAX))
        lex_wrong(&p->lex, "rand(a..b) wants a <= b");
    lex_want(&p->lex, ")");
    return lex_failed(&p->lex) ? 0 : from + parse_random(p) % (to - from + 1);
}

static uint64_t
parse_variable(struct parser *p)
{
    for (unsigned i = 0; i < p->nvars; i++) {
        if (strcmp(p->vars[i].name, p->lex.word) == 0) {
            lex_next(&p->lex);
            return p->vars[i].value;
        }
    }
    lex_wrong(&p->lex, "nothing has this name: let NAME = number comes first");
    return 0;
}

static uint64_t
parse_term(struct parser *p, const char *what)
{
    uint64_t n;

    if (p->lex.token == T_NUMBER) {
        n = p->lex.number;
        lex_next(&p->lex);
        return n;
    }
    if (p->lex.token == T_VAR)
        return parse_variable(p);
    if (lex_take(&p->lex, "rand"))
        return parse_rand(p);
    if (!lex_is(&p->lex, "(")) {
        lex_expected(&p->lex, what);
        return 0;
    }
    if (p->depth >= 16) {
        lex_wrong(&p->lex, "too many brackets");
        return 0;
    }
    lex_next(&p->lex);
    p->depth++;
    n = parse_number(p, what);
    p->depth--;
    lex_want(&p->lex, ")");
    return n;
}

uint64_t
parse_number(struct parser *p, const char *what)
{
    uint64_t n = parse_term(p, what);

    for (;;) {
        if (lex_take(&p->lex, "+"))
            n += parse_term(p, "a number");
        else if (lex_take(&p->lex, "-"))
            n -= parse_term(p, "a number");
        else if (lex_take(&p->lex, "*"))
            n *= parse_term(p, "a number");
        else
            return n;
    }
}

uint64_t
parse_upto(struct parser *p, const char *what, uint64_t most)
{
    struct lex at = p->lex;
    uint64_t n = parse_number(p, what);
    char text[100];

    if (n <= most || lex_failed(&p->lex))
        return n;
    p->lex = at;
    snprintf(text, sizeof(text), "%s: %llu is more than %llu", what,
             (unsigned long long)n, (unsigned long long)most);
    lex_wrong(&p->lex, text);
    return 0;
}

void
parse_name(struct parser *p, char name[SCN_NAME], const char *what)
{
    name[0] = 0;
    if (p->lex.token != T_WORD) {
        lex_expected(&p->lex, what);
        return;
    }
    memcpy(name, p->lex.word, SCN_NAME);
    lex_next(&p->lex);
}

void
parse_var(struct parser *p, const char *name, uint64_t value)
{
    unsigned i = 0;

    while (i < p->nvars && strcmp(p->vars[i].name, name) != 0)
        i++;
    if (i == VARS) {
        lex_wrong(&p->lex, "too many names: 12 numbers may have one");
        return;
    }
    if (i == p->nvars)
        p->nvars++;
    memcpy(p->vars[i].name, name, SCN_NAME);
    p->vars[i].value = value;
}

static void
parse_let(struct parser *p)
{
    char name[SCN_NAME];

    parse_name(p, name, "a name");
    lex_want(&p->lex, "=");
    parse_var(p, name, parse_number(p, "a number"));
}

/* --- the head --- */

/* Megabytes, LEAST of them. */
static unsigned
parse_size(struct parser *p, const char *what, unsigned least)
{
    uint64_t n = parse_upto(p, what, 1ul << 31);

    if (!lex_failed(&p->lex) &&
        (n < (uint64_t)least << 20 || n % (1ul << 20) != 0))
        lex_wrong(&p->lex, least == 32
                               ? "memory is whole megabytes, 32M at least"
                               : "a disk is whole megabytes, 4M at least");
    return (unsigned)(n >> 20);
}

static void
parse_hint(struct parser *p)
{
    struct scn *s = p->scn;

    if (s->nhints == SCN_HINTS)
        lex_wrong(&p->lex, "six hints are the most");
    else
        lex_rest(&p->lex, s->hint[s->nhints++], SCN_LINE);
}

static void
parse_only(struct parser *p)
{
    lex_want(&p->lex, "results");
    p->scn->only = lex_take(&p->lex, "leaks") ? SCN_ONLY_LEAKS : SCN_ONLY;
}

/* "crash every write" */
static void
parse_crash(struct parser *p)
{
    lex_want(&p->lex, "every");
    lex_want(&p->lex, "write");
    p->scn->crash = true;
}

/* Is this line one of the head? */
static bool
parse_head(struct parser *p)
{
    struct scn *s = p->scn;
    struct lex *l = &p->lex;

    if (lex_is(l, "title"))
        lex_rest(l, s->title, SCN_LINE);
    else if (lex_is(l, "hint"))
        parse_hint(p);
    else if (lex_is(l, "boot"))
        lex_rest(l, s->boot, SCN_LINE);
    else if (lex_take(l, "lab"))
        s->lab = (unsigned)parse_upto(p, "the number of a lab", 9);
    else if (lex_take(l, "points"))
        s->points = (unsigned)parse_upto(p, "a number of points", 100);
    else if (lex_take(l, "group"))
        s->group = (unsigned)parse_upto(p, "the number of a group", 24);
    else if (lex_take(l, "harts"))
        s->harts = (unsigned)parse_upto(p, "a number of harts", 8);
    else if (lex_take(l, "disk"))
        s->disk = parse_size(p, "a size of a disk, like 16M", 4);
    else if (lex_take(l, "crash"))
        parse_crash(p);
    else if (lex_take(l, "memory"))
        s->memory = parse_size(p, "an amount of memory, like 64M", 32);
    else if (lex_take(l, "budget"))
        s->budget = (long)parse_upto(p, "a number of faults", 100000);
    else if (lex_take(l, "only"))
        parse_only(p);
    else if (lex_take(l, "let"))
        parse_let(p);
    else
        return false;
    return true;
}

/* --- blocks --- */

static void
parse_repeat(struct parser *p)
{
    uint64_t n = parse_upto(p, "how often", 1000);
    char name[SCN_NAME] = "";
    struct lex start;

    if (lex_take(&p->lex, "as"))
        parse_name(p, name, "a name");
    if (!lex_is(&p->lex, "{"))
        lex_expected(&p->lex, "'{'");
    if (n == 0 || ++p->depth > 4)
        lex_wrong(&p->lex, n == 0 ? "repeat at least once"
                                  : "repetitions four deep are the most");
    start = p->lex;
    for (uint64_t i = 0; i < n && !lex_failed(&p->lex); i++) {
        p->lex = start;
        if (++p->rounds > SCN_ROUNDS)
            lex_wrong(&p->lex, "too many repetitions");
        if (name[0] != 0)
            parse_var(p, name, i);
        lex_want(&p->lex, "{");
        parse_lines(p, true);
        lex_want(&p->lex, "}");
    }
    p->depth--;
}

/* The process this line begins with; SCN_NO: none.  "A:" and "A {". */
static unsigned
process_here(const struct parser *p)
{
    struct lex ahead = p->lex;

    if (p->lex.token != T_WORD)
        return SCN_NO;
    for (unsigned i = 0; i < p->scn->nprocs; i++) {
        if (strcmp(p->scn->procs[i], p->lex.word) != 0)
            continue;
        lex_next(&ahead);
        if (lex_is(&ahead, ":") || lex_is(&ahead, "{"))
            return i;
    }
    return SCN_NO;
}

static void
parse_process(struct parser *p, unsigned proc)
{
    unsigned outer = p->proc;

    if (!p->live[proc])
        lex_wrong(&p->lex, "this process has ended");
    p->proc = proc;
    lex_next(&p->lex);
    if (lex_take(&p->lex, ":")) {
        parse_step(p);
    } else if (++p->depth > 4) {
        lex_wrong(&p->lex, "blocks four deep are the most");
    } else {
        lex_want(&p->lex, "{");
        parse_lines(p, true);
        lex_want(&p->lex, "}");
        p->depth--;
    }
    p->proc = outer;
}

static void
parse_line(struct parser *p, bool inside)
{
    unsigned proc = process_here(p);

    if (proc != SCN_NO)
        parse_process(p, proc);
    else if (lex_take(&p->lex, "repeat"))
        parse_repeat(p);
    else if (inside || p->scn->nsteps > 0 || !parse_head(p)) {
        if (lex_take(&p->lex, "let"))
            parse_let(p);
        else
            parse_step(p);
    }
}

static void
parse_lines(struct parser *p, bool inside)
{
    struct lex *l = &p->lex;

    while (l->token != T_END && !(inside && lex_is(l, "}"))) {
        if (l->token == T_LINE) {
            lex_next(l);
            continue;
        }
        parse_line(p, inside);
        /* several entries of the head may share a line */
        if (l->token == T_LINE || l->token == T_END ||
            (inside && lex_is(l, "}")))
            continue;
        if (p->scn->nsteps > 0 || l->token != T_WORD)
            lex_expected(l, "the end of the line");
    }
}

static void
check_head(struct parser *p)
{
    struct scn *s = p->scn;

    if (lex_failed(&p->lex))
        return;
    if (s->title[0] == 0)
        lex_expected(&p->lex, "a title somewhere");
    else if (s->points == 0)
        lex_expected(&p->lex, "points somewhere");
    else if (s->nhints == 0)
        lex_expected(&p->lex, "a hint somewhere");
    else if (s->nsteps == 0)
        lex_expected(&p->lex, "a step somewhere");
    else if (s->crash && s->disk == 0)
        lex_expected(&p->lex, "a disk, for \"crash every write\"");
}

static const char name_of_seed[SCN_NAME] = "SEED";

int
scn_parse(struct scn *s, const char *name, const char *text, size_t n,
          uint64_t seed)
{
    struct parser p = {.scn = s,
                       .lex = {.scn = s, .name = name, .text = text, .n = n},
                       .random = seed * 0x9e3779b97f4a7c15ul | 1};

    memset(s, 0, sizeof(*s));
    s->harts = 1;
    s->memory = 128;
    s->budget = -1;
    s->nprocs = 1;
    p.live[0] = true;
    memcpy(s->procs[0], "main", 5);
    p.lex.line = 1;
    for (unsigned i = 0; i < 16; i++)
        parse_random(&p);
    parse_var(&p, name_of_seed, seed);
    lex_next(&p.lex);
    parse_lines(&p, false);
    check_head(&p);
    return s->error[0] != 0 ? -1 : 0;
}
