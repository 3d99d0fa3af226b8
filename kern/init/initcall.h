/* initcall.h: what runs in the first thread, after everything is up.
 *
 * A file adds itself with TABLE_ADD(initcall, x); so optional parts and
 * self-tests join in without being named. */
#ifndef KERN_INIT_INITCALL_H
#define KERN_INIT_INITCALL_H

#include <machine.h>
#include <util.h>

enum init_order {
    INIT_EARLY,
    INIT_DISKS, /* disks can be found */
    INIT_TESTS,
    INIT_USER,
    INIT_LAST,
    INIT_ORDERS
};

struct initcall {
    const char *name;
    enum init_order order;
    void (*run)(const struct machine *machine); /* may not return, if last */
};
TABLE_DECLARE(initcall, struct initcall);

/* What the boot hart has, before there are threads. */
enum boot_part {
    BOOT_CONSOLE, /* the tree was read; console and records work */
    BOOT_FRAMES,  /* alloc_pages() */
    BOOT_TABLES,  /* page tables of spaces */
};

/* Called as soon as PART is there.  Does nothing here; may not return. */
void boot_reached(enum boot_part part, const struct machine *machine);

#endif
