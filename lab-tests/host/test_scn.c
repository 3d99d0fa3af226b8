/* test_scn.c: the parser of scenarios: what it makes of each statement, and where
 * and why it refuses. */
#include <stdio.h>
#include <string.h>

#include "../scenario/kernel_steps.c"
#include "../scenario/lex.c"
#include "../scenario/more.c"
#include "../scenario/scn.c"
#include "../scenario/steps.c"
#include "../scenario/trace.c"

static struct scn scn;
static unsigned passed, failed;

static void
check(const char *name, bool ok)
{
    printf("%s %s%s%s\n", ok ? "ok" : "FAIL", name, ok ? "" : ": ",
           ok ? "" : scn.error);
    passed += ok;
    failed += !ok;
}

#define HEAD "title t\npoints 1\nhint h\n"

static int
parse(const char *text, uint64_t seed)
{
    return scn_parse(&scn, "f", text, strlen(text), seed);
}

/* HEAD has three lines, so steps begin in line 4. */
static void
refuses(const char *name, const char *text, const char *error)
{
    char all[512];

    snprintf(all, sizeof(all), "%s%s", HEAD, text);
    parse(all, 1);
    if (strcmp(scn.error, error) != 0)
        printf("# want %s\n", error);
    check(name, strcmp(scn.error, error) == 0);
}

static void
refusals(void)
{
    refuses("unknown_verb", "frobnicate\n",
            "f:4:1: expected a step, or a line of the head, got 'frobnicate'");
    refuses("only_what", "only counts\nmap A 4p anon private rw\n",
            "f:4:6: expected 'results', got 'counts'");
    refuses("crash_what", "disk 4M crash every flush\nfile f 1p\n",
            "f:4:21: expected 'write', got 'flush'");
    refuses(
        "crash_of_no_disk", "crash every write\nfile f 1p\n",
        "f:6:1: expected a disk, for \"crash every write\", but the file ends");
    refuses("no_area", "read A\n",
            "f:4:6: expected an area that was mapped, got 'A'");
    refuses("no_kind", "map A 4p anan private rw\n",
            "f:4:10: expected anon, or file and its name, got 'anan'");
    refuses("half_page", "map A 100 anon private rw\n",
            "f:4:11: the size of an area is whole pages, like 4p");
    refuses("page_outside", "map A 4p anon private rw\nread A[5]\n",
            "f:5:8: the number of a page: 5 is more than 4");
    refuses("backwards", "map A 4p anon private rw\nread A[2..1]\n",
            "f:5:12: the last page comes before the first");
    refuses("no_bracket", "map A 4p anon private rw\nread A[2\n",
            "f:5:9: expected ']', but the line ends");
    refuses("rights", "map A 4p anon private rq\n",
            "f:4:23: expected rights: r, w, x together, or none, got 'rq'");
    refuses("unknown_name", "map A $n anon private r\n",
            "f:4:7: nothing has this name: let NAME = number comes first");
    refuses("open_block", "map A 1p anon private r\nrepeat 2 {\nread A\n",
            "f:7:1: expected '}', but the file ends");
    refuses("dead_process",
            "map A 1p anon private r\nfork C\nC: exit 1\nC: read A\n",
            "f:7:1: this process has ended");
    refuses("main_exits", "map A 1p anon private r\nexit 1\n",
            "f:5:7: main cannot end before the scenario does");
    refuses("orphans",
            "map A 1p anon private r\nfork C\nC: fork D\nC: exit 1\n",
            "f:7:10: its children must end first");
    refuses("trace_outside", "map A 2p anon private r\ntrace A[0..2] 9 refs\n",
            "f:5:15: a trace stays inside its area");
    refuses("long_trace", "map A 2p anon private r\ntrace A 900 refs\n",
            "f:5:9: how many accesses: 900 is more than 800");
    refuses("odd_sign", "map A 1p anon private r;\n",
            "f:4:24: this character means nothing here");
    refuses("two_on_a_line", "map A 1p anon private r read A\n",
            "f:4:25: expected the end of the line, got 'read'");
    refuses("two_kinds", "alloc 1 2\nmap A 1p anon private r\n",
            "f:5:1: steps of processes and steps of the kernel do not mix");
    refuses("no_slot", "alloc 64 2\n", "f:4:7: a slot: 64 is more than 63");
    refuses("no_pages", "ram 5..4\n",
            "f:4:9: the last page comes before the first");
    refuses("head_later", "map A 1p anon private r\npoints 3\n",
            "f:5:1: expected a step, like read or map, got 'points'");
    refuses("no_steps", "\n",
            "f:5:1: expected a step somewhere, but the file ends");
}

