/* test_elf.c: which programs libs/elf64.c refuses, each by its own words. */
#include "driver_fake.h"

#include "libs/elf64.c"

#define SIZE 0x4000ul
#define TOP  0x100000ul

static struct elf_header h;
static struct elf_phdr ph[4];
static struct elf_program prog;

static void
good(void)
{
    h = (struct elf_header){.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                            .type = ELF_ET_EXEC,
                            .machine = ELF_MACHINE,
                            .entry = 0x10040,
                            .phoff = 64,
                            .phentsize = 56,
                            .phnum = 2};
    memset(ph, 0, sizeof(ph));
    ph[0] = (struct elf_phdr){.type = ELF_PT_LOAD,
                              .flags = ELF_PF_R | ELF_PF_X,
                              .vaddr = 0x10000,
                              .filesz = 0x1800,
                              .memsz = 0x1800};
    ph[1] = (struct elf_phdr){.type = ELF_PT_LOAD,
                              .flags = ELF_PF_R | ELF_PF_W,
                              .offset = 0x1800,
                              .vaddr = 0x12800,
                              .filesz = 0x100,
                              .memsz = 0x2000};
}

static bool
says(const char *text)
{
    const char *wrong = elf_check_header(&h, SIZE);

    if (wrong == NULL)
        wrong = elf_describe(&h, ph, SIZE, TOP, &prog);
    good();
    if (text == NULL || wrong == NULL)
        return text == wrong;
    if (strstr(wrong, text) != NULL)
        return true;
    printf("# \"%s\" instead of \"%s\"\n", wrong, text);
    return false;
}

/* FIELD = VALUE in a good program: what is said? */
#define REFUSED(field, value, text) (good(), (field) = (value), says(text))

static void
header_refused(void)
{
    CHECK(elf_check_header(&h, 63) != NULL);
    CHECK(REFUSED(h.ident[0], 0x7e, "no ELF file"));
    CHECK(REFUSED(h.ident[3], 'f', "no ELF file"));
    CHECK(REFUSED(h.ident[4], 1, "not 64 bits"));
    CHECK(REFUSED(h.ident[5], 2, "little endian"));
    CHECK(REFUSED(h.ident[6], 2, "version 1"));
    CHECK(REFUSED(h.machine, 62, "another machine"));
    CHECK(REFUSED(h.type, 1, "no program"));
    CHECK(REFUSED(h.type, 4, "no program"));
    CHECK(REFUSED(h.phentsize, 55, "unknown size"));
    CHECK(REFUSED(h.phnum, 0, "no or too many"));
    CHECK(REFUSED(h.phnum, 65, "no or too many"));
    CHECK(REFUSED(h.phoff, SIZE - 2 * 56 + 1, "beyond the end"));
    CHECK(REFUSED(h.phoff, ~0ul - 10, "beyond the end"));
}

static void
segment_refused(void)
{
    CHECK(REFUSED(ph[1].filesz, 0x2001, "more bytes in the file"));
    CHECK(REFUSED(ph[0].offset, SIZE - 0x1000, "end of the file"));
    CHECK(REFUSED(ph[0].offset, ~0xffful, "end of the file"));
    CHECK(REFUSED(ph[1].offset, 0x1801, "same place of a page"));
    CHECK(REFUSED(ph[1].vaddr, TOP + 0x800, "outside of user memory"));
    CHECK(REFUSED(ph[1].vaddr, 0ul - 0x800, "outside of user memory"));
    CHECK(REFUSED(ph[1].memsz, TOP, "outside of user memory"));
    /* sums that wrap round */
    CHECK(REFUSED(ph[1].memsz, ~0ul, "outside of user memory"));
    CHECK(REFUSED(ph[1].memsz, 0ul - 0x1000, "outside of user memory"));
    CHECK(REFUSED(ph[1].memsz, 0ul - 0x12800, "outside of user memory"));
}

static void
order_refused(void)
{
    CHECK(REFUSED(ph[1].vaddr, 0x11800, "overlap")); /* one page of both */
    CHECK(REFUSED(ph[1].vaddr, 0xf800, "overlap"));
    CHECK(REFUSED(ph[0].type, 0, "no code"));
    good();
    ph[0].type = ph[1].type = 0;
    CHECK(says("no segment"));
    good();
    ph[0].memsz = ph[0].filesz = ph[1].memsz = ph[1].filesz = 0;
    CHECK(says("no segment"));
}

static void
entry_refused(void)
{
    CHECK(REFUSED(h.entry, 0xffff, "no code"));
    CHECK(REFUSED(h.entry, 0x11800, "no code"));
    CHECK(REFUSED(h.entry, 0x12800, "no code")); /* data */
    CHECK(REFUSED(h.entry, ~0ul, "no code"));
    CHECK(REFUSED(h.entry, 0x117ff, NULL));
}

static struct elf_phdr
interp(uint64_t offset, uint64_t size)
{
    return (struct elf_phdr){
        .type = ELF_PT_INTERP, .offset = offset, .filesz = size};
}

static void
interpreter_refused(void)
{
    good();
    h.phnum = 4;
    ph[2] = ph[3] = interp(0x200, 10);
    CHECK(says("two interpreters"));
    for (int i = 0; i < 4; i++) {
        static const uint64_t at[][2] = {
            {0x200, 1}, {0x200, 4097}, {SIZE - 3, 4}, {~0ul, 4}};

        h.phnum = 3;
        ph[2] = interp(at[i][0], at[i][1]);
        CHECK(says("impossible size"));
    }
}

static void
described(void)
{
    good();
    CHECK(says(NULL));
    CHECK(prog.lo == 0x10000 && prog.hi == 0x15000 && prog.brk == 0x14800);
    CHECK(prog.phdrs == 0x10040 && prog.entry == 0x10040 && prog.nload == 2);
    CHECK(!prog.pie && !prog.exec_stack && prog.interp_size == 0);
    h.type = ELF_ET_DYN;
    h.phnum = 4;
    ph[2] = (struct elf_phdr){.type = ELF_PT_GNU_STACK, .flags = 7};
    ph[3] = interp(0x200, 10);
    CHECK(says(NULL));
    CHECK(prog.pie && prog.exec_stack && prog.interp == 0x200 &&
          prog.interp_size == 10);
}

int
main(void)
{
    RUN(header_refused);
    RUN(segment_refused);
    RUN(order_refused);
    RUN(entry_refused);
    RUN(interpreter_refused);
    RUN(described);
    return test_summary("test_elf");
}
