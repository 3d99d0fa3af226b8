#!/usr/bin/env python3
"""Make the SD card's image: one file that the board's firmwares and QEMU's boot.

    make sdcard                       build/sdcard.img
    make sdcard SPL=file UBOOT=file   with firmware, for boards set to boot from SD

    sector  4096   1 spl     empty, or the first stage of U-Boot      (2 MiB)
            8192   2 uboot   empty, or U-Boot with OpenSBI            (4 MiB)
           16384   3 boot    FAT: Image, initrd, extlinux/extlinux.conf,
                             vf2_uEnv.txt; marked bootable           (32 MiB)
           81920   4 root    our file system                  (as it needs)
                   5 swap    swap space                              (64 MiB)

The vendor's U-Boot looks at partition 3 for vf2_uEnv.txt, newer ones look for
extlinux.conf in whatever is marked bootable; docs/boards.md says who does what.
Made with sfdisk, mkfs.vfat and mtools, without root and without a mount.  The
same input gives the same bytes: names, numbers and dates are constants.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bootdisk  # noqa: E402
import gpt  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MIB = 2048              # sectors
SPL, UBOOT, BOOT, ROOT = 4096, 8192, 16384, 81920
SWAP_MIB = 64
EPOCH = "1704067200"    # 2024-01-01, the date of everything on it
DISK_ID = "5b1f0c5e-6f0f-4a53-9d0e-3d5f1f2a7c00"
VOLUME_ID = "75635376"
# (name, type)
PARTITIONS = (("spl", "2E54B353-1271-4842-806F-E436D6AF6985"),
              ("uboot", "BC13C2FF-59E6-4262-A352-B275FD6F7172"),
              ("boot", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"),
              ("root", "0FC63DAF-8483-4772-8E79-3D69D8477DE4"),
              ("swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"))
CONF = """default ucore
timeout 10
prompt 0
label ucore
    kernel /Image
    initrd /initrd
    append console=ttyS0,115200 swapspace=auto:16M
label memory
    kernel /Image
    initrd /initrd
    append console=ttyS0,115200 root=archive swapspace=ram:16M
