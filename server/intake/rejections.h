/*
 * rejections.h -- deliveries that were refused, on their way to the store.
 *
 * Owns:    a bounded buffer of rejections and the timer that writes it out,
 *          in batches, apart from every ack; counts by cause.
 * Touches: store.h, an evtimer, the log.
 */
#ifndef SERVER_REJECTIONS_H
#define SERVER_REJECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/diagnosis/reject_cause.h"
#include "store/store.h"

struct event_base;
struct journal;
struct steady;
struct rejections; /* opaque */

/* Of a body that is not authentic this much is kept. */
#define REJECTIONS_BODY_MAX 1024

struct rejection {
	enum reject_cause cause;
	int64_t at_ms;
	const char *peer;
	const char *endpoint; /* that it came to */
	bool examined;        /* the signature doctor has seen it */
	bool known;           /* and found that a form of it was signed */
	const unsigned char *digest; /* the MAC; NULL: it is not authentic */
	const char *code;            /* what it found; NULL: nothing */
	const char *diagnosis;       /* the same in words; NULL: nothing */
	const char *headers; /* redacted; NULL if there are none to show */
	const void *body;
	size_t body_len; /* of what is at body */
	size_t size;     /* of the whole */
};

/* Keeps base and st. NULL when out of memory. */
struct rejections *rejections_new(struct event_base *base, struct store *st);

/* Note by clock, which is kept, when each came in. */
void rejections_set_clock(struct rejections *rej, const struct steady *clock);

/* Note those that are on disk in j, which is kept. */
void rejections_set_journal(struct rejections *rej, struct journal *j);

/*
 * Has the authentic delivery been refused for this in the last minute? Then it
 * is counted, will be noted with the next one after that minute, and is not to
 * be added: resending a captured delivery must not make us write or copy.
 */
bool rejections_again(struct rejections *rej, enum reject_cause cause,
    const unsigned char *digest);

/*
 * Would rejections_add() keep it now? Else its headers and its body need not be
 * there.
 */
bool rejections_has_room(struct rejections *rej, const struct rejection *r);

/*
 * Note a rejection; copies it. An authentic one waits for the store as long
 * as it takes (32 MiB of them; then it is dropped and an error is logged).
 * Others are dropped, and only counted, while 64 of them wait for the next
 * write, which comes once a second (once in ten when much is refused), and when
 * the hour's bytes are used up (reject_budget.h): strangers cannot fill memory
 * or wear out the disk. Of the 64 places 40 are for such as were examined.
 */
void rejections_add(struct rejections *rej, const struct rejection *r);

/* How many of a cause there were since the start, dropped ones included. */
uint64_t rejections_count(const struct rejections *rej,
    enum reject_cause cause);

/*
 * Those that klikit must have sent, whatever became of them on their way:
 * authentic ones, but for an id that came again, and those of which a form was
 * signed. How many there were since the start; what was found about the last is
 * *ret_text, "" for none, valid for the moment.
 */
uint64_t rejections_of_klikit(const struct rejections *rej,
    const char **ret_text);

/* How many of them are only counted: strangers', or the disk has failed. */
uint64_t rejections_not_kept(const struct rejections *rej,
    enum reject_cause cause);

/*
 * Hand what is buffered to the store now: one batch; the next one follows by
 * the timer. At the end, call it and wait for the store until none is left.
 */
void rejections_flush(struct rejections *rej);

/* Rejections that are not on disk yet. */
size_t rejections_waiting(const struct rejections *rej);

/*
 * Drops what is not on disk, and logs it if some was authentic. Only when the
 * store has finished what it was given. Accepts NULL.
 */
void rejections_free(struct rejections *rej);

#endif /* SERVER_REJECTIONS_H */
