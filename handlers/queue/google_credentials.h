/*
 * google_credentials.h -- the token that goes with each call of a Google API:
 * one that a service account signed itself, or the metadata server's.
 *
 * Owns:    the account, the token in force, the making of the next one.
 * Touches: the loop; for a metadata server an HTTP client of its own.
 *
 * A token is made when it is first asked for, and anew in the background when
 * little of its time is left: calls wait for it only while there is none. What
 * is secret is wiped.
 */
#ifndef HANDLERS_GOOGLE_CREDENTIALS_H
#define HANDLERS_GOOGLE_CREDENTIALS_H

#include <stdint.h>

#include "handlers/handler.h"

#define GOOGLE_METADATA_HOST "169.254.169.254"

struct google_credentials; /* opaque */

/*
 * From the loop, for all who wait: there is a token (failure is NULL), or none
 * could be had, and why: a RETRY. Borrowed for the call.
 */
typedef void google_ready_fn(const struct handler_result *failure, void *arg);

struct google_credentials_options {
	const struct handler_env *env; /* kept */
	const char *file; /* bytes of the account's file; NULL: there is none */
	size_t file_len;
	const char *audience; /* of tokens that the account signs; kept */
	/* The metadata server, if there is no file: "HOST" or "HOST:PORT". */
	const char *metadata_host;
	int64_t timeout_ms; /* of a call of it */
	google_ready_fn *ready;
	void *arg;
};

/*
 * Copies opt, but for what is kept. On failure returns NULL and writes one line
 * to reason.
 */
struct google_credentials *
google_credentials_new(const struct google_credentials_options *opt,
    char reason[HANDLER_REASON_MAX]);

/* Wipes all; ready() will not be called any more. Accepts NULL. */
void google_credentials_free(struct google_credentials *gc);

/*
 * "Authorization: Bearer TOKEN", valid until the loop goes on, and which token
 * it is. NULL: there is none now; one is being made, and ready() follows.
 */
const char *google_credentials_header(struct google_credentials *gc,
    unsigned *ret_number);

/*
 * The far side refused the token of that number: it is not used any more. Its
 * clock (ms since the epoch; 0: not known) corrects ours in what the account
 * signs, if they differ by more than a minute.
 */
void google_credentials_refused(struct google_credentials *gc, unsigned number,
    int64_t far_clock_ms);

#endif /* HANDLERS_GOOGLE_CREDENTIALS_H */
