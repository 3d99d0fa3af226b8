/* elf64.c: see elf64.h.  Checks come first and once: what passed them can be
 * mapped without another look.
 *
 *     file    |header|phdrs|  text   |  data |
 *     memory     lo [  R X segment  ]...[ R W   |  zeros ] hi
 *                                        filesz   memsz              */
#include <elf64.h>

#include <string.h>

#define PAGE 4096ul

static const uint8_t ident_wanted[7] = {
    0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little endian */,
    1 /* version */};

const char *
elf_check_header(const struct elf_header *h, uint64_t size)
{
    if (size < sizeof(*h))
        return "shorter than an ELF header";
    if (memcmp(h->ident, ident_wanted, 4) != 0)
        return "no ELF file";
    if (memcmp(h->ident, ident_wanted, sizeof(ident_wanted)) != 0)
        return "not 64 bits, little endian, version 1";
    if (h->machine != ELF_MACHINE)
        return "for another machine";
    if (h->type != ELF_ET_EXEC && h->type != ELF_ET_DYN)
        return "no program";
    if (h->phentsize != sizeof(struct elf_phdr))
        return "program headers of unknown size";
    if (h->phnum == 0 || h->phnum > ELF_PHNUM_MAX)
        return "no or too many program headers";
    if (h->phoff > size || size - h->phoff < h->phnum * sizeof(struct elf_phdr))
        return "program headers beyond the end";
    return NULL;
}

/* Are the numbers of a PT_LOAD such that nothing wraps round? */
static const char *
check_segment(const struct elf_phdr *ph, uint64_t size, uint64_t limit)
{
    if (ph->filesz > ph->memsz)
        return "a segment has more bytes in the file than in memory";
    if (ph->offset > size || size - ph->offset < ph->filesz)
        return "a segment lies beyond the end of the file";
    if (ph->vaddr % PAGE != ph->offset % PAGE)
        return "a segment does not begin at the same place of a page";
    if (ph->vaddr >= limit || ph->memsz >= limit ||
        limit - ph->vaddr < ph->memsz + PAGE)
        return "a segment lies outside of user memory";
    return NULL;
}

static const char *
add_segment(struct elf_program *p, const struct elf_header *h,
            const struct elf_phdr *ph)
{
    uint64_t lo = ph->vaddr & ~(PAGE - 1);
    uint64_t end = ph->vaddr + ph->memsz;

    if (p->nload++ == 0)
        p->lo = lo;
    else if (lo < p->hi)
        return "segments overlap or are not in order";
    p->hi = (end + PAGE - 1) & ~(PAGE - 1);
    p->brk = end;
    if (h->phoff >= ph->offset &&
        h->phoff - ph->offset + h->phnum * sizeof(*ph) <= ph->filesz)
        p->phdrs = ph->vaddr + (h->phoff - ph->offset);
    return NULL;
}

static bool
entry_inside(const struct elf_header *h, const struct elf_phdr *ph)
{
    for (unsigned i = 0; i < h->phnum; i++) {
        if (ph[i].type == ELF_PT_LOAD && (ph[i].flags & ELF_PF_X) &&
            h->entry - ph[i].vaddr < ph[i].memsz)
            return true;
    }
    return false;
}

const char *
elf_describe(const struct elf_header *h, const struct elf_phdr *ph,
             uint64_t size, uint64_t limit, struct elf_program *p)
{
    const char *wrong = NULL;

    *p = (struct elf_program){.pie = h->type == ELF_ET_DYN, .entry = h->entry};
    for (unsigned i = 0; i < h->phnum && wrong == NULL; i++) {
        const struct elf_phdr *s = &ph[i];

        if (s->type == ELF_PT_LOAD && s->memsz > 0) {
            wrong = check_segment(s, size, limit);
            if (wrong == NULL)
                wrong = add_segment(p, h, s);
        } else if (s->type == ELF_PT_INTERP) {
            if (p->interp_size != 0)
                return "two interpreters";
            if (s->filesz < 2 || s->filesz > PAGE || s->offset > size ||
                size - s->offset < s->filesz)
                return "an interpreter's name of impossible size";
            p->interp = s->offset;
            p->interp_size = s->filesz;
        } else if (s->type == ELF_PT_GNU_STACK) {
            p->exec_stack = (s->flags & ELF_PF_X) != 0;
        }
    }
    if (wrong != NULL)
        return wrong;
    if (p->nload == 0)
        return "no segment";
    return entry_inside(h, ph) ? NULL : "the entry lies in no code";
}
