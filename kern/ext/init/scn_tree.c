/* scn_tree.c: device trees of lab 0 that are no machine's; a first reader may skip it.
 *
 *     tree 2 1                      #address-cells, #size-cells of the root
 *     bank 0x80000000 64M           a memory node, with this range
 *     bank 0x90000000 16M more      one more range in the same node
 *     line 0x10000000 256 ns16550a  a serial line
 *     ask ram                       what machine_discover() makes of it
 *
 * The tree is put together when it is asked for.  Before each token stands a NOP,
 * which a tree may have anywhere (Devicetree Specification 0.4, 5.4.1). */
#include "ext/init/scn_first.h"
#include <devicetree.h>
#include <string.h>

#define THINGS 80
#define HEADER 40
#define BLOB   16384

enum { BEGIN_NODE = 1, END_NODE, PROP, NOP, TREE_END = 9 };

static struct thing { /* a bank, or a line */
    uint64_t start, size;
    char word[SCN_NAME];
    bool line;
} things[THINGS];
static unsigned nthings, address_cells, size_cells;
static bool planted; /* there is a tree of our own */

static struct {
    uint8_t blob[BLOB];
    char names[512];
    size_t n, nnames;
} tree;

/* --- tokens --- */

static void
put(uint32_t v)
{
    for (int shift = 24; shift >= 0 && tree.n < BLOB; shift -= 8)
        tree.blob[tree.n++] = (uint8_t)(v >> shift);
}

static void
token(uint32_t what)
{
    put(NOP);
    put(what);
}

static void
bytes(const void *p, size_t n)
{
    for (size_t i = 0; i < ROUND_UP(n, 4ul) && tree.n < BLOB; i++)
        tree.blob[tree.n++] = i < n ? ((const uint8_t *)p)[i] : 0;
}

static uint32_t
name_offset(const char *name)
{
    size_t at = 0;

    while (at < tree.nnames && strcmp(tree.names + at, name) != 0)
        at += strlen(tree.names + at) + 1;
    if (at == tree.nnames && at + strlen(name) < sizeof(tree.names)) {
        memcpy(tree.names + at, name, strlen(name) + 1);
        tree.nnames += strlen(name) + 1;
    }
    return (uint32_t)at;
}

static void
begin(const char *name)
{
    token(BEGIN_NODE);
    bytes(name, strlen(name) + 1);
}

static void
property(const char *name, size_t n)
{
    token(PROP);
    put((uint32_t)n);
    put(name_offset(name));
}

static void
text(const char *name, const char *value)
{
    property(name, strlen(value) + 1);
    bytes(value, strlen(value) + 1);
}

static void
cell(const char *name, uint32_t value)
{
    property(name, 4);
    put(value);
}

static void
cells(uint64_t value, unsigned n)
{
    for (; n > 2; n--)
        put(0);
    if (n == 2)
        put((uint32_t)(value >> 32));
    if (n > 0)
        put((uint32_t)value);
}

/* --- nodes --- */

static bool
is(const struct thing *t, const char *word)
{
    return strcmp(t->word, word) == 0;
}

static void
ranges(const struct thing *t, unsigned n)
{
    size_t size = 4ul * n * (address_cells + size_cells);

    property("reg", is(t + n - 1, "torn") ? size - 4 : size);
    for (unsigned i = 0; i < n; i++) {
        cells(t[i].start, address_cells);
        cells(t[i].size, size_cells);
    }
    if (is(t + n - 1, "torn"))
        tree.n -= 4;
}

/* The N banks from T on are one node. */
static void
bank_node(const struct thing *t, unsigned n)
{
    begin(is(t, "controller") ? "memory-controller@0" : "memory@0");
    if (is(t, "disabled"))
        text("status", "disabled");
    else if (!is(t, "controller"))
        text("device_type", "memory");
    if (is(t, "near"))
        cell("numa-node-id", 1);
    ranges(t, n);
    token(END_NODE);
}

static void
line_node(const struct thing *t)
{
    begin("serial");
    text("compatible", is(t, "dw")        ? "snps,dw-apb-uart"
                       : is(t, "sifive")  ? "sifive,uart0"
                       : is(t, "unknown") ? "nobodys,uart"
                                          : "ns16550a");
    if (is(t, "disabled"))
        text("status", "disabled");
    if (!is(t, "nowhere"))
        ranges(t, 1);
    cell("interrupts", 7);
    cell("clock-frequency", 24000000);
    if (is(t, "dw") || is(t, "sifive")) {
        cell("reg-shift", is(t, "dw") ? 2 : 1); /* a sifive one has no say */
        cell("reg-io-width", is(t, "dw") ? 4 : 1);
    }
    if (is(t, "halves"))
        cell("reg-io-width", 2);
    if (is(t, "shift5"))
        cell("reg-shift", 5);
    token(END_NODE);
}

static void
cpu_nodes(void)
{
    begin("cpus");
    cell("#address-cells", 1);
    cell("#size-cells", 0);
    cell("timebase-frequency", 10000000);
    begin("cpu@0");
    text("device_type", "cpu");
    cell("reg", 0);
    text("riscv,isa", "rv64imafdc");
    text("mmu-type", "riscv,sv39");
    token(END_NODE);
    token(END_NODE);
}

/* Header, an empty list of reservations, nodes, names. */
static void
build(void)
{
    size_t nodes = HEADER + 16, end;
    unsigned n;

    memset(&tree, 0, sizeof(tree));
    tree.n = nodes;
    begin("");
    cell("#address-cells", address_cells);
    cell("#size-cells", size_cells);
    cpu_nodes();
    for (unsigned i = 0; i < nthings; i += n) {
        for (n = 1; i + n < nthings && is(&things[i + n], "more"); n++)
            ;
        if (things[i].line)
            line_node(&things[i]);
        else
            bank_node(&things[i], n);
    }
    token(END_NODE);
    token(TREE_END);
    end = tree.n;
    bytes(tree.names, tree.nnames);
    nodes = tree.n;
    tree.n = 0;
    put(0xd00dfeed);
    put((uint32_t)nodes);
    put(HEADER + 16);
    put((uint32_t)end);
    put(HEADER);
    put(17);
    put(16);
    put(0);
    put((uint32_t)tree.nnames);
    put((uint32_t)end - HEADER - 16);
    tree.n = nodes;
}

const struct machine *
tree_machine(const struct machine *own)
{
    static struct machine m;
    const char *why;
    char text[100];
    struct fdt f;

    if (!planted)
        return own;
    build();
    if (fdt_open(&f, tree.blob, tree.n, &why) != 0 ||
        machine_discover(&m, &f, 0, text, sizeof(text)) != 0)
        m = (struct machine){0};
    return &m;
}

bool
tree_step(const struct scn_step *st)
{
    struct thing *t = &things[nthings];

    if (st == NULL || st->op == SCN_TREE) {
        planted = st != NULL;
        nthings = 0;
    }
    if (st == NULL)
        return true;
    if (st->op == SCN_TREE) {
        address_cells = st->first;
        size_cells = st->last;
        return true;
    }
    if ((st->op != SCN_BANK && st->op != SCN_SERIAL) || nthings == THINGS)
        return false;
    *t = (struct thing){
        .start = st->value, .size = st->at, .line = st->op == SCN_SERIAL};
    memcpy(t->word, st->word, sizeof(t->word));
    nthings++;
    return true;
}
