# ucore-sv: one Makefile, no recursion; everything built goes to build/.
#
#   make             build the kernel: build/Image, build/kernel.elf
#   make qemu        build and boot on QEMU, to a shell; Ctrl-A X leaves QEMU,
#                    Ctrl-C goes to the kernel.  Variables:
#                      SMP=4  MEM=512M  APPEND='mmu=sv39 sched=stride'
#                      DISK=path (the root; default build/root.img)
#                      INITRD=build/initrd (a boot archive instead of a disk),
#                      INITRD= (neither: the kernel's own prompt)
#                      MACHINE=virt|sifive_u  CPU=...  BOOT=uboot (from a disk)
#   make image       build/root.img, the root disk: all programs, and the files
#                    of EXTRA=dir; as large as it needs to be
#   make sdcard      build/sdcard.img, for the VisionFive 2 and QEMU's U-Boot; also
#                    SPL=file UBOOT=file (firmware) EXTRA=dir; docs/boards.md
#   make sdcard-check  read it again and verify every field
#   make flash       DEV=/dev/sdX: write it to a card, after many checks; DRY=1 SAVE=file
#   make board-report  what the last make grade BOARD=... showed, to be given away
#   make gdb         the same, stopped at the first instruction; prints the gdb
#                    command to type in another terminal (socket build/gdb.sock)
#   make test        host tests, then kernel tests on every machine of the list
#   make test-fast   the part of it for every day, under a minute
#   make host-test   only the tests that run on this computer; T=page: some of them
#   make ktest       only the kernel tests; ROW=virt-4: some rows, ROW=list: names
#   make lint        floors, markers, format, cppcheck, shellcheck, budgets, core, ext
#   make format      rewrite all C files as .clang-format says
#   make core        link the core alone, without kern/ext: build/core.img
#   make disk-tools  build/mksfs, build/fsck.sfs, build/sfs: images of our file system
#   make grade       run the scenarios of the labs: points, and why one failed;
#                    LAB=5 SEED=7 JOBS=4 PROFILE=classic, results in build/grade;
#                    on a board: BOARD=/dev/ttyUSB0; on QEMU, from a disk:
#                    DISK=build/sdcard.img
#   make belady      faults against frames for FIFO, clock, LRU (this kernel) and OPT:
#                    TRACE="1 2 3 4 1 2 5" FRAMES=2-6; a picture in build/belady.svg
#   make scenario    S=lab5/cow: those whose name has that, with their timelines; LAB=5;
#                    GDB=1: one that fails stops in front of its wrong step
#   make replay      R=build/grade/replay/lab5-cow.json: a failed run again, GDB=1
#   make grade-matrix   the scenarios of processes on many machines; M=name
#   make board-matrix   ... on machines that are as a board is
#   make lab-mutants do the labs find bugs put in, and does a hint name them?
#                    LAB=5, M=lab5-reuse-never: some of them
#   make lab-solutions  do other right solutions get all points, too? M=name, SEED=n
#   make handout     LAB=4 OUT=dir: a tree for students, its exercises cut;
#                    KEEP=dir: earlier labs as that student solved them
#   make grade-class DIR=submissions LAB=4: what a whole class handed in, as CSV, JSON
#                    and HTML; OUT=dir JOBS=n SEED=n; goes on where it was stopped
#   make carry       FROM=../lab4: in a hand-out, what you did in another one; DRY=1
#   make labpages    write the tables of docs/labs from source and scenarios
#   make handout-check  is each exercise seen by its lab, and by no other? LAB=4
#                    OTHERS=1: grades other labs each time; GROWTH=1: points by exercise
#   make crashtest   every crash of every short story of file operations; SEED=n
#   make realuse     a disk with 5,000 files, four processes at work on it, fsck.sfs
#   make crashdisk   crashes of a whole machine, and 60 times QEMU is killed; SEED=n
#   make count       the size of the core against its budgets
#   make bench       instructions per operation, and from entry to the prompt;
#                    ROWS='fork_* swap_out_*': some; BASE=FILE: an older build/bench.json
#   make profile     ROW=anon_wfault_page: where the instructions of a row go;
#                    FUNC=finish_fault: how often each of its instructions runs
#   make mutants     do the race tests find bugs put in? M=name, SHORT=1, SEED='1 2 3'
#   make repeat      N=20 CMD='make ktest ROW=virt-4' LOAD=1: the same verdicts?
#                    CMD='make grade JOBS=4': the same of each scenario?
#   make doctor      every tool, its version, what it is for, what is missing
#   make clean       remove build/
#   make help        this text
#
# V=1 shows the commands, B=DIR builds elsewhere, CROSS=riscv64-...- names the
# compiler, STUDENT=1 makes warnings warnings, NO_INSTALL=1 installs nothing.
# A variable that a target does not know is refused, with those that it knows.

