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

/* S->name becomes the next component. */
static inline void
next_name(struct step *s)
{
    const char *p = skip_slashes(s->rest), *end = name_end(p, &s->name.hash);

    s->name.text = p;
    s->name.len = (size_t)(end - p);
    if (p == end)
        s->slash |= p != s->rest;
    s->rest = end;
}

/* S stops before this component. */
static inline bool
stops_here(const struct step *s)
{
    return s->parent && *skip_slashes(s->rest) == 0;
}

/* S->at becomes NEXT, whose reference it takes over. */
static inline void
go_to(struct step *s, struct inode *next)
{
    if (s->owned)
        inode_put(s->at);
    s->at = next;
    s->owned = true;
}

/* To the next name, and on over all that the name cache knows, but not through
 * links and mounts.  0, or -ENOENT: it knows that S->name is not there. */
int names_walk(struct step *s);

#endif
