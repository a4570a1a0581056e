/*
 * pubsub_publish.h -- messages on their way to a topic of Google Pub/Sub.
 *
 * Owns:    the messages that were given to it, an HTTP client, the requests
 *          under way.
 * Touches: the loop, env's finish(). Asks its credentials for a token.
 *
 * Messages are gathered, and a flush sends them as few requests. What becomes
 * of a request becomes of all its messages, but for one that is refused for
 * what is in it: then each half is sent by itself, until the guilty message is
 * alone.
 */
#ifndef HANDLERS_PUBSUB_PUBLISH_H
#define HANDLERS_PUBSUB_PUBLISH_H

#include "handlers/handler.h"
#include "handlers/net/http_client.h"

struct google_credentials;
struct pubsub_publisher; /* opaque */

struct pubsub_publisher_options {
	const struct handler_env *env;     /* kept */
	const struct http_client_url *url; /* to POST to; copied */
	struct handler_tls *tls;           /* kept; NULL: http */
	/* Kept; NULL: requests go without a token. */
	struct google_credentials *credentials;
	size_t max_idle;    /* connections that are kept */
	int64_t timeout_ms; /* of a message, whatever is done for it */
};

/* NULL when out of memory. */
struct pubsub_publisher *pubsub_publisher_new(
    const struct pubsub_publisher_options *opt);

/* Only when no call is in it; also from within finish(). Accepts NULL. */
void pubsub_publisher_free(struct pubsub_publisher *p);

/*
 * A message (pubsub_message_print()) for the next flush; takes it, and ends
 * call by finish(), unless it is cancelled. Returns 0; -1 when out of memory,
 * and then the message stays the caller's.
 */
int pubsub_publisher_add(struct pubsub_publisher *p, struct handler_call *call,
    char *message, size_t len);

/* Send what was gathered, in its order. May call finish(). */
void pubsub_publisher_flush(struct pubsub_publisher *p);

/* The credentials' ready(): there is a token, or none can be had. */
void pubsub_publisher_ready(struct pubsub_publisher *p,
    const struct handler_result *failure);

/* Dispatch cancels it: gone without finish(). Unknown ones are ignored. */
void pubsub_publisher_cancel(struct pubsub_publisher *p,
    struct handler_call *call);

#endif /* HANDLERS_PUBSUB_PUBLISH_H */