B       ?= build
STUDENT ?= $(wildcard ref/manifest.json)
# What a hand-out has no files for; its help leaves them out.
ABSENT  := $(if $(wildcard ref/manifest.json),test test-fast host-test ktest lint format core count profile \
             mutants lab-mutants lab-solutions handout handout-check grade-class labpages crashtest crashdisk realuse)
PYTHON  ?= $(if $(wildcard /usr/bin/python3),/usr/bin/python3,python3)
HOSTCC  ?= gcc
QEMU    ?= qemu-system-riscv64
MACHINE ?= virt
SMP     ?= $(if $(filter sifive_u,$(MACHINE)),5,4)
MEM     ?= $(if $(filter uboot,$(BOOT)),256M,128M)
APPEND  ?=
BOOT    ?= direct
# From a disk, unless an archive was asked for, or the machine has no disk.
ifeq ($(origin INITRD)$(MACHINE)$(BOOT),undefinedvirtdirect)
DISK    ?= $B/root.img
endif
INITRD  ?= $(if $(DISK),,$B/initrd)
N       ?= 20
export QEMU NO_INSTALL

# What the wanted targets need is looked for first, and installed if we may.
need.all := build host
need.image := build host
need.qemu := build qemu host $(if $(filter uboot,$(BOOT)),uboot)
need.sdcard := build host uboot
need.sdcard-check := build host uboot
need.flash := build host uboot
need.board-report := python
need.gdb := build qemu gdb host $(if $(filter uboot,$(BOOT)),uboot)
need.test := build qemu uboot host
need.test-fast := build qemu host
need.host-test := host
need.ktest := build qemu uboot host
need.bench := build qemu host
need.profile := build qemu host
need.mutants := build qemu lint
need.lint := build lint
need.format := format
need.count := python
need.grade := build qemu host $(if $(filter command line,$(origin DISK)),uboot)
need.scenario := build qemu host
need.belady := build qemu host
need.replay := qemu
need.lab-solutions := build qemu host lint
need.lab-mutants := build qemu host lint
need.handout-check := build qemu host
need.grade-class := build qemu host
need.carry := python
need.labpages := python
need.disk-tools := host
need.crashtest := host
need.crashdisk := build qemu host
need.realuse := build qemu host
need.repeat := python
FREE  := help doctor clean
goals := $(or $(MAKECMDGOALS),all)

# What a command line may set.  A misspelt name would change nothing and say nothing,
# so it is refused; a make that another one started gets that one's names, too.
ANY := V B CROSS CROSS_COMPILE CC HOSTCC PYTHON QEMU STUDENT NO_INSTALL EXTRA SPL UBOOT
takes.qemu := SMP MEM APPEND DISK INITRD MACHINE CPU BOOT
takes.gdb := $(takes.qemu)
takes.flash := DEV DRY SAVE
takes.host-test := T
takes.ktest := ROW
takes.grade := LAB SEED JOBS PROFILE BOARD RESET DISK
takes.scenario := S LAB SEED JOBS PROFILE GDB
takes.belady := TRACE FRAMES
takes.replay := R GDB
takes.grade-matrix := M SEED
takes.board-matrix := M SEED
takes.lab-mutants := M LAB
takes.lab-solutions := M SEED
takes.handout := LAB OUT KEEP
takes.handout-check := LAB OTHERS GROWTH
takes.grade-class := DIR LAB OUT JOBS SEED
takes.carry := FROM DRY
takes.crashtest := SEED
takes.crashdisk := SEED
takes.realuse := SEED
takes.bench := ROWS BASE
takes.profile := ROW FUNC
takes.mutants := M SHORT SEED
takes.repeat := N CMD LOAD FRESH
ifeq ($(MAKELEVEL),0)
given := $(strip $(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $v))),$v)))
takes := $(foreach g,$(goals),$(takes.$g))
unknown := $(filter-out $(ANY) $(takes),$(given))
ifneq ($(unknown),)
$(error make $(goals): there is no variable $(unknown) here; there are $(takes) $(ANY))
endif
endif

ifneq ($(filter $(ABSENT),$(goals)),)
$(error make $(firstword $(filter $(ABSENT),$(goals))) is not in a hand-out: README.md and make help say what is)
endif
needs := $(sort $(foreach g,$(filter-out $(FREE),$(goals)),$(or $(need.$g),build)))
ifneq ($(needs),)
ifeq ($(findstring n,$(filter-out -%,$(firstword $(MAKEFLAGS)))),)
ifneq ($(shell tools/need.sh $(needs) >&2 && echo yes),yes)
$(error something is missing, see above)
endif
endif
endif

