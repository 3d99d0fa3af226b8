/* fdt_query.c: what the properties of a device tree say.
 *
 * Built on fdt_prop() and the walks of fdt.c alone: it never sees a token, so
 * it needs no bounds but the length of the property it reads.
 *
 * An address in "reg" is one of the bus the node sits on, counted in 32-bit
 * cells; how many is said by the bus.  To become an address a load can use, it
 * goes up the tree and is moved by each bus it passes:
 *
 *     /            #address-cells = 2
 *       soc        #address-cells = 1   ranges = <0x0  0x0 0x10000000  0x10000>
 *         uart                          reg = <0x200 0x100>
 *
 *     uart: 0x200 in soc; soc says its 0x0 is 0x10000000 of the root;
 *     so the CPU sees the uart at 0x10000200
 *
 * Empty ranges mean "the same on both sides", missing ranges "not reachable".
 *
 * Devicetree Specification 0.4, chapters 2.3 and 3. */
#include <devicetree.h>

#include <string.h>
#include <util.h>

#define ALIAS_MAX 32 /* the specification allows 31 characters */

const char *
fdt_next_string(const void *list, uint32_t len, const char *s)
{
    const char *end = (const char *)list + len;

    s = s == NULL ? list : s + strlen(s) + 1;
    if (s == end || memchr(s, '\0', (size_t)(end - s)) == NULL)
        return NULL;
    return s;
}

const char *
fdt_string(const struct fdt *f, fdt_node n, const char *name)
{
    uint32_t len;
    const void *list = fdt_prop(f, n, name, &len);

    return list == NULL ? NULL : fdt_next_string(list, len, NULL);
}

bool
fdt_u32(const struct fdt *f, fdt_node n, const char *name, uint32_t *v)
{
    uint32_t len;
    const uint8_t *p = fdt_prop(f, n, name, &len);

    if (p == NULL || len < 4)
        return false;
    *v = fdt_be32(p);
    return true;
}

bool
fdt_u64(const struct fdt *f, fdt_node n, const char *name, uint64_t *v)
{
    uint32_t len;
    const uint8_t *p = fdt_prop(f, n, name, &len);

    if (p == NULL || (len != 4 && len != 8))
        return false;
    *v = len == 4 ? fdt_be32(p) : fdt_be64(p);
    return true;
}

bool
fdt_compatible(const struct fdt *f, fdt_node n, const char *word)
{
    uint32_t len;
    const void *list = fdt_prop(f, n, "compatible", &len);
    const char *s = NULL;

    while (list != NULL && (s = fdt_next_string(list, len, s)) != NULL) {
        if (strcmp(s, word) == 0)
            return true;
    }
    return false;
}

bool
fdt_enabled(const struct fdt *f, fdt_node n)
{
    uint32_t len;
    const char *s = fdt_string(f, n, "status");

    if (s == NULL)
        return fdt_prop(f, n, "status", &len) == NULL;
    return strcmp(s, "okay") == 0 || strcmp(s, "ok") == 0;
}

/* How many cells an address and a size take among the children of a node. */
struct cells {
    uint32_t addr, size;
};

static struct cells
cells_of(const struct fdt *f, fdt_node bus)
{
    struct cells c = {.addr = 2, .size = 1};

    fdt_u32(f, bus, "#address-cells", &c.addr);
    fdt_u32(f, bus, "#size-cells", &c.size);
    return c;
}

/* An address of 3 cells (PCI) or 0 cells is none the CPU can use. */
static bool
cells_usable(struct cells c)
{
    return c.addr >= 1 && c.addr <= 2 && c.size <= 2;
}

/* Take COUNT cells (0 to 2) off *P. */
static uint64_t
cells_take(const uint8_t **p, uint32_t count)
{
    uint64_t v = 0;

    for (; count > 0; count--, *p += 4)
        v = v << 32 | fdt_be32(*p);
    return v;
}

unsigned
fdt_reg_count(const struct fdt *f, fdt_node n)
{
    uint32_t len;
    struct cells c;

    if (fdt_prop(f, n, "reg", &len) == NULL || len == 0)
        return 0;
    c = cells_of(f, fdt_parent(f, n));
    if (!cells_usable(c))
        return 1;
    return (len - 1) / (4 * (c.addr + c.size)) + 1;
}

