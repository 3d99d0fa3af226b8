/* test_libs.c: libs/ against the C library of this computer, and against
 * models simple enough to be believed. */
#include "shim.h"

#include <stdarg.h>
#include <string.h>

/* Ours go by another name; the host's keep theirs. */
#define memset    k_memset
#define memcpy    k_memcpy
#define memmove   k_memmove
#define memcmp    k_memcmp
#define memchr    k_memchr
#define strlen    k_strlen
#define strnlen   k_strnlen
#define strcmp    k_strcmp
#define strncmp   k_strncmp
#define strchr    k_strchr
#define strrchr   k_strrchr
#define strlcpy   k_strlcpy
#define vsnprintf k_vsnprintf
#define snprintf  k_snprintf
#include "libs/string.h"

#include "libs/avl.c"
#include "libs/ksyms.c"
#include "libs/printfmt.c"
#include "libs/riscvnames.c"
#include "libs/string.c"
#include <list.h>
#undef memset
#undef memcpy
#undef memmove
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef vsnprintf
#undef snprintf

static uint64_t rng = 88172645463325252u;

static uint64_t
rnd(void)
{
    return shim_random(&rng);
}

/* --- memory --- */

#define ROOM 200

static bool
fill_case(size_t at, size_t n, int c)
{
    unsigned char a[ROOM], b[ROOM];

    memset(a, 0x11, ROOM);
    memset(b, 0x11, ROOM);
    EXPECT(k_memset(a + at, c, n) == a + at);
    memset(b + at, c, n);
    EXPECT(memcmp(a, b, ROOM) == 0);
    return true;
}

static bool
test_memset(void)
{
    for (size_t at = 0; at < 20; at++)
        for (size_t n = 0; n <= 120; n++)
            EXPECT(fill_case(at, n, (int)rnd()));
    return true;
}

static bool
copy_case(size_t to, size_t from, size_t n)
{
    unsigned char a[ROOM], b[ROOM], src[ROOM];

    for (unsigned i = 0; i < ROOM; i++)
        a[i] = b[i] = (unsigned char)rnd(), src[i] = (unsigned char)rnd();
    EXPECT(k_memcpy(a + to, src + from, n) == a + to);
    memcpy(b + to, src + from, n);
    EXPECT(memcmp(a, b, ROOM) == 0);
    /* In one array, over each other. */
    EXPECT(k_memmove(a + to, a + from, n) == a + to);
    memmove(b + to, b + from, n);
    EXPECT(memcmp(a, b, ROOM) == 0);
    return true;
}

static bool
test_memcpy_memmove(void)
{
    for (size_t to = 0; to < 18; to++)
        for (size_t from = 0; from < 18; from++)
            for (size_t n = 0; n <= 100; n += 1 + n / 40)
                EXPECT(copy_case(to, from, n));
    for (unsigned i = 0; i < 20000; i++)
        EXPECT(copy_case(rnd() % 100, rnd() % 100, rnd() % 100));
    return true;
}

static int
sign(int x)
{
    return (x > 0) - (x < 0);
}

/* Few letters, so that equal beginnings are common; high ones among them. */
static void
random_string(char *s, size_t max)
{
    static const char letters[] = {'a', 'b', (char)0x80, (char)0xff};
    size_t n = rnd() % max;

    for (size_t i = 0; i < n; i++)
        s[i] = letters[rnd() % sizeof(letters)];
    s[n] = '\0';
}

static bool
test_compare_and_search(void)
{
    static const int sought[] = {'a', 'b', 0x80, 0xff, 0, 'z', -1, 0x161};
    char s[12], t[12];

    for (unsigned i = 0; i < 50000; i++) {
        size_t n = rnd() % 12;
        int c = sought[rnd() % ARRAY_LEN(sought)];

        memset(s, 'q', sizeof(s));
        memset(t, 'q', sizeof(t));
        random_string(s, sizeof(s));
        random_string(t, sizeof(t));
        EXPECT(sign(k_memcmp(s, t, n)) == sign(memcmp(s, t, n)));
        EXPECT(sign(k_strcmp(s, t)) == sign(strcmp(s, t)));
        EXPECT(sign(k_strncmp(s, t, n)) == sign(strncmp(s, t, n)));
        EXPECT(k_memchr(s, c, n) == memchr(s, c, n));
        EXPECT(k_strchr(s, c) == strchr(s, c));
        EXPECT(k_strrchr(s, c) == strrchr(s, c));
        EXPECT(k_strlen(s) == strlen(s));
        EXPECT(k_strnlen(s, n) == strnlen(s, n));
    }
    return true;
}