# Everything below runs in parallel unless the command line says -jN itself.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(or $(shell nproc 2>/dev/null),2)
endif

ifndef CROSS
CROSS := $(firstword $(if $(filter command,$(firstword $(origin CROSS_COMPILE))),$(CROSS_COMPILE)) $(foreach p,riscv64-linux-gnu- riscv64-unknown-elf-,\
             $(if $(shell command -v $(p)gcc 2>/dev/null),$(p))))
endif
CC := $(CROSS)gcc

Q   := $(if $(V),,@)
say  = $(if $(V),@:,@printf '  %-6s %s\n' $(1) $(2))

WARN   := -Wall -Wextra -Wno-unused-parameter -Wstrict-prototypes -Wmissing-prototypes $(if $(STUDENT),,-Werror)
KFLAGS := -std=gnu11 -O2 -g $(WARN) -fno-common \
          -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -ffreestanding \
          -fno-omit-frame-pointer -fno-stack-protector -fno-pie -fno-jump-tables \
          -fno-tree-loop-distribute-patterns -msmall-data-limit=0 -Ikern -Ilibs -I.
LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments
LD_FILE := kern/arch/riscv/kernel.ld

# Every .c and .S below a folder belongs to it; adding a file needs no edit here.
# In a hand-out (tools/handout.py) files of later labs are objects in ref/, and
# rest.img has this lab's files from ref/solved: other labs are graded on it.
src    = $(sort $(shell find $(1) -name '*.[cS]' 2>/dev/null))
SCN   := $(filter-out %/scn_json.c,$(wildcard lab-tests/scenario/*.c))
refs   = $(patsubst $(1)/%.o,%,$(shell find $(1) -name '*.o' 2>/dev/null))
SOLVED := $(call refs,ref/solved)
LATER := $(filter-out solved/% $(call src,kern libs),$(call refs,ref))
obj    = $(foreach f,$(1),$(if $(filter $(LATER),$f),ref/$f.o,$B/k/$f.o))
CORE  := $(sort $(filter-out kern/ext/%,$(call src,kern libs) $(LATER)))
EXT   := $(sort $(call src,kern/ext) $(filter kern/ext/%,$(LATER))) $(SCN)
KTEST := $(call src,lab-tests/kernel)
OBJ_core   := $(call obj,$(CORE))
OBJ_kernel := $(call obj,$(CORE) $(EXT))
OBJ_rest   := $(foreach f,$(CORE) $(EXT),$(if $(filter $(SOLVED),$f),ref/solved/$f.o,$(call obj,$f)))
OBJ_ktest  := $(call obj,$(CORE) $(EXT) $(KTEST))
# races.img: the files with race points are compiled with them, and frames go
# through one list, so that what one hart gives back another gets at once.
RACED      := $(shell grep -ls '<race.h>' $(CORE) $(EXT) $(KTEST))
OBJ_races  := $(filter-out $(call obj,kern/ext/mm/hart_pages.c $(RACED)),$(OBJ_ktest)) \
              $(patsubst %,$B/r/%.o,$(RACED))

.PHONY: all image sdcard sdcard-check flash board-report qemu gdb test test-fast host-test ktest lint format core count bench profile mutants repeat doctor clean help disk-tools crashtest crashdisk realuse grade scenario belady handout handout-check grade-class labpages FORCE
.DELETE_ON_ERROR:
.SECONDARY:
all: $B/Image $B/initrd $B/root.img $B/compile_commands.json

# The parser of scenarios wants a C library; this is what of it we have.
$(call obj,$(SCN)): KFLAGS += -Ilab-tests/scenario/kernel

$B/k/%.o: % Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$Q$(CC) $(KFLAGS) -MMD -MP -c -o $@ $<

$B/r/%.o: % Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$Q$(CC) $(KFLAGS) -DRACE_POINTS -MMD -MP -c -o $@ $<

# The list of objects is a file, so that a source that went away relinks, too.
$B/%.list: FORCE
	@mkdir -p $(@D); echo $(OBJ_$*) | cmp -s - $@ || echo $(OBJ_$*) > $@

$B/core.elf: $(OBJ_core)
$B/kernel.elf: $(OBJ_kernel)
$B/rest.elf: $(OBJ_rest)
$B/ktest.elf: $(OBJ_ktest)
$B/races.elf: $(OBJ_races)
# The linker script shares the addresses of memlayout.h.
$B/kernel.ld: $(LD_FILE) kern/arch/riscv/memlayout.h Makefile
	@mkdir -p $(@D)
	$Q$(CC) -E -P -x c -std=c11 -D__ASSEMBLER__ -Ikern -o $@ $<

$B/%.elf: $B/%.list $B/kernel.ld tools/ksyms.py
	$(call say,LD,$@)
	$Q$(CC) $(LDFLAGS) -T $B/kernel.ld -o $@.tmp $(filter %.o,$^)
	$Q$(PYTHON) tools/ksyms.py $@.tmp
	$Qmv $@.tmp $@

$B/Image: $B/kernel.elf
$B/ktest.img: $B/ktest.elf
$B/races.img: $B/races.elf
$B/core.img: $B/core.elf
$B/rest.img: $B/rest.elf
$B/Image $B/ktest.img $B/races.img $B/core.img $B/rest.img:
	$(call say,IMAGE,$@)
	$Q$(CROSS)objcopy -O binary $< $@

core: $B/core.img

# User programs: one file each, with our library and libs/, for plain rv64gc
# Linux; and the boot archive that holds them.
UFLAGS := -std=gnu11 -O2 -g $(WARN) -march=rv64gc -mabi=lp64d -ffreestanding -fno-stack-protector \
          -fno-pie -fno-tree-loop-distribute-patterns -Iuser/include -idirafter libs
ULIB := $(call src,user/lib) libs/string.c libs/bits.c libs/printfmt.c
UPROG := $(patsubst user/%.c,$B/bin/%,$(wildcard user/*.c)) \
         $(patsubst lab-tests/user/%.c,$B/bin/%,$(wildcard lab-tests/user/*.c))
uobj = $(patsubst %,$B/u/%.o,$(1))

$B/u/%.o: % Makefile
	@mkdir -p $(@D)
	$(call say,USER,$<)
	$Q$(CC) $(UFLAGS) -MMD -MP -c -o $@ $<

$B/u/ulib.a: $(call uobj,$(ULIB))
	$Qrm -f $@; $(CROSS)ar rcs $@ $^

# What the test programs share.
UTLIB := $(call src,lab-tests/user/lib)
$B/u/utest.a: $(call uobj,$(UTLIB))
	$Qrm -f $@; $(CROSS)ar rcs $@ $^

# What runs scenarios, with the parser that the host and the kernel have, too.
$B/bin/scenario: $(call uobj,$(SCN) $(call src,user/scenario) libs/frame.c user/lib/vfork.S lab-tests/user/lib/clone.S)
$B/scn: $(wildcard lab-tests/scenario/*.[ch]) Makefile
	$(call say,TOOL,$@)
	$Q$(HOSTCC) $(HFLAGS) -O2 -o $@ $(filter %.c,$^)

ulink = $(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noseparate-code -o $@ $^
$B/bin/%: $B/u/user/%.c.o $B/u/ulib.a
	@mkdir -p $(@D)
	$Q$(ulink)
$B/bin/%: $B/u/lab-tests/user/%.c.o $B/u/utest.a $B/u/ulib.a
	@mkdir -p $(@D)
	$Q$(ulink)

# EXTRA=dir adds a tree of files.
$B/initrd: $(UPROG) tools/mkinitrd.py $(if $(EXTRA),FORCE)
	$(call say,INITRD,$@)
	$Q$(PYTHON) tools/mkinitrd.py -o $@ $(foreach p,$(UPROG),/bin/$(notdir $p)=$p) $(if $(EXTRA),--tree '$(EXTRA)')

# The root disk.  What an earlier EXTRA brought stays until a program changes.
$B/root.img: $(UPROG) $B/mksfs $(if $(EXTRA),FORCE)
	$(call say,IMAGE,$@)
	$Qrm -rf $B/root; mkdir -p $B/root/bin $B/root/dev $B/root/proc $B/root/tmp $B/root/etc
	$Qcp $(UPROG) $B/root/bin
	$Q$(if $(EXTRA),cp -a '$(EXTRA)/.' $B/root)
	$Q$B/mksfs -e 16M -L root $@ $B/root
	$Qrm -rf $B/root
image: $B/root.img

# The card of a board: see tools/sdcard.py.  Tests want it where it can be made.
SDCAN := $(and $(shell PATH=$$PATH:/sbin:/usr/sbin; command -v sfdisk),$(shell PATH=$$PATH:/sbin:/usr/sbin; command -v mkfs.vfat),$(shell command -v mcopy))
sdfiles = $(if $(SPL),--spl '$(SPL)') $(if $(UBOOT),--uboot '$(UBOOT)')
SDTOOLS := $(addprefix tools/,sdcard.py bootdisk.py gpt.py mkinitrd.py)
$B/sdcard.img: $B/Image $B/mksfs $(UPROG) $(SDTOOLS) $(shell find lab-tests/scenarios -name '*.scn') $(if $(EXTRA)$(SPL)$(UBOOT),FORCE)
	$(call say,IMAGE,$@)
	$Q$(PYTHON) tools/sdcard.py --build $B --strip $(CROSS)strip $(sdfiles) $(if $(EXTRA),--extra '$(EXTRA)') $(UPROG)
sdcard: $B/sdcard.img
sdcard-check: $B/sdcard.img $B/fsck.sfs
	$Q$(PYTHON) tools/sdcard_check.py --image $B/Image --initrd $B/sd/initrd --root $B/sd/root.img --fsck $B/fsck.sfs $(sdfiles) $<

flash: $B/sdcard.img
	@$(PYTHON) tools/flash.py --image $< $(if $(DRY),--dry-run) $(if $(SAVE),--save '$(SAVE)') $(DEV)
board-report:
	$Q$(PYTHON) tools/board_report.py --grade $B/grade --date "$$(date -u +%Y-%m-%d)" -o $B/board-report.json

# ... and one with damaged programs.
$B/initrd-mutants: $(UPROG) tools/mkinitrd.py tools/mutelf.py
	$(call say,INITRD,$@)
	$Qrm -rf $B/mutants; mkdir -p $B/mutants
	$Qfor p in hello sh; do $(CROSS)objcopy -S $B/bin/$$p $B/mutants.$$p || exit 1; done
	$Q$(PYTHON) tools/mutelf.py --count 1000 -o $B/mutants $B/mutants.hello $B/mutants.sh
	$Q$(PYTHON) tools/mkinitrd.py -o $@ $(foreach p,$(UPROG),/bin/$(notdir $p)=$p) --tree $B/mutants

# ... and one with programs of a foreign C library, where there is one.
GLIBC := $(and $(filter riscv64-linux-gnu-,$(CROSS)),$(wildcard /usr/riscv64-linux-gnu/lib/libc.a))
GLIBS := ld-linux-riscv64-lp64d.so.1 libc.so.6 libm.so.6 libgcc_s.so.1
$B/initrd-glibc: lab-tests/glibc/g_all.c $(UPROG) tools/mkinitrd.py
	@mkdir -p $B/glibc
	$(call say,INITRD,$@)
	$Q$(CC) -O2 -Wall -pthread -static -o $B/glibc/g_static $< -lm
	$Q$(CC) -O2 -Wall -pthread -o $B/glibc/g_dynamic $< -lm
	$Q$(PYTHON) tools/mkinitrd.py -o $@ $(foreach p,init sh echo,/bin/$p=$B/bin/$p) \
	    $(foreach p,g_static g_dynamic,/bin/$p=$B/glibc/$p) \
	    $(foreach l,$(GLIBS),/lib/$l=$(dir $(GLIBC))$l)

# Host tests: one source, one program; it includes the kernel file it tests.
# The first word of the name says how: test_, tsan_, fuzz_ or explore_.
HSRC  := $(filter $(foreach k,test tsan fuzz explore,lab-tests/host/$k_%),$(wildcard lab-tests/host/*.c))
HPY   := $(patsubst lab-tests/host/%.py,$B/h/%,$(wildcard lab-tests/host/test_*.py))
HTEST := $(patsubst lab-tests/host/%.c,$B/h/%,$(HSRC)) $(HPY)
HSHIM := $(wildcard lab-tests/host/shim/shim.c)
HXSHIM := $(wildcard lab-tests/host/explore/*.c)
CLANG := $(shell command -v clang 2>/dev/null)
HFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter $(if $(STUDENT),,-Werror) -DHOST
HINC   := -Ilab-tests/host/shim -Ikern -I. -idirafter libs
HSAN.test := -fsanitize=address,undefined -fno-sanitize-recover=all
HSAN.tsan := -fsanitize=thread
HSAN.fuzz := $(HSAN.test) -fsanitize-coverage=$(if $(CLANG),trace-pc-guard,trace-pc)
HINC.explore := -Ilab-tests/host/explore/shim
HCC.fuzz := $(or $(CLANG),$(HOSTCC))
hkind = $(firstword $(subst _, ,$*))
hcc   = $(or $(HCC.$(hkind)),$(HOSTCC)) $(HFLAGS) $(HSAN.$(hkind)) $(HINC.$*) $(HINC.$(hkind)) $(HINC)

# What a test links beside that: files that take the place of weak functions.
PAGES := kern/ext/mm/hart_pages.c kern/ext/mm/poison.c
HLINK.test_pmm := $(PAGES)
HLINK.test_kmalloc := $(PAGES) kern/ext/mm/magazines.c
HLINK.tsan_mm := $(HLINK.test_kmalloc)
HLINK.explore_pmm := lab-tests/host/link_hart_pages.c
HLINK.explore_space := lab-tests/host/link_asid.c
HLINK.explore_fault := lab-tests/host/link_around_mutants.c
HLINK.explore_truncate := $(HLINK.explore_fault)
HLINK.explore_swap := $(HLINK.explore_fault)
HLINK.explore_shared := $(HLINK.explore_fault)
HLINK.explore_mremap := $(HLINK.explore_fault) lab-tests/host/link_move_mutants.c kern/ext/mm/mremap.c
HLINK.test_mm_random := lab-tests/host/link_fault_around.c
HLINK.tsan_mm_faults := $(HLINK.test_mm_random)
# ... the file system's: an archive, see below; the long crash test without sanitizers.
SFSTESTS := $(patsubst lab-tests/host/%.c,%,$(wildcard lab-tests/host/test_sfs*.c lab-tests/host/fuzz_sfs*.c))
$(foreach t,$(SFSTESTS),$(eval HLINK.$t := $B/ts/sfs.a))
$(foreach t,$(SFSTESTS),$(eval HINC.$t := -include tools/sfs/host.h))
# ... and what those include.
$B/h/explore_space: kern/ext/init/asid.c
$B/h/explore_fault $B/h/explore_mremap $B/h/explore_shared $B/h/explore_swap $B/h/explore_truncate $B/h/test_mm_random $B/h/tsan_mm_faults: kern/ext/mm/fault_around.c
$B/h/explore_mremap: kern/ext/mm/move_ptes.c
$(foreach t,$(HTEST:$B/h/%=%),$(eval $B/h/$t: $(HLINK.$t)))

$B/h/%: lab-tests/host/%.c Makefile $(HSHIM) $(HXSHIM)
	@mkdir -p $(@D)
	$(call say,HOST,$<)
	$Q$(hcc) -MMD -MP -MF $@.d -MT $@ -c -o $@.o $<
	$Q$(hcc) -pthread -o $@ $@.o $(HLINK.$*) $(if $(filter explore,$(hkind)),$(HXSHIM),$(if $(HINC.$*),,$(HSHIM)))

# Tests of the models are scripts; here is what starts them.
$(HPY): $B/h/%: lab-tests/host/%.py Makefile
	@mkdir -p $(@D)
	$Qprintf '#!/bin/sh\nexec "%s" "%s"\n' "$$(command -v $(PYTHON))" '$(abspath $<)' > $@ && chmod +x $@

# The file system on this computer: its kernel files and what they stand on, for
# the tools (t) and, with sanitizers, for the tests (ts).
SFSK   := $(filter-out %/type.c,$(wildcard kern/fs/sfs/*.c)) $(addprefix kern/fs/,inode.c icache.c mount.c) \
          $(wildcard kern/mm/readahead.c) $(addprefix kern/mm/,object.c object_fill.c object_read.c object_swap.c page_lock.c pageref.c writeback.c) \
          kern/sync/mutex.c kern/sync/wait.c
SFSLIB := $(SFSK) $(addprefix tools/sfs/,host.c disk.c format.c tree.c treecopy.c check.c repair.c) $(HSHIM)
SFST   := $(addprefix $B/,mksfs fsck.sfs sfs)
SFSINC := -include tools/sfs/host.h $(HINC)

$B/t/%.o: % Makefile
	@mkdir -p $(@D)
	$(call say,TOOL,$<)
	$Q$(HOSTCC) $(HFLAGS) -O2 $(SFSINC) -MMD -MP -c -o $@ $<
$B/ts/%.o: % Makefile
	@mkdir -p $(@D)
	$(call say,HOST,$<)
	$Q$(HOSTCC) $(HFLAGS) $(HSAN.test) $(SFSINC) -MMD -MP -c -o $@ $<
$B/t/sfs.a: $(SFSLIB:%=$B/t/%.o)
$B/ts/sfs.a: $(SFSLIB:%=$B/ts/%.o)
$B/t/sfs.a $B/ts/sfs.a:
	$Qrm -f $@; ar rcs $@ $^
# Every crash of many stories: see lab-tests/host/test_sfs_crash.c.  SEED=n
$B/crashtest: $B/t/lab-tests/host/test_sfs_crash.c.o $B/t/sfs.a
	$Q$(HOSTCC) -o $@ $^
crashtest: $B/crashtest
	$QCRASHTEST=1 $(if $(SEED),SEED=$(SEED)) $<
# ... and what a machine leaves: see tools/crashdisk.py.
crashdisk: $(SFST) $B/Image $B/bin/l_fsops
	$Q$(PYTHON) tools/crashdisk.py --build $B --scripts 10 --kill 50 --rest 10 $(if $(SEED),--seed $(SEED))
# ... and what people do to it: see tools/realuse.py.
realuse: $(SFST) $B/Image $(UPROG)
	$Q$(PYTHON) tools/realuse.py --build $B $(if $(SEED),--seed $(SEED))
disk-tools: $(SFST)
$(SFST): $B/%: $B/t/tools/sfs/%.c.o $B/t/sfs.a
	$(call say,TOOL,$@)
	$Q$(HOSTCC) -o $@ $^

$B/compile_commands.json: FORCE
	@mkdir -p $(@D)
	@$(PYTHON) tools/compdb.py -o $@ --flags '$(CC) $(KFLAGS)' $(CORE) $(EXT) $(KTEST) \
	    --flags '$(HOSTCC) $(HFLAGS) $(HINC)' $(HSRC) $(HSHIM)

run = $(PYTHON) tools/qemu.py --machine '$(MACHINE)' --smp '$(SMP)' --mem '$(MEM)' $(if $(CPU),--cpu '$(CPU)') \
      $(if $(filter uboot,$(BOOT)),--disk $B/boot.disk,--kernel $B/Image \
      $(if $(INITRD),--initrd '$(INITRD)')) $(if $(DISK),--hd '$(DISK)') --append '$(APPEND)' --out $B

qemu gdb: $B/Image $(INITRD) $(DISK) $B/compile_commands.json
	$Q$(if $(filter uboot,$(BOOT)),$(PYTHON) tools/bootdisk.py --append '$(APPEND)' \
      $(if $(INITRD),--initrd '$(INITRD)') -o $B/boot.disk $B/Image)
	$Q$(run) --interactive $(if $(filter gdb,$@),--gdb $B/gdb.sock --elf $B/kernel.elf)

hosttests = $(PYTHON) tools/hosttests.py --results $B/results
ktests    = $(PYTHON) tools/ktest.py --build $B --results $B/results
tested   := $(SFST) $B/scn $B/Image $B/ktest.img $B/races.img $B/initrd $B/initrd-mutants $B/root.img $(if $(SDCAN),$B/sdcard.img)

host-test: $(HTEST)
	$Q$(hosttests) $(if $T,--filter '$T') $^

ktest: $(tested) $(if $(findstring glibc,$(ROW)),$(if $(GLIBC),$B/initrd-glibc))
	$Q$(ktests) $(if $(ROW),--filter '$(ROW)')

test: $(HTEST) $(tested)
	@rm -f $B/results/host.json $B/results/ktest.json
	$Qr=0; $(hosttests) $(HTEST) || r=1; $(ktests) || r=1; \
	$(PYTHON) tools/total.py $B/results/host.json $B/results/ktest.json || r=1; exit $$r

test-fast: $(filter $B/h/test_%,$(HTEST)) $(tested)
	@rm -f $B/results/host.json $B/results/ktest.json
	$Qr=0; $(hosttests) --fast $(filter %,$(filter $B/h/%,$^)) || r=1; $(ktests) --fast || r=1; \
	$(PYTHON) tools/total.py $B/results/host.json $B/results/ktest.json || r=1; exit $$r

grades = $(PYTHON) tools/grade.py --build $B $(if $(PROFILE),--profile '$(PROFILE)') $(if $(SEED),--seed '$(SEED)') $(if $(JOBS),--jobs '$(JOBS)')
graded := $B/Image $B/scn $(SFST) $B/bin/init $B/bin/scenario $(if $(SOLVED),$B/rest.img)
# A card in a board is not made anew, a disk for QEMU is.
ONDISK := $(if $(filter command line,$(origin DISK)),$(DISK))
grade: $(if $(BOARD),$B/scn,$(graded) $(ONDISK))
	$Q$(grades) $(if $(LAB),--lab '$(LAB)') $(if $(BOARD),--board '$(BOARD)') $(if $(RESET),--reset '$(RESET)') $(ONDISK:%=--disk '%')

belady: $(graded)
	$Q$(PYTHON) tools/belady.py --build $B $(if $(TRACE),--trace '$(TRACE)') $(if $(FRAMES),--frames '$(FRAMES)')

scenario: $(graded)
	@$(if $S,,echo "usage: make scenario S=lab5/cow_simple [SEED=n] [GDB=1]"; exit 2)
	$Q$(grades) $(if $(LAB),--lab '$(LAB)') --show $S$(if $(GDB), || { r=$$(ls $B/grade/replay/*.json 2>/dev/null | head -n 1); \
	test -n "$$r" && $(PYTHON) tools/replay.py --gdb --elf $B/kernel.elf "$$r"; })

# The same scenarios on other machines: not part of any test, it takes minutes.
.PHONY: grade-matrix board-matrix
grade-matrix board-matrix: $(graded)
	$Q$(PYTHON) tools/grade_matrix.py $(if $(filter board-%,$@),--board) --build $B $(if $(SEED),--seed '$(SEED)') -- $M

.PHONY: replay
replay:
	@$(if $R,,echo "usage: make replay R=$B/grade/replay/lab5-cow_simple.json [GDB=1]"; exit 2)
	$Q$(PYTHON) tools/replay.py $(if $(GDB),--gdb --elf $B/kernel.elf) '$R'

.PHONY: lab-solutions
lab-solutions: $(graded)
	$Q$(PYTHON) tools/labsolutions.py --build $B $(if $(SEED),--seed $(SEED)) -- $M

.PHONY: lab-mutants
lab-mutants: $(graded)
	$Q$(PYTHON) tools/labmutants.py --build $B --results $B/results $(if $(LAB),--lab '$(LAB)') -- $M

handout: $B/Image
	@$(if $(and $(LAB),$(OUT)),,echo "usage: make handout LAB=4 OUT=dir [KEEP=student-tree]"; exit 2)
	$Q$(PYTHON) tools/handout.py --lab '$(LAB)' --build $B --cross $(CROSS) $(if $(KEEP),--keep '$(KEEP)') '$(OUT)'

labpages:
	$Q$(PYTHON) tools/labpages.py

handout-check: $B/Image $(graded)
	$Q$(PYTHON) tools/handout_check.py --build $B --cross $(CROSS) $(if $(LAB),--lab '$(LAB)') $(if $(OTHERS),--others) $(if $(GROWTH),--growth)

grade-class: $B/Image $(graded)
	@$(if $(and $(DIR),$(LAB)),,echo "usage: make grade-class DIR=submissions LAB=4 [OUT=dir] [JOBS=n] [SEED=n]"; exit 2)
	$Q$(PYTHON) tools/grade_class.py --build $B --cross $(CROSS) --dir '$(DIR)' --lab '$(LAB)' $(if $(OUT),--out '$(OUT)') $(if $(JOBS),--jobs '$(JOBS)') $(if $(SEED),--seed '$(SEED)')

.PHONY: carry
carry:
	@$(if $(FROM),,echo "usage: make carry FROM=other-hand-out [DRY=1]"; exit 2)
	$Q$(PYTHON) tools/carry.py $(if $(DRY),--dry) '$(FROM)'

mutants: $B/races.img $B/initrd
	$Q$(PYTHON) tools/mutants.py --build $B --results $B/results $(if $(SHORT),--short) $(if $(SEED),--seed $(SEED)) -- $M

bench: $(if $(wildcard lab-tests/kernel),$B/ktest.img) $B/Image $B/initrd $B/root.img
	$Q$(PYTHON) tools/bench.py --build $B $(if $(BASE),--base '$(BASE)') $(if $(ROWS),--rows $(ROWS:%='%'))

profile: $B/Image $B/initrd $B/root.img
	$Q$(PYTHON) tools/profile.py --build $B --cross $(CROSS) $(FUNC:%=--annotate %) $(or $(ROW),anon_wfault_page)

lint: $B/core.elf $B/kernel.elf
	$Q$(PYTHON) tools/lint.py --results $B/results -- $B $(CC) $(LDFLAGS) -T $B/kernel.ld

count:
	$Q$(PYTHON) tools/count.py

format:
	$Q$(PYTHON) tools/lint.py --rewrite

repeat:
	@$(if $(CMD),,echo "usage: make repeat N=20 CMD='make ktest ROW=virt-4' [LOAD=1] [FRESH=1]"; exit 2)
	$Q$(PYTHON) tools/repeat.py -n '$(N)' $(if $(LOAD),--load) $(if $(FRESH),--fresh) $(if $(findstring grade,$(CMD)),--results $B/grade/results.json) --out $B/repeat -- $(CMD)

doctor:
	@tools/need.sh --doctor

clean:
	rm -rf $B

help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile | \
	awk -v absent=' $(ABSENT) ' '/^  make /{hide = index(absent, " " $$2 " ")} /^$$/{hide = 0} !hide'

-include $(shell find $B -name '*.d' 2>/dev/null)
