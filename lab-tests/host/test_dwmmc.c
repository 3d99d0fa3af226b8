/* test_dwmmc.c: the driver of SD cards against a host and a card made of code,
 * register by register.
 *
 * The model insists on the order of the protocol: power and clock before a
 * command, slow before it is identified, states of the card, as many lines on
 * both sides, descriptors that add up.  On demand anything goes wrong: answers
 * and data with wrong sums, none at all, status bits, the FIFO, the DMA, a host
 * that does not take commands or does not come out of its reset, a card that is
 * busy for ever, is pulled, or exchanged.  While a write fails, the card
 * takes some of it and garbage.
 *
 * After each operation contents are compared: what was reported as written is
 * there, what was read is right, what failed was reported; the DMA does not run on
 * into memory that was given back; and virtual time has a bound. */
#define KERN_SYNC_WAIT_UNTIL_H
#include "driver_fake.h"

int wait_sleep_until(struct wait_queue *wq, uint64_t deadline);

#include "kern/driver/blk.c"
#include "kern/ext/driver/dwmmc.c"
#undef SECTOR
#include "kern/ext/driver/sdcard.c"
#include <sys/mman.h>

#define SECTORS 8192u
#define REGS    0x100

uint64_t timebase_hz = 1000000;

void
timeout_arm(struct timeout *t, uint64_t deadline,
            void (*fire)(struct timeout *))
{
    CHECK(!"the block layer does not watch a card");
}

void
sleep_ms(uint64_t ms)
{
    fake_time += ms * 1000;
}

int
wait_sleep_until(struct wait_queue *wq, uint64_t deadline)
{
    fake_time = MAX(fake_time, deadline);
    return -ETIMEDOUT;
}

static uint64_t seed;

static unsigned
random_below(unsigned n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % n;
}

/* --- the card --- */

enum state { IDLE, READY, IDENT, STANDBY, TRAN, DATA, RCV, PRG, OFF = 15 };

static uint8_t contents[SECTORS * SECTOR_SIZE];

static struct {
    bool present, old, pending_app, four, stuck; /* old: version 1 */
    enum state state;
    uint32_t id, rca, status;
    unsigned wake_ups;
    uint64_t busy_until;
} card;

/* --- the host, and what goes wrong --- */

enum fault {
    F_NONE,
    F_NO_ANSWER,
    F_ANSWER_CRC,
    F_RESPONSE,
    F_LOCKED,
    F_STATUS,    /* an error bit in the answer */
    F_STATE,     /* a wrong state in the answer */
    F_NOT_TAKEN, /* the host does not take the command */
    F_NOT_DONE,
    F_DATA_CRC,
    F_NO_DATA,
    F_STARVED,
    F_FIFO,
    F_END_BIT,
    F_NOT_OVER,
    F_DMA_BUS,
    F_DMA_LOST, /* never through, and still at it */
    F_SLOW,     /* busy for half a second */
    F_STUCK,    /* busy until the power goes */
    F_PULLED,
    F_EXCHANGED,
    F_NO_RESET, /* the host is dead */
    FAULTS
};

static struct {
    uint32_t r[REGS / 4];
    bool hung, dead, dma_running;
    unsigned rate;   /* one command in so many goes wrong; 0: none */
    enum fault next; /* forced */
    unsigned injected[FAULTS], faults;
    unsigned commands;
} m;

static char bus;
#define REG(n) (m.r[(n) / 4])

static enum fault
choose(bool data)
{
    enum fault f = F_NONE;

    m.commands++;
    if (m.next != F_NONE) {
        if (m.next >= F_DATA_CRC && m.next <= F_DMA_LOST && !data)
            return F_NONE;
        f = m.next;
        m.next = F_NONE;
    } else if (m.rate != 0 && random_below(m.rate) == 0) {
        f = 1 + random_below(FAULTS - 1);
        if (f >= F_PULLED &&
            random_below(8) != 0) /* else nothing else is seen */
            f = F_ANSWER_CRC;
    }
    m.injected[f]++;
    m.faults += f != F_NONE;
    return f;
}

static void
answer_long(const uint32_t *v)
{
    for (unsigned i = 0; i < 4; i++)
        REG(RESP + 4 * i) = v[i];
}

