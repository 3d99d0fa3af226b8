/* scn.h: a scenario (.scn, docs/scenarios.md) as a list of steps.
 *
 * The text is read once, by scn_parse(), the same on the host and in the guest:
 * repetitions are unrolled, random numbers drawn from the seed, names resolved.
 * What is left is a plain list that the runner walks and the model reads.  Needs
 * a C library's string.h and snprintf(), and allocates nothing. */
#ifndef LAB_TESTS_SCENARIO_SCN_H
#define LAB_TESTS_SCENARIO_SCN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCN_PAGE   4096
#define SCN_STEPS  800
#define SCN_AREAS  12
#define SCN_FILES  6
#define SCN_PROCS  8
#define SCN_NAME   16
#define SCN_LINE   120 /* bytes of a title, hint or claim */
#define SCN_HINTS  6
#define SCN_PAGES  32   /* of an area */
#define SCN_ROUNDS 4096 /* of all repetitions together */

/* Where the k-th area lies unless the scenario says so. */
#define SCN_BASE   0x40000000ul
#define SCN_STRIDE 0x01000000ul

/* X(OP, "verb", "arguments"): r a range of an area, a an address in one, n a
 * number, N a number or "none", w a word, maybe, f a file, o "at" and a number,
 * k a word, R rights, A advice, P "=" and a pattern, C "==" and a pattern, maybe, v "=" and a byte, V "==" and a byte,
 * maybe, Q "=" and a pattern, maybe; of the kernel's steps: i the number of a slot,
 * g an order, c a count, p pages "a..b", u an address, U one, maybe, s a size. */
