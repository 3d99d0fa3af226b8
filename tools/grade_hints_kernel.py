"""What is most likely wrong in what the kernel runs itself, told from the first step that
was different.

Rules as those of grade_hints.py, a list per lab; they come before a scenario's own hints.
D.want and D.got are the results, D.what the counters that differ, D.op the step."""
import re

import exercises
import grade_hints_areas
import grade_hints_swap


def blocks(text):
    """{frame: order} of a list of free blocks."""
    return dict(map(int, b.split(":")) for b in re.findall(r"\d+:\d+", text))


def taken_by_exercise(d, lab):
    """(function, exercise) that the panic was in or called from, or None."""
    mine = {e.function: e.name for _, some in exercises.in_tree(look=exercises.regions)
            for e, _, _ in some
            if e.lab == lab}
    names = re.findall(r"(?:in|by) (\w+)", d.panic.partition("\n")[2])
    return next(((n, mine[n]) for n in names if n in mine), None)


def free(d):
    """(expected, got) free blocks; empty where nothing is said."""
    pair = d.what.get("free", ("", ""))
    return tuple(blocks(str(p)) for p in pair)


def lost(d):
    """Were frames lost, or found twice?"""
    a, b = free(d)
    return sum(1 << k for k in b.values()) - sum(1 << k for k in a.values())


def refused_claim(d):
    """(order, flags, references) of a block that was refused and might be freed, or None."""
    m = re.search(r"order (\d+) is .* \(flags (0x[0-9a-f]+|0), ref (-?\d+), users ", d.panic)
    return (int(m[1]), int(m[2], 0), int(m[3])) if m and d.want != "panic" else None


def head_wrong(d):
    """What block_claim left at the head of such a block is not what the table says."""
    order, flags, ref = refused_claim(d) or (0, 0, 1)
    return ref != 1 or (flags & HEAD_BITS) != ((PG_HEAD | order << 24) if order else 0)


PG_HEAD = 1 << 4
HEAD_BITS = 0x1f00003f      # order, HEAD, TAIL, BUDDY and their like
SPOILED = "a5a5a5a5"        # scn_buddy.c: what descriptors hold before anybody writes them
PRETENDED = {
    "good": "the flags look right; its place does not: is it RAM, and aligned to its order?",
    "pointer": "this pointer is no descriptor: those lie sizeof(struct page) apart.",
    "twice": "more than one reference: somebody else still uses it.",
    "users": "users is not 0: it is still mapped, locked or pinned.",
    "slab": "SLAB: it belongs to kmalloc.",
    "swap": "SWAPPABLE: it is still on a list of swap.",
    "cached": "CACHED: it is free already, in a hart's own store.",
    "buddy": "BUDDY: it is free already.",
    "reserved": "RESERVED: it was never given out.",
    "tail": "TAIL: it lies in the middle of a block.",
}
GIVING = ("free", "flip", "refill", "release", "start")

