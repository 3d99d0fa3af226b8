#!/usr/bin/env python3
"""Read, change and write flattened device trees (.dtb).

fdtedit.py IN OUT [--delete PATH] [--set PATH PROP VALUE] [--cut N]
fdtedit.py IN                     print the tree

PATH names a node by its full name, "/cpus/cpu@0".  VALUE is a string, or
numbers in angle brackets: "<0x80000000 4096>" are two 32-bit cells.  --set
makes nodes that are not there.  The test rows with bad trees use this file as
a module.
"""
import argparse
import struct
import sys

MAGIC = 0xD00DFEED
BEGIN, END, PROP, NOP, STOP = 1, 2, 3, 4, 9


class Bad(Exception):
    pass


class Node:
    def __init__(self, name=""):
        self.name, self.props, self.children = name, {}, []

    def find(self, path, make=False):
        node = self
        for part in [p for p in path.split("/") if p]:
            child = next((c for c in node.children if c.name == part), None)
            if child is None:
                if not make:
                    raise Bad("no node " + path)
                child = Node(part)
                node.children.append(child)
            node = child
        return node

    def delete(self, path):
        parent, _, name = path.rpartition("/")
        node = self.find(parent)
        node.children.remove(self.find(path))

    def walk(self, path=""):
        yield path or "/", self
        for c in self.children:
            yield from c.walk(path + "/" + c.name)


def cells(*numbers):
    return struct.pack(">%dI" % len(numbers), *numbers)


def text(s):
    return s.encode() + b"\0"


class Tree:
    def __init__(self, blob=None):
        self.root, self.reserve, self.boot_cpu = Node(), [], 0
        if blob is not None:
            try:
                self.parse(blob)
            except (struct.error, IndexError, ValueError):
                raise Bad("damaged device tree")

    def parse(self, blob):
        magic, _, struct_at, strings_at, reserve_at, _, _, self.boot_cpu = \
            struct.unpack_from(">8I", blob)
        if magic != MAGIC:
            raise Bad("not a device tree")
        while True:
            pair = struct.unpack_from(">QQ", blob, reserve_at)
            if pair == (0, 0):
                break
            self.reserve.append(pair)
            reserve_at += 16
        at, stack = struct_at, []
        while True:
            token, = struct.unpack_from(">I", blob, at)
            at += 4
            if token == BEGIN:
                end = blob.index(b"\0", at)
                node = Node(blob[at:end].decode())
                at = (end + 4) & ~3
                if stack:
                    stack[-1].children.append(node)
                else:
                    self.root = node
                stack.append(node)
            elif token == END:
                stack.pop()
            elif token == PROP:
                size, name = struct.unpack_from(">II", blob, at)
                name += strings_at
                key = blob[name:blob.index(b"\0", name)].decode()
                stack[-1].props[key] = blob[at + 8:at + 8 + size]
                at = (at + 8 + size + 3) & ~3
            elif token == STOP:
                return
            elif token != NOP:
                raise Bad("unknown token %d at %d" % (token, at - 4))

    def blob(self):
        body, strings, names = bytearray(), bytearray(), {}

        def pad():
            while len(body) % 4:
                body.append(0)

        def emit(node):
            body.extend(cells(BEGIN) + text(node.name))
            pad()
            for key, value in node.props.items():
                if key not in names:
                    names[key] = len(strings)
                    strings.extend(text(key))
                body.extend(cells(PROP, len(value), names[key]) + value)
                pad()
            for child in node.children:
                emit(child)
            body.extend(cells(END))

        emit(self.root)
        body.extend(cells(STOP))
        reserve = b"".join(struct.pack(">QQ", *r) for r in self.reserve + [(0, 0)])
        struct_at = 40 + len(reserve)
        strings_at = struct_at + len(body)
        head = struct.pack(">10I", MAGIC, strings_at + len(strings), struct_at,
                           strings_at, 40, 17, 16, self.boot_cpu, len(strings),
                           len(body))
        return head + reserve + bytes(body) + bytes(strings)


def value_of(word):
    if word.startswith("<") and word.endswith(">"):
        return cells(*[int(n, 0) for n in word[1:-1].split()])
    return text(word)


def show(tree):
    for path, node in tree.root.walk():
        print(path)
        for key, value in node.props.items():
            plain = value[:-1].decode("latin-1")
            if value[-1:] == b"\0" and plain and plain.replace("\0", "").isprintable():
                print("    %s = %s" % (key, plain.replace("\0", ", ")))
            else:
                print("    %s = <%s>" % (key, value.hex()))


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("input")
    ap.add_argument("output", nargs="?")
    ap.add_argument("--delete", action="append", default=[], metavar="PATH")
    ap.add_argument("--set", action="append", default=[], nargs=3,
                    metavar=("PATH", "PROP", "VALUE"))
    ap.add_argument("--cut", type=int, help="keep only the first N bytes")
    arg = ap.parse_args()
    with open(arg.input, "rb") as f:
        tree = Tree(f.read())
    for path in arg.delete:
        tree.root.delete(path)
    for path, key, value in arg.set:
        tree.root.find(path, make=True).props[key] = value_of(value)
    if arg.output is None:
        show(tree)
        return 0
    with open(arg.output, "wb") as f:
        f.write(tree.blob()[:arg.cut])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Bad, OSError, ValueError) as e:
        sys.exit("fdtedit: %s" % e)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
