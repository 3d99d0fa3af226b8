#!/usr/bin/env python3
"""Unpack a newer QEMU beside the installed one, for machines Debian 12's lacks.

QEMU 7.2 sets the accessed and dirty bits of a page-table entry by itself; the
processor of the board faults instead, and "-cpu rva22s64" of a newer QEMU does
as the board does.  On Debian 12 the packages of bookworm-backports are
downloaded and unpacked into a folder; nothing is installed and the system's
package lists are not touched.

boot_loader() does the same with the newer U-Boots of Debian 13, for the SD card.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

PACKAGES = ["qemu-system-riscv", "qemu-system-data", "opensbi"]
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
CPU = "rva22s64"


class Skip(Exception):
    """Why there is no such QEMU here."""


def call(argv, **more):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, universal_newlines=True, **more)


def knows_cpu(qemu):
    try:
        return CPU in call([qemu, "-machine", "virt", "-cpu", "help"]).stdout
    except OSError:
        return False


def mirror():
    """The archive this system already uses."""
    names = ["/etc/apt/sources.list"]
    folder = "/etc/apt/sources.list.d"
    if os.path.isdir(folder):
        names += sorted(os.path.join(folder, n) for n in os.listdir(folder)
                        if n.endswith((".list", ".sources")))
    for name in names:
        try:
            with open(name) as f:
                m = re.search(r"^(?:deb\s+(?:\[.*?\]\s+)?|URIs:\s*)(https?://\S+/debian)/?(?:\s|$)",
                              f.read(), re.M)
        except OSError:
            continue
        if m:
            return m[1]
    raise Skip("the sources of apt name no Debian archive")


def fetch(folder, suite="bookworm-backports", packages=None, arch=None):
    """Download PACKAGES of SUITE (a name of Debian's archive), for the processor ARCH
    if that is not ours, and unpack them into FOLDER."""
    for need in ("apt-get", "dpkg-deb"):
        if shutil.which(need) is None:
            raise Skip("no " + need)
    if os.environ.get("NO_INSTALL"):
        raise Skip("NO_INSTALL forbids the download")
    work = os.path.abspath(folder) + ".part"
    shutil.rmtree(work, ignore_errors=True)
    for sub in ("lists/partial", "cache/archives/partial", "debs", "root"):
        os.makedirs(os.path.join(work, sub))
    with open(os.path.join(work, "sources.list"), "w") as f:
        f.write("deb [%ssigned-by=%s] %s %s main\n" % (
            "arch=%s " % arch if arch else "", KEYS, mirror(), suite))
    apt = ["apt-get", "-q", "-y"]
    for key, value in (("Dir::State::Lists", "lists"), ("Dir::Cache", "cache"),
                       ("Dir::Etc::SourceList", "sources.list"),
                       ("Dir::Etc::SourceParts", "none"),
                       ("Dir::State::status", "status")):
        apt += ["-o", "%s=%s" % (key, os.path.join(work, value))]
    if arch:
        apt += ["-o", "APT::Architecture=" + arch, "-o", "APT::Architectures=" + arch]
    apt += ["-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=1",
            "-o", "Acquire::http::Timeout=20", "-o", "Acquire::Languages=none"]
    open(os.path.join(work, "status"), "w").close()
    for step in (["update", "-o", "APT::Update::Error-Mode=any"],
                 ["download"] + (packages or PACKAGES)):
        try:
            done = call(apt + step, cwd=os.path.join(work, "debs"), timeout=300)
        except subprocess.TimeoutExpired:
            raise Skip("%s cannot be reached" % suite)
        if done.returncode:
            lines = [s for s in done.stdout.splitlines() if s.startswith("E:")]
            raise Skip("%s: %s" % (suite, (lines or ["apt-get failed"])[0]))
    for deb in sorted(os.listdir(os.path.join(work, "debs"))):
        done = call(["dpkg-deb", "-x", os.path.join(work, "debs", deb),
                     os.path.join(work, "root")])
        if done.returncode:
            raise Skip("%s cannot be unpacked" % deb)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(os.path.join(work, "root"), folder)
    shutil.rmtree(work, ignore_errors=True)


def boot_loader(folder, package, arch, files):
    """Paths of FILES of the U-Boot PACKAGE of Debian 13, unpacked below FOLDER."""
    folder = os.path.join(folder, package)
    paths = [os.path.join(folder, "usr/lib/u-boot", f) for f in files]
    if not all(os.path.exists(p) for p in paths):
        fetch(folder, "trixie", [package], arch)
    if not all(os.path.exists(p) for p in paths):
        raise Skip("%s has no %s" % (package, files[0]))
    return paths


def obtain(folder):
    """{qemu, data, bios} of a QEMU that knows the CPU; raises Skip."""
    system = os.environ.get("QEMU") or "qemu-system-riscv64"
    if knows_cpu(system):
        return {"qemu": system, "data": None, "bios": None}
    found = {
        "qemu": os.path.join(folder, "usr/bin/qemu-system-riscv64"),
        "data": os.path.join(folder, "usr/share/qemu"),
        "bios": os.path.join(folder, "usr/lib/riscv64-linux-gnu/opensbi/generic/"
                                     "fw_dynamic.bin")}
    if not os.path.exists(found["qemu"]):
        with open("/etc/os-release") as f:
            if "VERSION_CODENAME=bookworm" not in f.read():
                raise Skip("the installed QEMU has no %s, and this is not Debian 12" % CPU)
        fetch(folder)
    if not knows_cpu(found["qemu"]):
        raise Skip("the QEMU of bookworm-backports does not run here")
    return found


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder", nargs="?", default="build/backports")
    found = obtain(ap.parse_args().folder)
    print(" ".join("%s=%s" % i for i in sorted(found.items()) if i[1]))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Skip as e:
        sys.exit("backports: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
