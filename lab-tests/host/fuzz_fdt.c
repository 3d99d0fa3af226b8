/* fuzz_fdt.c: damaged device trees, by the hundred thousand.
 *
 *     fuzz_fdt [COUNT [SEED [DIR]]]      default 100000 1 lab-tests/host/dts
 *
 * Each tree is one of those in DIR with one to four things done to it: bits
 * flipped, cut short, a header word or any word set to an extreme value, a
 * token written over, pieces copied or doubled or blanked out, names and
 * property values spoilt.  It is then put at the very end of an allocation, at
 * any alignment, and read by everything we have.  The address and the undefined
 * behaviour sanitizer watch; beyond them we check that
 *
 *     each refusal is one printable line,
 *     what is accepted keeps the promises of devicetree.h and machine.h,
 *     the work, counted in bytes of tokens walked over, has a fixed bound.
 *
 * A failure prints the number of the tree; COUNT and SEED bring it back.  With
 * -fsanitize-coverage=trace-pc-guard (clang) or trace-pc (gcc) the branches
 * of the parser that were taken are counted too. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t steps;
#define FDT_STEP(bytes) (steps += (bytes))

/* libs/string.c stays out; the computer has its own. */
#define strtoull_simple(s, end) strtoull(s, (char **)(end), 0)
#include "../../libs/bootargs.c"
#include "../../libs/discover_devices.c"
#include "../../libs/discover_harts.c"
#include "../../libs/fdt.c"
#include "../../libs/fdt_query.c"
#include "../../libs/machine.c"

/* Our own functions do not count as covered. */
#if defined(__clang__)
#define HARNESS __attribute__((no_sanitize("coverage")))
#else
#define HARNESS __attribute__((no_sanitize_coverage))
#endif

#define SEEDS_MAX     16
#define TOKENS_MAX    4096
#define TREE_MAX      (64u << 10)
#define WALKS_MAX     500 /* test_machine.c has the worst tree we know: 312 */
#define LINE_MAX_SIZE 160

struct seed {
    uint8_t data[TREE_MAX];
    uint32_t size, ntokens;
    uint32_t token[TOKENS_MAX]; /* their offsets */
};

static struct seed seeds[SEEDS_MAX];
static unsigned nseeds;
static unsigned long tree_number;

/* Coverage: a guard is set until its edge is taken (clang); gcc tells the
 * address only, so how many there are is not known. */

static unsigned long edges, edges_taken;
static uint8_t seen_pc[1u << 20];

HARNESS void
__sanitizer_cov_trace_pc_guard_init(uint32_t *guard, uint32_t *stop)
{
    for (; guard < stop; guard++, edges++)
        *guard = 1;
}

HARNESS void
__sanitizer_cov_trace_pc_guard(uint32_t *guard)
{
    edges_taken += *guard;
    *guard = 0;
}

HARNESS void
__sanitizer_cov_trace_pc(void)
{
    uint8_t *seen =
        &seen_pc[(uintptr_t)__builtin_return_address(0) % sizeof(seen_pc)];

    edges_taken += *seen == 0;
    *seen = 1;
}

HARNESS static void
claim(bool ok, const char *what)
{
    if (!ok) {
        printf("FAIL fuzz_fdt tree %lu: %s\n", tree_number, what);
        exit(1);
    }
}

static uint64_t random_state;

HARNESS static uint32_t
any(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

HARNESS static uint32_t
extreme(uint32_t size)
{
    static const uint32_t values[] = {
        0,          1,          2,          3,          4,          7,
        8,          9,          12,         31,         32,         64,
        255,        256,        0x1000,     0x7fffffff, 0x80000000, 0x80000001,
        0xfffffff0, 0xfffffffc, 0xfffffffe, 0xffffffff, 0x40000000, 0x10000000};
    uint32_t i = any(ARRAY_LEN(values) + 3);

    if (i < ARRAY_LEN(values))
        return values[i];
    return size + i - ARRAY_LEN(values) - 1; /* one less, size, one more */
}

HARNESS static void
put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

HARNESS static int
is_tree(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');

    return dot != NULL && strcmp(dot, ".dtb") == 0;
}

HARNESS static void
seed_load(struct seed *s, const char *path)
{
    FILE *file = fopen(path, "rb");
    struct token t = {0};
    const char *why;
    struct fdt f;

    claim(file != NULL, path);
    s->size = (uint32_t)fread(s->data, 1, TREE_MAX, file);
    fclose(file);
    claim(fdt_open(&f, s->data, s->size, &why) == 0, path);
    t.next = f.struct_off;
    while (s->ntokens < TOKENS_MAX && token_read(&f, t.next, &t) == NULL)
        s->token[s->ntokens++] = t.at;
}

/* By name, so that every computer makes the same trees. */
HARNESS static void
seeds_load(const char *dir)
{
    struct dirent **list;
    int n = scandir(dir, &list, is_tree, alphasort);
    char path[512];

    if (n <= 0) {
        printf("FAIL fuzz_fdt: no trees in %s\n", dir);
        exit(1);
    }
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
        if (nseeds < SEEDS_MAX)
            seed_load(&seeds[nseeds++], path);
        free(list[i]);
    }
    free(list);
}

