/* machine.c: the order of discovery; memory and what the boot loader says.
 *
 *     model       for people
 *     memory      what is RAM, and what of it is not ours
 *     chosen      boot arguments, initial RAM disk
 *     harts       which of them run a kernel          (discover_harts.c)
 *     devices     uart, interrupts, virtio, power     (discover_devices.c)
 *
 * Discovery refuses a tree only where going on would do harm or where it would
 * fail later with less to say: no RAM, a reserved range that cannot be read, a
 * boot hart without an MMU.  Each refusal is one sentence.  A device that
 * is missing or described badly is left out.
 *
 * A hostile tree may hold a hundred thousand nodes, and fdt_reg() is a walk
 * over all of them.  So it is called a bounded number of times: everything here
 * is linear in the size of the tree. */
#include <machine.h>

#include <discover.h>

#include <errno.h>
#include <printfmt.h>
#include <string.h>
#include <util.h>

/* Entries we look at before they are sorted and joined. */
#define ENTRIES_MAX 64

int
discover_refuse(struct discovery *d, int err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(d->why, d->why_size, fmt, ap);
    va_end(ap);
    return err;
}

static void
discover_model(struct discovery *d)
{
    const char *s = fdt_string(d->f, fdt_root(d->f), "model");
    char *to = d->m->model;

    if (s == NULL)
        s = fdt_string(d->f, fdt_root(d->f), "compatible");
    if (s == NULL)
        s = "unknown";
    /* It goes to the console, so it may hold nothing a terminal obeys. */
    for (; *s != '\0' && to < d->m->model + sizeof(d->m->model) - 1; s++)
        *to++ = *s >= ' ' && *s <= '~' ? *s : '?';
    *to = '\0';
}

/* Add [START, START + SIZE) to the N sorted ranges at R and join what then
 * touches.  False if there is no room for one more of MAX. */
static bool
range_add(struct mem_range *r, unsigned *n, unsigned max, uint64_t start,
          uint64_t size)
{
    uint64_t end = start + size;
    unsigned first = 0, after;

    while (first < *n && r[first].start + r[first].size < start)
        first++;
    for (after = first; after < *n && r[after].start <= end; after++) {
        start = MIN(start, r[after].start);
        end = MAX(end, r[after].start + r[after].size);
    }
    if (after == first && *n == max)
        return false;
    memmove(&r[first + 1], &r[after], (*n - after) * sizeof(*r));
    r[first] = (struct mem_range){start, end - start};
    *n = *n - (after - first) + 1;
    return true;
}

/* Nodes are called "memory@80000000", but the number is only a name: one
 * vendor has RAM at 0x40000000 under it.  A "memory-controller" is not RAM. */
static bool
is_memory(const struct fdt *f, fdt_node n)
{
    const char *type = fdt_string(f, n, "device_type");
    const char *name = fdt_name(f, n);

    if (type != NULL)
        return strcmp(type, "memory") == 0;
    return strncmp(name, "memory", 6) == 0 &&
           (name[6] == '\0' || name[6] == '@');
}

/* The tree says that N is near some harts. */
static void
note_node(struct machine *m, const struct fdt *f, fdt_node n,
          struct mem_range mem)
{
    uint32_t node;

    if (m->nnear == MACHINE_MAX_NEAR || !fdt_u32(f, n, "numa-node-id", &node))
        return;
    m->near[m->nnear].mem = mem;
    m->near[m->nnear++].node = node;
}

static int
discover_memory(struct discovery *d)
{
    /* LAB 0.2: which addresses are RAM?
     *
     * The tree says so: each child of the root that is_memory() and is enabled
     * (fdt_enabled()) has some ranges (fdt_reg_count(), fdt_reg()). Add each
     * that is not empty to the sorted list m->mem with range_add(), and
     * note_node() where it is near. A range that cannot be read, more than
     * ENTRIES_MAX entries, more separate ranges than there is room for, and a
     * machine without any RAM are refused with one sentence each:
     * discover_refuse() returns the error. */
    struct machine *m = d->m;
    const struct fdt *f = d->f;
    unsigned entries = 0;
    uint64_t start, size;
    fdt_node n;

    for (n = fdt_first_child(f, fdt_root(f)); n >= 0;
         n = fdt_next_sibling(f, n)) {
        if (!is_memory(f, n) || !fdt_enabled(f, n))
            continue;
        for (unsigned i = 0, count = fdt_reg_count(f, n); i < count; i++) {
            if (!fdt_reg(f, n, i, &start, &size))
                return discover_refuse(d, -EINVAL,
                                       "memory: entry %u of reg is no range of "
                                       "addresses",
                                       i);
            if (++entries > ENTRIES_MAX ||
                (size > 0 &&
                 !range_add(m->mem, &m->nmem, MACHINE_MAX_RANGES, start, size)))
                return discover_refuse(d, -EINVAL,
                                       "memory: more than %u separate ranges",
                                       MACHINE_MAX_RANGES);
            note_node(m, f, n, (struct mem_range){start, size});
        }
    }
    if (m->nmem == 0)
        return discover_refuse(d, -ENODEV,
                               "memory: no memory node has a range");
    return 0;
    /* STUB: return discover_refuse(d, -ENODEV, "memory: nobody looks for it yet"); */
    /* END 0.2 */
}

static bool
range_holds(struct mem_range outer, struct mem_range inner)
{
    return inner.start >= outer.start &&
           inner.start + inner.size <= outer.start + outer.size;
}

/* Two owners of one byte: whom do we believe?  One range within the other is
 * common (a firmware repeats itself) and harmless. */
