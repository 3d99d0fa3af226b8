#!/usr/bin/env python3
"""Where the instructions of one row of "make bench" go, with sfs/ or without.

The row runs once, on the counting clock, and QEMU writes down the address of
every instruction that the kernel or the program executes (-singlestep -d exec).
The program reads the counter (rdinstret) before and after what it measures, so
those reads cut the list into sections; the one whose length the program itself
reported is shown, as instructions per operation:

    by function         of the kernel image, as linked
    by inline function  by the function of the source that the line is in
    --annotate NAME     every instruction of NAME, with how often it ran

It takes half a minute for a row of a few million instructions.
"""
import argparse
import bisect
import collections
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qemu  # noqa: E402

KERNEL = "0xffffffff80000000+0x40000000"
PROGRAM = "0x10000+0x10000000"
TRACE = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", re.M)
ROW = re.compile(r'\{"(\w+)", \w+, (\d+),')


def tool(arg, name, *args, text=None):
    return subprocess.run([arg.cross + name, *args], input=text, check=True,
                          stdout=subprocess.PIPE, universal_newlines=True).stdout


def functions(arg, elf):
    """[(address, name)] of ELF, in order."""
    words = (line.split() for line in tool(arg, "nm", "-n", elf).splitlines())
    return [(int(w[0], 16), w[2]) for w in words if len(w) == 3 and w[1] in "tTW"]


def counter_reads(arg, program):
    """The addresses in PROGRAM that read the counter."""
    text = tool(arg, "objdump", "-d", "--no-show-raw-insn", program)
    return {int(m.group(1), 16)
            for m in re.finditer(r"^\s*([0-9a-f]+):\s+rdinstret", text, re.M)}


def sections_of(log, reads):
    """A Counter of addresses for each stretch between two reads of the counter."""
    sections, tail = [collections.Counter()], b""
    while True:
        block = log.read(1 << 20)
        if not block:
            return sections
        block = tail + block
        cut = block.rfind(b"\n") + 1
        tail = block[cut:]
        pcs = [int(x, 16) for x in TRACE.findall(block[:cut])]
        start = 0
        for i in (i for i, pc in enumerate(pcs) if pc in reads):
            sections[-1].update(pcs[start:i])
            sections.append(collections.Counter())
            start = i
        sections[-1].update(pcs[start:])


def run(arg, program, sfs, name):
    """=> (sections, what the program says an operation costs)"""
    folder = os.path.join(arg.build, "profile")
    os.makedirs(folder, exist_ok=True)
    fifo, console = os.path.join(folder, "log"), os.path.join(folder, "console")
    if os.path.exists(fifo):
        os.unlink(fifo)
    os.mkfifo(fifo)
    disk = os.path.join(folder, "root.img")
    options = "--json,--repeat,1," + ("--dir,/etc," if sfs else "")
    m = qemu.Machine(kernel=os.path.join(arg.build, "Image"), mem="512M", mode="icount",
                     append="init=/bin/%s run=%s%s" % (program, options, name),
                     extra=["-singlestep", "-d", "exec,nochain", "-D", fifo,
                            "-dfilter", KERNEL + "," + PROGRAM])
    if sfs:
        shutil.copyfile(os.path.join(arg.build, "root.img"), disk)
        m.disks.append(disk)
    else:
        m.initrd = os.path.join(arg.build, "initrd")
    reads = counter_reads(arg, os.path.join(arg.build, "bin", program))
    with subprocess.Popen(m.command(["-display", "none", "-serial", "file:" + console,
                                     "-monitor", "none"], None)) as process:
        try:
            with open(fifo, "rb") as log:
                sections = sections_of(log, reads)
        finally:
            process.kill()
            os.unlink(fifo)
    with open(console, errors="replace") as f:
        line = re.search(r'^\{"counter".*$', f.read(), re.M)
    cost = json.loads(line.group(0))["cost"].get(name) if line else None
    if cost is None:
        sys.exit("profile: no row %s (see %s)" % (name, console))
    return sections, cost


def table(title, count, n):
    print("\n%-44s %12s" % (title, "per operation"))
    for name, c in count.most_common():
        if c / n >= 0.5:
            print("%-44s %12.1f" % (name, c / n))


def by_function(arg, program, pcs):
    """{address: linked function} for the addresses of the section."""
    kernel = functions(arg, os.path.join(arg.build, "kernel.elf"))
    program = functions(arg, os.path.join(arg.build, "bin", program))
    names = {}
    for pc in pcs:
        of, where = (kernel, "") if pc >> 63 else (program, "program: ")
        at = bisect.bisect_right(of, (pc, "~")) - 1
        names[pc] = where + (of[at][1] if at >= 0 else "?")
    return names


def by_source(arg, pcs):
    """{address: innermost inlined function} for those in the kernel."""
    pcs = [pc for pc in pcs if pc >> 63]
    out = tool(arg, "addr2line", "-f", "-e", os.path.join(arg.build, "kernel.elf"),
               text="".join("%#x\n" % pc for pc in pcs)).splitlines()
    return {pc: out[2 * i] for i, pc in enumerate(pcs)}


def summed(section, names):
    count = collections.Counter()
    for pc, c in section.items():
        count[names.get(pc, "(program)")] += c
    return count


def annotate(arg, section, name, n):
    text = tool(arg, "objdump", "-d", "--no-show-raw-insn", "--disassemble=" + name,
                os.path.join(arg.build, "kernel.elf"))
    for line in text.splitlines():
        m = re.match(r"\s*([0-9a-f]+):\t", line)
        if m:
            c = section.get(int(m.group(1), 16), 0)
            print("%10s %s" % ("%.2f" % (c / n) if c else "", line.strip()))


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--cross", default="riscv64-linux-gnu-")
    ap.add_argument("--annotate", action="append", default=[], metavar="NAME")
    ap.add_argument("row")
    arg = ap.parse_args()
    sfs, name = arg.row.startswith("sfs/"), arg.row.split("/")[-1]
    for program in ("bench", "fbench"):
        with open("user/%s.c" % program) as f:
            n = dict(ROW.findall(f.read())).get(name)
        if n is not None:
            break
    else:
        sys.exit("profile: no row %s" % name)
    sections, cost = run(arg, program, sfs, name)
    n = int(n)
    section = min(sections, key=lambda s: abs(sum(s.values()) - cost * n))
    print("%s: %.1f instructions by the counter, %.1f seen" % (
        arg.row, cost, sum(section.values()) / n))
    table("by function", summed(section, by_function(arg, program, section)), n)
    table("by inline function", summed(section, by_source(arg, section)), n)
    for name in arg.annotate:
        print()
        annotate(arg, section, name, n)
    return 0


if __name__ == "__main__":
    sys.exit(main())
