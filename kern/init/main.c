/* main.c: the order of boot, which is the table of contents of this kernel.
 *
 * entry.S has mapped the image and calls kern_init() on the boot hart, which
 * knows nothing but its number and where the device tree lies.  Each step below
 * needs only the ones above it. */
#include "arch/riscv/boot.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/probe.h"
#include "arch/riscv/satp.h"
#include "arch/riscv/sbi.h"
#include "debug/panic.h"
#include "debug/printk.h"
#include "debug/trace.h"
#include "driver/event.h"
#include "driver/plic.h"
#include "driver/poweroff.h"
#include "driver/tty.h"
#include "driver/uart.h"
#include "driver/virtio.h"
#include "init/bootargs.h"
#include "init/harts.h"
#include "init/initcall.h"
#include "mm/adprobe.h"
#include "mm/anon.h"
#include "mm/bootmem.h"
#include "mm/fault.h"
#include "mm/kmalloc.h"
#include "mm/kmap.h"
#include "mm/kthread.h"
#include "mm/reclaim.h"
#include "mm/space.h"
#include "mm/swap.h"
#include "mm/tlb.h"
#include "mm/writeback.h"
#include "schedule/sched.h"
#include "schedule/timeout.h"
#include "trap/trap.h"
#include <bootargs.h>
#include <machine.h>
#include <string.h>

#define MIN_RAM (32ul << 20)

/* The boot hart's idle thread, and its stack in entry.S; tp points here from
 * the first instruction with the MMU on. */
struct thread boot_thread = {
    .tcb = {.kstack_top = (uintptr_t)boot_stack_end, .cpu = &cpus[0]},
    .name = "idle",
};

static struct machine machine;
static uint64_t entry_time;
static volatile uint32_t *test_device;

/* The last record says how it ended; where no device can, it is always sent. */
static void
machine_off(int code)
{
    event_bust_lock();
    if (test_device == NULL && !event_wanted())
        event_set_sink(NULL);
    event("exit", "%d", code);
    if (test_device != NULL)
        test_device_exit(test_device, code);
}

/* Map the tree and check it; it stays mapped, machine.bootargs lies in it. */
static void
open_tree(struct fdt *fdt, paddr_t dtb, struct mem_range *tree)
{
    const char *why = "not readable";
    const uint8_t *head = kmap_device(dtb, 8);
    uint32_t size;

    if (head == NULL || !probe_load(ROUND_DOWN((uintptr_t)head, 8ul)) ||
        memcmp(head, "\xd0\x0d\xfe\xed", 4) != 0)
        boot_refuse("no device tree at %#lx (register a1 must point to one)",
                    dtb);
    size = fdt_be32(head + 4);
    if (size > FDT_MAX_SIZE)
        boot_refuse("device tree: %u bytes are more than the %u it may have",
                    size, FDT_MAX_SIZE);
    head = kmap_device(dtb, size);
    if (head == NULL || fdt_open(fdt, head, size, &why) != 0)
        boot_refuse("device tree: %s", why);
    *tree = (struct mem_range){.start = dtb, .size = size};
}

/* What is this machine? */
static void
find_machine(uint64_t hartid, paddr_t dtb, struct mem_range *tree)
{
    static struct fdt fdt;
    char why[160];
    int err;

    power_off_hook = machine_off;
    open_tree(&fdt, dtb, tree);
    err = machine_discover(&machine, &fdt, hartid, why, sizeof(why));
    if (machine.test_base != 0)
        test_device = kmap_device(machine.test_base, 4);
    if (err != 0)
        boot_refuse("device tree: %s", why);
    timebase_hz = machine.timebase_hz;
    if (bootarg_is(machine.bootargs, "uart", "none"))
        machine.uart.kind = UART_NONE;
}

static void
find_console(void)
{
    const struct uart_info *u = &machine.uart;
    void *regs = u->kind == UART_NONE ? NULL : kmap_device(u->base, u->size);

    if (regs != NULL && uart_init(u, regs) == 0)
        console_set(uart_write);
    else
        cprintf("no known uart; the console is the firmware's\n");
}

/* Whoever knows a device takes it; a console, which takes the event records,
 * EARLY. */
static void
find_virtio_devices(bool early)
{
    static void *regs[MACHINE_MAX_VIRTIO]; /* NULL: somebody's already */

    for (unsigned i = 0; i < machine.nvirtio; i++) {
        if (early && machine.virtio[i].size >= VIRTIO_MMIO_SIZE)
            regs[i] =
                kmap_device(machine.virtio[i].base, machine.virtio[i].size);
        TABLE_FOR_EACH (virtio, struct virtio_driver, d) {
            if (regs[i] != NULL && (*d)->early == early &&
                (*d)->probe(regs[i], machine.virtio[i].irq) == 0)
                regs[i] = NULL;
        }
    }
    if (early && bootarg_is(machine.bootargs, "events", "console"))
        event_set_sink(NULL);
}

static unsigned
wanted_levels(void)
{
    if (bootarg_is(machine.bootargs, "mmu", "sv39"))
        return 3;
    return bootarg_is(machine.bootargs, "mmu", "sv48") ? 4 : 5;
}

static void
reserve(paddr_t start, paddr_t end)
{
    if (bootmem_reserve(start, end) != 0)
        boot_refuse("memory: more than %d pieces", PMM_MAX_RANGES);
}

WEAK void
boot_reached(enum boot_part part, const struct machine *m)
{
}

