/* pressure.h: programs that use more memory than there is.
 *
 *     each process has SIZE bytes that it looks at and writes to at random; now and
 *     then it forks, and its child looks at what was there then, while parent and
 *     child write to it
 *
 * Every page says which it is, whose, and how often it was written; that is kept
 * apart, in an array of numbers, and compared at its first, middle and last word. */
#ifndef LAB_TESTS_USER_PRESSURE_H
#define LAB_TESTS_USER_PRESSURE_H

#include "utest.h"

#define PRESSURE_PROCS 8u
#define PRESSURE_SIZE  (24ul << 20)

/* Start them, for ROUNDS thousands of accesses each (0: until they are killed).
 * Those that find something wrong exit with 1. */
void pressure_start(pid_t pid[PRESSURE_PROCS], size_t size, unsigned rounds);

#endif
