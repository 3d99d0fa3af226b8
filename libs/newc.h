/* newc.h: walk through a cpio archive of the "new ASCII" format (newc).
 *
 *     header (110 characters) | name, NUL, padding | contents, padding | ...
 *
 * Names and contents are padded to multiples of 4 bytes.  tools/mkinitrd.py pads
 * names with more NULs, so that contents begin on a page; readers do not mind.
 *
 * cpio(5). */
#ifndef LIBS_NEWC_H
#define LIBS_NEWC_H

#include <stddef.h>
#include <stdint.h>

struct newc_entry {
    const char *name; /* NUL-terminated, inside the archive */
    uint32_t mode, uid, gid, nlink, mtime, ino;
    uint32_t rdev_major, rdev_minor;
    const void *data;
    uint32_t size;
    size_t offset; /* of the contents in the archive */
};

enum newc_result { NEWC_ENTRY, NEWC_END, NEWC_BAD };

/* The entry at *POS of an archive of SIZE bytes, and *POS moves behind it.
 * NEWC_END: the trailer, or nothing but zeros up to the end. NEWC_BAD: *POS
 * stays where it is. */
enum newc_result newc_next(const void *archive, size_t size, size_t *pos,
                           struct newc_entry *e);

#endif
