/* namehash.h: names of files, mixed into a word. */
#ifndef KERN_FS_NAMEHASH_H
#define KERN_FS_NAMEHASH_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t
name_hash(const char *name, size_t len)
{
    uint64_t h = len;

    for (size_t i = 0; i < len; i++)
        h = h * 31 + (uint8_t)name[i];
    h *= 0x9e3779b97f4a7c15ul;
    return h ^ h >> 32; /* low bits are as good as high ones */
}

#endif
