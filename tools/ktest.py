#!/usr/bin/env python3
"""Boot the kernel on every machine of a list and collect what it says.

Seven kinds of rows:

    tests    boot ktest.img (or "image") with "test=all"; its records say which tests passed:
             "test NAME begin|pass|fail FILE:LINE TEXT|skip REASON",
             "done PASSED FAILED", "exit CODE"
    boot     boot Image and wait for the record "boot prompt"
    dialog   boot Image and type at its prompt; the kernel must answer as the
             row says, and power off with success when told to
    user     boot ktest.img with the boot archive and a program that runs the
             programs of lab-tests/user; the records are those of "tests", and
             nothing but the device /dev/utest, which only that image has, makes
             records of what programs say
    die      boot ktest.img with one test that commits a crime; the kernel must
             print what the row says, and power off with failure
    refuse   something is wrong on purpose; the kernel must print exactly one
             line that begins with "boot: " and power off with failure

What the test vm_transcript records ("vm ...") must be the same in all rows
that ran it, whatever the paging mode, the number of harts, and who sets
accessed and dirty bits; that is a verdict of its own, "transcripts".

Verdicts: PASS, FAIL, SKIP, HANG (no output for a long time), INFRA (QEMU
itself did not work).  Nothing is judged by the clock.  The console and the
records of each row are kept below BUILD/ktest/.
"""
import argparse
import array
import concurrent.futures
import itertools
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import backports  # noqa: E402
import bootdisk  # noqa: E402
import fdtedit  # noqa: E402
import gpt  # noqa: E402
import qemu  # noqa: E402

RAM = 0x80000000
PROMPT = r"boot prompt"


def row(name, kind="tests", fast=False, long=False, **fields):
    """LONG: only when the row is asked for by its name."""
    fields.update(name=name, kind=kind, fast=fast, long=long)
    return fields


AT_PROMPT = r"ucore-sv> $"
DIALOG = [  # (what the console must have printed since, what is typed then)
    (AT_PROMPT, "help\r"),
    (r"\n\s+help ", ""),
    (AT_PROMPT, "kernimf\x7f\x7fnfo\r"),         # edited with backspace
    (AT_PROMPT, "panic now\x03"),                # dropped by Ctrl-C
    (AT_PROMPT, "harts\r"),
    (r"\n.*\b1\b", ""),
    (AT_PROMPT, "no-such-command\r"),
    (r"unknown command", ""),
    (AT_PROMPT, "poweroff\r"),
]
AT_SHELL = r"\$ $"
SHELL = [
    # a machine that skips idle time gets far while the user thinks, but not to
    # the end of its clock
    (AT_SHELL, 0.3),
    (AT_SHELL, "cat /proc/uptime\r"),
    (r"\n\d{1,8}\.\d+ ", ""),
    (AT_SHELL, "echo helo\x7flo there\r"),
    (r"\nhello there\r?\n", ""),
    (AT_SHELL, "no-such-program\r"),
    (r"\nsh: no-such-program: ", ""),
    (AT_SHELL, "echo the status is $?\r"),
    (r"\nthe status is 127\r?\n", ""),
    (AT_SHELL, "false || echo one; true && echo two\r"),
    (r"\none\r?\ntwo\r?\n", ""),
    (AT_SHELL, "echo hello | sha256sum\r"),
    (r"\n5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  -", ""),
    (AT_SHELL, "rm /bin/true\r"),
    (r"\nrm: /bin/true: read-only", ""),
    (AT_SHELL, "ls /bin\r"),
    (r"\binit\b", ""),
    # Ctrl-C ends what runs, with all it started, and the line being typed
    (AT_SHELL, "sh -c 'echo ready; cat; echo never'\r"),
    (r"\nready\r?\n", "\x03"),
    (AT_SHELL, "echo then $?\r"),
    (r"\nthen 130\r?\n", ""),
    (AT_SHELL, "nonsense\x03"),
    (AT_SHELL, "sh -c 'echo ready; cat' | cat\r"),
    (r"\nready\r?\n", "\x03"),
    # Ctrl-Z stops it, fg lets it go on; who reads from behind is stopped, too
    (AT_SHELL, "sh -c 'echo ready; cat' | cat\r"),
    (r"\nready\r?\n", "\x1a"),
    (r"\n\[1\] stopped +sh -c", ""),
    (AT_SHELL, "fg\r"),
    (r"\nsh -c.*\n", "one more\r"),
    (r"one more\r?\none more\r?\n", "\x04"),
    (AT_SHELL, "cat &\r"),
    (AT_SHELL, "wait\r"),
    (r"\n\[1\] stopped +cat", ""),
    (AT_SHELL, "fg %1\r"),
    (r"\ncat.*\n", "typed\r"),
    (r"typed\r?\ntyped\r?\n", "\x03"),
    (AT_SHELL, "sleep 1000 &\r"),
    (AT_SHELL, "kill %1\r"),
    (AT_SHELL, "wait\r"),
    (r"\n\[1\] Terminated +sleep 1000", ""),
    # the bytes as they are
    (AT_SHELL, "keys\r"),
    (r"\nkeys: q ends\r?\n", "\x1b[A"),
    (r"41 ", "\x03"),
    (r"03 ", "q"),
    (r"71 ", ""),
    (AT_SHELL, "sleep 1000 &\r"),
    (AT_SHELL, "exit 0\r"),
]

