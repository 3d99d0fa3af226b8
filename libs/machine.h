/* machine.h: what this machine is, read out of its device tree once.
 *
 * Everything later parts ask ("where is the uart, which harts may I start")
 * is a plain field here.  Discovery follows compatible strings, aliases and
 * phandles, never names or fixed addresses; docs/boards.md lists the trees it
 * is tested on.  */
#ifndef LIBS_MACHINE_H
#define LIBS_MACHINE_H

#include <devicetree.h>

#define MACHINE_MAX_RANGES 16
#define MACHINE_MAX_VIRTIO 16
#define MACHINE_MAX_HARTS  16
#define MACHINE_MAX_NEAR   16
#define MACHINE_MAX_MMC    4

struct mem_range {
    uint64_t start, size;
};

enum uart_kind { UART_NONE, UART_NS16550, UART_DW_APB, UART_SIFIVE };

struct uart_info {
    enum uart_kind kind;
    uint64_t base, size;
    uint32_t reg_shift;    /* register n is at n << reg_shift */
    uint32_t reg_io_width; /* bytes per access: 1 or 4 */
    uint32_t irq;          /* 0: none */
    uint32_t clock_hz;     /* 0: unknown */
};

/* A DesignWare host of SD and MMC cards. */
struct mmc_info {
    uint64_t base, size;
    uint32_t irq;        /* 0: none */
    uint32_t bus_width;  /* data lines: 1, 4 or 8 */
    uint32_t fifo_depth; /* in words, 0: unknown */
    uint32_t clock_hz;   /* of what it divides, 0: unknown */
    bool soldered;       /* what is there is no SD card */
};

struct hart_info {
    uint64_t hartid;
    int plic_context; /* its S-mode context, -1: none */
    bool has_sstc;    /* "sstc" in its ISA string or list */
    uint32_t phandle; /* of its interrupt controller */
    uint32_t node;    /* "numa-node-id", 0: the tree has none */
};

struct machine {
    char model[64]; /* "model", cut, or the first "compatible" */
    unsigned nmem;
    struct mem_range mem[MACHINE_MAX_RANGES]; /* sorted, joined, not 0 */
    unsigned
        nnear; /* memory that has a "numa-node-id"; what is too much, left out */
    struct {
        struct mem_range mem;
        uint32_t node;
    } near[MACHINE_MAX_NEAR];
    unsigned nreserved; /* /memreserve/, /reserved-memory, the initrd not */
    struct mem_range reserved[MACHINE_MAX_RANGES * 2];
    unsigned nharts; /* usable: MMU, FPU, enabled; boards.md has the rules */
    struct hart_info harts[MACHINE_MAX_HARTS];
    unsigned nskipped; /* harts left out: monitor cores, disabled, too many */
    uint32_t timebase_hz;
    struct uart_info uart; /* what stdout-path names, else the first known */
    uint64_t plic_base, plic_size;
    uint32_t plic_ndev;
    unsigned nvirtio;
    struct {
        uint64_t base, size;
        uint32_t irq;
    } virtio[MACHINE_MAX_VIRTIO]; /* by ascending address */
    unsigned nmmc;
    struct mmc_info mmc[MACHINE_MAX_MMC]; /* by ascending address */
    uint64_t test_base;   /* sifive,test0/1: power off with a code; 0: none */
    uint64_t rtc_base;    /* google,goldfish-rtc; 0: none */
    const char *bootargs; /* in the tree; "" if there are none */
    uint64_t initrd_start, initrd_end; /* physical; equal: none */
};

/* Fill *M from the tree of BOOT_HARTID's machine.  Returns 0, or -EINVAL or
 * -ENODEV with WHY (of SIZE bytes) set to one line that says what is missing or
 * wrong; test_base is set if there is one, all the same.  Parts that can be
 * absent (uart, plic, virtio, mmc) are left empty. */
int machine_discover(struct machine *m, const struct fdt *f,
                     uint64_t boot_hartid, char *why, size_t size);

#endif
