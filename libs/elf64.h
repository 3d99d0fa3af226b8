/* elf64.h: an ELF64 program for RISC-V, checked and described.
 *
 * Nothing here reads a file or memory of its own: the caller brings the header
 * and the program headers, and gets back what to map.  Every number from the
 * file is checked before it is used.
 *
 * System V ABI, chapters 4 and 5; RISC-V ELF psABI specification. */
#ifndef LIBS_ELF64_H
#define LIBS_ELF64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_header { /* Elf64_Ehdr */
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr { /* Elf64_Phdr */
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

#define ELF_ET_EXEC      2
#define ELF_ET_DYN       3
#define ELF_MACHINE      243
#define ELF_PT_LOAD      1
#define ELF_PT_INTERP    3
#define ELF_PT_PHDR      6
#define ELF_PT_GNU_STACK 0x6474e551u
#define ELF_PF_X         1u
#define ELF_PF_W         2u
#define ELF_PF_R         4u

#define ELF_PHNUM_MAX 64

/* What a program asks for.  Addresses are as in the file: add the bias. */
struct elf_program {
    bool pie;                     /* may lie anywhere */
    bool exec_stack;              /* asks for an executable stack */
    uint64_t entry, phdrs;        /* phdrs 0: not in any segment */
    uint64_t lo, hi;              /* all segments, page boundaries */
    uint64_t brk;                 /* end of the highest segment, exact */
    uint64_t interp, interp_size; /* offset of the name in the file; size 0 */
    unsigned nload;
};

/* Is H the header of a program we can run, in a file of SIZE bytes?  NULL: yes;
 * else what is wrong. */
const char *elf_check_header(const struct elf_header *h, uint64_t size);

/* Describe the program with N headers PH; user addresses lie below LIMIT (for
 * a pie: its length).  NULL: fine; else what is wrong: a segment that overlaps
 * or is not in order, wraps round, lies beyond the file, is not congruent with
 * its offset; two interpreters; no segment; an entry outside of all. */
const char *elf_describe(const struct elf_header *h, const struct elf_phdr *ph,
                         uint64_t size, uint64_t limit, struct elf_program *p);

#endif
