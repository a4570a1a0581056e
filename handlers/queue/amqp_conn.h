/*
 * amqp_conn.h -- a lasting connection to a broker that speaks AMQP 0-9-1.
 *
 * Owns:    its link, what the two have said so far, the heartbeat.
 * Touches: the loop. Knows no jobs.
 *
 * A sign of life is sent every half of the heartbeat that was agreed upon; a
 * broker that has been silent for two heartbeats is left. So does the broker.
 */
#ifndef HANDLERS_QUEUE_AMQP_CONN_H
#define HANDLERS_QUEUE_AMQP_CONN_H

#include "handlers/net/link.h"
#include "handlers/queue/amqp_session.h"

struct amqp_conn; /* opaque */

/* All come from the loop, never from within a function of this module. */
struct amqp_conn_calls {
	/* The login is done: messages may be written. */
	void (*up)(void *arg);

	/*
	 * ACK, NACK, RETURN, BLOCKED, UNBLOCKED, FOUND or MISSING. Returns 0;
	 * -1 after amqp_conn_break().
	 */
	int (*said)(void *arg, const struct amqp_news *news);

	/*
	 * There is no connection any more, or none could be made. closed is
	 * what the broker said when it closed it; NULL: it did not.
	 */
	void (*down)(void *arg, const struct link_end *end,
	    const struct amqp_news *closed);
};

/* Keeps all but what link_new() copies. NULL when out of memory. */
struct amqp_conn *amqp_conn_new(const struct link_options *opt,
    const struct amqp_login *login, const struct amqp_conn_calls *calls,
    void *arg);

/* Take leave, close. No call comes any more. Accepts NULL. */
void amqp_conn_free(struct amqp_conn *c);

/* Its link: to be wanted, written to, dropped, asked for its state. */
struct link *amqp_conn_link(const struct amqp_conn *c);

/* The longest frame that may be sent; only when it is UP. */
size_t amqp_conn_frame_max(const struct amqp_conn *c);

/*
 * How many frames have come so far, over all connections; not those of messages
 * that come back, of which there may be no end.
 */
uint64_t amqp_conn_heard(const struct amqp_conn *c);

/* amqp_session_ask(): the answer is said. UP only. */
void amqp_conn_ask(struct amqp_conn *c, bool exchange,
    const struct amqp_declare *what);

/* From said(): it makes no sense. reason: the end of a sentence about it. */
void amqp_conn_break(struct amqp_conn *c, const char *reason);

#endif /* HANDLERS_QUEUE_AMQP_CONN_H */