/* The tree being made, with room to grow. */
static uint8_t work[2 * TREE_MAX];
static uint32_t work_size;

/* Put a copy of LEN bytes at FROM in front of AT, and mend the header. */
HARNESS static void
insert(uint32_t at, uint32_t from, uint32_t len)
{
    static uint8_t piece[TREE_MAX];

    if (work_size + len > sizeof(work) || from + len > work_size ||
        at > work_size)
        return;
    memcpy(piece, work + from, len);
    memmove(work + at + len, work + at, work_size - at);
    memcpy(work + at, piece, len);
    work_size += len;
    put32(work + 4, fdt_be32(work + 4) + len);
    put32(work + 36, fdt_be32(work + 36) + len);
    for (unsigned word = 8; word <= 16; word += 4) {
        if (fdt_be32(work + word) >= at)
            put32(work + word, fdt_be32(work + word) + len);
    }
}

/* Offset of some token of KIND (0: any); the tree may have changed since. */
HARNESS static uint32_t
some_token(const struct seed *s, uint32_t kind)
{
    uint32_t i = any(s->ntokens);

    for (uint32_t k = 0; k < s->ntokens; k++, i = (i + 1) % s->ntokens) {
        uint32_t at = s->token[i];

        if (kind == 0 || fdt_be32(s->data + at) == kind)
            return at;
    }
    return s->token[0];
}

/* Spoil the property at AT: a cell of its value, its length, its name. */
HARNESS static void
spoil_prop(const struct seed *s, uint32_t at)
{
    uint32_t len = fdt_be32(s->data + at + 4);

    switch (any(6)) {
    case 0:
        put32(work + at + 4, extreme(len));
        break;
    case 1:
        put32(work + at + 4, any(len + 5));
        break;
    case 2: /* the name of another */
        put32(work + at + 8, fdt_be32(s->data + some_token(s, FDT_PROP) + 8));
        break;
    case 3:
        if (len > 0)
            work[at + 12 + any(len)] = (uint8_t)any(256);
        break;
    default:
        if (len >= 4)
            put32(work + at + 12 + any(len / 4) * 4, extreme(work_size));
        break;
    }
}

HARNESS static void
spoil(const struct seed *s)
{
    static const uint32_t kinds[] = {FDT_BEGIN_NODE, FDT_END_NODE, FDT_PROP,
                                     FDT_NOP,        FDT_END,      0};
    uint32_t at = some_token(s, 0), to = some_token(s, 0), next;

    switch (any(20)) {
    case 0:
        for (uint32_t n = any(8) + 1; n > 0; n--)
            work[any(work_size)] ^= (uint8_t)(1u << any(8));
        break;
    case 1: /* cut, and perhaps the header admits it */
        if (any(4) != 0)
            break;
        work_size = any(work_size);
        if (work_size >= 8 && any(2) == 0)
            put32(work + 4, work_size);
        break;
    case 2:
        if (any(4) == 0 && work_size >= FDT_HEADER_SIZE)
            put32(work + 4 * any(10), extreme(work_size));
        break;
    case 3:
        if (work_size >= 4)
            put32(work + any(work_size / 4) * 4, extreme(work_size));
        break;
    case 4:
        put32(work + at, kinds[any(ARRAY_LEN(kinds))]);
        break;
    case 5:
        memmove(work + to, work + at, any(64) * 4);
        break;
    case 6: /* from one token to another, doubled */
        if (at < to && to <= work_size && work_size >= FDT_HEADER_SIZE)
            insert(any(2) ? at : some_token(s, 0), at, to - at);
        break;
    case 7: /* blanked out */
        next = fdt_be32(s->data + at) == FDT_PROP
                   ? ROUND_UP(at + 12 + fdt_be32(s->data + at + 4), 4)
                   : at + 4;
        for (; at < next; at += 4)
            put32(work + at, FDT_NOP);
        break;
    case 8: /* the name of a node */
        at = some_token(s, FDT_BEGIN_NODE) + 4;
        work[at + any(8)] = (uint8_t) "@/:\0ma\xff,"[any(8)];
        break;
    default:
        spoil_prop(s, some_token(s, FDT_PROP));
        break;
    }
}