static void
accepts(void)
{
    const struct scn_step *st = scn.steps;

    check("all_of_map",
          parse(HEAD "map A 3p anon shared rx at 0x41000000\n", 1) == 0 &&
              scn.nsteps == 1 && st->op == SCN_MAP &&
              st->rights == (SCN_R | SCN_X) && st->shared == 1 &&
              st->value == 0x41000000 && st->last == 2 && st->line == 4);
    check("areas_have_places",
          parse(HEAD "map A 1p anon private r\nmap B 2p anon private r\n"
                     "map C 1p anon private r at B+1p\n",
                1) == 0 &&
              scn.areas[1].base == SCN_BASE + SCN_STRIDE &&
              scn.areas[2].base == scn.areas[1].base + SCN_PAGE);
    check("repetitions_are_unrolled",
          parse(HEAD
                "map A 9p anon private r\nrepeat 2 as i {\nrepeat 3 as j {\n"
                "store A[$i*3+$j] = 1\n}\n}\n",
                1) == 0 &&
              scn.nsteps == 7 && st[6].first == 5 && st[6].line == 7);
    check("blocks_name_a_process",
          parse(HEAD "map A 1p anon private r\nfork C\nC { read A\nexit 4 }\n",
                1) == 0 &&
              scn.nsteps == 4 && st[2].proc == 1 && st[3].value == 4 &&
              st[1].other == 1);
    check("claims_and_comments",
          parse(HEAD "map A 1p anon private r  -> nothing, ok # why\n", 1) ==
                  0 &&
              strcmp(st->claim, "nothing, ok") == 0);
    check("a_trace_is_a_step_each",
          parse(HEAD "map A 8p anon private rw\n"
                     "trace A[2..5] 9 refs locality 10% writes 0% seed $SEED "
                     "tick\n",
                3) == 0 &&
              scn.nsteps == 19 && st[1].op == SCN_LOAD && st[1].first >= 2 &&
              st[1].first <= 5 && st[2].op == SCN_TICK && st[18].line == 5);
    check("quota_and_policy",
          parse(HEAD "map A 2p anon private rw\nquota A none\n"
                     "quota A[1] 3 clock\n",
                1) == 0 &&
              scn.nsteps == 3 && st[1].value == SCN_QUOTA_NONE &&
              st[2].value == 3 && strcmp(st[2].word, "clock") == 0);
    check("expect_is_a_step_each",
          parse(HEAD "map A 1p anon private r\nexpect anon 3 zero 4\n", 1) ==
                  0 &&
              scn.nsteps == 3 && st[2].value == 4 &&
              strcmp(st[2].word, "zero") == 0);
}

static void
seeds(void)
{
    static const char text[] =
        HEAD "let n = rand(1..1000000)\nmap A 1p anon private r\nreclaim $n\n";
    uint64_t one;

    parse(text, 1);
    one = scn.steps[1].value;
    parse(text, 1);
    check("a_seed_gives_the_same", scn.steps[1].value == one);
    parse(text, 2);
    check("another_gives_another", scn.steps[1].value != one);
    for (uint64_t s = 0; s < 1000; s++) {
        parse(HEAD "let n = rand(3..5)\nmap A 1p anon private r\nreclaim $n\n",
              s);
        if (scn.steps[1].value < 3 || scn.steps[1].value > 5)
            check("rand_stays_inside", false);
    }
}

int
main(void)
{
    refusals();
    accepts();
    seeds();
    printf("test_scn: %u passed, %u failed\n", passed, failed);
    return failed != 0;
}