#define SCN_OPS(X)                    \
    X(SCN_MAP, "map", NULL)           \
    X(SCN_FILE, "file", "FnQ")        \
    X(SCN_UNMAP, "unmap", "r")        \
    X(SCN_HEAP, "heap", NULL)         \
    X(SCN_BRK, "brk", "a")            \
    X(SCN_STACK, "stack", NULL)       \
    X(SCN_MREMAP, "mremap", NULL)     \
    X(SCN_CALL, "call", "ka")         \
    X(SCN_ECALL, "ecall", "n")        \
    X(SCN_ABOUT, "about", "k")        \
    X(SCN_PROGRAM, "program", NULL)   \
    X(SCN_EXECUTE, "run", NULL)       \
    X(SCN_AMO, "amo", "av")           \
    X(SCN_TOUCH, "touch", NULL)       \
    X(SCN_PROTECT, "protect", "rR")   \
    X(SCN_ADVISE, "advise", "rA")     \
    X(SCN_SYNC, "sync", "r")          \
    X(SCN_READ, "read", "rC")         \
    X(SCN_WRITE, "write", "rP")       \
    X(SCN_LOAD, "load", "aV")         \
    X(SCN_WEAVE, "weave", "rn")       \
    X(SCN_STORE, "store", "av")       \
    X(SCN_FETCH, "fetch", "a")        \
    X(SCN_GET, "get", "anfo")         \
    X(SCN_PUT, "put", "anfo")         \
    X(SCN_TRUNCATE, "truncate", "fn") \
    X(SCN_UNLINK, "unlink", "f")      \
    X(SCN_CLOSE, "close", "f")        \
    X(SCN_OPEN, "open", "f")          \
    X(SCN_FSYNC, "fsync", "f")        \
    X(SCN_REMOUNT, "remount", "")     \
    X(SCN_FORK, "fork", NULL)         \
    X(SCN_FORKFAIL, "forkfail", "")   \
    X(SCN_THREAD, "thread", NULL)     \
    X(SCN_HART, "hart", "n")          \
    X(SCN_RACE, "race", NULL)         \
    X(SCN_AWAIT, "await", "an")       \
    X(SCN_FINISH, "finish", "")       \
    X(SCN_EXIT, "exit", "n")          \
    X(SCN_DIE, "die", NULL)           \
    X(SCN_QUOTA, "quota", "rNw")      \
    X(SCN_POLICY, "policy", "k")      \
    X(SCN_TICK, "tick", "")           \
    X(SCN_LOCK, "lock", "r")          \
    X(SCN_UNLOCK, "unlock", "r")      \
    X(SCN_RECLAIM, "reclaim", "n")    \
    X(SCN_SWAPOFF, "swapoff", "")     \
    X(SCN_DROP, "drop", "")           \
    X(SCN_FLUSH, "flush", "")         \
    X(SCN_KNOB, "knob", "kn")         \
    X(SCN_FAIL, "fail", "kn")         \
    X(SCN_WHILE, "meanwhile", "av")   \
    X(SCN_KEEP, "keep", "a")          \
    X(SCN_LETGO, "letgo", "")         \
    X(SCN_EXPECT, "expect", NULL)     \
    X(SCN_RAM, "ram", "p")            \
    X(SCN_HOLE, "hole", "p")          \
    X(SCN_START, "start", "")         \
    X(SCN_ALLOC, "alloc", "ig")       \
    X(SCN_FREE, "free", "i")          \
    X(SCN_FLIP, "flip", "ig")         \
    X(SCN_DRAIN, "drain", "g")        \
    X(SCN_REFILL, "refill", "k")      \
    X(SCN_RELEASE, "release", "p")    \
    X(SCN_MISFREE, "misfree", "ng")   \
    X(SCN_PRETEND, "pretend", "ngk")  \
    X(SCN_LEAVE, "leave", "i")        \
    X(SCN_SCARCE, "scarce", "c")      \
    X(SCN_VAST, "vast", "")           \
    X(SCN_QUIET, "quiet", "")         \
    X(SCN_COUNT, "count", "")         \
    X(SCN_ENTER, "enter", "uiR")      \
    X(SCN_BIG, "big", "uiR")          \
    X(SCN_REMOVE, "remove", "u")      \
    X(SCN_CLEAR, "clear", "uc")       \
    X(SCN_RIGHTS, "rights", "uR")     \
    X(SCN_REMAP, "remap", "ui")       \
    X(SCN_SPLIT, "split", "u")        \
    X(SCN_PEEK, "peek", "u")          \
    X(SCN_POKE, "poke", "ui")         \
    X(SCN_BARE, "bare", "u")          \
    X(SCN_WORD, "word", "i")          \
    X(SCN_WALK, "walk", "u")          \
    X(SCN_FIND, "find", "u")          \
    X(SCN_PROBE, "probe", "k")        \
    X(SCN_HALF, "half", "")           \
    X(SCN_WAY, "way", "u")            \
    X(SCN_RIVAL, "rival", "uiR")      \
    X(SCN_SHARE, "share", "n")        \
    X(SCN_TIMER, "timer", "cn")       \
    X(SCN_REGS, "regs", "cn")         \
    X(SCN_DEEP, "deep", "cn")         \
    X(SCN_HOLD, "hold", "n")          \
    X(SCN_IPI, "ipi", "c")            \
    X(SCN_ALARM, "alarm", "in")       \
    X(SCN_CANCEL, "cancel", "i")      \
    X(SCN_WAIT, "wait", "")           \
    X(SCN_TRAP, "trap", "kU")         \
    X(SCN_RECOVER, "recover", "ku")   \
    X(SCN_RESUME, "resume", "k")      \
    X(SCN_ASK, "ask", "k")            \
    X(SCN_CHAIN, "chain", "ngk")      \
    X(SCN_TREE, "tree", "ig")         \
    X(SCN_BANK, "bank", "usw")        \
    X(SCN_SERIAL, "line", "usk")      \
    X(SCN_HALT, "halt", "k")          \
    X(SCN_LAY, "lay", "pRw")          \
    X(SCN_SEEK, "seek", "u")          \
    X(SCN_TAKEOUT, "takeout", "u")    \
    X(SCN_HALVE, "halve", "u")        \
    X(SCN_MEET, "meet", "u")          \
    X(SCN_FAULT, "fault", "uk")       \
    X(SCN_SLOTS_OF, "swapspace", "n") \
    X(SCN_SETASIDE, "setaside", "ic") \
    X(SCN_GIVE, "give", "i")          \
    X(SCN_MANAGE, "manage", "k")      \
    X(SCN_COME, "come", "i")          \
    X(SCN_PIN, "pin", "i")            \
    X(SCN_UNPIN, "unpin", "i")        \
    X(SCN_USED, "used", "i")          \
    X(SCN_AGAIN, "again", "i")        \
    X(SCN_VICTIM, "victim", "c")      \
    X(SCN_PRIORITY, "priority", "in") \
    X(SCN_PASS, "pass", "iu")         \
    X(SCN_ALLOW, "allow", "in")       \
    X(SCN_READY, "ready", "i")        \
    X(SCN_CHOOSE, "choose", "c")      \
    X(SCN_TURNS, "turns", "c")        \
    X(SCN_ONLINE, "online", "")       \
    X(SCN_VISIT, "visit", "c")        \
    X(SCN_FORGET, "forget", "n")

enum scn_op {
#define X(id, verb, args) id,
    SCN_OPS(X)
#undef X
        SCN_NOPS
};

/* From here on steps are the kernel's, of labs 0 to 3, and of what of labs 4, 6, 8 and 9
 * needs no program; a scenario has steps of one kind only. */
