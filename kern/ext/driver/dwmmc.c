/* dwmmc.c: a host of SD cards, Synopsys' DesignWare one; a first reader may skip
 * it.
 *
 *     thread --- command, argument ---> CMD line ---> card
 *            <-- answer, RINTSTS ------
 *     memory <== DMA, by descriptors ==> FIFO <====> data lines
 *
 * A command is a write of CMD with its top bit; that bit goes when the host has
 * taken it, and "command done" comes in RINTSTS when it is answered, or will not
 * be.  With data, "data over" follows when the last block has passed the lines,
 * and the DMA says in IDSTS that memory and FIFO agree; only both together mean
 * that all of it is there.
 *
 * The thread looks at a register until it says what is waited for, or the
 * deadline has come: for a moment without a pause, then it sleeps a
 * millisecond at a time, and the interrupt wakes it early.  INTMASK is written
 * just before it sleeps, and the interrupt is a level; so what came in between
 * raises it at once.  The handler only masks it again.
 *
 * Facts: the register descriptions and "SD/MMC Controller" chapters of Intel's
 * Cyclone V and Agilex Hard Processor System manuals, which have the same host;
 * the device trees of the VisionFive 2.  It has not met hardware yet. */
#include "ext/driver/dwmmc.h"

#include "arch/riscv/mmio.h"
#include "debug/printk.h"
#include "ext/sync/wait_until.h"
#include "schedule/timeout.h"
#include <errno.h>
#include <string.h>

enum {
    CTRL = 0x00,
    PWREN = 0x04,
    CLKDIV = 0x08,
    CLKSRC = 0x0c,
    CLKENA = 0x10,
    TMOUT = 0x14,
    CTYPE = 0x18,
    BLKSIZ = 0x1c,
    BYTCNT = 0x20,
    INTMASK = 0x24,
    CMDARG = 0x28,
    CMD = 0x2c,
    RESP = 0x30, /* four of them */
    RINTSTS = 0x44,
    STATUS = 0x48,
    FIFOTH = 0x4c,
    HCON = 0x70,
    RST_N = 0x78,
    BMOD = 0x80,
    PLDMND = 0x84,
    DBADDR = 0x88,
    IDSTS = 0x8c,
    IDINTEN = 0x90,
    REGS_SIZE = 0x100,
};

#define CTRL_RESETS     0x7u /* host, FIFO, DMA; each goes when it is done */
#define CTRL_INTERRUPTS (1u << 4)
#define CTRL_DMA        (1u << 25) /* the DMA inside the host */
#define CLKENA_ON       1u
#define CMD_ANSWER      (1u << 6)
#define CMD_LONG        (1u << 7)
#define CMD_CHECK       (1u << 8)
#define CMD_DATA        (1u << 9)
#define CMD_WRITE       (1u << 10)
#define CMD_WAIT_DATA   (1u << 13) /* not before the data lines are free */
#define CMD_STOP        (1u << 14)
#define CMD_INIT        (1u << 15)
#define CMD_CLOCK_ONLY  (1u << 21) /* no command: take over CLKDIV, CLKENA */
#define CMD_HOLD        (1u << 29)
#define CMD_START       (1u << 31)
#define STATUS_BUSY     (1u << 9)       /* the card holds its data line */
#define HCON_DMA(v)     ((v) >> 16 & 3) /* 0: the one inside */
#define HCON_64BIT      (1u << 27)
#define BMOD_RESET      1u
#define BMOD_ON         (1u << 7)

#define INT_RESPONSE   (1u << 1) /* its bits are wrong */
#define INT_DONE       (1u << 2)
#define INT_DATA_OVER  (1u << 3)
#define INT_ANSWER_CRC (1u << 6)
#define INT_DATA_CRC   (1u << 7)
#define INT_NO_ANSWER  (1u << 8)
#define INT_NO_DATA    (1u << 9)
#define INT_STARVED    (1u << 10) /* the FIFO was not served */
#define INT_FIFO       (1u << 11) /* it ran over, or under */
#define INT_LOCKED     (1u << 12) /* CMD was written while it was in use */
#define INT_START_BIT  (1u << 13)
#define INT_END_BIT    (1u << 15)
#define ANSWER_BAD     (INT_RESPONSE | INT_ANSWER_CRC | INT_LOCKED)
#define DATA_BAD                                                           \
    (INT_DATA_CRC | INT_NO_DATA | INT_STARVED | INT_FIFO | INT_START_BIT | \
     INT_END_BIT)

