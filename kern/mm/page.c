/* page.c: the frame array's origin, and clearing and copying whole pages.
 *
 * A page is 512 words.  Both loops are written out so far that nearly every
 * instruction moves one of them:
 *
 *   page_zero    8 turns x (64 stores + 2)                 =  528
 *   page_copy    8 turns x (64 loads + 64 stores + 3)      = 1048
 *
 * The copy loads eight words before it stores them: a hart that executes in
 * order would wait for each load otherwise. */
#include "mm/page.h"

#include "mm/failpoint.h"

pfn_t memmap_first_pfn;
bool fail_armed; /* [a] */
bool (*fail_hook)(enum fail_site site);

#define WORDS (PAGE_SIZE / sizeof(word_t))
#define TURN  64 /* words per turn of the loop */
#define GROUP 8  /* words in registers at a time */

/* The page may hold objects of any type. */
typedef uint64_t __attribute__((may_alias)) word_t;

void
page_zero(void *page)
{
    word_t *d = page, *end = d + WORDS;

    for (; d < end; d += TURN) {
#pragma GCC unroll 64
        for (unsigned i = 0; i < TURN; i++)
            d[i] = 0;
    }
}

static inline void
copy_group(word_t *d, const word_t *s)
{
    word_t w[GROUP];

#pragma GCC unroll 8
    for (unsigned i = 0; i < GROUP; i++)
        w[i] = s[i];
#pragma GCC unroll 8
    for (unsigned i = 0; i < GROUP; i++)
        d[i] = w[i];
}

void
page_copy(void *dst, const void *src)
{
    word_t *d = dst, *end = d + WORDS;
    const word_t *s = src;

    for (; d < end; d += TURN, s += TURN) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < TURN; i += GROUP)
            copy_group(d + i, s + i);
    }
}
