#!/usr/bin/env python3
"""Cut a tree for students: "make handout LAB=4 OUT=dir [KEEP=tree]".

The exercises of the lab become stubs (tools/markers.py says what an exercise is).  Labs
below it stay solved, or come from a student's tree (KEEP).  Files with exercises of
later labs are not there: ref/ has their objects, and make links those.  ref/solved/
has the objects of this lab's own files, for the kernel on which scenarios of other
labs are graded.  ref/manifest.json says what was cut, with hashes, so that the grader
knows an exercise that nobody touched.

OUT must not exist; it appears when all of it is there.
"""
import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import exercises  # noqa: E402
import transplant  # noqa: E402
from exercises import Bad  # noqa: E402

# What a student has no use for, or what has solutions in it: our tests, also those that
# are programs on the root disk, and what only runs or checks them.
TESTERS = ("count crashdisk floors hosttests ktest ktest_prepare ktest_rows "
           "ktest_victims labmutants labpages labsolutions lint mutants mutelf profile realuse "
           "total grade_class class_page").split()
WITHOUT = (".git", ".ci", ".gitlab-ci.yml", "build", "ref", "lab-tests/mutants",
           "lab-tests/solutions", "lab-tests/kernel", "lab-tests/host/", "lab-tests/user/",
           "lab-tests/glibc", "tools/handout", "tools/extcheck.sh") + tuple(
               "tools/%s.py" % t for t in TESTERS)
README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "handout-readme.md")
# ... but the disk tools and the program that runs scenarios stand on these.
EVEN_SO = ("lab-tests/host/shim/", "lab-tests/user/lib/clone.S")
WINDOW = 4          # so many lines of a solution in a row must be nowhere
WEIGHT = 100        # ... if they have so many characters


def project_files():
    """What belongs to the project: what git knows and what is new; or all there is."""
    try:
        done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              universal_newlines=True)
        names = done.stdout.splitlines() if done.returncode == 0 else []
    except OSError:
        names = []
    if not names:
        names = [os.path.relpath(os.path.join(d, f), ".")
                 for d, _, fs in os.walk(".") for f in fs]
    return sorted(n for n in set(names) if os.path.isfile(n))


def is_without(name):
    return any(name == w or name.startswith(w if w.endswith("/") else w + "/") or
               (w == "tools/handout" and name.startswith(w))
               for w in WITHOUT) and not name.startswith(EVEN_SO)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()[:16]


