/* bootargs.h: the words on the kernel's command line. */
#ifndef KERN_INIT_BOOTARGS_H
#define KERN_INIT_BOOTARGS_H

/* Check every word of ARGS against the list of known ones; refuses to boot at
 * the first that is unknown or has a bad value. */
void bootargs_check(const char *args);

#endif
