/* test_uart.c: the serial drivers and the interrupt controller, against
 * devices made of code.
 *
 * The fake chips insist on what the real ones insist on: accesses at the right
 * distance and of the right width, no byte sent before there is room, and an
 * interrupt that stays until it is answered the way the data sheet says. */
#include "driver_fake.h"

#include "kern/driver/uart.c"
#include "kern/driver/uart16550.c"
#include "kern/ext/driver/uart_dw_apb.c"
#include "kern/ext/driver/uart_sifive.c"

#include "kern/driver/plic.c"

/* --- one fake bus with one fake device on it --- */

#define BUS_SIZE 0x4000000ul

static char bus; /* its address is where the device seems to be */
static uint64_t (*device_read)(size_t offset, unsigned bytes);
static void (*device_write)(size_t offset, unsigned bytes, uint64_t v);

uint64_t
mock_mmio_read(uintptr_t addr, unsigned bytes)
{
    CHECK(addr - (uintptr_t)&bus < BUS_SIZE);
    return device_read(addr - (uintptr_t)&bus, bytes);
}

void
mock_mmio_write(uintptr_t addr, unsigned bytes, uint64_t v)
{
    CHECK(addr - (uintptr_t)&bus < BUS_SIZE);
    device_write(addr - (uintptr_t)&bus, bytes, v);
}

/* --- a 16550 --- */

static struct {
    unsigned shift, width;
    unsigned busy_polls; /* reads of LSR until there is room again */
    unsigned busy_left, polls, usr_reads, dummy_reads;
    uint8_t ier, fcr;
    bool busy_detect, rx_timeout;
    char sent[64];
    unsigned nsent;
    const char *input;
} chip;

static unsigned
chip_register(size_t offset, unsigned bytes)
{
    CHECK(bytes == chip.width);
    CHECK((offset & ((1u << chip.shift) - 1)) == 0);
    return (unsigned)(offset >> chip.shift);
}

static uint64_t
chip_rbr(void)
{
    chip.rx_timeout = false;
    if (chip.input == NULL || *chip.input == '\0') {
        chip.dummy_reads++;
        return 0;
    }
    return (uint8_t)*chip.input++;
}

static uint64_t
chip_lsr(void)
{
    bool rx = chip.input != NULL && *chip.input != '\0';

    chip.polls++;
    if (chip.busy_left > 0)
        chip.busy_left--;
    return (chip.busy_left == 0 ? 0x20u : 0) | rx;
}

static uint64_t
chip_read(size_t offset, unsigned bytes)
{
    switch (chip_register(offset, bytes)) {
    case 0:
        return chip_rbr();
    case 1:
        return chip.ier;
    case 2:
        return chip.busy_detect ? 0xc7 : chip.rx_timeout ? 0xcc : 0xc1;
    case 5:
        return chip_lsr();
    case 31:
        chip.usr_reads++;
        chip.busy_detect = false;
        return 0;
    default:
        CHECK(!"a register that nobody needs");
        return 0;
    }
}

static void
chip_write(size_t offset, unsigned bytes, uint64_t v)
{
    switch (chip_register(offset, bytes)) {
    case 0:
        CHECK(chip.busy_left == 0);
        chip.busy_left = chip.busy_polls;
        chip.sent[chip.nsent++] = (char)v;
        break;
    case 1:
        chip.ier = (uint8_t)v;
        break;
    case 2:
        chip.fcr = (uint8_t)v;
        break;
    default:
        CHECK(!"LCR, MCR and the divisor are the firmware's");
    }
}

static int
chip_attach(enum uart_kind kind, unsigned shift, unsigned width)
{
    struct uart_info info = {
        .kind = kind, .reg_shift = shift, .reg_io_width = width};

    memset(&chip, 0, sizeof(chip));
    chip.shift = shift;
    chip.width = width;
    chip.ier = 0xff;
    device_read = chip_read;
    device_write = chip_write;
    return uart_init(&info, &bus);
}

static char got[64];
static unsigned ngot;

static void
receive(char c)
{
    got[ngot++] = c;
}

static void
none(void)
{
    struct uart_info info = {.kind = UART_NONE};

    CHECK(uart_init(&info, &bus) == -ENODEV);
    uart_write("x", 1); /* nowhere */
    uart_start_rx(receive);
    uart_interrupt();
}

static void
send_and_receive(enum uart_kind kind, unsigned shift, unsigned width)
{
    CHECK(chip_attach(kind, shift, width) == 0);
    CHECK(chip.ier == 0 && chip.fcr == 1);
    chip.busy_polls = 3;
    uart_write("a\nb", 3);
    CHECK(chip.nsent == 4 && memcmp(chip.sent, "a\r\nb", 4) == 0);
    CHECK(chip.polls >= 4 + 3 * 2); /* it did wait */
    CHECK(uart->get() == -1);
    chip.input = "\xff";
    CHECK(uart->get() == 0xff);
    CHECK(uart->get() == -1);
    ngot = 0;
    uart_start_rx(receive);
    CHECK(chip.ier == 1);
    chip.input = "ls\r";
    uart_interrupt();
    CHECK(ngot == 3 && memcmp(got, "ls\r", 3) == 0);
    CHECK(chip.dummy_reads == 0);
}

