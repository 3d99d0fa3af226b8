#!/usr/bin/env python3
"""Write the SD card's image onto a card: "make flash DEV=/dev/sdX".

Everything on the card is lost, so before anything is opened for writing:

  * the device is named, there is no default, and "lsblk" is not guessed from;
  * it is a whole disk, removable or behind USB or an SD slot, not read-only, and
    neither the board's eMMC nor a disk of this computer;
  * nothing of it is mounted, used as swap or part of another disk, and none of the
    file systems that are mounted lies on it by any way;
  * it is at least as large as the image, and not larger than a card is;
  * its name is typed once more.

Then what is on it can be saved to a file.  What was written is read again and
compared.  Nothing here calls sudo: if the right is missing, the command to type is
printed.  Exit status: 0 written and compared; 1 refused, or it went wrong; 130
stopped before anything was written.
"""
import argparse
import errno
import fcntl
import os
import shlex
import stat
import sys
import time

BLOCK = 4 << 20
TAIL = 1 << 20          # at the card's end: an old second partition table is there
MOST = 256 << 30
BLKRRPART = 0x125F
BAR = 30


class Refused(Exception):
    """Why nothing was done."""


class Failed(Exception):
    """What went wrong on the way."""


def size_text(n):
    return "%.1f GB" % (n / 1e9) if n >= 1e9 else "%.0f MB" % (n / 1e6)


# ---- what the system says of disks ----

class System:
    """The files in /sys, /proc and /dev, below ROOT: "/" but in tests."""

    def __init__(self, root="/"):
        self.root = root

    def path(self, *names):
        return os.path.join(self.root, *names)

    def read(self, *names):
        """The text of a file, "" if there is none."""
        try:
            with open(self.path(*names), errors="replace") as f:
                return f.read().strip()
        except OSError:
            return ""

    def block(self, name, *more):
        return self.path("sys/class/block", name, *more)

    def value(self, name, *more):
        return self.read("sys/class/block", name, *more)

    def listed(self, *names):
        try:
            return sorted(os.listdir(self.path(*names)))
        except OSError:
            return []

    def parts(self, disk):
        """The partitions of DISK."""
        return [n for n in self.listed("sys/class/block", disk)
                if os.path.exists(self.block(disk, n, "partition"))]

    def whole(self, name):
        """The disk of which NAME is a partition; NAME, if it is none."""
        if not os.path.exists(self.block(name, "partition")):
            return name
        return os.path.basename(os.path.dirname(os.path.realpath(self.block(name))))

    def below(self, name):
        """The whole disks that NAME stands on: through partitions, LVM, RAID, crypt."""
        slaves = self.listed("sys/class/block", name, "slaves")
        if not slaves:
            return {self.whole(name)}
        return set().union(*(self.below(s) for s in slaves))

    def number(self, numbers):
        """The name of device "8:1", or None."""
        path = self.path("sys/dev/block", numbers)
        return os.path.basename(os.path.realpath(path)) if os.path.exists(path) else None

    def mounts(self):
        """[(name of the device, where)]."""
        out = []
        for line in self.read("proc/self/mountinfo").splitlines():
            left, _, right = line.partition(" - ")
            words, more = left.split(), right.split()
            if len(words) < 5 or len(more) < 2:
                continue
            name = self.number(words[2])
            if name is None and more[1].startswith("/dev/"):
                name = os.path.basename(os.path.realpath(self.path(more[1][1:])))
            if name is not None and os.path.exists(self.block(name)):
                out.append((name, words[4].replace("\\040", " ")))
        return out

    def swaps(self):
        names = [line.split()[0] for line in self.read("proc/swaps").splitlines()[1:]
                 if line.split()]
        return [os.path.basename(os.path.realpath(self.path(n[1:]))) for n in names]


# ---- may it be written? ----

def check_kind(system, dev):
    """The name of the whole disk DEV."""
    path = os.path.realpath(system.path(dev[1:]) if dev.startswith("/") else dev)
    name = os.path.basename(path)
    try:
        mode = os.stat(path).st_mode
    except OSError as e:
        raise Refused("%s: %s; lsblk shows what there is" % (dev, e.strerror))
    if not stat.S_ISBLK(mode) and system.root == "/":
        raise Refused("%s is no disk" % dev)
    if not os.path.exists(system.block(name)):
        raise Refused("%s is no disk that the system knows" % dev)
    if os.path.exists(system.block(name, "partition")):
        raise Refused("%s is a partition; the card is /dev/%s" % (dev, system.whole(name)))
    if name.startswith(("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd")):
        raise Refused("%s is no card" % dev)
    return name, path