static bool
test_strlcpy(void)
{
    char s[12], d[16];

    for (unsigned i = 0; i < 20000; i++) {
        size_t size = rnd() % 14, len;

        random_string(s, sizeof(s));
        len = strlen(s);
        memset(d, 'q', sizeof(d));
        EXPECT(k_strlcpy(d, s, size) == len);
        if (size > 0) {
            size_t kept = MIN(len, size - 1);

            EXPECT(memcmp(d, s, kept) == 0 && d[kept] == '\0');
            EXPECT(d[kept + 1] == 'q' || kept + 1 == sizeof(d));
        } else {
            EXPECT(d[0] == 'q');
        }
    }
    return true;
}

static bool
number_is(const char *s, uint64_t value, size_t used)
{
    const char *end = NULL;

    EXPECT(strtoull_simple(s, &end) == value);
    EXPECT(end == s + used);
    return true;
}

static bool
test_strtoull(void)
{
    char s[40];

    EXPECT(number_is("", 0, 0) && number_is("x", 0, 0));
    EXPECT(number_is("-1", 0, 0) && number_is(" 1", 0, 0));
    EXPECT(number_is("0", 0, 1) && number_is("00012a", 12, 5));
    EXPECT(number_is("0x", 0, 1) && number_is("0xg", 0, 1));
    EXPECT(number_is("0xfFz", 255, 4) && number_is("0X10", 16, 4));
    EXPECT(number_is("18446744073709551615", UINT64_MAX, 20));
    EXPECT(number_is("18446744073709551616", UINT64_MAX, 20));
    EXPECT(number_is("99999999999999999999999 ", UINT64_MAX, 23));
    EXPECT(number_is("0x10000000000000000", UINT64_MAX, 19));
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t v = rnd() >> rnd() % 64;

        EXPECT(number_is(s, v, (size_t)sprintf(s, "%lu", v)));
        EXPECT(number_is(s, v, (size_t)sprintf(s, "0x%lx", v)));
    }
    return true;
}

/* --- printing --- */

struct format {
    char text[40];
    char conv;
    bool wide, star_width, star_precision;
};

/* A format that ISO C defines the meaning of. */
static void
random_format(struct format *f)
{
    static const char *const lengths[] = {"", "hh", "h", "l", "ll", "z", "t"};
    static const char convs[] = "diuxXocs";
    char *p = f->text;
    const char *length;

    *f = (struct format){.conv = convs[rnd() % 8]};
    p = f->text;
    *p++ = '[';
    *p++ = '%';
    if (rnd() % 3 == 0)
        *p++ = '-';
    if (rnd() % 3 == 0 && strchr("diuxXo", f->conv))
        *p++ = '0';
    if (rnd() % 3 == 0 && strchr("di", f->conv))
        *p++ = '+';
    if (rnd() % 3 == 0 && strchr("di", f->conv))
        *p++ = ' ';
    if (rnd() % 3 == 0 && strchr("xX", f->conv))
        *p++ = '#';
    f->star_width = rnd() % 4 == 0;
    if (f->star_width)
        *p++ = '*';
    else if (rnd() % 2)
        p += sprintf(p, "%u", 1 + (unsigned)(rnd() % 25));
    if (rnd() % 2 && f->conv != 'c') {
        f->star_precision = rnd() % 3 == 0;
        if (f->star_precision)
            p += sprintf(p, ".*");
        else
            p += sprintf(p, rnd() % 4 ? ".%u" : ".", (unsigned)(rnd() % 20));
    }
    length = lengths[rnd() % ARRAY_LEN(lengths)];
    if (strchr("cs", f->conv))
        length = "";
    f->wide = strchr("lzt", length[0]) != NULL && length[0] != '\0';
    sprintf(p, "%s%c]", length, f->conv);
}

