/* parse.h: what the two halves of the parser share.  Private to
 * lab-tests/scenario. */
#ifndef LAB_TESTS_SCENARIO_PARSE_H
#define LAB_TESTS_SCENARIO_PARSE_H

#include "lex.h"

#define VARS 13

struct parser {
    struct lex lex;
    struct scn *scn;
    uint64_t random;
    unsigned rounds, depth, nvars;
    unsigned proc; /* whose steps these are */
    struct {
        char name[SCN_NAME];
        uint64_t value;
    } vars[VARS];
    uint8_t parent[SCN_PROCS];
    bool live[SCN_PROCS], thread[SCN_PROCS];
};

uint64_t parse_number(struct parser *p, const char *what); /* an expression */
/* One number no larger than MOST. */
uint64_t parse_upto(struct parser *p, const char *what, uint64_t most);
uint64_t parse_random(struct parser *p); /* the next one from the seed */
void parse_step(struct parser *p);
/* An argument of KIND, see SCN_OPS. */
void parse_kernel_argument(struct parser *p, struct scn_step *st, char kind);
uint64_t parse_pages(struct parser *p); /* a size in whole pages */
/* A[i..j]; one that was mapped; the process or thread at hand, SCN_NO: none. */
void parse_range(struct parser *p, struct scn_step *st);
unsigned parse_area(struct parser *p);
unsigned parse_find_area(const struct scn *s, const char *name); /* or SCN_NO */
void parse_file(struct parser *p, struct scn_step *st, bool make);
uint8_t parse_rights(struct parser *p);
bool parse_access(struct parser *p, struct scn_step *st);
unsigned parse_process_name(struct parser *p);
/* The entry of the area NAME, which may have been mapped before; NULL: no room. */
struct scn_area *parse_new_area(struct parser *p, const char *name,
                                struct scn_step *st);
bool parse_more(struct parser *p,
                struct scn_step *st); /* false: not one of it */
/* The next step of the process at hand, not counted yet; NULL: none may follow. */
struct scn_step *parse_new_step(struct parser *p, unsigned op);
void parse_trace(struct parser *p); /* behind the word */
void parse_var(struct parser *p, const char *name, uint64_t value);
/* A name that is not too long; what is wanted if there is none. */
void parse_name(struct parser *p, char name[SCN_NAME], const char *what);

#endif
