#!/usr/bin/env python3
"""Take what you did in another hand-out into this one: "make carry FROM=../lab4".

FROM is a folder or an archive: an older hand-out of this lab, or one of an earlier lab.
Of a file in which only bodies of exercises were changed, these bodies come here, whatever
else is new in it.  A file that you changed here already is left alone; of one that both
you and the new version changed elsewhere, yours is put beside it, as NAME.yours.
DRY=1 says what would be done.  Exit status: 0 all was taken; 1 some of it you must look at;
2 it could not be done, and nothing was.
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import exercises  # noqa: E402
import submissions  # noqa: E402
import transplant  # noqa: E402


class Carry:
    def __init__(self, old, here, top):
        self.old, self.here, self.top = old, here, top
        self.write, self.look, self.said = {}, [], []

    def now(self, name):
        path = os.path.join(self.top, name)
        return submissions.open_read(path) if os.path.isfile(path) else None

    def is_exercise(self, name):
        return name.endswith(".c") and bool(exercises.regions(
            name, transplant.lines_of(self.old.files[name])))

    def one(self, name):
        """Decide about a file that was changed there."""
        now, was = self.now(name), self.here["files"].get(name)
        if name in self.here["objects"]:
            self.look.append("%s: of a later lab here, not taken" % name)
            return
        if self.old.was is None and not self.is_exercise(name):
            return      # an old hand-out does not say who changed it
        data, notes, sure = self.old.into(name, now)
        self.look += notes
        if data == now:
            return
        if now is not None and (was is None or was["all"] != transplant.digest(now)):
            self.look.append("%s: you changed it here already, so it stays" % name)
        elif sure:
            self.write[name] = data
            self.said.append("%s: %s" % (name, self.what(name, data)))
        else:
            self.write[name + ".yours"] = data
            self.look.append("%s: yours is %s.yours, compare them" % (name, name))

    def what(self, name, data):
        some = [e.name for e, _, _ in exercises.regions(name, transplant.lines_of(data))]
        return " ".join(some) if some else "your file"

    def decide(self):
        for name in self.old.changed():
            self.one(name)

    def do(self):
        """Each file is whole or as it was."""
        for name, data in self.write.items():
            path = os.path.join(self.top, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path + ".new", "wb") as f:
                f.write(data)
            os.replace(path + ".new", path)


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("source", help="the other tree: a folder or an archive")
    ap.add_argument("--here", default=".", help="this one (default: where you are)")
    ap.add_argument("--dry", action="store_true", help="only say it")
    arg = ap.parse_args()
    path = os.path.join(arg.here, transplant.MANIFEST)
    if not os.path.exists(path):
        raise OSError("this is no hand-out: it has no " + transplant.MANIFEST)
    if os.path.isdir(arg.source) and os.path.samefile(arg.source, arg.here):
        raise OSError("FROM is this very tree")
    here = submissions.manifest_of(submissions.open_read(path))
    if here is None or not isinstance(here.get("objects"), dict):
        raise OSError("%s is of another version" % path)
    files, manifest = submissions.read(arg.source)
    c = Carry(transplant.Old(files, manifest), here, arg.here)
    c.decide()
    if not arg.dry:
        c.do()
    for line in c.said + ["look at this: " + s for s in c.look]:
        print(line)
    print("carry: %d files %s, %d things to look at" % (
        len(c.said), "would be taken" if arg.dry else "taken", len(c.look)))
    return 1 if c.look else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, submissions.Bad) as e:
        print("carry: %s" % e, file=sys.stderr)
        sys.exit(2)
