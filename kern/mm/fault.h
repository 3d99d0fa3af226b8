/* fault.h: what happens between a page fault and the retry. */
#ifndef KERN_MM_FAULT_H
#define KERN_MM_FAULT_H

#include "mm/vmm.h"

/* Error codes of do_pgfault(): what the access was. */
#define FAULT_READ    VM_READ
#define FAULT_WRITE   VM_WRITE
#define FAULT_EXEC    VM_EXEC
#define FAULT_RIGHTS  (VM_READ | VM_WRITE | VM_EXEC)
#define FAULT_USER    0x10u /* the access came from user mode */
#define FAULT_UNSHARE 0x20u /* own the page, without write (DMA pin) */
#define FAULT_FORCE \
    0x40u /* a debugger: ignore missing rights of private areas */
#define FAULT_KILLABLE \
    0x80u /* who wants the thread to give up (sync/wait.h) ends a wait for a page \
           * that is being read: VM_FAULT_RETRY */

/* Results, bits; what DragonOS calls VmFaultReason and Linux vm_fault_t. */
#define VM_FAULT_OOM       0x0001u
#define VM_FAULT_SIGBUS    0x0002u
#define VM_FAULT_SIGSEGV   0x0004u /* with ACCERR: the area forbids it */
#define VM_FAULT_ACCERR    0x0008u
#define VM_FAULT_MAJOR     0x0010u /* this fault started I/O */
#define VM_FAULT_RETRY     0x0020u /* waited; run it again */
#define VM_FAULT_NOPAGE    0x0040u /* the entry is installed */
#define VM_FAULT_COMPLETED 0x0080u
#define VM_FAULT_DONE_COW  0x0100u
#define VM_FAULT_ERROR     (VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV)

void fault_init(void); /* once, at boot */

/* Set by kern/ext/mm/hint.c: asks, once for each entry that a fault stores where
 * none was, whether it was taken away to see this happen.  => table locked */
extern bool (*hint_hook)(struct mm_struct *mm, uintptr_t va);

/* Serve a fault at ADDR in MM.  Returns 0 or VM_FAULT_ bits; with none of
 * VM_FAULT_ERROR the access may be retried.  => may sleep; no lock held */
unsigned do_pgfault(struct mm_struct *mm, unsigned error_code, uintptr_t addr);

#endif