LAB2 = (
    (lambda d: "vast" in d.ops,
     "buddy_put: two free blocks of MAX_ORDER stay two, though they are buddies."),
    (lambda d: "woken" in d.what,
     "buddy_take: reclaim_wake() whenever less than reclaim_mark is left after it, and only "
     "then."),
    (lambda d: d.more("untraced"),
     "block_claim: trace(TRACE_ALLOC, its number, ORDER)."),
    (lambda d: d.word == "HANG",
     "buddy_put or buddy_take goes round for ever: a block is taken off its list before it is "
     "put on another one, and the order grows or shrinks at each turn."),
    (lambda d: "free_pages: " in d.panic and SPOILED in d.panic,
     "This descriptor was never written: behind the head of a raw block there are none. "
     "buddy_take describes a section before it cuts it smaller, hands RAW to upper halves and "
     "says it of what it returns; buddy_put hands on what list_take says; block_claim describes "
     "what is raw."),
    (lambda d: "free_pages: frame" in d.panic,
     "block_claim: the frames behind the head have TAIL and nothing else (no order, no "
     "reference); those of a raw block are described first."),
    (lambda d: refused_claim(d) and head_wrong(d),
     "block_claim: the head has one reference, and if there is more than one frame, HEAD with "
     "the order; a single frame has neither."),
    (lambda d: refused_claim(d),
     "free_fault: this block may be given back: its head has one reference, HEAD and the "
     "order, no users. Which of your questions says no?"),
    (lambda d: d.left.startswith("-") or set(d.what) == {"free"} and
     not isinstance(d.what["free"][0], str) or d.less("missing") and d.op == "drain",
     "buddy.nfree: buddy_take takes 2^order away, buddy_put adds it, once for each block."),
    (lambda d: d.more("table"),
     "block_claim: what is given out is not as the table says: one frame has no flags, more "
     "have HEAD and the order on the first and TAIL on the others; one reference on the first, "
     "none behind, no users. What is raw is described first, and *RAW of buddy_take says it."),
    (lambda d: "page_alloc" in d.what or "alloc_fail" in d.what,
     "block_claim counts: STAT_PAGE_ALLOC by the number of frames, STAT_ALLOC_FAIL by one if "
     "there was no block."),
    (lambda d: d.op == "pretend" and d.want == "panic",
     lambda d: "free_fault: %s" % PRETENDED.get(d.step["word"], "")),
    (lambda d: d.want == "panic",
     "free_fault: this block may not be given back. Is it RAM, aligned, reserved, free already, "
     "in the middle of another one (no reference, TAIL), of another order?"),
    (lambda d: d.op == "drain" and d.more("twice"),
     "A frame came out twice: buddy_take and buddy_put take a block off its list (list_take) "
     "before they do anything else with it."),
    (lambda d: d.op == "drain" and d.more("missing", "outside", "twice"),
     "All that is free at boot comes out frame by frame, nothing else, and each once: "
     "buddy_take looks at larger orders, too, release_part releases all of it, and buddy_put "
     "joins only a free buddy of the same order, and goes on with the lower of both."),
    (lambda d: d.want.startswith("at") and d.got.startswith("at"),
     "buddy_take: the smallest list that has a block will do."),
    (lambda d: d.want.startswith("at") and d.got == "none",
     "buddy_take: if the list of this order is empty, look at the next larger ones."),
    (lambda d: d.want == "none",
     "buddy_take: no list of this order or a larger one has a block: NULL. And buddy_put joins "
     "buddies only: their numbers differ in one bit."),
    (lambda d: d.op in ("start", "release"),
     "release_part gives frames to buddy_put(); there the joined block begins at the lower "
     "half, buddies differ in one bit, and both lie in one run of RAM. A raw block has no "
     "descriptors behind its first frame until block_claim writes them."),
    (lambda d: d.op in GIVING and lost(d) == 0 and len(free(d)[1]) > len(free(d)[0]),
     "buddy_put: not joined: the buddy is number ^ 2^order, and it goes on with the joined "
     "block as long as that one's buddy is free, whole and of the same order."),
    (lambda d: d.op in ("alloc", "flip") and lost(d) < 0,
     "buddy_take: each upper half of a split goes back to the list of its order."),
    (lambda d: d.op in GIVING,
     "buddy_put: what lies at the buddy's number must be a free block of just this order."),
)

LAB3 = (
    (lambda d: d.more("no_wait"),
     "make_table: another hart holds the lock of this entry, and your table came all the same: "
     "pte_lock(e) is held when you look again and when you store."),
    (lambda d: d.op == "rival" and d.more("used"),
     "make_table: another hart was faster, and a table is lost: look again under the lock; who "
     "comes second gives the own table back."),
    (lambda d: d.more("no_gen", "gen_late"),
     "gather_flush_page: mm->tlb_gen is incremented, before anybody flushes: a hart that begins "
     "to run the space later compares it."),
    (lambda d: "asked" in d.what or d.more("elsewhere"),
     "gather_flush_page: all other harts in mm->harts are asked to forget this page: "
     "tlb_shootdown()."),
    (lambda d: d.op == "remap" and ("tlb_loc" in d.what or "tlb_rem" in d.what),
     "gather_flush_page: MM_TLB_LOC counts the flush here, MM_TLB_REM each other hart that had "
     "to be asked, as tlb_shootdown() says."),
    (lambda d: d.step.get("word") == "leaf_map",
     "walk_alloc: an entry that is there and leads to no table is a larger leaf: NULL."),
    (lambda d: d.op in ("peek", "poke") and d.want != d.got and "map" not in d.what,
     "The tables are right, and the hart still uses what it remembers: a flush is missing, of "
     "one page (gather_flush_page), of a range, or of more than MAX_PAGES."),
    (lambda d: "a table with" in str(d.what.get("map", "")),
     "get_pte_at: the entry of a table has V and nothing else."),
    (lambda d: d.op in ("find", "walk") and d.more("tables"),
     "get_pte_at: without create nothing is made."),
    (lambda d: "way" in d.ops and d.less("tables", "used"),
     "trim: a table was freed that translates nothing of [START, END): a fault may be on its way "
     "to it, and fill it just now."),
    (lambda d: d.op in ("remove", "clear") and d.more("tables", "used"),
     "A table without entries is freed, and then perhaps the one above: trim_path for one "
     "table, trim for a range; entries are counted by pte_install and pte_clear."),
    (lambda d: d.op in ("remove", "clear") and d.less("tables", "used"),
     "A table was freed, or its entry cleared, though it has entries: trim_path and trim free "
     "what counts none."),
    (lambda d: d.op == "rights",
     "pte_change: CLEAR goes away, SET is added, all else stays."),
    (lambda d: d.op == "split",
     "divide: entry i shows frame i of the block, with the rights of the leaf."),
    (lambda d: d.op == "probe" and d.step["word"].startswith(("null", "top")),
     "Nothing may be in the last GiB, nor in page 0."),
    (lambda d: d.op == "half" or d.op == "probe" and d.want != d.got,
     "The kernel's own mappings, W or X and never both: text R X, rodata R, data R W; through "
     "the direct map text and rodata are R (map_direct), all else R W."),
    (lambda d: d.op == "enter" and ("tables" in d.what or "map" in d.what),
     "get_pte_at: from level paging_levels - 1 down, nine bits of the address at each."),
    (lambda d: d.op == "walk",
     "pte_lookup: it stops at a leaf, at whatever level, and where no table is."),
    (lambda d: d.op in ("find", "big", "enter"),
     "get_pte_at: the entry in the table at level TO; a leaf above is in the way: NULL."),
)

