/*
 * dispatch_handler.h -- a configured handler, as dispatch is given it and as it
 * shows it.
 */
#ifndef SERVER_DISPATCH_HANDLER_H
#define SERVER_DISPATCH_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"

struct histogram;

/* A handler to be put to work; all borrowed. */
struct dispatch_handler {
	int64_t number; /* in the store */
	const char *name;
	const struct handler *type;
	struct handler_options options;
	const int64_t *retry_ms; /* waits between attempts, the last repeats */
	size_t nretry;
	int64_t max_age_ms; /* since the event came in; then it is dead */
	int64_t
	    alarm_max_ms; /* the longest deadline it is the alarm of, or 0 */
	bool paused;      /* as the store has it; only when it is new */

	/* Only for an outlet. */
	size_t concurrency; /* calls at once, at least 1 */
	bool once_per_order;
	bool shared; /* other receivers have the same store, and the handler */
	bool sends_repeats; /* called for a repeat as for any other event */
	bool logs_answers;  /* to its calls: for a developer */
};

/* What became of a handler's attempts since the start. */
struct dispatch_attempts {
	uint64_t done;
	uint64_t retry;
	uint64_t unknown; /* to be tried again, though it may have been done */
	uint64_t dead;
};

/* A handler at work, for those who show it. */
struct dispatch_live {
	int64_t number;
	const char *name; /* borrowed, as error is, until the loop goes on */
	bool paused;
	bool probing;
	bool outlet;      /* it calls out */
	size_t under_way; /* starts and calls */
	struct dispatch_attempts attempts;
	const struct histogram *calls; /* how long they took, in us, since
					  the start; borrowed: call_time.h */
	bool lasting;      /* it keeps a connection to its far side */
	bool connected;    /* and has it now */
	const char *error; /* of its last attempt; NULL: that was a success */
	int64_t error_ms;  /* when, by the wall clock */
	/*
	 * Of jobs of others' events than klikitd's own: since when no call has
	 * succeeded, or was answered for good; 0: the last one was, or none was
	 * made since the start (works says which).
	 */
	struct steady_time failing_since;
	bool works;
	int64_t next_try_ms; /* from now, what is pending is tried again; -1:
				not known */
};

#endif /* SERVER_DISPATCH_HANDLER_H */
