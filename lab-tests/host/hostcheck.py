"""What the scripts of this folder begin and end with: the tools within reach of import,
and checks that are counted."""
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.path.join(TOP, "tools")
sys.path.insert(0, TOOLS)
sys.dont_write_bytecode = True
counts = [0, 0]


def check(name, got, wanted=True):
    counts[got != wanted] += 1
    print("ok " + name if got == wanted else "FAIL %s: %r is not %r" % (name, got, wanted))


def over():
    """Say how it went, and leave."""
    print("%s: %d passed, %d failed" % (
        os.path.splitext(os.path.basename(sys.argv[0]))[0], counts[0], counts[1]))
    sys.exit(1 if counts[1] else 0)
