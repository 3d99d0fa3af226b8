#!/usr/bin/env python3
"""Read the SD card's image again, from its first byte on, and hold every field
against what the firmwares and the kernel want: "make sdcard-check".

Nothing here is shared with what wrote it: numbers are from the UEFI specification
(GPT), Microsoft's FAT description, the RISC-V boot image header and swap's own
header.  What was looked at is kept as spans, so that a test can change each one and
see it found (lab-tests/host/test_sdcard.py).
"""
import argparse
import os
import struct
import subprocess
import sys
import tempfile
import uuid
import zlib

SECTOR = 512
DISK_ID = "5b1f0c5e-6f0f-4a53-9d0e-3d5f1f2a7c00"
# number: (name, type, attributes, first sector or None, sectors or None)
WANT = {1: ("spl", "2e54b353-1271-4842-806f-e436d6af6985", 0, 4096, 4096),
        2: ("uboot", "bc13c2ff-59e6-4262-a352-b275fd6f7172", 0, 8192, 8192),
        3: ("boot", "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", 4, 16384, 65536),
        4: ("root", "0fc63daf-8483-4772-8e79-3d69d8477de4", 0, 81920, None),
        5: ("swap", "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", 0, None, None)}
DATE, TIME = 0x5821, 0      # 2024-01-01, 0:00
BOOT2 = ("boot2=fdt addr ${fdtcontroladdr}; fdt move ${fdtcontroladdr} ${fdt_addr_r} "
         "20000; setenv fdt_addr ${fdt_addr_r}; sysboot mmc 1:3 fat ${scriptaddr} "
         "/extlinux/extlinux.conf")
# Below the addresses where U-Boot keeps scripts, the tree and the archive.
KERNEL_ROOM = 0x43900000 - 0x40200000
ARCHIVE_ROOM = 64 << 20


class Image:
    """The bytes, what was wrong with them, and which of them were looked at."""

    def __init__(self, data):
        self.data, self.wrong, self.spans = data, [], []

    def want(self, what, ok, got=""):
        if not ok:
            self.wrong.append("%s%s" % (what, ": " + str(got) if got != "" else ""))

    def look(self, name, at, size):
        self.spans.append((name, at, size))
        return bytes(self.data[at:at + size])

    def number(self, name, at, size, want=None):
        raw = self.look(name, at, size)
        got = int.from_bytes(raw, "little")
        if want is not None:
            self.want(name, len(raw) == size and got == want,
                      "%#x, not %#x" % (got, want))
        return got

    def bytes(self, name, at, want):
        got = self.look(name, at, len(want))
        self.want(name, got == want, "%r, not %r" % (got[:24], want[:24]))

    def zeros(self, name, at, size):
        got = self.look(name, at, size)
        self.want(name + " is not empty", got.count(0) == size)


# ---- the partition table ----

def check_mbr(im, sectors):
    im.zeros("mbr: code", 0, 446)
    im.number("mbr: status", 446, 1, 0)
    im.bytes("mbr: first place", 447, b"\x00\x02\x00")
    im.number("mbr: type", 450, 1, 0xEE)
    im.bytes("mbr: last place", 451, b"\xff\xff\xff")
    im.number("mbr: first sector", 454, 4, 1)
    im.number("mbr: sectors", 458, 4, sectors - 1)
    im.zeros("mbr: other entries", 462, 48)
    im.bytes("mbr: signature", 510, b"\x55\xaa")


def check_header(im, which, at, other, table, sectors):
    """A header of the table in sector AT; returns the bytes of its entries."""
    b, n = at * SECTOR, "gpt %s: " % which
    im.bytes(n + "signature", b, b"EFI PART")
    im.number(n + "revision", b + 8, 4, 0x10000)
    im.number(n + "header size", b + 12, 4, 92)
    head = bytearray(im.data[b:b + 92])
    head[16:20] = b"\0\0\0\0"
    im.number(n + "header checksum", b + 16, 4, zlib.crc32(bytes(head)))
    im.number(n + "reserved", b + 20, 4, 0)
    im.number(n + "own sector", b + 24, 8, at)
    im.number(n + "other header", b + 32, 8, other)
    im.number(n + "first usable", b + 40, 8, 34)
    im.number(n + "last usable", b + 48, 8, sectors - 34)
    im.bytes(n + "disk id", b + 56, uuid.UUID(DISK_ID).bytes_le)
    im.number(n + "entries at", b + 72, 8, table)
    im.number(n + "entries", b + 80, 4, 128)
    im.number(n + "entry size", b + 84, 4, 128)
    body = im.look(n + "entries' bytes", table * SECTOR, 128 * 128)
    im.number(n + "entries' checksum", b + 88, 4, zlib.crc32(body))
    im.zeros(n + "rest of the sector", b + 92, SECTOR - 92)
    return body