/* Both printers on the same arguments. */
#define BOTH(...)                                \
    do {                                         \
        have = k_snprintf(a, size, __VA_ARGS__); \
        want = snprintf(b, size, __VA_ARGS__);   \
    } while (0)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-truncation"
static bool
format_case(const struct format *f)
{
    static const char *const strings[] = {"", "a", "hello", "a long string %d"};
    char a[300], b[300];
    size_t size = rnd() % 4 ? sizeof(a) : rnd() % 30;
    int w = (int)(rnd() % 40) - 20, p = (int)(rnd() % 24) - 4, have, want;
    uint64_t v = rnd() % 5 == 0 ? 0 : rnd() >> rnd() % 64;
    const char *s = strings[rnd() % ARRAY_LEN(strings)];

    memset(a, 'q', sizeof(a));
    memset(b, 'q', sizeof(b));
#define WITH(x)                                 \
    do {                                        \
        if (f->star_width && f->star_precision) \
            BOTH(f->text, w, p, x);             \
        else if (f->star_width)                 \
            BOTH(f->text, w, x);                \
        else if (f->star_precision)             \
            BOTH(f->text, p, x);                \
        else                                    \
            BOTH(f->text, x);                   \
    } while (0)
    if (f->conv == 's')
        WITH(s);
    else if (f->conv == 'c')
        WITH('A' + (int)(v % 26));
    else if (f->wide)
        WITH(v);
    else
        WITH((unsigned)v);
    if (have != want || memcmp(a, b, sizeof(a)) != 0) {
        printf("  format %s, width %d, precision %d, value %#lx, size %zu:\n"
               "  %d \"%.*s\" instead of %d \"%.*s\"\n",
               f->text, w, p, v, size, have, size ? 60 : 0, a, want,
               size ? 60 : 0, b);
        return false;
    }
    return true;
}
#pragma GCC diagnostic pop

static bool
test_printf_random(void)
{
    struct format f;

    for (unsigned i = 0; i < 200000; i++) {
        random_format(&f);
        EXPECT(format_case(&f));
    }
    return true;
}

static bool
prints(const char *want, const char *fmt, ...)
{
    char a[200];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = k_vsnprintf(a, sizeof(a), fmt, ap);
    va_end(ap);
    if (strcmp(a, want) != 0 || n != (int)strlen(want)) {
        printf("  \"%s\" printed \"%s\" (%d), not \"%s\"\n", fmt, a, n, want);
        return false;
    }
    return true;
}

static bool
test_printf_fixed(void)
{
    EXPECT(prints("plain", "plain"));
    EXPECT(prints("100%", "%d%%", 100));
    EXPECT(prints("0x1234", "%p", (void *)0x1234));
    EXPECT(prints("0x0", "%p", NULL));
    EXPECT(prints("(null)", "%s", (char *)NULL));
    EXPECT(prints("%y 5", "%y %d", 5));
    EXPECT(prints("end", "end%"));
    EXPECT(prints("-9223372036854775808", "%ld", INT64_MIN));
    EXPECT(prints("18446744073709551615", "%lu", UINT64_MAX));
    EXPECT(prints("-2147483648", "%d", INT32_MIN));
    EXPECT(prints("017 0", "%#o %#o", 15, 0));
    EXPECT(prints("010 0010 07", "%#.3o %#.4o %#o", 8, 8, 7));
    EXPECT(prints("0xff 0XFF 0", "%#x %#X %#x", 255, 255, 0));
    EXPECT(prints("", "%.0d", 0));
    EXPECT(prints("a\1b", "%c%c%c", 'a', 1, 'b'));
    EXPECT(prints("abc", "%.3s", "abcdef"));
    EXPECT(prints("   -5|-5   |-0005", "%5d|%-5d|%05d", -5, -5, -5));
    return true;
}

static void
count_put(void *arg, char c)
{
    *(size_t *)arg += (unsigned char)c;
}

