#!/usr/bin/env python3
"""What a tree of files may look like after a crash.

The script is one of lab-tests/user/l_fsops.c.  A crash happened after the line
"mark N" for the last N found on the disk, and before the end of the script.  So

  * what an fsync, msync or sync before that mark promised, or a rest in which it had
    the time to get there by itself, must be there, unless a later line may have
    changed it;
  * each file's contents are words that some write of the script put at this place
    of this very file (or of one renamed to it), or zeros;
  * nothing else is there.

It is no full model of all states in between: a name may be at its old or its new
place while lines after the mark are open.  What it says is wrong, is wrong.
"""
import os
import random
import struct


class File:
    """Contents by 8-byte words: for each place the seeds ever written there, and the
    state that the last sync promised."""
    count = 0

    def __init__(self, kind="file", text=None):
        self.kind, self.text = kind, text
        self.size, self.words = 0, {}
        self.ever = {}              # word index -> set of seeds
        self.sizes = {0}            # since the last promise
        self.promised = None        # (size, words) or None
        self.unstable = set()       # words written or cut since
        self.late = set()           # ... since the last mark
        File.count += 1
        self.id = File.count

    def write(self, off, length, seed):
        for i in range(off // 8, (off + length) // 8):
            self.words[i] = seed
            self.ever.setdefault(i, set()).add(seed)
            self.unstable.add(i)
            self.late.add(i)
        self.resize(max(self.size, off + length))

    def resize(self, size):
        for i in [i for i in self.words if i * 8 >= size]:
            del self.words[i]
            self.unstable.add(i)
            self.late.add(i)
        self.size = size
        self.sizes.add(size)

    def promise(self, first=0, behind=1 << 62):
        """The size, and the pages that have bytes from FIRST to BEHIND, are safe."""
        inside = range(first // 4096 * 512, (behind + 4095) // 4096 * 512)
        old = self.promised[1] if self.promised else {}
        words = {i: w for i, w in old.items() if i not in inside}
        words.update((i, w) for i, w in self.words.items() if i in inside)
        self.promised = (self.size, words)
        self.unstable = {i for i in self.unstable if i not in inside}
        self.sizes = {self.size}


class Model:
    """Runs a script, line by line; after each mark it can judge a disk."""

    def __init__(self, lines):
        self.lines = lines
        self.marks = {}
        for number, line in enumerate(lines):
            w = line.split()
            if w and w[0] == "mark":
                self.marks[int(w[1])] = number

    def run(self, upto):
        """The state after the lines before UPTO, and what the rest may do.

        Returns (names, promised names): name -> File; and the model keeps writing
        "ever" for the whole script, since any of it may have reached the disk."""
        names, firm = {"": File("dir")}, {}
        maybe = {}                      # name -> Files it may show after all lines
        moved = set()                   # names that lines without a promise touched

        def see(name, f):
            maybe.setdefault(name, set()).add(f)

        for number, line in enumerate(self.lines):
            if number == upto:
                firm, names_then, unstable = dict(firm), dict(names), set(moved)
                moved = set()
                snapshot = {f: (f.promised, set(f.unstable), set(f.sizes))
                            for f in set(names.values())}
                for f in snapshot:
                    f.late = set()
            w = line.split()
            if not w or w[0] == "#":
                continue
            op, arg = w[0], w[1:]
            if op in ("creat", "write", "append", "fallocate", "mkdir", "symlink"):
                name = arg[1] if op == "symlink" else arg[0]
                if name not in names:
                    names[name] = File({"mkdir": "dir", "symlink": "link"}.get(op, "file"),
                                       arg[0] if op == "symlink" else None)
                    moved.add(name)
                    see(name, names[name])
                f = names[name]
                if op == "write":
                    f.write(int(arg[1]), int(arg[2]), int(arg[3]))
                elif op == "append":
                    f.write(f.size, int(arg[1]), int(arg[2]))
                elif op == "fallocate":
                    f.resize(max(f.size, int(arg[1]) + int(arg[2])))
            elif op == "store":
                off, length = int(arg[1]), int(arg[2])
                names[arg[0]].write(off, length, int(arg[3]))
                names[arg[0]].promise(off, off + length)
                firm, moved = dict(names), set()
            elif op == "truncate":
                names[arg[0]].resize(int(arg[1]))
            elif op in ("unlink", "rmdir"):
                del names[arg[0]]
                moved.add(arg[0])
            elif op == "rename":
                f = names.pop(arg[0])
                below = [n for n in names if n.startswith(arg[0] + "/")]
                names[arg[1]] = f
                moved.update(arg)
                see(arg[1], f)
                for n in below:
                    names[arg[1] + n[len(arg[0]):]] = names.pop(n)
                    moved.update((n, arg[1] + n[len(arg[0]):]))
                    see(arg[1] + n[len(arg[0]):], names[arg[1] + n[len(arg[0]):]])
            elif op == "link":
                names[arg[1]] = names[arg[0]]
                moved.add(arg[1])
                see(arg[1], names[arg[0]])
            elif op in ("fsync", "fdatasync"):
                names[arg[0]].promise()
                firm, moved = dict(names), set()    # one journal: all names before it
            elif op == "poke":
                names[arg[0]].write(int(arg[1]), int(arg[2]), int(arg[3]))
            elif op in ("sync", "rest"):
                for f in names.values():
                    f.promise()
                firm, moved = dict(names), set()
        if upto >= len(self.lines):
            names_then, unstable, snapshot = dict(names), set(moved), {
                f: (f.promised, set(f.unstable), set(f.sizes)) for f in names.values()}
            moved = set()
            for f in snapshot:
                f.late = set()
        return names_then, firm, unstable | moved, snapshot, maybe


def listing(root):
    """name -> (kind, bytes or text) of a folder of this computer."""
    found = {}
    for folder, dirs, files in os.walk(root):
        for n in dirs + files:
            path = os.path.join(folder, n)
            name = os.path.relpath(path, root)
            if os.path.islink(path):
                found[name] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                found[name] = ("dir", None)
            else:
                with open(path, "rb") as f:
                    found[name] = ("file", f.read())
    return found


def foreign_words(data, ever):
    """Places of DATA that hold what no write put there."""
    for at in range(0, len(data) - 7, 8):
        word = struct.unpack_from("<Q", data, at)[0]
        if word and (word & 0xFFFFFFFF != at // 8 or word >> 32 not in ever.get(at // 8, ())):
            yield at, word
    rest = len(data) % 8
    if rest and data[-rest:].strip(b"\0"):
        yield len(data) - rest, data[-rest:]


def judge(model, mark, found, skip=("lost+found",)):
    """Complaints about FOUND, a listing() after a crash whose last mark is MARK."""
    upto = model.marks[mark] + 1 if mark else 0
    names, firm, open_names, snapshot, maybe = model.run(upto)
    bad = []
    for name, f in names.items():
        if name == "" or name in open_names or name not in firm:
            continue
        if name not in found:
            bad.append("%s: was synced, is missing" % name)
        elif found[name][0] != f.kind or (f.kind == "link" and found[name][1] != f.text):
            bad.append("%s: was synced as %s, is %s" % (name, f.kind, found[name][0]))
    for name, (kind, data) in found.items():
        if name in skip:
            continue
        may = maybe.get(name, set())
        if not any(f.kind == kind for f in may):
            bad.append("%s: nobody made this %s" % (name, kind))
            continue
        if kind != "file":
            continue
        ever = {}
        for f in may:
            for i, seeds in f.ever.items():
                ever.setdefault(i, set()).update(seeds)
        for at, word in foreign_words(data, ever):
            bad.append("%s: %r at byte %d was never written there" % (name, word, at))
            break
        f = names.get(name)
        if f is not None and name not in open_names and f in snapshot:
            bad += contents(name, f, snapshot[f], data)
    return bad


def contents(name, f, then, data):
    """What was promised and not touched since must be there."""
    promised, unstable, sizes = then
    if promised is None:
        return []
    size, words = promised
    if f.unstable or f.sizes != {f.size} or unstable or sizes != {size}:
        later = True
    else:
        later = f.promised != promised
    if not later and len(data) != size:
        return ["%s: %d bytes were synced, %d are there" % (name, size, len(data))]
    # What a cut takes away may be zeros before the file is shorter.
    touched = f.late | unstable
    for i, seed in words.items():
        if i in touched or (later and i * 8 + 8 > len(data)):
            continue
        if data[i * 8:i * 8 + 8] != struct.pack("<Q", seed << 32 | i):
            return ["%s: byte %d: the synced write %d is lost" % (name, i * 8, seed)]
    return []


def random_script(seed, count, marks=True):
    """COUNT lines of everything, on a small tree."""
    rng = random.Random(seed)
    files, dirs, lines, n, mark = [], [""], [], 0, 0

    def fresh(kind):
        nonlocal n
        n += 1
        return os.path.join(rng.choice(dirs), "%s%d" % (kind, n))

    for k in range(count):
        op = rng.choice(["write"] * 4 + ["append"] * 2 + ["store", "truncate", "creat",
                        "fallocate", "mkdir", "rmdir", "unlink", "rename", "link",
                        "symlink", "fsync", "fsync", "fdatasync", "sync"])
        seed_ = k + 1
        old = rng.choice(files) if files else None
        if op in ("write", "append", "creat", "fallocate") and (old is None or op == "creat"
                                                                or rng.random() < 0.3):
            old = fresh("f")
            if op == "creat":
                lines.append("creat " + old)
            files.append(old)
        if op in ("mkdir",):
            d = fresh("d")
            dirs.append(d)
            lines.append("mkdir " + d)
        elif op == "symlink":
            lines.append("symlink text%d %s" % (k, fresh("s")))
        elif op == "sync":
            lines.append("sync")
        elif op == "rmdir":
            empty = [d for d in dirs[1:] if not any(x.startswith(d + "/") for x in
                                                    files + dirs) and
                     not any(" %s/" % d in x for x in lines)]
            if empty:
                d = rng.choice(empty)
                dirs.remove(d)
                lines.append("rmdir " + d)
        elif old is None or op == "creat":
            pass
        elif op == "write":
            lines.append("write %s %d %d %d" % (old, rng.randrange(0, 8000) * 8,
                                                rng.randrange(1, 3000) * 8, seed_))
        elif op == "append":
            lines.append("append %s %d %d" % (old, rng.randrange(1, 2000) * 8, seed_))
        elif op == "store":
            lines.append("write %s 0 4096 %d" % (old, seed_ + 100000))
            lines.append("store %s %d %d %d" % (old, rng.randrange(0, 256) * 8,
                                                rng.randrange(1, 200) * 8, seed_))
        elif op == "truncate":
            lines.append("truncate %s %d" % (old, rng.randrange(0, 4000) * 8))
        elif op == "fallocate":
            lines.append("fallocate %s %d %d" % (old, rng.randrange(0, 2000) * 8,
                                                 rng.randrange(1, 2000) * 8))
        elif op == "unlink":
            files.remove(old)
            lines.append("unlink " + old)
        elif op == "rename":
            new = fresh("r")
            files[files.index(old)] = new
            lines.append("rename %s %s" % (old, new))
        elif op == "link":
            new = fresh("l")
            files.append(new)
            lines.append("link %s %s" % (old, new))
        elif op in ("fsync", "fdatasync"):
            lines.append("%s %s" % (op, old))
        if marks and lines and lines[-1].split()[0] in ("fsync", "fdatasync", "sync", "store"):
            mark += 1
            lines.append("mark %d" % mark)
    return lines


def resting_script(seed, count, rest):
    """Like random_script(), but its second half asks for nothing to be written; it has
    REST milliseconds for that in the end, and then there is the only mark.  Some of
    what is written then gets no new blocks: no commit cares for that."""
    lines = random_script(seed, count, marks=False)
    half = len(lines) // 2
    for i in range(half, len(lines)):
        op, _, args = lines[i].partition(" ")
        if op == "store":
            lines[i] = "poke " + args
        elif op in ("fsync", "fdatasync", "sync"):
            lines[i] = "# " + lines[i]
    lines[half:half] = ["write old 0 40960 200001", "sync"]
    return lines + ["write old 8192 8192 200002", "poke old 24576 4096 200003",
                    "rest %d" % rest, "mark 1"]