static void
answer_facts(void)
{
    static const uint32_t v1[4] = {0, 1u << 31 | 511u << 30 | 2u << 15,
                                   9u << 16 | 511u >> 2, 0};
    static const uint32_t v2[4] = {0, 7u << 16, 9u << 16, 1u << 30};
    uint32_t v[4];

    memcpy(v, card.old ? v1 : v2, sizeof(v));
    if (card.old)
        v[1] = (511u << 30) | (2u << 15);
    answer_long(v);
}

static void
answer_status(void)
{
    REG(RESP) = card.status | (uint32_t)card.state << 9 |
                (card.pending_app ? 1u << 5 : 0) | 1u << 8;
    card.status = 0;
}

static void
program(unsigned us)
{
    card.busy_until = fake_time + us;
    card.state = TRAN;
}

/* What the card does with a command; false: it does not answer. */
static bool
card_command(unsigned index, uint32_t arg, bool app)
{
    uint32_t id[4] = {card.id, 2, 3, 4};

    if (!card.present || card.state == OFF)
        return false;
    switch (index) {
    case 0:
        card.state = IDLE;
        card.four = false;
        card.wake_ups = 0;
        return true;
    case 8:
        if (card.old) {
            card.status |= 1u << 22;
            return false;
        }
        REG(RESP) = arg & 0xfff;
        return true;
    case 55:
        if (arg != card.rca << 16 && card.state >= STANDBY)
            return false;
        card.pending_app = true;
        answer_status();
        return true;
    case 41:
        CHECK(app);
        if (card.state != IDLE)
            return false;
        CHECK(card.old == !(arg & OCR_SECTORS));
        REG(RESP) = 0xff8000;
        if (++card.wake_ups > 5) {
            REG(RESP) |= OCR_READY | (card.old ? 0 : OCR_SECTORS);
            card.state = READY;
        }
        return true;
    case 2:
        if (card.state != READY)
            return false;
        card.state = IDENT;
        answer_long(id);
        return true;
    case 3:
        if (card.state != IDENT)
            return false;
        card.state = STANDBY;
        card.rca = 0x1234 + card.id;
        REG(RESP) = card.rca << 16 | IDENT << 9;
        return true;
    case 9:
        if (card.state != STANDBY || arg >> 16 != card.rca)
            return false;
        answer_facts();
        return true;
    case 7:
        if (card.state != STANDBY || arg >> 16 != card.rca)
            return false;
        answer_status();
        card.state = TRAN;
        return true;
    case 6:
        if (!app || card.state != TRAN)
            return false;
        card.four = arg == 2;
        answer_status();
        return true;
    case 16:
        CHECK(arg == 512);
        answer_status();
        return card.state == TRAN;
    case 13:
        if (arg >> 16 != card.rca || card.state < STANDBY)
            return false;
        answer_status();
        return true;
    case 12:
        if (card.state != DATA && card.state != RCV)
            return false;
        answer_status();
        if (card.state == RCV)
            program(5000);
        card.state = TRAN;
        return true;
    case 18:
    case 25:
        if (card.state != TRAN)
            return false;
        answer_status();
        card.state = index == 18 ? DATA : RCV;
        return true;
    default:
        CHECK(!"a command that nobody needs");
        return false;
    }
}

/* --- data --- */

/* Move up to LIMIT bytes between the card at AT and the descriptors. */
static void
move(bool write, uint64_t at, size_t limit)
{
    struct dwmmc_desc *d = pa_to_va(REG(DBADDR));
    size_t total = 0;

    CHECK(d->control & DESC_FIRST);
    for (;; d++) {
        size_t n = MIN((size_t)d->size, limit);

        CHECK((d->control & DESC_OWN) && d->size > 0 && d->size % 4 == 0);
        CHECK(d->address % 8 == 0);
        if (write)
            memcpy(contents + at, pa_to_va(d->address), n);
        else
            memcpy(pa_to_va(d->address), contents + at, n);
        d->control &= ~DESC_OWN;
        at += n;
        limit -= n;
        total += d->size;
        if (d->control & DESC_LAST)
            break;
        CHECK(pa_to_va(d->next) == d + 1);
    }
    CHECK(total == REG(BYTCNT));
}

