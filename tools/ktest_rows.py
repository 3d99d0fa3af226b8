"""The list of machines that tools/ktest.py boots, and what is typed at them."""
import backports


def row(name, kind="tests", fast=False, long=False, **fields):
    """LONG: only when the row is asked for by its name."""
    fields.update(name=name, kind=kind, fast=fast, long=long)
    return fields


AT_PROMPT = r"ucore-sv> $"
DIALOG = [  # (what the console must have printed since, what is typed then)
    (AT_PROMPT, "help\r"),
    (r"\n\s+help ", ""),
    (AT_PROMPT, "kernimf\x7f\x7fnfo\r"),         # edited with backspace
    (AT_PROMPT, "panic now\x03"),                # dropped by Ctrl-C
    (AT_PROMPT, "harts\r"),
    (r"\n.*\b1\b", ""),
    (AT_PROMPT, "no-such-command\r"),
    (r"unknown command", ""),
    (AT_PROMPT, "poweroff\r"),
]
AT_SHELL = r"\$ $"
SHELL = [
    # a machine that skips idle time gets far while the user thinks, but not to
    # the end of its clock
    (AT_SHELL, 0.3),
    (AT_SHELL, "cat /proc/uptime\r"),
    (r"\n\d{1,8}\.\d+ ", ""),
    (AT_SHELL, "echo helo\x7flo there\r"),
    (r"\nhello there\r?\n", ""),
    (AT_SHELL, "no-such-program\r"),
    (r"\nsh: no-such-program: ", ""),
    (AT_SHELL, "echo the status is $?\r"),
    (r"\nthe status is 127\r?\n", ""),
    (AT_SHELL, "false || echo one; true && echo two\r"),
    (r"\none\r?\ntwo\r?\n", ""),
    (AT_SHELL, "echo hello | sha256sum\r"),
    (r"\n5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  -", ""),
    (AT_SHELL, "rm /bin/true\r"),
    (r"\nrm: /bin/true: read-only", ""),
    (AT_SHELL, "ls /bin\r"),
    (r"\binit\b", ""),
    # Ctrl-C ends what runs, with all it started, and the line being typed
    (AT_SHELL, "sh -c 'echo ready; cat; echo never'\r"),
    (r"\nready\r?\n", "\x03"),
    (AT_SHELL, "echo then $?\r"),
    (r"\nthen 130\r?\n", ""),
    (AT_SHELL, "nonsense\x03"),
    (AT_SHELL, "sh -c 'echo ready; cat' | cat\r"),
    (r"\nready\r?\n", "\x03"),
    # Ctrl-Z stops it, fg lets it go on; who reads from behind is stopped, too
    (AT_SHELL, "sh -c 'echo ready; cat' | cat\r"),
    (r"\nready\r?\n", "\x1a"),
    (r"\n\[1\] stopped +sh -c", ""),
    (AT_SHELL, "fg\r"),
    (r"\nsh -c.*\n", "one more\r"),
    (r"one more\r?\none more\r?\n", "\x04"),
    (AT_SHELL, "cat &\r"),
    (AT_SHELL, "wait\r"),
    (r"\n\[1\] stopped +cat", ""),
    (AT_SHELL, "fg %1\r"),
    (r"\ncat.*\n", "typed\r"),
    (r"typed\r?\ntyped\r?\n", "\x03"),
    (AT_SHELL, "sleep 1000 &\r"),
    (AT_SHELL, "kill %1\r"),
    (AT_SHELL, "wait\r"),
    (r"\n\[1\] Terminated +sleep 1000", ""),
    # the bytes as they are
    (AT_SHELL, "keys\r"),
    (r"\nkeys: q ends\r?\n", "\x1b[A"),
    (r"41 ", "\x03"),
    (r"03 ", "q"),
    (r"71 ", ""),
    (AT_SHELL, "sleep 1000 &\r"),
    (AT_SHELL, "exit 0\r"),
]

