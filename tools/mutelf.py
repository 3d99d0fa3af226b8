#!/usr/bin/env python3
"""Make damaged copies of programs, for lab-tests/user/t_mutants.c.

    mutelf.py -o DIR [--count N] [--seed S] PROGRAM...

Each copy has one to three things done to it: a field of the ELF header or of a
program header set to an extreme value, bits flipped in the headers or in the
code, the file cut short.  All end with zeros up to a whole page, so that the
kernel shows their pages in place and caches none.  The same arguments make the
same files.
"""
import argparse
import os
import random
import struct

EXTREME = [0, 1, 2, 63, 64, 4095, 4096, 0x7fffffff, 0xffffffff, 1 << 37, (1 << 38) - 4096,
           1 << 38, 1 << 47, 1 << 63, (1 << 64) - 4096, (1 << 64) - 1]
# offset and size of the fields of the two headers
HEADER = [(16, 2), (18, 2), (24, 8), (32, 8), (54, 2), (56, 2)]
PHDR = [(0, 4), (4, 4), (8, 8), (16, 8), (32, 8), (40, 8)]


def put(data, at, size, value):
    data[at:at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def spoil(data, rnd):
    if len(data) < 64:
        return
    phoff, phnum = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    kind = rnd.randrange(8)
    if kind == 0:
        at, size = rnd.choice(HEADER)
        put(data, at, size, rnd.choice(EXTREME))
    elif kind <= 3 and phoff + 56 * phnum <= len(data) and phnum:
        at, size = rnd.choice(PHDR)
        at += phoff + 56 * rnd.randrange(phnum)
        old = int.from_bytes(data[at:at + size], "little")
        put(data, at, size, rnd.choice([rnd.choice(EXTREME), old + rnd.choice(EXTREME),
                                        old ^ 1 << rnd.randrange(8 * size)]))
    elif kind == 4:
        data[rnd.randrange(min(400, len(data)))] ^= 1 << rnd.randrange(8)
    elif kind == 5:
        del data[rnd.randrange(1, len(data)):]
    else:
        for _ in range(rnd.randrange(1, 40)):
            data[rnd.randrange(len(data))] ^= 1 << rnd.randrange(8)


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("programs", nargs="+")
    ap.add_argument("-o", "--out", required=True)
    ap.add_argument("--count", type=int, default=200)
    ap.add_argument("--seed", type=int, default=1)
    arg = ap.parse_args()
    rnd = random.Random(arg.seed)
    os.makedirs(os.path.join(arg.out, "mutants"), exist_ok=True)
    sources = [open(p, "rb").read() for p in arg.programs]
    for i in range(arg.count):
        data = bytearray(sources[i % len(sources)])
        for _ in range(rnd.randrange(1, 4)):
            spoil(data, rnd)
        data.extend(b"\0" * (-len(data) % 4096))
        path = os.path.join(arg.out, "mutants", "m%03d" % i)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o755)


if __name__ == "__main__":
    main()
