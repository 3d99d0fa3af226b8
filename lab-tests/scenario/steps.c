/* steps.c: the parser of scenarios, lower half: one step.
 *
 * Most steps are a verb and arguments as the table SCN_OPS of scn.h lists them, a
 * letter for each; map, fork, die and expect are read by hand.  All names are
 * resolved here, and ranges checked, so that who walks the list need not. */
#include "parse.h"
#include <stdio.h>
#include <string.h>

static const char *const verbs[SCN_NOPS] = {
#define X(id, verb, args) [id] = verb,
    SCN_OPS(X)
#undef X
};

static const char *const shapes[SCN_NOPS] = {
#define X(id, verb, args) [id] = args,
    SCN_OPS(X)
#undef X
};

const char *
scn_verb(unsigned op)
{
    return op < SCN_NOPS ? verbs[op] : "?";
}

/* --- names --- */

static unsigned
find(const char (*names)[SCN_NAME], unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return SCN_NO;
}

unsigned
parse_find_area(const struct scn *s, const char *name)
{
    for (unsigned i = 0; i < s->nareas; i++) {
        if (strcmp(s->areas[i].name, name) == 0)
            return i;
    }
    return SCN_NO;
}

unsigned
parse_area(struct parser *p)
{
    unsigned i =
        p->lex.token == T_WORD ? parse_find_area(p->scn, p->lex.word) : SCN_NO;

    if (i == SCN_NO) {
        lex_expected(&p->lex, "an area that was mapped");
        return 0;
    }
    lex_next(&p->lex);
    return i;
}

unsigned
parse_process_name(struct parser *p)
{
    const struct scn *s = p->scn;
    unsigned i =
        p->lex.token != T_WORD
            ? SCN_NO
            : find((const char(*)[SCN_NAME])s->procs, s->nprocs, p->lex.word);

    if (i != SCN_NO)
        lex_next(&p->lex);
    return i;
}

void
parse_file(struct parser *p, struct scn_step *st, bool make)
{
    struct scn *s = p->scn;
    unsigned i = SCN_NO;

    if (p->lex.token == T_WORD)
        i = find((const char(*)[SCN_NAME])s->files, s->nfiles, p->lex.word);
    if (i == SCN_NO && make && p->lex.token == T_WORD) {
        if (s->nfiles == SCN_FILES) {
            lex_wrong(&p->lex, "six files are the most");
            return;
        }
        i = s->nfiles++;
        memcpy(s->files[i], p->lex.word, SCN_NAME);
    } else if (i == SCN_NO) {
        lex_expected(&p->lex, "a file that was made");
        return;
    }
    st->file = (uint8_t)i;
    lex_next(&p->lex);
}

/* --- ranges and addresses --- */

/* A, A[i], A[i..j]; with ADDRESS A[i] and "+ number". */
static void
take_range(struct parser *p, struct scn_step *st, bool address)
{
    const struct scn_area *a;

    st->area = (uint8_t)parse_area(p);
    if (lex_failed(&p->lex))
        return;
    a = &p->scn->areas[st->area];
    st->first = 0;
    st->last = address ? 0 : a->pages - 1;
    if (lex_take(&p->lex, "[")) {
        /* one page behind an area may be named: nothing is there */
        st->first = (uint32_t)parse_upto(p, "the number of a page", a->pages);
        st->last = st->first;
        if (!address && lex_take(&p->lex, ".."))
            st->last =
                (uint32_t)parse_upto(p, "the number of a page", a->pages);
        if (st->last < st->first)
            lex_wrong(&p->lex, "the last page comes before the first");
        lex_want(&p->lex, "]");
    }
    if (address && lex_take(&p->lex, "+"))
        st->offset = (uint32_t)parse_upto(p, "bytes", 32 * SCN_PAGE);
}

static bool
only_rights(const char *word)
{
    while (*word != 0 && strchr("rwx", *word) != NULL)
        word++;
    return *word == 0;
}

void
parse_range(struct parser *p, struct scn_step *st)
{
    take_range(p, st, false);
}

