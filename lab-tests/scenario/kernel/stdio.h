/* stdio.h: as much of it as the parser of scenarios needs, in the kernel. */
#ifndef LAB_TESTS_SCENARIO_KERNEL_STDIO_H
#define LAB_TESTS_SCENARIO_KERNEL_STDIO_H

#include <printfmt.h>

#endif
