/* test_fdt.c: the device tree parser, on this computer.
 *
 *     test_fdt [DIR]       DIR holds the trees, default lab-tests/host/dts
 *
 * test_machine.c is about what discovery makes of whole machines. */
#include "../../libs/fdt.c"
#include "../../libs/fdt_query.c"

#include "fdt_build.h"

static const char *
open_why(struct blob b, size_t avail)
{
    struct fdt f;
    const char *why = NULL;
    int err = fdt_open(&f, b.p, avail, &why);

    if (err == 0)
        return "accepted";
    EQ(err, -EINVAL);
    return why;
}

/* The sentence fdt_open() has for B; B is freed. */
static const char *
refusal(struct blob b)
{
    const char *why = open_why(b, b.size);

    free(b.p);
    return why;
}

/* The same for the tokens put so far. */
static const char *
tokens_refusal(void)
{
    return refusal(assemble());
}

/* The format. */

static const char *
with_word(unsigned word, uint32_t value)
{
    struct blob b;

    tree();
    b = finish();
    put32(b.p + 4 * word, value);
    return refusal(b);
}

static void
test_header(void)
{
    struct blob b;
    const char *why;

    tree();
    b = finish();
    STREQ(open_why(b, b.size), "accepted");
    STREQ(open_why(b, b.size + 100), "accepted");
    STREQ(open_why(b, b.size - 1), "it is larger than the memory it is in");
    STREQ(open_why(b, 40), "it is larger than the memory it is in");
    STREQ(open_why(b, 39), "the header is cut off");
    STREQ(open_why(b, 0), "the header is cut off");
    why = "there is no device tree: the magic number is wrong";
    STREQ(with_word(0, 0xedfe0dd0), why);
    why = "its size is smaller than a header or larger than 2 MiB";
    STREQ(with_word(1, FDT_MAX_SIZE + 1), why);
    STREQ(with_word(1, 39), why);
    STREQ(with_word(1, FDT_MAX_SIZE), "it is larger than the memory it is in");
    why = "the structure block is not inside";
    STREQ(with_word(2, (uint32_t)b.size), why);
    STREQ(with_word(2, 0xfffffffc), why);
    STREQ(with_word(9, 0xffffffff), why);
    why = "the strings block is not inside";
    STREQ(with_word(3, 0xffffffff), why);
    STREQ(with_word(8, nnames + 1), why);
    why = "the memory reservation block has no end";
    STREQ(with_word(4, 0xfffffff8), why);
    STREQ(with_word(4, ROUND_DOWN((uint32_t)b.size, 8)), why);
    STREQ(with_word(4, 44), "a block is not aligned");
    STREQ(with_word(2, 54), "a block is not aligned");
    why = "its version is not 17 or compatible with it";
    STREQ(with_word(5, 16), why);
    STREQ(with_word(6, 18), why);
    STREQ(with_word(5, 99), "accepted");
    /* A structure block that starts in the header is no tree. */
    STREQ(with_word(2, 0), "the structure block holds an unknown token");
    free(b.p);
}

static void
test_tokens(void)
{
    tree();
    end();
    STREQ(tokens_refusal(), "the structure block ends too early");
    token(FDT_END);
    STREQ(tokens_refusal(), "accepted");
    token(0);
    STREQ(tokens_refusal(), "accepted");

    ntokens = 0;
    STREQ(tokens_refusal(), "the structure block ends too early");
    token(FDT_END);
    STREQ(tokens_refusal(), "there is no root node");

    tree();
    token(FDT_END);
    STREQ(tokens_refusal(), "the tree ends inside a node");
    tree();
    end();
    end();
    STREQ(tokens_refusal(), "a node ends that did not begin");
    tree();
    end();
    begin("");
    STREQ(tokens_refusal(), "there is more than one root node");
    tree();
    token(5);
    STREQ(tokens_refusal(), "the structure block holds an unknown token");
}

