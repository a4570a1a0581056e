/*
 * screen.h -- where a verb's output goes: a person's terminal, or a program.
 *
 * Touches: the terminal's size, NO_COLOR, TERM and COLUMNS in the environment.
 *
 * What goes to a program is whole and stays as it is: all columns, ids and
 * types in full, times in UTC. For a person it is made to fit.
 */
#ifndef SERVER_SCREEN_H
#define SERVER_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

struct screen {
	bool terminal; /* else a program reads, and all below is false and 0 */
	bool colours;
	bool wide;      /* everything is asked for, however long the lines */
	bool utc;       /* times in UTC, not in the zone of the machine */
	unsigned width; /* in characters */
};

/*
 * What out is. COLUMNS counts where the terminal does not say its size. The
 * wishes are the caller's to set.
 */
struct screen screen_of(FILE *out);

/*
 * How something stands, in one word: the sequence that colours it, "" for a
 * word that needs none. screen_plain() ends the colour. Both are "" on a screen
 * without colours; static.
 */
const char *screen_state(const struct screen *s, const char *word);
const char *screen_faint(const struct screen *s);
const char *screen_plain(const struct screen *s);

#endif /* SERVER_SCREEN_H */