LAB1 = (
    (lambda d: d.op == "resume" and "signals" in d.what,
     "trap_handler: user_leave() for a program that was interrupted (trap_from_user()), and for "
     "nobody else."),
    (lambda d: d.op == "resume" and "switched" in d.what,
     "trap_handler: sched_preempt_point() if the interrupted code had interrupts on "
     "(SSTATUS_SPIE), and only then."),
    (lambda d: d.more("unmarked"),
     "interrupt: t->in_interrupt is one more while the handler runs, and one less behind it."),
    (lambda d: d.more("locked", "lost_locks"),
     "interrupt: t->held is 0 while the handler runs, and afterwards what it was."),
    (lambda d: d.less("traced"),
     "exception: trace(TRACE_FAULT, scause, stval) comes first, for each of them."),
    (lambda d: d.op == "trap" and d.step["word"] == "copy",
     "exception: user_copy_bug() says that extable_find() is not to be asked."),
    (lambda d: d.less("irq", "ipi"),
     "interrupt: each counts as STAT_IRQ, those of harts as STAT_IPI, too."),
    (lambda d: d.word in ("HANG", "CRASH") and d.op in ("timer", "regs", "deep", "hold", "alarm"),
     "timeout_interrupt: fire what is due, then program the timer for the next deadline."),
    (lambda d: d.more("changed"),
     "A register is not what it was: trapentry.S must save and bring back each of them."),
    (lambda d: d.more("depth", "held", "off"),
     "An interrupt leaves something behind: in_interrupt, held and SIE are as before it."),
    (lambda d: "fired" in d.what,
     "The tree of deadlines: timeout_arm orders by deadline, timeout_cancel takes out."),
    (lambda d: d.more("late"),
     "program: a deadline that is nearer than the one the timer was told is told at once."),
    (lambda d: d.op == "recover" and d.want != d.got or d.op == "deep" and d.got == "panic",
     "exception: extable_find() says where an expected fault goes on, and the frame's sepc "
     "goes there."),
    (lambda d: d.more("early"),
     "take_due: only what is due now."),
    (lambda d: d.op == "trap" and d.step["word"] == "stack",
     "trapentry.S: sp is compared with the thread's stack before anything is stored; if it "
     "is not on it, the report has a stack of its own (bad_stack)."),
    (lambda d: d.op == "trap" and "stval" in d.what or "cause" in d.what,
     "The report has scause, stval and sepc of the trap: trapentry.S saves them in the frame "
     "before anything else can trap."),
)

UART = {
    "uart": "uart_read: not what fdt_enabled() or uart_kind() refuse, what has no address, whose "
            "registers are not 1 or 4 bytes wide, whose reg-shift is not at most 4, or where 8 "
            "registers do not fit in.",
    "uart_shift": "uart_read: \"reg-shift\" says how far registers lie apart, but not for a "
                  "UART_SIFIVE: 2.",
    "uart_width": "uart_read: \"reg-io-width\" says how wide registers are, but not for a "
                  "UART_SIFIVE: 4.",
    "uart_clock": "uart_read: \"clock-frequency\".",
    "uart_size": "uart_read: the size is that of the first range.",
    "uart_irq": "device_irq: the first cell of \"interrupts\".",
    "uart_kind": "uart_kind: by what the node is compatible with.",
}


def calls(d):
    """(expected, got) names of a chain that has no leaf.  Where only the last of many are
    missing it is about how many are printed, and not meant here."""
    plain = d.op == "chain" and d.step["word"] != "leaf"
    want, got = d.what.get("calls", ("", "")) if plain else ("", "")
    return ("", "") if len(got) >= 8 and want.startswith(got) else (want, got)


def asked(d, *words):
    return d.op == "ask" and d.step["word"] in words