static bool
ranges_conflict(struct mem_range a, struct mem_range b)
{
    return a.start < b.start + b.size && b.start < a.start + a.size &&
           !range_holds(a, b) && !range_holds(b, a);
}

static int
reserve(struct discovery *d, uint64_t start, uint64_t size)
{
    struct machine *m = d->m;

    if (size > UINT64_MAX - start)
        return discover_refuse(d, -EINVAL,
                               "reserved memory: 0x%llx bytes at 0x%llx is no "
                               "range of addresses",
                               (unsigned long long)size,
                               (unsigned long long)start);
    if (size > 0 && !range_add(m->reserved, &m->nreserved,
                               ARRAY_LEN(m->reserved), start, size))
        return discover_refuse(d, -EINVAL,
                               "reserved memory: more than %u separate ranges",
                               (unsigned)ARRAY_LEN(m->reserved));
    return 0;
}

/* The entries of one child of /reserved-memory; those of its elder sisters are
 * the NSEEN at SEEN. */
static int
reserve_node(struct discovery *d, fdt_node n, struct mem_range *seen,
             unsigned *nseen)
{
    struct mem_range r;

    for (unsigned i = 0, count = fdt_reg_count(d->f, n); i < count; i++) {
        if (*nseen == ENTRIES_MAX)
            return discover_refuse(d, -EINVAL,
                                   "reserved memory: more than %u entries",
                                   ENTRIES_MAX);
        if (!fdt_reg(d->f, n, i, &r.start, &r.size))
            return discover_refuse(d, -EINVAL,
                                   "reserved memory: entry %u of a reg is no "
                                   "range of addresses",
                                   i);
        for (unsigned k = 0; k < *nseen; k++) {
            if (ranges_conflict(seen[k], r))
                return discover_refuse(
                    d, -EINVAL,
                    "reserved memory: 0x%llx-0x%llx and 0x%llx-0x%llx overlap",
                    (unsigned long long)seen[k].start,
                    (unsigned long long)(seen[k].start + seen[k].size),
                    (unsigned long long)r.start,
                    (unsigned long long)(r.start + r.size));
        }
        seen[(*nseen)++] = r;
        int err = reserve(d, r.start, r.size);
        if (err != 0)
            return err;
    }
    return 0;
}

static int
discover_reserved(struct discovery *d)
{
    struct mem_range seen[ENTRIES_MAX];
    unsigned nseen = 0;
    uint64_t start, size;
    int err = 0;
    fdt_node n = fdt_find_path(d->f, "/reserved-memory");

    for (unsigned i = 0; err == 0 && fdt_reserved(d->f, i, &start, &size); i++)
        err = reserve(d, start, size);
    /* A child without reg asks for memory of our choice; nobody uses it. */
    for (n = fdt_first_child(d->f, n); err == 0 && n >= 0;
         n = fdt_next_sibling(d->f, n)) {
        if (fdt_enabled(d->f, n))
            err = reserve_node(d, n, seen, &nseen);
    }
    return err;
}

static int
discover_initrd(struct discovery *d, fdt_node chosen)
{
    struct machine *m = d->m;
    const struct fdt *f = d->f;
    struct mem_range r;
    uint32_t len;
    uint64_t end;

    if (fdt_prop(f, chosen, "linux,initrd-start", &len) == NULL &&
        fdt_prop(f, chosen, "linux,initrd-end", &len) == NULL)
        return 0;
    if (!fdt_u64(f, chosen, "linux,initrd-start", &r.start) ||
        !fdt_u64(f, chosen, "linux,initrd-end", &end))
        return discover_refuse(d, -EINVAL,
                               "initrd: start and end must both be numbers of "
                               "4 or 8 bytes");
    if (end < r.start)
        return discover_refuse(
            d, -EINVAL, "initrd: its end 0x%llx is before its start 0x%llx",
            (unsigned long long)end, (unsigned long long)r.start);
    r.size = end - r.start;
    if (r.size == 0)
        return 0;
    for (unsigned i = 0; i < m->nmem; i++) {
        if (range_holds(m->mem[i], r)) {
            m->initrd_start = r.start;
            m->initrd_end = end;
            return 0;
        }
    }
    return discover_refuse(d, -EINVAL, "initrd: 0x%llx-0x%llx is not in RAM",
                           (unsigned long long)r.start,
                           (unsigned long long)end);
}

static int
discover_chosen(struct discovery *d)
{
    fdt_node chosen = fdt_find_path(d->f, "/chosen");
    const char *args = fdt_string(d->f, chosen, "bootargs");
    uint32_t len;

    if (args != NULL)
        d->m->bootargs = args;
    else if (fdt_prop(d->f, chosen, "bootargs", &len) != NULL && len > 0)
        return discover_refuse(d, -EINVAL, "bootargs: not terminated");
    return discover_initrd(d, chosen);
}

int
machine_discover(struct machine *m, const struct fdt *f, uint64_t boot_hartid,
                 char *why, size_t size)
{
    struct discovery d = {m, f, boot_hartid, why, size};
    int err;

    *m = (struct machine){.bootargs = ""};
    discover_power(&d);
    discover_model(&d);
    err = discover_memory(&d);
    if (err == 0)
        err = discover_reserved(&d);
    if (err == 0)
        err = discover_chosen(&d);
    if (err == 0)
        err = discover_harts(&d);
    if (err == 0)
        err = discover_timebase(&d);
    if (err == 0)
        discover_devices(&d);
    return err;
}
