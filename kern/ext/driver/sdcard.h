/* sdcard.h: adds SD cards as disks, behind the host of dwmmc.h; a first reader
 * may skip it. */
#ifndef KERN_EXT_DRIVER_SDCARD_H
#define KERN_EXT_DRIVER_SDCARD_H

#include "driver/blk.h"
#include "ext/driver/dwmmc.h"

struct sdcard {
    struct blkdev dev;
    struct dwmmc *host;
    bool by_sector;    /* addresses count sectors, not bytes */
    uint32_t address;  /* RCA, in the upper half */
    uint32_t id[4];    /* CID: which card this is */
    uint32_t facts[4]; /* CSD */
    bool gone; /* pulled, exchanged, or broken: nothing works any more */
    struct wait_queue wq;      /* the thread that serves it */
    struct blk_request *chain; /* [wq.lock] what it is to do; NULL: nothing */
};

/* Is there a card?  Fills in C, whose disk is called NAME.  Returns -ENODEV if
 * none answers, -EIO if it does not behave.  => may sleep */
MUST_CHECK int sdcard_init(struct sdcard *c, struct dwmmc *host,
                           const char *name);
/* Wait for a chain, and carry it out.  => may sleep; one thread for ever */
void sdcard_serve(struct sdcard *c);

#endif
