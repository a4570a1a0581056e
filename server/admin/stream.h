/*
 * stream.h -- what happens, as messages for those who look on.
 *
 * Owns:    a bounded ring of messages, each made once for all readers, while
 *          there are readers and STREAM_GRACE_MS longer; the timer that makes
 *          them, apart from every ack.
 * Touches: journal.h, which says what changed; store.h, on the reader thread,
 *          for what it is now; the documents of the admin API. No HTTP.
 *
 * A message is a block of Server-Sent Events (the HTML standard, section
 * 9.2). Its id is "<boot>-<number>": who comes back with it gets what came
 * since, or, if that is not here any more, a `reset': load the lists anew.
 * When more happens than can be sent, all get a reset, and then nothing for
 * STREAM_HOLD_MS.
 */
#ifndef SERVER_STREAM_H
#define SERVER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/admin/entity.h"

struct event_base;
struct journal;
struct store;
struct stream;        /* opaque */
struct stream_reader; /* opaque */

#define STREAM_READERS_MAX 100
#define STREAM_MESSAGES_MAX 2048           /* in the ring */
#define STREAM_BYTES_MAX (2 * 1024 * 1024) /* of them */
#define STREAM_TURN_MS 50   /* what happens within it is sent together */
#define STREAM_HOLD_MS 2000 /* after a reset */
#define STREAM_GRACE_MS 30000

/* What is known of a handler beside the store; may be NULL. */
struct stream_fns {
	void (*live)(void *arg, const struct store_handler_info *h,
	    struct entity_live *ret_live);
	void *arg;
};

/* Keeps all but fns, which is copied. NULL when out of memory. */
struct stream *stream_new(struct event_base *base, struct store *st,
    struct journal *j, const struct stream_fns *fns);

/* Only without readers, when the store has nothing under way. Accepts NULL. */
void stream_free(struct stream *s);

/* Ask nothing more of the store. */
void stream_stop(struct stream *s);

/*
 * A reader that has seen all up to the message of that id (NULL: it will load
 * what it needs). wake(arg) runs when there may be something for it, not
 * before this call returns. NULL: there are STREAM_READERS_MAX, or no memory.
 */
struct stream_reader *stream_join(struct stream *s, const char *last_id,
    void (*wake)(void *arg), void *arg);

void stream_leave(struct stream_reader *r);

enum stream_rc {
	STREAM_MESSAGE,
	STREAM_NOTHING, /* yet */
	STREAM_LOST     /* r was too slow: there is no way to go on */
};

/*
 * The next message for r: its bytes, valid until the loop turns. The first one
 * of every reader has no event, only its id.
 */
enum stream_rc stream_next(struct stream_reader *r, const char **ret_text,
    size_t *ret_len);

/* What was counted since the start, and is so now. */
struct stream_stats {
	size_t readers;
	size_t bytes; /* in the ring */
	uint64_t messages;
	uint64_t resets; /* of all readers */
};
void stream_stats(const struct stream *s, struct stream_stats *ret_stats);

#endif /* SERVER_STREAM_H */
