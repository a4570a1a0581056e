/*
 * amqp_outlet.h -- messages on their way to a broker that speaks AMQP 0-9-1:
 * they wait, are out, and end, each once, by env's finish().
 *
 * Owns:    its connection, the messages, what is known of those that are out.
 * Touches: the loop. Knows no events.
 */
#ifndef HANDLERS_QUEUE_AMQP_OUTLET_H
#define HANDLERS_QUEUE_AMQP_OUTLET_H

#include "handlers/net/link.h"
#include "handlers/queue/amqp_message.h"
#include "handlers/queue/amqp_session.h"
#include "handlers/queue/amqp_verdict.h"

struct amqp_outlet; /* opaque */

struct amqp_outlet_options {
	struct link_options link;
	const struct amqp_login *login; /* kept */
	int64_t timeout_ms; /* of a message, until it is confirmed */
	size_t concurrency; /* messages at once, at most */
	enum amqp_unroutable unroutable;
	const char *handler; /* its name; kept */
};

/* A message, ready to be sent. */
struct amqp_letter {
	void *bytes; /* from malloc(): two frames, then the body */
	size_t len;
	size_t head_len; /* of the two frames */
	char message_id[AMQP_MESSAGE_ID_MAX + 1];
};

/* NULL when out of memory. */
struct amqp_outlet *amqp_outlet_new(const struct amqp_outlet_options *opt);

/* Only when no message is in it. Accepts NULL. */
void amqp_outlet_free(struct amqp_outlet *a);

/*
 * It waits from now on. Takes letter's bytes, copies the rest. Returns 0; -1
 * when out of memory, and then the bytes are still the caller's.
 */
int amqp_outlet_add(struct amqp_outlet *a, struct handler_call *call,
    const struct amqp_letter *letter);

/* Send what may be sent; see to it that there is a connection for the rest. */
void amqp_outlet_pump(struct amqp_outlet *a);

/* See handler.h. */
void amqp_outlet_hurry(struct amqp_outlet *a);

/* May messages be sent: is there a connection, and not blocked? */
bool amqp_outlet_is_up(const struct amqp_outlet *a);

/* It ends without finish(). Unknown ones are ignored. */
void amqp_outlet_cancel(struct amqp_outlet *a, struct handler_call *call);

#endif /* HANDLERS_QUEUE_AMQP_OUTLET_H */
