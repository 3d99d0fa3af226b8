/* race.h: named places between two steps of which another hart may slip in.
 *
 * Only build/races.img is compiled with RACE_POINTS; there a test delays harts
 * at these places by chance (lab-tests/kernel/race.c).  Elsewhere they are
 * nothing. */
#ifndef LIBS_RACE_H
#define LIBS_RACE_H

#ifdef RACE_POINTS
/* => any context, any locks before RANK_BUDDY held */
void race_delay(const char *point);
#define race_point(name) race_delay(name)
#else
#define race_point(name) ((void)0)
#endif

#endif
