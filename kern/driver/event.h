/* event.h: the channel on which verdicts and records leave the machine, apart
 * from the console.
 *
 * One record is one line: "SEQ HART TIME ID ARGS...".  On QEMU it goes to a
 * virtio console port; a machine without one gets the same records on the
 * console line, in frames (libs/frame.h) that a reader can pick out of anything
 * else that is printed (docs/design/boot.md). */
#ifndef KERN_DRIVER_EVENT_H
#define KERN_DRIVER_EVENT_H

#include <util.h>

/* Records go to WRITE from now on; NULL: framed, to the console.  Until the
 * first call there is no channel, and records are dropped. */
void event_set_sink(void (*write)(const char *s, size_t n));
bool event_wanted(void);

/* Send one record.  ID is one word.  => any context */
void event(const char *id, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* From now on a record waits for the lock only a while.  For the end of the
 * machine: another hart may have been stopped while it was sending. */
void event_bust_lock(void);

#endif
