#!/usr/bin/env python3
"""Machines that scenarios did not ask for (tools/grade_machine.py, playboard.py), and the
debugger's line to QEMU, which prints much and reads nothing meanwhile."""
import argparse
import os
import socket
import struct
import tempfile
import threading

from hostcheck import check, over
import fdtedit
import gdbstub
import grade_machine
import grade_matrix
import playboard
import qemu

folder = tempfile.TemporaryDirectory()
GIB = 1 << 30


def options(*words):
    ap = argparse.ArgumentParser()
    grade_machine.options(ap)
    return ap.parse_args(words)


class Case:
    def __init__(self, boot="", harts=1, memory=64, verdict=None, kernel=False):
        self.scn = {"boot": boot, "harts": harts, "memory": memory}
        self.verdict, self.kernel = verdict, lambda: kernel


def asked():
    def of(case, *words):
        grade_machine.elsewhere([case], options(*words))
        return case.scn["boot"], case.scn["harts"], case.scn["memory"]
    check("plain", of(Case("a=1")), ("a=1", 1, 64))
    check("added", of(Case("a=1"), "--boot", "b=2 c=3"), ("a=1 b=2 c=3", 1, 64))
    check("its_own_stays", of(Case("mmu=sv48"), "--boot", "asid=0 mmu=sv39"),
          ("mmu=sv48 asid=0", 1, 64))
    check("at_least", of(Case(harts=2), "--harts", "4", "--memory", "512"), ("", 4, 512))
    check("not_fewer", of(Case(harts=4), "--harts", "2"), ("", 4, 64))
    check("enough_across", of(Case(), "--across"), ("", 1, 128))
    check("kernel_stays", of(Case(kernel=True), "--boot", "asid=0", "--harts", "4"),
          ("", 1, 64))


def believed():
    def of(append, text, cpu=None, kernel="Image"):
        m = qemu.Machine(append=append + " mmu=sv57", cpu=cpu, kernel=kernel)
        return grade_machine.doubt(m, options("--boot", append), text) is None
    hello = "ucore\n  boot hart 1, A/D\n  Sv39, 16 ASID\n  timer by the firmware\n"
    check("nothing_asked", of("run=/bin/x", ""), True)
    check("sv39_is", of("mmu=sv39", hello), True)
    check("sv48_is_not", of("mmu=sv48", hello), False)
    check("two_are_asked", of("mmu=sv39 asid=0", hello), False)
    check("no_sstc_is", of("", hello, "rv64,sstc=off"), True)
    check("sstc_is", of("", hello.replace("the firmware", "stimecmp"), "rv64,sstc=off"), False)
    check("hart_1", of("", hello, kernel="x.hop"), True)
    check("hart_0", of("", hello.replace("hart 1", "hart 0"), kernel="x.hop"), False)
    # What a row asks for by a boot argument is one of those that are looked for.
    rows = [w for _, row in grade_matrix.BOARD for a, b in zip(row, row[1:])
            if a == "--boot" for w in b.split() if not w.startswith("events=")]
    check("all_rows_are_seen", [w for w in rows if w not in grade_machine.SAYS], [])


def split():
    """The memory of the tree that across() writes."""
    work = os.path.join(folder.name, "m")
    with open(work + ".img", "wb") as f:
        f.write(struct.pack("<QQQ", 0, 0, 3 << 20))
    with open(work + ".initrd", "wb") as f:
        f.write(b"\0" * 5000)
    tree = fdtedit.Tree()
    tree.root.find("memory@80000000", make=True)
    sizes, playboard.tree_of = [], lambda m, path: sizes.append(m.mem) or tree
    m = qemu.Machine(kernel=work + ".img", initrd=work + ".initrd", mem="128M")
    playboard.across(m, work)
    node = fdtedit.Tree(playboard.read(m.dtb)).root.find("memory@80000000")
    reg = struct.unpack(">%dQ" % (len(node.props["reg"]) // 8), node.props["reg"])
    pieces = sorted(zip(reg[::2], reg[1::2]))
    check("as_much_as_asked", sum(size for _, size in pieces), 128 << 20)
    check("kernel_is_in", pieces[0], (2 * GIB, 8 << 20))
    check("archive_is_in", [p for p in pieces if p[0] == 0x88200000], [(0x88200000, 2 << 20)])
    check("both_sides", pieces[-2:], [(4 * GIB - (8 << 20), 8 << 20), (4 * GIB, 108 << 20)])
    check("qemu_has_it", sizes, ["%dM" % (2048 + 108)])
    check("apart", all(a + n <= b for (a, n), (b, _) in zip(pieces, pieces[1:])), True)
    try:
        playboard.across(qemu.Machine(kernel=work + ".img", mem="24M"), work)
        check("too_little", False, True)
    except ValueError:
        check("too_little", True, True)


def hop():
    """What start_on() writes: an ELF file, entered in front of the kernel."""
    work = os.path.join(folder.name, "h")
    with open(work, "wb") as f:
        f.write(b"kernel")
    m = qemu.Machine(kernel=work)
    playboard.start_on(m, 3, work)
    data = playboard.read(m.kernel)
    entry, = struct.unpack_from("<Q", data, 24)
    parts = [struct.unpack_from("<QQ", data, 64 + 56 * i + 8) for i in (0, 1)]
    check("entry", (entry, parts[0][1], parts[1][1]), (0x80200000, 0x80200000, 0x80400000))
    code = struct.unpack_from("<22I", data, parts[0][0])
    check("hart_behind_the_code", code[21], 3)
    check("branches_end_at_jr", [code[n + 0x40 // 4] for n in (3,)] +
          [code[7 + 0x30 // 4]], [0x00028067] * 2)
    check("kernel_behind", data[parts[1][0]:][:6], b"kernel")


def much_is_printed():
    """As QEMU: all lines are written before one byte is read."""
    ours, theirs = socket.socketpair()
    lines = 3000

    def monitor():
        theirs.recv(1000)
        for n in range(lines):
            theirs.sendall(b"$O%s#00" % (b"%d\n" % n).hex().encode())
        theirs.sendall(b"$OK#9a")
    threading.Thread(target=monitor, daemon=True).start()
    stub = gdbstub.Stub.__new__(gdbstub.Stub)
    stub.socket, stub.data = ours, b""
    ours.settimeout(20)
    try:
        text = stub.monitor("info mem")
    except OSError as e:
        text = str(e)
    check("all_lines_come", text.count("\n"), lines)


asked()
believed()
split()
hop()
much_is_printed()
over()
