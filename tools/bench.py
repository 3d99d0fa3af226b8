#!/usr/bin/env python3
"""What things cost, in instructions.

The kernel runs with one hart on a counting clock (-icount shift=0): one
instruction is one nanosecond of virtual time, whatever this computer does
meanwhile.  The clock the kernel reads ticks every 100 ns, so boot times are
exact to 100 instructions.  Records used:

    boot entry TICKS, boot prompt TICKS    from Image, with several sizes of RAM
    bench NAME VALUE                       from ktest.img, started with "bench"
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qemu  # noqa: E402

PER_TICK = 100
SIZES = [128, 1024, 4096]
PAGE = 4096
LIMITS = {"boot, 128 MiB": 4000000, "boot, per extra page": 10,
          "page_alloc_free": 80, "kmalloc_free_64": 120,
          "object_fault_of_10": 1500, "object_fault_of_100000": 1500,
          "mm_copy_per_page": 12}
# These must not grow with the number of areas: (from, to, at most times).
GROWTH = (10, 10000, 1.3)
GROWS = ["fault", "find_vma", "mmap", "munmap", "mprotect"]


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


def kernel_rows(arg):
    m = qemu.Machine(kernel=os.path.join(arg.build, "ktest.img"), mem="128M",
                     mode="icount", append="bench")
    r = qemu.run(m, os.path.join(arg.build, "bench", "rows"))
    rows = [(rec.args[0], float(rec.args[1])) for rec in r.records
            if rec.id == "bench" and len(rec.args) > 1]
    if r.exit_code():
        raise Bad("ktest.img ended with code %s while measuring" % r.exit_code())
    return rows


def growth_limits(rows):
    """What each operation may cost with many areas, from what it costs with few."""
    few, many, times = GROWTH
    value = dict(rows)
    missing = [n for op in GROWS for n in ("%s_%d" % (op, few), "%s_%d" % (op, many))
               if n not in value]
    if missing:
        raise Bad("not measured: " + ", ".join(missing))
    return {"%s_%d" % (op, many): int(value["%s_%d" % (op, few)] * times) for op in GROWS}


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    arg = ap.parse_args()
    qemu.stop_on_term()
    cost = [boot_cost(arg, mib) for mib in SIZES]
    rows = [("boot, %d MiB" % mib, c) for mib, c in zip(SIZES, cost)]
    pages = (SIZES[-1] - SIZES[0]) * (1 << 20) // PAGE
    rows.append(("boot, per extra page", (cost[-1] - cost[0]) / pages))
    rows += kernel_rows(arg)
    limits = dict(LIMITS, **growth_limits(rows))
    bad = 0
    print("%-28s %14s %12s" % ("operation", "instructions", "at most"))
    for name, value in rows:
        limit = limits.get(name)
        number = "%d" % value if value == int(value) else "%.2f" % value
        mark = "" if limit is None or value <= limit else "  too much"
        bad += bool(mark)
        print("%-28s %14s %12s%s" % (name, number, limit or "", mark))
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Bad, OSError) as e:
        sys.exit("bench: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
