"""For the scripts of this folder: the parser of scenarios, and the model that reads what it
makes."""
import json
import os
import subprocess
import tempfile

from hostcheck import TOP
from faultmodel import memory

folder = tempfile.TemporaryDirectory()


def build_parser():
    tool = os.path.join(folder.name, "scn")
    here = os.path.join(TOP, "lab-tests", "scenario")
    subprocess.run(["gcc", "-std=gnu11", "-o", tool] +
                   [os.path.join(here, f) for f in sorted(os.listdir(here))
                    if f.endswith(".c")], check=True)
    return tool


TOOL = build_parser()


def read(text, seed=1):
    """The steps of TEXT, behind a head that will do."""
    path = os.path.join(folder.name, "t.scn")
    with open(path, "w") as f:
        f.write("title t\npoints 1\nhint h\n" + text)
    done = subprocess.run([TOOL, str(seed), path], stdout=subprocess.PIPE,
                          universal_newlines=True)
    return json.loads(done.stdout)


def walk(text):
    """The model's world after TEXT, and what each step must report."""
    world = memory.World(read(text))
    return world, world.walk()