"""
# One line.  The vendor's sysboot passes no device tree that nobody names.
UENV = ("boot2=fdt addr ${fdtcontroladdr}; fdt move ${fdtcontroladdr} ${fdt_addr_r} "
        "20000; setenv fdt_addr ${fdt_addr_r}; sysboot mmc 1:3 fat ${scriptaddr} "
        "/extlinux/extlinux.conf\n")


# ---- what is on it ----

def stage(folder, programs, strip, extra):
    """The files of the root, below FOLDER; programs lose their debug sections."""
    shutil.rmtree(folder, ignore_errors=True)
    for sub in ("bin", "dev", "proc", "tmp", "etc", "scn"):
        os.makedirs(os.path.join(folder, sub))
    for p in programs:
        to = os.path.join(folder, "bin", os.path.basename(p))
        subprocess.run([strip, "-g", "-o", to, p], check=True)
    shutil.copytree(os.path.join(TOP, "lab-tests", "scenarios"),
                    os.path.join(folder, "scn"), dirs_exist_ok=True)
    if extra:
        shutil.copytree(extra, folder, dirs_exist_ok=True, symlinks=True)
    for here, folders, files in os.walk(folder):
        os.chmod(here, 0o755)
        for f in files:
            path = os.path.join(here, f)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.access(path, os.X_OK) else 0o644)


def contents(arg):
    """Make the root image and the archive below arg.work."""
    tree = os.path.join(arg.work, "tree")
    stage(tree, arg.programs, arg.strip, arg.extra)
    root, initrd = os.path.join(arg.work, "root.img"), os.path.join(arg.work, "initrd")
    if os.path.exists(root):
        os.unlink(root)
    bootdisk.tool(os.path.join(arg.build, "mksfs"), "-e", "32M", "-L", "root",
                  "--time", EPOCH, root, tree)
    bootdisk.tool(sys.executable, os.path.join(TOP, "tools", "mkinitrd.py"), "-o",
                  initrd, "--tree", tree)
    return root, initrd


# ---- the image ----

def table(root_sectors, swap_sectors):
    """(what sfdisk reads, [(first, sectors)] of the partitions, sectors of all)."""
    places = [(SPL, 2 * MIB), (UBOOT, 4 * MIB), (BOOT, 32 * MIB), (ROOT, root_sectors),
              (ROOT + root_sectors, swap_sectors)]
    lines = ["label: gpt", "label-id: " + DISK_ID, "first-lba: 34"]
    for n, ((first, size), (name, kind)) in enumerate(zip(places, PARTITIONS), 1):
        lines.append('start=%d, size=%d, type=%s, uuid=%s%02d, name="%s"%s' % (
            first, size, kind, DISK_ID[:-2], n, name,
            ', attrs="LegacyBIOSBootable"' if name == "boot" else ""))
    return "\n".join(lines) + "\n", places, sum(places[-1]) + MIB


def put(disk, at, path, room):
    """The file PATH into sector AT on; holes stay holes."""
    with open(path, "rb") as src, open(disk, "r+b") as f:
        f.seek(at * gpt.SECTOR)
        size = 0
        while True:
            block = src.read(1 << 20)
            if not block:
                break
            size += len(block)
            if size > room * gpt.SECTOR:
                raise RuntimeError("%s is larger than its partition of %d KiB"
                                   % (path, room // 2))
            if block.count(0) == len(block):
                f.seek(len(block), 1)
            else:
                f.write(block)
    if size == 0:
        raise RuntimeError("%s is empty" % path)


def fill_fat(disk, files):
    """Make partition 3: FILES is [(path here, name there)]."""
    bootdisk.tool("mkfs.vfat", "--offset", str(BOOT), "--invariant", "-i", VOLUME_ID,
                  "-h", str(BOOT), "-g", "16/32", "-s", "4", "-F", "16", "-n", "BOOT", disk,
                  str(16 * MIB))
    fat = "%s@@%d" % (disk, BOOT * gpt.SECTOR)
    bootdisk.tool("mlabel", "-i", fat, "::BOOT")    # again: with our date
    bootdisk.tool("mmd", "-i", fat, "::extlinux")
    for path, name in files:
        bootdisk.tool("mcopy", "-i", fat, path, "::" + name)


def make(output, image, initrd, root, spl=None, uboot=None, swap_mib=SWAP_MIB):
    """Write the image; it appears under its name only when it is complete."""
    os.environ.update(SOURCE_DATE_EPOCH=EPOCH, TZ="UTC")
    root_sectors = -(-os.path.getsize(root) // (MIB * 512)) * MIB
    script, places, sectors = table(root_sectors, swap_mib * MIB)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(output) or ".") as tmp:
        disk = os.path.join(tmp, "disk")
        texts = {}
        for name, text in (("extlinux.conf", CONF), ("vf2_uEnv.txt", UENV)):
            texts[name] = os.path.join(tmp, name)
            with open(texts[name], "w") as f:
                f.write(text)
        with open(disk, "wb") as f:
            f.truncate(sectors * gpt.SECTOR)
        bootdisk.tool("sfdisk", "-q", disk, input=script)
        fill_fat(disk, [(texts["extlinux.conf"], "extlinux/extlinux.conf"),
                        (texts["vf2_uEnv.txt"], "vf2_uEnv.txt"),
                        (image, "Image"), (initrd, "initrd")])
        for n, path in enumerate((spl, uboot)):
            if path:
                put(disk, places[n][0], path, places[n][1])
        put(disk, ROOT, root, root_sectors)
        with open(disk, "r+b") as f:
            f.seek(places[4][0] * gpt.SECTOR)
            f.write(gpt.swap_header(places[4][1] * gpt.SECTOR))
        os.chmod(disk, 0o644)
        os.replace(disk, output)


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("programs", nargs="*", help="for /bin, build/bin/...")
    ap.add_argument("--build", default="build", help="has Image and mksfs")
    ap.add_argument("-o", "--output", help="default: sdcard.img in the build folder")
    ap.add_argument("--strip", default="riscv64-linux-gnu-strip", help="the program")
    ap.add_argument("--extra", help="a folder of more files for the root")
    ap.add_argument("--spl", help="firmware for partition 1")
    ap.add_argument("--uboot", help="firmware for partition 2")
    arg = ap.parse_args()
    arg.output = arg.output or os.path.join(arg.build, "sdcard.img")
    arg.work = os.path.join(arg.build, "sd")
    root, initrd = contents(arg)
    make(arg.output, os.path.join(arg.build, "Image"), initrd, root, arg.spl, arg.uboot)
    print("  %s: %d MiB" % (arg.output, os.path.getsize(arg.output) >> 20))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, subprocess.CalledProcessError) as e:
        sys.exit("sdcard: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
