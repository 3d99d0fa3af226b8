/* fuzz_scn.c: damaged scenarios, by the hundred thousand.
 *
 *     fuzz_scn [COUNT [SEED]]           default 100000 1
 *
 * A scenario of every statement gets bytes flipped, words exchanged, lines doubled
 * and cut.  The parser either takes it, and then every index of every step is in
 * range, or says "name:LINE:COLUMN: ..." with a line that the text has. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scenario/kernel_steps.c"
#include "../scenario/lex.c"
#include "../scenario/more.c"
#include "../scenario/scn.c"
#include "../scenario/steps.c"
#include "../scenario/trace.c"

#define ROOM 8192

static const char whole[] =
    "title  all there is   # and a comment\n"
    "lab 4  points 3  group 8 harts 1 memory 64M budget 100\n"
    "hint   do_anonymous_page\n"
    "boot   mmu=sv39\n"
    "disk   16M\n"
    "let n = rand(3..6)\n"
    "map   A 8p anon private rw\n"
    "map   B 2p anon shared r at A+8p\n"
    "map   C 2p anon private none at 0x50000000\n"
    "write A[0..2] = pat($n)       -> anon x3\n"
    "read  A[0..$n-1] == pat(1)\n"
    "load A[8]+9 == 3\n"
    "store A[1]+(4+4*2) = 4\n"
    "protect A[0] rx\n"
    "fetch A[0]\n"
    "file f 10000 = pat(3)\n"
    "map F 3p file f + 1p private rw\n"
    "get A[1]+5 100 f at 7\n"
    "put A[1] 100 f\n"
    "truncate f 5000\n"
    "sync F\n"
    "fsync f\n"
    "open f\n"
    "remount\n"
    "advise A dontneed\n"
    "repeat 3 as i {\n"
    "  store A[$i] = $i\n"
    "  repeat 2 { drop\n flush }\n"
    "}\n"
    "fork C\n"
    "C: fork D\n"
    "D { read A\n exit 2 }\n"
    "C: die store A[2]\n"
    "quota A 4\n"
    "reclaim 3\n"
    "knob fork_eager 0\n"
    "fail any 3\n"
    "unmap A[1..2]\n"
    "heap H 8p\n"
    "brk H[2]+100\n"
    "stack S 8p at 64K\n"
    "map G 1p anon private rw at S+2p fresh\n"
    "mremap A[0..1] 3p to B + 1p\n"
    "call fstat A[1]+4090\n"
    "ecall 999\n"
    "touch 0xffffffff80000000 fetch\n"
    "amo A[0]+1 = 5\n"
    "write A[0] = insn(0x00100073)\n"
    "forkfail\n"
    "thread T\n"
    "T: hart 1\n"
    "race T add A[0..1]\n"
    "T: await A[0] 100\n"
    "T: finish\n"
    "close f\n"
    "unlink f\n"
    "expect anon 3 zero 1\n";

/* ... of those that the kernel runs. */
static const char low[] = "title  all of labs 0 to 3\n"
                          "lab 2  points 3 hint buddy_take\n"
                          "let n = rand(3..6)\n"
                          "ram 0..1023\n"
                          "hole $n..100\n"
                          "start\n"
                          "alloc 3 2  -> at\n"
                          "free 3\n"
                          "repeat 9 as i { flip $i rand(0..5) }\n"
                          "drain 0\n"
                          "refill other\n"
                          "release 10..20\n"
                          "misfree 100 2 -> panic\n"
                          "pretend 100 2 users -> panic\n"
                          "leave 3\n"
                          "enter rand(1..9)*1p+0x40000000 5 rw\n"
                          "clear 0x40000000 300\n"
                          "remap 0x40000000 7\n"
                          "rights 0x7fffffffff none\n"
                          "probe text_store -> fault\n"
                          "timer 20 1000\n"
                          "alarm 3 rand(1..9)*100\n"
                          "trap break\n"
                          "trap load 0x1000 -> panic\n"
                          "chain 0x1b 4 print\n"
                          "rival 0x40000000 5 rw\n"
                          "pass 3 0xfffffffffffffff0\n"
                          "turns 100 -> ok\n"
                          "forget 0x3f\n"
                          "halt panic\n";

static uint64_t random_state = 1;
static char work[ROOM];
static size_t size;
static struct scn scn;
static unsigned long number;

