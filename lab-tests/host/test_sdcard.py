#!/usr/bin/env python3
"""The SD card's image: the same bytes in two folders, and no field of it can change
without sdcard_check finding it."""
import os
import shutil
import subprocess
import tempfile

from hostcheck import check, over
import mkinitrd
import sdcard
import sdcard_check

folder = tempfile.TemporaryDirectory()


def path(*names):
    return os.path.join(folder.name, *names)


def write(name, data):
    with open(path(name), "wb") as f:
        f.write(data)
    return path(name)


def kernel():
    """A kernel that is only a header and some noise."""
    head = b"\x6f\x00\x00\x04" + bytes(4) + (0x200000).to_bytes(8, "little")
    head += (1 << 20).to_bytes(8, "little") + bytes(8) + b"\2\0\0\0" + bytes(12)
    head += b"RISCV\0\0\0" + b"RSC\x05" + bytes(4)
    return head + bytes(i * 7 & 255 for i in range(5000))


def archive():
    a = mkinitrd.Archive()
    for name in ("init", "scenario", "sh"):
        a.entry("bin/" + name, 0o100755, b"\x7fELF" + name.encode() * 300, 4096)
    return a.finish()


def parts():
    """(kernel, archive, root) as files.  The root is as mksfs would begin it: only
    fsck.sfs knows more of it, and that is not there in a host test."""
    root = bytearray(2 << 20)
    root[0:8] = (0x3153465376536375).to_bytes(8, "little")
    root[8:16] = b"\1\0\0\0\0\x10\0\0"
    root[28:32] = (len(root) // 4096).to_bytes(4, "little")
    root[88:92] = b"root"
    root[4096:8192] = bytes(i & 255 for i in range(4096))
    return write("Image", kernel()), write("initrd", archive()), write("root", root)


def twice(image, initrd, root):
    """Built in two folders, under another clock and umask: equal."""
    for where, mask in (("a", 0o022), ("b", 0o077)):
        os.mkdir(path(where))
        os.umask(mask)
        sdcard.make(path(where, "sd"), image, initrd, root, swap_mib=2)
        os.utime(image, (mask * 1e6, mask * 1e6))
    with open(path("a", "sd"), "rb") as a, open(path("b", "sd"), "rb") as b:
        data = a.read()
        check("two_builds_are_equal", data == b.read(), True)
    return bytearray(data)


def staging():
    """The root's files, too, do not depend on who makes them."""
    strip = write("strip", b"#!/bin/sh\ncp \"$4\" \"$3\"\n")
    os.chmod(strip, 0o755)
    listings = []
    for where, mask in (("x", 0o022), ("y", 0o077)):
        os.umask(mask)
        sdcard.stage(path(where), [write("prog", b"\x7fELF")], strip, None)
        done = subprocess.run(["find", ".", "-printf", "%P %M %s\n"], cwd=path(where),
                              stdout=subprocess.PIPE, universal_newlines=True)
        listings.append(sorted(done.stdout.splitlines()))
    check("staged_files_are_equal", listings[0] == listings[1] and
          any(s.startswith("scn/lab4/") for s in listings[0]), True)


def mutations(data, files):
    """Each field, changed in its first, middle and last byte, is found."""
    image, initrd, root = files
    clean = sdcard_check.check(data, image, initrd, root)
    check("the_image_is_right", clean.wrong, [])
    missed, seen = [], set()
    for name, at, size in clean.spans:
        for place in {at, at + size // 2, at + size - 1}:
            if place in seen:
                continue
            seen.add(place)
            data[place] ^= 0x10
            if not sdcard_check.check(data, image, initrd, root).wrong:
                missed.append((name, place))
            data[place] ^= 0x10
    check("every_changed_field_is_found", missed, [])
    names = {n.split(":")[0].split(" (")[0] for n, _, _ in clean.spans}
    check("fields_of_everything", {"mbr", "gpt first", "gpt second", "partition 3", "fat",
                                   "root", "swap"} <= names, True)
    print("# %d fields, %d places changed" % (len(clean.spans), len(seen)))


def alone(data):
    """Without the files it was made of, what matters to a boot is still checked."""
    at = data.index(kernel()[:64])
    for name, offset in (("code", 0), ("offset", 10), ("size", 23), ("version", 32),
                         ("old_magic", 48), ("magic", 56)):
        data[at + offset] ^= 0xFF
        check("kernel_header_%s" % name, bool(sdcard_check.check(data).wrong), True)
        data[at + offset] ^= 0xFF
    for what, old, new in (("conf", b"timeout 10", b"timeout 90"),
                           ("uenv", b"sysboot mmc 1:3", b"sysboot mmc 1:2"),
                           ("uenv_two_lines", b"; setenv fdt", b"\n setenv fdt")):
        at = data.index(old)
        data[at:at + len(new)] = new
        check("%s_is_read" % what, bool(sdcard_check.check(data).wrong), True)
        data[at:at + len(old)] = old
    check("nothing_was_left", sdcard_check.check(data).wrong, [])
    check("a_cut_image", bool(sdcard_check.check(data[:-512]).wrong), True)


def firmware(files):
    spl, uboot = write("spl", b"SPL" * 1000), write("itb", b"\xd0\x0d\xfe\xed" * 1000)
    sdcard.make(path("fw"), *files, spl=spl, uboot=uboot, swap_mib=2)
    with open(path("fw"), "rb") as f:
        data = f.read()
    check("firmware_is_there", sdcard_check.check(data, spl=spl, uboot=uboot).wrong, [])
    check("firmware_nobody_named", len(sdcard_check.check(data).wrong), 2)
    try:
        sdcard.make(path("fw"), *files, spl=write("big", bytes(1) * (3 << 20)), swap_mib=2)
        said = "nothing"
    except RuntimeError as e:
        said = str(e).replace(folder.name, "")
    check("firmware_that_is_too_large", said,
          "/big is larger than its partition of 2048 KiB")
    check("the_old_image_stayed", os.path.getsize(path("fw")), len(data))


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if any(shutil.which(t) is None for t in ("sfdisk", "mkfs.vfat", "mcopy")):
        print("test_sdcard: 0 passed, 0 failed, 1 skipped")
        return 0
    files = parts()
    data = twice(*files)
    staging()
    mutations(data, files)
    alone(data)
    firmware(files)
    over()


if __name__ == "__main__":
    main()
