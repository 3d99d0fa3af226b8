/* fdt.c: the flattened device tree, read in place.
 *
 * The firmware describes the machine as a tree of nodes with properties, and
 * leaves it in memory as one blob of big-endian words:
 *
 *     header         magic, size, where the three blocks are
 *     reservations   pairs (address, size), the last is (0, 0)
 *     structure      tokens, each on a 4-byte boundary:
 *
 *         BEGIN_NODE "soc"
 *             PROP length, name, value        properties come first,
 *             BEGIN_NODE "serial@10000000"    then the children
 *                 PROP ...
 *             END_NODE
 *         END_NODE
 *         END
 *
 *     strings        the names of all properties; PROP holds an offset here
 *
 * There is no index and no way back: everything is found by reading tokens
 * forward from a place one knows.  A node is therefore the offset of its
 * BEGIN_NODE, and "who is my parent" is a walk from the root.
 *
 * The blob comes from outside, so it is read with suspicion twice over.
 * fdt_open() walks all of it once and refuses what is not well formed; and the
 * one function that decodes tokens, token_read(), checks bounds on every call.
 * No walk is nested in another over the same tokens, so each call here is
 * linear in the size of the blob, whatever its shape.  Words are put together
 * from bytes, because the blob need not be aligned.
 *
 * This file runs before the kernel has its final addresses.  It has no tables
 * of pointers, which would hold addresses of the link.  What a property means
 * is the subject of fdt_query.c, which knows nothing of tokens.
 *
 * Devicetree Specification 0.4, chapters 2 and 5. */
#include <devicetree.h>

#include <errno.h>
#include <string.h>
#include <util.h>

/* Tests count the bytes walked over, to see that no tree makes us slow. */
#ifndef FDT_STEP
#define FDT_STEP(bytes) ((void)0)
#endif

#define FDT_MAGIC       0xd00dfeed
#define FDT_VERSION     17
#define FDT_HEADER_SIZE 40

enum {
    FDT_BEGIN_NODE = 1,
    FDT_END_NODE = 2,
    FDT_PROP = 3,
    FDT_NOP = 4,
    FDT_END = 9,
};

/* All positions are offsets in the blob. */
struct token {
    uint32_t kind;
    uint32_t at, next;         /* this token and the one after it */
    uint32_t name, value, len; /* of a property */
};

/* Decode the token at AT.  Returns NULL, or a sentence that says why there is
 * none. */
static const char *
token_read(const struct fdt *f, uint32_t at, struct token *t)
{
    uint32_t end = f->struct_off + f->struct_size;
    const uint8_t *p = f->base + at, *nul;

    if (at < f->struct_off || at > end || end - at < 4)
        return "the structure block ends too early";
    t->kind = fdt_be32(p);
    t->at = at;
    t->next = at + 4;
    if (t->kind == FDT_BEGIN_NODE) {
        nul = memchr(p + 4, '\0', end - t->next);
        if (nul == NULL)
            return "the name of a node is not terminated";
        t->next = ROUND_UP((uint32_t)(nul - f->base) + 1, 4);
    } else if (t->kind == FDT_PROP) {
        if (end - at < 12)
            return "a property is cut off";
        t->len = fdt_be32(p + 4);
        t->name = fdt_be32(p + 8);
        t->value = at + 12;
        if (t->len > end - t->value)
            return "a property is longer than the structure block";
        if (t->name >= f->strings_size)
            return "the name of a property is outside the strings block";
        t->name += f->strings_off;
        t->next = ROUND_UP(t->value + t->len, 4);
    } else if (t->kind != FDT_END_NODE && t->kind != FDT_NOP &&
               t->kind != FDT_END) {
        return "the structure block holds an unknown token";
    }
    FDT_STEP(t->next - at);
    return NULL;
}

/* Go on to the next token that is not a NOP; false if there is none. */
static bool
token_next(const struct fdt *f, struct token *t)
{
    do {
        if (token_read(f, t->next, t) != NULL)
            return false;
    } while (t->kind == FDT_NOP);
    return true;
}

/* Read the BEGIN_NODE of N, so that token_next() gives what is inside. */
static bool
token_enter(const struct fdt *f, fdt_node n, struct token *t)
{
    return n >= 0 && token_read(f, (uint32_t)n, t) == NULL &&
           t->kind == FDT_BEGIN_NODE;
}

static bool
block_inside(const struct fdt *f, uint32_t off, uint32_t size)
{
    return off <= f->size && size <= f->size - off;
}

static const char *
header_check(struct fdt *f, const void *blob, size_t avail)
{
    const uint8_t *p = blob;

    if (avail < FDT_HEADER_SIZE)
        return "the header is cut off";
    if (fdt_be32(p) != FDT_MAGIC)
        return "there is no device tree: the magic number is wrong";
    *f = (struct fdt){.base = p,
                      .size = fdt_be32(p + 4),
                      .struct_off = fdt_be32(p + 8),
                      .strings_off = fdt_be32(p + 12),
                      .rsv_off = fdt_be32(p + 16),
                      .strings_size = fdt_be32(p + 32),
                      .struct_size = fdt_be32(p + 36),
                      .root = FDT_NONE};
    if (fdt_be32(p + 20) < FDT_VERSION || fdt_be32(p + 24) > FDT_VERSION)
        return "its version is not 17 or compatible with it";
    if (f->size < FDT_HEADER_SIZE || f->size > FDT_MAX_SIZE)
        return "its size is smaller than a header or larger than 2 MiB";
    if (f->size > avail)
        return "it is larger than the memory it is in";
    if (!block_inside(f, f->struct_off, f->struct_size))
        return "the structure block is not inside";
    if (!block_inside(f, f->strings_off, f->strings_size))
        return "the strings block is not inside";
    if (f->struct_off % 4 != 0 || f->rsv_off % 8 != 0)
        return "a block is not aligned";
    /* What follows the last terminator is no name.  Without it, every offset
     * into the block is the start of a terminated one. */
    while (f->strings_size > 0 &&
           p[f->strings_off + f->strings_size - 1] != '\0')
        f->strings_size--;
    return NULL;
}