static void
transfer_data(bool write, uint32_t arg, enum fault f)
{
    static const uint32_t events[FAULTS] = {
        [F_DATA_CRC] = INT_DATA_CRC, [F_NO_DATA] = INT_NO_DATA,
        [F_STARVED] = INT_STARVED,   [F_FIFO] = INT_FIFO,
        [F_END_BIT] = INT_END_BIT,
    };
    uint64_t at = card.old ? arg : (uint64_t)arg * SECTOR_SIZE;
    size_t size = REG(BYTCNT);
    bool bad = f >= F_DATA_CRC && f <= F_DMA_LOST;

    CHECK(REG(BLKSIZ) == 512 && size % 512 == 0 && size > 0);
    CHECK(at + size <= sizeof(contents) && (REG(CTRL) & CTRL_DMA));
    CHECK((REG(BMOD) & BMOD_ON) && card.four == REG(CTYPE));
    if (card.stuck)
        return; /* no data flow */
    move(write, at, bad ? random_below((unsigned)size) : size);
    if (bad && write && f != F_DMA_LOST) /* and garbage in a sector */
        memset(contents + at + random_below((unsigned)size / 512) * 512, 0xee,
               512);
    if (write && at + size == sizeof(contents))
        card.status = 0;
    else if (!write && at + size == sizeof(contents))
        card.status |= OUT_OF_RANGE; /* it read ahead */
    REG(RINTSTS) |= events[f];
    if (f == F_NO_DATA || f == F_NOT_OVER)
        return;
    REG(RINTSTS) |= INT_DATA_OVER;
    if (f == F_DMA_BUS)
        REG(IDSTS) |= 1u << 2;
    else if (f == F_DMA_LOST)
        m.dma_running = true;
    else
        REG(IDSTS) |= write ? IDSTS_SENT : IDSTS_RECEIVED;
}

/* --- commands --- */

static void
happen(enum fault f)
{
    if (f == F_PULLED)
        card.present = false;
    if (f == F_EXCHANGED) {
        card.id++;
        card.state = OFF; /* until power comes anew */
    }
    if (f == F_STUCK)
        card.stuck = true;
    if (f == F_SLOW)
        card.busy_until = fake_time + 500000;
    if (f == F_NO_RESET)
        m.dead = true;
}

/* The answer arrives damaged, or is found to be. */
static bool
damage(enum fault f)
{
    if (f == F_NO_ANSWER)
        REG(RINTSTS) |= INT_NO_ANSWER;
    else if (f == F_ANSWER_CRC)
        REG(RINTSTS) |= INT_ANSWER_CRC;
    else if (f == F_RESPONSE)
        REG(RINTSTS) |= INT_RESPONSE;
    return f == F_NO_ANSWER || f == F_ANSWER_CRC || f == F_RESPONSE;
}

static bool
has_status(unsigned index)
{
    return index == 7 || index == 55 || index == 6 || index == 16 ||
           index == 13 || index == 12 || index == 18 || index == 25;
}

static void
execute(uint32_t v)
{
    unsigned index = v & 63;
    bool app = card.pending_app, write = v & CMD_WRITE;
    bool busy = fake_time < card.busy_until || card.stuck;
    enum fault f = choose(v & CMD_DATA);

    CHECK(REG(PWREN) == 1 && REG(CLKENA) == 1 && (v & CMD_HOLD));
    CHECK(card.state >= TRAN || REG(CLKDIV) >= 63);
    CHECK(!(v & CMD_DATA) == (index != 18 && index != 25));
    CHECK(write == (index == 25) && !(v & CMD_STOP) == (index != 12));
    CHECK(!busy || !(v & CMD_DATA));
    CHECK(!(v & CMD_LONG) == (index != 2 && index != 9));
    card.pending_app = false;
    if (f == F_NOT_TAKEN) {
        m.hung = true;
        REG(CMD) = v;
        return;
    }
    if (f == F_LOCKED) {
        REG(RINTSTS) |= INT_LOCKED;
        return;
    }
    if (f == F_NOT_DONE)
        return;
    happen(f);
    if (!(v & CMD_ANSWER)) {
        card_command(index, REG(CMDARG), app);
        REG(RINTSTS) |= INT_DONE;
        return;
    }
    REG(RINTSTS) |= INT_DONE;
    if (!card_command(index, REG(CMDARG), app)) {
        REG(RINTSTS) |= INT_NO_ANSWER;
        return;
    }
    if (damage(f))
        return;
    if (f == F_STATUS && has_status(index))
        REG(RESP) |= 1u << (19 + random_below(3));
    if (f == F_STATE && has_status(index))
        REG(RESP) ^= 15u << 9;
    if (v & CMD_DATA)
        transfer_data(write, REG(CMDARG), f);
}

