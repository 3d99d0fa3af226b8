/* bootargs.c: every argument the kernel knows, with its values.
 *
 * A typing error must not silently boot something else than was asked for, so
 * an unknown word stops the boot.  Words that boot loaders add are listed, too,
 * and ignored. */
#include "init/bootargs.h"

#include "debug/panic.h"
#include <machine.h>
#include <printfmt.h>
#include <string.h>

static const struct known {
    const char *name;
    const char *values; /* "a|b|c", "" for a bare word, "*" for anything */
} known[] = {
    {"mmu", "sv39|sv48|sv57"},  /* widest paging mode to use */
    {"tlb", "*"},               /* how other harts flush: rfence, ipi */
    {"timer", "sstc|sbi"},      /* how the next interrupt is asked for */
    {"sched", "*"},             /* scheduling policy; sched_select() checks */
    {"harts", "*"},             /* use at most so many */
    {"debug", "poison"},        /* fill freed pages, check them */
    {"trace", "on|off"},        /* record events for panics and the monitor */
    {"panic", "off|halt"},      /* after a panic: power off, or stay */
    {"events", "console|none"}, /* records without a virtio console */
    {"test", "*"},              /* self-tests to run; ktest image only */
    {"bench", ""},              /* self-benchmarks; ktest image only */
    {"seed", "*"},              /* of random self-tests */
    {"console", "*"},           /* for others: ignored */
    {"root", "*"},
    {"earlycon", "*"},
    {"quiet", ""},
};

static bool
value_ok(const char *values, const char *value)
{
    size_t n = strlen(value);

    if (strcmp(values, "*") == 0)
        return true;
    for (;;) {
        const char *bar = strchr(values, '|');
        size_t len = bar == NULL ? strlen(values) : (size_t)(bar - values);

        if (len == n && strncmp(values, value, n) == 0)
            return true;
        if (bar == NULL)
            return false;
        values = bar + 1;
    }
}

/* WORD is "name" or "name=value", terminated. */
static void
check_word(char *word)
{
    char *value = strchr(word, '=');

    if (value != NULL)
        *value++ = '\0';
    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(known[i].name, word) != 0)
            continue;
        if (value_ok(known[i].values, value == NULL ? "" : value))
            return;
        boot_refuse("boot argument \"%s=%s\": must be one of %s", word,
                    value == NULL ? "" : value, known[i].values);
    }
    boot_refuse("unknown boot argument \"%s\"", word);
}

void
bootargs_check(const char *args)
{
    char word[64];

    while (*args != '\0') {
        size_t n = 0;

        while (args[n] != '\0' && args[n] != ' ')
            n++;
        if (n >= sizeof(word))
            boot_refuse("boot argument \"%.32s...\": too long", args);
        if (n > 0) {
            snprintf(word, sizeof(word), "%.*s", (int)n, args);
            check_word(word);
        }
        args += n + (args[n] == ' ');
    }
}

bool
bootarg_is(const char *args, const char *name, const char *value)
{
    char buf[64];

    return bootarg_get(args, name, buf, sizeof(buf)) && strcmp(buf, value) == 0;
}
