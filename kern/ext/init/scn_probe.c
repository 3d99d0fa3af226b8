/* scn_probe.c: may the kernel write to its text, run its data?  A first reader may
 * skip it.
 *
 *     place    text | rodata | data | stack | null | top (the last GiB)
 *              frame, alias (of data, of text: through the direct map)
 *     access   load | store | exec
 *     leaf_map a page of the direct map, where a larger leaf is: can it be mapped?
 *
 * A store puts back what was there.  What is jumped to is one instruction, "ret". */
#include "ext/init/scn_probe.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/probe.h"
#include "mm/kmap.h"
#include <string.h>

#define RET         0x00008067u
#define BLOCK_ORDER 9 /* as large as a leaf of level 1 */

static const uint64_t constant = RET;
static uint64_t variable[1] = {RET};

__attribute__((aligned(8), noinline)) static void
some_text(void)
{
    __asm__ volatile("");
}

static const struct place {
    const char *name;
    const void *at; /* NULL: found below */
} places[] = {{"text", (const void *)some_text},
              {"rodata", &constant},
              {"data", variable},
              {"stack", NULL},
              {"frame", NULL},
              {"alias", NULL},
              {"null", NULL},
              {"top", (const void *)-4096l}};

static uint64_t *
find_place(const char *name, size_t n, uint64_t *stack)
{
    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        if (strlen(places[i].name) == n &&
            strncmp(places[i].name, name, n) == 0 && places[i].at != NULL)
            return (uint64_t *)places[i].at;
    }
    if (strncmp(name, "stack", n) == 0)
        return stack;
    if (strncmp(name, "frame", n) == 0)
        return pa_to_va(va_to_pa(variable));
    if (strncmp(name, "alias", n) == 0)
        return pa_to_va(va_to_pa((const void *)some_text));
    return NULL;
}

static bool
store_back(uint64_t *p)
{
    uint64_t old = 0;

    if (!probe_load((uintptr_t)p))
        return false;
    old = *(volatile uint64_t *)p;
    STORE_OR_GO("sd", p, old, fault);
    return true;
fault:
    return false;
}

static void
try(uint64_t *p, const char *access, struct scn_answer *a)
{
    bool ok = false;

    if (strcmp(access, "load") == 0)
        ok = probe_load((uintptr_t)p);
    else if (strcmp(access, "store") == 0)
        ok = store_back(p);
    else if (strcmp(access, "exec") == 0) {
        fence_i();
        ((void (*)(void))p)();
        ok = true;
    } else {
        scn_result(a, "unknown");
        return;
    }
    if (!ok)
        scn_result(a, "fault");
}

/* Whoever takes the leaf for a table finds an empty one: the block is all zeros. */
static void
map_below_leaf(struct scn_answer *a)
{
    struct page *block = alloc_pages(BLOCK_ORDER);
    char *va;

    if (block == NULL) {
        scn_result(a, "unknown");
        return;
    }
    va = page_to_va(block);
    memset(va, 0, PAGE_SIZE << BLOCK_ORDER);
    if (kmap_page((uintptr_t)va + PAGE_SIZE, page_to_pa(block), PTE_KERN_R) !=
        0)
        scn_result(a, "none");
    free_pages(block, BLOCK_ORDER);
}

void
scn_probe(const char *what, struct scn_answer *a)
{
    const char *access = strchr(what, '_');
    uint64_t stack[1] = {RET};

    if (strcmp(what, "leaf_map") == 0)
        map_below_leaf(a);
    else if (access == NULL)
        scn_result(a, "unknown");
    else
        try(find_place(what, (size_t)(access - what), stack), access + 1, a);
}
