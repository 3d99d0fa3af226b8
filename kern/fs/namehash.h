/* namehash.h: names of files, mixed into a word. */
#ifndef KERN_FS_NAMEHASH_H
#define KERN_FS_NAMEHASH_H

#include <stddef.h>
#include <stdint.h>

/* One byte more. */
static inline uint64_t
name_hash_add(uint64_t h, char c)
{
    return h * 31 + (uint8_t)c;
}

/* All of them were added, to 0; low bits are as good as high ones now. */
static inline uint64_t
name_hash_end(uint64_t h)
{
    h *= 0x9e3779b97f4a7c15ul;
    return h ^ h >> 32;
}

static inline uint64_t
name_hash(const char *name, size_t len)
{
    uint64_t h = 0;

    for (size_t i = 0; i < len; i++)
        h = name_hash_add(h, name[i]);
    return name_hash_end(h);
}

#endif
