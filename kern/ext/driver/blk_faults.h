/* blk_faults.h: bad blocks and slow disks, on demand; adds to driver/blk.h, a
 * first reader may skip it. */
#ifndef KERN_EXT_DRIVER_BLK_FAULTS_H
#define KERN_EXT_DRIVER_BLK_FAULTS_H

/* TEXT is "DEV,BLOCK[,read|write][,once]": from now on requests that touch this
 * block of 4096 bytes fail with -EIO; or "off": no more.  NULL, or what is wrong
 * with it.  => any thread */
const char *blk_fail_block(const char *text);

/* Milliseconds by which each request is late. */
extern unsigned blk_slow_ms; /* [a] */

#endif