DAMAGED = {
    "odd": "a frame pointer that is not aligned (8) ends the backtrace.",
    "below": "a frame pointer that is not above the last one ends the backtrace.",
    "itself": "a frame pointer that is not above the last one ends the backtrace; one that is "
              "the same is not above it.",
    "far": "a frame pointer more than KSTACK_SIZE above the first ends the backtrace.",
    "astray": "a return address that is not in the kernel's code (is_text()) ends the backtrace.",
    "lost": "the first frame pointer may be lost already: what is below VMAP_BASE is not read.",
    "ends": "a return address may lie in the next function: print the call before it, pc - 2.",
}


def damaged(d):
    """What the damaged stack of this step is about; None: it is sound, or more is wrong."""
    return DAMAGED.get(d.step["word"]) if d.op == "chain" else None


def of_a_tree(d):
    """Is the device tree one that the scenario made up?"""
    return d.op == "ask" and "tree" in d.ops


LAB0 = (
    (damaged,
     lambda d: "print_stackframe: " + damaged(d)),
    (lambda d: of_a_tree(d) and "uart" in d.step["word"],
     lambda d: UART.get(d.step["word"], UART["uart"])),
    (lambda d: of_a_tree(d) and d.want == "refused",
     "discover_memory: refused are a range that cannot be read, more than ENTRIES_MAX entries, "
     "more separate ranges than there is room for, and a machine without any RAM."),
    (lambda d: of_a_tree(d) and d.step["word"] == "near",
     "discover_memory: note_node() gets each range that was added."),
    (of_a_tree,
     "discover_memory: each range of each memory node, fdt_reg_count() of them; a node counts "
     "if is_memory() and fdt_enabled() say so, a range of no bytes does not."),
    (lambda d: d.op == "halt" and d.got == "ended:0",
     "power_off gets 1 from panic and boot_refuse, and power_off_hook hands it to the switch: "
     "0x3333 with the code above it is failure, 0x5555 success."),
    (lambda d: d.op == "halt" and d.got == "ended:hang",
     "The machine was not switched off: panic, kernel_fault and boot_refuse end in power_off."),
    (lambda d: asked(d, "ram", "start", "pieces"),
     "discover_memory: the reg of each memory node has a start and a size."),
    (lambda d: asked(d, "harts", "hartids", "skipped"),
     "discover_harts: every usable hart below /cpus, with the number that its reg says."),
    (lambda d: asked(d, "uart_irq"),
     "device_irq: the first cell of \"interrupts\"."),
    (lambda d: asked(d, "clock"),
     "discover_timebase: timebase-frequency lies in /cpus, in units per second."),
    (lambda d: calls(d)[1] == "none",
     "print_frame: ksyms_find() wants an offset from the begin of the image."),
    (lambda d: calls(d)[0] != calls(d)[1],
     "print_stackframe: the return address lies at fp - 8, the caller's fp at fp - 16."),
)

LAB8 = (
    (lambda d: d.got == "stranger",
     "stride_take: who is taken leaves the tree, by avl_remove(), and only who is in it comes."),
    (lambda d: d.got == "none" and d.op in ("choose", "turns"),
     "A thread is lost: stride_enqueue walks down to an empty link, and avl_insert() wants that "
     "link and the node it belongs to; stride_take says NULL only if nobody in the tree may run "
     "there."),
    (lambda d: d.word == "HANG",
     "The tree goes round: stride_enqueue puts each thread in once, stride_take takes it out by "
     "avl_remove()."),
)

LAB9 = (
    (lambda d: d.op == "forget" and "tlb_rem" in d.what and d.want == d.got,
     "tlb_shootdown: as many as it returns are counted in STAT_TLB_REMOTE."),
)

RULES = {0: LAB0, 1: LAB1, 2: LAB2, 3: LAB3, 4: grade_hints_areas.KERNEL,
         6: grade_hints_swap.KERNEL, 8: LAB8, 9: LAB9}


BROKEN_LIST = (" If that is a pointer of a list: a block was put on a list while it is on another "
               "one; buddy_put takes the buddy off its list first.")


def fault_in(lab, d):
    """Where an access of the kernel faulted, if that is in an exercise, or None."""
    at = taken_by_exercise(d, lab) if "page fault in the kernel" in d.panic else None
    return at and "The kernel faults in %s(), exercise %s: %s.%s" % (
        at + (d.panic.splitlines()[0], BROKEN_LIST if lab == 2 else ""))


def at_boot(lab, d):
    """No scenario was reached, so it is about none of them."""
    if d.word == "HANG":
        return rule(lab, d) or "Your kernel says nothing more before the first scenario."
    return fault_in(lab, d) or (
        "Your kernel does not get as far as the first scenario: read the panic and who called "
        "whom, then look at what you changed last.")


def rule(lab, d):
    """The text of the first rule that fits, or None."""
    text = fault_in(lab, d) or next(
        (text for test, text in RULES.get(lab, ()) if test(d)), None)
    return text(d) if callable(text) else text