static void
ns16550_bytes(void)
{
    send_and_receive(UART_NS16550, 0, 1);
}

/* The same chip, wired for a 32-bit bus. */
static void
ns16550_words(void)
{
    send_and_receive(UART_NS16550, 2, 4);
}

static void
ns16550_apart_bytes(void)
{
    send_and_receive(UART_NS16550, 2, 1);
}

static void
dw_apb_words(void)
{
    send_and_receive(UART_DW_APB, 2, 4);
    CHECK(chip.usr_reads == 0);
}

static void
dw_apb_busy_detect(void)
{
    CHECK(chip_attach(UART_DW_APB, 2, 4) == 0);
    uart_start_rx(receive);
    chip.busy_detect = true;
    uart_interrupt();
    CHECK(!chip.busy_detect && chip.usr_reads == 1);
    uart_interrupt();
    CHECK(chip.usr_reads == 1);
    /* The plain chip has no such register. */
    CHECK(chip_attach(UART_NS16550, 0, 1) == 0);
    chip.busy_detect = true;
    uart_interrupt();
    CHECK(chip.usr_reads == 0);
}

static void
dw_apb_empty_timeout(void)
{
    CHECK(chip_attach(UART_DW_APB, 2, 4) == 0);
    uart_start_rx(receive);
    chip.rx_timeout = true;
    uart_interrupt();
    CHECK(!chip.rx_timeout && chip.dummy_reads == 1);
    /* With a byte waiting, that byte is not thrown away. */
    ngot = 0;
    chip.rx_timeout = true;
    chip.input = "k";
    uart_interrupt();
    CHECK(ngot == 1 && got[0] == 'k' && chip.dummy_reads == 1);
}

static unsigned flood_count;

static uint64_t
flood_read(size_t offset, unsigned bytes)
{
    flood_count += offset == 0 && bytes == 1;
    return 0x21;
}

static void
ignore(char c)
{
    (void)c;
}

/* A sender that never pauses does not keep the hart for ever. */
static void
flood(void)
{
    CHECK(chip_attach(UART_NS16550, 0, 1) == 0);
    device_read = flood_read;
    uart_start_rx(ignore);
    uart_interrupt();
    CHECK(flood_count == RX_BATCH);
}

/* --- SiFive's --- */

static struct {
    uint32_t txctrl, rxctrl, ie;
    unsigned full_left;
    char sent[16];
    unsigned nsent;
    const char *input;
} sifive;

static uint64_t
sifive_read(size_t offset, unsigned bytes)
{
    CHECK(bytes == 4);
    switch (offset) {
    case 0x00:
        return sifive.full_left > 0 && sifive.full_left-- > 0 ? 1u << 31 : 0;
    case 0x04:
        return *sifive.input == '\0' ? 1u << 31 : (uint8_t)*sifive.input++;
    case 0x08:
        return sifive.txctrl;
    case 0x0c:
        return sifive.rxctrl;
    default:
        CHECK(!"a register that nobody needs");
        return 0;
    }
}

static void
sifive_write(size_t offset, unsigned bytes, uint64_t v)
{
    CHECK(bytes == 4);
    switch (offset) {
    case 0x00:
        CHECK(sifive.full_left == 0);
        sifive.full_left = 2;
        sifive.sent[sifive.nsent++] = (char)v;
        break;
    case 0x08:
        sifive.txctrl = (uint32_t)v;
        break;
    case 0x0c:
        sifive.rxctrl = (uint32_t)v;
        break;
    case 0x10:
        sifive.ie = (uint32_t)v;
        break;
    default:
        CHECK(!"the speed is the firmware's");
    }
}

static void
sifive_uart(void)
{
    struct uart_info info = {.kind = UART_SIFIVE};

    device_read = sifive_read;
    device_write = sifive_write;
    sifive.txctrl = 0x30002;
    sifive.rxctrl = 0x70000;
    sifive.ie = 3;
    sifive.input = "";
    CHECK(uart_init(&info, &bus) == 0);
    CHECK(sifive.txctrl == 0x30003 && sifive.rxctrl == 1 && sifive.ie == 0);
    uart_write("x\n", 2);
    CHECK(sifive.nsent == 3 && memcmp(sifive.sent, "x\r\n", 3) == 0);
    sifive.input = "q";
    CHECK(uart->get() == 'q' && uart->get() == -1);
    uart_start_rx(receive);
    CHECK(sifive.ie == 2);
}

/* --- the interrupt controller: sparse memory, and the claim register --- */

#define PLIC_REGION 0x4000000u

static uint32_t plic_words[0x300000 / 4];
static uint32_t pending[8];
static unsigned npending, ncompleted;
static uint32_t completed[8];
static size_t claim_offset;

static uint64_t
plic_read(size_t offset, unsigned bytes)
{
    CHECK(bytes == 4 && offset % 4 == 0 && offset < sizeof(plic_words));
    if (offset == claim_offset)
        return npending > 0 ? pending[--npending] : 0;
    return plic_words[offset / 4];
}

