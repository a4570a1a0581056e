/*
 * dial.h -- a connected TCP socket to a host.
 *
 * Owns:    the sockets that are being connected, and which addresses of the
 *          host did not serve lately.
 * Touches: the loop, the resolver. Knows nothing of what is said afterwards.
 *
 * An address that hangs uses up a moment only: then the next one is tried
 * beside it, and the first that connects is the one (RFC 8305). Those that
 * were slower, refused, or are blamed come last for a while.
 */
#ifndef HANDLERS_DIAL_H
#define HANDLERS_DIAL_H

#include <stddef.h>
#include <stdint.h>

struct dial;   /* opaque; one under way */
struct dialer; /* opaque; for one host and port */
struct event_base;
struct resolver;

#define DIAL_PEER_MAX 80 /* "[address]:port" */
#define DIAL_REASON_MAX 256

/* How it ended; valid for the call. */
struct dial_end {
	int fd;             /* connected, the callee's; -1: none */
	const char *peer;   /* whose address */
	size_t addresses;   /* that the host has */
	const char *reason; /* in one line, why there is none; else NULL */
};

/* Exactly once, from the loop. */
typedef void dial_fn(const struct dial_end *end, void *arg);

/* Keeps base and resolver, copies host. NULL when out of memory. */
struct dialer *dialer_new(struct event_base *base, struct resolver *resolver,
    const char *host, uint16_t port);

/* Only when no dial is under way. Accepts NULL. */
void dialer_free(struct dialer *d);

/*
 * What was connected to peer did not serve: its other addresses are tried
 * before that one for a while.
 */
void dialer_blame(struct dialer *d, const char *peer);

/*
 * Look the host up, for at most lookup_ms, and connect, for as long as it
 * takes: the next address is tried after each patience_ms. Returns what is to
 * be named to dial_cancel() until done() has run; NULL when out of memory, and
 * then done() never runs.
 */
struct dial *dial_start(struct dialer *d, int64_t lookup_ms,
    int64_t patience_ms, dial_fn *done, void *arg);

/*
 * The address that is being connected to, of several the one tried last; NULL
 * while the name is looked up.
 */
const char *dial_peer(const struct dial *dial);

/* Close what there is; done() will not run. The addresses tried are blamed. */
void dial_cancel(struct dial *dial);

#endif /* HANDLERS_DIAL_H */
