/* monitor_debug.c: adds commands about the machine and the kernel as a whole to
 * ext/debug/monitor.c; a first reader may skip it. */
#include "arch/riscv/memlayout.h"
#include "arch/riscv/sbi.h"
#include "debug/backtrace.h"
#include "debug/kstat.h"
#include "debug/panic.h"
#include "debug/printk.h"
#include "debug/trace.h"
#include "ext/debug/monitor.h"
#include <string.h>

#define TRACE_DEFAULT 32

/* From kernel.ld, beside those of memlayout.h. */
extern char data_end[];

static void
print_part(const char *name, const char *start, const char *end)
{
    cprintf("  %-8s %#lx - %#lx  %5lu KiB\n", name, (uintptr_t)start,
            (uintptr_t)end, (unsigned long)(end - start + 1023) / 1024);
}

static void
run_kerninfo(int argc, char **argv)
{
    if (argc != 1) {
        monitor_usage(argv[0]);
        return;
    }
    cprintf("ucore-sv, compiled by gcc " __VERSION__ "\n");
    print_part("text", image_start, text_end);
    print_part("rodata", text_end, rodata_end);
    print_part("data", rodata_end, data_end);
    print_part("bss", data_end, image_end);
    print_part("all", image_start, image_end);
    cprintf("  loaded at physical %#lx\n", kernel_pa);
    cprintf("  Sv%u, direct map at %#lx\n", PAGE_SHIFT + 9 * paging_levels,
            dmap_base);
    cprintf("  %u harts; SBI implementation %ld version %#lx\n", ncpu,
            sbi_call(SBI_BASE, 1, 0, 0, 0, 0).value,
            sbi_call(SBI_BASE, 2, 0, 0, 0, 0).value);
}

static const struct monitor_command kerninfo_command = {
    .name = "kerninfo",
    .args = "",
    .help = "where the kernel is and how large",
    .run = run_kerninfo,
};
TABLE_ADD(monitor, kerninfo_command);

static void
run_backtrace(int argc, char **argv)
{
    if (argc != 1)
        monitor_usage(argv[0]);
    else
        backtrace_here();
}

static const struct monitor_command backtrace_command = {
    .name = "backtrace",
    .args = "",
    .help = "the functions that led here",
    .run = run_backtrace,
};
TABLE_ADD(monitor, backtrace_command);

/* "stat" or "stat NAME"; one counter per line, as the scenarios read them. */
static void
run_stat(int argc, char **argv)
{
    bool found = false;

    if (argc > 2) {
        monitor_usage(argv[0]);
        return;
    }
    for (unsigned i = 0; i < KSTAT_COUNT; i++) {
        if (argc == 2 && strcmp(argv[1], kstat_names[i]) != 0)
            continue;
        cprintf("stat %s %lu\n", kstat_names[i], kstat_read(i));
        found = true;
    }
    if (!found)
        cprintf("there is no counter '%s'\n", argv[1]);
}

static const struct monitor_command stat_command = {
    .name = "stat",
    .args = "[NAME]",
    .help = "all counters, or one",
    .run = run_stat,
};
TABLE_ADD(monitor, stat_command);

static void
run_trace(int argc, char **argv)
{
    uint64_t n = TRACE_DEFAULT;

    if (argc == 2 && strcmp(argv[1], "on") == 0)
        trace_enabled = true;
    else if (argc == 2 && strcmp(argv[1], "off") == 0)
        trace_enabled = false;
    else if (argc > 2 || (argc == 2 && !monitor_number(argv[1], &n)))
        monitor_usage(argv[0]);
    else
        trace_dump((unsigned)MIN(n, UINT32_MAX));
    if (argc == 1 && !trace_enabled)
        cprintf("tracing is off\n");
}

static const struct monitor_command trace_command = {
    .name = "trace",
    .args = "[N|on|off]",
    .help = "the last N events of all harts",
    .run = run_trace,
};
TABLE_ADD(monitor, trace_command);

static void
run_poweroff(int argc, char **argv)
{
    uint64_t code = 0;

    if (argc > 2 ||
        (argc == 2 && (!monitor_number(argv[1], &code) || code > 127)))
        monitor_usage(argv[0]);
    else
        power_off((int)code);
}

static const struct monitor_command poweroff_command = {
    .name = "poweroff",
    .args = "[0..127]",
    .help = "switch the machine off, with an exit code",
    .run = run_poweroff,
};
TABLE_ADD(monitor, poweroff_command);

static void
run_reboot(int argc, char **argv)
{
    if (argc != 1) {
        monitor_usage(argv[0]);
        return;
    }
    sbi_call(SBI_SRST, 0, 1, 0, 0, 0);
    cprintf("the firmware cannot reboot\n");
}

static const struct monitor_command reboot_command = {
    .name = "reboot",
    .args = "",
    .help = "start the machine again",
    .run = run_reboot,
};
TABLE_ADD(monitor, reboot_command);
