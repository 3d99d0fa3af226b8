/* bootargs.c: every argument the kernel knows, with its values.
 *
 * A typing error must not boot something else in silence, so an unknown word
 * stops the boot.  Words that boot loaders add are listed, too, and ignored. */
#include "init/bootargs.h"

#include "debug/panic.h"
#include <bootargs.h>

static const struct bootarg_rule known[] = {
    {"mmu", "sv39|sv48|sv57"}, /* widest paging mode to use */
    /* bits of address space numbers, at most */
    {"asid", "0|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16"},
    {"tlb", "*"},                   /* how other harts flush: rfence, ipi */
    {"timer", "sstc|sbi"},          /* how the next interrupt is asked for */
    {"sbi", "0.3|no-dbcn|no-srst"}, /* what the firmware lacks */
    {"uart", "none"},               /* the console is the firmware's */
    {"sched", "*"}, /* scheduling policy; sched_select() checks */
    {"swap", "*"},  /* which pages leave memory; swap_manager_find() */
    {"thp", "madvise|always|never"},
    {"adsim", "0|1"},           /* 1: no hart sets A and D by itself */
    {"harts", "#"},             /* use at most so many */
    {"debug", "poison"},        /* fill freed pages, check them */
    {"trace", "on|off"},        /* record events for panics and the monitor */
    {"panic", "off|halt"},      /* after a panic: power off, or stay */
    {"events", "console|none"}, /* records without a virtio console */
    {"test", "*"},              /* self-tests to run; ktest image only */
    {"steps", "#"},             /* of long random self-tests */
    {"bench", ""},              /* self-benchmarks; ktest image only */
    {"start", "other|first"},   /* where harts begin; first: see entry.S */
    {"init", "*"},              /* the first program */
    {"run", "*"},               /* what it runs, with commas */
    {"root", "*"},              /* the disk that is the root, or archive */
    {"ramdisk", "*"},           /* a disk of so much memory: 64M */
    {"swapspace", "*"},         /* vda2,ram:16M: ext/init/start_swap.c */
    {"mmc", "on|off"},          /* use SD cards */
    {"scnkey", "*"},            /* signs what /dev/scenario sends */
    {"scenario", "*"},          /* LAB,SKIP: run those of the initrd */
    {"seed", "*"},              /* of random self-tests */
    {"rounds", "#"},            /* of races, each; default 64 */
    {"console", "*"},           /* for others: ignored */
    {"earlycon", "*"},
    {"quiet", ""},
};

void
bootargs_check(const char *args)
{
    char why[160];

    if (bootargs_match(args, known, ARRAY_LEN(known), why, sizeof(why)) != 0)
        boot_refuse("%s", why);
}
