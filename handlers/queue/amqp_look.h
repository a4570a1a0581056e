/*
 * amqp_look.h -- what doctor wants to know of a broker, by AMQP 0-9-1: does it
 * let us in, is there what we publish to, will it outlive a restart?
 *
 * Owns:    one look under way, with a connection of its own.
 * Touches: the loop. Changes nothing at the broker.
 */
#ifndef HANDLERS_QUEUE_AMQP_LOOK_H
#define HANDLERS_QUEUE_AMQP_LOOK_H

#include "handlers/net/link.h"
#include "handlers/queue/amqp_session.h"

struct amqp_look; /* opaque */

/* What to look for; all is kept but opt, which is copied. */
struct amqp_look_at {
	const struct link_options *opt;
	const struct amqp_login *login; /* which declares nothing */
	const char *exchange;           /* empty: the default one */
	const char *queue;              /* NULL: which one cannot be known */
	bool declared; /* the queue is made when it is missing */
};

/*
 * in's done() comes from the loop, once, unless amqp_look_free() comes first.
 * NULL when out of memory.
 */
struct amqp_look *amqp_look_new(const struct amqp_look_at *at,
    const struct handler_inspection *in);

/* Accepts NULL. */
void amqp_look_free(struct amqp_look *look);

#endif /* HANDLERS_QUEUE_AMQP_LOOK_H */
