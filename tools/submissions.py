"""What somebody handed in: the sources of a kernel, in a folder or an archive.

Only sources below kern/ and libs/ are read, as {"kern/mm/vmm.c": bytes}, and the manifest
of the hand-out they are of, which says what was changed since.  The tree may lie
a folder or two deep, as archives have it.  An archive is never unpacked: what is read from
it is named by its own path inside the tree, so nothing can be written elsewhere, and a
link is not followed.  What is too large is refused: that is no source."""
import json
import os
import re
import sys
import tarfile
import zipfile
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from transplant import MANIFEST  # noqa: E402

FOLDERS = ("kern/", "libs/")
SOURCE = (".c", ".h", ".S")
ARCHIVE = re.compile(r"(.+?)(\.tar|\.tar\.gz|\.tgz|\.tar\.xz|\.tar\.bz2|\.zip)$")
FILE, ALL = 1 << 20, 32 << 20       # bytes
DEEP = 2


class Bad(Exception):
    """It is no submission; the text says why."""


def inside(path):
    """Where PATH lies in a tree of ours: "kern/mm/vmm.c", or None."""
    parts = [p for p in path.replace("\\", "/").split("/") if p not in ("", ".")]
    for at, part in enumerate(parts[:DEEP + 1]):
        name = "/".join(parts[at:])
        if name == MANIFEST:
            return name
        if part + "/" in FOLDERS:
            good = ".." not in parts and name.endswith(SOURCE)
            return name if good else None
    return None


class Files:
    """What is collected, with its limits."""

    def __init__(self):
        self.all, self.size = {}, 0

    def add(self, path, size, read):
        name = inside(path)
        if name is None:
            return
        if size > FILE:
            raise Bad("%s has %d bytes: that is no source" % (path, size))
        if name in self.all:
            raise Bad("%s is there twice" % name)
        self.size += size
        if self.size > ALL:
            raise Bad("it has more than %d MiB of sources" % (ALL >> 20))
        self.all[name] = read()


def read_folder(top, out):
    for here, folders, files in os.walk(top):
        deep = os.path.relpath(here, top).split(os.sep)
        folders[:] = sorted(f for f in folders if f not in ("build", ".git") and
                            not os.path.islink(os.path.join(here, f)))
        for f in sorted(files):
            path = os.path.join(here, f)
            if os.path.isfile(path) and not os.path.islink(path):
                out.add("/".join(deep + [f]), os.path.getsize(path),
                        lambda: open_read(path))


def open_read(path):
    with open(path, "rb") as f:
        return f.read(FILE + 1)


def read_tar(path, out):
    with tarfile.open(path) as tar:
        for m in tar:
            if m.isfile():
                out.add(m.name, m.size, lambda: tar.extractfile(m).read())


def read_zip(path, out):
    with zipfile.ZipFile(path) as z:
        for m in z.infolist():
            if not m.is_dir():
                out.add(m.filename, m.file_size, lambda: z.open(m).read(FILE))


def manifest_of(data):
    """A manifest that somebody could have changed: what is no manifest is none."""
    try:
        some = json.loads(data.decode("utf-8"))
        for was in some["files"].values():
            if not isinstance(was["all"], str):
                return None
        return some
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def read(path):
    """({name: bytes}, the manifest or None); Bad if it is no submission."""
    out = Files()
    try:
        if os.path.isdir(path):
            read_folder(path, out)
        elif path.endswith(".zip"):
            read_zip(path, out)
        else:
            read_tar(path, out)
    except (OSError, EOFError, RuntimeError, NotImplementedError, tarfile.TarError,
            zipfile.BadZipFile, zlib.error) as e:
        raise Bad("it cannot be read: %s" % e) from None
    manifest = out.all.pop(MANIFEST, b"")
    if not out.all:
        raise Bad("there is no kern/ or libs/ in it, at most %d folders deep" % DEEP)
    return out.all, manifest_of(manifest)


def find(folder):
    """[(name of who handed in, path)], in order; OSError if two have one name."""
    out = {}
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        archive = ARCHIVE.match(entry)
        if entry.startswith(".") or not (os.path.isdir(path) or archive):
            continue
        name = archive[1] if archive and not os.path.isdir(path) else entry
        if name in out:
            raise OSError("%s and %s are both of %s" % (
                os.path.basename(out[name]), entry, name))
        out[name] = path
    return sorted(out.items())