def check_entries(im, sectors):
    """{number: (first sector, sectors)}."""
    places, end = {}, 34
    for n in range(1, 129):
        at = 2 * SECTOR + (n - 1) * 128
        if n not in WANT:
            im.zeros("partition %d" % n, at, 128)
            continue
        name, kind, attributes, first_want, size_want = WANT[n]
        p = "partition %d (%s): " % (n, name)
        im.bytes(p + "type", at, uuid.UUID(kind).bytes_le)
        im.bytes(p + "id", at + 16, uuid.UUID(DISK_ID[:-2] + "%02d" % n).bytes_le)
        first = im.number(p + "first sector", at + 32, 8, first_want)
        last = im.number(p + "last sector", at + 40, 8,
                         None if size_want is None else first_want + size_want - 1)
        im.number(p + "attributes", at + 48, 8, attributes)
        im.bytes(p + "name", at + 56, name.encode("utf-16-le").ljust(72, b"\0"))
        im.want(p + "begins on a MiB, behind the one before",
                first >= end and first % 2048 == 0, first)
        im.want(p + "ends on a MiB, within the disk",
                first <= last <= sectors - 34 and (last + 1) % 2048 == 0, last)
        end = last + 1
        places[n] = first, last + 1 - first
    im.want("the image ends one MiB behind the last partition", sectors == end + 2048)
    return places


# ---- FAT ----