/* Move ADDR, the start of SIZE bytes on BUS, to the bus UP it sits on. */
static bool
bus_translate(const struct fdt *f, fdt_node bus, fdt_node up, uint64_t *addr,
              uint64_t size)
{
    struct cells below = cells_of(f, bus), above = cells_of(f, up);
    uint32_t len, row;
    const uint8_t *p = fdt_prop(f, bus, "ranges", &len);

    if (p == NULL || !cells_usable(below) || !cells_usable(above))
        return false;
    if (len == 0)
        return true;
    row = 4 * (below.addr + above.addr + below.size);
    for (; len >= row; len -= row) {
        uint64_t from = cells_take(&p, below.addr);
        uint64_t to = cells_take(&p, above.addr);
        uint64_t extent = cells_take(&p, below.size);

        if (*addr >= from && *addr - from < extent &&
            size <= extent - (*addr - from)) {
            *addr = *addr - from + to;
            return *addr >= to && size <= UINT64_MAX - *addr;
        }
    }
    return false;
}

bool
fdt_reg(const struct fdt *f, fdt_node n, unsigned index, uint64_t *addr,
        uint64_t *size)
{
    fdt_node path[FDT_MAX_DEPTH];
    uint32_t len, entry;
    struct cells c;
    const uint8_t *p = fdt_prop(f, n, "reg", &len);
    unsigned depth;
    uint64_t a, s;

    if (p == NULL || (depth = fdt_path(f, n, path)) < 2)
        return false;
    c = cells_of(f, path[depth - 2]);
    if (!cells_usable(c))
        return false;
    entry = 4 * (c.addr + c.size);
    if (index >= len / entry)
        return false;
    p += (size_t)index * entry;
    a = cells_take(&p, c.addr);
    s = cells_take(&p, c.size);
    if (s > UINT64_MAX - a)
        return false;
    for (unsigned i = depth - 2; i > 0; i--) {
        if (!bus_translate(f, path[i], path[i - 1], &a, s))
            return false;
    }
    *addr = a;
    *size = s;
    return true;
}

/* How far S goes before a '/', a ':' or its end. */
static size_t
part_len(const char *s)
{
    size_t len = 0;

    while (s[len] != '\0' && s[len] != '/' && s[len] != ':')
        len++;
    return len;
}

/* The child of N whose name is the LEN characters at S.  They may leave out the
 * unit address. */
static fdt_node
child_find(const struct fdt *f, fdt_node n, const char *s, size_t len)
{
    bool whole = memchr(s, '@', len) != NULL;
    fdt_node c;

    for (c = fdt_first_child(f, n); c >= 0; c = fdt_next_sibling(f, c)) {
        const char *name = fdt_name(f, c);

        if (strncmp(name, s, len) == 0 &&
            (name[len] == '\0' || (name[len] == '@' && !whole)))
            break;
    }
    return c;
}

/* Follow "/a/b/c" down from N, to the end of S or to a ':'. */
static fdt_node
path_follow(const struct fdt *f, fdt_node n, const char *s)
{
    while (n >= 0 && *s == '/') {
        size_t len = part_len(++s);

        if (len > 0)
            n = child_find(f, n, s, len);
        s += len;
    }
    return n;
}

fdt_node
fdt_find_path(const struct fdt *f, const char *path)
{
    char alias[ALIAS_MAX] = "";
    size_t len = part_len(path);
    const char *target;

    if (path[0] == '/')
        return path_follow(f, fdt_root(f), path);
    if (len == 0 || len >= sizeof(alias))
        return FDT_NONE;
    memcpy(alias, path, len);
    target = fdt_string(f, fdt_find_path(f, "/aliases"), alias);
    /* An alias stands for a path, not for another alias. */
    if (target == NULL || target[0] != '/')
        return FDT_NONE;
    return path_follow(f, path_follow(f, fdt_root(f), target), path + len);
}

fdt_node
fdt_find_phandle(const struct fdt *f, uint32_t phandle)
{
    fdt_node n;
    uint32_t v;

    for (n = fdt_root(f); n >= 0; n = fdt_next(f, n)) {
        if ((fdt_u32(f, n, "phandle", &v) ||
             fdt_u32(f, n, "linux,phandle", &v)) &&
            v == phandle)
            break;
    }
    return n;
}

fdt_node
fdt_find_compatible(const struct fdt *f, fdt_node after, const char *word)
{
    fdt_node n = after < 0 ? fdt_root(f) : fdt_next(f, after);

    while (n >= 0 && !fdt_compatible(f, n, word))
        n = fdt_next(f, n);
    return n;
}
