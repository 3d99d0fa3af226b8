/* frame.h: one line, recognizable among anything else on a channel that may
 * lose bytes:   \x1e LINE ' ' CHECKSUM \x1f '\n'
 *
 * The checksum is CRC-32 as in Ethernet and zlib (polynomial 0x04c11db7,
 * reflected: 0xedb88320; ISO/IEC 8802-3, "Frame Check Sequence") over LINE, in
 * 8 hexadecimal digits. */
#ifndef LIBS_FRAME_H
#define LIBS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_BEGIN '\x1e'
#define FRAME_END   '\x1f'
#define FRAME_EXTRA (1 + 1 + 8 + 2) /* bytes a frame has beside its line */

uint32_t crc32(const void *s, size_t n);
/* ... of what came before, whose checksum is CRC, and these. */
uint32_t crc32_more(uint32_t crc, const void *s, size_t n);

/* Make the N bytes at LINE fit for a frame: whatever could be taken for its
 * end or for a second line becomes a dot, blanks at the end go.  Returns how
 * many bytes are left. */
size_t frame_clean(char *line, size_t n);

/* Put LINE of N bytes into FRAME, which has room for n + FRAME_EXTRA.  Returns
 * the length. */
size_t frame_make(char *frame, const char *line, size_t n);

#endif
