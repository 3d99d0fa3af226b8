"""What tools/ktest.py boots: images, device trees and disks, made for one row.

A row of ktest_rows.py names one of the functions prepare_*() as "prepare", and
the functions write_*() that make its disks as "disks".
"""
import array
import os
import shutil
import struct
import subprocess
import threading

import backports
import bootdisk
import fdtedit
import gpt
import playboard
import qemu
from playboard import RAM, read, write_elf

SIFIVE_LOADER = 2082    # sector of what the SPL of sifive_unleashed loads


class Skip(Exception):
    pass


class Infra(Exception):
    pass


# ---- making the things that are booted ----

def auipc(reg, pages):
    return struct.pack("<I", pages << 12 | reg << 7 | 0x17)


def machine_tree(m, path):
    """The device tree QEMU gives machine M, as the firmware passes it on."""
    tree = playboard.tree_of(m, path)
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


def prepare_play(r, m, work):
    """Begin on another hart than 0, or have RAM around 4 GiB, or both."""
    os.makedirs(os.path.dirname(work), exist_ok=True)
    if "across" in r:
        playboard.across(m, work)
    if "boot_hart" in r:
        playboard.start_on(m, r["boot_hart"], work)


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


def prepare_sdcard_files(r, m, work):
    if not os.path.exists(os.path.join(r["build"], "sdcard.img")):
        raise Skip("no sdcard.img: sfdisk, mkfs.vfat or mcopy is not installed")


def prepare_sdcard(r, m, work):
    """The image as it is; what is written goes elsewhere."""
    prepare_sdcard_files(r, m, work)
    if not os.path.exists(qemu.uboot()):
        raise Skip("no u-boot-qemu")
    m.disk = os.path.join(r["build"], "sdcard.img") + ",snapshot=on"


def prepare_sdcard_newer(r, m, work):
    """... by Debian 13's U-Boot."""
    prepare_sdcard(r, m, work)
    m.loader, = newer_loader(r, "u-boot-qemu", None, ["qemu-riscv64_smode/u-boot.bin"])


def prepare_sdcard_chain(r, m, work):
    """The image in the SD slot of a board that is modelled: its SPL comes from the
    flash, and what that loads lies at a fixed place, between the first table and our
    first partition."""
    prepare_sdcard_files(r, m, work)
    m.bios, loader = newer_loader(r, "u-boot-sifive", "riscv64",
                                  ["sifive_unleashed/u-boot-spl.bin",
                                   "sifive_unleashed/u-boot.itb"])
    disk = work + ".disk"
    shutil.copyfile(os.path.join(r["build"], "sdcard.img"), disk)
    with open(disk, "r+b") as f:
        f.seek(SIFIVE_LOADER * gpt.SECTOR)
        f.write(read(loader))
        if f.tell() > 4096 * gpt.SECTOR:
            raise Skip("this U-Boot is larger than the gap")
        f.truncate(256 << 20)   # the slot wants a power of two
    m.kernel, m.append = None, ""
    m.extra = ["-drive", "file=%s,format=raw,if=sd" % disk]


def newer_loader(r, *what):
    with newer_lock:
        try:
            return backports.boot_loader(os.path.join(r["build"], "uboots"), *what)
        except backports.Skip as e:
            raise Skip(str(e))


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


def write_sfs_stream(path, build):
    subprocess.check_call([os.path.join(build, "mksfs"), "--size=160M", path])


def write_sfs_files(path, build):
    subprocess.check_call([os.path.join(build, "mksfs"), "--size=64M",
                           "--inodes=11000", path])


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


def write_swap(path, build):
    """Two swap partitions, of 8 MiB and of 4 MiB, the second at an odd place."""
    gpt.write(path, [(2048, 2048 + 16384), (18433, 18433 + 8192)], gpt.SWAP)


def write_swap_space(path, build):
    """A disk of 256 MiB, all of it swap space, as mkswap writes it."""
    with open(path, "wb") as f:
        f.truncate(256 << 20)
        f.seek(1024)
        f.write(struct.pack("<III", 1, (256 << 20) // 4096 - 1, 0))
        f.seek(4096 - 10)
        f.write(b"SWAPSPACE2")


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


def prepare(r, m, work):
    """Make what row R boots, below the name WORK, and tell machine M of it."""
    if "disks" in r:
        prepare_disks(r, m, work)
    if "prepare" in r:
        globals()["prepare_" + r["prepare"]](r, m, work)
