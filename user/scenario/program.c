/* program.c: programs that a scenario makes, and runs to see how often they fault.
 *
 *     program P 10000 5000 9000     text, data, bss: bytes
 *
 *     file      | head, code, table | text ... | data ...|
 *               0                 4096       10000     15000
 *     memory    | head, code, table | text ... |data|    r-x, from TEXT on
 *                                         |text| data ...|0000   rw-, from DATA on
 *                                                        |0000 ... bss
 *
 * As linkers do it, data lies in memory as far into its page as in the file, so one
 * page of the file is shown twice, and bss begins in the last page of data.  All the
 * program does is one access after the other, as the table says, which is written
 * before each run; it has no stack, and ends with the sum of the bytes it loaded. */
#include "scenario.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT  0x10000ul
#define DATA  0x400000ul
#define CODE  0x200 /* in the file */
#define TABLE 0x400
#define WAIT4 260
#define FLT   8 /* words of struct rusage: faults without and with a disk */

extern const char program_code[], program_code_end[];
__asm__(".section .rodata\n"
        ".option push\n"
        ".option norvc\n"
        "program_code:\n"
        "    lui  s0, 0x10\n"
        "    addi s0, s0, 0x400\n" /* TEXT + TABLE */
        "    li   a0, 0\n"
        "1:  ld   t0, 0(s0)\n"
        "    lbu  t1, 8(s0)\n"
        "    addi s0, s0, 16\n"
        "    beqz t0, 3f\n"
        "    bnez t1, 2f\n"
        "    lbu  t2, 0(t0)\n"
        "    add  a0, a0, t2\n"
        "    j    1b\n"
        "2:  sb   t1, 0(t0)\n"
        "    j    1b\n"
        "3:  andi a0, a0, 127\n"
        "    li   a7, 93\n"
        "    ecall\n"
        "program_code_end:\n"
        ".option pop\n"
        ".text\n");

struct head {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t size, phsize, phnum, shsize, shnum, names;
    struct part {
        uint32_t type, flags;
        uint64_t offset, vaddr, paddr, filesz, memsz, align;
    } part[2];
};

static char page[SCN_PAGE] __attribute__((aligned(SCN_PAGE)));

static uint64_t
data_at(const struct scn_step *p)
{
    return DATA + p->value % SCN_PAGE;
}

static void
fill_first(const struct scn_step *p)
{
    const struct head h = {
        .ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
        .type = 2,
        .machine = 243,
        .version = 1,
        .entry = TEXT + CODE,
        .phoff = offsetof(struct head, part),
        .size = offsetof(struct head, part),
        .phsize = sizeof(struct part),
        .phnum = 2,
        .part = {{1, 5, 0, TEXT, TEXT, p->value, p->value, SCN_PAGE},
                 {1, 6, p->value, data_at(p), data_at(p), p->at,
                  p->at + p->last, SCN_PAGE}}};

    memset(page, 0, sizeof(page));
    memcpy(page, &h, sizeof(h));
    memcpy(page + CODE, program_code,
           (size_t)(program_code_end - program_code));
}

static uint8_t
byte_at(uint64_t in_file)
{
    return scn_byte(SCN_PAT, 1, (uint32_t)(in_file / SCN_PAGE),
                    (uint32_t)(in_file % SCN_PAGE));
}

static int
make(const struct scn_step *p)
{
    uint64_t end = p->value + p->at;
    char path[64];
    int fd;

    step_path(p->file, path);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0755);
    fill_first(p);
    for (uint64_t at = 0; fd >= 0 && at < end; at += SCN_PAGE) {
        size_t n = end - at < SCN_PAGE ? (size_t)(end - at) : SCN_PAGE;

        for (uint32_t i = 0; at > 0 && i < n; i++)
            page[i] = (char)byte_at(at + i);
        if (write(fd, page, n) != (ssize_t)n)
            return -1;
    }
    if (fd >= 0)
        *step_file(p->file) = fd + 1;
    return fd;
}

/* Put what RUN wants into the table.  What the program will end with. */
static unsigned
plan(const struct scn_step *p, const struct scn_step *run)
{
    uint64_t stored[SCN_TOUCHES], table[2 * SCN_TOUCHES + 1] = {0}, end = p->at;
    unsigned sum = 0, nstored = 0;

    for (unsigned i = 0; i < run->first; i++) {
        uint64_t to = scn_touch_at(run, i), k;
        unsigned kind = scn_touch_kind(run, i);

        table[2 * i] = kind == SCN_TEXT_BYTE ? TEXT + to : data_at(p) + to;
        table[2 * i + 1] = kind == SCN_STORE_BYTE;
        for (k = 0; k < nstored && stored[k] != to; k++)
            ;
        if (kind == SCN_TEXT_BYTE)
            sum += byte_at(to);
        else if (kind == SCN_STORE_BYTE)
            stored[nstored++] = to;
        else
            sum += k < nstored ? 1 : to < end ? byte_at(p->value + to) : 0;
    }
    memcpy(page + TABLE, table, sizeof(table));
    return sum & 127;
}

/* How often the program faulted, from its first page on; its own words, and its
 * memory's. */
static void
run(const struct scn_step *p, const struct scn_step *st, struct reply *r)
{
    static char path[64];
    static char *args[] = {path, NULL}, *none[] = {NULL};
    unsigned sum;
    int64_t usage[18] = {0};
    int status = 0, fd = *step_file(p->file) - 1;
    pid_t pid;

    step_path(p->file, path);
    fill_first(p);
    sum = plan(p, st);
    if (lseek(fd, 0, SEEK_SET) != 0 ||
        write(fd, page, sizeof(page)) != sizeof(page) || (pid = vfork()) < 0) {
        r->kind = REPLY_ERROR;
        r->number = errno;
        return;
    }
    if (pid == 0) {
        execve(path, args, none);
        _exit(255);
    }
    syscall(WAIT4, pid, &status, 0, usage);
    r->kind = REPLY_VALUE;
    r->value = (uint64_t)(usage[FLT] + usage[FLT + 1]);
    if (status != (int)(sum << 8)) {
        r->kind = REPLY_ERROR;
        r->number = EIO;
    }
}

bool
step_program(const struct scn_step *st, struct reply *r)
{
    const struct scn_step *p = scn.steps;

    if (st->op == SCN_PROGRAM) {
        if (make(st) < 0) {
            r->kind = REPLY_ERROR;
            r->number = errno;
        }
        return true;
    }
    if (st->op != SCN_EXECUTE)
        return false;
    while (p < st && !(p->op == SCN_PROGRAM && p->file == st->file))
        p++;
    run(p, st, r);
    return true;
}