uint8_t
parse_rights(struct parser *p)
{
    uint8_t rights = 0;

    if (lex_take(&p->lex, "none"))
        return 0;
    if (p->lex.token != T_WORD || !only_rights(p->lex.word)) {
        lex_expected(&p->lex, "rights: r, w, x together, or none");
        return 0;
    }
    rights = strchr(p->lex.word, 'r') != NULL ? SCN_R : 0;
    rights |= strchr(p->lex.word, 'w') != NULL ? SCN_W : 0;
    rights |= strchr(p->lex.word, 'x') != NULL ? SCN_X : 0;
    lex_next(&p->lex);
    return rights;
}

static uint8_t
take_advice(struct parser *p)
{
    static const struct {
        const char *name;
        uint8_t number;
    } list[] = {{"dontneed", 4}, {"free", 8}, {"willneed", 3}};

    for (unsigned i = 0; i < 3; i++) {
        if (lex_take(&p->lex, list[i].name))
            return list[i].number;
    }
    lex_expected(&p->lex, "dontneed, free or willneed");
    return 0;
}

static void
take_pattern(struct parser *p, struct scn_step *st)
{
    bool code = lex_is(&p->lex, "code"), word = lex_is(&p->lex, "insn");

    st->pattern = SCN_BYTE;
    if (code || word || lex_is(&p->lex, "pat")) {
        st->pattern = code ? SCN_CODE : word ? SCN_INSN : SCN_PAT;
        lex_next(&p->lex);
        lex_want(&p->lex, "(");
        st->value = parse_upto(p, "the number of a pattern",
                               code   ? 1000
                               : word ? UINT32_MAX
                                      : 1u << 30);
        lex_want(&p->lex, ")");
    } else {
        st->value = parse_upto(p, "pat(n), code(n), insn(n) or a byte", 255);
    }
}

/* --- steps that are read by hand --- */

static void
take_fork(struct parser *p, struct scn_step *st)
{
    struct scn *s = p->scn;
    char name[SCN_NAME];

    parse_name(p, name, "a name for the child");
    if (lex_failed(&p->lex))
        return;
    if (s->nprocs == SCN_PROCS)
        lex_wrong(&p->lex, "eight processes are the most");
    else if (find((const char(*)[SCN_NAME])s->procs, s->nprocs, name) != SCN_NO)
        lex_wrong(&p->lex, "there is a process of this name");
    else {
        memcpy(s->procs[s->nprocs], name, SCN_NAME);
        p->parent[s->nprocs] = (uint8_t)p->proc;
        p->live[s->nprocs] = true;
        p->thread[s->nprocs] = st->op == SCN_THREAD;
        st->other = (uint8_t)s->nprocs++;
    }
}

/* Only a process without children that live may end, as others would inherit
 * them; main ends with the scenario. */
static void
check_end(struct parser *p)
{
    if (p->proc == 0)
        lex_wrong(&p->lex, "main cannot end before the scenario does");
    for (unsigned i = 1; i < p->scn->nprocs; i++) {
        if (p->live[i] && p->parent[i] == p->proc)
            lex_wrong(&p->lex, "its children must end first");
    }
    p->live[p->proc] = false;
}

/* "load", "store" or "fetch". */
bool
parse_access(struct parser *p, struct scn_step *st)
{
    static const uint8_t ways[] = {SCN_LOAD, SCN_STORE, SCN_FETCH};

    for (unsigned i = 0; i < 3; i++) {
        if (lex_take(&p->lex, verbs[ways[i]])) {
            st->access = ways[i];
            return true;
        }
    }
    lex_expected(&p->lex, "load, store or fetch");
    return false;
}

static void
take_die(struct parser *p, struct scn_step *st)
{
    check_end(p);
    if (parse_access(p, st))
        take_range(p, st, true);
}

static void
take_expect(struct parser *p, struct scn_step *st)
{
    parse_name(p, st->word, "the name of a counter");
    st->value = parse_upto(p, "a number", 1u << 30);
}

/* --- all others --- */

