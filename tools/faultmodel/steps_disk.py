"""The steps of a scenario whose files lie on a disk: what is dirty, what is written, what
is there after all came from the disk again."""
from .counters import EBUSY, PAGE, Unknown


class DiskSteps:
    """Comes before steps_files.py, as it adds to its verbs."""

    def do_file(self, step, space, out):
        super().do_file(step, space, out)
        file = self.files[step["file"]]
        file.disk = bool(self.scn.get("disk"))
        file.written = set(file.pages)
        file.placed = set(file.pages)
        file.open = True

    def full(self, file, page):
        """Only who has no block yet asks for one."""
        if not file.disk or page in file.placed | file.written:
            return False
        if self.machine.fails("room"):
            return True
        file.placed.add(page)
        return False

    def do_put(self, step, space, out):
        super().do_put(step, space, out)
        file = self.files[step["file"]]
        if out.result.startswith("value:"):
            n = int(out.result[6:], 16)
            file.written |= set(range(step["at"] // PAGE, (step["at"] + n + PAGE - 1) // PAGE))
            file.cold -= file.written
        if out.loose:
            file.vague = True

    def do_get(self, step, space, out):
        super().do_get(step, space, out)
        file = self.files[step["file"]]
        if len(file.pages) == 1 and out.result != "value:0":
            file.cold.clear()

    def do_truncate(self, step, space, out):
        super().do_truncate(step, space, out)
        if self.machine.failing.get("room"):
            raise Unknown("whether a cut asks for room")
        self.files[step["file"]].vague = True
        self.files[step["file"]].placed -= set(range(
            (step["value"] + PAGE - 1) // PAGE, 1 << 20))
        self.files[step["file"]].cold &= set(self.files[step["file"]].pages)

    def do_unlink(self, step, space, out):
        self.removed.add(step["file"])

    def do_close(self, step, space, out):
        self.files[step["file"]].open = False

    def do_open(self, step, space, out):
        self.files[step["file"]].open = True

    # ---- to the disk ----

    def write_back(self, file, pages, space, out):
        """PAGES are written if they are dirty; who stores there next says so again."""
        if not file.disk:
            return
        dirty = file.written & set(pages)
        space.add("wb", len(dirty))
        if file.vague:
            out.loose = tuple(out.loose) + ("wb",)
        file.written -= dirty
        file.placed |= dirty
        frames = [file.pages[n] for n in dirty if n in file.pages]
        for s in set(self.spaces.values()):
            for e in s.entries.values():
                if e.frame in frames:
                    e.writable = False

    def do_sync(self, step, space, out):
        start, end = self.span(step)
        for va in range(start, end, PAGE):
            a = space.area(va)
            if a and a.file and a.shared:
                self.write_back(a.file, [a.index(va)], space, out)

    def do_fsync(self, step, space, out):
        file = self.files[step["file"]]
        self.write_back(file, file.written, space, out)

    def do_flush(self, step, space, out):
        for n, file in self.files.items():
            if n in self.removed:
                out.loose = tuple(out.loose) + ("wb",)  # what for?
            self.write_back(file, file.written, space, out)

    # ---- and back ----

    def shown(self, file):
        return any(a.file is file for s in self.spaces.values() for a in s.areas)

    def do_remount(self, step, space, out):
        if any(f.open or self.shown(f) for f in self.files.values()):
            if any(f.written for f in self.files.values()):
                raise Unknown("whether a disk in use is written all the same")
            out.result = "error:%d" % EBUSY
            return
        self.do_flush(step, space, out)
        for f in self.files.values():
            f.cold = set(f.pages)

    def do_drop(self, step, space, out):
        for f in self.files.values():
            if any(e.frame in f.pages.values() for s in self.spaces.values()
                   for e in s.entries.values()):
                raise Unknown("to drop pages that are mapped")
            if f.disk:
                f.cold |= set(f.pages) - f.written

    def disk_files(self):
        """{name: bytes} that the disk must have at the end."""
        if not self.scn.get("disk"):
            return {}
        out = {}
        for n, f in self.files.items():
            if n not in self.removed:
                pages = range((f.size + PAGE - 1) // PAGE)
                data = b"".join(bytes(f.pages[p].data) if p in f.pages else bytes(PAGE)
                                for p in pages)
                out[self.scn["files"][n]] = data[:f.size]
        return out
