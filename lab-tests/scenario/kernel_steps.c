/* kernel_steps.c: arguments of the steps that the kernel runs: slots, orders, frames,
 * addresses, threads, harts.  All are numbers, and checked here. */
#include "parse.h"

/* Pages "a..b", both included. */
static void
take_pages(struct parser *p, struct scn_step *st)
{
    st->first = (uint32_t)parse_upto(p, "the number of a page", SCN_FRAMES - 1);
    lex_want(&p->lex, "..");
    st->last = (uint32_t)parse_upto(p, "the number of a page", SCN_FRAMES - 1);
    if (st->last < st->first)
        lex_wrong(&p->lex, "the last page comes before the first");
}

void
parse_kernel_argument(struct parser *p, struct scn_step *st, char kind)
{
    switch (kind) {
    case 'i':
        st->first = (uint32_t)parse_upto(p, "a slot", SCN_SLOTS - 1);
        break;
    case 'g':
        st->last = (uint32_t)parse_upto(p, "an order", 31);
        break;
    case 'c':
        st->last = (uint32_t)parse_upto(p, "how many", 4096);
        break;
    case 'p':
        take_pages(p, st);
        break;
    case 'U':
        if (p->lex.token == T_LINE || p->lex.token == T_END)
            break;
        /* fall through */
    case 'u':
        st->value = parse_number(p, "an address");
        break;
    case 's':
        st->at = parse_number(p, "a size");
        break;
    }
}
