#!/usr/bin/env python3
"""Make a boot archive: a cpio archive (newc) whose files begin on pages.

    mkinitrd.py -o initrd /bin/sh=build/bin/sh /etc/motd=motd --tree folder

Names are padded with NULs until the contents begin on a page, which readers of
the format do not mind; so the kernel can map programs in place.  The same input
gives the same bytes: entries are sorted, times are 0, owners are root.
"""
import argparse
import os
import stat
import sys

PAGE = 4096
HEADER = 110


class Archive:
    def __init__(self):
        self.parts, self.size, self.ino = [], 0, 0

    def put(self, data):
        self.parts.append(data)
        self.size += len(data)

    def entry(self, name, mode, data=b"", align=4):
        self.ino += 1
        text = name.encode() + b"\0"
        begin = self.size + HEADER + len(text)
        pad = -begin % (align if data else 4)
        # The padding belongs to the name only if it is more than the format's.
        if pad >= 4:
            text += b"\0" * (pad // 4 * 4)
        fields = (self.ino, mode, 0, 0, 2 if stat.S_ISDIR(mode) else 1, 0,
                  len(data), 0, 0, 0, 0, len(text), 0)
        self.put(b"070701" + b"".join(b"%08x" % f for f in fields) + text)
        self.put(b"\0" * (-self.size % 4))
        self.put(data)
        self.put(b"\0" * (-self.size % 4))

    def finish(self):
        self.ino = -1
        self.entry("TRAILER!!!", 0)
        self.put(b"\0" * (-self.size % PAGE))
        return b"".join(self.parts)


def tree(top):
    """Yield (path in the archive, path here) for all below TOP."""
    for here, folders, files in os.walk(top):
        folders.sort()
        for f in sorted(files + [d for d in folders
                                 if os.path.islink(os.path.join(here, d))]):
            path = os.path.join(here, f)
            yield os.path.relpath(path, top), path


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("-o", "--output", required=True)
    ap.add_argument("--tree", action="append", default=[], metavar="DIR",
                    help="also all files below DIR")
    ap.add_argument("file", nargs="*", metavar="NAME=FILE")
    arg = ap.parse_args()
    files = {}
    for item in arg.file:
        name, eq, path = item.partition("=")
        if not eq or not name.strip("/"):
            ap.error("%r is not NAME=FILE" % item)
        files[name.strip("/")] = path
    for top in arg.tree:
        if not os.path.isdir(top):
            ap.error("%s is no folder" % top)
        files.update(tree(top))
    archive, folders = Archive(), {"dev", "proc", "tmp"}
    for name in files:
        while "/" in name:
            name = name.rpartition("/")[0]
            folders.add(name)
    for folder in sorted(folders):
        archive.entry(folder, stat.S_IFDIR | 0o755)
    for name in sorted(files):
        path = files[name]
        st = os.lstat(path)
        if stat.S_ISLNK(st.st_mode):
            archive.entry(name, stat.S_IFLNK | 0o777, os.readlink(path).encode())
        elif stat.S_ISREG(st.st_mode):
            with open(path, "rb") as f:
                archive.entry(name, stat.S_IFREG | (st.st_mode & 0o777), f.read(), PAGE)
    data = archive.finish()
    with open(arg.output + ".tmp", "wb") as f:
        f.write(data)
    os.replace(arg.output + ".tmp", arg.output)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit("mkinitrd: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