static uint32_t
any(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

static void
claim(bool ok, const char *what)
{
    if (!ok) {
        printf("FAIL fuzz_scn scenario %lu: %s\n%.*s\n%s\n", number, what,
               (int)size, work, scn.error);
        exit(1);
    }
}

/* A piece of LEN bytes from FROM goes to TO, in place of OLD bytes. */
static void
put(size_t to, size_t old, const char *from, size_t len)
{
    char piece[256];

    if (len > sizeof(piece) || size - old + len > ROOM || to + old > size)
        return;
    memcpy(piece, from, len);
    memmove(work + to + len, work + to + old, size - to - old);
    memcpy(work + to, piece, len);
    size = size - old + len;
}

static void
spoil(void)
{
    static const char *const words[] = {"99999999999999999999",
                                        "$n",
                                        "$",
                                        "[",
                                        "]",
                                        "{",
                                        "}",
                                        "..",
                                        "0x",
                                        "-1",
                                        "main:",
                                        "fork C\n",
                                        "repeat 1000 {",
                                        "rand(5..1)",
                                        "4096p",
                                        "\n",
                                        "#",
                                        "title",
                                        "((((((((",
                                        "-> ",
                                        "aVeryVeryLongNameThisIs",
                                        "\x80\xff",
                                        "at",
                                        "A[9]",
                                        "*",
                                        "18446744073709551615",
                                        "let n = $n*$n*$n\n",
                                        "exit 1"};
    size_t at = any((uint32_t)size), len = any(40);

    if (len > size - at)
        len = size - at;
    switch (any(5)) {
    case 0:
        work[at] = (char)any(256);
        break;
    case 1:
        put(at, len, "", 0);
        break;
    case 2:
        put(any((uint32_t)size), 0, work + at, len);
        break;
    case 3:
        put(at, any(2) ? len : 0, words[any(28)], 0);
        break;
    case 4: {
        const char *w = words[any(28)];

        put(at, 0, w, strlen(w));
        break;
    }
    }
}

static void
check_step(const struct scn_step *st)
{
    claim(st->op < SCN_NOPS && st->proc < scn.nprocs, "operation, process");
    if (st->area != SCN_NO) {
        claim(st->area < scn.nareas && st->first <= st->last, "area");
        claim(st->last <= SCN_PAGES && st->offset <= 32 * SCN_PAGE, "pages");
    }
    claim(st->file == SCN_NO || st->file < scn.nfiles, "file");
    claim(st->op != SCN_FORK || st->other < scn.nprocs, "child");
    claim((st->op >= SCN_KERNEL) == (scn.steps[0].op >= SCN_KERNEL), "kind");
    claim(st->op != SCN_ALLOC || (st->first < SCN_SLOTS && st->last < 32),
          "slot, order");
    claim(st->op != SCN_ENTER || (st->first < SCN_SLOTS && st->rights < 8),
          "slot, rights");
    claim(st->op != SCN_CLEAR || st->last <= 4096, "count");
    claim(st->op != SCN_RAM || (st->first <= st->last && st->last < SCN_FRAMES),
          "frames");
    claim(memchr(st->word, 0, sizeof(st->word)) != NULL, "word");
    claim(memchr(st->claim, 0, sizeof(st->claim)) != NULL, "claim");
}

static void
check_error(void)
{
    unsigned line = 0, column = 0, lines = 1;
    int n = 0;

    for (size_t i = 0; i < size; i++)
        lines += work[i] == '\n';
    claim(sscanf(scn.error, "name:%u:%u: %n", &line, &column, &n) == 2 && n > 0,
          "the error has no place");
    claim(line >= 1 && line <= lines && column >= 1, "the place is nowhere");
    claim(strlen(scn.error) > (size_t)n + 5, "the error says nothing");
}

static bool
try_one(uint64_t seed)
{
    char *copy = malloc(size + 1); /* ends where its allocation ends */
    int r;

    memcpy(copy, work, size);
    r = scn_parse(&scn, "name", copy, size, seed);
    free(copy);
    if (r != 0) {
        check_error();
        return false;
    }
    claim(scn.nsteps > 0 && scn.nsteps <= SCN_STEPS, "steps");
    for (unsigned i = 0; i < scn.nsteps; i++)
        check_step(&scn.steps[i]);
    return true;
}

int
main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
    unsigned long good = 0;

    random_state = argc > 2 ? strtoul(argv[2], NULL, 0) | 1 : 1;
    for (number = 0; number < count; number++) {
        size = number % 4 == 1 ? sizeof(low) - 1 : sizeof(whole) - 1;
        memcpy(work, number % 4 == 1 ? low : whole, size);
        for (uint32_t n = number < 2 ? 0 : 1 + any(4); n > 0 && size > 0; n--)
            spoil();
        if (try_one(number))
            good++;
        else
            claim(number > 1, "the whole one is refused");
    }
    claim(good > count / 20 && good < count,
          "nothing is refused, or everything");
    printf("fuzz_scn: %lu scenarios, %lu still make sense\n", count, good);
    return 0;
}
