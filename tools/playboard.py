"""Machines that QEMU does not have, played on "virt", for qemu.Machine.

    start_on()   the kernel is entered on another hart than 0, as on a board whose hart 0
                 never boots
    across()     most of RAM lies around the address 4 GiB: 8 MiB below it, the rest above

The first puts a few instructions between the firmware and the kernel, the second edits
the device tree that QEMU would have made.  Kernel and firmware are the same as ever.
"""
import os
import struct
import subprocess

import fdtedit

RAM = 0x80000000
STUB = RAM + 0x200000       # where the firmware enters
KERNEL = RAM + 0x400000     # where the kernel is then
FOUR_GIB = 1 << 32
MIB = 1 << 20
BELOW = 8 * MIB
# Who comes first and is not the wanted hart starts that one, with the same a1, and stops
# for good.  Who comes later is the kernel's affair: OpenSBI before 1.2 may send a hart
# here that the kernel started elsewhere.
HOP = (0x00200297,      # 00        auipc t0, 0x200         the kernel
       0x00000397,      # 04        auipc t2, 0
       0x0503A303,      # 08        lw    t1, 0x50(t2)      hart
       0x04650063,      # 0c        beq   a0, t1, go
       0x04C38393,      # 10        addi  t2, t2, 0x4c      flag
       0x00100E13,      # 14        li    t3, 1
       0x0DC3AE2F,      # 18        amoswap.w.aq t3, t3, (t2)
       0x020E1863,      # 1c        bnez  t3, go
       0x00058613,      # 20        mv    a2, a1            the tree
       0x00028593,      # 24        mv    a1, t0
       0x00030513,      # 28        mv    a0, t1
       0x00000813,      # 2c        li    a6, 0             hart_start
       0x004858B7,      # 30        lui   a7, 0x485
       0x34D88893,      # 34        addi  a7, a7, 0x34d     HSM
       0x00000073,      # 38        ecall
       0x00100813,      # 3c        li    a6, 1             hart_stop
       0x00000073,      # 40        ecall
       0x10500073,      # 44  wait: wfi
       0xFFDFF06F,      # 48        j     wait
       0x00028067,      # 4c  go:   jr    t0
       0x00000000)      # 50  flag; 54  hart


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


def start_on(m, hart, work):
    """The kernel of the Machine M begins on HART; with a name of its own below WORK."""
    code = struct.pack("<%dI" % (len(HOP) + 1), *HOP, hart)
    image = read(m.kernel)
    m.kernel = work + ".hop"
    write_elf(m.kernel, [(STUB, code), (KERNEL, image)], STUB)


def tree_of(m, path):
    """The device tree QEMU makes for M, through the file PATH."""
    argv = [m.qemu] + (["-L", m.data] if m.data else []) + [
        "-machine", "virt,dumpdtb=" + path, "-smp", str(m.smp), "-m", m.mem,
        "-display", "none", "-bios", "none"] + (["-cpu", m.cpu] if m.cpu else [])
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    if done.returncode or not os.path.exists(path):
        raise OSError("QEMU wrote no device tree: " + done.stdout.strip())
    tree = fdtedit.Tree(read(path))
    os.unlink(path)
    return tree


def sections(n):
    """N bytes, in whole 2 MiB."""
    return -(-n // (2 * MIB)) * 2 * MIB


def across(m, work):
    """The memory of M as pieces: one for the kernel, one for the boot archive at each place
    where QEMU may put it, 8 MiB below 4 GiB, and from there on the rest of what M has."""
    image = struct.unpack_from("<Q", read(m.kernel), 16)[0]
    pieces = [(RAM, KERNEL - RAM + sections(image))]
    if m.initrd:
        # QEMU 7: 128 MiB behind the kernel's place; newer ones: 512 MiB
        size = sections(os.path.getsize(m.initrd))
        pieces += [(STUB + 128 * MIB, size), (STUB + 512 * MIB, size)]
    pieces.append((FOUR_GIB - BELOW, BELOW))
    rest = int(m.mem[:-1]) * MIB - sum(size for _, size in pieces)
    if m.mem[-1] != "M" or rest < 16 * MIB:
        raise ValueError("%s are too little memory to lie across 4 GiB" % m.mem)
    pieces.append((FOUR_GIB, rest))
    m.mem = "%dM" % ((FOUR_GIB + rest - RAM) // MIB)
    tree = tree_of(m, work + ".dtb")
    for node in tree.root.children:
        if node.name.startswith("memory@"):
            node.props["reg"] = struct.pack(">%dQ" % (2 * len(pieces)),
                                            *(n for piece in pieces for n in piece))
    m.dtb = work + ".dtb"
    with open(m.dtb, "wb") as f:
        f.write(tree.blob())