HARNESS static void
check_line(const char *line)
{
    size_t len = strlen(line);

    claim(len > 0 && len <= LINE_MAX_SIZE, "length of the message");
    for (; *line != '\0'; line++)
        claim(*line >= ' ' && *line <= '~', "message is not one line");
}

HARNESS static void
check_node(const struct fdt *f, fdt_node n)
{
    static const char *const props[] = {"reg",    "compatible", "phandle",
                                        "ranges", "status",     "interrupts"};
    const char *name = props[any(ARRAY_LEN(props))];
    fdt_node path[FDT_MAX_DEPTH], c = fdt_first_child(f, n);
    uint64_t v64, a, s;
    uint32_t len, v32;
    const uint8_t *p = fdt_prop(f, n, name, &len);
    const char *str = fdt_string(f, n, name);
    unsigned depth;

    claim(fdt_name(f, n) + strlen(fdt_name(f, n)) <
              (const char *)f->base + f->size,
          "name of a node");
    if (p != NULL)
        claim(p >= f->base && p + len <= f->base + f->size, "property");
    claim(str == NULL || (p != NULL && strlen(str) < len), "string");
    claim(!fdt_u32(f, n, name, &v32) || len >= 4, "u32");
    claim(!fdt_u64(f, n, name, &v64) || len == 4 || len == 8, "u64");
    fdt_enabled(f, n);
    fdt_compatible(f, n, "simple-bus");
    if (any(16) != 0)
        return;
    depth = fdt_path(f, n, path);
    claim(depth >= 1 && depth <= FDT_MAX_DEPTH && path[depth - 1] == n &&
              path[0] == fdt_root(f),
          "path");
    claim(fdt_parent(f, n) == (depth > 1 ? path[depth - 2] : FDT_NONE),
          "parent");
    claim(c < 0 || (c == fdt_next(f, n) && fdt_parent(f, c) == n), "child");
    c = fdt_next_sibling(f, n);
    claim(c < 0 || (c > n && fdt_parent(f, c) == fdt_parent(f, n)), "sibling");
    depth = fdt_reg_count(f, n);
    claim(!fdt_reg(f, n, depth, &a, &s), "reg past its end");
    for (unsigned i = 0; i < MIN(depth, 4u); i++)
        claim(!fdt_reg(f, n, i, &a, &s) || a + s >= a, "reg");
}

HARNESS static void
check_walk(const struct fdt *f)
{
    static const char *const paths[] = {"/soc/serial@10000000:9600",
                                        "serial0:115200n8",
                                        "/cpus/cpu",
                                        "/bus/inner/uart",
                                        "/chosen",
                                        "serial1/",
                                        "/soc/plic@c000000",
                                        "/memory@80000000/x",
                                        ":"};
    fdt_node n, last = FDT_NONE;
    uint64_t a, s;
    unsigned i;

    for (n = fdt_root(f); n >= 0; last = n, n = fdt_next(f, n)) {
        claim(n > last && (uint32_t)n < f->size, "order of nodes");
        check_node(f, n);
    }
    n = fdt_find_path(f, paths[any(ARRAY_LEN(paths))]);
    claim(n < (fdt_node)f->size, "find path");
    n = fdt_find_phandle(f, any(12));
    claim(n < (fdt_node)f->size, "find phandle");
    last = FDT_NONE;
    while ((n = fdt_find_compatible(f, last, "virtio,mmio")) >= 0) {
        claim(n > last && fdt_compatible(f, n, "virtio,mmio"), "compatible");
        last = n;
    }
    for (i = 0; fdt_reserved(f, i, &a, &s); i++)
        claim(i < f->size / 16, "reservations");
    claim(!fdt_reserved(f, i + 1 + any(1u << 31), &a, &s), "reservations");
}

