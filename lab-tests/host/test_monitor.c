/* test_monitor.c: the monitor's words, names, suggestions and prompt, and the
 * page-table walk of "pte" over tables made by hand. */
#include "driver_fake.h"

#define KERN_ARCH_RISCV_MEMLAYOUT_H
#define KERN_MM_PMM_H
#define KERN_MM_KMALLOC_H
#include "kern/arch/riscv/pte.h"
#include <setjmp.h>

/* Physical memory of sixteen pages. */
static uint64_t memory[16][512];

static void *
pa_to_va(paddr_t pa)
{
    if (pa % 4096 != 0 || pa >= sizeof(memory))
        abort();
    return memory[pa / 4096];
}

#define MAX_ORDER 18

static size_t
nr_managed_pages(void)
{
    return 1000;
}

static size_t
nr_free_pages(void)
{
    return 77;
}

static void
pmm_stat(size_t blocks[MAX_ORDER + 1])
{
    memset(blocks, 0, (MAX_ORDER + 1) * sizeof(*blocks));
    blocks[0] = 5;
    blocks[18] = 2;
}

static size_t
kmalloc_in_use(void)
{
    return 3;
}

static size_t
kmalloc_pages(void)
{
    return 4;
}

static void
kmalloc_print(void)
{
}

/* As in libs/string.c, which cannot be linked beside the host's. */
static unsigned long long
strtoull_simple(const char *s, const char **end)
{
    char *stop;
    unsigned long long v = 0;

    *end = s;
    if (*s >= '0' && *s <= '9') {
        v = strtoull(s, &stop, strncmp(s, "0x", 2) == 0 ? 16 : 10);
        *end = stop;
    }
    return v;
}

#include "kern/ext/debug/monitor.c"
#include "kern/ext/mm/monitor_mm.c"

/* --- commands that say how they were called --- */

static int seen_argc;
static char seen[64][80];

static void
run_echo(int argc, char **argv)
{
    seen_argc = argc;
    for (int i = 0; i < argc; i++)
        snprintf(seen[i], sizeof(seen[i]), "%s", argv[i]);
    CHECK(argv[argc] == NULL);
}

static const struct monitor_command echo_command = {
    .name = "echo", .args = "WORDS", .help = "test", .run = run_echo};
TABLE_ADD(monitor, echo_command);
static const struct monitor_command backtrace_command = {
    .name = "backtrace", .args = "", .help = "test", .run = run_echo};
TABLE_ADD(monitor, backtrace_command);
static const struct monitor_command zz_command = {
    .name = "zz", .args = "", .help = "last", .run = run_echo};
TABLE_ADD(monitor, zz_command);

static void
execute(const char *line)
{
    char copy[1024];

    snprintf(copy, sizeof(copy), "%s", line);
    fake_out_clear();
    seen_argc = -1;
    monitor_execute(copy);
}

static bool
says(const char *line, const char *answer)
{
    execute(line);
    return strcmp(fake_out, answer) == 0;
}

static void
words(void)
{
    static const struct {
        const char *line;
        int argc;
        const char *argv[4];
    } cases[] = {
        {"echo", 1, {"echo"}},
        {"echo\n", 1, {"echo"}},
        {"  echo  ", 1, {"echo"}},
        {"echo a", 2, {"echo", "a"}},
        {"\techo\ta \t b\r\n", 3, {"echo", "a", "b"}},
        {"echo \xe4\xb8\xad \xc3\xa9", 3, {"echo", "\xe4\xb8\xad", "\xc3\xa9"}},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        execute(cases[i].line);
        CHECK(seen_argc == cases[i].argc);
        for (int k = 0; k < cases[i].argc && seen_argc == cases[i].argc; k++)
            CHECK(strcmp(seen[k], cases[i].argv[k]) == 0);
        CHECK(fake_out_len == 0);
    }
    CHECK(says("", "") && says("\n", "") && says(" \t ", ""));
    CHECK(seen_argc == -1);
}

/* Every string of up to 7 letters out of {a, blank}, against a count. */
static void
words_exhaustive(void)
{
    for (unsigned len = 0; len <= 7; len++) {
        for (unsigned bits = 0; bits < 1u << len; bits++) {
            char line[16] = "echo ";
            int n = 1;

            for (unsigned i = 0; i < len; i++) {
                bool letter = (bits >> i & 1) != 0;

                line[5 + i] = letter ? 'a' : ' ';
                n += letter && (i == 0 || (bits >> (i - 1) & 1) == 0);
            }
            line[5 + len] = '\0';
            execute(line);
            CHECK(seen_argc == n);
        }
    }
}

static void
too_many_words(void)
{
    char line[256] = "echo";

    for (int i = 1; i < WORDS; i++)
        strcat(line, " x");
    execute(line);
    CHECK(seen_argc == WORDS);
    strcat(line, "  \n");
    execute(line);
    CHECK(seen_argc == WORDS);
    strcat(line, " y");
    CHECK(says(line, "more than 16 words\n"));
    CHECK(seen_argc == -1);
}

