"""What the grader knows of a hand-out: which lab was cut, what nobody touched yet,
and on which kernel a scenario runs.

In the reference tree there is no ref/manifest.json: all scenarios run on build/Image.  In
a hand-out those of its lab do; the others run on build/rest.img, where this lab's
files are the reference's, so that a hole here makes nothing red elsewhere."""
import json
import os

import exercises
import transplant

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MANIFEST = os.path.join(TOP, "ref", "manifest.json")
NEEDS = os.path.join(TOP, "lab-tests", "needs.json")


def load(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as f:
        return json.load(f)


class Handout:
    def __init__(self, build):
        self.manifest, self.build = load(MANIFEST), build
        self.lab = self.manifest.get("lab")
        self.needs = load(NEEDS)
        self.undone = self.untouched()

    def untouched(self):
        """{exercise: "function in file"} of those whose body is still the stub."""
        out, cache = {}, {}
        for name, e in self.manifest.get("exercises", {}).items():
            path = os.path.join(TOP, e["file"])
            if path not in cache:
                cache[path] = {r.name: r for r, _, _ in exercises.regions(
                    e["file"], exercises.read(path))} if os.path.exists(path) else {}
            now = cache[path].get(name)
            if now is not None and exercises.body_hash(now.body) == e["stub"]:
                out[name] = "%s() in %s" % (e["function"], e["file"])
        return dict(sorted(out.items(), key=lambda i: exercises.key(i[0])))

    def changed_headers(self):
        """Those that are not as they were when the objects in ref/ were made."""
        out = []
        for name, was in sorted(self.manifest.get("files", {}).items()):
            path = os.path.join(TOP, name)
            if name.endswith(".h") and os.path.exists(path):
                with open(path, "rb") as f:
                    if transplant.digest(f.read()) != was["all"]:
                        out.append(name)
        return out

    def image(self, lab):
        other = self.lab is not None and lab != self.lab
        return os.path.join(self.build, "rest.img" if other else "Image")

    def todo(self, name, lab):
        """Why scenario NAME cannot pass yet: lines, none if nothing is known."""
        if lab != self.lab:
            return []
        mine = [x for x in self.needs.get(name, []) if x in self.undone]
        if not mine and len(self.undone) == len(self.manifest["exercises"]):
            mine = list(self.undone)
        return ["exercise %s is not done yet: %s" % (x, self.undone[x]) for x in mine]
