/* avl.c: heights of siblings differ by at most one (Adelson-Velsky, Landis
 * 1962).  Every change walks from the changed place towards the root, refreshing
 * heights and summaries and rotating where the balance broke, until a node
 * stays as it was: nobody above can tell then.
 *
 * A value changes while the shape stays, and a node without a value comes and
 * goes: so the shape's way up ends where the heights agree, a few levels above
 * the leaf on average, and only a new or lost maximum goes further. */
#include <avl.h>
#include <util.h>

/* What is below a leaf. */
static const struct avl_node nothing;

static inline const struct avl_node *
below(const struct avl_node *n)
{
    return n == NULL ? &nothing : n;
}

static inline uint64_t
most_of(const struct avl_node *n, const struct avl_node *l,
        const struct avl_node *r)
{
    return MAX(n->own, MAX(l->most, r->most));
}

/* N, whose children are L and R: did anything change that the parent looks at? */
static inline bool
refresh_node(struct avl_node *n, const struct avl_node *l,
             const struct avl_node *r)
{
    int height = MAX(l->height, r->height) + 1;
    uint64_t most = most_of(n, l, r);
    bool same = height == n->height && most == n->most;

    n->height = height;
    n->most = most;
    return !same;
}

static void
refresh(struct avl_node *n)
{
    (void)refresh_node(n, below(n->left), below(n->right));
}

/* Let NEW take OLD's place below OLD's parent. */
static void
replace(struct avl_tree *tree, struct avl_node *old, struct avl_node *new)
{
    struct avl_node *p = old->parent;

    if (p == NULL)
        tree->root = new;
    else if (p->left == old)
        p->left = new;
    else
        p->right = new;
    if (new != NULL)
        new->parent = p;
}

/*      n              r
 *     / \            / \
 *    a   r    ->    n   c
 *       / \        / \
 *      b   c      a   b          */
static struct avl_node *
rotate_left(struct avl_tree *tree, struct avl_node *n)
{
    struct avl_node *r = n->right;

    replace(tree, n, r);
    n->right = r->left;
    if (n->right != NULL)
        n->right->parent = n;
    r->left = n;
    n->parent = r;
    refresh(n);
    refresh(r);
    return r;
}

static struct avl_node *
rotate_right(struct avl_tree *tree, struct avl_node *n)
{
    struct avl_node *l = n->left;

    replace(tree, n, l);
    n->left = l->right;
    if (n->left != NULL)
        n->left->parent = n;
    l->right = n;
    n->parent = l;
    refresh(n);
    refresh(l);
    return l;
}

/* Turn the subtree at N, which leans too far; returns its new root. */
static struct avl_node *
balance(struct avl_tree *tree, struct avl_node *n, int lean)
{
    if (lean > 0) {
        if (below(n->left->left)->height < below(n->left->right)->height)
            rotate_left(tree, n->left);
        return rotate_right(tree, n);
    }
    if (below(n->right->right)->height < below(n->right->left)->height)
        rotate_right(tree, n->right);
    return rotate_left(tree, n);
}

/* The subtrees of NODE changed: from there on up all is as it shall be again. */
static void
subtree_changed(struct avl_tree *tree, struct avl_node *node)
{
    for (; node != NULL; node = node->parent) {
        const struct avl_node *l = below(node->left), *r = below(node->right);
        int lean = l->height - r->height;

        if (lean > 1 || lean < -1)
            node = balance(tree, node, lean);
        else if (!refresh_node(node, l, r))
            return;
    }
}

void
avl_value(struct avl_node *node, uint64_t own)
{
    uint64_t was = node->own;

    node->own = own;
    if (own >= was) {
        for (; node != NULL && node->most < own; node = node->parent)
            node->most = own;
        return;
    }
    /* Where the maximum was another one's, or was there twice, it stays. */
    for (; node != NULL && node->most == was; node = node->parent) {
        node->most = most_of(node, below(node->left), below(node->right));
        if (node->most == was)
            return;
    }
}

void
avl_insert(struct avl_tree *tree, struct avl_node *node,
           struct avl_node *parent, struct avl_node **link)
{
    node->left = node->right = NULL;
    node->parent = parent;
    node->height = 1;
    node->own = node->most = 0;
    *link = node;
    subtree_changed(tree, parent);
}

void
avl_remove(struct avl_tree *tree, struct avl_node *node)
{
    struct avl_node *from; /* the lowest node whose subtree changed */

    avl_value(node, 0); /* nobody above will miss it */
    if (node->left != NULL && node->right != NULL) {
        /* Its successor, which has no left child, takes its place. */
        struct avl_node *s = node->right;

        while (s->left != NULL)
            s = s->left;
        from = s->parent == node ? s : s->parent;
        replace(tree, s, s->right);
        s->left = node->left;
        s->right = node->right;
        s->left->parent = s;
        if (s->right != NULL)
            s->right->parent = s;
        s->height = node->height; /* what the parent knows */
        s->most = node->most;
        replace(tree, node, s);
    } else {
        from = node->parent;
        replace(tree, node, node->left != NULL ? node->left : node->right);
    }
    subtree_changed(tree, from);
}

struct avl_node *
avl_first(const struct avl_tree *tree)
{
    struct avl_node *n = tree->root;

    while (n != NULL && n->left != NULL)
        n = n->left;
    return n;
}

struct avl_node *
avl_last(const struct avl_tree *tree)
{
    struct avl_node *n = tree->root;

    while (n != NULL && n->right != NULL)
        n = n->right;
    return n;
}

struct avl_node *
avl_next(const struct avl_node *node)
{
    if (node->right != NULL) {
        struct avl_node *n = node->right;

        while (n->left != NULL)
            n = n->left;
        return n;
    }
    while (node->parent != NULL && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

struct avl_node *
avl_prev(const struct avl_node *node)
{
    if (node->left != NULL) {
        struct avl_node *n = node->left;

        while (n->right != NULL)
            n = n->right;
        return n;
    }
    while (node->parent != NULL && node->parent->left == node)
        node = node->parent;
    return node->parent;
}