#define IDSTS_SENT     (1u << 0)
#define IDSTS_RECEIVED (1u << 1)
#define IDSTS_BAD      (1u << 2 | 1u << 4 | 1u << 5) /* bus, no descriptor, card */

#define DESC_LAST    (1u << 2)
#define DESC_FIRST   (1u << 3)
#define DESC_CHAINED (1u << 4)
#define DESC_OWN     (1u << 31) /* the DMA's */

#define SECTOR        512u
#define IDENTIFY_HZ   400000u
#define CLOCK_ASSUMED 100000000u /* rather too high: then the card gets less */
#define REACH         (1ul << 32)

#define SPIN_US   50  /* without a pause, for what comes at once */
#define TAKEN_MS  50  /* until a command is taken */
#define ANSWER_MS 200 /* until it is answered: 64 clocks are promised */
#define RESET_MS  50
#define DATA_MS   1500
#define DATA_SLOW 256u /* bytes per millisecond that a card has to manage */
#define POWER_MS  20

static uint32_t
get(const struct dwmmc *h, unsigned reg)
{
    return mmio_read32(h->regs + reg);
}

static void
set(const struct dwmmc *h, unsigned reg, uint32_t v)
{
    mmio_write32(h->regs + reg, v);
}

/* --- waiting --- */

static uint64_t
ticks(uint64_t us)
{
    return us * timebase_hz / 1000000 + 1;
}

void
dwmmc_interrupt(void *host)
{
    struct dwmmc *h = host;

    spin_lock(&h->wq.lock);
    set(h, INTMASK, 0);
    wait_wake_all(&h->wq);
    spin_unlock(&h->wq.lock);
}

/* Sleep a little, or until one of the EVENTS of RINTSTS comes. */
static void
nap(struct dwmmc *h, uint32_t events)
{
    spin_lock(&h->wq.lock);
    if (h->interrupts)
        set(h, INTMASK, events);
    wait_sleep_until(&h->wq, time_now() + ticks(1000));
    set(h, INTMASK, 0);
    spin_unlock(&h->wq.lock);
}

/* Until one of the bits MASK of REG is 1 (WANTED), or all of them are 0.  The
 * time is read first: who is kept from running for long is not too late. */
static bool
wait_reg(struct dwmmc *h, unsigned reg, uint32_t mask, bool wanted, uint64_t ms)
{
    uint64_t start = time_now(), now;

    do {
        now = time_now();
        if (((get(h, reg) & mask) != 0) == wanted)
            return true;
        if (now - start > ticks(SPIN_US))
            nap(h, reg == RINTSTS ? mask : 0);
    } while (now - start <= ticks(ms * 1000));
    return false;
}

int
dwmmc_wait_ready(struct dwmmc *h, uint64_t ms)
{
    return wait_reg(h, STATUS, STATUS_BUSY, false, ms) ? 0 : -ETIMEDOUT;
}

/* --- resets, power, clock --- */

static int
start_command(struct dwmmc *h, uint32_t command)
{
    set(h, CMD, CMD_START | command);
    return wait_reg(h, CMD, CMD_START, false, TAKEN_MS) ? 0 : -EIO;
}

int
dwmmc_reset(struct dwmmc *h)
{
    set(h, INTMASK, 0);
    set(h, BMOD, BMOD_RESET);
    set(h, CTRL, CTRL_RESETS);
    if (!wait_reg(h, CTRL, CTRL_RESETS, false, RESET_MS) ||
        !wait_reg(h, BMOD, BMOD_RESET, false, RESET_MS))
        return -EIO;
    set(h, RINTSTS, ~0u);
    set(h, IDSTS, ~0u);
    set(h, IDINTEN, 0); /* RINTSTS tells enough */
    set(h, CTRL, CTRL_INTERRUPTS | CTRL_DMA);
    set(h, BMOD, BMOD_ON);
    /* What was in the host's hands is not any more, and the clock may be off. */
    return start_command(h, CMD_CLOCK_ONLY);
}

/* The divider is changed while the clock is off, and each change is handed to
 * the part of the host that makes the clock. */