GLIBC = [
    (AT_SHELL, "g_static\r"),
    (r"glibc: \d+ passed, 0 failed", ""),
    (AT_SHELL, "g_dynamic\r"),
    (r"glibc: \d+ passed, 0 failed", ""),
    (AT_SHELL, "exit 0\r"),
]
# ... and from a disk, where what is written stays.
ROOT_SHELL = [
    (AT_SHELL, "echo hello | sha256sum\r"),
    (r"\n5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  -", ""),
    (AT_SHELL, "ls /bin\r"),
    (r"\binit\b", ""),
    (AT_SHELL, "mkdir /new; cp /bin/sh /new/sh; sync\r"),
    (AT_SHELL, "/new/sh -c 'echo it runs >/new/f'; mv /new/f /g; cat /g\r"),
    (r"\nit runs\r?\n", ""),
    (AT_SHELL, "exit 0\r"),
]
# Found as the second partition of the second disk.
ROOT_GPT = [
    (AT_SHELL, "cat /proc/partitions\r"),
    (r"\n +254 +17 +8192 vdb1\r?\n +254 +18 +\d+ vdb2\r?\n", ""),
    (AT_SHELL, "cat /proc/mounts\r"),
    (r"\n/dev/vdb2 / sfs rw|\nvdb2 / sfs rw", ""),
    (AT_SHELL, "exit 0\r"),
]
LEGACY = [
    (r"virtio: the disk is a legacy device; start QEMU with -global "
     r"virtio-mmio.force-legacy=false\r?\n", ""),
    (AT_PROMPT, "poweroff\r"),
]

