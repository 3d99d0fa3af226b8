#!/usr/bin/env python3
"""What a disk was told, in order, and what a crash may leave of it.

QEMU's block driver "blklogwrites" keeps every write and flush of a guest in a
file, in the format of Linux's dm-log-writes: a super block of one sector, then
entries, each a header of one sector and the data (all little-endian)

    super    magic 0x6a736677736872, version 1, entries: 64 bits each;
             sector size: 32 bits
    header   sector, number of sectors, flags, bytes of data: 64 bits each
    flags    1 flush, 2 FUA, 4 discard, 8 mark

A crash loses any of the writes that no later flush covers: a disk may write what
it holds in its cache in any order, and a write of several sectors in part.

    images(log, base, seed, samples)    yields (what, Image) for every
        prefix that ends at a flush, and for samples of the writes after it
    crashes(log, base, ours, seed, most)  yields (Crash, Image): the power fails at
        every write, and the disk did as it was told, or not
"""
import random
import struct

MAGIC, SECTOR = 0x6A736677736872, 512
FLUSH, FUA, DISCARD = 1, 2, 4
MIXED = 2       # samples of an epoch


class BadLog(Exception):
    pass


class Entry:
    def __init__(self, sector, count, flags, data):
        self.sector, self.count, self.flags, self.data = sector, count, flags, data


def read_log(path):
    """The entries of a log."""
    with open(path, "rb") as f:
        head = f.read(28)
        if len(head) < 28:
            raise BadLog("%s: shorter than a super block" % path)
        magic, version, count, size = struct.unpack("<QQQI", head)
        if magic != MAGIC or version != 1 or size not in (512, 4096):
            raise BadLog("%s: no log of writes" % path)
        f.seek(size)
        entries = []
        for i in range(count):
            head = f.read(size)
            if len(head) < size:
                raise BadLog("%s: entry %d of %d is cut" % (path, i, count))
            sector, n, flags, length = struct.unpack("<QQQQ", head[:32])
            # sectors are counted in the log's own size
            data = b"" if flags & DISCARD else f.read(n * size)
            if not flags & DISCARD and len(data) < n * size:
                raise BadLog("%s: the data of entry %d are cut" % (path, i))
            entries.append(Entry(sector * (size // SECTOR), n * (size // SECTOR),
                                 flags, data))
    return entries


class Image:
    """Sectors over a base that stays as it is; cheap to copy."""

    def __init__(self, base, sectors=None):
        self.base, self.sectors = base, dict(sectors or {})

    def copy(self):
        return Image(self.base, self.sectors)

    def put(self, entry, first=0, count=None):
        """Write sectors FIRST.. of ENTRY."""
        count = entry.count - first if count is None else count
        for i in range(first, first + count):
            self.sectors[entry.sector + i] = entry.data[i * SECTOR:(i + 1) * SECTOR] \
                or bytes(SECTOR)

    def read(self, sector, count=1):
        return b"".join(
            self.sectors.get(s, self.base[s * SECTOR:(s + 1) * SECTOR])
            for s in range(sector, sector + count))

    def write(self, path, first=0, count=None):
        """The sectors [FIRST, FIRST + COUNT) as a file."""
        end = len(self.base) // SECTOR if count is None else first + count
        data = bytearray(self.base[first * SECTOR:end * SECTOR])
        for s, content in self.sectors.items():
            if first <= s < end:
                data[(s - first) * SECTOR:(s - first + 1) * SECTOR] = content
        with open(path, "wb") as f:
            f.write(data)


def epochs(entries):
    """Lists of writes, each list followed by a flush but for the last."""
    now = []
    for e in entries:
        if e.flags & FLUSH:
            yield now
            now = []
        if e.count:
            now.append(e)
    yield now


def sample(image, writes, rng):
    """IMAGE and some of WRITES: any of them, in any order, torn or not."""
    made = image.copy()
    keep = rng.random()
    some = [w for w in writes if rng.random() < keep]
    if rng.random() < 0.5:
        rng.shuffle(some)
    for w in some:
        if w.count > 1 and rng.random() < 0.2:
            first = rng.randrange(w.count)
            made.put(w, first, rng.randint(1, w.count - first))
        else:
            made.put(w)
    return made


def images(entries, base, seed=1, samples=2):
    """Yield (name, Image): each flush boundary, and SAMPLES of what follows."""
    rng = random.Random(seed)
    image = Image(base)
    for n, writes in enumerate(epochs(entries)):
        yield "flush %d" % n, image.copy()
        if writes:
            for k in range(samples):
                yield "flush %d, sample %d" % (n, k), sample(image, writes, rng)
        for w in writes:
            image.put(w)
    yield "end", image


class Crash:
    """The power fails when the disk was told ENTRIES[:after], of which those before START
    are there for good.  WRITES: the numbers, from 1 on, of the writes it is about, one or
    all since the last flush; HOW:

    order     all is there that was told, up to this write
    overtook  of what came since the last flush only this write is there
    without   ... all but this write
    lost      ... nothing
    mixed     ... some of it, also in part"""

    def __init__(self, start, after, how, writes):
        self.start, self.after, self.how, self.writes = start, after, how, writes


def moments(entries, ours):
    """(how many writes there are, [Crash]): all that are of interest.  OURS(entry): is it
    one of the writes, or only there?"""
    out, start, number, mine = [], 0, 0, []
    for i, e in enumerate(entries + [Entry(0, 0, FLUSH, b"")]):
        if e.flags & FLUSH:
            if mine:
                out.append(Crash(start, i, "lost", mine))
            if len(mine) > 1:
                out += [Crash(start, i, "without", [n]) for n in mine[:-1]]
                out += [Crash(start, i, "mixed", mine) for _ in range(MIXED)]
            start, mine = i, []
        if e.count and ours(e):
            number += 1
            mine.append(number)
            out.append(Crash(start, i + 1, "order", [number]))
            if len(mine) > 1:
                out.append(Crash(start, i + 1, "overtook", [number]))
    return number, out


def left(image, crash, entries, ours, rng):
    """IMAGE, which has all until the last flush, after CRASH."""
    now = [e for e in entries[crash.start:crash.after] if e.count]
    if crash.how == "mixed":
        return sample(image, now, rng)
    if crash.how == "without":
        before = sum(bool(e.count) and ours(e) for e in entries[:crash.start])
        gone = [e for e in now if ours(e)][crash.writes[0] - before - 1]
        now = [e for e in now if e is not gone]
    made = image.copy()
    for e in {"overtook": now[-1:], "lost": []}.get(crash.how, now):
        made.put(e)
    return made


def crashes(entries, base, ours, seed, most):
    """Yield (Crash, Image); of more than MOST some are chosen by SEED."""
    rng, image, upto = random.Random(seed), Image(base), 0
    some = moments(entries, ours)[1]
    if len(some) > most:
        some = rng.sample(some, most)
    for crash in sorted(some, key=lambda c: (c.after, c.start)):
        for e in entries[upto:crash.start]:
            if e.count:
                image.put(e)
        upto = crash.start
        yield crash, left(image, crash, entries, ours, rng)
