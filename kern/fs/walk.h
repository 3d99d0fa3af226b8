/* walk.h: where a walk along a path is, for namei.c and the name cache. */
#ifndef KERN_FS_WALK_H
#define KERN_FS_WALK_H

#include "fs/inode.h"
#include "fs/namehash.h"

struct step {
    const struct walk *w;
    struct inode *at;
    bool owned;       /* ... with a reference; else W has one */
    bool parent;      /* stop before the last component */
    bool slash;       /* one was behind the last component */
    bool unknown;     /* the name cache does not know NAME */
    unsigned links;   /* that were followed */
    unsigned flags;   /* WALK_ */
    struct name name; /* to be looked up in AT; of no bytes: the end */
    const char *rest; /* of the path, behind NAME */
    char *buf;        /* owns REST once a link was followed, or NULL */
};

static inline const char *
skip_slashes(const char *p)
{
    while (*p == '/')
        p++;
    return p;
}

/* The next component of REST, perhaps of no bytes.  Returns what is behind it. */
static inline const char *
next_name(const char *rest, struct name *n)
{
    n->text = skip_slashes(rest);
    rest = name_end(n->text, &n->hash);
    n->len = (size_t)(rest - n->text);
    return rest;
}

/* S stops before a component that has REST behind it. */
static inline bool
stops_before(const struct step *s, const char *rest)
{
    return s->parent && *skip_slashes(rest) == 0;
}

/* To the next name, and on over all that the name cache knows, but not through
 * links and mounts.  0, or -ENOENT: it knows that S->name is not there. */
int names_walk(struct step *s);

#endif
