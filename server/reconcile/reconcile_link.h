/*
 * reconcile_link.h -- asks klikit's API for a page of its list of orders.
 *
 * Owns:    one connection, one call at a time, the room for its answer, the
 *          settings by which it asks.
 * Touches: the loop, the HTTP client of handlers/net. No log.
 */
#ifndef SERVER_RECONCILE_LINK_H
#define SERVER_RECONCILE_LINK_H

#include "handlers/net/http_client.h"
#include "server/reconcile/reconcile_dialect.h"

struct reconcile_link; /* opaque */

/* More of an answer is not read. */
#define RECONCILE_ANSWER_MAX ((size_t)4 << 20)

enum reconcile_auth { RECONCILE_BASIC, RECONCILE_BEARER };

/* All borrowed for reconcile_link_new(), but for names, which is copied. */
struct reconcile_far {
	const char *url;
	const char *ca_file; /* NULL: whom this machine trusts */
	enum reconcile_auth auth;
	const char *credentials; /* "KEY:SECRET", or a token */
	enum reconcile_paging paging;
	const char *names[RECONCILE_NNAMES]; /* as reconcile_dialect_set() */
};

/* Keeps env. NULL, with one line in reason, if url or ca_file is none. */
struct reconcile_link *reconcile_link_new(const struct handler_env *env,
    const struct reconcile_far *far, char reason[HANDLER_REASON_MAX]);

/* Valid as long as it is. */
const struct reconcile_dialect *reconcile_link_dialect(
    const struct reconcile_link *link);

/*
 * Ask. done() runs exactly once, never before this returns; the body is the
 * answer's until the next question, or the end. Returns 0; -1 when out of
 * memory, and then done() never runs.
 */
int reconcile_link_ask(struct reconcile_link *link,
    const struct reconcile_ask *ask, http_client_fn *done, void *arg);

/* The next look-up asks the name servers again. */
void reconcile_link_doubt(struct reconcile_link *link);

/* Give the memory of the last answer back. */
void reconcile_link_drop(struct reconcile_link *link);

/* At any time: done() will not run any more. Accepts NULL. */
void reconcile_link_free(struct reconcile_link *link);

#endif /* SERVER_RECONCILE_LINK_H */