static void
test_properties(void)
{
    struct blob b;

    tree();
    begin("child");
    end();
    text("late", "x");
    STREQ(tokens_refusal(), "a property is not at the start of a node");
    ntokens = 0;
    text("rootless", "x");
    STREQ(tokens_refusal(), "a property is not at the start of a node");
    tree();
    end();
    text("rootless", "x");
    STREQ(tokens_refusal(), "a property is not at the start of a node");

    tree();
    token(FDT_PROP);
    token(0);
    STREQ(tokens_refusal(), "a property is cut off");
    token(0);
    STREQ(tokens_refusal(), "the structure block ends too early");
    put32(tokens + ntokens - 8, 1);
    STREQ(tokens_refusal(), "a property is longer than the structure block");
    put32(tokens + ntokens - 8, 0xffffffff);
    STREQ(tokens_refusal(), "a property is longer than the structure block");
    put32(tokens + ntokens - 8, 0);
    put32(tokens + ntokens - 4, nnames);
    STREQ(tokens_refusal(),
          "the name of a property is outside the strings block");

    tree();
    token(FDT_BEGIN_NODE);
    bytes("abcd", 4);
    STREQ(tokens_refusal(), "the name of a node is not terminated");

    /* No properties, so no strings; then cut within the padding of a name. */
    ntokens = nnames = 0;
    begin("");
    STREQ(refusal(finish()), "accepted");
    ntokens = 0;
    begin("");
    ntokens -= 3;
    STREQ(tokens_refusal(), "the structure block ends too early");

    /* The last name of the strings block has no terminator. */
    tree();
    text("unterminated", "x");
    b = finish();
    b.p[b.size - 1] = 'x';
    STREQ(refusal(b), "the name of a property is outside the strings block");
}

static void
test_depth(void)
{
    for (unsigned depth = 31; depth <= 33; depth++) {
        tree();
        for (unsigned i = 1; i < depth; i++)
            begin("n");
        for (unsigned i = 1; i < depth; i++)
            end();
        if (depth <= FDT_MAX_DEPTH) {
            struct blob b = finish();
            struct fdt f = opened(b);
            fdt_node path[FDT_MAX_DEPTH], last = fdt_root(&f), n;

            for (n = last; n >= 0; n = fdt_next(&f, n))
                last = n;
            EQ(fdt_path(&f, last, path), depth);
            free(b.p);
        } else {
            STREQ(refusal(finish()), "nodes are nested more than 32 deep");
        }
    }
}

/* Every shorter tree is refused or read without a byte too far. */
static void
test_truncated(void)
{
    struct blob b;
    int refused = 0;

    CHECK(blob_load(&b, dir, "virt1.dtb"));
    for (size_t size = 0; size < b.size; size++) {
        struct blob cut = {malloc(size + 1), size};

        memcpy(cut.p + 1, b.p, size);
        cut.p++;
        refused += strcmp(open_why(cut, size), "accepted") != 0;
        if (size >= 8)
            put32(cut.p + 4, (uint32_t)size);
        refused += strcmp(open_why(cut, size), "accepted") != 0;
        free(cut.p - 1);
    }
    EQ(refused, 2 * b.size);
    free(b.p);
}

/* NOPs wherever one may stand. */
static struct blob
tree_of_nops(void)
{
    ntokens = nnames = nrsv = 0;
    token(FDT_NOP);
    begin("");
    token(FDT_NOP);
    cells("x", 1, 1);
    token(FDT_NOP);
    begin("a@1");
    token(FDT_NOP);
    cells("x", 1, 2);
    cells("y", 1, 3);
    begin("aa");
    end();
    token(FDT_NOP);
    begin("ab");
    cells("x", 1, 4);
    token(FDT_NOP);
    end();
    token(FDT_NOP);
    end();
    begin("c");
    end();
    token(FDT_NOP);
    return finish();
}

