/*
 * pubsub_inspect.h -- what doctor asks Google Pub/Sub: who we are, whether the
 * topic is there, whether we may publish, whether anything takes what comes.
 *
 * Owns:    the question under way, an HTTP client.
 * Touches: the loop. Asks its credentials for a token. Publishes nothing.
 */
#ifndef HANDLERS_PUBSUB_INSPECT_H
#define HANDLERS_PUBSUB_INSPECT_H

#include "handlers/handler.h"
#include "handlers/net/http_client.h"

struct google_credentials;
struct pubsub_inspection; /* opaque */

/* All kept, but for in, which is copied. */
struct pubsub_inspection_options {
	const struct handler_env *env;
	const struct http_client_url *url; /* its path is not used */
	struct handler_tls *tls;           /* NULL: http */
	/* NULL: an emulator, which asks for no token and knows no rights. */
	struct google_credentials *credentials;
	const char *project;
	const char *topic;
	int64_t timeout_ms; /* of a question */
	const struct handler_inspection *in;
};

/*
 * Begin. in's done() runs once, from the loop, unless it is freed before. NULL
 * when out of memory.
 */
struct pubsub_inspection *pubsub_inspection_new(
    const struct pubsub_inspection_options *opt);

/* At any time, also from within done(). Accepts NULL. */
void pubsub_inspection_free(struct pubsub_inspection *pi);

/* The credentials' ready(). */
void pubsub_inspection_ready(struct pubsub_inspection *pi,
    const struct handler_result *failure);

#endif /* HANDLERS_PUBSUB_INSPECT_H */
