"""Put what somebody did in one tree into another one, which is newer or of a later lab.

    old tree                      its manifest                 new tree
    kern/mm/vmm.c   changed       what it was when given out   kern/mm/vmm.c

ref/manifest.json has a digest of each source of a hand-out, and one of what is outside the
exercises of a file.  So it is known without the old hand-out what a student changed:
nothing of a file; only bodies of exercises, which are put into the new file, whatever else
changed there; or more.  Then the whole file is taken if the new one is outside its exercises
as the old one was, else both changed it, and somebody must look."""
import hashlib

import exercises

MANIFEST = "ref/manifest.json"


def digest(data):
    """As manifests have it, of bytes.  Ends of lines do not count: editors change them."""
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()[:16]


def lines_of(data):
    return data.decode("utf-8", "surrogateescape").splitlines()


def bytes_of(lines):
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def outside(path, lines):
    """Digest of a file without its exercises; None: it has none."""
    some = exercises.regions(path, lines)
    out, done = [], 0
    for _, start, end in some:
        out += lines[done:start]
        done = end
    return digest(bytes_of(out + lines[done:])) if some else None


def describe(path, data):
    """What a manifest keeps of a source."""
    out = {"all": digest(data)}
    around = outside(path, lines_of(data)) if path.endswith(".c") else None
    if around:
        out["outside"] = around
    return out


def bodies_into(path, old, new):
    """(NEW with the bodies that OLD has for the same exercises, [notes])."""
    theirs = {e.name: (e, old[start:end]) for e, start, end in exercises.regions(path, old)}
    out, done, notes = [], 0, []
    for e, start, end in exercises.regions(path, new):
        was = theirs.pop(e.name, None)
        if was is None:
            notes.append("%s: exercise %s is new" % (path, e.name))
            continue
        if was[0].function != e.function:
            notes.append("%s: exercise %s was %s() and is %s() now: not taken" % (
                path, e.name, was[0].function, e.function))
            continue
        task = exercises.comment_end(new, start)
        body = was[1][exercises.comment_end(was[1], 0):]
        if was[0].task != e.task:
            notes.append("%s: the task of %s is another one now: read it again" % (
                path, e.name))
        out += new[done:task] + body
        done = end
    notes += ["%s: exercise %s is no more" % (path, n) for n in sorted(theirs)]
    return out + new[done:], notes


class Old:
    """A tree that somebody worked in, by its files."""

    def __init__(self, files, manifest):
        self.files, self.manifest = files, manifest or {}
        self.was = self.manifest.get("files")

    def changed(self):
        """Names of what is not as it was given out; of a tree that has no list, all."""
        return [n for n, data in sorted(self.files.items())
                if self.was is None or n not in self.was or
                self.was[n]["all"] != digest(data)]

    def into(self, name, new):
        """(data for NAME, which is NEW in the new tree (None: not there), [notes], is it
        sure that this is what was meant)."""
        data = self.files[name]
        if new is None or digest(new) == digest(data):
            return data, [], True
        around = (self.was or {}).get(name, {}).get("outside")
        old_lines, new_lines = lines_of(data), lines_of(new)
        if around is None:
            # Not known, or no exercise in it.
            was = (self.was or {}).get(name, {}).get("all")
            sure = was is None or was == digest(new)
            return data, [] if sure else ["%s: both you and the new version changed it: "
                                          "yours is taken" % name], sure
        if outside(name, old_lines) == around:
            lines, notes = bodies_into(name, old_lines, new_lines)
            return bytes_of(lines), notes, True
        if outside(name, new_lines) == around:
            return data, [], True
        return data, ["%s: both you and the new version changed what is outside the "
                      "exercises: yours is taken" % name], False