class Cutter:
    def __init__(self, arg):
        self.arg, self.lab = arg, arg.lab
        self.tree = dict(exercises.in_tree())
        if not any(e.lab == self.lab for some in self.tree.values() for e, _, _ in some):
            raise Bad("lab %d has no exercises" % self.lab)
        self.windows, self.not_ours = {}, set()
        self.manifest = {"lab": self.lab, "exercises": {}, "objects": {}, "solved": {},
                         "files": {}}

    def lab_of(self, name):
        some = self.tree.get(name)
        return some[0][0].lab if some else None

    # ---- one file ----

    def write(self, name, text):
        to = os.path.join(self.arg.part, name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        with open(to, "w", encoding="utf-8") as f:
            f.write(text)

    def copy(self, name, source=None):
        to = os.path.join(self.arg.part, name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy2(source or name, to)

    def readme(self):
        """A student's first page: what works here, no more."""
        with open(README, encoding="utf-8") as f:
            self.write("README.md", f.read().replace("{lab}", str(self.lab)))

    def strip(self, name, place):
        """The object of a source file, without what only a debugger reads."""
        built = os.path.join(self.arg.build, "k", name + ".o")
        if not os.path.exists(built):
            raise Bad("%s is missing: build the reference first" % built)
        to = os.path.join(self.arg.part, place, name + ".o")
        os.makedirs(os.path.dirname(to), exist_ok=True)
        subprocess.run([self.arg.cross + "objcopy", "--strip-unneeded", built, to],
                       check=True)
        return digest(to)

    def exercise_file(self, name):
        lines, lab = exercises.read(name), self.lab_of(name)
        if lab > self.lab:
            self.manifest["objects"][name] = self.strip(name, "ref")
            return
        if lab < self.lab:
            self.kept(name)
            return
        text = exercises.cut(name, lines, lambda e: True)
        self.write(name, "\n".join(text) + "\n")
        self.manifest["solved"][name] = self.strip(name, os.path.join("ref", "solved"))
        for e, _, _ in exercises.regions(name, text):
            self.manifest["exercises"][e.name] = {
                "file": name, "function": e.function, "stub": exercises.body_hash(e.body)}

    def kept(self, name):
        """A file of an earlier lab: solved, or as the student did it."""
        theirs = self.arg.keep and os.path.join(self.arg.keep, name)
        if not theirs or not os.path.isfile(theirs):
            if theirs:
                print("%s: not in %s, so it is the reference's" % (name, self.arg.keep))
            self.copy(name)
            return
        have = [e.name for e, _, _ in exercises.regions(name, exercises.read(theirs))]
        want = [e.name for e, _, _ in self.tree[name]]
        if have != want:
            raise Bad("%s: has the exercises %s, not %s: it is of another version"
                      % (theirs, " ".join(have) or "(none)", " ".join(want)))
        self.copy(name, theirs)
        self.not_ours.add(name)

    def remember(self, name):
        """A source as it is given out: later it is known who changed it."""
        path = os.path.join(self.arg.part, name)
        if (name.startswith(("kern/", "libs/")) and os.path.exists(path) and
                name not in self.not_ours):
            with open(path, "rb") as f:
                self.manifest["files"][name] = transplant.describe(name, f.read())

    # ---- all of them ----

    def run(self):
        for name in project_files():
            if is_without(name) or name.startswith(self.arg.leave):
                continue
            if name == "README.md":
                self.readme()
            elif name in self.tree:
                self.exercise_file(name)
            else:
                self.copy(name)
            self.remember(name)
        self.check()
        self.write("ref/manifest.json", json.dumps(self.manifest, indent=1) + "\n")

    def check(self):
        """No part of a later answer, and nothing of git, may be in what was cut.
        Kernel files that nothing was cut from are as they are: neighbours of an
        exercise may look like its answer."""
        for name, some in self.tree.items():
            for e, _, _ in some:
                if e.lab >= self.lab:
                    for w, line in windows(e.body):
                        self.windows.setdefault(w, "%s in %s" % (e.name, name))
        for here, folders, files in os.walk(self.arg.part):
            if ".git" in folders:
                raise Bad("%s has a .git" % here)
            for f in files:
                path = os.path.join(here, f)
                name = os.path.relpath(path, self.arg.part)
                if name in self.manifest["solved"] or not name.startswith(("kern/", "libs/")):
                    self.check_file(path)

    def check_file(self, path):
        try:
            lines = exercises.read(path)
        except UnicodeDecodeError:
            return
        for w, line in windows(lines):
            if w in self.windows:
                raise Bad("%s:%d: part of the answer to %s"
                          % (os.path.relpath(path, self.arg.part), line, self.windows[w]))


def windows(lines):
    """[(some lines in a row, their number)] that are long enough to mean something."""
    real = [(" ".join(s.split()), no) for no, s in enumerate(lines, 1)
            if len(s.strip()) > 2]
    out = []
    for i in range(len(real) - WINDOW + 1):
        text = "\n".join(s for s, _ in real[i:i + WINDOW])
        if len(text) >= WEIGHT:
            out.append((text, real[i][1]))
    return out


def options(argv):
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--lab", type=int, required=True, help="whose exercises are cut")
    ap.add_argument("--build", default="build", help="where the reference was built")
    ap.add_argument("--cross", default="riscv64-linux-gnu-", help="prefix of objcopy")
    ap.add_argument("--keep", help="a student's tree: labs below this one come from it")
    ap.add_argument("out", help="the folder to make")
    arg = ap.parse_args(argv)
    if arg.keep and not os.path.isdir(os.path.join(arg.keep, "kern")):
        ap.error("%s is no tree of this project" % arg.keep)
    arg.out = os.path.abspath(arg.out)
    if os.path.lexists(arg.out):
        ap.error("%s exists; name a folder that does not" % arg.out)
    if not os.path.isdir(os.path.dirname(arg.out)):
        ap.error("%s is no folder" % os.path.dirname(arg.out))
    arg.leave = []      # folders that must not be copied: what is made, for one
    return arg


def make(arg):
    """Cut into a folder beside OUT, which takes the name when it is complete."""
    arg.part = tempfile.mkdtemp(prefix=os.path.basename(arg.out) + ".part-",
                                dir=os.path.dirname(arg.out))
    arg.leave = tuple(os.path.relpath(f, ".") + "/" for f in arg.leave + [arg.part])
    try:
        cutter = Cutter(arg)
        cutter.run()
        os.chmod(arg.part, 0o755)
        os.rename(arg.part, arg.out)
    except BaseException:
        shutil.rmtree(arg.part, ignore_errors=True)
        raise
    return cutter.manifest


def main(argv=None):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arg = options(argv)
    m = make(arg)
    print("handout: lab %d in %s: %d exercises (%s), %d later files as objects" % (
        arg.lab, arg.out, len(m["exercises"]),
        " ".join(sorted(m["exercises"], key=exercises.key)), len(m["objects"])))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Bad, OSError, subprocess.CalledProcessError) as e:
        print("handout: %s" % e, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("handout: interrupted, nothing is left", file=sys.stderr)
        sys.exit(130)
