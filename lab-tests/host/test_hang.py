#!/usr/bin/env python3
"""A machine that hangs says where it is.  One that hangs here waits for somebody to type:
its harts idle, its threads sleep, and all must be found.  The other one goes round for
ever in a function of a small program, also while somebody else waits at the stub."""
import os
import re
import shutil
import subprocess
import tempfile

from hostcheck import check, over, TOP
import gdbstub
import grade_look
import qemu

BUILD = os.path.join(TOP, "build")
COMPILERS = ("riscv64-linux-gnu-gcc", "riscv64-unknown-elf-gcc")
ROUND = """
__asm__(".globl _start\\n_start: li s0, 0\\nlla sp, top\\ncall middle");
char stack[4096];
__asm__(".globl top\\ntop = stack + 4096");
void never(void) { }
void leaf(void) { for (;;) ; }
void middle(void) { leaf(); __asm__ volatile(""); }
"""


def idle(folder):
    subprocess.run(["make", "-s", "-C", TOP, "B=build", "build/Image"], check=True)
    log = os.path.join(folder, "row")
    r = qemu.run(qemu.Machine(kernel=os.path.join(BUILD, "Image"), smp=2,
                              elf=os.path.join(BUILD, "kernel.elf")), log, silence=4)
    check("it_is_a_hang", r.how, "hang")
    check("it_says_where_to_look", log + ".hang" in r.note)
    check("both_idle", r.where[:2], ["hart 0 is idle", "hart 1 is idle"])
    with open(log + ".hang", encoding="utf-8", errors="replace") as f:
        text = f.read()
    if not any(shutil.which(d) for d in qemu.DEBUGGERS):
        print("no debugger is installed: nothing is said of threads")
        return
    check("both_harts", len(re.findall(r"^#\d.* sched_idle_loop ", text, re.M)), 2)
    flusher = re.search(r"^thread \d+ flusher, blocked.*\n(  #.*\n)+", text, re.M)
    check("a_thread_that_sleeps", flusher and "kern/mm/flusher.c:" in flusher.group(0)
          and flusher.group(0).rstrip().splitlines()[-1].split()[1], "thread_begin")
    check("nothing_is_left", sorted(os.listdir(folder)),
          ["row.console", "row.events", "row.hang"])


def in_a_round(folder):
    """No debugger is asked; LOOK: who waits for a breakpoint that never comes."""
    compiler = next((c for c in COMPILERS if shutil.which(c)), None)
    source, elf = (os.path.join(folder, n) for n in ("kern/round.c", "round"))
    os.mkdir(os.path.dirname(source))
    with open(source, "w") as f:
        f.write(ROUND)
    subprocess.run([compiler, "-g", "-O0", "-march=rv64imac", "-mabi=lp64", "-mcmodel=medany",
                    "-fno-omit-frame-pointer", "-nostdlib", "-static", "-no-pie",
                    "-Wl,--build-id=none,-N,-Ttext=0x80200000,--no-warn-rwx-segments", "-o", elf,
                    source], check=True)
    was, qemu.DEBUGGERS = qemu.DEBUGGERS, ()
    for name in ("alone", "looked_at"):
        log = os.path.join(folder, name)
        m = qemu.Machine(kernel=elf, elf=elf, mode="icount")
        if name == "looked_at":
            m.look = grade_look.Look(0, 0, gdbstub.Symbols(elf).address("never"), log + ".stub")
            m.extra = m.look.arguments()
            m.look.thread.start()
        r = qemu.run(m, log, silence=3)
        check(name, [re.sub(r"\(.*?/?kern/", "(kern/", s) for s in r.where],
              ["hart 0 is in leaf (kern/round.c:6), called by middle (kern/round.c:7), "
               "called by _start"])
        check(name + "_is_over", m.look is None or not m.look.thread.is_alive())
        with open(log + ".hang") as f:
            check(name + "_is_written_down", f.read().strip(), r.where[0])
    qemu.DEBUGGERS = was


def sleeping():
    """Of what a debugger says: processes, from where they wait on."""
    text = ("\nthread 4 flusher, blocked, hart 0\n  #0  sched_block /x/kern/schedule/sched.c:9\n"
            "  #1  thread_begin kern/schedule/thread.c:3\n"
            "\nthread 9 scenario, blocked, hart 0\n  #0  sched_block kern/schedule/sched.c:9\n"
            "  #1  wait_on /x/kern/sync/wait.c:5\n  #2  ? kern/arch/riscv/trapentry.S:1\n") + \
        2 * ("thread 9 scenario, ready, hart 0\n  #0  switch_to kern/schedule/sched.c:9\n"
             "  #1  sys_read kern/syscall/sys_file.c:7\n")
    check("who_sleeps", qemu.sleepers(text), [
        "scenario sleeps in wait_on (kern/sync/wait.c:5)",
        "scenario is ready and not run, in sys_read (kern/syscall/sys_file.c:7); 2 of them"])


for part in (idle, in_a_round):
    with tempfile.TemporaryDirectory() as here:
        part(here)
sleeping()
over()
