/*
 * aws_metadata.h -- credentials from the metadata service of a container or of
 * the machine: one call, or three, one after the other.
 *
 * Owns:    the call under way, and its client.
 * Touches: the loop, the environment, the file that it names for the
 *          container's token.
 *
 * The calls are those of "Container credential provider" in AWS's guide of its
 * SDKs and of "Use IMDS" in that of EC2 (IMDSv2 only: with a token).
 */
#ifndef HANDLERS_AWS_METADATA_H
#define HANDLERS_AWS_METADATA_H

#include "handlers/handler.h"
#include "handlers/queue/aws_keys.h"

struct aws_metadata; /* opaque */

struct aws_metadata_end {
	struct aws_keys *keys; /* NULL: none; to be copied */
	const char *source;    /* "the machine's metadata service" */
	const char *reason;    /* why there are none, in our own words */
	bool lasting; /* until somebody changes the machine's settings */
};

/*
 * The end of what aws_metadata_ask() has begun: once, from the loop, or at once
 * from within that if it cannot even begin.
 */
typedef void aws_metadata_fn(const struct aws_metadata_end *end, void *arg);

/* Keeps env and arg. NULL when out of memory. */
struct aws_metadata *aws_metadata_new(const struct handler_env *env,
    aws_metadata_fn *done, void *arg);

/* At any time; what is under way does not end. Accepts NULL. */
void aws_metadata_free(struct aws_metadata *m);

/* Does the environment name a container's service? Else it is the machine's. */
bool aws_metadata_is_container(const struct aws_metadata *m);

/* Ask for credentials. Not while that is under way. */
void aws_metadata_ask(struct aws_metadata *m);

#endif /* HANDLERS_AWS_METADATA_H */
