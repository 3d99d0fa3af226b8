/* util.h: the handful of helpers that every file may use. */
#ifndef LIBS_UTIL_H
#define LIBS_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)         ((a) < (b) ? (a) : (b))
#define MAX(a, b)         ((a) > (b) ? (a) : (b))
#define ROUND_DOWN(x, to) ((x) / (to) * (to))
#define ROUND_UP(x, to)   ROUND_DOWN((x) + (to)-1, to)
#define likely(x)         __builtin_expect(!!(x), 1)
#define unlikely(x)       __builtin_expect(!!(x), 0)
#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define WEAK              __attribute__((weak)) /* may be replaced by linking */
#define CACHE_ALIGNED     __attribute__((aligned(64)))
#define NOINLINE          __attribute__((noinline)) /* what is rare */

/* The structure of which PTR is the member MEMBER. */
#define container_of(ptr, type, member) \
    ((type *)((char *)(ptr)-offsetof(type, member)))

/* A table that grows by linking: TABLE_ADD(uart, ops) in any file puts &ops
 * into the table "uart", TABLE_FOR_EACH visits all of them.  This is how
 * kern/ext is reached without ever being named; kernel.ld lists the tables. */
#define TABLE_ADD(table, object)                                  \
    static const __typeof__(object) *const table##_entry_##object \
        __attribute__((used, section("tab_" #table))) = &object

#define TABLE_DECLARE(table, type)                  \
    extern const type *const __start_tab_##table[]; \
    extern const type *const __stop_tab_##table[]

#define TABLE_FOR_EACH(table, type, p)                                       \
    for (const type *const *p = __start_tab_##table; p < __stop_tab_##table; \
         p++)

/* Index of the highest set bit; X must not be 0. */
static inline unsigned
log2_floor(uint64_t x)
{
    return 63u - (unsigned)__builtin_clzll(x);
}

static inline bool
is_power_of_2(uint64_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

#endif
