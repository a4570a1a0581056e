/*
 * backup_push.h -- a backup is brought elsewhere by the operator's program.
 *
 * Owns:    one run of it at a time, and the waits between its tries.
 * Touches: the loop, programs beside it, the log. The file itself is the
 *          program's to read.
 */
#ifndef SERVER_BACKUP_PUSH_H
#define SERVER_BACKUP_PUSH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"

struct backup_push; /* opaque */
struct child_pool;
struct event_base;

struct backup_push_options {
	const char *const *command; /* argv, NULL after the last */
	size_t ncommand;
	const int64_t *retry_ms; /* waits between tries; the last repeats */
	size_t nretry;           /* at least 1 */
	int64_t timeout_ms;
	uint64_t files_max; /* as of child_spec */
};

/* What is told, from the loop. */
struct backup_push_fns {
	/* The file of that path was handed on. */
	void (*done)(const char *path, void *arg);
	/* It was not, for so many times; 0: and is not tried again. */
	void (*failed)(const char *path, unsigned tries, const char *reason,
	    void *arg);
	void *arg;
};

/* Keeps base and pool, copies the rest. NULL when out of memory. */
struct backup_push *backup_push_new(struct event_base *base,
    struct child_pool *pool, const struct backup_push_options *opt,
    const struct backup_push_fns *fns);

/* Hand on this file now, in place of any that waits or is under way. */
void backup_push_file(struct backup_push *p, const char *path);

struct backup_push_status {
	bool pending;       /* it runs, or waits for its next try */
	uint64_t failures;  /* since the start */
	int64_t success_ms; /* wall clock; 0: none since the start */
	int64_t failed_ms;  /* of the last, if none has succeeded since */
	char reason[HANDLER_REASON_MAX]; /* of that; "" */
};
void backup_push_status(const struct backup_push *p,
    struct backup_push_status *ret_status);

/* Ends what runs. Accepts NULL. */
void backup_push_free(struct backup_push *p);

#endif /* SERVER_BACKUP_PUSH_H */
