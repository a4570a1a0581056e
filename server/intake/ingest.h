/*
 * ingest.h -- a verified delivery becomes an event and its jobs.
 *
 * Owns:    the deliveries between their verification and their commit, the
 *          deadline for that commit, the subscriptions of the handlers, and the
 * promise of exactly one answer each. Touches: store.h, envelope.h, dispatch.h,
 * the log and an evtimer. No HTTP: what an outcome is called there is the
 * caller's business.
 */
#ifndef SERVER_INGEST_H
#define SERVER_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/body/event_kind.h"
#include "server/intake/subscription.h"
#include "store/arrival.h"
#include "store/store.h"

struct branches;
struct event_base;
struct dispatch;
struct journal;
struct kept_headers;
struct rejections;
struct ingest; /* opaque */

/* How long a delivery waits for its commit before it is turned away. */
#define INGEST_COMMIT_MS 5000

/* A delivery whose signature has been verified, or that a hub vouches for. */
struct delivery {
	const char *event_id;
	const char *type;
	enum store_origin origin;
	const char *secret;   /* the name of the one that matched; NULL: it is
				 not signed, and has no digest */
	const char *scope;    /* of what it signs; NULL: the empty one */
	const char *endpoint; /* that it came through; NULL: none */
	const struct selection *fits; /* what comes through that; NULL: all */
	const char *peer;
	const unsigned char *digest; /* the MAC, ORDER_DIGEST_LEN bytes */
	int64_t received_at_ms;
	const struct kept_headers *headers; /* NULL: none are kept */
	void *body;                         /* from malloc */
	size_t body_len;
};

enum ingest_rc {
	INGEST_RECEIVED,  /* it is on disk, and new */
	INGEST_REPEAT,    /* it is on disk, but has an earlier event's bytes */
	INGEST_DUPLICATE, /* its id was stored before */
	INGEST_INVALID,   /* the body is no JSON object or array */
	INGEST_TOO_MANY,  /* more orders than ENVELOPE_ORDERS_MAX */
	INGEST_MISFIT,    /* it is none of those that fit */
	INGEST_BUSY,      /* not now: queue, disk, memory or time */
	INGEST_PENDING    /* only from ingest_submit(): done() will run */
};

/*
 * The outcome: INGEST_RECEIVED or INGEST_REPEAT, with the event's number,
 * INGEST_DUPLICATE or INGEST_BUSY. Only INGEST_RECEIVED proves that the sender
 * is klikit, or knows its secret: the others are had by sending again what was
 * seen on the way.
 */
typedef void ingest_done_fn(enum ingest_rc rc, int64_t event, void *arg);

/*
 * Keeps all of its arguments until ingest_free(). NULL when out of memory.
 */
struct ingest *ingest_new(struct event_base *base, struct store *st,
    struct dispatch *d, struct rejections *rej);

/*
 * Take deliveries, as after ingest_new(), or turn each away as INGEST_BUSY:
 * while the subscriptions are not known it would be stored for nobody.
 */
void ingest_set_open(struct ingest *in, bool open);

/* Note each new event in j, which is kept. */
void ingest_set_journal(struct ingest *in, struct journal *j);

/*
 * Take over these subscriptions, in place of the old ones, for deliveries to
 * come. Copies all. Returns 0; -1 when out of memory, and then the old ones
 * stay.
 */
int ingest_subscribe(struct ingest *in, const struct subscription *subs,
    size_t nsubs, const struct status_codes *codes);

/*
 * Scan the body and queue the event. INGEST_PENDING: del->body is taken, and
 * done() runs exactly once, within INGEST_COMMIT_MS, not before this call
 * returns. Anything else: done() never runs and del->body is the caller's.
 */
enum ingest_rc ingest_submit(struct ingest *in, const struct delivery *del,
    ingest_done_fn *done, void *arg);

/* An event of klikitd's own: nobody signed it. */
struct own_event {
	const char *event_id; /* both begin with TYPE_OWN */
	const char *type;
	const char *scope;  /* NULL: the empty one */
	const char *brand;  /* that it is about; NULL: about none */
	const char *branch; /* likewise */
	const struct store_order *order; /* likewise; its jobs wait in line */
	int64_t at_ms;
	void *body; /* from malloc */
	size_t body_len;
};

/* Is there a handler for events of klikitd's own like that? */
bool ingest_takes(const struct ingest *in, const struct selection_event *ev);

/*
 * Queue it like any event; its jobs may run as soon as it is on disk. Returns
 * 0: its body is taken, and done() runs exactly once, not before this call
 * returns: INGEST_RECEIVED, INGEST_DUPLICATE or INGEST_BUSY. Returns -1, and
 * then it stays the caller's: not now.
 */
int ingest_own(struct ingest *in, const struct own_event *own,
    ingest_done_fn *done, void *arg);

/*
 * The answer to an event that was INGEST_RECEIVED or INGEST_REPEAT has left, or
 * (left false) never will: its jobs may run. To be called exactly once for
 * each.
 */
void ingest_answered(struct ingest *in, int64_t event, bool left);

/*
 * How the delivery of a stored event was answered: kept with one of the events
 * that come next, and until then, and longer, in memory.
 */
void ingest_note_answer(struct ingest *in, const struct store_answer *answer);

/* What is remembered of that. 0, or -1: nothing. */
int ingest_find_answer(const struct ingest *in, int64_t event,
    struct store_answer *ret_answer);

/* Deliveries that have not had their outcome. */
size_t ingest_pending(const struct ingest *in);

/* What was counted since the start. */
struct ingest_stats {
	uint64_t received;
	uint64_t kinds[EVENT_NKINDS]; /* the same, by type */
	uint64_t repeats;             /* of the received */
	uint64_t duplicates;
	uint64_t conflicts; /* of the duplicates: another body */
	uint64_t invalid;
	uint64_t busy;
};
void ingest_stats(const struct ingest *in, struct ingest_stats *ret_stats);

/* When the last event of each branch came in; until free. */
const struct branches *ingest_branches(const struct ingest *in);

/* An event of that branch came in before the start. */
void ingest_seen(struct ingest *in, const char *branch, struct steady_time at);

/* Only when nothing is pending, in ingest or in the store. Accepts NULL. */
void ingest_free(struct ingest *in);

#endif /* SERVER_INGEST_H */