static void
power(uint32_t v)
{
    if (v == 0) {
        card.state = OFF;
        card.stuck = false;
        card.busy_until = 0;
        m.dma_running = false;
    } else if (card.state == OFF) {
        card.state = IDLE;
        card.four = card.pending_app = false;
        card.status = 0;
    }
}

uint64_t
mock_mmio_read(uintptr_t addr, unsigned bytes)
{
    size_t reg = addr - (uintptr_t)&bus;

    CHECK(bytes == 4 && reg < REGS && reg % 4 == 0);
    if (reg == STATUS)
        return fake_time < card.busy_until || card.stuck ? STATUS_BUSY : 0;
    return m.r[reg / 4];
}

void
mock_mmio_write(uintptr_t addr, unsigned bytes, uint64_t value)
{
    size_t reg = addr - (uintptr_t)&bus;
    uint32_t v = (uint32_t)value;

    CHECK(bytes == 4 && reg < REGS && reg % 4 == 0);
    switch (reg) {
    case RINTSTS:
    case IDSTS:
        m.r[reg / 4] &= ~v;
        return;
    case CTRL:
        if (v & CTRL_RESETS) {
            if (m.dead) {
                REG(CTRL) = v;
                return;
            }
            m.hung = m.dma_running = false;
            REG(CMD) = 0;
        }
        REG(CTRL) = v & ~CTRL_RESETS;
        return;
    case BMOD:
        REG(BMOD) = m.dead ? v : v & ~BMOD_RESET;
        return;
    case PWREN:
        power(v);
        REG(PWREN) = v;
        return;
    case CMD:
        CHECK((v & CMD_START) && (m.hung || !(REG(CMD) & CMD_START)));
        if (!(v & CMD_CLOCK_ONLY) && !m.hung)
            execute(v);
        return;
    case CLKDIV:
        CHECK(REG(CLKENA) == 0);
        break;
    default:
        break;
    }
    m.r[reg / 4] = v;
}

/* --- set-up --- */

static struct dwmmc_memory *memory; /* where a host with 32 bits sees it */
static uint8_t *near, *far, *shadow;
static struct dwmmc host;
static struct sdcard sd;
static const struct mmc_info info = {
    .size = 0x10000, .bus_width = 4, .fifo_depth = 32, .clock_hz = 50000000};

#define BUFFER (600u * SECTOR_SIZE)

static void *
low(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    if (p == MAP_FAILED)
        abort();
    return p;
}

static void
world(void)
{
    sdcard_serve(&sd);
}

static int
plug(bool old)
{
    int err;

    list_init(&all_disks);
    memset(&m, 0, sizeof(m));
    memset(&card, 0, sizeof(card));
    card.present = true;
    card.old = old;
    card.id = 1;
    card.state = OFF;
    fake_out_clear();
    fake_world = world;
    for (size_t i = 0; i < sizeof(contents); i++)
        contents[i] = (uint8_t)(i * 31 + i / 512);
    memcpy(shadow, contents, sizeof(contents));
    err = dwmmc_init(&host, &info, &bus, memory);
    return err != 0 ? err : sdcard_init(&sd, &host, "mmcblk0");
}

/* --- tests --- */

static void
identification(void)
{
    CHECK(plug(false) == 0 && sd.dev.nsectors == SECTORS && sd.by_sector);
    CHECK(card.four && host.four_lines && host.card_hz == 25000000);
    CHECK(plug(true) == 0 && sd.dev.nsectors == SECTORS && !sd.by_sector);
    CHECK(fake_out_len == 0);
}

static void
absent(void)
{
    uint64_t start = fake_time;

    CHECK(plug(false) == 0);
    card.present = false;
    list_init(&all_disks);
    CHECK(dwmmc_init(&host, &info, &bus, memory) == 0);
    CHECK(sdcard_init(&sd, &host, "mmcblk0") == -ENODEV);
    CHECK(fake_time - start < 2000000);
}

static void
sizes(void)
{
    for (unsigned old = 0; old < 2; old++) {
        CHECK(plug(old) == 0);
        for (unsigned n = 1; n <= 600; n += n < 20 ? 1 : 29) {
            for (unsigned k = 0; k < 2; k++) {
                uint8_t *buf = k ? far + n % 8 : near;

                memset(buf, (int)n, n * 512);
                CHECK(blk_write(&sd.dev, n, buf, n * 512) == 0);
                CHECK(memcmp(contents + n * 512, buf, n * 512) == 0);
                memset(buf, 0, n * 512);
                CHECK(blk_read(&sd.dev, n, buf, n * 512) == 0);
                CHECK(memcmp(contents + n * 512, buf, n * 512) == 0);
            }
        }
        CHECK(blk_read(&sd.dev, SECTORS - 4, near, 4 * 512) == 0);
        CHECK(blk_flush(&sd.dev) == 0 && m.faults == 0);
    }
}

