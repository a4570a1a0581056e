/*
 * redis_session.h -- one lasting connection to a Redis, logged in: numbered
 * commands go, their answers come in the same order.
 *
 * Owns:    the link, the reader, what the login needs; the commands of a turn
 *          that are not written yet.
 * Touches: the loop. Knows no jobs.
 */
#ifndef HANDLERS_QUEUE_REDIS_SESSION_H
#define HANDLERS_QUEUE_REDIS_SESSION_H

#include "handlers/net/link.h"
#include "handlers/queue/redis_codec.h"
#include "handlers/queue/redis_login.h"

struct redis_session; /* opaque */

/* How a connection, or the try to make one, ended; valid for the call. */
struct redis_session_end {
	const struct link_end *link;
	const char *refused; /* the error that ended the login; NULL: none */
};

/* Called from the loop; after each of them what was sent is written. */
struct redis_session_calls {
	/* Logged in: commands may be sent. */
	void (*up)(void *arg);

	/* That command was answered. Also for those that nobody minds. */
	void (*answered)(void *arg, uint64_t number,
	    const struct redis_answer *answer);

	/* Commands without an answer will get none. */
	void (*down)(void *arg, const struct redis_session_end *end);
};

/*
 * Copies account but for its script, keeps calls and arg; opt lacks input_max.
 * NULL when out of memory. Nothing is dialled yet.
 */
struct redis_session *redis_session_new(const struct link_options *opt,
    const struct redis_account *account,
    const struct redis_session_calls *calls, void *arg);

/* From now on these are called, while nothing was sent yet. Keeps both. */
void redis_session_serve(struct redis_session *s,
    const struct redis_session_calls *calls, void *arg);

/* Wipes the password. Not from within a function of the table. Accepts NULL. */
void redis_session_free(struct redis_session *s);

/* For link_want(), link_drop(), link_has_left(). Writing is not for others. */
struct link *redis_session_link(struct redis_session *s);

bool redis_session_is_up(const struct redis_session *s);

/*
 * Add a command to what is written next: by redis_session_flush(), or at the
 * end of the function of the table that this is called from. Only while it is
 * up. Returns its number, which is greater than all before, and where it
 * stands, for link_has_left(); 0 when out of memory, and then nothing was
 * added.
 */
uint64_t redis_session_send(struct redis_session *s, const void *bytes,
    size_t len, uint64_t *ret_mark);

/* Load the script of the account once more. As redis_session_send(). */
uint64_t redis_session_load(struct redis_session *s);

/* Write what was sent. */
void redis_session_flush(struct redis_session *s);

#endif /* HANDLERS_QUEUE_REDIS_SESSION_H */
