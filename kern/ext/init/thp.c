/* thp.c: adds the boot argument thp= to huge.c; a first reader may skip it.
 *
 *     thp=madvise   2 MiB leaves where MADV_HUGEPAGE asks for them; the default
 *     thp=always    wherever they fit, but not after MADV_NOHUGEPAGE
 *     thp=never     nowhere, except by do_mmap_1g() */
#include "init/initcall.h"
#include "mm/huge.h"
#include <bootargs.h>

static void
choose(const struct machine *m)
{
    if (bootarg_is(m->bootargs, "thp", "always"))
        huge_flags |= VM_RWX;
    else if (bootarg_is(m->bootargs, "thp", "never"))
        huge_flags = 0;
}

static const struct initcall thp_call = {"thp", INIT_EARLY, choose};
TABLE_ADD(initcall, thp_call);
