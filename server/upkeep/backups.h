/*
 * backups.h -- verified backups by a clock.
 *
 * Owns:    when one is due, the program that makes it (this one: klikitd
 *          backup --scheduled), and what came of the last.
 * Touches: the loop, programs beside it, the log. No store and no disk: a disk
 *          that hangs, or a long copy, is nothing that a delivery waits for.
 *
 * How old the newest is says when the next is due, by the names in the
 * directory, so also after a restart; while klikitd runs, the time since the
 * machine's start counts. What fails is tried again.
 */
#ifndef SERVER_BACKUPS_H
#define SERVER_BACKUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/upkeep/backup_name.h"
#include "server/upkeep/backup_push.h"

struct alerts;
struct backups; /* opaque */
struct clock_watch;
struct event_base;

#define BACKUPS_FIRST_MS 5000    /* from the start to the first look */
#define BACKUPS_RETRY_MS 600000  /* after a failure, if `every' is not less */
#define BACKUPS_LIMIT_MS 7200000 /* for one: a hung disk gets no more */
#define BACKUPS_REASON_MAX 600

/* What the operator wants; borrowed for the call. */
struct backups_settings {
	const char *store_url; /* of a store that is a file */
	const char *dir;       /* NULL, or every_ms 0: none are made */
	int64_t every_ms;
	int64_t keep;
	int64_t max_age_ms;              /* older ones go, but for the newest */
	struct backup_push_options push; /* ncommand 0: nowhere */
};

/* Keeps all. None are made before backups_set(). NULL: no memory. */
struct backups *backups_new(struct event_base *base,
    const struct clock_watch *clock, struct alerts *alerts);

/*
 * Go by these settings from now on; if they are other ones than before, what
 * is under way is ended, and looked at anew. Returns 0; -1: no memory, and
 * then none are made.
 */
int backups_set(struct backups *b, const struct backups_settings *set);

struct backups_status {
	bool on;
	const char *dir; /* these two valid until backups_set() */
	int64_t every_ms;
	bool running;
	bool known;        /* the directory was looked at: */
	int64_t newest_ms; /* its time; 0: there is none */
	char newest[BACKUP_NAME_MAX];
	int64_t newest_bytes;
	int64_t count; /* of verified ones */
	int64_t bytes; /* of all of them */

	uint64_t made;     /* since the start */
	uint64_t failures; /* the same */
	int64_t failed_ms; /* the last one, if none was made since; else 0 */
	char reason[BACKUPS_REASON_MAX]; /* of that; "" */

	bool pushes; /* there is a command */
	struct backup_push_status push;
};
void backups_status(const struct backups *b, struct backups_status *ret_status);

/* Start nothing more, and end what runs. Accepts NULL. */
void backups_stop(struct backups *b);

/* Accepts NULL. */
void backups_free(struct backups *b);

#endif /* SERVER_BACKUPS_H */
