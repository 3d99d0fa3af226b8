#!/usr/bin/env python3
"""Partition tables (GPT) for disks of tests: no tool of the system is needed."""
import struct
import zlib

SECTOR = 512


def header(at, other, last, entries, table):
    """The header in sector AT; its twin is in sector OTHER, the last one is LAST."""
    head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, at,
                       other, 34, last - 33, b"disk" * 4, entries, 128, 128,
                       zlib.crc32(table))
    return head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]


DATA = b"linux data part."
# 0657fd6d-a4ab-43c4-84e5-0933c84b4f4f, as it lies on a disk
SWAP = bytes.fromhex("6dfd5706aba4c44384e50933c84b4f4f")


def swap_header(size):
    """The first page of a swap space of SIZE bytes, as mkswap(8) writes it."""
    page = b"\0" * 1024 + struct.pack("<III", 1, size // 4096 - 1, 0)
    return page.ljust(4096 - 10, b"\0") + b"SWAPSPACE2"


def write(path, parts, kind=DATA):
    """Make the file PATH a disk with PARTS: (first sector, sector behind it); what
    is of KIND swap gets its header."""
    last = parts[-1][1] + 2047
    table = b"".join(
        struct.pack("<16s16sQQQ72s", kind, b"%016d" % a, a, b - 1, 0, b"")
        for a, b in parts).ljust(128 * 128, b"\0")
    with open(path, "wb") as f:
        f.truncate((last + 1) * SECTOR)
        f.write(b"\0" * 510 + b"\x55\xaa")
        f.write(header(1, last, last, 2, table).ljust(SECTOR, b"\0") + table)
        f.seek((last - 32) * SECTOR)
        f.write(table + header(last, 1, last, last - 32, table))
        for a, b in parts if kind == SWAP else ():
            f.seek(a * SECTOR)
            f.write(swap_header((b - a) * SECTOR))
