"""A disk whose writes QEMU records, and what is on one after a crash.

    sector 2048    the file system          /dev/vda1
    behind it      how far the guest came   /dev/vda2: a number, and its complement

crashdisk.py runs a random script on such a disk and grade_crash.py a scenario; both
hold the images that writelog.py makes against what their models allow.
"""
import os
import shutil
import subprocess

import gpt

SECTOR = 512
FIRST, MARKS = 2048, 2048       # sectors in front of the file system, and for marks


class Bad(Exception):
    """A tool did not do its work."""


class Layout:
    """Which sectors (first, how many) are whose."""

    def __init__(self, sectors):
        self.fs, self.marks = (FIRST, sectors), (FIRST + sectors, MARKS)


def scratch(build):
    """Where images lie that nobody needs for long."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else build


def tool(build, name, *more, ok=(0,)):
    done = subprocess.run([os.path.join(build, name)] + list(more),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, errors="replace")
    if done.returncode not in ok:
        raise Bad("%s: exit status %d: %s" % (name, done.returncode,
                                              done.stdout.strip()[-400:]))
    return done


def make_disk(build, path, layout):
    """A partition table, an empty file system, and a place for marks."""
    fs = path + ".fs"
    tool(build, "mksfs", "--size=%dK" % (layout.fs[1] // 2), fs)
    gpt.write(path, [(s, s + n) for s, n in (layout.fs, layout.marks)])
    with open(path, "r+b") as f, open(fs, "rb") as g:
        f.seek(layout.fs[0] * SECTOR)
        shutil.copyfileobj(g, f)
    os.unlink(fs)


def mark_of(data):
    """The last mark, from the first bytes of its partition."""
    n = int.from_bytes(data[:8], "little")
    return n if int.from_bytes(data[8:16], "little") == ~n & (1 << 64) - 1 else 0


def unsound(build, fs):
    """What fsck.sfs has against the file system in the file FS, which is what a mount
    would make of it: its journal is replayed.  None: nothing."""
    for option in "-y", "-n":
        done = tool(build, "fsck.sfs", option, fs, ok=range(-64, 256))
        if done.returncode:
            return "fsck.sfs %s: %d: %s" % (option, done.returncode,
                                            done.stdout.strip()[-300:])
    return None


def extract(build, fs, tree):
    """All files of FS, to the folder TREE."""
    shutil.rmtree(tree, ignore_errors=True)
    tool(build, "sfs", fs, "extract", "/", tree)