static void
test_walk(void)
{
    struct blob b;
    struct fdt f;
    fdt_node a, aa, ab, c, path[FDT_MAX_DEPTH];
    uint32_t len, v = 7;

    b = tree_of_nops();
    f = opened(b);

    EQ(fdt_root(&f), f.struct_off + 4);
    a = fdt_first_child(&f, fdt_root(&f));
    STREQ(fdt_name(&f, a), "a@1");
    aa = fdt_first_child(&f, a);
    STREQ(fdt_name(&f, aa), "aa");
    ab = fdt_next_sibling(&f, aa);
    STREQ(fdt_name(&f, ab), "ab");
    c = fdt_next_sibling(&f, a);
    STREQ(fdt_name(&f, c), "c");
    EQ(fdt_first_child(&f, aa), FDT_NONE);
    EQ(fdt_first_child(&f, ab), FDT_NONE);
    EQ(fdt_next_sibling(&f, ab), FDT_NONE);
    EQ(fdt_next_sibling(&f, c), FDT_NONE);
    EQ(fdt_next_sibling(&f, fdt_root(&f)), FDT_NONE);
    EQ(fdt_next(&f, fdt_root(&f)), a);
    EQ(fdt_next(&f, a), aa);
    EQ(fdt_next(&f, aa), ab);
    EQ(fdt_next(&f, ab), c);
    EQ(fdt_next(&f, c), FDT_NONE);
    EQ(fdt_parent(&f, ab), a);
    EQ(fdt_parent(&f, c), fdt_root(&f));
    EQ(fdt_parent(&f, fdt_root(&f)), FDT_NONE);
    EQ(fdt_path(&f, ab, path), 3);
    EQ(path[0], fdt_root(&f));
    EQ(path[1], a);
    EQ(path[2], ab);
    EQ(fdt_path(&f, c + 4, path), 0);

    /* Each node has its own x; aa has none although its parent does. */
    CHECK(fdt_u32(&f, fdt_root(&f), "x", &v) && v == 1);
    CHECK(fdt_u32(&f, a, "x", &v) && v == 2);
    CHECK(fdt_u32(&f, ab, "x", &v) && v == 4);
    CHECK(fdt_prop(&f, aa, "x", &len) == NULL);
    CHECK(fdt_prop(&f, fdt_root(&f), "y", &len) == NULL);

    /* No node has no parts. */
    EQ(fdt_first_child(&f, FDT_NONE), FDT_NONE);
    EQ(fdt_next_sibling(&f, FDT_NONE), FDT_NONE);
    EQ(fdt_next(&f, FDT_NONE), FDT_NONE);
    EQ(fdt_parent(&f, FDT_NONE), FDT_NONE);
    STREQ(fdt_name(&f, FDT_NONE), "");
    CHECK(fdt_prop(&f, FDT_NONE, "x", &len) == NULL);
    free(b.p);
}

static void
test_values(void)
{
    struct blob b;
    struct fdt f;
    fdt_node r;
    uint32_t len, v;
    uint64_t w;
    const char *s;
    const void *list;

    tree();
    text("s", "one");
    prop("list", "a\0bc\0d", 6);
    prop("compatible", "x,long\0x\0cut", 12);
    prop("empty", NULL, 0);
    cells("n4", 1, 0x80000001);
    cells("n8", 2, 0x12, 0x80000002);
    cells("n12", 3, 1, 2, 3);
    prop("n3", "abc", 3);
    b = finish();
    f = opened(b);
    r = fdt_root(&f);

    STREQ(fdt_string(&f, r, "s"), "one");
    STREQ(fdt_string(&f, r, "list"), "a");
    CHECK(fdt_string(&f, r, "n3") == NULL);
    CHECK(fdt_string(&f, r, "empty") == NULL);
    CHECK(fdt_string(&f, r, "none") == NULL);
    list = fdt_prop(&f, r, "list", &len);
    EQ(len, 6);
    s = fdt_next_string(list, len, NULL);
    STREQ(s, "a");
    s = fdt_next_string(list, len, s);
    STREQ(s, "bc");
    CHECK(fdt_next_string(list, len, s) == NULL);
    CHECK(fdt_next_string(list, 5, s) == NULL);
    CHECK(fdt_compatible(&f, r, "x,long"));
    CHECK(fdt_compatible(&f, r, "x"));
    CHECK(!fdt_compatible(&f, r, "x,"));
    CHECK(!fdt_compatible(&f, r, "cut"));
    CHECK(!fdt_compatible(&f, FDT_NONE, "x"));

    CHECK(fdt_u32(&f, r, "n4", &v) && v == 0x80000001);
    CHECK(fdt_u32(&f, r, "n8", &v) && v == 0x12);
    CHECK(!fdt_u32(&f, r, "n3", &v) && v == 0x12);
    CHECK(!fdt_u32(&f, r, "none", &v) && v == 0x12);
    CHECK(fdt_u64(&f, r, "n4", &w) && w == 0x80000001);
    CHECK(fdt_u64(&f, r, "n8", &w) && w == 0x1280000002);
    CHECK(!fdt_u64(&f, r, "n12", &w) && w == 0x1280000002);
    CHECK(!fdt_u64(&f, r, "empty", &w) && w == 0x1280000002);
    free(b.p);
}