static void
distances(void)
{
    CHECK(distance("", "") == 0);
    CHECK(distance("abc", "abc") == 0);
    CHECK(distance("", "abc") == 3 && distance("abc", "") == 3);
    CHECK(distance("kitten", "sitting") == 3);
    CHECK(distance("flaw", "lawn") == 2);
    CHECK(distance("ab", "ba") == 2);
}

static void
unknown(void)
{
    CHECK(says("hlep", "unknown command 'hlep'; did you mean 'help'?\n"));
    CHECK(says("Help me", "unknown command 'Help'; did you mean 'help'?\n"));
    CHECK(says("backtrac", "unknown command 'backtrac'; did you mean "
                           "'backtrace'?\n"));
    CHECK(says("me", "unknown command 'me'; did you mean 'mem'?\n"));
    CHECK(
        says("frobnicate", "unknown command 'frobnicate'; 'help' lists all\n"));
    CHECK(says("q", "unknown command 'q'; 'help' lists all\n"));
    /* Longer than anything it could be compared with. */
    execute("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    CHECK(strstr(fake_out, "'help' lists all") != NULL);
    execute("aaaaaaaaaaaaaaaaaaaaaaa");
    CHECK(strstr(fake_out, "'help' lists all") != NULL);
    execute("aaaaaaaaaaaaaaaaaaaaaaaa");
    CHECK(strstr(fake_out, "'help' lists all") != NULL);
}

static void
help_is_sorted(void)
{
    const char *s;
    char last[32] = "", name[32];
    unsigned n = 0;

    execute("help");
    for (s = fake_out; *s != '\0'; s = strchr(s, '\n') + 1) {
        CHECK(sscanf(s, "%31s", name) == 1);
        CHECK(strcmp(last, name) < 0);
        strcpy(last, name);
        n++;
    }
    CHECK(n == 6); /* backtrace echo help mem pte zz */
    CHECK(strcmp(last, "zz") == 0);
    CHECK(says("help me", "usage: help\n"));
}

static void
numbers(void)
{
    uint64_t v;

    CHECK(monitor_number("0", &v) && v == 0);
    CHECK(monitor_number("0xffffffff80000000", &v) && v == 0xffffffff80000000);
    CHECK(monitor_number("42", &v) && v == 42);
    CHECK(!monitor_number("", &v));
    CHECK(!monitor_number("x", &v));
    CHECK(!monitor_number("4x", &v));
    CHECK(!monitor_number("-1", &v));
    CHECK(!monitor_number("0xg", &v));
}

/* --- the prompt --- */

static const char *const *lines; /* NULL ends the test */
static jmp_buf leave;

/* As tty_read(): a line, or its first N bytes; "^C", "^D" are special. */
static int
read_line(char *buf, size_t n)
{
    static const char *rest;
    size_t len;

    if (rest == NULL) {
        if (*lines == NULL)
            longjmp(leave, 1);
        rest = *lines++;
    }
    if (strcmp(rest, "^C") == 0 || strcmp(rest, "^D") == 0) {
        len = rest[1] == 'C';
        rest = NULL;
        return len != 0 ? -EINTR : 0;
    }
    len = MIN(strlen(rest), n);
    memcpy(buf, rest, len);
    rest = rest[len] == '\0' ? NULL : rest + len;
    return (int)len;
}

static void
loop(const char *const *input)
{
    lines = input;
    fake_out_clear();
    if (setjmp(leave) == 0)
        monitor_loop(read_line);
}

static void
prompt(void)
{
    static const char *const input[] = {
        "echo 1\n", "^C", "\n", "^D", "echo 2", /* ended by Ctrl-D */ NULL};

    loop(input);
    CHECK(strcmp(fake_out,
                 "ucore-sv> ucore-sv> ucore-sv> ucore-sv> \nNothing is behind "
                 "the monitor; 'poweroff' ends it.\nucore-sv> ucore-sv> ") ==
          0);
    CHECK(seen_argc == 2 && strcmp(seen[1], "2") == 0);
}

static void
long_lines(void)
{
    static char text[LINE_MAX * 3];
    const char *input[] = {text, NULL, NULL};

    for (size_t n = LINE_MAX - 6; n < sizeof(text) - 2; n++) {
        memset(text, ' ', n);
        memcpy(text, "zz", 2);
        strcpy(text + n - 2, "zz\n"); /* not to be run by itself */
        seen_argc = -1;
        loop(input);
        CHECK(seen_argc == (n <= LINE_MAX - 2 ? 2 : -1));
        CHECK((strstr(fake_out, "more than 254 characters") != NULL) ==
              (n > LINE_MAX - 2));
    }
    /* One that Ctrl-D ended does not swallow the next. */
    memset(text, 'x', LINE_MAX + 9);
    text[LINE_MAX + 9] = '\0';
    input[1] = "zz 1 2\n";
    loop(input);
    CHECK(seen_argc == 3);
}

/* --- pte and mem --- */

static void
build_tables(void)
{
    memset(memory, 0, sizeof(memory));
    /* Page 1: an Sv39 root.  511 -> page 2 -> page 3; 256 a 1 GiB leaf. */
    memory[1][511] = pte_make(0x2000, PTE_V);
    memory[2][510] = pte_make(0x3000, PTE_V);
    memory[2][509] = pte_make(0x200000, PTE_KERN_RX);
    memory[3][1] = pte_make(0x87654000, PTE_KERN_RW | PTE_SOFT1);
    memory[3][2] = pte_make(0x4000, PTE_V);
    memory[3][3] = pte_make(0x4000, PTE_V | PTE_W);
    memory[3][4] = pte_make(0x4000, PTE_KERN_R) | 1ul << 54;
    memory[2][508] = pte_make(0x201000, PTE_KERN_RW);
    memory[2][507] = pte_make(0x3000, PTE_V | PTE_A);
    memory[1][256] = pte_make(0x40000000, PTE_KERN_RW);
    /* Page 5: an Sv57 root, 511 -> page 6, 511 -> page 1. */
    memory[5][511] = pte_make(0x6000, PTE_V);
    memory[6][511] = pte_make(0x1000, PTE_V);
}

static bool
pte_says(const char *va, const char *part)
{
    char line[64];

    snprintf(line, sizeof(line), "pte %s", va);
    execute(line);
    return strstr(fake_out, part) != NULL;
}

static void
pte_walks(void)
{
    build_tables();
    fake_satp = SATP_MODE_SV39 << SATP_MODE_SHIFT | 1;
    CHECK(pte_says("0xffffffffffc01234", "-> 0x87654234, in a page of 4 KiB"));
    CHECK(strstr(fake_out, "rw--gad, soft bits 2\n") != NULL);
    CHECK(strstr(fake_out, "level 2: table 0x1000 [511] = ") == fake_out);
    CHECK(pte_says("0xffffffffffa00007", "-> 0x200007, in a page of 2048 KiB"));
    CHECK(pte_says("0xffffffc012345678",
                   "-> 0x52345678, in a page of 1048576 KiB"));
    CHECK(pte_says("0x1000", "not valid: 0x1000 is not mapped\n"));
    CHECK(pte_says("0xffffffffffc02000", "a table below the last level"));
    CHECK(pte_says("0xffffffffffc03000", "W without R"));
    CHECK(pte_says("0xffffffffffc04000", "above the page number"));
    CHECK(pte_says("0xffffffffff800000", "not aligned to the span"));
    CHECK(pte_says("0xffffffffff600000", "reserved in a table"));
    fake_satp = SATP_MODE_SV57 << SATP_MODE_SHIFT | 5;
    CHECK(pte_says("0xffffffffffc01234", "-> 0x87654234, in a page of 4 KiB"));
    CHECK(strstr(fake_out, "level 4: table 0x5000 [511] = ") == fake_out);
}

static void
pte_refuses(void)
{
    fake_satp = SATP_MODE_SV39 << SATP_MODE_SHIFT | 1;
    CHECK(says("pte", "usage: pte VA\n"));
    CHECK(says("pte x", "usage: pte VA\n"));
    CHECK(says("pte 1 2", "usage: pte VA\n"));
    CHECK(says("pte 0x4000000000", "0x4000000000 is no Sv39 address: bits "
                                   "63..38 must be equal\n"));
    CHECK(pte_says("0xffffffbfffffffff", "no Sv39 address"));
    CHECK(pte_says("0x3fffffffff", "not valid"));
    fake_satp = SATP_MODE_SV48 << SATP_MODE_SHIFT | 1;
    CHECK(pte_says("0x800000000000", "no Sv48 address: bits 63..47"));
    fake_satp = 0;
    CHECK(says("pte 0", "translation is off\n"));
}

static void
mem(void)
{
    CHECK(says("mem", "pages of 4 KiB: 1000, free: 77\nfree blocks:\n"
                      "         4 KiB x 5\n   1048576 KiB x 2\n"
                      "kmalloc: 3 objects in 4 pages\n"));
    CHECK(says("mem x", "usage: mem\n"));
}

int
main(void)
{
    RUN(words);
    RUN(words_exhaustive);
    RUN(too_many_words);
    RUN(distances);
    RUN(unknown);
    RUN(help_is_sorted);
    RUN(numbers);
    RUN(prompt);
    RUN(long_lines);
    RUN(pte_walks);
    RUN(pte_refuses);
    RUN(mem);
    return test_summary("test_monitor");
}
