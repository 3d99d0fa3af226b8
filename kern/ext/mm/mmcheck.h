/* mmcheck.h: is everything true that address spaces say about themselves?  Adds
 * to mm/vmm.h, for the monitor and the tests; a first reader may skip it. */
#ifndef KERN_EXT_MM_MMCHECK_H
#define KERN_EXT_MM_MMCHECK_H

/* Walk all spaces and check that areas, tables, layers, objects, the reverse
 * map and all counts agree.  Prints one line per complaint, which begins with
 * "mmcheck: ", and returns how many there are.  docs/design/mm.md lists what is
 * checked.
 * => exact when nobody is at work in any space; may sleep: closes the gates of
 *    all spaces one by one */
unsigned mmcheck(void);
/* The same, but SAY gets the lines. */
unsigned mmcheck_report(void (*say)(const char *line));

#endif