HARNESS static void
check_ranges(const struct mem_range *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        claim(r[i].size > 0 && r[i].start + r[i].size > r[i].start,
              "range wraps");
        claim(i == 0 || r[i - 1].start + r[i - 1].size < r[i].start,
              "ranges are not sorted and joined");
    }
}

HARNESS static void
check_machine(const struct machine *m, uint64_t boot)
{
    bool inside = m->initrd_start == m->initrd_end;
    char buf[16];

    claim(strnlen(m->model, sizeof(m->model)) < sizeof(m->model), "model");
    claim(m->nmem > 0 && m->nmem <= ARRAY_LEN(m->mem), "memory");
    check_ranges(m->mem, m->nmem);
    claim(m->nreserved <= ARRAY_LEN(m->reserved), "reserved");
    check_ranges(m->reserved, m->nreserved);
    claim(m->nharts > 0 && m->nharts <= MACHINE_MAX_HARTS &&
              m->timebase_hz > 0 && m->harts[0].hartid == boot,
          "harts");
    for (unsigned i = 0; i < m->nmem; i++) {
        if (m->initrd_start >= m->mem[i].start &&
            m->initrd_end <= m->mem[i].start + m->mem[i].size)
            inside = true;
    }
    claim(inside && m->initrd_start <= m->initrd_end, "initrd");
    claim(m->uart.kind == UART_NONE ||
              (m->uart.reg_shift <= 4 && m->uart.size >= 8 &&
               (m->uart.reg_io_width == 1 || m->uart.reg_io_width == 4)),
          "uart");
    claim(m->plic_ndev <= 1023, "plic");
    claim(m->nvirtio <= MACHINE_MAX_VIRTIO, "virtio");
    for (unsigned i = 1; i < m->nvirtio; i++)
        claim(m->virtio[i - 1].base <= m->virtio[i].base, "order of virtio");
    if (bootarg_get(m->bootargs, "root", buf, sizeof(buf)))
        claim(strlen(buf) < sizeof(buf), "boot argument");
}

/* Read the tree in WORK with everything; true if fdt_open() accepted it. */
HARNESS static bool
try_tree(void)
{
    uint32_t shift = any(4);
    uint8_t *memory = malloc(work_size + shift), *blob = memory + shift;
    char line[LINE_MAX_SIZE + 1];
    const char *why = NULL;
    struct machine m;
    uint64_t boot = any(5);
    struct fdt f;
    int err;

    memcpy(blob, work, work_size);
    steps = 0;
    err = fdt_open(&f, blob, work_size, &why);
    claim(steps <= 2 * (uint64_t)work_size, "fdt_open walks twice");
    if (err == 0) {
        check_walk(&f);
        memset(line, 1, sizeof(line));
        line[0] = '\0';
        steps = 0;
        err = machine_discover(&m, &f, boot, line, sizeof(line));
        claim(steps <= WALKS_MAX * (uint64_t)work_size, "discovery is slow");
        claim(err == 0 || err == -EINVAL || err == -ENODEV, "error number");
        if (err == 0)
            check_machine(&m, boot);
        else
            check_line(line);
        err = 0;
    } else {
        claim(err == -EINVAL && why != NULL, "error without a reason");
        check_line(why);
    }
    free(memory);
    return err == 0;
}

HARNESS int
main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
    unsigned long accepted = 0;

    random_state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    random_state = random_state * 0x9e3779b97f4a7c15 + 1;
    seeds_load(argc > 3 ? argv[3] : "lab-tests/host/dts");
    for (tree_number = 0; tree_number < count; tree_number++) {
        const struct seed *s = &seeds[any(nseeds)];

        memcpy(work, s->data, s->size);
        work_size = s->size;
        for (uint32_t n = any(4) + 1; n > 0 && work_size > 0; n--)
            spoil(s);
        accepted += try_tree();
    }
    printf("fuzz_fdt: %lu trees, %lu accepted, %lu refused, ", count, accepted,
           count - accepted);
    if (edges > 0)
        printf("edges %lu of %lu\n", edges_taken, edges);
    else if (edges_taken > 0)
        printf("edges %lu (gcc does not say of how many)\n", edges_taken);
    else
        printf("edges not counted (no -fsanitize-coverage)\n");
    return 0;
}
