/* list.h: a doubly linked ring.  The head is a node that carries nothing; an
 * empty list is a head that points at itself.  No node knows its list, so the
 * lock is always named where the head is declared. */
#ifndef LIBS_LIST_H
#define LIBS_LIST_H

#include <stdbool.h>
#include <util.h>

struct list {
    struct list *prev, *next;
};

#define LIST_INIT(head)  \
    {                    \
        &(head), &(head) \
    }

static inline void
list_init(struct list *head)
{
    head->prev = head->next = head;
}

static inline bool
list_empty(const struct list *head)
{
    return head->next == head;
}

/* Put NODE right after AT: at the front, if AT is the head. */
static inline void
list_add(struct list *at, struct list *node)
{
    node->prev = at;
    node->next = at->next;
    at->next->prev = node;
    at->next = node;
}

/* Put NODE right before AT: at the end, if AT is the head. */
static inline void
list_add_tail(struct list *at, struct list *node)
{
    list_add(at->prev, node);
}

/* Take NODE out and leave it an empty list of its own, so that a second
 * list_del() does no harm and list_empty(node) says "on no list". */
static inline void
list_del(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* All of FROM, in order, to the end of TO. */
static inline void
list_move(struct list *from, struct list *to)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)

#define list_for_each(n, head) \
    for (struct list *n = (head)->next; n != (head); n = n->next)

/* As list_for_each, but the body may take N off the list. */
#define list_for_each_safe(n, head)                                       \
    for (struct list *n = (head)->next, *n##_next = n->next; n != (head); \
         n = n##_next, n##_next = n->next)

#define list_for_each_entry(p, head, type, member)                       \
    for (type *p = list_first(head, type, member); &p->member != (head); \
         p = list_entry(p->member.next, type, member))

#endif
