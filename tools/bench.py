#!/usr/bin/env python3
"""What things cost, in instructions.

The kernel runs with one hart on a counting clock (-icount shift=0): one
instruction is one nanosecond of virtual time, whatever this computer does
meanwhile.  The clock the kernel reads ticks every 100 ns, so boot times are
exact to 100 instructions.  Records used:

    boot entry TICKS, boot prompt TICKS    from Image, with several sizes of RAM
    bench NAME VALUE                       from ktest.img, started with "bench", or
                                           with the test that needs four harts

What programs see of it comes first: user/bench.c and user/fbench.c as process 1,
512 MiB, beside what the same costs elsewhere (peers.json).  Files are measured
twice, on tmpfs and, as "sfs/NAME", on a root disk with a journal; the ceilings
hold for both.  --rows runs only these metrics (NAME, PREFIX* or sfs/...), of
programs first; what none of those is called is looked for among the rows of the
kernel.  What came out is kept in a file of the
build folder; --base names such a file to compare with.
"""
import argparse
import fnmatch
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qemu  # noqa: E402

PER_TICK = 100
ARGUMENT = 63  # bytes a boot argument may have
SIZES = [128, 1024, 4096]
PAGE = 4096
LIMITS = {"boot, 128 MiB": 4000000, "boot, per extra page": 10,
          "page_alloc_free": 80, "kmalloc_free_64": 120,
          "object_fault_of_10": 1500, "object_fault_of_100000": 1500,
          "mm_copy_per_page": 12, "clock_look_at_used_page": 60,
          "swap_out_dirty_page": 3000, "drop_mapped_file_page": 1200}
# These must not grow with the number of areas: (from, to, what).
GROWTH_TIMES = 1.3
# Nor must a fault with the harts that fault (the clock counts all of them).
HARTS = {"append": "test=vm_row_101_new steps=100", "smp": 4, "mem": "256M"}
HARTS_TIMES = 1.15
# ... nor with the generations before (row 40).
GENERATIONS_TIMES = 2
GROWTH = [(10, 10000, ("fault", "find_vma", "mmap", "munmap", "mprotect")),
          (10, 5000, ("mmap_one_layer", "munmap_one_layer"))]


class Bad(Exception):
    pass


def boot_cost(arg, mib):
    """Instructions from kernel entry to the prompt."""
    m = qemu.Machine(kernel=os.path.join(arg.build, "Image"), mem="%dM" % mib,
                     mode="icount")
    r = qemu.run(m, os.path.join(arg.build, "bench", "boot-%dM" % mib), r"boot prompt")
    at = {rec.args[0]: int(rec.args[1]) for rec in r.records
          if rec.id == "boot" and len(rec.args) > 1 and rec.args[1].isdigit()}
    if "entry" not in at or "prompt" not in at:
        raise Bad("no records 'boot entry TICKS' and 'boot prompt TICKS' with %d MiB (%s)"
                  % (mib, r.note or r.how))
    return (at["prompt"] - at["entry"]) * PER_TICK


def kernel_rows(arg, append="bench", **fields):
    fields = dict({"mem": "128M"}, **fields)
    m = qemu.Machine(kernel=os.path.join(arg.build, "ktest.img"), mode="icount",
                     append=append, **fields)
    r = qemu.run(m, os.path.join(arg.build, "bench", "rows"))
    rows = [(rec.args[0], float(rec.args[1])) for rec in r.records
            if rec.id == "bench" and len(rec.args) > 1]
    if r.exit_code():
        raise Bad("ktest.img ended with code %s while measuring" % r.exit_code())
    return rows


def program_rows(arg, name, options, prefix, disk=None):
    """What the program NAME prints, as {prefix + name: instructions or None}."""
    wanted = [w[len(prefix):] for w in arg.rows if w.startswith(prefix)]
    wanted = [w for w in wanted if "/" not in w]
    if arg.rows and not wanted:
        return {}
    args = ",".join(["--json"] + options + wanted)
    if len("run=" + args) > ARGUMENT:
        args = ",".join(["--json"] + options)  # all of them, then
    m = qemu.Machine(kernel=os.path.join(arg.build, "Image"), mem="512M", mode="icount",
                     append="init=/bin/%s run=%s" % (name, args))
    if disk is None:
        m.initrd = os.path.join(arg.build, "initrd")
    else:
        m.disks.append(disk)
    r = qemu.run(m, os.path.join(arg.build, "bench", name + ("-disk" if disk else "")))
    found = [line for line in r.text.splitlines() if line.startswith('{"counter"')]
    if len(found) != 1:
        raise Bad("/bin/%s did not come to its end (%s)" % (name, r.note or r.how))
    cost = json.loads(found[0])["cost"]
    return {prefix + n: v for n, v in cost.items()
            if not arg.rows or any(fnmatch.fnmatch(n, w) for w in wanted)}


def user_rows(arg):
    cost = program_rows(arg, "bench", [], "")
    cost.update(program_rows(arg, "fbench", [], ""))
    disk = os.path.join(arg.build, "bench", "root.img")
    os.makedirs(os.path.dirname(disk), exist_ok=True)
    shutil.copyfile(os.path.join(arg.build, "root.img"), disk)
    try:
        cost.update(program_rows(arg, "fbench", ["--dir", "/etc"], "sfs/", disk))
    finally:
        os.unlink(disk)
    return cost


