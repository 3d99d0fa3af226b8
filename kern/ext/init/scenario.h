/* scenario.h: what /dev/scenario understands; user/scenario includes it, too.  A
 * first reader may skip it.
 *
 * The process that says SCN_BEGIN first is the runner until it has ended: nobody
 * else may write.  A write is one record:
 *
 *     SEQ HART TIME scn TEXT TAG
 *
 * TAG is SipHash-2-4 of "N TEXT", where N counts the records from 0, under the key
 * that the boot argument scnkey= gives in 32 hexadecimal digits; without one the
 * key is 0.
 *
 * On a machine with nothing but a serial line the runner says SCN_CONSOLE: from then on
 * records go to the console, framed (libs/frame.h), SEQ is N, and the key is the
 * one it was told.  A record that was lost on the way is sent again by SCN_NUMBER and
 * the same write: it is the same, byte by byte, but for its time. */
#ifndef KERN_EXT_INIT_SCENARIO_H
#define KERN_EXT_INIT_SCENARIO_H

#include <stdint.h>

enum {
    SCN_BEGIN = 0x5301, /* remember free frames and objects */
    SCN_END,            /* struct scn_end: what is different since */
    SCN_SETTLE,         /* have everything freed that can be */
    SCN_STOP,    /* anybody: call scenario_stop(), where debuggers stop */
    SCN_CONSOLE, /* uint64_t[2]: records go to the console, with this key,
                         * from 0 on; EPERM: the boot gave another one */
    SCN_NUMBER,  /* uint64_t: the number of the next record */
};

struct scn_end {
    int64_t frames, objects; /* fewer frames, more objects: leaks */
    int64_t lost;            /* faults that ended in no way */
    int64_t slots;           /* of swap, more than before */
    uint32_t complaints;     /* of mmcheck */
    uint32_t pad;
};

void scenario_stop(void);

#define SCN_TEXT 180 /* bytes of a record's text */

#endif
