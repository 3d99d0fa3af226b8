/* keys.c: shows what each key sends, byte by byte, until q is typed: the terminal
 * without lines, echo and signals (raw mode). */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TCGETS  0x5401l
#define TCSETSF 0x5404l

struct termios { /* the kernel's */
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[19];
};
enum { VTIME = 5, VMIN = 6 };
#define INPUT 0572u    /* BRKINT INPCK ISTRIP INLCR IGNCR ICRNL */
#define LOCAL 0100113u /* ISIG ICANON ECHO ECHONL IEXTEN */

static long
control(long what, struct termios *t)
{
    return syscall(29, 0l, what, t, 0l, 0l, 0l);
}

int
main(void)
{
    struct termios old, raw;
    unsigned char keys[16];
    ssize_t n;

    if (control(TCGETS, &old) < 0) {
        perror("keys: standard input");
        return 1;
    }
    raw = old;
    raw.iflag &= ~INPUT;
    raw.oflag &= ~1u; /* OPOST: line feeds are only that */
    raw.lflag &= ~LOCAL;
    raw.cc[VMIN] = 1;
    raw.cc[VTIME] = 0;
    control(TCSETSF, &raw); /* drops what was typed: so speak after it */
    printf("keys: q ends\r\n");
    fflush(stdout);
    while ((n = read(0, keys, sizeof(keys))) > 0) {
        for (ssize_t i = 0; i < n; i++)
            printf("%02x ", keys[i]);
        printf("\r\n");
        fflush(stdout);
        if (memchr(keys, 'q', (size_t)n) != NULL)
            break;
    }
    control(TCSETSF, &old);
    return 0;
}
