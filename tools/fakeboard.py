"""A board that is not there: QEMU, booted by U-Boot from the SD card's image, behind a
pseudo-terminal that behaves as a serial line does.

    tools/grade_board.py <--> pty <--> slow, losing, flipping <--> QEMU

The image is only read; what the guest writes is thrown away.  A list in its place is a
kernel and a boot archive: a board whose disk nobody drives.  DROP and FLIP are
chances per byte, in both directions; RESETS says after how many records the machine
starts again, as if its power had failed for a moment.
"""
import os
import pty
import random
import select
import subprocess
import threading
import time
import tty

import qemu


class FakeBoard:
    """To be used by "with"; .path is the terminal."""

    def __init__(self, disk, smp=4, mem="512M", bytes_per_second=0, drop=0.0, flip=0.0,
                 resets=(), seed=1):
        for f in [disk] if isinstance(disk, str) else disk:
            if not os.path.exists(f):
                raise OSError("no %s; make sdcard" % f)
        if not isinstance(disk, str):
            self.machine = qemu.Machine(kernel=disk[0], initrd=disk[1], smp=smp, mem=mem,
                                        append="swapspace=auto:16M")
        elif os.path.exists(qemu.uboot()):
            self.machine = qemu.Machine(disk=disk + ",snapshot=on", smp=smp, mem=mem)
        else:
            raise OSError("U-Boot for QEMU (u-boot-qemu) is not installed")
        self.rate, self.drop, self.flip = bytes_per_second, drop, flip
        self.resets, self.random = sorted(resets), random.Random(seed)
        self.frames = self.dropped = self.flipped = self.restarts = 0
        self.qemu, self.thread, self.stopping = None, None, False

    def __enter__(self):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        self.power_on()
        self.thread = threading.Thread(target=self.relay, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()
        self.power_off()
        os.close(self.master)
        os.close(self.slave)

    def power_on(self):
        argv = self.machine.command(["-display", "none", "-monitor", "none", "-chardev",
                                     "stdio,id=con,signal=off", "-serial", "chardev:con"],
                                    None)
        self.qemu = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, start_new_session=True)
        qemu.running.add(self.qemu)

    def power_off(self):
        qemu.running.discard(self.qemu)
        qemu.kill(self.qemu)
        self.qemu.wait()
        self.qemu.stdin.close()
        self.qemu.stdout.close()

    def noise(self, data):
        """What arrives of DATA."""
        if not self.drop and not self.flip:
            return data
        out = bytearray()
        for byte in data:
            dice = self.random.random()
            if dice < self.drop:
                self.dropped += 1
                continue
            if dice < self.drop + self.flip:
                self.flipped += 1
                byte ^= 1 << self.random.randrange(8)
            out.append(byte)
        return bytes(out)

    def to_host(self, data):
        """As a line without flow control: who does not read loses it."""
        data = self.noise(data)
        while data and not self.stopping:
            if not select.select([], [self.master], [], 1)[1]:
                return
            data = data[os.write(self.master, data[:512]):]

    def to_guest(self, data):
        try:
            self.qemu.stdin.write(self.noise(data))
            self.qemu.stdin.flush()
        except BrokenPipeError:
            pass            # it has powered off

    def relay(self):
        chunk = max(1, self.rate // 50) if self.rate else 4096
        while not self.stopping:
            out = self.qemu.stdout
            ready = select.select([out, self.master], [], [], 0.2)[0]
            if self.master in ready:
                self.to_guest(os.read(self.master, 4096))
            if out not in ready:
                continue
            data = os.read(out.fileno(), chunk)
            if not data:
                time.sleep(0.2)     # powered off
                continue
            self.frames += data.count(b"\x1f")
            self.to_host(data)
            if self.rate:
                time.sleep(len(data) / self.rate)
            if self.resets and self.frames >= self.resets[0]:
                self.resets.pop(0)
                self.restarts += 1
                self.power_off()
                self.power_on()
