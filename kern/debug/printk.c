/* printk.c: characters are gathered in a small buffer on the caller's stack and
 * handed to the sink a piece at a time, the whole call under one lock.
 *
 * The lock is a bare flag, not a struct spinlock: this floor is below it, and a
 * hart that panics must be able to walk past it. */
#include "debug/printk.h"

#include "arch/riscv/cpu.h"
#include "arch/riscv/sbi.h"
#include <atomic.h>
#include <printfmt.h>

static uint32_t console_locked; /* [a] */
static bool lock_busted;
static void (*sink)(const char *s, size_t n) = sbi_puts;

struct piece {
    size_t n;
    char text[96];
};

static void
lock_console(void)
{
    irq_off();
    while (!lock_busted && atomic_swap_acquire(&console_locked, 1) != 0)
        cpu_wait();
}

static void
unlock_console(void)
{
    atomic_store_release(&console_locked, 0);
    irq_restore();
}

void
console_bust_lock(void)
{
    lock_busted = true;
}

void
console_set(void (*write)(const char *s, size_t n))
{
    lock_console();
    sink = write;
    unlock_console();
}

void
console_write(const char *s, size_t n)
{
    lock_console();
    sink(s, n);
    unlock_console();
}

static void
put_piece(void *arg, char c)
{
    struct piece *p = arg;

    p->text[p->n++] = c;
    if (p->n == sizeof(p->text)) {
        sink(p->text, p->n);
        p->n = 0;
    }
}

int
vcprintf(const char *fmt, va_list ap)
{
    struct piece p = {.n = 0};
    int n;

    lock_console();
    n = vprintfmt(put_piece, &p, fmt, ap);
    if (p.n > 0)
        sink(p.text, p.n);
    unlock_console();
    return n;
}

int
cprintf(const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vcprintf(fmt, ap);
    va_end(ap);
    return n;
}
