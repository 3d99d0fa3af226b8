/* pager_ram.h: an object for tests, with a "disk" in kernel memory that can be
 * slow, can fail, and counts what it is asked. */
#ifndef LAB_TESTS_KERNEL_PAGER_RAM_H
#define LAB_TESTS_KERNEL_PAGER_RAM_H

#include "mm/object.h"

#define RAM_NONE (~0ul)

struct ram_pager {
    struct vm_object obj;
    void **disk; /* [page lock] what was written; NULL: as at the beginning */
    size_t npages;
    /* Set by tests, when nobody is at work. */
    bool (*hold)(struct page *page); /* page_in waits while it says so */
    uint64_t slow_ms;                /* each page_in takes so long */
    uint64_t slow_mk;                /* each mkwrite, too */
    uint64_t bad_page; /* this page cannot be read: -EIO; RAM_NONE: fine */
    uint64_t
        zero_from;    /* pages from this one on read as zeros, never written */
    unsigned fail_in; /* the n-th page_in from now on fails, once */
    int in_error;     /* with this */
    int mk_error;     /* every mkwrite returns it */
    int out_error;    /* every page_out */
    bool later;       /* runs end in an interrupt, soon */
    unsigned ins, outs, mkwrites; /* [a] pages read; calls */
    unsigned runs;                /* [a] calls of read_run() */
};

/* N pages; refs 1, ends with object_put(&rp->obj).  MKWRITE: its pager wants
 * to be told of writes.  NULL: no memory. */
struct ram_pager *ram_pager_create(size_t n, bool mkwrite);
/* The same, read in runs, with mkwrite; what is begun ends in an interrupt. */
struct ram_pager *ram_pager_runs(size_t n);
/* Word WORD of page INDEX, as long as nobody wrote it. */
uint64_t ram_word(uint64_t index, unsigned word);

/* Write page INDEX back if it is dirty; nobody may write to it after that
 * without a fault.  Returns what page_out() did. => may sleep */
int ram_flush(struct ram_pager *rp, uint64_t index);
/* Unmap it everywhere, write it back, drop it from the cache.  False: it was
 * not cached, or could not be written.  => may sleep */
bool ram_evict(struct ram_pager *rp, uint64_t index);

#endif
