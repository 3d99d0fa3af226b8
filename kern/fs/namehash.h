/* namehash.h: names of files, mixed into a word. */
#ifndef KERN_FS_NAMEHASH_H
#define KERN_FS_NAMEHASH_H

#include <stddef.h>
#include <stdint.h>

#define NAME_HASH_EXACT 8u /* names as short are equal if length and hash are */

/* Where the name at P ends, at a zero or, if it is part of a path, a slash; *HASH
 * is its hash.  Bytes are put side by side as long as they fit in, and what comes
 * then can be undone, so low bits are as good as high ones. */
static inline const char *
name_end(const char *p, uint64_t *hash)
{
    uint64_t h = 0;
    unsigned i;

#pragma GCC unroll 8
    for (i = 0; i < NAME_HASH_EXACT; i++) {
        if (p[i] == 0 || p[i] == '/')
            break;
        h = h << 8 | (uint8_t)p[i];
    }
    for (p += i; i == NAME_HASH_EXACT && *p != 0 && *p != '/'; p++)
        h = h * 31 + (uint8_t)*p;
    h *= 0x9e3779b97f4a7c15ul;
    *hash = h ^ h >> 32;
    return p;
}

static inline uint64_t
name_hash(const char *name, size_t len)
{
    uint64_t h = 0;
    size_t i = 0;

    for (; i < len && i < NAME_HASH_EXACT; i++)
        h = h << 8 | (uint8_t)name[i];
    for (; i < len; i++)
        h = h * 31 + (uint8_t)name[i];
    h *= 0x9e3779b97f4a7c15ul;
    return h ^ h >> 32;
}

#endif
