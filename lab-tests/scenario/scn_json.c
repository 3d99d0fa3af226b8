/* scn_json.c: a scenario as JSON, for the model and the grader: scn SEED FILE...
 *
 * One line per file: the list of steps with all numbers resolved, or
 * {"error": "file:line:column: ..."}.  Status 1 if a file is wrong. */
#include "scn.h"
#include <stdio.h>
#include <stdlib.h>

static char text[1 << 18];
static struct scn scn;

static void
print_text(const char *name, const char *s)
{
    printf("\"%s\":\"", name);
    for (; *s != 0; s++) {
        if (*s == '"' || *s == '\\')
            putchar('\\');
        if ((unsigned char)*s >= ' ')
            putchar(*s);
    }
    putchar('"');
}

static void
print_step(const struct scn_step *st)
{
    printf("{\"line\":%u,\"proc\":%u,", st->line, st->proc);
    print_text("op", scn_verb(st->op));
    if (st->area != SCN_NO)
        printf(",\"area\":%u", st->area);
    if (st->area != SCN_NO || st->op == SCN_PROGRAM || st->op == SCN_EXECUTE ||
        st->op >= SCN_KERNEL)
        printf(",\"first\":%u,\"last\":%u,\"offset\":%u", st->first, st->last,
               st->offset);
    if (st->file != SCN_NO)
        printf(",\"file\":%u", st->file);
    if (st->other != SCN_NO)
        printf(",\"other\":%u", st->other);
    if (st->op == SCN_DIE || st->op == SCN_TOUCH) {
        putchar(',');
        print_text("access", scn_verb(st->access));
    }
    printf(",\"rights\":%u,\"shared\":%u,\"pattern\":%u,\"advice\":%u,"
           "\"value\":%llu,\"at\":%llu,",
           st->rights, st->shared, st->pattern, st->advice,
           (unsigned long long)st->value, (unsigned long long)st->at);
    print_text("word", st->word);
    putchar(',');
    print_text("claim", st->claim);
    putchar('}');
}

static void
print_scn(const struct scn *s)
{
    putchar('{');
    print_text("title", s->title);
    putchar(',');
    print_text("boot", s->boot);
    printf(",\"hints\":[");
    for (unsigned i = 0; i < s->nhints; i++) {
        printf("%s{", i ? "," : "");
        print_text("text", s->hint[i]);
        putchar('}');
    }
    printf("],\"kernel\":%s,\"lab\":%u,\"points\":%u,\"group\":%u,\"harts\":%u,"
           "\"memory\":%u,\"disk\":%u,\"crash\":%s,\"budget\":%ld,\"only\":%u,"
           "\"areas\":[",
           s->steps[0].op >= SCN_KERNEL ? "true" : "false", s->lab, s->points,
           s->group, s->harts, s->memory, s->disk, s->crash ? "true" : "false",
           s->budget, s->only);
    for (unsigned i = 0; i < s->nareas; i++) {
        printf("%s{", i ? "," : "");
        print_text("name", s->areas[i].name);
        printf(",\"base\":%llu,\"pages\":%u}",
               (unsigned long long)s->areas[i].base, s->areas[i].pages);
    }
    printf("],\"files\":[");
    for (unsigned i = 0; i < s->nfiles; i++)
        printf("%s\"%s\"", i ? "," : "", s->files[i]);
    printf("],\"procs\":[");
    for (unsigned i = 0; i < s->nprocs; i++)
        printf("%s\"%s\"", i ? "," : "", s->procs[i]);
    printf("],\"steps\":[");
    for (unsigned i = 0; i < s->nsteps; i++) {
        if (i > 0)
            putchar(',');
        print_step(&s->steps[i]);
    }
    printf("]}\n");
}

int
main(int argc, char **argv)
{
    int status = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: scn SEED FILE.scn...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        size_t n;

        if (f == NULL) {
            perror(argv[i]);
            return 2;
        }
        n = fread(text, 1, sizeof(text), f);
        fclose(f);
        if (scn_parse(&scn, argv[i], text, n, strtoull(argv[1], NULL, 0)) ==
            0) {
            print_scn(&scn);
            continue;
        }
        putchar('{');
        print_text("error", scn.error);
        printf("}\n");
        status = 1;
    }
    return status;
}
