/*
 * sqs_client.h -- signed calls to Amazon SQS.
 *
 * Owns:    an HTTP client for one endpoint, the credentials (it waits for
 *          those, and has them renewed when they are refused), and how far the
 *          clock of the far side is from ours.
 * Touches: the loop. Knows nothing of jobs and batches.
 */
#ifndef HANDLERS_SQS_CLIENT_H
#define HANDLERS_SQS_CLIENT_H

#include "handlers/net/http_client.h"
#include "handlers/queue/aws_files.h"
#include "handlers/queue/sqs_verdict.h"

struct sqs_client;      /* opaque */
struct sqs_client_call; /* opaque; one call under way */

struct sqs_client_options {
	const struct handler_env *env;     /* kept */
	const struct http_client_url *url; /* copied; its path is "/" */
	struct handler_tls *tls;           /* kept; NULL: the url is http */
	const char *region;                /* copied */
	struct aws_settings credentials;   /* copied */
	size_t max_idle; /* connections that are kept for reuse */
};

enum sqs_client_end {
	SQS_CLIENT_ANSWERED, /* 200 */
	SQS_CLIENT_REFUSED,  /* an error: its meaning is there */
	SQS_CLIENT_NOT_SENT, /* it cannot have had an effect */
	SQS_CLIENT_UNKNOWN   /* it was sent, or part of it; no answer came */
};

/* Valid for the call of done(). */
struct sqs_client_answer {
	enum sqs_client_end end;
	const char *reason; /* why it is not ANSWERED, in our own words */
	bool lasting;       /* NOT_SENT: until somebody changes something */
	const struct sqs_meaning *meaning; /* if REFUSED */
	struct sqs_error error;            /* if REFUSED: as SQS named it */
	int status;                        /* 0: there is none */
	int64_t retry_after_ms;            /* 0: no wish */
	const char *body;
	size_t body_len;
};

struct sqs_client_request {
	const char *action; /* kept until the end: "SendMessageBatch" */
	char *body;         /* JSON; taken by sqs_client_start() */
	size_t body_len;
	int64_t timeout_ms; /* for all of it, what is sent again included */
};

/* Exactly once, from the loop. */
typedef void sqs_client_fn(const struct sqs_client_answer *answer, void *arg);

/* NULL when out of memory. It begins to look for credentials. */
struct sqs_client *sqs_client_new(const struct sqs_client_options *opt);

/* Only when no call is under way; also from within done(). Accepts NULL. */
void sqs_client_free(struct sqs_client *sc);

/*
 * Send it. Takes the body also when it fails. Returns NULL when out of memory,
 * and then done() never runs.
 */
struct sqs_client_call *sqs_client_start(struct sqs_client *sc,
    const struct sqs_client_request *request, sqs_client_fn *done, void *arg);

/* Drop it; done() will not run. */
void sqs_client_cancel(struct sqs_client_call *call);

/* Where the credentials are from, for people; NULL: there are none yet. */
const char *sqs_client_source(const struct sqs_client *sc);

/* How far the clock of SQS is ahead of ours, as far as that mattered; ms. */
int64_t sqs_client_ahead_ms(const struct sqs_client *sc);

#endif /* HANDLERS_SQS_CLIENT_H */