# Each row says what it is about.  smp, mem, append, machine, cpu and mode go to
# qemu.Machine; "prepare" names the function below that builds what is booted.
MATRIX = [
    # harts and memory: each value, and the corners
    row("virt-1-64M", mode="icount", mem="64M"),
    row("virt-1", mode="icount", mem="512M", fast=True),
    row("virt-1-8G", mode="icount", mem="8G"),
    row("virt-2-64M", smp=2, mem="64M"),
    row("virt-2", smp=2, mem="512M"),
    row("virt-4", smp=4, mem="512M", fast=True),
    row("virt-4-8G", smp=4, mem="8G"),
    row("virt-8-64M", smp=8, mem="64M"),
    row("virt-8-8G", smp=8, mem="8G"),
    # paging modes
    row("sv39", smp=2, mem="512M", append="mmu=sv39"),
    row("sv48", smp=2, mem="512M", append="mmu=sv48"),
    row("sv57", smp=2, mem="512M", append="mmu=sv57"),
    # no hart sets accessed and dirty bits
    row("adsim", smp=4, mem="512M", append="adsim=1", fast=True),
    row("adsim-1", mode="icount", mem="512M", append="adsim=1"),
    row("adsim-sv39", smp=2, mem="512M", append="adsim=1 mmu=sv39"),
    # the other timer, checked memory, shootdown by interrupts, the other scheduler
    row("late-harts", smp=4, mem="128M", append="start=first"),
    row("timer-sbi", smp=2, append="timer=sbi"),
    row("poison", smp=2, append="debug=poison"),
    row("tlb-ipi", smp=4, mem="128M", append="tlb=ipi"),
    row("asid-2", smp=4, mem="128M", append="asid=2"),
    row("stride", smp=4, mem="128M", append="sched=stride"),
    row("stride-1", mode="icount", mem="128M", append="sched=stride"),
    # a million random steps in spaces: on one hart, and on four
    row("random-1", mode="icount", mem="128M", test="vm_r",
        append="steps=600000 seed=11"),
    row("random-4", smp=4, mem="512M", test="vm_random",
        append="steps=400000 seed=12"),
    # the races of address spaces, with delays between the steps of the kernel
    row("races", smp=4, mem="256M", append="rounds=2000", image="races.img",
        test="vm_race"),
    row("races-order", smp=4, mem="256M", append="rounds=160",
        image="races.img", test="vm_order"),
    row("races-10000", smp=4, mem="256M", append="rounds=10000",
        image="races.img", test="vm_race", long=True),
    row("races-order-10000", smp=4, mem="256M", append="rounds=10000",
        image="races.img", test="vm_order", long=True),
    # four harts under the counting clock, which counts all of them together; not
    # in QEMU 7.2, where a hart that waits for the next one can starve it for ever
    row("cow-4", mode="icount", smp=4, mem="256M", test="vm_row_101",
        append="steps=500", prepare="newer_qemu"),
    # disks
    row("disk-1", mode="icount", mem="128M", test="disk_",
        disks=[("scratch",), ("numbered", "readonly=on")]),
    row("disk-4", smp=4, mem="128M", test="disk_", fast=True,
        disks=[("scratch",), ("numbered", "readonly=on")]),
    row("disk-direct", smp=2, mem="128M", test="disk_",
        disks=[("scratch", "", "indirect_desc=off,queue-size=128"),
               ("numbered", "readonly=on", "write-cache=off")]),
    row("disk-ram", mode="icount", mem="128M", test="disk_", append="ramdisk=16M"),
    row("disk-ram-4", smp=4, mem="128M", test="disk_", append="ramdisk=16M"),
    row("disk-4k", smp=2, mem="128M", test="disk_keeps",
        disks=[("scratch", "", "logical_block_size=4096,physical_block_size=4096")]),
    # the file system
    row("sfs-1", mode="icount", mem="128M", test="sfs_", disks=[("sfs",)]),
    row("sfs-4", smp=4, mem="128M", test="sfs_", disks=[("sfs",)]),
    row("sfs-4k", smp=2, mem="128M", test="sfs_",
        disks=[("sfs", "", "logical_block_size=4096,physical_block_size=4096")]),
    # other machines and ways in
    row("sifive_u", machine="sifive_u", smp=5, mem="512M"),
    row("uboot", smp=4, mem="512M", prepare="disk"),
    row("svade", smp=4, mem="512M", cpu=backports.CPU, prepare="newer_qemu"),
    row("svade-1", mode="icount", mem="128M", cpu=backports.CPU,
        prepare="newer_qemu"),
    row("at-80200000", smp=2, prepare="image_at", where=0x80200000),
    row("at-80600000", smp=2, prepare="image_at", where=0x80600000),
    row("own-tree", prepare="tree", change="nothing"),
    # the transcript of all modes, beside the rows above
    *(row("transcript-%s%s" % (mmu, ad), mode="icount", test="vm_transcript",
          append="mmu=%s %s" % (mmu, "adsim=1" if ad else ""))
      for mmu in ("sv39", "sv48", "sv57") for ad in ("", "-adsim")),
    # the kernel as it is, without tests, to its prompt
    row("prompt", "boot", fast=True, smp=4),
    row("prompt-sifive_u", "boot", machine="sifive_u", smp=5),
    row("prompt-uboot", "boot", smp=2, mem="256M", prepare="disk"),
    row("dialog", "dialog", smp=2, dialog=DIALOG),
    row("dialog-sifive_u", "dialog", machine="sifive_u", smp=5, dialog=DIALOG),
    # the kernel as it is, with its programs, to the shell
    row("shell-prompt", "boot", fast=True, smp=4, initrd="initrd"),
    row("shell-prompt-sifive_u", "boot", machine="sifive_u", smp=5, initrd="initrd"),
    row("shell-prompt-uboot", "boot", smp=2, mem="256M", prepare="disk",
        initrd="initrd"),
    row("shell", "dialog", smp=2, dialog=SHELL, initrd="initrd", append="run=/bin/sh"),
    row("shell-1", "dialog", mode="icount", dialog=SHELL, initrd="initrd",
        append="run=/bin/sh"),
    # ... from a disk: whole, as a partition, in memory, and asked for by name
    row("root-prompt", "boot", fast=True, smp=4, disks=[("root",)]),
    row("root-disk", "dialog", smp=2, dialog=ROOT_SHELL, disks=[("root",)],
        append="run=/bin/sh"),
    row("root-disk-4", "dialog", smp=4, dialog=ROOT_SHELL, append="run=/bin/sh",
        disks=[("root", "", "indirect_desc=off")]),
    row("root-disk-1", "dialog", mode="icount", dialog=ROOT_SHELL, disks=[("root",)],
        append="run=/bin/sh"),
    row("root-ram", "dialog", smp=4, dialog=ROOT_SHELL, initrd="root.img", mem="256M",
        append="run=/bin/sh"),
    row("root-ram-1", "dialog", mode="icount", dialog=ROOT_SHELL, initrd="root.img",
        mem="256M", append="run=/bin/sh"),
    row("root-ram-sifive_u", "boot", machine="sifive_u", smp=5, initrd="root.img"),
    row("root-gpt", "dialog", smp=2, dialog=ROOT_GPT, append="run=/bin/sh",
        disks=[("scratch",), ("gpt",)]),
    row("root-asked", "dialog", smp=2, dialog=ROOT_GPT,
        append="run=/bin/sh root=vdb2", disks=[("root",), ("gpt_damaged",)]),
    row("root-archive", "boot", smp=2, initrd="initrd", append="root=archive",
        disks=[("root",)]),
    row("root-legacy", "dialog", smp=2, dialog=LEGACY, disks=[("root",)],
        legacy=True),
    row("bad-root-missing", "refuse", append="root=vdc", disks=[("root",)]),
    row("bad-root-empty", "refuse", append="root=vda", disks=[("scratch",)]),
    row("bad-root-damaged", "refuse", disks=[("damaged",)]),
    row("bad-root-legacy", "refuse", append="root=vda", disks=[("root",)],
        legacy=True),
    # the rows of the memory system and of processes again, by programs
    row("user-1", "user", mode="icount", mem="512M"),
    row("user-4", "user", smp=4, mem="512M", fast=True),
    row("user-sv39", "user", smp=2, mem="512M", append="mmu=sv39"),
    row("user-fork-race", "user", smp=4, mem="512M", run=("l_race", "rounds=200")),
    row("user-fork-race-10000", "user", smp=4, mem="512M", run=("l_race", "rounds=10000"),
        long=True),
    row("user-files", "user", smp=4, mem="512M",
        run=("t_filename", "t_filedata", "dir=/dev/shm")),
    row("user-files-2", "user", smp=4, mem="512M",
        run=("t_filerace", "t_filelock", "dir=/dev/shm")),
    row("user-mutants", "user", smp=4, mem="512M", initrd="initrd-mutants",
        run=["t_mutants"]),
    row("user-disk", "user", smp=4, mem="512M", run=["t_disk"],
        append="root=archive", disks=[("scratch",)]),
    row("user-disk-1", "user", mode="icount", mem="512M", run=["t_disk"],
        append="root=archive", disks=[("scratch",)]),
    row("user-mount", "user", smp=4, mem="512M", run=["t_mount"],
        append="root=archive", disks=[("sfs",)]),
    # files on a disk, mapped
    row("user-vmfile", "user", smp=4, mem="512M", disks=[("sfs",)], fast=True,
        run=("t_vmfile", "dir=/dev/vda"), append="root=archive"),
    row("user-vmdisk", "user", smp=4, mem="512M", disks=[("sfs_large",)],
        run=("t_vmdisk", "dir=/dev/vda"), append="root=archive"),
    row("user-vmfile-1", "user", mode="icount", mem="512M", disks=[("sfs",)],
        run=("t_vmfile", "dir=/dev/vda"), append="root=archive"),
    # many files, and many processes at work on them: a short part of make realuse
    row("realuse", "tool", tool=["realuse.py", "--files=300", "--mebibytes=12",
                                 "--many=500", "--sparse=64"]),
    # the power fails, and QEMU is killed: a short part of make crashdisk
    row("crashdisk", "tool", fast=True,
        tool=["crashdisk.py", "--seed=21", "--operations=30", "--samples=1", "--kill=3"]),
    row("user-adsim", "user", smp=4, mem="512M", append="adsim=1"),
    # programs with a foreign C library, if it is there (make builds them then)
    row("glibc", "dialog", smp=4, mem="256M", dialog=GLIBC, initrd="initrd-glibc",
        append="run=/bin/sh", prepare="glibc", long=True),
    # bugs in the kernel end in one report that names the culprit
    row("die-fault", "die", fast=True, test="die_kernel_fault",
        says=[r"^panic: .*page fault.* 0x8\b", r"  #\d+ +0x\w+ \w*die_kernel_fault\+"]),
    row("die-frame-pointer", "die", test="die_fault_with_bad_frame_pointer",
        says=[r"^panic: .*page fault.* 0x8\b"]),
    row("die-stack-pointer", "die", test="die_bad_stack_pointer",
        says=[r"^panic: "]),
    row("die-stack-overflow", "die", test="die_stack_overflow",
        says=[r"^kernel stack overflow: ", r"^panic: ", r"  #\d+ +0x\w+ dig\b"]),
    row("die-lock-order", "die", test="die_lock_order",
        says=[r"^panic: lock order: ", r"  #\d+ +0x\w+ \w*die_lock_order\+"]),
    row("die-double-free", "die", test="die_double_free",
        says=[r"^panic: ", r"  #\d+ +0x\w+ free_\w+\+"]),
    row("die-foreign-free", "die", test="die_foreign_free",
        says=[r"^panic: ", r"  #\d+ +0x\w+ free_\w+\+"]),
    row("die-jump-to-data", "die", test="die_jump_to_data",
        says=[r"^panic: .*page fault"]),
    row("die-bad-copy", "die", test="die_bad_kernel_end_of_a_copy",
        says=[r"^panic: .*page fault.* 0xfffffffffffff000\b"]),
    row("die-4-harts", "die", smp=4, test="die_kernel_fault",
        says=[r"^panic: .*page fault.* 0x8\b"]),
    # bad input
    row("bad-bootarg-value", "refuse", fast=True, append="mmu=sv40"),
    row("bad-bootarg", "refuse", append="nonsense"),
    row("bad-ram-16M", "refuse", mem="16M"),
    row("bad-alignment", "refuse", prepare="image_at", where=0x80301000),
    row("bad-tree-cut", "refuse", prepare="tree", change="cut"),
    row("bad-tree-zeroed", "refuse", prepare="tree", change="zeroed"),
    row("bad-tree-none", "refuse", prepare="tree", change="none"),
    row("bad-no-memory", "refuse", prepare="tree", change="no_memory"),
    row("bad-reserved", "refuse", prepare="tree", change="overlap"),
]


