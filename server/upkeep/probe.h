/*
 * probe.h -- does a delivery through the public URL arrive here?
 *
 * Owns:    one probe at a time: a signed delivery that is posted to a URL,
 *          and what is seen of it when it comes in; the timer of [probe].
 * Touches: the loop, the HTTP client of handlers/net, store.h (one write for
 *          each probe that arrives), the alerts, the log.
 *
 * The delivery is signed as klikit signs; it is known by its body
 * (intake/probe_body.h), is stored nowhere and reaches no handler. That it got
 * all the way is shown by a commit of the store before it is answered. Only the
 * first one with the nonce that is awaited counts: one that is sent again is
 * answered the same, and costs nothing.
 */
#ifndef SERVER_PROBE_H
#define SERVER_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "server/auth/signature.h"
#include "server/upkeep/probe_verdict.h"

struct alerts;
struct probe; /* opaque */
struct store;

#define PROBE_FIRST_MS 5000    /* from the start to the first */
#define PROBE_AGAIN_MS 60000   /* after one that failed, if that is less */
#define PROBE_TIMEOUT_MS 15000 /* for one */
#define PROBE_URL_MAX 512

struct probe_options {
	const struct handler_env *env; /* these three kept */
	struct store *st;
	struct alerts *alerts;
	/*
	 * Sign a body as klikit signs what it posts to that URL. Returns 0; -1:
	 * there is no secret for it.
	 */
	int (*sign)(void *arg, const char *url, const void *body, size_t len,
	    char ret_hex[SIGNATURE_TEXT_LEN + 1]);
	void *arg;
};

/* Copies opt. NULL when out of memory. */
struct probe *probe_new(const struct probe_options *opt);

struct probe_settings {
	const char *url; /* NULL or every_ms 0: none by the timer */
	int64_t every_ms;
	const char *ca_file; /* who vouches for the URL; NULL: as usual */
	const char *handler; /* the name of one: its row is what is written */
};

/* Go by these from now on; all copied. Returns 0; -1 when out of memory. */
int probe_set(struct probe *p, const struct probe_settings *set);

/* Exactly once, from the loop; verdict is valid for the call. */
typedef void probe_done_fn(const struct probe_verdict *verdict, int64_t took_ms,
    void *arg);

/*
 * Probe that URL now. Returns 0; -1, and one line in reason, if it is none, one
 * is under way, or there is no secret: then done() never runs.
 */
int probe_start(struct probe *p, const char *url, probe_done_fn *done,
    void *arg, char reason[HANDLER_REASON_MAX]);

/*
 * An authentic delivery with that nonce came in from peer. Returns true if it
 * is the one that is awaited: then done() runs, once, with whether the store
 * has written. False: it is to be answered at once.
 */
typedef void probe_taken_fn(bool committed, void *arg);
bool probe_take(struct probe *p, const unsigned char *nonce, const char *peer,
    probe_taken_fn *done, void *arg);

/* A delivery that calls itself a probe came in, with a wrong signature. */
void probe_refused(struct probe *p);

struct probe_status {
	bool on;
	char url[PROBE_URL_MAX];
	int64_t every_ms;
	int64_t at_ms; /* of the last; 0: none yet */
	int64_t took_ms;
	bool ok;       /* it arrived */
	int64_t ok_ms; /* when one last did */
	uint64_t failures;
	struct probe_verdict verdict; /* of the last */
};
void probe_status(const struct probe *p, struct probe_status *ret_status);

/* End the one under way (its done() runs), and begin no more. Accepts NULL. */
void probe_stop(struct probe *p);

/* After probe_stop(), when the store has finished. Accepts NULL. */
void probe_free(struct probe *p);

#endif /* SERVER_PROBE_H */
