/* trace.c: the parser of scenarios: a line that stands for many accesses.
 *
 *     trace A[0..7] 128 refs locality 40% writes 50% seed $SEED tick
 *
 * becomes 128 loads and stores, each a step of its own, so that what the kernel does
 * at each of them is compared.  Of these, 40 % repeat one of the last four pages, and
 * half are stores; "tick": a moment passes after each.  The numbers come from the
 * generator of the kernel's tests (64-bit xorshift, shifts 13, 7, 17: G. Marsaglia,
 * "Xorshift RNGs", Journal of Statistical Software 8, 2003) in the same order as in
 * tools/faultmodel/traces.py, which makes the same trace from the same seed. */
#include "parse.h"

#define RECENT 4u

struct trace {
    struct scn_step range;
    uint64_t refs, locality, writes, random;
    bool tick;
    uint32_t recent[RECENT]; /* the last ones, a ring */
    uint64_t n;              /* accesses so far */
};

static uint64_t
below(struct trace *t, uint64_t n)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return t->random % n;
}

static uint32_t
next_page(struct trace *t)
{
    uint64_t known = t->n < RECENT ? t->n : RECENT, back;
    uint32_t page;

    if (known > 0 && below(t, 100) < t->locality) {
        back = 1 + below(t, known);
        page = t->recent[(t->n - back) % RECENT];
    } else {
        page = (uint32_t)below(t, t->range.last - t->range.first + 1);
    }
    t->recent[t->n % RECENT] = page;
    return page;
}

static uint64_t
percent(struct parser *p)
{
    uint64_t n = parse_upto(p, "a share, like 40%", 100);

    lex_take(&p->lex, "%");
    return n;
}

static void
take_options(struct parser *p, struct trace *t)
{
    for (;;) {
        if (lex_take(&p->lex, "locality")) {
            t->locality = percent(p);
        } else if (lex_take(&p->lex, "writes")) {
            t->writes = percent(p);
        } else if (lex_take(&p->lex, "seed")) {
            t->random = parse_number(p, "a number");
        } else if (lex_take(&p->lex, "tick")) {
            t->tick = true;
        } else {
            return;
        }
    }
}

/* The next access, and the moment after it. */
static bool
add_access(struct parser *p, struct trace *t)
{
    uint32_t page = t->range.first + next_page(t);
    bool write = below(t, 100) < t->writes;
    struct scn_step *st = parse_new_step(p, write ? SCN_STORE : SCN_LOAD);

    if (st == NULL)
        return false;
    st->line = t->range.line;
    st->area = t->range.area;
    st->first = st->last = page;
    st->offset = (uint32_t)(t->n % SCN_PAGE);
    st->value = write ? t->n % 256 : 0;
    p->scn->nsteps++;
    t->n++;
    if (!t->tick)
        return true;
    st = parse_new_step(p, SCN_TICK);
    if (st == NULL)
        return false;
    st->line = t->range.line;
    p->scn->nsteps++;
    return true;
}

void
parse_trace(struct parser *p)
{
    struct trace t = {.locality = 40, .writes = 50, .random = 1};

    t.range.line = (uint16_t)p->lex.start_line;
    parse_range(p, &t.range);
    if (!lex_failed(&p->lex) &&
        t.range.last >= p->scn->areas[t.range.area].pages)
        lex_wrong(&p->lex, "a trace stays inside its area");
    t.refs = parse_upto(p, "how many accesses", SCN_STEPS);
    lex_want(&p->lex, "refs");
    take_options(p, &t);
    if (t.random == 0)
        t.random = 1;
    while (!lex_failed(&p->lex) && t.n < t.refs && add_access(p, &t))
        ;
}