class Fat:
    """A FAT16 file system; files() gives what is in it."""

    def __init__(self, im, first, sectors):
        b = self.at = first * SECTOR
        im.bytes("fat: jump", b, b"\xeb\x3c\x90")
        im.bytes("fat: made by", b + 3, b"mkfs.fat")
        im.number("fat: bytes per sector", b + 11, 2, 512)
        self.cluster = im.number("fat: sectors per cluster", b + 13, 1, 4) * SECTOR
        reserved = im.number("fat: reserved sectors", b + 14, 2, 4)
        copies = im.number("fat: tables", b + 16, 1, 2)
        self.nroot = im.number("fat: entries of the root", b + 17, 2, 512)
        im.number("fat: sectors, 16 bits", b + 19, 2, 0)
        im.number("fat: media", b + 21, 1, 0xF8)
        each = im.number("fat: sectors per table", b + 22, 2, 64)
        im.number("fat: sectors per track", b + 24, 2, 32)
        im.number("fat: heads", b + 26, 2, 16)
        im.number("fat: sectors before it", b + 28, 4, first)
        im.number("fat: sectors", b + 32, 4, sectors)
        im.number("fat: drive", b + 36, 1, 0x80)
        im.number("fat: unused", b + 37, 1, 0)
        im.number("fat: more follows", b + 38, 1, 0x29)
        im.number("fat: number of the volume", b + 39, 4, 0x75635376)
        im.bytes("fat: label", b + 43, b"BOOT       ")
        im.bytes("fat: kind", b + 54, b"FAT16   ")
        im.bytes("fat: signature", b + 510, b"\x55\xaa")
        self.im, self.table = im, b + reserved * SECTOR
        table = im.look("fat: first table", self.table, each * SECTOR)
        other = im.look("fat: second table", self.table + each * SECTOR, each * SECTOR)
        im.want("the two tables differ", table == other)
        self.next = struct.unpack("<%dH" % (len(table) // 2), table)
        im.want("fat: the first two entries", self.next[:2] == (0xFFF8, 0xFFFF),
                self.next[:2])
        self.root = self.table + copies * each * SECTOR
        self.begin = self.root + self.nroot * 32
        self.most = 2 + (self.at + sectors * SECTOR - self.begin) // self.cluster
        im.want("fat: too few clusters for FAT16", self.most > 4086, self.most)
        self.used = set()

    def chain(self, name, first, size):
        """The places of its clusters; each belongs to one file, and there is no more."""
        out, c = [], first
        while 2 <= c < self.most and c not in self.used:
            self.used.add(c)
            out.append(self.begin + (c - 2) * self.cluster)
            c = self.next[c]
        self.im.want("fat: %s: its chain of clusters is damaged" % name, c >= 0xFFF8, c)
        self.im.want("fat: %s: %d clusters for %d bytes" % (name, len(out), size),
                     size < 0 or len(out) == -(-size // self.cluster))
        return out

    def folder(self, path, where, size):
        """[(path, attributes, cluster, size, where its entry is)] of a folder."""
        out, long = [], {}
        raw = self.im.look("fat: folder /" + path, where, size)
        for i in range(0, size, 32):
            e = raw[i:i + 32]
            if e[0] == 0:
                self.im.want("fat: something behind the end of /" + path,
                             not any(raw[i:]))
                break
            for what, at, n in (("name", 0, 11), ("kind", 11, 1), ("dates", 12, 14),
                                ("cluster", 26, 2), ("size", 28, 4)):
                self.im.spans.append(("fat: %s of an entry" % what, where + i + at, n))
            if e[11] == 0x0F:
                long[e[0] & 0x3F] = (e[1:11] + e[14:26] + e[28:32]).decode(
                    "utf-16-le", "replace"), e
                continue
            name = e[:8].decode("ascii", "replace").rstrip()
            name += "." + e[8:11].decode("ascii", "replace").rstrip() \
                if e[8:11].strip() else ""
            if long:
                self.check_long(name, e[:11], long)
                name = "".join(long[k][0] for k in sorted(long)).split("\0")[0]
            elif e[12] & 8:
                name = name.lower()
            self.check_entry(path + name, e, not long and e[0] != 0x2E and e[11] != 8,
                             (where - self.begin) // self.cluster + 2)
            out.append((path + name, e[11], struct.unpack_from("<H", e, 26)[0],
                        struct.unpack_from("<I", e, 28)[0], where + i))
            long = {}
        return out

    def check_long(self, name, short, long):
        sum8 = 0
        for byte in short:
            sum8 = ((sum8 >> 1 | sum8 << 7 & 0x80) + byte) & 0xFF
        whole = "".join(long[k][0] for k in sorted(long))
        rest = whole.split("\0", 1)[1:]
        ok = sorted(long) == list(range(1, len(long) + 1)) and \
            all(e[13] == sum8 and e[12] == 0 and e[26:28] == b"\0\0" and
                bool(e[0] & 0x40) == (k == len(long)) for k, (_, e) in long.items())
        self.im.want("fat: the long name of " + name,
                     ok and set("".join(rest)) <= {"\uffff"})

    def check_entry(self, name, e, short, here):
        made = struct.unpack_from("<HH", e, 14)
        read, high, clock, day = struct.unpack_from("<HHHH", e, 18)
        self.im.want("fat: the dates of " + name,
                     made in ((TIME, DATE), (0, 0)) and read in (DATE, 0) and
                     high == 0 and clock == TIME and day == DATE and
                     e[13] == 0)
        # Names without a long one are in lower case, and have no extension.
        self.im.want("fat: the case of " + name, e[12] == (8 if short else 0), e[12])
        cluster, size = struct.unpack_from("<H", e, 26)[0], struct.unpack_from("<I", e, 28)[0]
        self.im.want("fat: the size of " + name, size == 0 or e[11] & 0x18 == 0, size)
        if e[11] == 8:
            self.im.want("fat: the cluster of " + name, cluster == 0, cluster)
        if e[:1] == b".":
            self.im.want("fat: /%s is not this folder or the one above" % name,
                         e[11] == 0x10 and cluster == (here if e[1:2] == b" " else 0))

    def files(self):
        """{path: bytes}; every cluster is looked at once."""
        out = {}
        todo = self.folder("", self.root, self.nroot * 32)
        while todo:
            name, kind, first, size, _ = todo.pop()
            if kind == 8:
                self.im.want("fat: the label in the root", name == "BOOT", name)
                continue
            if os.path.basename(name) in (".", ".."):
                continue
            self.im.want("fat: the kind of " + name, kind in (0x10, 0x20, 0), kind)
            if kind == 0x10:
                for at in self.chain(name, first, -1):
                    todo += self.folder(name + "/", at, self.cluster)
                continue
            places = self.chain(name, first, size)
            data = b"".join(bytes(self.im.data[a:a + self.cluster]) for a in places)
            for a in places:
                self.im.spans.append(("fat: data of " + name, a, self.cluster))
            self.im.want("fat: behind the end of " + name, not any(data[size:]))
            out[name] = data[:size]
        lost = [c for c in range(2, len(self.next)) if self.next[c] and c not in self.used]
        self.im.want("fat: clusters of no file", not lost, lost[:3])
        return out


# ---- what is in it ----

def check_kernel(im, data):
    """The header that booti wants; all 64 bytes."""
    if len(data) < 64:
        im.want("Image: too short", False, len(data))
        return
    (code, code1, offset, size, flags, version, r1, r2, magic, magic2, r3) = \
        struct.unpack("<IIQQQIIQ8s4sI", data[:64])
    im.want("Image: does not begin with a jump of 4 bytes", code & 0xFFF == 0x6F,
            hex(code))
    im.want("Image: code1", code1 == 0, hex(code1))
    im.want("Image: offset in memory", offset == 0x200000, hex(offset))
    im.want("Image: size in memory", len(data) <= size <= KERNEL_ROOM, size)
    im.want("Image: flags", flags == 0, flags)
    im.want("Image: version of the header", version == 2, version)
    im.want("Image: reserved", (r1, r2, r3) == (0, 0, 0))
    im.want("Image: old magic", magic == b"RISCV\0\0\0", magic)
    im.want("Image: magic", magic2 == b"RSC\x05", magic2)


def check_conf(im, text):
    """extlinux.conf, as U-Boot reads it: words, and labels with theirs."""
    top, labels, here = {}, {}, None
    for line in text.split("\n"):
        word, _, rest = line.strip().partition(" ")
        if word == "label":
            here = labels.setdefault(rest, {})
        elif word:
            (top if here is None else here)[word] = rest
    im.want("extlinux.conf: ends with a line feed", text.endswith("\n"))
    im.want("extlinux.conf: head", top == {"default": "ucore", "timeout": "10",
                                           "prompt": "0"}, top)
    both = {"kernel": "/Image", "initrd": "/initrd"}
    for name, words in (("ucore", "swapspace=auto:16M"),
                        ("memory", "root=archive swapspace=ram:16M")):
        want = dict(both, append="console=ttyS0,115200 " + words)
        im.want("extlinux.conf: label " + name, labels.get(name) == want,
                labels.get(name))
    im.want("extlinux.conf: labels", len(labels) == 2, sorted(labels))


def check_uenv(im, data):
    im.want("vf2_uEnv.txt: is not the one line boot2=...",
            data == BOOT2.encode() + b"\n", data[:40])


def check_archive(im, data):
    """A cpio archive (newc), with programs that begin on pages."""
    names, at = {}, 0
    while data[at:at + 6] == b"070701" and len(data) >= at + 110:
        try:
            f = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        except ValueError:
            break
        name = data[at + 110:at + 110 + f[11]].split(b"\0")[0].decode("ascii", "replace")
        body = at + 110 + f[11] + (-(110 + f[11]) % 4)
        names[name] = f[1], body, f[6]
        at = body + f[6] + (-f[6] % 4)
        if name == "TRAILER!!!":
            break
    im.want("initrd: is no whole archive", "TRAILER!!!" in names and at <= len(data))
    im.want("initrd: size", len(data) % 4096 == 0 and len(data) <= ARCHIVE_ROOM, len(data))
    for need in ("bin/init", "bin/sh", "bin/scenario"):
        mode, body, size = names.get(need, (0, 0, 0))
        im.want("initrd: has no program /" + need, mode == 0o100755 and
                body % 4096 == 0 and data[body:body + 4] == b"\x7fELF" and
                body + size <= len(data))


def check_root(im, at, size, fsck):
    """The file system; FSCK is the program that knows all of it, or None."""
    im.number("root: magic", at, 8, 0x3153465376536375)
    im.number("root: version", at + 8, 4, 1)
    im.number("root: block size", at + 12, 4, 4096)
    blocks = im.number("root: blocks", at + 28, 4)
    im.want("root: is not as large as its partition", 0 < size - blocks * 4096 < 1 << 20 or
            blocks * 4096 == size, blocks)
    im.bytes("root: label", at + 88, b"root".ljust(32, b"\0"))
    im.look("root: super block", at, SECTOR)
    if fsck is None:
        return
    with tempfile.NamedTemporaryFile() as f:
        f.write(bytes(im.data[at:at + size]))
        f.flush()
        done = subprocess.run([fsck, "-n", f.name], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True)
    im.want("root: fsck.sfs", done.returncode == 0,
            done.stdout.strip().replace(f.name, "it"))


def check_swap(im, at, size):
    im.zeros("swap: before the header", at, 1024)
    im.number("swap: version", at + 1024, 4, 1)
    im.number("swap: last page", at + 1028, 4, size // 4096 - 1)
    im.number("swap: bad pages", at + 1032, 4, 0)
    im.zeros("swap: rest of the header", at + 1036, 4096 - 10 - 1036)
    im.bytes("swap: signature", at + 4096 - 10, b"SWAPSPACE2")


def check_firmware(im, n, place, path):
    """A partition for firmware: empty, or what the file PATH is."""
    at, size = place[0] * SECTOR, place[1] * SECTOR
    want = b""
    if path:
        with open(path, "rb") as f:
            want = f.read()
    im.want("partition %d: not what %s is" % (n, path or "nothing"),
            im.look("partition %d: data" % n, at, size) == want.ljust(size, b"\0"))


def check(data, image=None, initrd=None, root=None, fsck=None, spl=None, uboot=None):
    """What is wrong with the image DATA, and the Image that was looked at.  IMAGE,
    INITRD, ROOT: files that must be in it, byte by byte; None: it only must make
    sense."""
    im = Image(data)
    sectors = len(data) // SECTOR
    if len(data) < 43 << 20 or len(data) % SECTOR:
        im.wrong.append("the image is cut: %d bytes" % len(data))
        return im
    check_mbr(im, sectors)
    entries = check_header(im, "first", 1, sectors - 1, 2, sectors)
    again = check_header(im, "second", sectors - 1, 1, sectors - 33, sectors)
    im.want("the two tables of partitions differ", entries == again)
    places = check_entries(im, sectors)
    if im.wrong:
        return im           # nothing below can be found
    check_firmware(im, 1, places[1], spl)
    check_firmware(im, 2, places[2], uboot)
    files = Fat(im, *places[3]).files()
    want = {"Image", "initrd", "vf2_uEnv.txt", "extlinux/extlinux.conf"}
    im.want("files of the boot partition", set(files) == want, sorted(files))
    check_kernel(im, files.get("Image", b""))
    check_conf(im, files.get("extlinux/extlinux.conf", b"").decode("ascii", "replace"))
    check_uenv(im, files.get("vf2_uEnv.txt", b""))
    check_archive(im, files.get("initrd", b""))
    at, size = places[4][0] * SECTOR, places[4][1] * SECTOR
    check_root(im, at, size, fsck)
    check_swap(im, places[5][0] * SECTOR, places[5][1] * SECTOR)
    for name, path in (("Image", image), ("initrd", initrd)):
        if path:
            with open(path, "rb") as f:
                im.want("%s is not %s" % (name, path), f.read() == files.get(name))
    if root:
        with open(root, "rb") as f:
            im.want("the root is not " + root,
                    f.read().ljust(size, b"\0") == im.look("root: data", at, size))
    return im


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("file", nargs="?", default="build/sdcard.img",
                    help="the image, or a card: /dev/sdX")
    ap.add_argument("--image", help="the kernel that must be in it")
    ap.add_argument("--initrd", help="the archive that must be in it")
    ap.add_argument("--root", help="the root that must be in it")
    ap.add_argument("--fsck", help="build/fsck.sfs, to check the root")
    ap.add_argument("--spl", help="what must be in partition 1; else nothing")
    ap.add_argument("--uboot", help="what must be in partition 2; else nothing")
    arg = ap.parse_args()
    with open(arg.file, "rb") as f:
        data = f.read()
    im = check(data, arg.image, arg.initrd, arg.root, arg.fsck, arg.spl, arg.uboot)
    for line in im.wrong:
        print("wrong: " + line)
    print("  %s: %d fields looked at, %d wrong" % (arg.file, len(im.spans), len(im.wrong)))
    return 1 if im.wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit("sdcard_check: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