/* Each fault once, in the command after this: it is seen, and does no harm. */
static void
each_fault(void)
{
    for (enum fault f = 1; f < FAULTS; f++) {
        for (unsigned write = 0; write < 2; write++) {
            bool lost = f >= F_PULLED;
            int err;

            CHECK(plug(false) == 0);
            m.next = f;
            memset(near, 0x5a, 100 * 512);
            err = write ? blk_write(&sd.dev, 7, near, 100 * 512)
                        : blk_read(&sd.dev, 7, near, 100 * 512);
            CHECK(m.injected[f] == 1);
            CHECK(!m.dma_running);
            CHECK(err == (lost && !(f == F_NO_RESET) ? -EIO : 0));
            if (err == 0)
                CHECK(memcmp(contents + 7 * 512, near, 100 * 512) == 0);
            if (err != 0) {
                CHECK(sd.gone && blk_read(&sd.dev, 0, near, 512) == -EIO);
                CHECK(strstr(fake_out, "the card is gone") != NULL);
            }
        }
    }
}

/* One operation of a sequence; what must hold afterwards. */
static void
operation(void)
{
    unsigned n = 1 + random_below(random_below(4) == 0 ? 600 : 40);
    unsigned at = random_below(SECTORS - n);
    uint8_t *buf = random_below(2) ? near : far + random_below(8);
    uint64_t start = fake_time;
    bool write = random_below(2), gone = sd.gone;
    unsigned faults = m.faults;
    int err;

    for (unsigned i = 0; i < n * 512; i++)
        buf[i] = (uint8_t)random_below(256);
    err = write ? blk_write(&sd.dev, at, buf, n * 512)
                : blk_read(&sd.dev, at, buf, n * 512);
    CHECK(fake_time - start < 60000000);
    CHECK(!m.dma_running || m.dead);
    CHECK(err == 0 || err == -EIO);
    CHECK(!gone || err != 0);
    CHECK(gone || err == 0 || m.faults != faults);
    if (err == 0 && write)
        memcpy(shadow + at * 512, buf, n * 512);
    else if (err == 0)
        CHECK(memcmp(shadow + at * 512, buf, n * 512) == 0);
    else if (
        write) /* the old, the new, or garbage: nobody was told otherwise */
        memcpy(shadow + at * 512, contents + at * 512, n * 512);
    CHECK(memcmp(shadow, contents, sizeof(contents)) == 0);
}

static void
sequences(void)
{
    unsigned count = getenv("FAST") != NULL ? 100 : 1000;
    unsigned injected = 0, lost = 0;

    for (unsigned s = 1; s <= count && test_ok; s++) {
        seed = s;
        CHECK(plug(s % 3 == 0) == 0);
        m.rate = 4 + random_below(60);
        for (unsigned i = 0; i < 12; i++)
            operation();
        injected += m.faults;
        lost += sd.gone;
        if (!test_ok)
            printf("# seed %u\n", s);
    }
    printf("# %u sequences, %u faults, %u cards lost\n", count, injected, lost);
}

/* ... and while it is identified. */
static void
identification_fails(void)
{
    for (unsigned s = 1; s <= 200 && test_ok; s++) {
        uint64_t start = fake_time;
        int err;

        CHECK(plug(false) == 0);
        seed = s;
        list_init(&all_disks);
        m.rate = 3 + random_below(20);
        err = dwmmc_power_cycle(&host);
        if (err == 0)
            err = sdcard_init(&sd, &host, "mmcblk0");
        CHECK(err == 0 || err == -EIO || err == -ENODEV);
        CHECK(fake_time - start < 60000000);
        CHECK(err != 0 || sd.dev.nsectors == SECTORS);
    }
}

int
main(void)
{
    memory = low(sizeof(*memory));
    near = low(BUFFER);
    far = malloc(BUFFER + 8);
    shadow = malloc(sizeof(contents));
    RUN(identification);
    RUN(absent);
    RUN(sizes);
    RUN(each_fault);
    RUN(sequences);
    RUN(identification_fails);
    free(far);
    free(shadow);
    return test_summary("test_dwmmc");
}
