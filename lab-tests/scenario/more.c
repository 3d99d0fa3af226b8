/* more.c: the parser of scenarios: steps that make areas or move them, and what
 * several do at a time.
 *
 * Heap and stack lie where the program's are, which nobody knows here.  Their areas
 * have a place on paper like all others, and whoever runs the steps finds out how far
 * the real one is from it: scn_area.moved.  What is mapped relative to such an area
 * moves along (scn_area.like). */
#include "parse.h"
#include <string.h>

/* --- map --- */

static void
take_place(struct parser *p, struct scn_area *a, unsigned number)
{
    a->base = SCN_BASE + number * SCN_STRIDE;
    a->like = number;
    if (!lex_take(&p->lex, "at"))
        return;
    if (p->lex.token == T_WORD) {
        unsigned i = parse_find_area(p->scn, p->lex.word);

        if (i == SCN_NO) {
            lex_expected(&p->lex, "an address or an area");
            return;
        }
        lex_next(&p->lex);
        a->base = p->scn->areas[i].base;
        a->like = p->scn->areas[i].like;
        if (lex_take(&p->lex, "+"))
            a->base += parse_number(p, "a number of pages, like 4p");
    } else {
        a->base = parse_number(p, "an address or an area");
    }
    if (!lex_failed(&p->lex) &&
        (a->base % SCN_PAGE != 0 || a->base < SCN_BASE ||
         a->base >= SCN_BASE + 32 * SCN_STRIDE))
        lex_wrong(&p->lex, "an area begins on a page from 0x40000000 to "
                           "0x60000000");
}

struct scn_area *
parse_new_area(struct parser *p, const char *name, struct scn_step *st)
{
    struct scn *s = p->scn;
    unsigned i = parse_find_area(s, name);

    if (i == SCN_NO) {
        if (s->nareas == SCN_AREAS) {
            lex_wrong(&p->lex, "12 areas are the most");
            return NULL;
        }
        i = s->nareas++;
        memcpy(s->areas[i].name, name, SCN_NAME);
        s->areas[i].like = i;
    }
    st->area = (uint8_t)i;
    return &s->areas[i];
}

uint64_t
parse_pages(struct parser *p)
{
    uint64_t bytes = parse_upto(p, "a size, like 4p", SCN_PAGES * SCN_PAGE);

    if (!lex_failed(&p->lex) && (bytes == 0 || bytes % SCN_PAGE != 0))
        lex_wrong(&p->lex, "the size of an area is whole pages, like 4p");
    return bytes;
}

/* What else mmap() may be told: not to take the place of anything, or only where it
 * would be welcome. */
static uint8_t
take_manner(struct parser *p)
{
    return lex_take(&p->lex, "fresh")  ? SCN_FRESH
           : lex_take(&p->lex, "hint") ? SCN_HINT
                                       : 0;
}

static void
take_map(struct parser *p, struct scn_step *st)
{
    char name[SCN_NAME];
    struct scn_area *a;
    uint64_t bytes;

    parse_name(p, name, "a name for the area");
    bytes = parse_pages(p);
    if (lex_take(&p->lex, "file")) {
        parse_file(p, st, false);
        if (lex_take(&p->lex, "+"))
            st->at = parse_upto(p, "a position in the file", 1u << 30);
    } else {
        if (!lex_is(&p->lex, "anon"))
            lex_expected(&p->lex, "anon, or file and its name");
        lex_take(&p->lex, "anon");
    }
    st->shared = lex_take(&p->lex, "shared");
    if (!st->shared)
        lex_want(&p->lex, "private");
    st->rights = parse_rights(p);
    if (lex_failed(&p->lex) || (a = parse_new_area(p, name, st)) == NULL)
        return;
    a->pages = (uint32_t)(bytes / SCN_PAGE);
    take_place(p, a, st->area);
    st->advice = take_manner(p);
    st->value = a->base;
    st->last = a->pages - 1;
}

/* --- heap, stack, remap, race --- */

