/* sha256sum.c: the SHA-256 of files; -r of all files below folders, in the order
 * of their names.  Algorithm: FIPS 180-4, section 6.2. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sha256 {
    uint32_t h[8];
    uint64_t bytes;
    uint8_t block[64];
};

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t
turn(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static void
sha_start(struct sha256 *s)
{
    *s = (struct sha256){.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

static void
sha_block(struct sha256 *s, const uint8_t *p)
{
    uint32_t w[64], v[8];

    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
               (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, s->h, sizeof(v));
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) +
                      ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        uint32_t t2 = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) +
                      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        s->h[i] += v[i];
}

static void
sha_add(struct sha256 *s, const uint8_t *p, size_t n)
{
    size_t have = s->bytes % 64;

    s->bytes += n;
    if (have + n >= 64 && have > 0) {
        memcpy(s->block + have, p, 64 - have);
        sha_block(s, s->block);
        p += 64 - have;
        n -= 64 - have;
        have = 0;
    }
    for (; n >= 64; p += 64, n -= 64)
        sha_block(s, p);
    memcpy(s->block + have, p, n);
}

static void
sha_end(struct sha256 *s, char *text)
{
    static const uint8_t pad[64] = {0x80};
    uint64_t bits = s->bytes * 8;
    uint8_t length[8];

    sha_add(s, pad, 1 + (119 - s->bytes % 64) % 64);
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    sha_add(s, length, 8);
    for (int i = 0; i < 8; i++)
        snprintf(text + 8 * i, 9, "%08x", s->h[i]);
}

static int
complain(const char *path)
{
    fprintf(stderr, "sha256sum: %s: %s\n", path, strerror(errno));
    return 1;
}

static int
sum_file(const char *path)
{
    static uint8_t buf[65536];
    int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY);
    struct sha256 s;
    char text[65];
    ssize_t n;

    if (fd < 0)
        return complain(path);
    sha_start(&s);
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        sha_add(&s, buf, (size_t)n);
    if (fd != 0)
        close(fd);
    if (n < 0)
        return complain(path);
    sha_end(&s, text);
    printf("%s  %s\n", text, path);
    return 0;
}

static int
sum_tree(const char *path)
{
    struct stat st;
    int result;

    if (lstat(path, &st) != 0)
        return complain(path);
    if (S_ISREG(st.st_mode))
        return sum_file(path);
    if (!S_ISDIR(st.st_mode))
        return 0;
    result = dir_each(path, sum_tree);
    return result < 0 ? complain(path) : result;
}

int
main(int argc, char **argv)
{
    bool trees = argc > 1 && strcmp(argv[1], "-r") == 0;
    int result = 0;

    if (argc > 1 && argv[1][0] == '-' && argv[1][1] != 0 && !trees) {
        fprintf(stderr, "usage: sha256sum [-r] [PATH...]\n");
        return 2;
    }
    if (argc == 1)
        return sum_file("-");
    for (int i = trees ? 2 : 1; i < argc; i++)
        result |= trees ? sum_tree(argv[i]) : sum_file(argv[i]);
    return result;
}
