/* devicetree.h: the flattened device tree, read in place.
 *
 * Nothing is allocated and nothing is trusted: every offset and length is
 * checked against the size of the blob, which itself is checked against a
 * limit.  Devicetree Specification 0.4, chapters 2 and 5. */
#ifndef LIBS_DEVICETREE_H
#define LIBS_DEVICETREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDT_MAX_SIZE  (2u << 20)
#define FDT_MAX_DEPTH 32 /* nodes within nodes, the root is the first */

/* A node: the offset of its FDT_BEGIN_NODE in the blob; the root is
 * fdt_root(). Negative values are "none". */
typedef int32_t fdt_node;
#define FDT_NONE (-1)

struct fdt {
    const uint8_t *base; /* start of the blob */
    uint32_t size;       /* totalsize, verified */
    uint32_t struct_off, struct_size;
    uint32_t strings_off, strings_size;
    uint32_t rsv_off, rsv_count; /* the entry (0, 0) is not counted */
    fdt_node root;
};

/* Words of the tree, at any alignment. */
static inline uint32_t
fdt_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

static inline uint64_t
fdt_be64(const uint8_t *p)
{
    return (uint64_t)fdt_be32(p) << 32 | fdt_be32(p + 4);
}

/* Check the header and the whole structure block at BLOB, of which AVAIL bytes
 * may be read.  Returns 0, or -EINVAL with *WHY set to a static sentence that
 * says what is wrong. After success no other call can run out of bounds, and
 * each takes time linear in the size of the tree. */
int fdt_open(struct fdt *f, const void *blob, size_t avail, const char **why);

fdt_node fdt_root(const struct fdt *f);
fdt_node fdt_first_child(const struct fdt *f, fdt_node n);
fdt_node fdt_next_sibling(const struct fdt *f, fdt_node n);
fdt_node fdt_parent(const struct fdt *f, fdt_node n);
/* The nodes from the root down to N, both included.  Returns how many there
 * are, 0 if there is no N. */
unsigned fdt_path(const struct fdt *f, fdt_node n,
                  fdt_node path[FDT_MAX_DEPTH]);
/* Next node in document order, at any depth; for scanning everything. */
fdt_node fdt_next(const struct fdt *f, fdt_node n);
/* The node's name with its unit address, terminated. */
const char *fdt_name(const struct fdt *f, fdt_node n);

/* The value of property NAME, *LEN bytes; NULL if there is none. */
const void *fdt_prop(const struct fdt *f, fdt_node n, const char *name,
                     uint32_t *len);
/* A property that is one string, terminated inside its length; else NULL. */
const char *fdt_string(const struct fdt *f, fdt_node n, const char *name);
/* One 32-bit cell; false if the property is missing or shorter. */
bool fdt_u32(const struct fdt *f, fdt_node n, const char *name, uint32_t *v);
/* 4 or 8 bytes, by the property's length (linux,initrd-start comes as both). */
bool fdt_u64(const struct fdt *f, fdt_node n, const char *name, uint64_t *v);
/* The string after S in a property that is a list of strings, NULL for S asks
 * for the first; NULL when no terminated string is left. */
const char *fdt_next_string(const void *list, uint32_t len, const char *s);
/* WORD is one of the strings of "compatible". */
bool fdt_compatible(const struct fdt *f, fdt_node n, const char *word);
/* status is missing, "okay" or "ok". */
bool fdt_enabled(const struct fdt *f, fdt_node n);

/* Entry INDEX of "reg", translated through the ranges of all parents to a CPU
 * address.  False if there is no such entry or it cannot be translated. */
bool fdt_reg(const struct fdt *f, fdt_node n, unsigned index, uint64_t *addr,
             uint64_t *size);

/* How many entries "reg" has, a last one that is cut off included, so that
 * reading them all notices it; 0 if there is no "reg". */
unsigned fdt_reg_count(const struct fdt *f, fdt_node n);

/* By path ("/soc/serial@10000000", or an alias "serial0", either followed by
 * ":options"), or by phandle; FDT_NONE if there is none. */
fdt_node fdt_find_path(const struct fdt *f, const char *path);
fdt_node fdt_find_phandle(const struct fdt *f, uint32_t phandle);
/* The node after AFTER (FDT_NONE: from the start) that is compatible. */
fdt_node fdt_find_compatible(const struct fdt *f, fdt_node after,
                             const char *word);

/* Entry INDEX of the header's memory reservation block; false past its end. */
bool fdt_reserved(const struct fdt *f, unsigned index, uint64_t *addr,
                  uint64_t *size);

#endif