/* "heap H 8p", "stack S 8p at 64K". */
static void
take_own_area(struct parser *p, struct scn_step *st)
{
    char name[SCN_NAME];
    struct scn_area *a;

    parse_name(p, name, "a name for the area");
    st->value = parse_pages(p);
    if (st->op == SCN_STACK && lex_take(&p->lex, "at"))
        st->at = parse_upto(p, "bytes below the top", 1u << 26);
    if (!lex_failed(&p->lex) && st->at % SCN_PAGE != 0)
        lex_wrong(&p->lex, "a stack is whole pages");
    if (lex_failed(&p->lex) || (a = parse_new_area(p, name, st)) == NULL)
        return;
    a->pages = (uint32_t)(st->value / SCN_PAGE);
    a->base = SCN_BASE + st->area * SCN_STRIDE;
    st->last = a->pages - 1;
}

/* "mremap A[0..3] 6p", "... to B + 2p". */
static void
take_remap(struct parser *p, struct scn_step *st)
{
    parse_range(p, st);
    st->value = parse_pages(p);
    if (lex_take(&p->lex, "to")) {
        unsigned i = parse_area(p);

        st->at = lex_failed(&p->lex) ? 0 : p->scn->areas[i].base;
        if (lex_take(&p->lex, "+"))
            st->at += parse_upto(p, "a number of pages, like 4p",
                                 SCN_PAGES * SCN_PAGE);
        if (!lex_failed(&p->lex) && st->at % SCN_PAGE != 0)
            lex_wrong(&p->lex, "an area begins on a page");
    }
}

/* "race T U add A[0..7]": the process of this line and threads or processes. */
static void
take_race(struct parser *p, struct scn_step *st)
{
    unsigned other;

    while ((other = parse_process_name(p)) != SCN_NO) {
        if (!p->live[other] || other == p->proc || (st->at >> other & 1))
            lex_wrong(&p->lex, "others that live, each once");
        st->at |= 1ul << other;
    }
    if (st->at == 0)
        lex_expected(&p->lex, "another process or thread");
    parse_name(p, st->word, "what they do");
    parse_range(p, st);
    st->value = parse_random(p) >> 32; /* if they do things at random */
}

/* "touch 0x10 store": an address as it stands. */
static void
take_touch(struct parser *p, struct scn_step *st)
{
    st->value = parse_number(p, "an address");
    (void)parse_access(p, st);
}

/* "program P 10000 5000 9000": bytes of text, data and bss. */
static void
take_program(struct parser *p, struct scn_step *st)
{
    parse_file(p, st, true);
    st->value = parse_upto(p, "bytes of text", SCN_PAGES * SCN_PAGE);
    st->at = parse_upto(p, "bytes of data", SCN_PAGES * SCN_PAGE);
    st->last = (uint32_t)parse_upto(p, "bytes of bss", SCN_PAGES * SCN_PAGE);
    if (!lex_failed(&p->lex) && (st->value < SCN_PAGE || st->at == 0))
        lex_wrong(&p->lex, "a program has a page of text, and data");
}

/* "run P load 4999 store 5000 text 8192": what it does, one after the other. */
static void
take_run(struct parser *p, struct scn_step *st)
{
    static const char *const words[] = {"load", "store", "text"};
    uint64_t kind = 0, word;

    parse_file(p, st, false);
    for (; p->lex.token == T_WORD && !lex_failed(&p->lex); st->first++) {
        for (kind = 0; kind < 3 && !lex_take(&p->lex, words[kind]); kind++)
            ;
        if (kind == 3 || st->first == SCN_TOUCHES) {
            lex_expected(&p->lex, "load, store or text, four of them at most");
            return;
        }
        word = kind << 30 | parse_upto(p, "a byte of it", 1u << 20);
        if (st->first < 2)
            st->value |= word << st->first % 2 * 32;
        else
            st->at |= word << st->first % 2 * 32;
    }
}

bool
parse_more(struct parser *p, struct scn_step *st)
{
    switch (st->op) {
    case SCN_MAP:
        take_map(p, st);
        return true;
    case SCN_HEAP:
    case SCN_STACK:
        take_own_area(p, st);
        return true;
    case SCN_PROGRAM:
        take_program(p, st);
        return true;
    case SCN_EXECUTE:
        take_run(p, st);
        return true;
    case SCN_MREMAP:
        take_remap(p, st);
        return true;
    case SCN_TOUCH:
        take_touch(p, st);
        return true;
    case SCN_RACE:
        take_race(p, st);
        return true;
    }
    return false;
}