GLIBC = [
    (AT_SHELL, "g_static\r"),
    (r"glibc: \d+ passed, 0 failed", ""),
    (AT_SHELL, "g_dynamic\r"),
    (r"glibc: \d+ passed, 0 failed", ""),
    (AT_SHELL, "exit 0\r"),
]
# ... and from a disk, where what is written stays.
ROOT_SHELL = [
    (AT_SHELL, "echo hello | sha256sum\r"),
    (r"\n5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  -", ""),
    (AT_SHELL, "ls /bin\r"),
    (r"\binit\b", ""),
    (AT_SHELL, "mkdir /new; cp /bin/sh /new/sh; sync\r"),
    (AT_SHELL, "/new/sh -c 'echo it runs >/new/f'; mv /new/f /g; cat /g\r"),
    (r"\nit runs\r?\n", ""),
    (AT_SHELL, "exit 0\r"),
]
# Found as the second partition of the second disk.
ROOT_GPT = [
    (AT_SHELL, "cat /proc/partitions\r"),
    (r"\n +254 +17 +8192 vdb1\r?\n +254 +18 +\d+ vdb2\r?\n", ""),
    (AT_SHELL, "cat /proc/mounts\r"),
    (r"\n/dev/vdb2 / sfs rw|\nvdb2 / sfs rw", ""),
    (AT_SHELL, "exit 0\r"),
]
SDCARD_CHAIN = [        # what boards type by themselves; this one's U-Boot does not
    (r"Hit any key to stop autoboot", " "),
    (r"=> $", "mmc rescan; bootflow scan\r"),
    (r"mmc@0.bootdev.part_3' with extlinux", ""),
    (r"\n  no disk: the root is the boot archive, in memory; swap: 16384 KiB", ""),
    (AT_SHELL, "echo that was all\r"),
]
# What a card boots to; there init() starts the shell again, so the row ends here.
SDCARD = [
    (r"swap: vda5, 655\d\d KiB\r?\n *root: sfs on vda4\r?\n", ""),
    (AT_SHELL, "echo hello >/there; sync; cat /there\r"),
    (r"\nhello\r?\n", ""),
    (AT_SHELL, "ls /scn; swapon\r"),
    (r"\nlab4\r?\n(.*\n)+.*vda5 +partition", ""),
    (AT_SHELL, "echo that was all\r"),
]
SDCARD_NO_DISK = [
    (r"\n  no disk: the root is the boot archive, in memory; swap: 16384 KiB of "
     r"memory\r?\n", ""),
    (AT_SHELL, "swapon\r"),
    (r"\nram +ram\t\t16384", ""),
    (AT_SHELL, "echo that was all\r"),
]
SWAP_SHELL = [
    (AT_SHELL, "swapon\r"),
    (r"\nram +ram\t\t16384\t\t0\t\t-2\r?\n", ""),
    (AT_SHELL, "swapoff ram; swapon /dev/vda\r"),
    (r"\nswapon: /dev/vda: invalid argument", ""),
    (AT_SHELL, "mkswap /dev/vda && swapon -p 7 /dev/vda; swapon\r"),
    (r"\n/dev/vda +partition\t16380\t\t0\t\t7\r?\n", ""),
    (AT_SHELL, "free; swapoff /dev/vda; echo it ended with $?\r"),
    (r"\n +16380 +0 +16380  kB of swap space\r?\nit ended with 0\r?\n", ""),
    (AT_SHELL, "exit 0\r"),
]
SWAP_PARTITION = [
    (r"  swap: vda2, 4092 KiB\r?\n  swap: vda3 cannot be used", ""),
    (AT_SHELL, "swapon; swapoff /dev/vda2; echo it ended with $?\r"),
    (r"\n/dev/vda2 +partition\t\t?4092\t\t0\t\t-2\r?\nit ended with 0\r?\n", ""),
    (AT_SHELL, "exit 0\r"),
]
LEGACY = [
    (r"virtio: the disk is a legacy device; start QEMU with -global "
     r"virtio-mmio.force-legacy=false\r?\n", ""),
    (AT_PROMPT, "poweroff\r"),
]
# The console is the firmware's, and what is typed is asked for there.
FIRMWARE_CONSOLE = [
    (AT_SHELL, "echo helo\x7flo there\r"),
    (r"\nhello there\r?\n", ""),
    (AT_SHELL, "echo hello | sha256sum\r"),
    (r"\n5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  -", ""),
    (AT_SHELL, "sh -c 'echo ready; cat; echo never'\r"),
    (r"\nready\r?\n", "\x03"),
    (AT_SHELL, "echo then $?\r"),
    (r"\nthen 130\r?\n", ""),
    (AT_SHELL, "exit 0\r"),
]
# Neither a device nor the firmware switches the machine off.
STAYS_ON = [
    (r"\n  the firmware plays no-srst: DBCN \w+, switching off no\r?\n", ""),
    (AT_PROMPT, "poweroff\r"),
    (r"\nIt is now safe to power off\.", ""),
]
OLD_FIRMWARE = [
    (r"\n  the firmware plays 0\.3: DBCN no, switching off no\r?\n", ""),
    (AT_PROMPT, "poweroff\r"),
    (r"\nIt is now safe to power off\.", ""),
]
NO_DBCN = [
    (r"\n  the firmware plays no-dbcn: DBCN no, switching off yes\r?\n", ""),
    (AT_PROMPT, "poweroff\r"),
]
# Half of 256 MiB is near two of four harts.
TWO_NODES = [w for i in "01" for w in
             ("-object", "memory-backend-ram,id=m%s,size=128M" % i,
              "-numa", "node,nodeid=%s,memdev=m%s,cpus=%s" % (i, i, ("0-1", "2-3")[int(i)]))]

