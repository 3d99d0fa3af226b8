/* utest_abi.h: what /dev/utest understands: shared by the kernel's side
 * (lab-tests/kernel/utest_dev.c) and the programs.
 *
 * A write is one record: it is sent as "test TEXT".  Everything else is asked
 * by ioctl(). */
#ifndef LAB_TESTS_USER_UTEST_ABI_H
#define LAB_TESTS_USER_UTEST_ABI_H

#include <stdint.h>

enum {
    UTEST_BEGIN = 0x5501, /* remember what there is: frames, objects */
    UTEST_END,            /* -EIO: not as it was, or somebody complains */
    UTEST_DONE,           /* arg: failures; the record "done" */
    UTEST_STAT,           /* struct utest_stat */
    UTEST_PAGE,           /* struct utest_page */
    UTEST_KNOB,           /* char[64], "name=value" */
    UTEST_CAUSE,          /* struct utest_cause: what a child died of */
    UTEST_PIN,            /* struct utest_pin: pin these pages */
    UTEST_UNPIN,          /* arg: its handle */
    UTEST_DMA,            /* struct utest_dma: a device at work on them */
    UTEST_FORCE,          /* struct utest_force */
    UTEST_CHECK,          /* mmcheck: how many complaints */
    UTEST_CALL,           /* struct utest_call: the next from its number on */
    UTEST_SWAP,           /* arg: slots of memory to swap to, 0: none */
    UTEST_RANGE,          /* struct utest_range */
};

struct utest_stat {
    char name[24];
    uint32_t all; /* of the kernel, not of the caller's space */
    uint32_t pad;
    uint64_t value;
};

struct utest_page { /* begins as struct pginfo */
    uint64_t va, frame, slot;
    uint32_t flags, mapcount, anon_share, epoch;
    uint16_t node;
    uint8_t level, pad;
    uint16_t pins, pad2;
    uint64_t rest[2];
};
#define PAGE_PRESENT 0x0001u
#define PAGE_READ    0x0002u
#define PAGE_WRITE   0x0004u
#define PAGE_EXEC    0x0008u
#define PAGE_ACCESS  0x0020u
#define PAGE_DIRTY   0x0040u
#define PAGE_AREA    0x0080u
#define PAGE_ANON    0x0100u
#define PAGE_OBJECT  0x0200u
#define PAGE_ZERO    0x0400u
#define PAGE_DEVICE  0x0800u

struct utest_call { /* a row of the table of calls: kern/syscall/syscall.h */
    uint32_t nr;
    char kinds[8], name[24];
};

/* What is done to the pages of [ADDR, ADDR + LEN), or known of them; RESULT is a
 * number or a negative errno. */
enum {
    RANGE_HINT = 1, /* the next touch of each is counted: how many entries */
    RANGE_MOVE,     /* they move to other frames: how many */
    RANGE_SWEEP,    /* as a policy looks for victims: how many were accessed */
    RANGE_ENTRIES,  /* how many entries ADDR's last table has in use */
    RANGE_GIB,      /* map LEN bytes in leaves of 1 GiB, if there are: where */
    RANGE_DEVICE,   /* map LEN bytes from ADDR on of a device: where */
    RANGE_LOG,      /* LEN != 0: faults are logged; 0: no longer */
    RANGE_LOGGED, /* of the latest fault at ADDR: the frame, in LEN its kind */
};
struct utest_range {
    uint32_t op, pad;
    uint64_t addr, len;
    int64_t result;
};

struct utest_cause {
    int32_t pid, signo, code, status;
    uint64_t addr;
};

struct utest_force { /* write VALUE at ADDR of process PID, as a debugger */
    int32_t pid, pad;
    uint64_t addr, value;
};

struct utest_pin {
    uint64_t addr, len;
    uint32_t write;
    uint32_t handle; /* filled in: below UTEST_PINS */
};
#define UTEST_PINS 8

struct utest_dma { /* VALUE to (WRITE) or from OFFSET of what HANDLE pins */
    uint32_t handle, write;
    uint64_t offset, value;
};

#endif
