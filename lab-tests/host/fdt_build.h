/* fdt_build.h: what the tests of the device tree share: checks that say what
 * failed, and trees from a file or put together token by token.
 *
 * A tree is built in the order in which it is stored:
 *
 *     tree();                      the root is open
 *     begin("soc");
 *     text("compatible", "simple-bus");
 *     end();
 *     struct blob b = finish();    closed; b.p is to be freed
 *
 * Each blob is an allocation of exactly its size, so that the address sanitizer
 * sees the first byte read too far.
 *
 * => include after libs/fdt.c, whose names of tokens it uses */
#ifndef HOST_FDT_BUILD_H
#define HOST_FDT_BUILD_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __attribute__((unused)) const char *dir = "lab-tests/host/dts";
static int passed, failed, skipped;
static bool test_ok;
static const char *test_name;

#define CHECK(expr)                                                     \
    do {                                                                \
        if (!(expr)) {                                                  \
            printf("FAIL %s %s:%d %s\n", test_name, __FILE__, __LINE__, \
                   #expr);                                              \
            test_ok = false;                                            \
        }                                                               \
    } while (0)

#define EQ(a, b)                                                           \
    do {                                                                   \
        unsigned long long x_ = (unsigned long long)(a);                   \
        unsigned long long y_ = (unsigned long long)(b);                   \
                                                                           \
        if (x_ != y_) {                                                    \
            printf("FAIL %s %s:%d %s == %s (0x%llx, 0x%llx)\n", test_name, \
                   __FILE__, __LINE__, #a, #b, x_, y_);                    \
            test_ok = false;                                               \
        }                                                                  \
    } while (0)

#define STREQ(a, b)                                                          \
    do {                                                                     \
        const char *x_ = (a), *y_ = (b);                                     \
                                                                             \
        if (x_ == NULL || strcmp(x_, y_) != 0) {                             \
            printf("FAIL %s %s:%d %s == %s (\"%s\")\n", test_name, __FILE__, \
                   __LINE__, #a, #b, x_ == NULL ? "NULL" : x_);              \
            test_ok = false;                                                 \
        }                                                                    \
    } while (0)

/* Trees: a file, or built token by token. */

struct blob {
    uint8_t *p;
    size_t size;
};

static __attribute__((unused)) bool
blob_load(struct blob *b, const char *folder, const char *name)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL)
        return false;
    b->p = malloc(FDT_MAX_SIZE);
    b->size = fread(b->p, 1, FDT_MAX_SIZE, file);
    b->p = realloc(b->p, b->size);
    fclose(file);
    return true;
}

static uint8_t tokens[FDT_MAX_SIZE];
static char names[4096];
static uint32_t ntokens, nnames;
static uint64_t rsv[128]; /* pairs: address, size */
static unsigned nrsv;

static void
put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void
token(uint32_t v)
{
    put32(tokens + ntokens, v);
    ntokens += 4;
}

static void
bytes(const void *p, uint32_t len)
{
    if (len > 0)
        memcpy(tokens + ntokens, p, len);
    memset(tokens + ntokens + len, 0, 3);
    ntokens += ROUND_UP(len, 4);
}

static uint32_t
name_offset(const char *name)
{
    uint32_t off = 0;

    while (off < nnames && strcmp(names + off, name) != 0)
        off += (uint32_t)strlen(names + off) + 1;
    if (off == nnames) {
        strcpy(names + off, name);
        nnames += (uint32_t)strlen(name) + 1;
    }
    return off;
}

static void
prop(const char *name, const void *p, uint32_t len)
{
    token(FDT_PROP);
    token(len);
    token(name_offset(name));
    bytes(p, len);
}

static void
text(const char *name, const char *value)
{
    prop(name, value, (uint32_t)strlen(value) + 1);
}

static void
cells(const char *name, unsigned n, ...)
{
    uint8_t buf[256];
    va_list ap;

    va_start(ap, n);
    for (unsigned i = 0; i < n; i++)
        put32(buf + 4 * i, va_arg(ap, uint32_t));
    va_end(ap);
    prop(name, buf, 4 * n);
}

static void
begin(const char *name)
{
    token(FDT_BEGIN_NODE);
    bytes(name, (uint32_t)strlen(name) + 1);
}

static void
end(void)
{
    token(FDT_END_NODE);
}

/* Start a tree; the root is open and has 1-cell addresses and sizes. */
static __attribute__((unused)) void
tree(void)
{
    ntokens = nnames = nrsv = 0;
    begin("");
    cells("#address-cells", 1, 1);
    cells("#size-cells", 1, 1);
}

/* Put header and blocks together, each block right after the one before. */
static struct blob
assemble(void)
{
    uint32_t rsv_size = (nrsv + 1) * 16, at = FDT_HEADER_SIZE;
    struct blob b = {.size = at + rsv_size + ntokens + nnames};
    uint32_t header[10] = {FDT_MAGIC,
                           (uint32_t)b.size,
                           at + rsv_size,
                           at + rsv_size + ntokens,
                           at,
                           17,
                           16,
                           0,
                           nnames,
                           ntokens};

    b.p = calloc(1, b.size);
    for (int i = 0; i < 10; i++)
        put32(b.p + 4 * i, header[i]);
    for (unsigned i = 0; i < 2 * nrsv; i++) {
        put32(b.p + at + 8 * i, (uint32_t)(rsv[i] >> 32));
        put32(b.p + at + 8 * i + 4, (uint32_t)rsv[i]);
    }
    memcpy(b.p + at + rsv_size, tokens, ntokens);
    memcpy(b.p + at + rsv_size + ntokens, names, nnames);
    return b;
}

/* Close the root and the tree. */
static struct blob
finish(void)
{
    end();
    token(FDT_END);
    return assemble();
}

static struct fdt
opened(struct blob b)
{
    struct fdt f = {.root = FDT_NONE};
    const char *why = NULL;

    EQ(fdt_open(&f, b.p, b.size, &why), 0);
    return f;
}

static void
run(const char *name, void (*test)(void))
{
    int skipped_before = skipped;

    test_name = name;
    test_ok = true;
    test();
    if (skipped != skipped_before)
        return;
    if (test_ok) {
        printf("ok %s\n", name);
        passed++;
    } else {
        failed++;
    }
}

#define RUN(name) run(#name, test_##name)

static int
verdict(const char *program)
{
    printf("%s: %d passed, %d failed", program, passed, failed);
    if (skipped > 0)
        printf(", %d skipped", skipped);
    printf("\n");
    return failed != 0;
}

#endif
