#!/usr/bin/env python3
"""Write compile_commands.json, from which editors (clangd) learn the flags.

compdb.py -o FILE --flags 'gcc -Ikern' a.c b.c --flags 'cc -DHOST' t.c

Every source belongs to the --flags before it.  The file is left alone when
nothing changed.
"""
import json
import os
import shlex
import sys


def main(args):
    if "-h" in args or "--help" in args or "-o" not in args:
        print(__doc__.strip())
        return 0 if "-o" not in args else 2
    args = list(args)
    at = args.index("-o")
    out = args[at + 1]
    del args[at:at + 2]
    entries, flags, here = [], [], os.getcwd()
    while args:
        word = args.pop(0)
        if word == "--flags":
            flags = shlex.split(args.pop(0))
        else:
            entries.append({"directory": here, "file": word,
                            "arguments": flags + ["-c", word]})
    text = json.dumps(entries, indent=1) + "\n"
    try:
        with open(out) as f:
            if f.read() == text:
                return 0
    except OSError:
        pass
    with open(out, "w") as f:
        f.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