static bool
enabled(const char *status, uint32_t len)
{
    struct blob b;
    struct fdt f;
    bool yes;

    tree();
    if (status != NULL)
        prop("status", status, len);
    b = finish();
    f = opened(b);
    yes = fdt_enabled(&f, fdt_root(&f));
    free(b.p);
    return yes;
}

static void
test_enabled(void)
{
    CHECK(enabled(NULL, 0));
    CHECK(enabled("okay", 5));
    CHECK(enabled("ok", 3));
    CHECK(!enabled("okay", 4));
    CHECK(!enabled("", 0));
    CHECK(!enabled("disabled", 9));
    CHECK(!enabled("fail", 5));
    CHECK(!enabled("okayish", 8));
}

static void
test_find(void)
{
    struct blob b;
    struct fdt f;
    fdt_node soc, s0, s1, deep;

    tree();
    begin("aliases");
    text("ser", "/soc/serial@200:9600");
    text("soc", "/soc");
    text("loop", "loop");
    text("alias-of-31-characters---------", "/soc");
    text("alias-of-32-characters----------", "/soc");
    prop("cut", "/soc", 4);
    end();
    begin("soc");
    begin("serial@100");
    cells("phandle", 1, 5);
    text("compatible", "u");
    end();
    begin("serial@200");
    cells("linux,phandle", 1, 6);
    text("compatible", "u");
    begin("deep");
    text("compatible", "u");
    end();
    end();
    begin("serialize");
    end();
    end();
    b = finish();
    f = opened(b);
    soc = fdt_next_sibling(&f, fdt_first_child(&f, fdt_root(&f)));
    s0 = fdt_first_child(&f, soc);
    s1 = fdt_next_sibling(&f, s0);
    deep = fdt_first_child(&f, s1);
    CHECK(soc > 0 && s0 > soc && s1 > s0 && deep > s1);

    EQ(fdt_find_path(&f, "/"), fdt_root(&f));
    EQ(fdt_find_path(&f, "/soc"), soc);
    EQ(fdt_find_path(&f, "/soc/"), soc);
    EQ(fdt_find_path(&f, "/soc/serial@200"), s1);
    EQ(fdt_find_path(&f, "/soc/serial@200:115200n8"), s1);
    EQ(fdt_find_path(&f, "/soc/serial"), s0);
    EQ(fdt_find_path(&f, "/soc/serial@2"), FDT_NONE);
    EQ(fdt_find_path(&f, "/soc/seria"), FDT_NONE);
    EQ(fdt_find_path(&f, "/so/serial@200"), FDT_NONE);
    EQ(fdt_find_path(&f, "/soc/serial@200/deep"), deep);
    EQ(fdt_find_path(&f, "ser"), s1);
    EQ(fdt_find_path(&f, "ser:115200n8"), s1);
    EQ(fdt_find_path(&f, "ser/deep"), deep);
    EQ(fdt_find_path(&f, "soc/serial@100"), s0);
    EQ(fdt_find_path(&f, "alias-of-31-characters---------"), soc);
    EQ(fdt_find_path(&f, "alias-of-32-characters----------"), FDT_NONE);
    EQ(fdt_find_path(&f, "loop"), FDT_NONE);
    EQ(fdt_find_path(&f, "cut"), FDT_NONE);
    EQ(fdt_find_path(&f, "nobody"), FDT_NONE);
    EQ(fdt_find_path(&f, ""), FDT_NONE);
    EQ(fdt_find_path(&f, ":9600"), FDT_NONE);

    EQ(fdt_find_phandle(&f, 5), s0);
    EQ(fdt_find_phandle(&f, 6), s1);
    EQ(fdt_find_phandle(&f, 7), FDT_NONE);
    EQ(fdt_find_compatible(&f, FDT_NONE, "u"), s0);
    EQ(fdt_find_compatible(&f, s0, "u"), s1);
    EQ(fdt_find_compatible(&f, s1, "u"), deep);
    EQ(fdt_find_compatible(&f, deep, "u"), FDT_NONE);
    free(b.p);
}