/* Which memory is ours, how we see all of it, and who hands it out. */
static void
start_memory(const struct mem_range *tree)
{
    static struct pmm_range firmware[MACHINE_MAX_RANGES * 2];
    const struct pmm_range *ram, *avail;
    unsigned nram, navail, nfirmware = 0;

    for (unsigned i = 0; i < machine.nmem; i++)
        bootmem_add(machine.mem[i].start,
                    machine.mem[i].start + machine.mem[i].size);
    if (bootmem_total() < MIN_RAM)
        boot_refuse("memory: %lu KiB of RAM, at least %lu KiB are needed",
                    bootmem_total() / 1024, MIN_RAM / 1024);
    for (unsigned i = 0; i < machine.nreserved; i++) {
        struct pmm_range *r = &firmware[nfirmware];

        r->start = machine.reserved[i].start;
        r->end = r->start + machine.reserved[i].size;
        reserve(r->start, r->end);
        /* U-Boot reserves the boot archive, too: that we will look at. */
        if (r->start < PAGE_DOWN(machine.initrd_start) ||
            r->end > PAGE_UP(machine.initrd_end))
            nfirmware++;
    }
    reserve(kernel_pa, va_to_pa(image_end));
    reserve(tree->start, tree->start + tree->size);
    reserve(machine.initrd_start, machine.initrd_end);

    satp_select(wanted_levels());
    if (kmap_init(firmware, nfirmware) != 0)
        boot_refuse("memory: not enough for the page tables");
    nram = bootmem_ram(&ram);
    navail = bootmem_free_ranges(&avail);
    pmm_poison = bootarg_is(machine.bootargs, "debug", "poison");
    pmm_init(ram, nram, avail, navail);
    boot_reached(BOOT_FRAMES, &machine);
    kmalloc_init();
    anon_init();
    swap_init();
}

static unsigned
wanted_harts(void)
{
    char value[BOOTARG_MAX];
    const char *end;

    if (!bootarg_get(machine.bootargs, "harts", value, sizeof(value)))
        return NCPU_MAX;
    return (unsigned)MIN(strtoull_simple(value, &end), NCPU_MAX);
}

static void
choose_swap(const char *name)
{
    const struct swap_manager *sm = swap_manager_find(name, strlen(name));
    char names[64];

    swap_manager_names(names, sizeof(names));
    if (sm == NULL)
        boot_refuse("boot argument \"swap=%s\": none of %s", name, names);
    swap_select(&swap_global, sm);
}

static void
choose_policies(void)
{
    char value[32] = "rr";

    bootarg_get(machine.bootargs, "sched", value, sizeof(value));
    if (sched_select(value) != 0)
        boot_refuse("boot argument \"sched=%s\": no such policy", value);
    strlcpy(value, "clock", sizeof(value));
    bootarg_get(machine.bootargs, "swap", value, sizeof(value));
    choose_swap(value);
    strlcpy(value, sbi_has(SBI_RFENCE) ? "rfence" : "ipi", sizeof(value));
    bootarg_get(machine.bootargs, "tlb", value, sizeof(value));
    if (tlb_select(value) != 0)
        boot_refuse("boot argument \"tlb=%s\": no such method", value);
    trace_enabled = bootarg_is(machine.bootargs, "trace", "on");
    panic_halts = bootarg_is(machine.bootargs, "panic", "halt");
}

static void
uart_handler(void *arg)
{
    uart_interrupt();
}

static void
start_devices(void)
{
    void *regs = NULL;

    if (machine.plic_base != 0)
        regs = kmap_device(machine.plic_base, machine.plic_size);
    plic_init(&machine, regs);
    plic_init_cpu();
    find_virtio_devices(false);
    tty_init();
    if (machine.uart.irq != 0 &&
        plic_register(machine.uart.irq, uart_handler, NULL) == 0)
        uart_start_rx(tty_input);
}

static void
say_hello(unsigned nharts)
{
    cprintf("ucore-sv on %s\n", machine.model);
    cprintf("  %u harts (%u skipped), memory: %lu MiB, %lu MiB free\n", nharts,
            machine.nskipped, bootmem_total() >> 20, nr_free_pages() >> 8);
}

static void
init_thread(void *arg)
{
    event("boot", "entry %lu", entry_time);
    for (unsigned order = 0; order < INIT_ORDERS; order++) {
        TABLE_FOR_EACH (initcall, struct initcall, call) {
            if ((*call)->order == order)
                (*call)->run(&machine);
        }
    }
    cprintf("nothing more to do\n");
}

void
kern_init(uint64_t hartid, paddr_t dtb, uint64_t entered)
{
    struct mem_range tree;

    entry_time = entered;
    ncpu = 1;
    cpus[0].hartid = hartid;
    trap_init_cpu();
    find_machine(hartid, dtb, &tree);
    find_console();
    bootargs_check(machine.bootargs);
    find_virtio_devices(true);
    boot_reached(BOOT_CONSOLE, &machine);
    start_memory(&tree);
    harts_init(&machine, wanted_harts());
    object_start();
    pgdir_init();
    boot_reached(BOOT_TABLES, &machine);
    vmm_init(); /* sizes by the number of harts */
    fault_init();
    space_init();
    choose_policies();
    timer_init_cpu();
    sched_init_cpu(&boot_thread);
    if (ad_probe(&cpus[0]) != 0)
        boot_refuse("memory: not enough for the A/D probe");
    start_devices();
    say_hello(harts_start(bootarg_is(machine.bootargs, "start", "first")
                              ? _start
                              : _start_other));
    flusher_start();
    reclaim_start();
    if (kthread_run("init", init_thread, NULL) != 0)
        boot_refuse("memory: not enough for the first thread");
    sched_idle_loop();
}