int
dwmmc_set_bus(struct dwmmc *h, uint32_t hz, bool four_lines)
{
    uint32_t in = h->info->clock_hz != 0 ? h->info->clock_hz : CLOCK_ASSUMED;
    uint32_t half = in <= hz ? 0 : (in + 2 * hz - 1) / (2 * hz);

    set(h, CLKENA, 0);
    if (start_command(h, CMD_CLOCK_ONLY) != 0)
        return -EIO;
    set(h, CLKDIV, MIN(half, 255u));
    set(h, CLKSRC, 0);
    if (start_command(h, CMD_CLOCK_ONLY) != 0)
        return -EIO;
    set(h, CLKENA, CLKENA_ON);
    if (start_command(h, CMD_CLOCK_ONLY) != 0)
        return -EIO;
    set(h, CTYPE, four_lines);
    h->four_lines = four_lines;
    h->card_hz = half == 0 ? in : in / (2 * MIN(half, 255u));
    return 0;
}

static int
power_on(struct dwmmc *h)
{
    set(h, PWREN, 1);
    sleep_ms(POWER_MS);
    set(h, RST_N, 1);
    if (dwmmc_reset(h) != 0)
        return -EIO;
    set(h, TMOUT, ~0u); /* the longest; our own deadlines are shorter */
    return dwmmc_set_bus(h, IDENTIFY_HZ, false);
}

void
dwmmc_off(struct dwmmc *h)
{
    set(h, INTMASK, 0);
    set(h, CTRL, 0);
    set(h, CLKENA, 0);
    set(h, PWREN, 0);
}

int
dwmmc_power_cycle(struct dwmmc *h)
{
    dwmmc_off(h);
    sleep_ms(POWER_MS);
    return power_on(h);
}

int
dwmmc_init(struct dwmmc *h, const struct mmc_info *info, volatile void *regs,
           struct dwmmc_memory *memory)
{
    uint32_t fifo = info->fifo_depth, hcon;

    *h = (struct dwmmc){.regs = regs, .info = info, .memory = memory};
    wait_init(&h->wq);
    if (info->size < REGS_SIZE)
        return -ENODEV;
    hcon = get(h, HCON);
    if (HCON_DMA(hcon) != 0 || (hcon & HCON_64BIT)) {
        cprintf("mmc: the host at %#lx has another DMA than we know (%#x)\n",
                info->base, hcon);
        return -ENODEV;
    }
    /* Where no tree tells, the register has it from the reset. */
    if (fifo < 4 || fifo > 4096)
        fifo = (get(h, FIFOTH) >> 16 & 0xfff) + 1;
    if (power_on(h) != 0) {
        cprintf("mmc: the host at %#lx does not come out of its reset\n",
                info->base);
        return -EIO;
    }
    /* Half full, half empty, in single transfers of the bus. */
    set(h, FIFOTH, (fifo / 2 - 1) << 16 | fifo / 2);
    return 0;
}

/* --- memory --- */

void
dwmmc_begin(struct dwmmc *h)
{
    h->npieces = h->nfar = 0;
    h->bounced = h->size = 0;
}

/* A piece that the DMA cannot reach gets a place that it can; -1: all taken. */
static int64_t
bounce(struct dwmmc *h, paddr_t pa, uint32_t size, bool write)
{
    uint32_t at = (uint32_t)h->bounced;

    if (at + size > DWMMC_BOUNCE)
        return -1;
    if (write)
        memcpy(h->memory->bounce + at, pa_to_va(pa), size);
    h->far[h->nfar].pa = pa;
    h->far[h->nfar].size = size;
    h->far[h->nfar++].at = at;
    h->bounced += size;
    return (int64_t)va_to_pa(h->memory->bounce + at);
}

size_t
dwmmc_add(struct dwmmc *h, paddr_t pa, size_t size, bool write)
{
    size_t taken = 0;

    while (taken < size && h->npieces < DWMMC_PIECES) {
        uint32_t n = (uint32_t)MIN(size - taken, (size_t)DWMMC_PIECE);
        struct dwmmc_desc *d = &h->memory->desc[h->npieces];
        int64_t at = (int64_t)(pa + taken);

        if (pa + taken + n > REACH || (pa + taken) % 8 != 0)
            at = bounce(h, pa + taken, n, write);
        if (at < 0)
            break;
        *d = (struct dwmmc_desc){.control = DESC_OWN | DESC_CHAINED,
                                 .size = n,
                                 .address = (uint32_t)at,
                                 .next = (uint32_t)va_to_pa(d + 1)};
        h->npieces++;
        taken += n;
    }
    h->size += taken;
    return taken;
}