static void
test_reservations(void)
{
    struct blob b;
    struct fdt f;
    uint64_t a, s;

    tree();
    rsv[0] = 0x140000000;
    rsv[1] = 0;
    rsv[2] = 0;
    rsv[3] = 0x1000;
    nrsv = 2;
    b = finish();
    f = opened(b);
    EQ(f.rsv_count, 2);
    CHECK(fdt_reserved(&f, 0, &a, &s) && a == 0x140000000 && s == 0);
    CHECK(fdt_reserved(&f, 1, &a, &s) && a == 0 && s == 0x1000);
    CHECK(!fdt_reserved(&f, 2, &a, &s));
    CHECK(!fdt_reserved(&f, 0xffffffff, &a, &s));
    free(b.p);
}

/* One reg entry <ADDR SIZE> on a bus with 1-cell addresses and the RANGES of N
 * cells (n = -1: no such property) below a root with 2-cell addresses. */
static bool
translated(uint32_t addr, uint32_t size, int n, const uint32_t *ranges,
           uint64_t *out)
{
    uint8_t buf[256];
    struct blob b;
    struct fdt f;
    uint64_t s = 0;
    bool ok;

    ntokens = nnames = nrsv = 0;
    begin("");
    cells("#address-cells", 1, 2);
    begin("bus");
    cells("#address-cells", 1, 1);
    cells("#size-cells", 1, 1);
    for (int i = 0; i < n; i++)
        put32(buf + 4 * i, ranges[i]);
    if (n >= 0)
        prop("ranges", buf, 4 * (uint32_t)n);
    begin("dev");
    cells("reg", 2, addr, size);
    end();
    end();
    b = finish();
    f = opened(b);
    ok = fdt_reg(&f, fdt_find_path(&f, "/bus/dev"), 0, out, &s);
    if (ok)
        EQ(s, size);
    free(b.p);
    return ok;
}

static void
test_ranges(void)
{
    static const uint32_t two[] = {0x1000, 0x1, 0x20000000, 0x1000,
                                   0x4000, 0x2, 0x00000000, 0x800};
    static const uint32_t top[] = {0, 0xffffffff, 0xfffff000, 0x10000};
    uint64_t a = 1;

    CHECK(translated(0x1000, 0x10, 8, two, &a) && a == 0x120000000);
    CHECK(translated(0x1ff0, 0x10, 8, two, &a) && a == 0x120000ff0);
    CHECK(translated(0x4010, 0x10, 8, two, &a) && a == 0x200000010);
    CHECK(translated(0x4000, 0x800, 8, two, &a) && a == 0x200000000);
    a = 1;
    CHECK(!translated(0x4000, 0x801, 8, two, &a) && a == 1);
    CHECK(!translated(0xfff, 0x1, 8, two, &a) && a == 1);
    CHECK(!translated(0x2000, 0x0, 8, two, &a) && a == 1);
    CHECK(!translated(0x4010, 0x10, 7, two, &a) && a == 1);
    CHECK(!translated(0x4010, 0x10, -1, two, &a) && a == 1);
    CHECK(translated(0x4010, 0x10, 0, two, &a) && a == 0x4010);
    /* Past the end of all addresses. */
    CHECK(translated(0xff0, 0xf, 4, top, &a) && a == 0xfffffffffffffff0);
    CHECK(!translated(0xff0, 0x11, 4, top, &a));
    CHECK(!translated(0x1000, 0x1, 4, top, &a));
}

