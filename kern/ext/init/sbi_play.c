/* sbi_play.c: adds the boot argument sbi=, which makes a firmware look older than
 * it is; a first reader may skip it.
 *
 *     sbi=no-dbcn   has no debug console: what is printed takes the legacy call
 *     sbi=no-srst   cannot switch off, and no other device can: it ends with
 *                   "safe to power off", as on boards
 *     sbi=0.3       says that it is SBI 0.3, which had neither
 *
 * sbi_call() of arch/riscv/sbi.c gives way to the one here, which answers itself
 * for what is said to be missing.  The argument is read when all harts are up;
 * what was printed before that went the firmware's own way. */
#include "arch/riscv/sbi.h"

#include "debug/panic.h"
#include "debug/printk.h"
#include "driver/event.h"
#include "init/initcall.h"
#include <atomic.h>
#include <bootargs.h>

#define SBI_NOT_SUPPORTED (-2) /* chapter 3 */
#define VERSION_0_3       3    /* chapter 4: major << 24 | minor */

#define NO_DBCN 1u
#define NO_SRST 2u
#define OLD     4u

static uint32_t played; /* [a] what is missing */

static bool
lacks(uint32_t what, unsigned long ext)
{
    if (ext == SBI_DBCN)
        return what & NO_DBCN;
    return (ext == SBI_SRST || ext == SBI_LEGACY_SHUTDOWN) && what & NO_SRST;
}

struct sbi_ret
sbi_call(unsigned long ext, unsigned long fn, unsigned long x0,
         unsigned long x1, unsigned long x2, unsigned long x3)
{
    uint32_t what = atomic_load(&played);

    if (lacks(what, ext))
        return (struct sbi_ret){.error = SBI_NOT_SUPPORTED};
    if (ext == SBI_BASE && fn == 0 && what & OLD)
        return (struct sbi_ret){.value = VERSION_0_3};
    if (ext == SBI_BASE && fn == 3 && lacks(what, x0))
        return (struct sbi_ret){.value = 0};
    return sbi_ecall(ext, fn, x0, x1, x2, x3);
}

/* In the place of the device that could switch off: only say how it ended. */
static void
say_exit(int code)
{
    event_bust_lock();
    if (!event_wanted())
        event_set_sink(NULL);
    event("exit", "%d", code);
}

static void
choose(const struct machine *m)
{
    char value[BOOTARG_MAX];
    uint32_t what = NO_DBCN | NO_SRST | OLD;

    if (!bootarg_get(m->bootargs, "sbi", value, sizeof(value)))
        return;
    if (bootarg_is(m->bootargs, "sbi", "no-dbcn"))
        what = NO_DBCN;
    else if (bootarg_is(m->bootargs, "sbi", "no-srst"))
        what = NO_SRST;
    atomic_store(&played, what);
    if (what & NO_SRST)
        power_off_hook = say_exit;
    cprintf("  the firmware plays %s: DBCN %s, switching off %s\n", value,
            sbi_has(SBI_DBCN) ? "yes" : "no", sbi_has(SBI_SRST) ? "yes" : "no");
}

static const struct initcall sbi_call_play = {"sbi", INIT_EARLY, choose};
TABLE_ADD(initcall, sbi_call_play);
