"""The steps of a scenario that are about files."""
from .counters import EFAULT, ENOSPC, PAGE, Signal
from .pages import File, pattern_page


class FileSteps:
    """The part of memory.World that has them."""

    def do_file(self, step, space, out):
        n, pages = step["at"], range((step["at"] + PAGE - 1) // PAGE)
        data = b"".join(pattern_page(step["pattern"], step["value"], p) for p in pages)
        self.files[step["file"]] = File(data[:n])

    def moved(self, step, space, kind):
        """The addresses of read(2) and write(2) page by page: (file position, address,
        bytes); ends where memory does."""
        file, at, va = self.files[step["file"]], step["at"], self.where(step)
        end = at + step["value"]
        if kind == "store":
            end = min(end, file.size)
        while at < end:
            n = min(PAGE - va % PAGE, PAGE - at % PAGE, end - at)
            yield at, va, n
            at, va = at + n, va + n

    def move(self, step, space, out, kind):
        file, done, why = self.files[step["file"]], 0, EFAULT
        try:
            for at, va, n in self.moved(step, space, kind):
                if kind == "load" and self.full(file, at // PAGE):
                    why = ENOSPC
                    break
                memory = space.touch(va, kind)
                disk = file.page(at // PAGE)
                if kind == "store":
                    memory.data[va % PAGE:va % PAGE + n] = \
                        disk.data[at % PAGE:at % PAGE + n]
                else:
                    disk.data[at % PAGE:at % PAGE + n] = \
                        memory.data[va % PAGE:va % PAGE + n]
                    file.size = max(file.size, at + n)
                done += n
        except Signal:
            out.loose = ("flt", "segv", "sigbus")    # how often it tries is its own matter
        wanted = sum(n for _, _, n in self.moved(step, space, kind))
        out.result = "error:%d" % why if done == 0 and wanted else "value:%x" % done

    @staticmethod
    def full(file, page):
        """Is there no room for PAGE of FILE?"""
        return False

    def do_get(self, step, space, out):
        self.move(step, space, out, "store")

    def do_put(self, step, space, out):
        self.move(step, space, out, "load")

    def do_truncate(self, step, space, out):
        file, size = self.files[step["file"]], step["value"]
        keep = (size + PAGE - 1) // PAGE
        out.loose = ("rmapun",)     # from the pages' side or the areas': both are right
        if size < file.size:
            for s in self.spaces.values():
                for a in s.areas:
                    if a.file is not file:
                        continue
                    for va in range(a.start, a.end, PAGE):
                        if a.index(va) >= keep:
                            s.drop(va, va + PAGE)
            file.pages = {n: f for n, f in file.pages.items() if n < keep}
            if size % PAGE and keep - 1 in file.pages:
                file.pages[keep - 1].data[size % PAGE:] = bytes(PAGE - size % PAGE)
        elif file.size % PAGE and file.size // PAGE in file.pages:
            tail = file.size % PAGE     # what was stored behind the end
            file.pages[file.size // PAGE].data[tail:] = bytes(PAGE - tail)
        file.size = size

    def do_unlink(self, step, space, out):
        pass

    def do_close(self, step, space, out):
        pass

    def do_sync(self, step, space, out):
        pass
