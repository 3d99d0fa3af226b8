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

#endif
