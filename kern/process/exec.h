/* exec.h: shared by exec.c and stack.c. */
#ifndef KERN_PROCESS_EXEC_H
#define KERN_PROCESS_EXEC_H

#include "process/proc.h"

/* How a program begins. */
struct start {
    uint64_t entry, phdrs, base; /* AT_ENTRY, AT_PHDR, AT_BASE */
    unsigned phnum;
    bool exec_stack;
    uint64_t pc, sp;
};

/* Make the stack of a new program in MM, with arguments, environment and
 * auxiliary vector; sets START->sp.  -E2BIG, -ENOMEM */
int exec_stack(struct mm_struct *mm, const struct exec_args *args,
               struct start *start);

/* Read and check the program, and build its space, *MM, for a task of P: users
 * 1.  What is wrong as do_execve() says; nothing of P changes. */
int load_icode(struct process *p, const struct exec_args *args,
               struct mm_struct **mm, struct start *start);

#endif