class Skip(Exception):
    pass


class Infra(Exception):
    pass


# ---- making the things that are booted ----

def write_elf(path, segments, entry):
    """An ELF file that QEMU loads: SEGMENTS is [(physical address, bytes)]."""
    head = 64 + 56 * len(segments)
    at = (head + 4095) & ~4095
    table, body = b"", b"\0" * (at - head)
    for addr, data in segments:
        table += struct.pack("<IIQQQQQQ", 1, 7, at, addr, addr, len(data),
                             len(data), 4096)
        data += b"\0" * (-len(data) % 4096)
        body += data
        at += len(data)
    ident = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    with open(path, "wb") as f:
        f.write(ident + struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, entry, 64, 0, 0,
                                    64, 56, len(segments), 64, 0, 0))
        f.write(table + body)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def auipc(reg, pages):
    return struct.pack("<I", pages << 12 | reg << 7 | 0x17)


def machine_tree(m, path):
    """The device tree QEMU gives machine M, as the firmware passes it on."""
    try:
        done = subprocess.run(
            [m.qemu, "-machine", "virt,dumpdtb=" + path, "-smp", str(m.smp), "-m",
             m.mem, "-display", "none", "-bios", "none"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    except OSError as e:
        raise Infra(str(e))
    if done.returncode or not os.path.exists(path):
        raise Infra("QEMU wrote no device tree: " + done.stdout.strip())
    tree = fdtedit.Tree(read(path))
    os.unlink(path)
    reserved = tree.root.find("reserved-memory", make=True)
    reserved.props.update({"#address-cells": fdtedit.cells(2),
                           "#size-cells": fdtedit.cells(2), "ranges": b""})
    firmware = reserved.find("firmware@80000000", make=True)
    firmware.props.update({"reg": fdtedit.cells(0, RAM, 0, 0x200000),
                           "no-map": b""})
    chosen = tree.root.find("chosen", make=True)
    chosen.props["bootargs"] = fdtedit.text(m.append)
    return tree


def change_tree(tree, change):
    """The bytes of TREE after a change by name."""
    if change == "no_memory":
        for node in [n for n in tree.root.children if n.name.startswith("memory@")]:
            tree.root.children.remove(node)
    elif change == "overlap":
        for name, start in (("one@83000000", 0x83000000), ("two@83008000", 0x83008000)):
            node = tree.root.find("reserved-memory/" + name, make=True)
            node.props["reg"] = fdtedit.cells(0, start, 0, 0x10000)
    blob = tree.blob()
    half = len(blob) // 2 & ~3
    if change == "cut":
        return blob[:4] + struct.pack(">I", half) + blob[8:half]
    if change == "zeroed":
        return blob[:half] + b"\0" * (len(blob) - half)
    return blob


def prepare_tree(r, m, work):
    """Between the firmware and the kernel, swap the device tree.

    Three instructions at the place the firmware enters: a1 = our tree, then
    jump to the kernel, which lies 2 MiB above."""
    if r["change"] == "none":
        a1 = struct.pack("<I", 0x00000593)                      # li a1, 0
        blob = b""
    else:
        a1 = auipc(11, 1)                                       # a1 = pc + 4096
        blob = change_tree(machine_tree(m, work + ".dtb"), r["change"])
    jump = auipc(5, 0x200) + struct.pack("<I", 0xFFC28067)      # jr -4(t0)
    stub = (a1 + jump).ljust(4096, b"\0") + blob
    write_elf(work + ".elf", [(0x80200000, stub), (0x80400000, read(m.kernel))],
              0x80200000)
    m.kernel = work + ".elf"


def prepare_image_at(r, m, work):
    """The flat image, loaded and entered at an address of our choice."""
    write_elf(work + ".elf", [(r["where"], read(m.kernel))], r["where"])
    m.kernel = work + ".elf"


def prepare_disk(r, m, work):
    if not os.path.exists(qemu.uboot()):
        raise Skip("no u-boot-qemu")
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for need in ("sfdisk", "mkfs.vfat", "mcopy"):
        if shutil.which(need, path=path) is None:
            raise Skip("no " + need)
    try:
        bootdisk.make(work + ".disk", m.kernel, m.append, m.initrd)
    except RuntimeError as e:
        raise Infra(str(e))
    m.disk = work + ".disk"


def prepare_glibc(r, m, work):
    if not os.path.exists(m.initrd):
        raise Skip("no " + m.initrd + ": libc6-dev-riscv64-cross is not installed")


newer_lock = threading.Lock()


def prepare_newer_qemu(r, m, work):
    with newer_lock:
        try:
            found = backports.obtain(os.path.join(r["build"], "backports"))
        except backports.Skip as e:
            raise Skip(str(e))
    m.qemu, m.data, m.bios = found["qemu"], found["data"], found["bios"]


def write_scratch(path, build):
    with open(path, "wb") as f:
        f.truncate(16 << 20)


def write_sfs(path, build):
    """An empty file system, for lab-tests/kernel/test_sfs.c."""
    subprocess.check_call([os.path.join(build, "mksfs"), "--size=32M", path])


def write_sfs_large(path, build):
    subprocess.check_call([os.path.join(build, "mksfs"), "--size=96M", path])


def write_numbered(path, build):
    """Words count up, as lab-tests/kernel/test_disk.c wants it."""
    with open(path, "wb") as f:
        for first in range(0, 2 << 17, 1 << 17):
            f.write(array.array("Q", range(first, first + (1 << 17))).tobytes())


def write_root(path, build):
    shutil.copyfile(os.path.join(build, "root.img"), path)


def write_damaged(path, build):
    """The root disk, with one byte of its super block changed."""
    write_root(path, build)
    with open(path, "r+b") as f:
        f.seek(40)
        byte = f.read(1)
        f.seek(40)
        f.write(bytes([byte[0] ^ 1]))


def write_gpt(path, build):
    """Partition 1 is empty, partition 2 the root disk."""
    root = read(os.path.join(build, "root.img"))
    first, second = 2048, 2048 + 16384
    gpt.write(path, [(first, second), (second, second + len(root) // gpt.SECTOR)])
    with open(path, "r+b") as f:
        f.seek(second * gpt.SECTOR)
        f.write(root)


def write_gpt_damaged(path, build):
    """... and the first table is damaged."""
    write_gpt(path, build)
    with open(path, "r+b") as f:
        f.seek(1024 + 40)
        f.write(b"\xff")


def prepare_disks(r, m, work):
    """DISKS is a list of (what, options of the drive, options of the device)."""
    os.makedirs(os.path.dirname(work), exist_ok=True)
    for i, spec in enumerate(r["disks"]):
        path = "%s.vd%s" % (work, "abcd"[i])
        r["made"].append(path)
        globals()["write_" + spec[0]](path, r["build"])
        m.disks.append((path,) + tuple(spec[1:]) + ("",) * (3 - len(spec)))


# ---- judging ----

class Verdict:
    def __init__(self, word, passed=0, failed=0, skipped=0, lines=(), seconds=0.0):
        self.word, self.lines, self.seconds = word, list(lines), seconds
        self.passed, self.failed, self.skipped = passed, failed, skipped
        self.story = []     # the records of vm_transcript


def tail(result, n=12):
    return ["| " + s for s in result.text.rstrip().splitlines()[-n:]]


def collect_tests(records):
    """(passed, failed lines, skipped lines, begun but never ended)."""
    passed, failed, skipped, open_tests = [], [], [], []
    for r in records:
        if r.id != "test" or len(r.args) < 2:
            continue
        name, what = r.args[0], r.args[1]
        if what == "begin":
            open_tests.append(name)
            continue
        if name in open_tests:
            open_tests.remove(name)
        line = " ".join([name] + r.args[2:])
        if what == "pass":
            passed.append(name)
        elif what == "skip":
            skipped.append(line)
        else:
            failed.append(line)
    return passed, failed, skipped, open_tests


def judge_tests(result):
    passed, failed, skipped, unfinished = collect_tests(result.records)
    lines = ["fail " + f for f in failed] + ["skip " + s for s in skipped]
    lines += ["never ended: " + n for n in unfinished]
    done = [r for r in result.records if r.id == "done"]
    code = result.exit_code()
    wrong = result.damage[:5]
    if not done:
        wrong.append("no record 'done'")
    elif done[-1].args[:2] != [str(len(passed)), str(len(failed))]:
        wrong.append("'%s' but %d passed and %d failed were recorded"
                     % (done[-1], len(passed), len(failed)))
    if done and not passed:
        wrong.append("no test ran")
    if code is None:
        wrong.append("the kernel did not say how it ended")
        wrong.append("QEMU: %s, status %s%s" % (
            result.how, result.status,
            "".join("; " + e for e in
                    result.errors.decode("utf-8", "replace").split("\n")[:3] if e)))
    elif code != 0 and not failed:
        wrong.append("ended with code %d" % code)
    elif code == 0 and result.how == "exit" and result.status != 0:
        wrong.append("QEMU ended with status %d" % result.status)
    bad = bool(failed or wrong or unfinished)
    lines += [w for w in wrong if w not in lines]
    if wrong or unfinished:
        lines += tail(result)
    extra = 1 if (wrong or unfinished) else 0
    return Verdict("FAIL" if bad else "PASS", len(passed), len(failed) + extra,
                   len(skipped), lines)


def judge_refuse(result):
    said = re.findall(r"^boot: .*$", result.text, re.M)
    wrong = []
    if len(said) != 1:
        wrong.append("%d lines begin with 'boot: ', want one" % len(said))
    if result.how != "exit":
        wrong.append("did not power off")
    if not result.exit_code():
        wrong.append("ended without saying failure (status %s, code %s)"
                     % (result.status, result.exit_code()))
    if wrong:
        return Verdict("FAIL", 0, 1, 0, said + wrong + tail(result))
    return Verdict("PASS", 1, 0, 0, said)


def judge_die(result, says):
    wrong = ["nothing matches %r" % p for p in says
             if not re.search(p, result.text, re.M)]
    # "again" is a fault while reporting, which must end the report.
    if len(re.findall(r"^panic: (?!again)", result.text, re.M)) != 1 or \
            len(re.findall(r"^panic: again", result.text, re.M)) > 1:
        wrong.append("want exactly one panic")
    if not result.exit_code():
        wrong.append("ended without saying failure (status %s, code %s)"
                     % (result.status, result.exit_code()))
    if wrong:
        return Verdict("FAIL", 0, 1, 0, wrong + tail(result, 40))
    return Verdict("PASS", 1)


def judge_boot(result):
    if result.how == "until" and not result.damage:
        return Verdict("PASS", 1)
    return Verdict("FAIL", 0, 1, 0, ["no record 'boot prompt'"] +
                   result.damage[:5] + tail(result))


def judge_dialog(result):
    wrong = ["the kernel did not print %r" % p for p, _ in result.untyped[:1]]
    if result.how != "exit" and not result.untyped and result.exit_code() is None:
        wrong.append("did not power off")
    if result.exit_code() not in (0, None):
        wrong.append("ended with code %d" % result.exit_code())
    if wrong:
        return Verdict("FAIL", 0, 1, 0, wrong + tail(result))
    return Verdict("PASS", 1)


def judge(r, result):
    if result.how in ("hang", "infra"):
        passed, failed, _, unfinished = collect_tests(result.records)
        lines = ["fail " + f for f in failed] + [result.note]
        lines += ["never ended: " + n for n in unfinished]
        if result.untyped:
            lines.append("the kernel did not print %r" % result.untyped[0][0])
        return Verdict(result.how.upper(), len(passed), len(failed) + 1, 0,
                       lines + tail(result))
    if r["kind"] == "die":
        return judge_die(result, r["says"])
    return {"tests": judge_tests, "user": judge_tests, "refuse": judge_refuse,
            "boot": judge_boot, "dialog": judge_dialog}[r["kind"]](result)


# ---- running ----

def run_tool(r, arg):
    command, *more = r["tool"]
    folder = os.path.dirname(os.path.abspath(__file__))
    start = time.monotonic()
    done = subprocess.run([sys.executable, os.path.join(folder, command), "--build",
                           arg.build] + more, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)
    lines = done.stdout.splitlines()
    bad = done.returncode != 0
    return Verdict("FAIL" if bad else "PASS", not bad, bad, 0, lines,
                   time.monotonic() - start)


def run_row(r, arg):
    """Prepare, run and judge one row."""
    if r["kind"] == "tool":
        return run_tool(r, arg)
    work = os.path.join(arg.build, "ktest", r["name"])
    image = "ktest.img" if r["kind"] in ("tests", "user", "die") else "Image"
    image = r.get("image", image)
    names = ("smp", "mem", "append", "machine", "cpu", "mode", "legacy")
    m = qemu.Machine(kernel=os.path.join(arg.build, image),
                     **{n: r[n] for n in names if n in r})
    if r["kind"] == "user":
        r.setdefault("initrd", "initrd")
    if "initrd" in r:
        m.initrd = os.path.join(arg.build, r["initrd"])
    words = [m.append]
    if r["kind"] in ("tests", "die"):
        words.append("test=" + r.get("test", "all"))
    if r["kind"] == "user":
        words.append("run=/bin/utest" + "".join("," + p for p in r.get("run", ())))
    if not m.has_virtio():
        words.append("events=console")
    m.append = " ".join(w for w in words if w)
    r["build"] = arg.build
    made = r["made"] = [work + ".elf", work + ".disk", work + ".dtb"]
    try:
        if "disks" in r:
            prepare_disks(r, m, work)
        if "prepare" in r:
            globals()["prepare_" + r["prepare"]](r, m, work)
        result = qemu.run(m, work, PROMPT if r["kind"] == "boot" else None,
                          r.get("dialog"), arg.silence)
        verdict = judge(r, result)
        verdict.seconds = result.seconds
        verdict.story = [str(x) for x in result.records if x.id == "vm"]
    except Skip as e:
        verdict = Verdict("SKIP", 0, 0, 1, [str(e)])
    except (Infra, OSError, fdtedit.Bad) as e:
        verdict = Verdict("INFRA", 0, 1, 0, [str(e)])
    finally:
        for path in made:
            if os.path.exists(path) and not arg.keep:
                os.unlink(path)
    return verdict


def compare_stories(done):
    """The verdict about all (row, verdict) that told one; None: too few did."""
    told = [(r["name"], v.story) for r, v in done if v.story and v.word == "PASS"]
    if len(told) < 2:
        return None
    first, story = told[0]
    wrong = []
    for name, other in told[1:]:
        for a, b in itertools.zip_longest(story, other, fillvalue="nothing"):
            if a != b:
                wrong.append("%s: %s; %s: %s" % (first, a, name, b))
                break
    return Verdict("FAIL" if wrong else "PASS", len(told) - len(wrong), len(wrong),
                   lines=wrong)


def color(word):
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return word.ljust(5)
    code = {"PASS": 32, "SKIP": 33}.get(word, 31)
    return "\x1b[%dm%-5s\x1b[0m" % (code, word)


def report(r, v, verbose):
    counts = "%3d passed" % v.passed
    counts += ", %d failed" % v.failed if v.failed else ""
    counts += ", %d skipped" % v.skipped if v.skipped else ""
    print("%s %-18s %-28s %6.1f s" % (color(v.word), r["name"], counts, v.seconds))
    if v.word != "PASS" or verbose:
        for line in v.lines[:40]:
            print("      " + line)
        if len(v.lines) > 40:
            print("      ... and %d lines more" % (len(v.lines) - 40))
    sys.stdout.flush()


def write_junit(path, rows):
    from xml.sax.saxutils import escape, quoteattr
    with open(path, "w") as f:
        f.write('<testsuite name="ktest" tests="%d">\n' % len(rows))
        for r, v in rows:
            f.write('<testcase name=%s time="%.1f">' % (quoteattr(r["name"]), v.seconds))
            if v.word == "SKIP":
                f.write("<skipped/>")
            elif v.word != "PASS":
                f.write("<failure>%s</failure>" % escape("\n".join(v.lines)))
            f.write("</testcase>\n")
        f.write("</testsuite>\n")


def select(arg):
    rows = [r for r in MATRIX if r["fast"] or not arg.fast]
    if arg.filter:
        names = {r["name"] for r in rows}
        words = arg.filter.split(",")
        rows = [r for r in rows
                if any(w == r["name"] or w not in names and w in r["name"] and
                       not r["long"] for w in words)]
    else:
        rows = [r for r in rows if not r["long"]]
    if not rows:
        sys.exit("ktest: no row is called %s; --list shows them" % arg.filter)
    return rows


def run_all(rows, arg):
    done = []
    pool = concurrent.futures.ThreadPoolExecutor(arg.jobs)
    try:
        todo = [(r, pool.submit(run_row, r, arg)) for r in rows]
        for r, future in todo:
            v = future.result()
            report(r, v, arg.verbose)
            done.append((r, v))
    except BaseException:
        for _, future in todo:
            future.cancel()
        # Ends the QEMUs of the rows under way, and their threads with them.
        qemu.stop_all()
        raise
    finally:
        pool.shutdown()
    return done


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--filter", help="row names or parts of them, with commas")
    ap.add_argument("--fast", action="store_true", help="a few rows only")
    ap.add_argument("--list", action="store_true", help="print the rows and stop")
    ap.add_argument("--jobs", type=int, default=2, help="rows at a time")
    ap.add_argument("--silence", type=int, default=qemu.SILENCE,
                    help="seconds without output that make a hang")
    ap.add_argument("--results", help="folder for ktest.json, the totals")
    ap.add_argument("--junit", help="also write this file")
    ap.add_argument("--keep", action="store_true", help="keep disks and wrappers")
    ap.add_argument("--verbose", action="store_true")
    arg = ap.parse_args()
    if arg.list or arg.filter == "list":
        for r in MATRIX:
            print("%-18s %-7s %s" % (r["name"], r["kind"], "fast" if r["fast"] else ""))
        return 0
    qemu.stop_on_term()
    rows = run_all(select(arg), arg)
    same = compare_stories(rows)
    if same is not None:
        rows.append((row("transcripts", "compare"), same))
        report(rows[-1][0], same, arg.verbose)
    total = {k: sum(getattr(v, k) for _, v in rows)
             for k in ("passed", "failed", "skipped")}
    if arg.results:
        os.makedirs(arg.results, exist_ok=True)
        with open(os.path.join(arg.results, "ktest.json"), "w") as f:
            json.dump(total, f)
    if arg.junit:
        write_junit(arg.junit, rows)
    for r, v in rows:       # once more, where nobody has to look for them
        if v.word not in ("PASS", "SKIP"):
            print("%s %s: %s" % (v.word, r["name"], "; ".join(v.lines[:3])))
    print("ktest: %d rows: %d passed, %d failed, %d skipped"
          % (len(rows), total["passed"], total["failed"], total["skipped"]))
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit("ktest: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
