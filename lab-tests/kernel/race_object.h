/* race_object.h: an object of SET pages for race tests, on a disk that is an array
 * of words.
 *
 * Two spaces show it, race_mm[0] and [1], shared.  In the first, SET private pages
 * follow, in the same table. */
#ifndef LAB_TESTS_KERNEL_RACE_OBJECT_H
#define LAB_TESTS_KERNEL_RACE_OBJECT_H

#include "race.h"

extern struct vm_object race_object;
extern uint64_t race_disk[SET]
                         [4]; /* [page lock] the first words of each page */

/* AT_ONCE: a fault itself brings a page.  Otherwise a page comes outside of the
 * gate, and is unlocked before object_fill() has it again; FILLED, if not NULL, is
 * called then.  Word 0 of page i is 1000 + i.  => the spaces are dropped */
void race_object_map(bool at_once, void (*filled)(unsigned index));
/* Page INDEX, locked, with a reference, in the cache; or NULL. */
struct page *race_lock_page(unsigned index);
void race_unlock_page(struct page *page);
/* Write PAGE to the disk, if it is dirty.  => it is locked, nobody stores to it */
void race_write_page(struct page *page);
/* Take page INDEX away from all, or the right to write to it; write it, and throw
 * it OUT. */
void race_clean(unsigned index, bool out);

#endif
