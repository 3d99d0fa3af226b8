#!/usr/bin/env python3
"""Write the names of all kernel functions into the kernel, for backtraces.

kernel.ld reserves a section .ksyms of KSYMS_SIZE zero bytes.  After linking,
this tool fills it in place, so that no address moves and one link is enough:

    u32 magic 'KSYM' (0x4d59534b), u32 count, u32 names_size
    u32 offset[count]   of each function from image_start, ascending
    u32 name[count]     where its name begins in names
    char names[names_size]   each ends with a zero byte

All numbers are little endian.  Local assembly labels (.L...) are left out.
"""
import argparse
import struct
import sys

MAGIC = 0x4D59534B
STT_NOTYPE, STT_FUNC = 0, 2
STB_GLOBAL, STB_WEAK = 1, 2
SHF_EXECINSTR = 4


class Bad(Exception):
    pass


class Elf:
    """The sections and symbols of a 64-bit little-endian ELF file."""

    def __init__(self, data):
        self.data = data
        if data[:6] != b"\x7fELF\x02\x01":
            raise Bad("not a 64-bit little-endian ELF file")
        self.machine, = struct.unpack_from("<H", data, 18)
        shoff, = struct.unpack_from("<Q", data, 40)
        entsize, count, names = struct.unpack_from("<HHH", data, 58)
        fields = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * entsize)
                  for i in range(count)]
        base = fields[names][4]
        self.sections = []
        for f in fields:
            self.sections.append({
                "name": self.string(base + f[0]), "type": f[1], "flags": f[2],
                "addr": f[3], "offset": f[4], "size": f[5], "link": f[6]})

    def string(self, at):
        return self.data[at:self.data.index(b"\0", at)].decode()

    def section(self, name):
        for s in self.sections:
            if s["name"] == name:
                return s
        raise Bad("no section " + name)

    def symbols(self):
        """Yield (name, type, bind, section number, value, size)."""
        table = next((s for s in self.sections if s["type"] == 2), None)
        if table is None:
            raise Bad("no symbol table (stripped?)")
        names = self.sections[table["link"]]["offset"]
        for at in range(table["offset"], table["offset"] + table["size"], 24):
            name, info, _, shndx, value, size = struct.unpack_from(
                "<IBBHQQ", self.data, at)
            yield (self.string(names + name), info & 15, info >> 4, shndx,
                   value, size)


def functions(elf):
    """{address: name} of every function, and the address of image_start."""
    start, found = None, {}
    for name, kind, bind, shndx, value, _ in elf.symbols():
        if name == "image_start":
            start = value
        if not name or not 0 < shndx < len(elf.sections):
            continue
        if not elf.sections[shndx]["flags"] & SHF_EXECINSTR:
            continue
        label = kind == STT_NOTYPE and not name.startswith((".L", "$", "L0"))
        if kind != STT_FUNC and not label:
            continue
        # Two names for one address: a function before a label, global first.
        rank = (kind == STT_FUNC, bind in (STB_GLOBAL, STB_WEAK))
        if value not in found or rank > found[value][0]:
            found[value] = (rank, name)
    if start is None:
        raise Bad("no symbol image_start")
    return {a: n for a, (_, n) in found.items() if a >= start}, start


def table(found, start):
    names, where, offsets = bytearray(), [], []
    for addr in sorted(found):
        offsets.append(addr - start)
        where.append(len(names))
        names += found[addr].encode() + b"\0"
    n = len(offsets)
    return (struct.pack("<III", MAGIC, n, len(names)) +
            struct.pack("<%dI" % n, *offsets) +
            struct.pack("<%dI" % n, *where) + bytes(names))


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("elf", help="the linked kernel; changed in place")
    ap.add_argument("--check", action="store_true",
                    help="only check that the table is there and right")
    arg = ap.parse_args()
    with open(arg.elf, "rb") as f:
        elf = Elf(f.read())
    room = elf.section(".ksyms")
    if room["type"] == 8:
        raise Bad(".ksyms takes no space in the file (NOBITS); it must hold zeros")
    found, start = functions(elf)
    data = table(found, start)
    if len(data) > room["size"]:
        raise Bad("the symbol table takes %d bytes (%d functions) and .ksyms has "
                  "%d: raise KSYMS_SIZE in kern/arch/riscv/kernel.ld"
                  % (len(data), len(found), room["size"]))
    if arg.check:
        if elf.data[room["offset"]:room["offset"] + len(data)] != data:
            raise Bad("the table in .ksyms is not that of the symbols")
        print("%s: %d functions, %d of %d bytes"
              % (arg.elf, len(found), len(data), room["size"]))
        return 0
    with open(arg.elf, "r+b") as f:
        f.seek(room["offset"])
        f.write(data)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Bad, OSError, struct.error, IndexError) as e:
        sys.exit("ksyms: %s: %s" % (sys.argv[-1], e))
    except KeyboardInterrupt:
        sys.exit(130)
