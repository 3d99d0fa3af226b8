/* discover_harts.c: which harts may run this kernel, and how fast time goes.
 *
 * The first is the delicate question.  A board may have a small monitor core
 * beside the large ones, without MMU and FPU, and the trees that describe it
 * are wrong in different ways: one says it is "okay", another gives it an MMU
 * it has not, and the firmware accepts to start it and never does.  So each
 * sign alone is enough to leave a hart out: it is disabled, it has no mmu-type,
 * its name is that of a monitor core, its instruction set has no F and D.
 *
 * An instruction set is described in one of two ways, and both are read:
 *
 *     riscv,isa            "rv64imafdc_zba_sstc"   letters, then _words
 *     riscv,isa-extensions "i", "m", ..., "sstc"   a list; it wins */
#include <discover.h>

#include <errno.h>
#include <string.h>

/* S, the word or its start, is followed by nothing or by a version. */
static bool
is_extension(const char *s, const char *ext)
{
    size_t len = strlen(ext);

    return strncmp(s, ext, len) == 0 && (s[len] == '\0' || s[len] == '_' ||
                                         (s[len] >= '0' && s[len] <= '9'));
}

/* The letters after "rv64" end where the first longer name begins; old strings
 * put no '_' before it. */
static bool
isa_letter(const char *isa, char letter)
{
    for (const char *s = isa + 4; strchr("_sxz", *s) == NULL; s++) {
        if (*s == letter || (*s == 'g' && strchr("imafd", letter) != NULL))
            return true;
    }
    return false;
}

static bool
hart_has(const struct fdt *f, fdt_node n, const char *ext)
{
    uint32_t len;
    const void *list = fdt_prop(f, n, "riscv,isa-extensions", &len);
    const char *s = NULL;

    if (list != NULL) {
        while ((s = fdt_next_string(list, len, s)) != NULL) {
            if (strcmp(s, ext) == 0)
                return true;
        }
        return false;
    }
    s = fdt_string(f, n, "riscv,isa");
    if (s == NULL || strncmp(s, "rv64", 4) != 0)
        return false;
    if (ext[1] == '\0')
        return isa_letter(s, ext[0]);
    while ((s = strchr(s, '_')) != NULL) {
        if (is_extension(++s, ext))
            return true;
    }
    return false;
}

static bool
is_monitor_core(const struct fdt *f, fdt_node n)
{
    uint32_t len;
    const void *list = fdt_prop(f, n, "compatible", &len);
    const char *s = NULL;

    while (list != NULL && (s = fdt_next_string(list, len, s)) != NULL) {
        if (strncmp(s, "sifive,s7", 9) == 0 ||
            strncmp(s, "sifive,e51", 10) == 0)
            return true;
    }
    return false;
}

/* NULL, or why hart N cannot run this kernel. */
static const char *
hart_unfit(const struct fdt *f, fdt_node n)
{
    const char *mmu = fdt_string(f, n, "mmu-type");

    if (!fdt_enabled(f, n))
        return "it is disabled";
    if (mmu == NULL || strcmp(mmu, "riscv,none") == 0)
        return "it has no MMU";
    if (is_monitor_core(f, n))
        return "it is a monitor core";
    if (!hart_has(f, n, "f") || !hart_has(f, n, "d"))
        return "its instruction set is not rv64 with F and D";
    return NULL;
}

static bool
is_cpu(const struct fdt *f, fdt_node n)
{
    const char *type = fdt_string(f, n, "device_type");

    if (type != NULL)
        return strcmp(type, "cpu") == 0;
    return strncmp(fdt_name(f, n), "cpu@", 4) == 0;
}

static struct hart_info
hart_read(const struct fdt *f, fdt_node n, uint64_t hartid)
{
    struct hart_info h = {.hartid = hartid, .plic_context = -1};
    fdt_node c = fdt_first_child(f, n);

    fdt_u32(f, n, "numa-node-id", &h.node);
    h.has_sstc = hart_has(f, n, "sstc");
    while (c >= 0 && !fdt_compatible(f, c, "riscv,cpu-intc"))
        c = fdt_next_sibling(f, c);
    if (!fdt_u32(f, c, "phandle", &h.phandle))
        fdt_u32(f, c, "linux,phandle", &h.phandle);
    return h;
}

/* Keep hart N.  Until all are seen, harts[0] is kept free for the boot hart;
 * it counts in nharts from the start. */
static int
hart_add(struct discovery *d, fdt_node n, uint64_t hartid, bool *boot_seen)
{
    struct machine *m = d->m;
    bool boot = hartid == d->boot_hartid;

    if (boot && *boot_seen)
        return discover_refuse(d, -EINVAL, "two harts have the id %llu",
                               (unsigned long long)hartid);
    for (unsigned i = 1; i < m->nharts; i++) {
        if (m->harts[i].hartid == hartid)
            return discover_refuse(d, -EINVAL, "two harts have the id %llu",
                                   (unsigned long long)hartid);
    }
    if (boot) {
        *boot_seen = true;
        m->harts[0] = hart_read(d->f, n, hartid);
    } else if (m->nharts < MACHINE_MAX_HARTS) {
        m->harts[m->nharts++] = hart_read(d->f, n, hartid);
    } else {
        m->nskipped++;
    }
    return 0;
}

int
discover_harts(struct discovery *d)
{
    const struct fdt *f = d->f;
    const char *boot_unfit = "it is not among the cpus";
    bool boot_seen = false;
    fdt_node n = fdt_find_path(f, "/cpus");

    d->m->nharts = 1;
    for (n = fdt_first_child(f, n); n >= 0; n = fdt_next_sibling(f, n)) {
        const char *unfit;
        uint64_t hartid;
        int err = 0;

        if (!is_cpu(f, n))
            continue;
        unfit = hart_unfit(f, n);
        if (!fdt_u64(f, n, "reg", &hartid)) {
            d->m->nskipped++;
        } else if (unfit != NULL) {
            d->m->nskipped++;
            if (hartid == d->boot_hartid)
                boot_unfit = unfit;
        } else {
            err = hart_add(d, n, hartid, &boot_seen);
        }
        if (err != 0)
            return err;
    }
    if (!boot_seen)
        return discover_refuse(d, -ENODEV, "boot hart %llu cannot be used: %s",
                               (unsigned long long)d->boot_hartid, boot_unfit);
    return 0;
}

int
discover_timebase(struct discovery *d)
{
    fdt_node cpus = fdt_find_path(d->f, "/cpus"), n;
    uint64_t hz;
    bool found = fdt_u64(d->f, cpus, "timebase-frequency", &hz);

    for (n = fdt_first_child(d->f, cpus); !found && n >= 0;
         n = fdt_next_sibling(d->f, n))
        found = fdt_u64(d->f, n, "timebase-frequency", &hz);
    if (!found)
        return discover_refuse(d, -ENODEV,
                               "cpus: there is no timebase-frequency");
    if (hz == 0 || hz > UINT32_MAX)
        return discover_refuse(d, -EINVAL,
                               "cpus: a timebase of %llu Hz makes no sense",
                               (unsigned long long)hz);
    d->m->timebase_hz = (uint32_t)hz;
    return 0;
}
