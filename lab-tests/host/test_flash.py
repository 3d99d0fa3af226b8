#!/usr/bin/env python3
"""Writing cards, held against systems that are made of files: what must be refused,
and cards that are pulled out, lie or are full."""
import contextlib
import errno
import io
import os
import subprocess
import sys
import tempfile

from hostcheck import check, over, TOP
import flash

folder = tempfile.TemporaryDirectory()
made = 0
MIB = 1 << 20


class Tree:
    """A computer: sda with its root on LVM, a card reader sdb, an SD slot mmcblk0, an
    eMMC mmcblk1."""

    def __init__(self):
        global made
        made += 1
        self.root = os.path.join(folder.name, "t%d" % made)
        self.disk("sda", "pci0/ata1/host0", 500 << 20, 0, "8:0", parts=2)
        self.disk("sdb", "pci0/usb1/1-2/host6", 64 * MIB, 1, "8:16", parts=2)
        self.disk("mmcblk0", "pci0/sdhci/mmc0", 64 * MIB, 0, "179:0", kind="SD")
        self.disk("mmcblk1", "soc/mmc1", 64 * MIB, 0, "179:8", kind="MMC")
        self.disk("dm-0", "virtual", 100 << 20, 0, "253:0")
        self.put("sys/class/block/dm-0/slaves/sda2", "")
        self.put("sys/class/block/sda2/holders/dm-0", "")
        self.mounts = ["20 1 253:0 / / rw - ext4 /dev/dm-0 rw",
                       "21 20 8:1 / /boot rw - ext4 /dev/sda1 rw",
                       "22 20 0:5 / /proc rw - proc proc rw"]
        self.put("proc/swaps", "Filename Type Size Used Priority\n")
        self.put("proc/self/mountinfo", "\n".join(self.mounts) + "\n")

    def put(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def mount(self, line):
        self.put("proc/self/mountinfo", "\n".join(self.mounts + [line]) + "\n")

    def node(self, real, name, numbers):
        for folder_, link in (("sys/class/block", name), ("sys/dev/block", numbers)):
            os.makedirs(os.path.join(self.root, folder_), exist_ok=True)
            os.symlink(os.path.join(self.root, real), os.path.join(self.root, folder_, link))

    def disk(self, name, bus, size, removable, numbers, parts=0, kind=None):
        real = "sys/devices/%s/block/%s" % (bus, name)
        for key, value in (("size", size // 512), ("removable", removable), ("ro", 0)):
            self.put("%s/%s" % (real, key), "%d\n" % value)
        self.put(real + "/device/model", "Model of %s\n" % name)
        if kind:
            self.put(real + "/device/type", kind + "\n")
        self.node(real, name, numbers)
        major, minor = numbers.split(":")
        for n in range(1, parts + 1):
            self.put("%s/%s%d/partition" % (real, name, n), "%d\n" % n)
            self.node("%s/%s%d" % (real, name, n), "%s%d" % (name, n),
                      "%s:%d" % (major, int(minor) + n))
            self.put("dev/%s%d" % (name, n), "")
        path = os.path.join(self.root, "dev", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(b"old" * 100)
            f.truncate(size if size <= 64 * MIB else 0)

    def card(self, name="sdb"):
        with open(os.path.join(self.root, "dev", name), "rb") as f:
            return f.read()


def image():
    path = os.path.join(folder.name, "image")
    with open(path, "wb") as f:
        f.write(b"\0" * 510 + b"\x55\xaaEFI PART" + bytes(range(256)) * 40000)
    return path


IMAGE = image()
with open(IMAGE, "rb") as image_file:
    DATA = image_file.read()


def run(tree, dev, answers="", *more):
    """(status, what it said)."""
    old, out = sys.stdin, io.StringIO()
    sys.stdin = io.StringIO(answers)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = flash.main(([dev] if dev else []) + ["--image", IMAGE, "--root",
                                                          tree.root] + list(more))
    finally:
        sys.stdin = old
    return status, out.getvalue()


def refused(name, tree, dev, words, answers="sdb\n\n"):
    before = tree.card()
    status, said = run(tree, dev, answers)
    check("refuses_" + name, (status, words in said, tree.card() == before),
          (1, True, True))
    if words not in said:
        print("# it said: " + said)


def refusals():
    t = Tree()
    refused("no_device", t, None, "which card?")
    refused("nothing_there", t, "/dev/sdx", "No such file")
    refused("a_partition", t, "/dev/sdb1", "is a partition; the card is /dev/sdb")
    refused("the_root_disk", t, "/dev/sda", "a disk of this computer")
    refused("an_emmc", t, "/dev/mmcblk1", "soldered in")
    refused("a_mapped_disk", t, "/dev/dm-0", "is no card")
    refused("a_wrong_name", t, "/dev/sdb", "another name", "sdc\n\n")
    refused("no_answer", t, "/dev/sdb", "no answer", "")
    t.put("sys/class/block/sda/removable", "1")
    refused("a_removable_root", t, "/dev/sda", "carries what is mounted on /")
    t.mounts = t.mounts[:1]
    t.mount("")
    refused("a_root_below_lvm", t, "/dev/sda", "carries what is mounted on /")
    for where, line in (("mounted", "30 20 8:18 / /media/my\\040card rw - vfat /dev/sdb2 rw"),
                        ("mounted_whole", "30 20 8:16 / /mnt rw - ext4 /dev/sdb rw"),
                        ("mounted_by_name", "30 20 0:44 / /mnt rw - btrfs /dev/sdb1 rw")):
        t = Tree()
        t.mount(line)
        refused(where, t, "/dev/sdb", "is mounted on /m")
    t = Tree()
    t.put("proc/swaps", "Filename Type\n/dev/sdb2 partition 100 0 -2\n")
    refused("swap", t, "/dev/sdb", "swap space")
    t = Tree()
    t.put("sys/class/block/sdb1/holders/md0", "")
    refused("part_of_raid", t, "/dev/sdb", "is part of md0")
    for key, value, words in (("ro", "1", "lock switch"), ("size", "0", "no card in it"),
                              ("size", "100", "the image has"),
                              ("size", str(1 << 31), "more than a card")):
        t = Tree()
        t.put("sys/class/block/sdb/" + key, value)
        refused("%s_%s" % (key, value), t, "/dev/sdb", words)
    with open(IMAGE, "r+b") as f:
        f.seek(512)
        f.write(b"no table")
    refused("no_image", Tree(), "/dev/sdb", "is no image of a card")
    with open(IMAGE, "r+b") as f:
        f.seek(512)
        f.write(b"EFI PART")


def writes():
    t = Tree()
    old = t.card()
    status, said = run(t, "/dev/sdb", "", "--dry-run")
    check("dry_run", (status, "all checks passed" in said, t.card() == old), (0, True, True))
    saved = os.path.join(t.root, "saved")
    status, said = run(t, "/dev/sdb", "sdb\n%s\n" % saved)
    card = t.card()
    check("written", (status, card[:len(DATA)] == DATA, len(card)), (0, True, 64 * MIB))
    check("no_old_table_at_the_end", any(card[-MIB:]), False)
    check("saved", open(saved, "rb").read() == old, True)
    check("said_so", "written and compared" in said, True)
    check("an_sd_slot", run(Tree(), "/dev/mmcblk0", "mmcblk0\n\n")[0], 0)
    os.symlink("sdb", os.path.join(t.root, "dev", "by-id"))
    check("by_another_name", run(t, "/dev/by-id", "sdb\n\n")[0], 0)
    status, said = run(t, "/dev/sdb", "sdb\n%s\n" % saved)
    check("saves_over_nothing", (status, "File exists" in said), (1, True))


class Instead:
    """os.NAME is FN for a while."""

    def __init__(self, name, fn):
        self.name, self.fn, self.old = name, fn, getattr(os, name)

    def __enter__(self):
        setattr(os, self.name, self.fn)

    def __exit__(self, *_):
        setattr(os, self.name, self.old)


def after(n, what, real):
    """REAL, until N calls were made: then WHAT happens."""
    left = [n]

    def call(*args):
        left[0] -= 1
        if left[0] < 0:
            raise what
        return real(*args)
    return call


def accidents():
    for name, what, words, status in (
            ("pulled_out", OSError(errno.EIO, "Input/output error"), "pulled out", 1),
            ("gone", OSError(errno.ENODEV, "No such device"), "pulled out", 1),
            ("ctrl_c", KeyboardInterrupt(), "stopped after", 1)):
        t = Tree()
        with Instead("write", after(3, what, os.write)):
            got, said = run(t, "/dev/sdb", "sdb\n\n")
        check(name, (got, words in said, "flash it again" in said), (status, True, True))
    t = Tree()
    real = os.read

    def lies(fd, n):
        data = real(fd, n)
        if os.readlink("/proc/self/fd/%d" % fd).endswith("/sdb") and len(data) > 5000:
            data = data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]
        return data
    with Instead("read", lies):
        status, said = run(t, "/dev/sdb", "sdb\n\n")
    check("a_card_that_lies", (status, "byte 5000 is different" in said), (1, True))
    saved = os.path.join(t.root, "full")
    old = t.card()
    with Instead("write", after(2, OSError(errno.ENOSPC, "No space left on device"),
                                os.write)):
        status, said = run(t, "/dev/sdb", "sdb\n%s\n" % saved)
    check("no_space_to_save", (status, "No space left" in said, os.path.exists(saved),
                               t.card() == old), (1, True, False, True))
    status, said = run(t, "/dev/sdb", "sdb\n/no/such/folder/x\n")
    check("no_folder_to_save", (status, "nothing was written" in said), (1, True))

    def denied(path, *args):
        if path.endswith("/sdb"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real_open(path, *args)
    real_open = os.open
    with Instead("open", denied):
        status, said = run(t, "/dev/sdb", "sdb\n\n")
    check("no_permission", (status, "sudo " in said), (1, True))


def command():
    done = subprocess.run([sys.executable, os.path.join(TOP, "tools", "flash.py"), "--help"],
                          stdout=subprocess.PIPE, universal_newlines=True)
    check("help", (done.returncode, "Everything on the card is lost" in done.stdout), (0, True))
    done = subprocess.run([sys.executable, os.path.join(TOP, "tools", "flash.py"), "--image",
                           IMAGE, "/dev/null"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)
    check("a_real_system", (done.returncode, "is no disk" in done.stdout), (1, True))


def main():
    refusals()
    writes()
    accidents()
    command()
    over()


if __name__ == "__main__":
    main()