static void
take_argument(struct parser *p, struct scn_step *st, char kind)
{
    struct lex *l = &p->lex;

    switch (kind) {
    case 'r':
    case 'a':
        take_range(p, st, kind == 'a');
        break;
    case 'n':
        st->value = parse_upto(p, "a number", 1u << 30);
        break;
    case 'N':
        st->value = lex_take(l, "none")
                        ? SCN_QUOTA_NONE
                        : parse_upto(p, "a number, or none", 1u << 30);
        break;
    case 'w':
        if (l->token == T_WORD)
            parse_name(p, st->word, "a name");
        break;
    case 'f':
    case 'F':
        parse_file(p, st, kind == 'F');
        break;
    case 'o':
        if (lex_take(l, "at"))
            st->at = parse_upto(p, "a position in the file", 1u << 30);
        break;
    case 'k':
        parse_name(p, st->word, "a name");
        break;
    case 'R':
        st->rights = parse_rights(p);
        break;
    case 'A':
        st->advice = take_advice(p);
        break;
    case 'P':
        lex_want(l, "=");
        take_pattern(p, st);
        break;
    case 'Q': /* of a file: a pattern beside its size */
        if (lex_take(l, "=")) {
            st->at = st->value;
            take_pattern(p, st);
        } else {
            st->at = st->value;
            st->pattern = SCN_BYTE;
            st->value = 0;
        }
        break;
    case 'C':
        if (lex_take(l, "=="))
            take_pattern(p, st);
        break;
    case 'v':
        lex_want(l, "=");
        st->value = parse_upto(p, "a byte", 255);
        break;
    case 'V':
        if (lex_take(l, "==")) {
            st->value = parse_upto(p, "a byte", 255);
            st->pattern = SCN_BYTE;
        }
        break;
    default:
        parse_kernel_argument(p, st, kind);
    }
}

/* The next step, which begins with the token at hand; NULL: there is no room. */
struct scn_step *
parse_new_step(struct parser *p, unsigned op)
{
    struct scn *s = p->scn;
    struct scn_step *st = &s->steps[s->nsteps];

    if (s->nsteps == SCN_STEPS) {
        lex_wrong(&p->lex, "800 steps are the most");
        return NULL;
    }
    if (!p->live[p->proc]) {
        lex_wrong(&p->lex, "this process has ended");
        return NULL;
    }
    *st = (struct scn_step){.line = (uint16_t)p->lex.start_line,
                            .op = (uint8_t)op,
                            .proc = (uint8_t)p->proc,
                            .area = SCN_NO,
                            .file = SCN_NO,
                            .other = SCN_NO};
    return st;
}

static unsigned
find_verb(const char *word)
{
    for (unsigned i = 0; i < SCN_NOPS; i++) {
        if (strcmp(verbs[i], word) == 0)
            return i;
    }
    return SCN_NOPS;
}

static void
take_arguments(struct parser *p, struct scn_step *st)
{
    switch (st->op) {
    case SCN_FORK:
    case SCN_THREAD:
        take_fork(p, st);
        break;
    case SCN_DIE:
        take_die(p, st);
        break;
    case SCN_EXPECT:
        take_expect(p, st);
        break;
    default:
        if (parse_more(p, st))
            break;
        for (const char *s = shapes[st->op]; *s != 0; s++)
            take_argument(p, st, *s);
    }
    if (st->op == SCN_EXIT) {
        check_end(p);
        if (st->value > 200)
            lex_wrong(&p->lex, "a process ends with 200 at most");
    }
}

void
parse_step(struct parser *p)
{
    struct scn *s = p->scn;
    struct scn_step *st;
    unsigned op = p->lex.token == T_WORD ? find_verb(p->lex.word) : SCN_NOPS;

    if (lex_take(&p->lex, "trace")) {
        parse_trace(p);
        return;
    }
    if (op == SCN_NOPS) {
        lex_expected(&p->lex, s->nsteps > 0 ? "a step, like read or map"
                                            : "a step, or a line of the head");
        return;
    }
    st = parse_new_step(p, op);
    if (st == NULL)
        return;
    if (p->scn->nsteps > 0 &&
        (op >= SCN_KERNEL) != (p->scn->steps[0].op >= SCN_KERNEL)) {
        lex_wrong(&p->lex, "steps of processes and steps of the kernel do not "
                           "mix");
        return;
    }
    lex_next(&p->lex);
    take_arguments(p, st);
    if (!lex_failed(&p->lex) && lex_is(&p->lex, "->"))
        lex_rest(&p->lex, st->claim, sizeof(st->claim));
    if (!lex_failed(&p->lex))
        s->nsteps++;
    if (op == SCN_EXPECT && p->lex.token == T_WORD) {
        /* the next counter on this line is a step of its own */
        p->lex.pos = p->lex.start;
        memcpy(p->lex.word, "expect", 7);
        parse_step(p);
    }
}
