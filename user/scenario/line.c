/* line.c: scenarios on a board that has nothing but a serial line.
 *
 *     tools/grade_board.py            console              here
 *        "key K"            ------------------------->  records are signed with K
 *                           <----- record 0 "hello" ---
 *        "run 1 7 lab4/x"   ------------------------->  runs it, with seed 7
 *                           <----- records ------------  (a line may lose some)
 *                           <----- "over 1" -----------
 *        "again 3"          ------------------------->  number 3 is sent again
 *
 * Each order ends with its checksum and a line feed; what is damaged is ignored, and
 * who gave it repeats it: all of them may come twice.  Nothing here waits for a
 * clock. */
#include "../../kern/ext/init/scenario.h"
#include "scenario.h"
#include <fcntl.h>
#include <frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TCGETS  0x5401l
#define TCSETSF 0x5404l
#define INPUT   0572u    /* BRKINT INPCK ISTRIP INLCR IGNCR ICRNL */
#define LOCAL   0100113u /* ISIG ICANON ECHO ECHONL IEXTEN */

struct termios { /* the kernel's */
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[19];
};
enum { VTIME = 5, VMIN = 6 };

static bool on, muted;
static uint64_t first, next; /* numbers of the records in KEPT, one by one */
static char kept[96 << 10];  /* each with its NUL */
static size_t used;          /* bytes; what does not fit is lost */
static unsigned long run_number; /* the last one */
static bool have_key;

/* --- records --- */

bool
line_keep(const char *record)
{
    size_t n = strlen(record) + 1;

    if (muted || !on)
        return !muted;
    next++;
    if (used + n <= sizeof(kept)) {
        memcpy(kept + used, record, n);
        used += n;
    }
    return true;
}

static void
forget(void)
{
    first = next;
    used = 0;
}

static void
send_again(uint64_t number)
{
    const char *p = kept;

    if (number < first || number >= next)
        return;
    for (uint64_t i = first; i < number && p < kept + used; i++)
        p += strlen(p) + 1;
    on = false;
    ask(SCN_NUMBER, &number);
    report(p < kept + used ? p : "lost");
    ask(SCN_NUMBER, &next);
    on = true;
}

/* --- orders --- */

static void
take_key(const char *text)
{
    uint64_t key[2] = {0};

    for (unsigned i = 0; i < 32 && text[i] != 0; i++) {
        unsigned c = (unsigned char)text[i];

        key[i / 16] =
            key[i / 16] << 4 | (c <= '9' ? c - '0' : (c - 'a' + 10) & 15);
    }
    if (ask(SCN_CONSOLE, key) != 0) {
        printf("scenario: this boot has a key of its own\n");
        exit(1);
    }
    on = have_key = true;
    next = 0;
    run_number = 0;
    forget();
    report("hello");
}

/* The text of a scenario that is not the host's proves nothing of the host's. */
static void
report_file(const char *name)
{
    static char block[4096];
    char text[120];
    uint32_t crc = 0;
    int fd;
    ssize_t n;

    snprintf(text, sizeof(text), "/scn/%s.scn", name);
    fd = open(text, O_RDONLY);
    while (fd >= 0 && (n = read(fd, block, sizeof(block))) > 0)
        crc = crc32_more(crc, block, (size_t)n);
    snprintf(text, sizeof(text), "file %08x", fd < 0 ? 0 : crc);
    if (fd >= 0)
        close(fd);
    report(text);
}

static void
take_run(char *args)
{
    char *rest = args, over[32];
    unsigned long number = strtoul(strtok_r(args, " ", &rest), NULL, 10);
    char *seed = strtok_r(NULL, " ", &rest);
    char *name = strtok_r(NULL, " ", &rest);

    if (name == NULL)
        return;
    if (number == run_number) {
        send_again(next - 1);
        return;
    }
    run_number = number;
    forget();
    report_file(name);
    run_file(name, strtoul(seed, NULL, 10));
    snprintf(over, sizeof(over), "over %lu", number);
    report(over);
}

/* False: that was all. */
static bool
take(char *order)
{
    char *check = strrchr(order, ' ');

    if (check == NULL ||
        crc32(order, (size_t)(check - order)) != strtoul(check + 1, NULL, 16))
        return true;
    *check = 0;
    if (strncmp(order, "key ", 4) == 0)
        take_key(order + 4);
    else if (have_key && strncmp(order, "run ", 4) == 0)
        take_run(order + 4);
    else if (have_key && strncmp(order, "again ", 6) == 0)
        send_again(strtoul(order + 6, NULL, 10));
    return strcmp(order, "quit") != 0;
}

/* Read orders, byte by byte as they are typed. */
static void
listen(void)
{
    static char line[160], bytes[64];
    size_t n = 0;
    ssize_t got;

    while ((got = read(0, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] != '\n') {
                line[n] = bytes[i];
                n = n + 1 < sizeof(line) ? n + 1 : 0;
                continue;
            }
            line[n] = 0;
            n = 0;
            if (!take(line))
                return;
        }
    }
}

/* The program may lie on a disk.  Who shares a page of its text is written down in
 * blocks that the page keeps, and much else comes with the first use: so the first
 * scenario is a rehearsal, with as many processes as there will ever be, and nobody
 * hears of it.  Memory is thrown out once, too: who comes back maps more of the text
 * than who goes on.  What is lost once more in the next one is lost. */
static void
rehearse(void)
{
    static const char text[] = "title t\npoints 1\nhint h\n"
                               "boot swapspace=ram:1M\n"
                               "map A 2p anon private rw\n"
                               "file f 2p = pat(1)\n"
                               "fork B\nB: fork C\nC: fork D\nD: fork E\n"
                               "E: fork F\nF: fork G\nG: fork H\n"
                               "write A = pat(1)\nreclaim 100000\n"
                               "read A == pat(1)\nB: load A[0]\n"
                               "C: load A[0]\nD: load A[0]\n"
                               "E: store A[1] = 1\nF: load A[0]\n"
                               "H: write A[0] = code(1)\n"
                               "H: die fetch A[0]\nG: exit 0\n";

    muted = true;
    run_text("rehearsal", text, sizeof(text) - 1, 1);
    muted = false;
}

int
line_main(void)
{
    struct termios old, raw;

    if (ask(SCN_BEGIN, NULL) != 0 ||
        syscall(29, 0l, TCGETS, &old, 0l, 0l, 0l) < 0) {
        fprintf(stderr, "scenario: needs a console and /dev/scenario\n");
        return 1;
    }
    raw = old;
    raw.iflag &= ~INPUT;
    raw.lflag &= ~LOCAL;
    raw.cc[VMIN] = 1;
    raw.cc[VTIME] = 0;
    syscall(29, 0l, TCSETSF, &raw, 0l, 0l, 0l);
    printf("scenario: takes orders on this line\n");
    fflush(stdout);
    rehearse();
    listen();
    syscall(29, 0l, TCSETSF, &old, 0l, 0l, 0l);
    return 0;
}