#define SCN_KERNEL SCN_RAM
#define SCN_SLOTS  64   /* things with a number */
#define SCN_FRAMES 4096 /* of the memory that lab 2 plays with */

enum { SCN_ONLY = 1, SCN_ONLY_LEAKS };

enum scn_pattern {
    SCN_NONE,
    SCN_PAT,  /* bytes that depend on a number and the page */
    SCN_BYTE, /* all the same */
    SCN_CODE, /* a function that returns a number */
    SCN_INSN, /* four bytes, and zeros */
};

#define SCN_R 1u
#define SCN_W 2u
#define SCN_X 4u

/* What a program of SCN_EXECUTE does: FIRST touches, two each in VALUE and in AT. */
#define SCN_TOUCHES 4
enum { SCN_LOAD_BYTE, SCN_STORE_BYTE, SCN_TEXT_BYTE };

#define SCN_FRESH 1u /* how to map: not over anything */
#define SCN_HINT  2u /* ... or there, or somewhere else */

#define SCN_NO         0xffu  /* no area, file or process */
#define SCN_QUOTA_NONE (~0ul) /* of SCN_QUOTA: none */

struct scn_step {
    uint16_t line;
    uint8_t op, proc;
    uint8_t area, file, other; /* indices; other: whom a fork makes */
    uint8_t access; /* of SCN_DIE, SCN_TOUCH: SCN_LOAD, SCN_STORE ... */
    uint8_t rights, shared, pattern, advice;
    uint32_t first, last; /* pages of the area, both included */
    uint32_t offset;      /* of an address in page FIRST */
    uint64_t value;       /* number, pattern's number, or address */
    uint64_t at;          /* position in a file */
    char word[SCN_NAME];  /* knob, site, counter */
    char claim[40];       /* behind "->" */
};

struct scn_area {
    char name[SCN_NAME];
    uint64_t base;
    uint32_t pages;
    uint32_t like;  /* the area whose way it goes along with, often itself */
    uint64_t moved; /* how far, as who runs the steps finds out */
};

struct scn {
    char title[SCN_LINE], hint[SCN_HINTS][SCN_LINE], boot[SCN_LINE];
    char error[200]; /* empty: none */
    unsigned lab, points, group, harts, memory, disk, nhints;
    unsigned only; /* what counts: 0, all of it; SCN_ONLY the results of steps;
                    * SCN_ONLY_LEAKS they and what is left over */
    bool crash;    /* the host looks what every crash would leave of the disk */
    long budget;   /* faults of all processes; -1: not said */
    unsigned nsteps, nareas, nfiles, nprocs;
    struct scn_area areas[SCN_AREAS];
    char files[SCN_FILES][SCN_NAME];
    char procs[SCN_PROCS][SCN_NAME]; /* 0: main */
    struct scn_step steps[SCN_STEPS];
};

/* Read the N bytes of TEXT, the file NAME.  0, or -1 and S->error says
 * "NAME:LINE:COLUMN: what was expected". */
int scn_parse(struct scn *s, const char *name, const char *text, size_t n,
              uint64_t seed);
const char *scn_verb(unsigned op);

/* Where area A really lies. */
static inline uint64_t
scn_base(const struct scn *s, unsigned a)
{
    return s->areas[a].base + s->areas[s->areas[a].like].moved;
}

static inline uint32_t
scn_touch_word(const struct scn_step *st, unsigned i)
{
    return (uint32_t)((i < 2 ? st->value : st->at) >> i % 2 * 32);
}

/* Of touch I of SCN_EXECUTE: which it is, and where in its part. */
static inline unsigned
scn_touch_kind(const struct scn_step *st, unsigned i)
{
    return scn_touch_word(st, i) >> 30;
}

static inline uint32_t
scn_touch_at(const struct scn_step *st, unsigned i)
{
    return scn_touch_word(st, i) & ((1u << 30) - 1);
}

/* Byte I of page PAGE of a pattern. */
static inline uint8_t
scn_byte(unsigned pattern, uint64_t value, uint32_t page, uint32_t i)
{
    static const uint8_t code[] = {0x13, 0x05, 0, 0, 0x67, 0x80, 0, 0};
    uint32_t word;

    if (pattern == SCN_PAT)
        return (uint8_t)(value * 131 + page * 31u + i * 7u + (i >> 8));
    if (pattern == SCN_BYTE)
        return (uint8_t)value;
    if (pattern == SCN_INSN)
        return i < 4 ? (uint8_t)(value >> 8 * i) : 0;
    if (i >= sizeof(code))
        return 0;
    word = 0x00000513u | (uint32_t)(value & 0x7ff) << 20; /* li a0, VALUE */
    return i < 4 ? (uint8_t)(word >> 8 * i) : code[i];
}

#endif
