/*
 * journal.h -- what has just happened, for those who watch.
 *
 * Owns:    for the newest JOURNAL_TIMES events when they were stored and when
 *          their answer left; and, while somebody listens, the numbers of what
 *          changed since it was last taken.
 * Touches: nothing. Times are passed in.
 *
 * Fed on the path of an ack, so a note is a few instructions, and one that
 * nobody listens to is dropped at once. What a number stands for is read from
 * the store by the one who takes it. All fits in memory made at the start.
 */
#ifndef SERVER_JOURNAL_H
#define SERVER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal; /* opaque */

#define JOURNAL_TIMES 4096 /* events, a power of two */
#define JOURNAL_MAX 256    /* numbers of one kind between two takings */

enum journal_kind {
	JOURNAL_EVENT,     /* received, or received again */
	JOURNAL_JOB,       /* its state changed */
	JOURNAL_REJECTION, /* stored */
	JOURNAL_HANDLER,   /* paused, probed, or goes on */
	JOURNAL_NKINDS
};

/* NULL when out of memory. */
struct journal *journal_new(void);

/* Accepts NULL. */
void journal_free(struct journal *j);

/*
 * Listen: wake(arg) runs when something is noted and nothing was before; up to
 * max (JOURNAL_MAX at most) of a kind are kept. wake NULL: listen no longer,
 * and forget what was noted.
 */
void journal_listen(struct journal *j, size_t max, void (*wake)(void *arg),
    void *arg);

/* The event is on disk. j may be NULL, here and below. */
void journal_stored(struct journal *j, int64_t event, int64_t at_ms);

/* The answer to it has left. */
void journal_acked(struct journal *j, int64_t event, int64_t at_ms);

/* Something happened to what has that number in the store. */
void journal_note(struct journal *j, enum journal_kind kind, int64_t number);

/* More happened than anybody knows of: as if that were noted. */
void journal_lose(struct journal *j);

/* When that was; 0: it is not known, or no longer. */
int64_t journal_stored_ms(const struct journal *j, int64_t event);
int64_t journal_acked_ms(const struct journal *j, int64_t event);

/*
 * Take what was noted of a kind, in ret, each number once, the smallest first.
 * Returns how many. To be asked first: was more noted of any kind than is
 * kept? Then everything is forgotten.
 */
bool journal_lost(struct journal *j);
size_t journal_take(struct journal *j, enum journal_kind kind,
    int64_t ret[JOURNAL_MAX]);

/* Is something noted that was not taken? */
bool journal_has(const struct journal *j);

#endif /* SERVER_JOURNAL_H */
