/* bits.c: what the compiler calls for __builtin_clzl and its relatives on a hart
 * without the bit-manipulation extension.  (The compiler's own library is built
 * for floating-point registers and cannot be linked into the kernel.)  Names:
 * GCC internals manual, "Integer library routines". */
#include <stdint.h>

int __clzdi2(uint64_t x);
int __ctzdi2(uint64_t x);
int __popcountdi2(uint64_t x);

/* Leading zeros; X is not 0.  Halve the place where the top bit can be. */
int
__clzdi2(uint64_t x)
{
    int n = 0;

    for (int half = 32; half > 0; half /= 2) {
        if (x >> (64 - half) == 0) {
            n += half;
            x <<= half;
        }
    }
    return n;
}

/* Trailing zeros; X is not 0.  The lowest bit alone, times a number in which
 * every run of six bits is different (a de Bruijn sequence), leaves a run in
 * the top six that tells which bit it was. */
int
__ctzdi2(uint64_t x)
{
    static const uint8_t place[64] = {
        0,  1,  2,  53, 3,  7,  54, 27, 4,  38, 41, 8,  34, 55, 48, 28,
        62, 5,  39, 46, 44, 42, 22, 9,  24, 35, 59, 56, 49, 18, 29, 11,
        63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21, 23, 58, 17, 10,
        51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12};

    return place[((x & -x) * 0x022fdd63cc95386dull) >> 58];
}

/* Bits that are set: sums of 2, 4, 8 bits side by side, then of all bytes. */
int
__popcountdi2(uint64_t x)
{
    x -= (x >> 1) & 0x5555555555555555ull;
    x = (x & 0x3333333333333333ull) + ((x >> 2) & 0x3333333333333333ull);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (int)((x * 0x0101010101010101ull) >> 56);
}