def check_card(system, name):
    """Is NAME something that is put in and taken out?"""
    where = os.path.realpath(system.block(name))
    kind = system.value(name, "device", "type")
    if name.startswith("mmcblk") and kind == "MMC" or \
            os.path.exists(system.block(name + "boot0")):
        raise Refused("%s is an eMMC, soldered in" % name)
    card = name.startswith("mmcblk") and kind == "SD"
    if not (system.value(name, "removable") == "1" or "/usb" in where or card):
        raise Refused("%s is neither removable nor behind USB: a disk of this computer"
                      % name)
    if system.value(name, "ro") == "1":
        raise Refused("%s is read-only; has the card a lock switch at its side?" % name)


def check_use(system, name):
    """Does anything use NAME or what is on it?"""
    mine = [name] + system.parts(name)
    for device, where in system.mounts():
        if device in mine:
            raise Refused("%s is mounted on %s; umount it first" % (device, where))
        if name in system.below(device):
            raise Refused("%s carries what is mounted on %s" % (name, where))
    for device in system.swaps():
        if device in mine or name in system.below(device):
            raise Refused("%s is in use as swap space" % device)
    for n in mine:
        holders = system.listed("sys/class/block", n, "holders")
        if holders:
            raise Refused("%s is part of %s" % (n, holders[0]))


def check_size(system, name, image, most):
    """The size of NAME in bytes."""
    size = int(system.value(name, "size") or 0) * 512
    if size == 0:
        raise Refused("%s: there is no card in it" % name)
    if size < image:
        raise Refused("%s has %s, the image has %s" % (name, size_text(size),
                                                       size_text(image)))
    if size > most:
        raise Refused("%s has %s, more than a card (%s; --most says otherwise)"
                      % (name, size_text(size), size_text(most)))
    return size


def check(system, dev, image, most):
    """(name, path, size) of the card DEV, or Refused."""
    if not dev:
        raise Refused("which card?  make flash DEV=/dev/sdX; lsblk before and after "
                      "putting it in shows the name")
    name, path = check_kind(system, dev)
    check_card(system, name)
    size = check_size(system, name, image, most)
    check_use(system, name)
    return name, path, size


def describe(system, name, size):
    words = [system.value(name, "device", "vendor"), system.value(name, "device", "model"),
             system.value(name, "device", "name")]
    return "/dev/%s: %s, %s, %d partitions" % (
        name, size_text(size), " ".join(w for w in words if w) or "no name",
        len(system.parts(name)))


# ---- copying ----

class Bar:
    """What is done, on one line; not on a terminal: a line per quarter."""

    def __init__(self, what, total, out=None):
        self.what, self.total, self.out = what, max(total, 1), out or sys.stderr
        self.start, self.quarter, self.live = time.monotonic(), 0, self.out.isatty()

    def show(self, done):
        if self.live:
            full = BAR * done // self.total
            rate = done / max(time.monotonic() - self.start, 0.001) / 1e6
            self.out.write("\r%s [%s%s] %3d%%  %.1f MB/s " % (
                self.what, "#" * full, "." * (BAR - full), 100 * done // self.total, rate))
            self.out.write("\n" if done >= self.total else "")
        elif 4 * done // self.total > self.quarter:
            self.quarter = 4 * done // self.total
            self.out.write("%s: %d%%\n" % (self.what, 25 * self.quarter))
        self.out.flush()


def read_full(fd, n):
    out = b""
    while len(out) < n:
        part = os.read(fd, n - len(out))
        if not part:
            break
        out += part
    return out


def write_full(fd, data):
    while data:
        data = data[os.write(fd, data):]


def why(e):
    """In words, what happened to the card."""
    if e.errno in (errno.EIO, errno.ENODEV, errno.ENXIO, getattr(errno, "ENOMEDIUM", 123)):
        return "the card does not answer (%s); was it pulled out?" % e.strerror
    return e.strerror


def save(card, size, path, bar):
    """Copy the whole card to the new file PATH."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        room = os.statvfs(folder)
        if room.f_bavail * room.f_frsize < size:
            raise Refused("%s has no room for %s; nothing was written to the card"
                          % (folder, size_text(size)))
        out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as e:
        raise Refused("%s: %s; nothing was written to the card" % (path, e.strerror))
    done = False
    try:
        os.lseek(card, 0, os.SEEK_SET)
        at = 0
        while at < size:
            data = read_full(card, min(BLOCK, size - at))
            if not data:
                raise Failed("the card ends after %s; nothing was written to it"
                             % size_text(at))
            write_full(out, data)
            at += len(data)
            bar.show(at)
        os.fsync(out)
        done = True
    except OSError as e:
        raise Failed("saving: %s; nothing was written to the card" % e.strerror)
    finally:
        os.close(out)
        if not done:
            os.unlink(path)


def write(card, image, total, size, bar):
    """The image to the card's begin, zeros to its end."""
    at = 0
    try:
        if size - total >= TAIL:
            os.lseek(card, size - TAIL, os.SEEK_SET)
            write_full(card, bytes(TAIL))
        os.lseek(card, 0, os.SEEK_SET)
        os.lseek(image, 0, os.SEEK_SET)
        while at < total:
            data = read_full(image, BLOCK)
            if not data:
                raise Failed("the image became shorter")
            write_full(card, data)
            os.fsync(card)          # so that the bar tells the truth
            at += len(data)
            bar.show(at)
    except OSError as e:
        raise Failed("after %s: %s  The card is not usable now; flash it again."
                     % (size_text(at), why(e)))
    except KeyboardInterrupt:
        raise Failed("stopped after %s.  The card is not usable now; flash it again."
                     % size_text(at))


def compare(card, image, total, bar):
    """Read both again, the card from the card."""
    try:
        os.posix_fadvise(card, 0, 0, os.POSIX_FADV_DONTNEED)
        os.lseek(card, 0, os.SEEK_SET)
        os.lseek(image, 0, os.SEEK_SET)
        at = 0
        while at < total:
            want = read_full(image, BLOCK)
            got = read_full(card, len(want))
            if got != want:
                first = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b),
                             len(got))
                raise Failed("the card does not keep what it is given: byte %d is "
                             "different.  Take another card or reader." % (at + first))
            at += len(want)
            bar.show(at)
    except OSError as e:
        raise Failed("comparing: " + why(e))