static int
via_vprintfmt(size_t *sum, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vprintfmt(count_put, sum, fmt, ap);
    va_end(ap);
    return n;
}

static bool
test_vprintfmt(void)
{
    size_t sum = 0;

    EXPECT(via_vprintfmt(&sum, "%c%s", 'a', "bc") == 3);
    EXPECT(sum == 'a' + 'b' + 'c');
    return true;
}

/* --- lists --- */

struct item {
    int key;
    struct list link;
};

#define NITEMS 12

/* Does the ring at HEAD hold just these keys, both ways round? */
static bool
list_is(const struct list *head, const int *keys, unsigned n)
{
    unsigned i = 0;

    for (struct list *l = head->next; l != head; l = l->next) {
        EXPECT(i < n && list_entry(l, struct item, link)->key == keys[i]);
        EXPECT(l->prev->next == l && l->next->prev == l);
        i++;
    }
    EXPECT(i == n && list_empty(head) == (n == 0));
    return true;
}

static bool
test_list(void)
{
    struct list head = LIST_INIT(head);
    struct item items[NITEMS];
    int model[NITEMS];
    unsigned n = 0, at;

    for (int i = 0; i < NITEMS; i++) {
        items[i].key = i;
        list_init(&items[i].link);
    }
    for (unsigned turn = 0; turn < 20000; turn++) {
        struct item *it = &items[rnd() % NITEMS];

        if (list_empty(&it->link)) {
            if (rnd() % 2) {
                list_add(&head, &it->link);
                memmove(model + 1, model, n * sizeof(*model));
                model[0] = it->key;
            } else {
                list_add_tail(&head, &it->link);
                model[n] = it->key;
            }
            n++;
        } else {
            for (at = 0; model[at] != it->key; at++)
                ;
            memmove(model + at, model + at + 1, (--n - at) * sizeof(*model));
            list_del(&it->link);
            if (rnd() % 2)
                list_del(&it->link);
        }
        EXPECT(list_is(&head, model, n));
    }
    return true;
}

static bool
test_list_loops(void)
{
    struct list head = LIST_INIT(head);
    struct item items[NITEMS];
    int sum = 0, all[NITEMS];

    for (int i = 0; i < NITEMS; i++) {
        all[i] = items[i].key = i;
        list_add_tail(&head, &items[i].link);
    }
    EXPECT(list_is(&head, all, NITEMS));
    EXPECT(list_first(&head, struct item, link) == &items[0]);
    list_for_each (n, &head)
        sum += list_entry(n, struct item, link)->key;
    list_for_each_entry (p, &head, struct item, link)
        sum += p->key;
    EXPECT(sum == NITEMS * (NITEMS - 1));
    list_for_each_safe (n, &head) {
        sum = list_entry(n, struct item, link)->key;
        list_del(n);
        memset(list_entry(n, struct item, link), 0x77, sizeof(struct item));
    }
    EXPECT(sum == NITEMS - 1 && list_empty(&head));
    return true;
}

/* --- trees --- */

struct leaf {
    int key;
    struct avl_node node;
};

#define leaf_of(n) avl_entry(n, struct leaf, node)

static void
leaf_insert(struct avl_tree *t, struct leaf *l)
{
    struct avl_node **link = &t->root, *parent = NULL;

    while (*link) {
        parent = *link;
        link = l->key < leaf_of(parent)->key ? &parent->left : &parent->right;
    }
    avl_insert(t, &l->node, parent, link);
}

struct measured {
    int height;
    unsigned nodes;
    uint64_t most;
    bool ok;
};

/* Measure the subtree by looking at every node of it. */
static struct measured
measure(const struct avl_node *n, const struct avl_node *parent)
{
    struct measured l, r, m = {.ok = true};

    if (n == NULL)
        return m;
    l = measure(n->left, n);
    r = measure(n->right, n);
    m.height = MAX(l.height, r.height) + 1;
    m.nodes = l.nodes + r.nodes + 1;
    m.most = MAX(n->own, MAX(l.most, r.most));
    m.ok = l.ok && r.ok && n->parent == parent && n->height == m.height &&
           abs(l.height - r.height) <= 1 && n->most == m.most;
    return m;
}