void
dwmmc_deliver(struct dwmmc *h)
{
    for (unsigned i = 0; i < h->nfar; i++)
        memcpy(pa_to_va(h->far[i].pa), h->memory->bounce + h->far[i].at,
               h->far[i].size);
}

static void
start_dma(struct dwmmc *h)
{
    struct dwmmc_desc *last = &h->memory->desc[h->npieces - 1];

    h->memory->desc[0].control |= DESC_FIRST;
    last->control = (last->control & ~DESC_CHAINED) | DESC_LAST;
    last->next = 0;
    mmio_fence();
    set(h, IDSTS, ~0u);
    set(h, DBADDR, (uint32_t)va_to_pa(h->memory->desc));
    set(h, BLKSIZ, SECTOR);
    set(h, BYTCNT, (uint32_t)h->size);
    set(h, PLDMND, 1);
}

/* --- commands --- */

static uint32_t
command_bits(enum dwmmc_answer answer, unsigned flags)
{
    static const uint32_t answers[] = {
        [ANSWER_NONE] = 0,
        [ANSWER_SHORT] = CMD_ANSWER | CMD_CHECK,
        [ANSWER_BUSY] = CMD_ANSWER | CMD_CHECK,
        [ANSWER_UNCHECKED] = CMD_ANSWER,
        [ANSWER_LONG] = CMD_ANSWER | CMD_CHECK | CMD_LONG,
    };
    uint32_t bits = CMD_HOLD | answers[answer];

    if (flags & (DWMMC_READ | DWMMC_WRITE))
        bits |= CMD_DATA | CMD_WAIT_DATA;
    if (flags & DWMMC_WRITE)
        bits |= CMD_WRITE;
    if (flags & DWMMC_STOP)
        bits |= CMD_STOP;
    if (flags & DWMMC_FIRST)
        bits |= CMD_INIT;
    return bits;
}

static int
take_answer(struct dwmmc *h, enum dwmmc_answer answer)
{
    uint32_t events;

    if (!wait_reg(h, RINTSTS, INT_DONE | INT_LOCKED, true, ANSWER_MS))
        return -EIO;
    events = get(h, RINTSTS);
    if (events & ANSWER_BAD)
        return -EIO;
    if (events & INT_NO_ANSWER)
        return -ETIMEDOUT;
    for (unsigned i = 0; i < (answer == ANSWER_LONG ? 4 : 1); i++)
        h->answer[i] = get(h, RESP + 4 * i);
    return 0;
}

/* The lines are through, then the DMA is; an error of either ends it. */
static int
take_data(struct dwmmc *h, bool write)
{
    uint32_t over = write ? IDSTS_SENT : IDSTS_RECEIVED;
    uint64_t ms = DATA_MS + h->size / DATA_SLOW;

    if (!wait_reg(h, RINTSTS, INT_DATA_OVER | DATA_BAD, true, ms) ||
        !(get(h, RINTSTS) & INT_DATA_OVER) ||
        !wait_reg(h, IDSTS, over | IDSTS_BAD, true, ANSWER_MS))
        return -EIO;
    mmio_fence();
    /* An error may have come in the same moment, or in between. */
    if ((get(h, RINTSTS) & DATA_BAD) || (get(h, IDSTS) & IDSTS_BAD))
        return -EIO;
    return 0;
}

int
dwmmc_command(struct dwmmc *h, unsigned index, uint32_t arg,
              enum dwmmc_answer answer, unsigned flags)
{
    bool data = flags & (DWMMC_READ | DWMMC_WRITE);
    int err;

    set(h, RINTSTS, ~0u);
    if (data)
        start_dma(h);
    set(h, CMDARG, arg);
    if (start_command(h, index | command_bits(answer, flags)) != 0)
        return -EIO;
    err = take_answer(h, answer);
    if (err == 0 && data)
        err = take_data(h, flags & DWMMC_WRITE);
    return err;
}
