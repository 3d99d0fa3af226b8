/* fuzz_elf.c: damaged programs, by the hundred thousand.
 *
 *     fuzz_elf [COUNT [SEED]]            default 100000 1
 *
 * The seeds are made here: programs of one to four segments, fixed or movable,
 * with and without an interpreter.  Each gets one to four things done to it:
 * bits flipped, a field of a header set to an extreme value or to the sum or
 * difference of others, two headers exchanged, the file cut.  The headers are
 * read from exact copies, so that the address sanitizer sees each byte too many.
 * What is accepted must be mappable without another look:
 *
 *     each segment lies in the file and in user memory, pages included,
 *     they are in order, share no page, and begin as their offsets do,
 *     lo, hi, brk, the entry, the headers and the interpreter are inside.
 *
 * Here the numbers are checked in 128 bits, where nothing wraps. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../libs/elf64.c"
#include "fuzz_uncounted.h"

typedef unsigned __int128 wide;

#define FILE_SIZE 65536ul
#define LIMIT     (1ul << 37)
#define NPH       8

static unsigned long number;
static uint64_t random_state = 1;

static void
claim(bool ok, const char *what)
{
    if (!ok) {
        printf("FAIL fuzz_elf file %lu: %s\n", number, what);
        exit(1);
    }
}

static uint64_t
any(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % below;
}

struct file {
    struct elf_header h;
    struct elf_phdr ph[NPH];
    uint64_t size;
};

static void
make(struct file *f)
{
    uint64_t at = any(2) ? 0x10000 : 0, offset = 0;
    unsigned n = 0, nload = 1 + (unsigned)any(4);

    memset(f, 0, sizeof(*f));
    f->size = FILE_SIZE;
    f->h = (struct elf_header){.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                               .type = at ? ELF_ET_EXEC : ELF_ET_DYN,
                               .machine = ELF_MACHINE,
                               .version = 1,
                               .phoff = sizeof(struct elf_header),
                               .ehsize = sizeof(struct elf_header),
                               .phentsize = sizeof(struct elf_phdr)};
    f->h.entry = at + 0x100;
    if (any(3) == 0)
        f->ph[n++] = (struct elf_phdr){
            .type = ELF_PT_INTERP, .offset = 0x200, .filesz = 20};
    for (unsigned i = 0; i < nload; i++) {
        uint64_t filesz = 0x400 + any(0x2000), memsz = filesz + any(0x8000);

        f->ph[n++] = (struct elf_phdr){.type = ELF_PT_LOAD,
                                       .flags = i == 0 ? 5 : 6,
                                       .offset = offset,
                                       .vaddr = at,
                                       .filesz = filesz,
                                       .memsz = memsz};
        at += ((memsz + PAGE - 1) & ~(PAGE - 1)) + PAGE * any(3);
        offset += 0x3000;
    }
    if (any(2))
        f->ph[n++] = (struct elf_phdr){.type = ELF_PT_GNU_STACK,
                                       .flags = (uint32_t)any(8)};
    f->h.phnum = (uint16_t)n;
}

static uint64_t
extreme(const struct file *f)
{
    static const uint64_t values[] = {
        0,         1,          2,         7,          56,        64,
        PAGE - 1,  PAGE,       PAGE + 1,  LIMIT,      LIMIT - 1, LIMIT - PAGE,
        FILE_SIZE, 0x7fffffff, 1ul << 31, ~0u,        1ul << 63, ~0ul,
        -PAGE,     -PAGE + 1,  -LIMIT,    ~0ul - 255, 1ul << 38, LIMIT + PAGE};
    const struct elf_phdr *p = &f->ph[any(NPH)], *q = &f->ph[any(NPH)];

    switch (any(8)) {
    case 0:
        return p->vaddr + p->memsz - q->vaddr;
    case 1:
        return -p->vaddr;
    case 2:
        return FILE_SIZE - p->offset + any(3) - 1;
    case 3:
        return LIMIT - p->vaddr - any(2 * PAGE);
    default:
        return values[any(sizeof(values) / sizeof(values[0]))];
    }
}

static void
spoil(struct file *f)
{
    uint64_t *field;
    struct elf_phdr t, *p = &f->ph[any(f->h.phnum % NPH + 1)],
                       *q = &f->ph[any(NPH)];

    switch (any(12)) {
    case 0:
        ((uint8_t *)&f->h)[any(sizeof(f->h))] ^= (uint8_t)(1u << any(8));
        break;
    case 1:
        ((uint8_t *)f->ph)[any(sizeof(f->ph))] ^= (uint8_t)(1u << any(8));
        break;
    case 2:
        t = *p;
        *p = *q;
        *q = t;
        break;
    case 3:
        *p = *q;
        break;
    case 4:
        f->size = any(3) ? any(FILE_SIZE) : extreme(f);
        break;
    case 5:
        field = any(2) ? &f->h.entry : &f->h.phoff;
        *field = extreme(f);
        break;
    case 6:
        f->h.phnum = (uint16_t)(any(4) ? any(NPH + 1) : extreme(f));
        break;
    case 7:
        p->type = (uint32_t[]){0, 1, 3, 6, ELF_PT_GNU_STACK}[any(5)];
        break;
    default: /* offset, vaddr, paddr, filesz, memsz, align */
        field = &p->offset + any(6);
        *field = any(4) ? extreme(f) : *field + extreme(f);
        break;
    }
}