static int
by_key(const void *a, const void *b)
{
    const struct leaf *x = *(struct leaf *const *)a;
    const struct leaf *y = *(struct leaf *const *)b;

    return (x->key > y->key) - (x->key < y->key);
}

/* The tree holds just the N leaves, in the order of their keys. */
static bool
tree_is(const struct avl_tree *t, struct leaf **leaves, unsigned n)
{
    struct measured m = measure(t->root, NULL);
    const struct avl_node *at = avl_first(t);

    EXPECT(m.ok && m.nodes == n);
    qsort(leaves, n, sizeof(*leaves), by_key);
    for (unsigned i = 0; i < n; i++, at = avl_next(at))
        EXPECT(at == &leaves[i]->node);
    EXPECT(at == NULL);
    at = avl_last(t);
    for (unsigned i = n; i-- > 0; at = avl_prev(at))
        EXPECT(at == &leaves[i]->node);
    EXPECT(at == NULL);
    return true;
}

#define SMALL 7

/* Insert SMALL keys in the order ORDER, then take them out in the same. */
static bool
tree_permutation(const int *order)
{
    struct avl_tree t = {0};
    struct leaf leaf[SMALL], *in[SMALL];
    unsigned n = 0;

    for (unsigned i = 0; i < SMALL; i++) {
        leaf[i] = (struct leaf){.key = order[i]};
        leaf_insert(&t, &leaf[i]);
        avl_value(&leaf[i].node, 1 + order[i] % 5);
        in[n++] = &leaf[i];
        EXPECT(tree_is(&t, in, n));
    }
    for (unsigned i = 0; i < SMALL; i++) {
        unsigned k = 0;

        avl_remove(&t, &leaf[i].node);
        while (in[k] != &leaf[i])
            k++;
        in[k] = in[--n];
        EXPECT(tree_is(&t, in, n));
    }
    EXPECT(t.root == NULL);
    return true;
}

static bool
tree_permutations(int *order, unsigned k)
{
    if (k == SMALL)
        return tree_permutation(order);
    for (unsigned i = k; i < SMALL; i++) {
        int x = order[k];

        order[k] = order[i];
        order[i] = x;
        if (!tree_permutations(order, k + 1))
            return false;
        order[i] = order[k];
        order[k] = x;
    }
    return true;
}

static bool
test_avl_permutations(void)
{
    int order[SMALL] = {0, 1, 2, 3, 4, 5, 6};

    return tree_permutations(order, 0);
}

#define MANY 400

static bool
test_avl_random(void)
{
    static struct leaf leaf[MANY], *in[MANY];
    struct avl_tree t = {0};
    unsigned n = 0;

    for (unsigned turn = 0; turn < 20000; turn++) {
        unsigned values = turn / 500 % 2 ? 1000 : 3; /* few: many are equal */
        bool grow =
            n == 0 || (n < MANY && rnd() % 8 < (turn / 1000 % 2 ? 3 : 5));

        if (grow) {
            struct leaf *l = &leaf[0];

            for (unsigned i = 0; i < MANY && l->node.own != 0; i++)
                l = &leaf[i];
            *l = (struct leaf){.key = (int)(rnd() % 1000000) * MANY +
                                      (int)(l - leaf)};
            leaf_insert(&t, l);
            EXPECT(l->node.own == 0);
            avl_value(&l->node, 1 + rnd() % values);
            in[n++] = l;
        } else {
            unsigned k = rnd() % n;

            avl_remove(&t, &in[k]->node);
            EXPECT(in[k]->node.own == 0);
            in[k] = in[--n];
        }
        if (n > 0 && turn % 3 == 0) {
            avl_value(&in[rnd() % n]->node, 1 + rnd() % values);
        }
        if (turn % 16 == 0 || n < 40)
            EXPECT(tree_is(&t, in, n));
    }
    return tree_is(&t, in, n);
}