def shown(value):
    if value is None:
        return "-"
    return "{:,.2f}".format(value) if value < 100 and value % 1 else "{:,.0f}".format(value)


def red(text):
    return "\033[31m%s\033[0m" % text if sys.stdout.isatty() else text


def print_user(cost, base):
    """The table; returns how many ceilings are exceeded."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers.json")) as f:
        peers = json.load(f)
    ceiling, bad = dict(peers["ceiling"]), 0
    for name in [n for n in cost if n.startswith("sfs/")]:
        peers["cost"][name] = peers["cost"].get(name[4:], [None] * 3)
        if name[4:] in ceiling:
            ceiling[name] = ceiling[name[4:]]
    growth = peers["growth"]
    growth += [["sfs/" + n, "sfs/" + of, times] for n, of, times in growth]
    for name, of, times in growth:
        if cost.get(of) is not None:
            ceiling[name] = min(ceiling.get(name, float("inf")), int(cost[of] * times))
    heads = ["ours"] + peers["columns"] + ["at most"] + (["before"] if base else [])
    print("%-30s" % "operation (instructions)" + "".join("%13s" % h for h in heads))
    for name, value in cost.items():
        cells = [value] + peers["cost"].get(name, [None] * 3) + [ceiling.get(name)]
        text = "%-30s" % name + "".join("%13s" % shown(c) for c in cells)
        if base:
            was = base.get(name)
            text += "%13s" % shown(was)
            text += "  %+.1f %%" % (100 * (value / was - 1)) if was and value else ""
        over = value is not None and value > ceiling.get(name, float("inf"))
        bad += over
        print(red(text + "  too much") if over else text)
    print("%d of %d ceilings are exceeded" % (bad, sum(n in cost for n in ceiling)))
    return bad


def user_table(arg):
    base = None
    if arg.base:
        with open(arg.base) as f:
            base = json.load(f)
    cost = user_rows(arg)
    arg.rows = [w for w in arg.rows if not fnmatch.filter(cost, w)] if arg.rows else None
    if arg.rows is None:  # a choice of rows is no baseline
        with open(os.path.join(arg.build, "bench.json"), "w") as f:
            json.dump(cost, f, indent=1)
    if cost:
        print_user(cost, base)


def growth_limits(rows):
    """What each operation may cost with many areas, from what it costs with few,
    and on four harts, from what it costs on one."""
    value, limits = dict(rows), {}
    limits["anon_wfault_4_harts"] = int(value["anon_wfault_1_hart"] * HARTS_TIMES)
    limits["generation_63"] = int(value["generation_1"] * GENERATIONS_TIMES)
    for few, many, ops in GROWTH:
        for op in ops:
            a, b = "%s_%d" % (op, few), "%s_%d" % (op, many)
            if a not in value or b not in value:
                raise Bad("not measured: %s or %s" % (a, b))
            limits[b] = int(value[a] * GROWTH_TIMES)
    return limits


def print_kernel(rows, limits):
    """The table; returns how many limits are exceeded."""
    bad = 0
    print("%-28s %14s %12s" % ("operation", "instructions", "at most"))
    for name, value in rows:
        limit = limits.get(name)
        number = "%d" % value if value == int(value) else "%.2f" % value
        mark = "" if limit is None or value <= limit else "  too much"
        bad += bool(mark)
        print("%-28s %14s %12s%s" % (name, number, limit or "", mark))
    return bad


def chosen_kernel_rows(arg):
    """Those that arg.rows asks for; limits that compare rows are of all of them."""
    every = kernel_rows(arg) + (kernel_rows(arg, **HARTS) if any(
        fnmatch.fnmatch("anon_wfault_%s" % h, w) for w in arg.rows
        for h in ("1_hart", "4_harts")) else [])
    unknown = [w for w in arg.rows if not fnmatch.filter([n for n, _ in every], w)]
    if unknown:
        raise Bad("no row is called %s; make bench shows all" % " ".join(unknown))
    rows = [(n, v) for n, v in every if any(fnmatch.fnmatch(n, w) for w in arg.rows)]
    return print_kernel(rows, LIMITS)


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--rows", nargs="*", default=[], help="only these")
    ap.add_argument("--base", help="a bench.json to compare with")
    arg = ap.parse_args()
    qemu.stop_on_term()
    user_table(arg)  # says what is too much; the limits below are hard
    if not os.path.exists(os.path.join(arg.build, "ktest.img")):  # a hand-out
        if arg.rows:
            raise Bad("no row is called %s" % " ".join(arg.rows))
        return 0
    if arg.rows is not None:
        return 1 if arg.rows and chosen_kernel_rows(arg) else 0
    print()
    cost = [boot_cost(arg, mib) for mib in SIZES]
    rows = [("boot, %d MiB" % mib, c) for mib, c in zip(SIZES, cost)]
    pages = (SIZES[-1] - SIZES[0]) * (1 << 20) // PAGE
    rows.append(("boot, per extra page", (cost[-1] - cost[0]) / pages))
    rows += kernel_rows(arg) + kernel_rows(arg, **HARTS)
    return 1 if print_kernel(rows, dict(LIMITS, **growth_limits(rows))) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Bad, OSError) as e:
        sys.exit("bench: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
