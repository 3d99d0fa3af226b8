#!/usr/bin/env python3
"""Make a disk that U-Boot boots without a word typed.

A GPT with one FAT partition, marked bootable, that holds the kernel and an
extlinux.conf; the layout is the one of an SD card for the VisionFive 2, so
that the same disk shape serves both.  Needs sfdisk, mkfs.vfat and mtools, and
no root: everything is done inside the file.
"""
import argparse
import os
import subprocess
import sys
import tempfile

FIRST, SECTORS = 16384, 65536       # the FAT partition, in sectors of 512 bytes
TABLE = """label: gpt
first-lba: 34
start=4096, size=4096, type=2E54B353-1271-4842-806F-E436D6AF6985, name="spl"
start=8192, size=8192, type=BC13C2FF-59E6-4262-A352-B275FD6F7172, name="uboot"
start=%d, size=%d, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name="boot", \
attrs="LegacyBIOSBootable"
""" % (FIRST, SECTORS)
CONF = """default ucore
timeout 1
prompt 0
label ucore
    kernel /kernel.bin
%s    append %s
"""


def tool(*argv, **more):
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1")
    env["PATH"] = env.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run(argv, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True, **more)
    if done.returncode:
        raise RuntimeError("%s: %s" % (argv[0], done.stdout.strip()))


def make(output, image, append="", initrd=None):
    """Write the disk; it appears under its name only when it is complete."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(output) or ".") as tmp:
        disk, conf = os.path.join(tmp, "disk"), os.path.join(tmp, "extlinux.conf")
        with open(disk, "wb") as f:
            f.truncate((FIRST + SECTORS + 2048) * 512)
        with open(conf, "w") as f:
            f.write(CONF % ("    initrd /initrd.img\n" if initrd else "",
                            append or "console=ttyS0"))
        tool("sfdisk", "-q", disk, input=TABLE)
        tool("mkfs.vfat", "--offset", str(FIRST), "-F", "16", "-n", "BOOT", disk,
             str(SECTORS // 2))
        fat = "%s@@%d" % (disk, FIRST * 512)
        tool("mmd", "-i", fat, "::extlinux")
        tool("mcopy", "-i", fat, conf, "::extlinux/extlinux.conf")
        tool("mcopy", "-i", fat, image, "::kernel.bin")
        if initrd:
            tool("mcopy", "-i", fat, initrd, "::initrd.img")
        os.replace(disk, output)


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("image", help="the kernel, build/Image")
    ap.add_argument("-o", "--output", default="build/boot.disk")
    ap.add_argument("--append", default="", help="boot arguments")
    ap.add_argument("--initrd")
    arg = ap.parse_args()
    make(arg.output, arg.image, arg.append, arg.initrd)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as e:
        sys.exit("bootdisk: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
