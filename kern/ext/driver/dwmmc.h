/* dwmmc.h: adds a host of SD cards, Synopsys' DesignWare one; a first reader may
 * skip it.  One command at a time, with or without data, and a way back when
 * one goes wrong.  What a card wants to hear is sdcard.c's business.
 *
 * Everything here is for the one thread that serves the card; it may sleep, and
 * holds no lock.  Nothing waits longer than it says. */
#ifndef KERN_EXT_DRIVER_DWMMC_H
#define KERN_EXT_DRIVER_DWMMC_H

#include "arch/riscv/memlayout.h"
#include "sync/wait.h"
#include <machine.h>

#define DWMMC_PIECES 64                /* of memory, in one transfer */
#define DWMMC_PIECE  4096u             /* bytes of one */
#define DWMMC_BOUNCE (8 * DWMMC_PIECE) /* bytes that the host cannot reach */

/* What the host's DMA reads by itself: one piece of memory. */
struct dwmmc_desc {
    uint32_t control, size, address, next;
};

/* => all of it below 4 GiB, physically contiguous, aligned to a page */
struct dwmmc_memory {
    char bounce[DWMMC_BOUNCE];
    struct dwmmc_desc desc[DWMMC_PIECES];
};

struct dwmmc {
    volatile uint8_t *regs;
    const struct mmc_info *info;
    struct dwmmc_memory *memory;
    bool interrupts; /* dwmmc_interrupt() is called */
    bool four_lines;
    uint32_t card_hz;
    uint32_t
        answer[4]; /* of the last command that was answered; [0]: its last 32
                         * bits */
    struct wait_queue wq; /* the thread, while it waits for the host */

    /* The transfer that is put together. */
    unsigned npieces;
    size_t bounced; /* bytes of memory->bounce in use */
    size_t size;    /* bytes */
    struct {
        paddr_t pa;
        uint32_t size, at; /* at: in bounce */
    } far[DWMMC_PIECES];   /* what is copied */
    unsigned nfar;
};

/* How a command is answered. */
enum dwmmc_answer {
    ANSWER_NONE,
    ANSWER_SHORT,     /* R1, R6, R7 */
    ANSWER_BUSY,      /* R1b: the card may hold the line for a while */
    ANSWER_UNCHECKED, /* R3: no check sum */
    ANSWER_LONG,      /* R2 */
};

enum dwmmc_flags {
    DWMMC_READ = 1,
    DWMMC_WRITE = 2, /* with what was put together by dwmmc_add() */
    DWMMC_STOP = 4,  /* ends a transfer; does not wait for one */
    DWMMC_FIRST = 8, /* after the power came: 80 clocks before it */
};

/* Take over the host that INFO describes, whose registers are at REGS, with
 * power, at 400 kHz, on one line.  MEMORY is used from now on.  Returns -ENODEV
 * if it is none that we can drive, -EIO if it does not answer, and says so. */
MUST_CHECK int dwmmc_init(struct dwmmc *h, const struct mmc_info *info,
                          volatile void *regs, struct dwmmc_memory *memory);
/* The same for a host that was in use: the power goes off and on. */
MUST_CHECK int dwmmc_power_cycle(struct dwmmc *h);
/* Divide the clock down to at most HZ; how many lines carry data. */
MUST_CHECK int dwmmc_set_bus(struct dwmmc *h, uint32_t hz, bool four_lines);

/* Send command INDEX.  Returns 0 with h->answer set, -ETIMEDOUT if no answer
 * came, -EIO for anything else that is wrong; after an error of a command with
 * data dwmmc_reset() must follow before memory is touched. */
MUST_CHECK int dwmmc_command(struct dwmmc *h, unsigned index, uint32_t arg,
                             enum dwmmc_answer answer, unsigned flags);
/* Wait until the card lets go of its line.  -ETIMEDOUT after MS milliseconds. */
MUST_CHECK int dwmmc_wait_ready(struct dwmmc *h, uint64_t ms);
/* Stop whatever goes on.  -EIO: the host does not even do that. */
MUST_CHECK int dwmmc_reset(struct dwmmc *h);
/* The power goes off, for good. */
void dwmmc_off(struct dwmmc *h);

/* Put a transfer together: begin; then add pieces, SIZE bytes at PA each, a
 * multiple of 4, until it returns how many bytes it took: fewer, there is no
 * more room. */
void dwmmc_begin(struct dwmmc *h);
size_t dwmmc_add(struct dwmmc *h, paddr_t pa, size_t size, bool write);
/* A read has succeeded: what lies out of reach is copied there. */
void dwmmc_deliver(struct dwmmc *h);

/* The host raises its interrupt.  => interrupt context, no lock held */
void dwmmc_interrupt(void *host);

#endif
