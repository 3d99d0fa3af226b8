/* avl.h: an intrusive balanced search tree, with an optional summary.
 *
 * The user embeds a struct avl_node, walks the tree himself to find the place
 * of a new node (only he knows the order), and calls avl_insert(), which
 * rebalances.  Insert, remove, first, next are O(log n) and never allocate.
 *
 *   struct avl_node **link = &tree->root, *parent = NULL;
 *   while (*link) {
 *       parent = *link;
 *       link = key < key_of(parent) ? &parent->left : &parent->right;
 *   }
 *   avl_insert(tree, node, parent, link);
 *
 * Each node may have a value of its own; the tree keeps in "most" the largest in
 * the subtree (e.g. the largest gap), so a walk down finds the first node whose
 * value is large enough.  It is 0 until avl_value() says otherwise. */
#ifndef LIBS_AVL_H
#define LIBS_AVL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct avl_node {
    struct avl_node *left, *right, *parent;
    uint64_t own, most; /* the user's value; the largest one in this subtree */
    int height;         /* 1 for a leaf */
};

struct avl_tree {
    struct avl_node *root;
};

void avl_insert(struct avl_tree *tree, struct avl_node *node,
                struct avl_node *parent, struct avl_node **link);
void avl_remove(struct avl_tree *tree,
                struct avl_node *node); /* its value: 0 */

/* The value of NODE, which is in a tree, is OWN from now on. */
void avl_value(struct avl_node *node, uint64_t own);

struct avl_node *avl_first(const struct avl_tree *tree);
struct avl_node *avl_last(const struct avl_tree *tree);
struct avl_node *avl_next(const struct avl_node *node);
struct avl_node *avl_prev(const struct avl_node *node);

#define avl_entry(node, type, member) container_of(node, type, member)
#define avl_for_each(n, tree) \
    for (struct avl_node *n = avl_first(tree); n != NULL; n = avl_next(n))

#endif