# ---- the conversation ----

def ask(text):
    sys.stderr.write(text)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise Refused("no answer; nothing was written")
    return line.strip()


def open_card(path, name, root):
    """For writing, alone."""
    try:
        return os.open(path, os.O_RDWR | (os.O_EXCL if root == "/" else 0))
    except PermissionError:
        raise Refused("no right to write to /dev/%s.  Type:\n  sudo %s %s" % (
            name, sys.executable, " ".join(shlex.quote(a) for a in sys.argv)))
    except OSError as e:
        raise Refused("/dev/%s: %s" % (name, "it is in use" if e.errno == errno.EBUSY
                                       else why(e)))


def flash(arg):
    system = System(arg.root)
    try:
        image = os.open(arg.image, os.O_RDONLY)
    except OSError as e:
        raise Refused("%s: %s; make sdcard makes it" % (arg.image, e.strerror))
    total = os.fstat(image).st_size
    if total == 0 or os.pread(image, 8, 512) != b"EFI PART":
        raise Refused("%s is no image of a card" % arg.image)
    name, path, size = check(system, arg.dev, total, arg.most)
    print("%s\n%s, %s, would be written to it" % (describe(system, name, size), arg.image,
                                                  size_text(total)))
    if arg.dry_run:
        print("all checks passed; nothing was done (--dry-run)")
        return
    card = open_card(path, name, arg.root)
    try:
        if ask("ALL THAT IS ON /dev/%s IS LOST.  Type its name to go on: " % name) != name:
            raise Refused("that is another name; nothing was written")
        target = arg.save if arg.save is not None else \
            ask("A file to save the old contents to (%s), or nothing: " % size_text(size))
        if target:
            save(card, size, os.path.expanduser(target), Bar("saving   ", size))
        check(system, arg.dev, total, arg.most)     # it may be another one by now
        write(card, image, total, size, Bar("writing  ", total))
        compare(card, image, total, Bar("comparing", total))
        try:
            fcntl.ioctl(card, BLKRRPART)
        except OSError:
            pass            # it will be read when the card is put in again
    finally:
        os.close(card)
    print("/dev/%s: written and compared.  It can be pulled out." % name)


def main(argv=None):
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("dev", nargs="?", help="the card, /dev/sdX or /dev/mmcblkN")
    ap.add_argument("--image", default="build/sdcard.img")
    ap.add_argument("--dry-run", action="store_true", help="check everything, do nothing")
    ap.add_argument("--save", metavar="FILE",
                    help="save what is on the card there; '': do not ask")
    ap.add_argument("--most", type=lambda s: int(s) << 30, default=MOST, metavar="GIB",
                    help="no card is larger (256)")
    ap.add_argument("--root", default="/", help="where sys, proc and dev are; for tests")
    arg = ap.parse_args(argv)
    try:
        flash(arg)
    except (Refused, Failed) as e:
        print("flash: %s" % e, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nflash: stopped; nothing was written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