/* In order, and in the reverse of it: where a plain tree becomes a list. */
static bool
test_avl_sorted(void)
{
    static struct leaf leaf[MANY], *in[MANY];

    for (int way = 0; way < 2; way++) {
        struct avl_tree t = {0};

        for (int i = 0; i < MANY; i++) {
            leaf[i] = (struct leaf){.key = way ? -i : i};
            leaf_insert(&t, &leaf[i]);
            in[i] = &leaf[i];
        }
        EXPECT(tree_is(&t, in, MANY));
        EXPECT(t.root->height <= 12);
        for (int i = 0; i < MANY; i++) {
            avl_remove(&t, &leaf[i].node);
            EXPECT(measure(t.root, NULL).ok);
        }
        EXPECT(t.root == NULL && avl_first(&t) == NULL && avl_last(&t) == NULL);
    }
    return true;
}

/* --- the rest --- */

static bool
test_util(void)
{
    EXPECT(log2_floor(1) == 0 && log2_floor(~0ul) == 63);
    for (unsigned i = 0; i < 64; i++) {
        EXPECT(log2_floor(1ul << i) == i && is_power_of_2(1ul << i));
        EXPECT(i < 2 || !is_power_of_2((1ul << i) - 1));
    }
    EXPECT(!is_power_of_2(0));
    EXPECT(ROUND_UP(0, 8) == 0 && ROUND_UP(1, 8) == 8 && ROUND_UP(8, 8) == 8);
    EXPECT(ROUND_DOWN(7, 8) == 0 && ROUND_DOWN(23, 10) == 20);
    return true;
}

/* --- names --- */

static bool
test_ksyms(void)
{
    static const struct {
        uint32_t head[3], offset[3], name[3];
        char names[12];
    } table = {{KSYMS_MAGIC, 3, 12}, {16, 20, 64}, {4, 0, 8}, "two\0one\0six"};
    const struct ksyms *t = (const struct ksyms *)(const void *)&table;
    const struct ksyms none = {.magic = KSYMS_MAGIC}, odd = {.magic = 1};
    uint32_t into = 99;

    EXPECT(ksyms_find(t, 0, &into) == NULL && ksyms_find(t, 15, &into) == NULL);
    EXPECT(ksyms_find(&none, 5, &into) == NULL);
    EXPECT(ksyms_find(&odd, 5, &into) == NULL && into == 99);
    EXPECT(strcmp(ksyms_find(t, 16, &into), "one") == 0 && into == 0);
    EXPECT(strcmp(ksyms_find(t, 19, &into), "one") == 0 && into == 3);
    EXPECT(strcmp(ksyms_find(t, 20, &into), "two") == 0 && into == 0);
    EXPECT(strcmp(ksyms_find(t, 63, &into), "two") == 0 && into == 43);
    EXPECT(strcmp(ksyms_find(t, UINT32_MAX, &into), "six") == 0);
    return true;
}

static bool
test_riscv_names(void)
{
    EXPECT(strcmp(riscv_reg_names[8], "s0") == 0);
    EXPECT(strcmp(riscv_reg_names[10], "a0") == 0);
    EXPECT(strcmp(riscv_reg_names[18], "s2") == 0);
    EXPECT(strcmp(riscv_reg_names[31], "t6") == 0);
    EXPECT(strcmp(riscv_cause_name(13), "load page fault") == 0);
    EXPECT(strcmp(riscv_cause_name(14), "?") == 0);
    EXPECT(strcmp(riscv_cause_name(16), "?") == 0);
    EXPECT(strcmp(riscv_cause_name(UINT64_MAX), "?") == 0);
    return true;
}

int
main(void)
{
    RUN(memset);
    RUN(memcpy_memmove);
    RUN(compare_and_search);
    RUN(strlcpy);
    RUN(strtoull);
    RUN(printf_random);
    RUN(printf_fixed);
    RUN(vprintfmt);
    RUN(list);
    RUN(list_loops);
    RUN(avl_permutations);
    RUN(avl_random);
    RUN(avl_sorted);
    RUN(util);
    RUN(ksyms);
    RUN(riscv_names);
    return shim_summary("test_libs");
}
