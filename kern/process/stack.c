/* stack.c: what a program finds on its stack.
 *
 *     high   AT_EXECFN string, environment strings, argument strings
 *            16 random bytes
 *            auxiliary vector: (kind, value) ..., (AT_NULL, 0)
 *            envp[0] ... NULL
 *            argv[0] ... NULL
 *      sp -> argc                                   16-byte aligned
 *
 * System V ABI, RISC-V supplement; the kinds are Linux's (uapi/linux/auxvec.h).
 */
#include "mm/kmalloc.h"
#include "mm/mmap.h"
#include "process/exec.h"
#include "process/random.h"
#include <errno.h>
#include <string.h>

#define STACK_TOP   0x3ffffff000ul
#define STACK_FIRST (32 * PAGE_SIZE) /* mapped at once, beyond the strings */
#define ARGS_MAX    (STACK_LIMIT / 4)
#define HWCAP       0x112dul /* I M A F D C */

enum {
    AT_NULL = 0,
    AT_PHDR = 3,
    AT_PHENT = 4,
    AT_PHNUM = 5,
    AT_PAGESZ = 6,
    AT_BASE = 7,
    AT_FLAGS = 8,
    AT_ENTRY = 9,
    AT_UID = 11,
    AT_EUID = 12,
    AT_GID = 13,
    AT_EGID = 14,
    AT_HWCAP = 16,
    AT_CLKTCK = 17,
    AT_SECURE = 23,
    AT_RANDOM = 25,
    AT_EXECFN = 31,
};

struct build {
    struct mm_struct *mm;
    uint64_t sp;     /* grows down */
    uint64_t done;   /* from here on everything is in the program's memory */
    char *page;      /* ... what is not: the bytes of the page that sp is in */
    uint64_t *words; /* argc, pointers, auxv, on their way */
    size_t n;
    int err;
};

static void
flush(struct build *b)
{
    if (b->err == 0 && b->sp < b->done &&
        mm_access(b->mm, b->sp, b->page + (b->sp & PAGE_MASK), b->done - b->sp,
                  true) != 0)
        b->err = -ENOMEM;
    b->done = b->sp;
}

static void
push(struct build *b, const void *data, size_t n)
{
    while (n > 0) {
        size_t room = ((b->sp - 1) & PAGE_MASK) + 1, len = MIN(n, room);

        n -= len;
        b->sp -= len;
        memcpy(b->page + (b->sp & PAGE_MASK), (const char *)data + n, len);
        if (len == room)
            flush(b);
    }
}

/* Zeros, until N more bytes would end at a multiple of 16. */
static void
align(struct build *b, size_t n)
{
    static const char zeros[16];

    push(b, zeros, (b->sp - n) & 15);
}

static void
word(struct build *b, uint64_t w)
{
    b->words[b->n++] = w;
}

static void
aux(struct build *b, uint64_t kind, uint64_t value)
{
    word(b, kind);
    word(b, value);
}

/* How many strings, and their bytes with ends. */
static size_t
measure(char *const *list, size_t *bytes)
{
    size_t n = 0;

    for (; list[n] != NULL; n++)
        *bytes += strlen(list[n]) + 1;
    return n;
}

static void
push_list(struct build *b, char *const *list)
{
    for (size_t i = 0; list[i] != NULL; i++) {
        push(b, list[i], strlen(list[i]) + 1);
        word(b, b->sp);
    }
    word(b, 0);
}

static void
push_auxv(struct build *b, const struct start *s, uint64_t execfn,
          uint64_t random)
{
    if (s->phdrs != 0)
        aux(b, AT_PHDR, s->phdrs);
    aux(b, AT_PHENT, 56);
    aux(b, AT_PHNUM, s->phnum);
    aux(b, AT_PAGESZ, PAGE_SIZE);
    aux(b, AT_BASE, s->base);
    aux(b, AT_FLAGS, 0);
    aux(b, AT_ENTRY, s->entry);
    aux(b, AT_UID, 0);
    aux(b, AT_EUID, 0);
    aux(b, AT_GID, 0);
    aux(b, AT_EGID, 0);
    aux(b, AT_SECURE, 0);
    aux(b, AT_HWCAP, HWCAP);
    aux(b, AT_CLKTCK, 100);
    aux(b, AT_RANDOM, random);
    aux(b, AT_EXECFN, execfn);
    aux(b, AT_NULL, 0);
}

/* The area: the strings and some more at once, the rest when it is needed. */
static int
map_stack(struct mm_struct *mm, size_t size, bool exec)
{
    long at = do_mmap(
        mm, STACK_TOP - size, size, VM_READ | VM_WRITE | (exec ? VM_EXEC : 0),
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, NULL, 0);

    return at < 0 ? (int)at : 0;
}

static void
fill(struct build *b, const struct exec_args *args, const struct start *s,
     size_t argc)
{
    uint64_t execfn, random[2] = {random64(), random64()}, at;

    push(b, args->filename, strlen(args->filename) + 1);
    execfn = b->sp;
    word(b, argc);
    push_list(b, args->argv);
    push_list(b, args->envp);
    align(b, 0);
    push(b, random, sizeof(random));
    at = b->sp;
    push_auxv(b, s, execfn, at);
    align(b, b->n * sizeof(uint64_t));
    push(b, b->words, b->n * sizeof(uint64_t));
    flush(b);
}

int
exec_stack(struct mm_struct *mm, const struct exec_args *args,
           struct start *start)
{
    size_t bytes = strlen(args->filename) + 1, argc, envc, words;
    struct build b = {.mm = mm, .sp = STACK_TOP, .done = STACK_TOP};

    argc = measure(args->argv, &bytes);
    envc = measure(args->envp, &bytes);
    words = argc + envc + 3 + 2 * 20;
    if (bytes + words * 8 > ARGS_MAX)
        return -E2BIG;
    b.err = map_stack(mm, PAGE_UP(bytes + words * 8) + STACK_FIRST,
                      start->exec_stack);
    b.words = kmalloc(words * 8);
    b.page = kmalloc(PAGE_SIZE);
    if (b.words == NULL || b.page == NULL)
        b.err = -ENOMEM;
    if (b.err == 0)
        fill(&b, args, start, argc);
    kfree(b.words);
    kfree(b.page);
    start->sp = b.sp;
    return b.err;
}