static void
plic_write(size_t offset, unsigned bytes, uint64_t v)
{
    CHECK(bytes == 4 && offset % 4 == 0 && offset < sizeof(plic_words));
    if (offset == claim_offset)
        completed[ncompleted++] = (uint32_t)v;
    else
        plic_words[offset / 4] = (uint32_t)v;
}

static unsigned irq_hits;
static void *irq_arg;

static void
irq_handler(void *arg)
{
    irq_hits++;
    irq_arg = arg;
    CHECK(!plic_lock.held);
    CHECK(ncompleted == 0); /* complete comes after */
}

/* The VisionFive 2: harts 1 to 4, S contexts 2, 4, 6, 8, and the boot hart is
 * number 3. */
static struct machine
plic_machine(void)
{
    struct machine m = {.plic_base = 0xc000000,
                        .plic_size = PLIC_REGION,
                        .plic_ndev = 136,
                        .nharts = 4};

    for (unsigned i = 0; i < 4; i++) {
        m.harts[i].hartid = (i + 2) % 4 + 1;
        m.harts[i].plic_context = (int)(2 * m.harts[i].hartid);
        cpus[i] = (struct cpu){.id = i, .hartid = m.harts[i].hartid};
    }
    ncpu = 4;
    memset(plic_words, 0xff, sizeof(plic_words));
    memset(plic_handlers, 0, sizeof(plic_handlers));
    plic_regs = NULL;
    device_read = plic_read;
    device_write = plic_write;
    npending = ncompleted = irq_hits = 0;
    fake_sie = 0;
    return m;
}

static void
plic_boot_hart(void)
{
    struct machine m = plic_machine();

    claim_offset = 0x200004 + 0x1000 * 6;
    plic_init(&m, &bus);
    CHECK(plic_words[1] == 0 && plic_words[136] == 0);
    CHECK(plic_words[137] == ~0u);
    CHECK(plic_words[(0x2000 + 0x80 * 6) / 4 + 4] == 0);
    CHECK(plic_words[(0x2000 + 0x80 * 5) / 4] == ~0u); /* M-mode's: not ours */
    plic_init_cpu();
    CHECK(plic_words[(0x200000 + 0x1000 * 6) / 4] == 0);
    CHECK(fake_sie == SIE_SEIE);
    CHECK(plic_register(0, irq_handler, NULL) == -EINVAL);
    CHECK(plic_register(137, irq_handler, NULL) == -EINVAL);
    CHECK(plic_register(136, irq_handler, NULL) == 0);
    CHECK(plic_register(32, irq_handler, &m) == 0);
    CHECK(plic_register(32, irq_handler, NULL) == -EBUSY);
    CHECK(plic_words[32] == 1 && plic_words[136] == 1 && plic_words[33] == 0);
    CHECK(plic_words[(0x2000 + 0x80 * 6) / 4 + 1] == 1);
    CHECK(plic_words[(0x2000 + 0x80 * 6) / 4 + 4] == 1u << 8);
}

static void
plic_claim_complete(void)
{
    struct machine m = plic_machine();

    claim_offset = 0x200004 + 0x1000 * 6;
    plic_init(&m, &bus);
    CHECK(plic_register(32, irq_handler, &m) == 0);
    plic_interrupt(); /* nothing there: another context was faster */
    CHECK(irq_hits == 0 && ncompleted == 0);
    pending[npending++] = 7; /* nobody's: completed all the same */
    pending[npending++] = PLIC_MAX_SOURCES; /* out of any range */
    pending[npending++] = 32;
    plic_interrupt();
    CHECK(irq_hits == 1 && irq_arg == &m);
    CHECK(ncompleted == 3 && completed[0] == 32 &&
          completed[1] == PLIC_MAX_SOURCES && completed[2] == 7);
}

static void
plic_absent(void)
{
    struct machine m = plic_machine();

    m.plic_base = 0;
    plic_init(&m, NULL);
    plic_init_cpu();
    CHECK(fake_sie == 0);
    CHECK(plic_register(32, irq_handler, NULL) == -EINVAL);
    plic_interrupt();
    /* A context the registers have no room for is as good as none. */
    m = plic_machine();
    m.plic_size = 0x200000 + 0x1000 * 6;
    fake_out_clear();
    plic_init(&m, &bus);
    CHECK(strstr(fake_out, "no context") != NULL);
    plic_init_cpu();
    CHECK(fake_sie == 0);
    CHECK(plic_register(32, irq_handler, NULL) == -EINVAL);
}

int
main(void)
{
    RUN(none);
    RUN(ns16550_bytes);
    RUN(ns16550_words);
    RUN(ns16550_apart_bytes);
    RUN(dw_apb_words);
    RUN(dw_apb_busy_detect);
    RUN(dw_apb_empty_timeout);
    RUN(flood);
    RUN(sifive_uart);
    RUN(plic_boot_hart);
    RUN(plic_claim_complete);
    RUN(plic_absent);
    return test_summary("test_uart");
}