# Each row says what it is about.  smp, mem, append, machine, cpu and mode go to
# qemu.Machine; "prepare" names the function of ktest_prepare.py that builds what is booted.
MATRIX = [
    # harts and memory: each value, and the corners
    row("virt-1-64M", mode="icount", mem="64M"),
    row("virt-1", mode="icount", mem="512M", fast=True),
    row("virt-1-8G", mode="icount", mem="8G"),
    row("virt-2-64M", smp=2, mem="64M"),
    row("virt-2", smp=2, mem="512M"),
    row("virt-4", smp=4, mem="512M", fast=True),
    row("virt-4-8G", smp=4, mem="8G"),
    row("virt-8-64M", smp=8, mem="64M"),
    row("virt-8-8G", smp=8, mem="8G"),
    # paging modes
    row("sv39", smp=2, mem="512M", append="mmu=sv39"),
    row("sv48", smp=2, mem="512M", append="mmu=sv48"),
    row("sv57", smp=2, mem="512M", append="mmu=sv57"),
    # no hart sets accessed and dirty bits
    row("adsim", smp=4, mem="512M", append="adsim=1", fast=True),
    row("adsim-1", mode="icount", mem="512M", append="adsim=1"),
    row("adsim-sv39", smp=2, mem="512M", append="adsim=1 mmu=sv39"),
    # the other timer, checked memory, shootdown by interrupts, the other scheduler
    row("late-harts", smp=4, mem="128M", append="start=first"),
    row("timer-sbi", smp=2, append="timer=sbi"),
    row("poison", smp=2, append="debug=poison"),
    row("tlb-ipi", smp=4, mem="128M", append="tlb=ipi"),
    row("asid-2", smp=4, mem="128M", append="asid=2"),
    # as the board is: no address space numbers, no stimecmp in the hart at all
    row("asid-0", smp=4, mem="128M", append="asid=0"),
    row("no-sstc", smp=4, mem="128M", cpu="rv64,sstc=off"),
    row("boot-hart-2", smp=4, mem="256M", prepare="play", boot_hart=2, test="s"),
    row("across-4g", smp=2, mem="256M", prepare="play", across=True, test="pmm"),
    row("console-firmware", "dialog", smp=2, initrd="initrd", dialog=FIRMWARE_CONSOLE,
        append="run=/bin/sh uart=none"),
    row("no-srst", "dialog", append="sbi=no-srst", dialog=STAYS_ON),
    row("old-sbi", "dialog", append="sbi=0.3 uart=none", dialog=OLD_FIRMWARE),
    # a firmware that has it, so that it can be hidden
    row("no-dbcn", "dialog", append="sbi=no-dbcn uart=none", dialog=NO_DBCN,
        prepare="newer_qemu"),
    row("stride", smp=4, mem="128M", append="sched=stride"),
    row("stride-1", mode="icount", mem="128M", append="sched=stride"),
    # a million random steps in spaces: on one hart, and on four
    row("random-1", mode="icount", mem="128M", test="vm_r",
        append="steps=600000 seed=11"),
    row("random-4", smp=4, mem="512M", test="vm_random",
        append="steps=400000 seed=12"),
    # the races of address spaces, with delays between the steps of the kernel
    row("races", smp=4, mem="256M", append="rounds=2000", image="races.img",
        test="vm_race"),
    row("races-order", smp=4, mem="256M", append="rounds=160",
        image="races.img", test="vm_order"),
    row("races-10000", smp=4, mem="256M", append="rounds=10000",
        image="races.img", test="vm_race", long=True),
    row("races-order-10000", smp=4, mem="256M", append="rounds=10000",
        image="races.img", test="vm_order", long=True),
    # four harts under the counting clock, which counts all of them together; not
    # in QEMU 7.2, where a hart that waits for the next one can starve it for ever
    row("cow-4", mode="icount", smp=4, mem="256M", test="vm_row_101",
        append="steps=500", prepare="newer_qemu"),
    # disks
    row("numa-2", smp=4, mem="256M", test="vm_row", extra=TWO_NODES),

    row("disk-1", mode="icount", mem="128M", test="disk_",
        disks=[("scratch",), ("numbered", "readonly=on")]),
    row("disk-4", smp=4, mem="128M", test="disk_", fast=True,
        disks=[("scratch",), ("numbered", "readonly=on")]),
    row("disk-direct", smp=2, mem="128M", test="disk_",
        disks=[("scratch", "", "indirect_desc=off,queue-size=128"),
               ("numbered", "readonly=on", "write-cache=off")]),
    row("disk-ram", mode="icount", mem="128M", test="disk_", append="ramdisk=16M"),
    row("disk-ram-4", smp=4, mem="128M", test="disk_", append="ramdisk=16M"),
    row("disk-4k", smp=2, mem="128M", test="disk_keeps",
        disks=[("scratch", "", "logical_block_size=4096,physical_block_size=4096")]),
    # the file system
    row("sfs-1", mode="icount", mem="128M", test="sfs_", disks=[("sfs",)]),
    row("sfs-4", smp=4, mem="128M", test="sfs_", disks=[("sfs",)]),
    row("sfs-4k", smp=2, mem="128M", test="sfs_",
        disks=[("sfs", "", "logical_block_size=4096,physical_block_size=4096")]),
    # other machines and ways in
    row("sifive_u", machine="sifive_u", smp=5, mem="512M"),
    row("uboot", smp=4, mem="512M", prepare="disk"),
    row("svade", smp=4, mem="512M", cpu=backports.CPU, prepare="newer_qemu"),
    row("svade-1", mode="icount", mem="128M", cpu=backports.CPU,
        prepare="newer_qemu"),
    row("at-80200000", smp=2, prepare="image_at", where=0x80200000),
    row("at-80600000", smp=2, prepare="image_at", where=0x80600000),
    row("own-tree", prepare="tree", change="nothing"),
    # the transcript of all modes, beside the rows above
    *(row("transcript-%s%s" % (mmu, ad), mode="icount", test="vm_transcript",
          append="mmu=%s %s" % (mmu, "adsim=1" if ad else ""))
      for mmu in ("sv39", "sv48", "sv57") for ad in ("", "-adsim")),
    # the kernel as it is, without tests, to its prompt
    row("prompt", "boot", fast=True, smp=4),
    row("prompt-sifive_u", "boot", machine="sifive_u", smp=5),
    row("prompt-uboot", "boot", smp=2, mem="256M", prepare="disk"),
    row("dialog", "dialog", smp=2, dialog=DIALOG),
    row("dialog-sifive_u", "dialog", machine="sifive_u", smp=5, dialog=DIALOG),
    # the kernel as it is, with its programs, to the shell
    row("shell-prompt", "boot", fast=True, smp=4, initrd="initrd"),
    row("shell-prompt-sifive_u", "boot", machine="sifive_u", smp=5, initrd="initrd"),
    row("shell-prompt-uboot", "boot", smp=2, mem="256M", prepare="disk",
        initrd="initrd"),
    # the SD card's image, untouched: through U-Boot to the shell of its root; and
    # its kernel and archive where no disk is driven
    row("sdcard", "dialog", smp=4, mem="512M", prepare="sdcard",
        dialog=SDCARD, until=r"\nthat was all"),
    # ... by newer U-Boots, if they can be had; the last one the whole way from SPL
    row("sdcard-2025", "dialog", smp=4, mem="512M", prepare="sdcard_newer",
        dialog=SDCARD, until=r"\nthat was all"),
    row("sdcard-sifive_u", "dialog", machine="sifive_u,msel=11", smp=5, mem="8G",
        prepare="sdcard_chain", dialog=SDCARD_CHAIN, until=r"\nthat was all"),
    row("sdcard-no-disk", "dialog", smp=4, mem="256M", initrd="sd/initrd",
        dialog=SDCARD_NO_DISK, prepare="sdcard_files",
        append="console=ttyS0,115200 swapspace=auto:16M", until=r"\nthat was all"),
    row("shell", "dialog", smp=2, dialog=SHELL, initrd="initrd", append="run=/bin/sh"),
    row("shell-1", "dialog", mode="icount", dialog=SHELL, initrd="initrd",
        append="run=/bin/sh"),
    row("shell-swap", "dialog", smp=2, dialog=SWAP_SHELL, initrd="initrd",
        append="run=/bin/sh root=archive swapspace=ram:16M", disks=[("scratch",)]),
    row("shell-swap-partition", "dialog", mode="icount", dialog=SWAP_PARTITION,
        initrd="initrd", append="run=/bin/sh root=archive swapspace=vda2,vda3",
        disks=[("swap",)]),
    # ... from a disk: whole, as a partition, in memory, and asked for by name
    row("root-prompt", "boot", fast=True, smp=4, disks=[("root",)]),
    row("root-disk", "dialog", smp=2, dialog=ROOT_SHELL, disks=[("root",)],
        append="run=/bin/sh"),
    row("root-disk-4", "dialog", smp=4, dialog=ROOT_SHELL, append="run=/bin/sh",
        disks=[("root", "", "indirect_desc=off")]),
    row("root-disk-1", "dialog", mode="icount", dialog=ROOT_SHELL, disks=[("root",)],
        append="run=/bin/sh"),
    row("root-ram", "dialog", smp=4, dialog=ROOT_SHELL, initrd="root.img", mem="256M",
        append="run=/bin/sh"),
    row("root-ram-1", "dialog", mode="icount", dialog=ROOT_SHELL, initrd="root.img",
        mem="256M", append="run=/bin/sh"),
    row("root-ram-sifive_u", "boot", machine="sifive_u", smp=5, initrd="root.img"),
    row("root-gpt", "dialog", smp=2, dialog=ROOT_GPT, append="run=/bin/sh",
        disks=[("scratch",), ("gpt",)]),
    row("root-asked", "dialog", smp=2, dialog=ROOT_GPT,
        append="run=/bin/sh root=vdb2", disks=[("root",), ("gpt_damaged",)]),
    row("root-archive", "boot", smp=2, initrd="initrd", append="root=archive",
        disks=[("root",)]),
    row("root-legacy", "dialog", smp=2, dialog=LEGACY, disks=[("root",)],
        legacy=True),
    row("bad-root-missing", "refuse", append="root=vdc", disks=[("root",)]),
    row("bad-root-empty", "refuse", append="root=vda", disks=[("scratch",)]),
    row("bad-root-damaged", "refuse", disks=[("damaged",)]),
    row("bad-root-legacy", "refuse", append="root=vda", disks=[("root",)],
        legacy=True),
    # the rows of the memory system and of processes again, by programs
    row("user-1", "user", mode="icount", mem="512M"),
    row("user-4", "user", smp=4, mem="512M", fast=True),
    row("user-oom", "user", smp=4, mem="64M", run=("t_oom", "dir=/dev/vda"),
        append="root=archive", disks=[("sfs",)]),
    row("user-sv39", "user", smp=2, mem="512M", append="mmu=sv39"),
    row("user-fork-race", "user", smp=4, mem="512M", run=("l_race", "rounds=200")),
    row("user-fork-race-10000", "user", smp=4, mem="512M", run=("l_race", "rounds=10000"),
        long=True),
    row("user-files", "user", smp=4, mem="512M",
        run=("t_filename", "t_filedata", "dir=/dev/shm")),
    row("user-files-2", "user", smp=4, mem="512M",
        run=("t_filerace", "t_filelock", "t_filecopy", "dir=/dev/shm")),
    row("user-mutants", "user", smp=4, mem="512M", initrd="initrd-mutants",
        run=["t_mutants"]),
    row("user-disk", "user", smp=4, mem="512M", run=["t_disk"],
        append="root=archive", disks=[("scratch",)]),
    row("user-disk-1", "user", mode="icount", mem="512M", run=["t_disk"],
        append="root=archive", disks=[("scratch",)]),
    row("user-swap-disk", "user", smp=4, mem="256M",
        run=("t_swap", "t_swapdisk", "t_vmswap", "t_shm", "dir=/dev/vda"),
        append="root=archive", disks=[("sfs",), ("swap",)]),
    row("user-swap-disk-1", "user", mode="icount", mem="256M",
        run=("t_swap", "t_swapdisk", "t_vmswap", "t_shm", "dir=/dev/vda"),
        append="root=archive", disks=[("sfs",), ("swap",)]),
    # three times the memory, on swap; each policy in the long rows
    row("user-pressure", "user", smp=4, mem="64M", run=("l_pressure", "rounds=1"),
        append="root=archive swapspace=vda", disks=[("swap_space",)]),
    # ... and twice the memory, shared
    row("user-shared", "user", smp=4, mem="64M", run=("l_shared", "rounds=1"),
        append="root=archive swapspace=vda", disks=[("swap_space",)]),
    row("user-shared-1", "user", mode="icount", mem="64M", run=("l_shared", "rounds=1"),
        append="root=archive swapspace=vda", disks=[("swap_space",)]),
    # files that are larger than memory, and swap
    row("user-stream", "user", mode="icount", mem="64M", run=("l_stream", "dir=/dev/vda"),
        append="root=archive swapspace=vdb", disks=[("sfs_stream",), ("swap_space",)]),
    row("user-answers", "user", mode="icount", mem="384M", run=("l_answers", "rounds=20"),
        append="swapspace=ram:256M"),
    row("user-answers-long", "user", mode="icount", mem="384M",
        run=("l_answers", "rounds=200"), append="swapspace=ram:256M", long=True),
    *[row("user-pressure-" + p, "user", smp=4, mem="64M", run=("l_pressure", "rounds=4"),
          append="root=archive swapspace=vda swap=" + p, disks=[("swap_space",)],
          long=True)
      for p in ("fifo", "clock", "second", "enhanced", "lru", "wsclock")],
    row("user-mount", "user", smp=4, mem="512M", run=["t_mount"],
        append="root=archive", disks=[("sfs",)]),
    # files on a disk, mapped
    row("user-vmfile", "user", smp=4, mem="512M", disks=[("sfs",)], fast=True,
        run=("t_vmfile", "dir=/dev/vda"), append="root=archive"),
    row("user-vmdisk", "user", smp=4, mem="512M", disks=[("sfs_large",)],
        run=("t_vmdisk", "dir=/dev/vda"), append="root=archive"),
    row("user-vmfile-1", "user", mode="icount", mem="512M", disks=[("sfs",)],
        run=("t_vmfile", "dir=/dev/vda"), append="root=archive"),
    # the calls about files once more, in a folder on a disk
    row("user-files-disk", "user", smp=4, mem="512M", disks=[("sfs",)],
        run=("t_filename", "t_filedata", "dir=/dev/vda"), append="root=archive"),
    row("user-files-disk-2", "user", smp=4, mem="512M", disks=[("sfs_files",)],
        run=("t_filerace", "t_filelock", "t_filecopy", "dir=/dev/vda"),
        append="root=archive"),
    row("user-files-disk-1", "user", mode="icount", mem="512M", disks=[("sfs",)],
        run=("t_filename", "t_filedata", "dir=/dev/vda"), append="root=archive"),
    # many files, and many processes at work on them: a short part of make realuse
    row("realuse", "tool", tool=["realuse.py", "--files=300", "--mebibytes=12",
                                 "--many=500", "--sparse=64"]),
    # the power fails, and QEMU is killed: a short part of make crashdisk
    row("crashdisk", "tool", fast=True,
        tool=["crashdisk.py", "--seed=21", "--operations=30", "--samples=1", "--kill=3"]),
    # ... after 6 s in which nobody asked for anything to be written: row 67
    row("crashdisk-rest", "tool",
        tool=["crashdisk.py", "--seed=67", "--scripts=0", "--operations=80", "--rest=3"]),
    # the scenarios of the labs, all of them, as students run them
    row("scenarios", "tool", fast=True, tool=["grade.py", "--jobs=1"]),
    # ... those that can share one boot, on the SD card's image
    row("scenarios-sdcard", "tool", prepare="sdcard",
        tool=["grade.py", "--disk={build}/sdcard.img", "--out={build}/grade/sdcard"]),
    # ... over a serial line that is slow, loses and flips bytes, and whose machine
    # starts again once
    row("board", "tool", prepare="sdcard", tool=["boardtest.py"]),
    # ... and where no disk is driven: swap is in memory, and makes room for a smaller one
    row("board-no-disk", "tool", prepare="sdcard_files",
        tool=["boardtest.py", "--no-disk", "--noise=0", "--rate=0", "--reset=0", "lab4/d",
              "lab4/no_swap", "lab4/stack", "lab6/full", "lab6/scarce", "lab6/read_e",
              "lab6/reclaim", "lab6/fork", "lab6/swapoff", "lab6/stored", "lab6/three"]),
    # ... and on a machine that is all that a board is: a short part of make board-matrix
    row("board-matrix", "tool", tool=["grade_matrix.py", "--board", "all-at-once"]),
    row("user-adsim", "user", smp=4, mem="512M", append="adsim=1"),
    # programs with a foreign C library, if it is there (make builds them then)
    row("glibc", "dialog", smp=4, mem="256M", dialog=GLIBC, initrd="initrd-glibc",
        append="run=/bin/sh", prepare="glibc", long=True),
    # bugs in the kernel end in one report that names the culprit
    row("die-fault", "die", fast=True, test="die_kernel_fault",
        says=[r"^panic: .*page fault.* 0x8\b", r"  #\d+ +0x\w+ \w*die_kernel_fault\+"]),
    row("die-frame-pointer", "die", test="die_fault_with_bad_frame_pointer",
        says=[r"^panic: .*page fault.* 0x8\b"]),
    row("die-stack-pointer", "die", test="die_bad_stack_pointer",
        says=[r"^panic: "]),
    row("die-stack-overflow", "die", test="die_stack_overflow",
        says=[r"^kernel stack overflow: ", r"^panic: ", r"  #\d+ +0x\w+ dig\b"]),
    row("die-lock-order", "die", test="die_lock_order",
        says=[r"^panic: lock order: ", r"  #\d+ +0x\w+ \w*die_lock_order\+"]),
    row("die-double-free", "die", test="die_double_free",
        says=[r"^panic: ", r"  #\d+ +0x\w+ free_\w+\+"]),
    row("die-foreign-free", "die", test="die_foreign_free",
        says=[r"^panic: ", r"  #\d+ +0x\w+ free_\w+\+"]),
    row("die-jump-to-data", "die", test="die_jump_to_data",
        says=[r"^panic: .*page fault"]),
    row("die-bad-copy", "die", test="die_bad_kernel_end_of_a_copy",
        says=[r"^panic: .*page fault.* 0xfffffffffffff000\b"]),
    row("die-4-harts", "die", smp=4, test="die_kernel_fault",
        says=[r"^panic: .*page fault.* 0x8\b"]),
    # bad input
    row("bad-bootarg-value", "refuse", fast=True, append="mmu=sv40"),
    row("bad-bootarg", "refuse", append="nonsense"),
    row("bad-swap", "refuse", append="swap=random"),
    row("bad-ram-16M", "refuse", mem="16M"),
    row("bad-alignment", "refuse", prepare="image_at", where=0x80301000),
    row("bad-tree-cut", "refuse", prepare="tree", change="cut"),
    row("bad-tree-zeroed", "refuse", prepare="tree", change="zeroed"),
    row("bad-tree-none", "refuse", prepare="tree", change="none"),
    row("bad-no-memory", "refuse", prepare="tree", change="no_memory"),
    row("bad-reserved", "refuse", prepare="tree", change="overlap"),
]