static bool
inside(wide lo, wide n, wide from, wide end)
{
    return lo >= from && lo + n <= end;
}

static void
check_segments(const struct file *f, const struct elf_program *p)
{
    wide hi = 0, end = 0, first = 0;
    bool entry = false, phdrs = p->phdrs == 0;
    unsigned n = 0;

    for (unsigned i = 0; i < f->h.phnum; i++) {
        const struct elf_phdr *s = &f->ph[i];
        wide lo = s->vaddr & ~(PAGE - 1);

        if (s->type != ELF_PT_LOAD || s->memsz == 0)
            continue;
        if (n++ == 0)
            first = lo;
        claim(inside(s->offset, s->filesz, 0, f->size), "not in the file");
        claim(s->filesz <= s->memsz, "more in the file");
        claim(s->vaddr % PAGE == s->offset % PAGE, "not congruent");
        claim(lo >= hi || n == 1, "overlap");
        end = (wide)s->vaddr + s->memsz;
        hi = (end + PAGE - 1) & ~(wide)(PAGE - 1);
        claim(hi <= LIMIT, "not in user memory");
        entry |= (s->flags & ELF_PF_X) && p->entry >= s->vaddr &&
                 (wide)p->entry < end;
        phdrs |= inside(p->phdrs, (wide)f->h.phnum * 56, s->vaddr,
                        (wide)s->vaddr + s->filesz);
    }
    claim(n > 0 && n == p->nload, "segments");
    claim(p->lo == first && p->hi == hi && p->brk == end, "lo, hi, brk");
    claim(entry, "entry outside of code");
    claim(phdrs, "headers outside");
}

static bool
try_file(const struct file *f)
{
    size_t n = f->h.phnum * sizeof(struct elf_phdr);
    const char *wrong = elf_check_header(&f->h, f->size);
    struct elf_program p;
    struct elf_phdr *ph;

    if (wrong != NULL)
        return false;
    claim(inside(f->h.phoff, n, 0, f->size), "headers beyond the end");
    ph = calloc(1, n);
    memcpy(ph, f->ph, n < sizeof(f->ph) ? n : sizeof(f->ph));
    wrong = elf_describe(&f->h, ph, f->size, LIMIT, &p);
    free(ph);
    if (wrong != NULL)
        return false;
    claim(f->h.phnum <= ELF_PHNUM_MAX, "too many headers");
    if (f->h.phnum > NPH)
        return true; /* the others were empty */
    check_segments(f, &p);
    if (p.interp_size != 0)
        claim(p.interp_size >= 2 && p.interp_size <= PAGE &&
                  inside(p.interp, p.interp_size, 0, f->size),
              "interpreter");
    return true;
}

int
main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
    unsigned long accepted = 0;

    random_state += argc > 2 ? strtoull(argv[2], NULL, 0) * 2 : 2;
    for (number = 0; number < count; number++) {
        struct file f;
        uint64_t n = any(5);

        make(&f);
        if (n == 0)
            claim(try_file(&f), "a good program is refused");
        while (n-- > 0)
            spoil(&f);
        accepted += try_file(&f);
    }
    printf("fuzz_elf: %lu files, %lu accepted, %lu refused\n", count, accepted,
           count - accepted);
    return 0;
}
