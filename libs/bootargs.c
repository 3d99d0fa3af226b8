/* bootargs.c: find a word, and compare words with a list of known ones. */
#include <bootargs.h>

#include <errno.h>
#include <printfmt.h>
#include <string.h>

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool
bootarg_get(const char *args, const char *name, char *buf, size_t size)
{
    size_t len = strlen(name);
    bool found = false;

    for (const char *s = args, *end; *s != '\0'; s = end) {
        while (is_blank(*s))
            s++;
        for (end = s; *end != '\0' && !is_blank(*end);)
            end++;
        if ((size_t)(end - s) < len || strncmp(s, name, len) != 0 ||
            (s + len != end && s[len] != '='))
            continue;
        found = true;
        s += len + (s + len != end);
        snprintf(buf, size, "%.*s", (int)(end - s), s);
    }
    return found;
}

bool
bootarg_is(const char *args, const char *name, const char *value)
{
    char buf[BOOTARG_MAX];

    return bootarg_get(args, name, buf, sizeof(buf)) && strcmp(buf, value) == 0;
}

static bool
is_number_from_1(const char *value)
{
    const char *end;

    return strtoull_simple(value, &end) != 0 && *end == '\0';
}

/* Is VALUE one of VALUES? */
static bool
value_ok(const char *values, const char *value)
{
    size_t n = strlen(value);

    if (strcmp(values, "*") == 0)
        return true;
    if (strcmp(values, "#") == 0)
        return is_number_from_1(value);
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

/* WORD is "name" or "name=value", terminated; it is cut at the '='. */
static int
check_word(char *word, const struct bootarg_rule *rules, size_t n, char *why,
           size_t size)
{
    char *value = strchr(word, '=');

    if (value != NULL)
        *value++ = '\0';
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rules[i].name, word) != 0)
            continue;
        if (value_ok(rules[i].values, value == NULL ? "" : value))
            return 0;
        snprintf(why, size, "boot argument \"%s=%s\": must be %s%s", word,
                 value == NULL ? "" : value,
                 rules[i].values[0] == '#' ? "a number from 1" : "one of ",
                 rules[i].values[0] == '#' ? "" : rules[i].values);
        return -EINVAL;
    }
    snprintf(why, size, "unknown boot argument \"%s\"", word);
    return -EINVAL;
}

int
bootargs_match(const char *args, const struct bootarg_rule *rules, size_t n,
               char *why, size_t size)
{
    char word[BOOTARG_MAX];

    while (*args != '\0') {
        size_t len = 0;

        while (args[len] != '\0' && !is_blank(args[len]))
            len++;
        if (len >= sizeof(word)) {
            snprintf(why, size, "boot argument \"%.32s...\": too long", args);
            return -EINVAL;
        }
        snprintf(word, sizeof(word), "%.*s", (int)len, args);
        if (len > 0 && check_word(word, rules, n, why, size) != 0)
            return -EINVAL;
        args += len + (args[len] != '\0');
    }
    return 0;
}
