/* cpu.c: the table of harts. */
#include "arch/riscv/cpu.h"

struct cpu cpus[NCPU_MAX];
unsigned ncpu;
void (*cpu_wait_hook)(void);