static void
test_reg(void)
{
    struct blob b;
    struct fdt f;
    uint64_t a = 1, s = 1;
    fdt_node n;

    tree();
    begin("two");
    cells("reg", 5, 0x10, 0x1, 0x20, 0x2, 0x30);
    end();
    begin("none");
    end();
    begin("nil");
    prop("reg", NULL, 0);
    end();
    begin("pci");
    cells("#address-cells", 1, 3);
    prop("ranges", NULL, 0);
    begin("dev");
    cells("reg", 4, 1, 2, 3, 4);
    end();
    end();
    begin("huge");
    cells("#address-cells", 1, 0xffffffff);
    cells("#size-cells", 1, 0xffffffff);
    begin("dev");
    cells("reg", 2, 1, 2);
    end();
    end();
    begin("default");
    prop("ranges", NULL, 0);
    begin("dev");
    cells("reg", 3, 1, 2, 3);
    end();
    end();
    begin("wide");
    cells("#address-cells", 1, 2);
    cells("#size-cells", 1, 2);
    prop("ranges", NULL, 0);
    begin("dev");
    cells("reg", 8, 0xffffffff, 0xfffff000, 0, 0xfff, 0xffffffff, 0xfffff000, 0,
          0x1000);
    end();
    end();
    b = finish();
    f = opened(b);

    n = fdt_find_path(&f, "/wide/dev");
    CHECK(fdt_reg(&f, n, 0, &a, &s) && a == 0xfffffffffffff000 && s == 0xfff);
    CHECK(!fdt_reg(&f, n, 1, &a, &s) && s == 0xfff);
    n = fdt_find_path(&f, "/two");
    EQ(fdt_reg_count(&f, n), 3);
    CHECK(fdt_reg(&f, n, 0, &a, &s) && a == 0x10 && s == 1);
    CHECK(fdt_reg(&f, n, 1, &a, &s) && a == 0x20 && s == 2);
    CHECK(!fdt_reg(&f, n, 2, &a, &s) && a == 0x20 && s == 2);
    CHECK(!fdt_reg(&f, n, 0xffffffff, &a, &s));
    EQ(fdt_reg_count(&f, fdt_find_path(&f, "/none")), 0);
    CHECK(!fdt_reg(&f, fdt_find_path(&f, "/none"), 0, &a, &s));
    EQ(fdt_reg_count(&f, fdt_find_path(&f, "/nil")), 0);
    CHECK(!fdt_reg(&f, fdt_find_path(&f, "/nil"), 0, &a, &s));
    EQ(fdt_reg_count(&f, fdt_find_path(&f, "/pci/dev")), 1);
    CHECK(!fdt_reg(&f, fdt_find_path(&f, "/pci/dev"), 0, &a, &s));
    EQ(fdt_reg_count(&f, fdt_find_path(&f, "/huge/dev")), 1);
    CHECK(!fdt_reg(&f, fdt_find_path(&f, "/huge/dev"), 0, &a, &s));
    n = fdt_find_path(&f, "/default/dev"); /* 2 cells and 1, by default */
    CHECK(fdt_reg(&f, n, 0, &a, &s) && a == 0x100000002 && s == 3);
    CHECK(!fdt_reg(&f, fdt_root(&f), 0, &a, &s));
    free(b.p);
}

int
main(int argc, char **argv)
{
    if (argc > 1)
        dir = argv[1];
    RUN(header);
    RUN(tokens);
    RUN(properties);
    RUN(depth);
    RUN(truncated);
    RUN(walk);
    RUN(values);
    RUN(enabled);
    RUN(find);
    RUN(reservations);
    RUN(ranges);
    RUN(reg);
    return verdict("test_fdt");
}
