/*
 * ingest_private.h -- what ingest holds: for ingest.c and ingest_own.c.
 */
#ifndef SERVER_INGEST_PRIVATE_H
#define SERVER_INGEST_PRIVATE_H

#include <sys/queue.h>

#include "server/intake/answers.h"
#include "server/intake/branches.h"
#include "server/intake/ingest.h"

struct event;
struct pending; /* ingest.c */
struct subscriptions;

/* Sources whose times lack a zone: as many as there may be secrets. */
#define ZONELESS_MAX 16

struct ingest {
	struct store *st;
	struct dispatch *d;
	struct rejections *rej;
	struct journal *journal;       /* NULL: events are noted nowhere */
	struct event *timer;           /* for the oldest of waiting */
	TAILQ_HEAD(, pending) waiting; /* oldest first */
	size_t npending;
	struct subscriptions *subs;
	struct ingest_stats stats;
	bool open; /* deliveries are taken */
	struct branches branches;
	struct answers answers;
	char *zoneless[ZONELESS_MAX]; /* secrets that were warned of */
	size_t nzoneless;
};

#endif /* SERVER_INGEST_PRIVATE_H */