static const char *
reservations_check(struct fdt *f)
{
    uint32_t off = f->rsv_off;

    for (; block_inside(f, off, 16); off += 16, f->rsv_count++) {
        if (fdt_be64(f->base + off) == 0 && fdt_be64(f->base + off + 8) == 0)
            return NULL;
    }
    return "the memory reservation block has no end";
}

/* The one complete walk: brackets match, one root, properties before children.
 * A node that had a child has just seen an END_NODE, so one flag is enough to
 * know whether properties may come. */
static const char *
structure_check(struct fdt *f)
{
    struct token t = {.next = f->struct_off};
    unsigned depth = 0;
    bool may_prop = false;

    for (;;) {
        const char *why = token_read(f, t.next, &t);

        if (why != NULL)
            return why;
        if (t.kind == FDT_BEGIN_NODE) {
            if (depth == 0 && f->root != FDT_NONE)
                return "there is more than one root node";
            if (depth == FDT_MAX_DEPTH)
                return "nodes are nested more than 32 deep";
            if (depth++ == 0)
                f->root = (fdt_node)t.at;
            may_prop = true;
        } else if (t.kind == FDT_END_NODE) {
            if (depth-- == 0)
                return "a node ends that did not begin";
            may_prop = false;
        } else if (t.kind == FDT_PROP && !may_prop) {
            return "a property is not at the start of a node";
        } else if (t.kind == FDT_END) {
            if (depth != 0)
                return "the tree ends inside a node";
            return f->root == FDT_NONE ? "there is no root node" : NULL;
        }
    }
}

int
fdt_open(struct fdt *f, const void *blob, size_t avail, const char **why)
{
    *why = header_check(f, blob, avail);
    if (*why == NULL)
        *why = reservations_check(f);
    if (*why == NULL)
        *why = structure_check(f);
    return *why == NULL ? 0 : -EINVAL;
}

fdt_node
fdt_root(const struct fdt *f)
{
    return f->root;
}

fdt_node
fdt_first_child(const struct fdt *f, fdt_node n)
{
    struct token t;
    bool more = token_enter(f, n, &t) && token_next(f, &t);

    while (more && t.kind == FDT_PROP)
        more = token_next(f, &t);
    return more && t.kind == FDT_BEGIN_NODE ? (fdt_node)t.at : FDT_NONE;
}

fdt_node
fdt_next_sibling(const struct fdt *f, fdt_node n)
{
    struct token t;
    unsigned depth = 1;

    if (!token_enter(f, n, &t))
        return FDT_NONE;
    while (depth > 0) {
        if (!token_next(f, &t))
            return FDT_NONE;
        depth += t.kind == FDT_BEGIN_NODE;
        depth -= t.kind == FDT_END_NODE;
    }
    if (!token_next(f, &t) || t.kind != FDT_BEGIN_NODE)
        return FDT_NONE;
    return (fdt_node)t.at;
}

fdt_node
fdt_next(const struct fdt *f, fdt_node n)
{
    struct token t;

    if (!token_enter(f, n, &t))
        return FDT_NONE;
    while (token_next(f, &t) && t.kind != FDT_END) {
        if (t.kind == FDT_BEGIN_NODE)
            return (fdt_node)t.at;
    }
    return FDT_NONE;
}

unsigned
fdt_path(const struct fdt *f, fdt_node n, fdt_node path[FDT_MAX_DEPTH])
{
    struct token t = {.next = (uint32_t)f->root};
    unsigned depth = 0;

    while (token_next(f, &t) && (fdt_node)t.at <= n && t.kind != FDT_END) {
        if (t.kind == FDT_BEGIN_NODE)
            path[depth++] = (fdt_node)t.at;
        if ((fdt_node)t.at == n)
            return depth;
        depth -= t.kind == FDT_END_NODE;
    }
    return 0;
}

fdt_node
fdt_parent(const struct fdt *f, fdt_node n)
{
    fdt_node path[FDT_MAX_DEPTH];
    unsigned depth = fdt_path(f, n, path);

    return depth > 1 ? path[depth - 2] : FDT_NONE;
}

const char *
fdt_name(const struct fdt *f, fdt_node n)
{
    struct token t;

    return token_enter(f, n, &t) ? (const char *)f->base + t.at + 4 : "";
}

const void *
fdt_prop(const struct fdt *f, fdt_node n, const char *name, uint32_t *len)
{
    struct token t;

    if (!token_enter(f, n, &t))
        return NULL;
    while (token_next(f, &t) && t.kind == FDT_PROP) {
        if (strcmp((const char *)f->base + t.name, name) == 0) {
            *len = t.len;
            return f->base + t.value;
        }
    }
    return NULL;
}

bool
fdt_reserved(const struct fdt *f, unsigned index, uint64_t *addr,
             uint64_t *size)
{
    const uint8_t *p = f->base + f->rsv_off;

    if (index >= f->rsv_count)
        return false;
    *addr = fdt_be64(p + (size_t)index * 16);
    *size = fdt_be64(p + (size_t)index * 16 + 8);
    return true;
}
