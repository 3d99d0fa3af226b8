#!/usr/bin/env python3
"""Does a disk bear what people do to it?

Makes a root disk with a tree of many files, boots it on four harts, and lets the
machine hash all of them; then four processes at once make, read and remove 10,000
files each, and store all over sparse files of 1 GiB (lab-tests/user/l_realuse.c).
Afterwards this computer looks: the hashes are those of its own copies, and
fsck.sfs finds nothing wrong.

Exit status 1 if anything is not so.
"""
import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qemu  # noqa: E402

AT_SHELL = r"\$ $"


def make_tree(top, files, total, seed):
    """FILES files of all sizes, TOTAL bytes together; returns {path: hash}."""
    rnd = random.Random(seed)
    weights = [rnd.expovariate(1) ** 2 for _ in range(files)]
    scale = total / sum(weights)
    hashes = {}
    for i, weight in enumerate(weights):
        folder = os.path.join(top, "d%d" % (i % 97), "e%d" % (i % 7))
        os.makedirs(folder, exist_ok=True)
        data = rnd.getrandbits(8 * int(weight * scale) + 8).to_bytes(
            int(weight * scale) + 1, "little")
        with open(os.path.join(folder, "f%d" % i), "wb") as f:
            f.write(data)
        hashes["/tree/d%d/e%d/f%d" % (i % 97, i % 7, i)] = hashlib.sha256(data).hexdigest()
    return hashes


def call(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, universal_newlines=True)
    return done.returncode, done.stdout


def make_disk(arg, work):
    root = os.path.join(work, "root")
    for name in ("bin", "dev", "proc", "tmp", "etc", "work"):
        os.makedirs(os.path.join(root, name))
    for name in ("init", "sh", "sync", "sha256sum", "l_realuse"):
        shutil.copy(os.path.join(arg.build, "bin", name), os.path.join(root, "bin"))
    hashes = make_tree(os.path.join(root, "tree"), arg.files, arg.mebibytes << 20,
                       arg.seed)
    disk = os.path.join(work, "disk")
    code, text = call(os.path.join(arg.build, "mksfs"), "-e", "256M", "-i", "65536",
                      disk, root)
    if code:
        raise OSError("mksfs: " + text.strip())
    shutil.rmtree(root)
    return disk, hashes


def use(arg, disk, work):
    """What is wrong with how the machine went on; a list."""
    m = qemu.Machine(kernel=os.path.join(arg.build, "Image"), smp=4, mem="256M",
                     append="run=/bin/sh", disks=[disk])
    typing = [(AT_SHELL, "sha256sum -r /tree >/hashes\r"),
              (AT_SHELL, "l_realuse /work %d %d 4\r" % (arg.many, arg.sparse)),
              (r"l_realuse: 4 processes, ok\r?\n", ""),
              (AT_SHELL, "exit 0\r")]
    result = qemu.run(m, os.path.join(work, "run"), None, typing)
    if result.how == "exit" and result.status == 0 and not result.untyped:
        return []
    return ["the machine: %s, status %s%s" % (
        result.how, result.status,
        "".join("\n  | " + s for s in result.text.splitlines()[-15:]))]


def look(arg, disk, hashes, work):
    wrong = []
    code, text = call(os.path.join(arg.build, "fsck.sfs"), "-n", disk)
    if code:
        wrong.append("fsck.sfs: status %d\n%s" % (code, text))
    found = os.path.join(work, "hashes")
    code, text = call(os.path.join(arg.build, "sfs"), disk, "extract", "/hashes", found)
    if code:
        return wrong + ["sfs extract: " + text.strip()]
    with open(found) as f:
        theirs = {line[66:].rstrip("\n"): line[:64] for line in f}
    bad = [p for p in hashes if theirs.get(p) != hashes[p]]
    if bad or len(theirs) != len(hashes):
        wrong.append("%d files hashed, want %d; %d wrong, as %s"
                     % (len(theirs), len(hashes), len(bad), bad[:1]))
    return wrong


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--files", type=int, default=5000, help="in the tree")
    ap.add_argument("--mebibytes", type=int, default=200, help="of all of them")
    ap.add_argument("--many", type=int, default=10000, help="files of each process")
    ap.add_argument("--sparse", type=int, default=1024, help="MiB of a sparse file")
    ap.add_argument("--seed", type=int, default=1)
    arg = ap.parse_args()
    qemu.stop_on_term()
    work = tempfile.mkdtemp(prefix="realuse")
    try:
        disk, hashes = make_disk(arg, work)
        wrong = use(arg, disk, work)
        wrong += look(arg, disk, hashes, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for line in wrong:
        print("realuse: " + line)
    print("realuse: %d files of %d MiB, 4 processes with %d files and %d MiB each: %s"
          % (arg.files, arg.mebibytes, arg.many, arg.sparse,
             "FAILED" if wrong else "ok"))
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit("realuse: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
