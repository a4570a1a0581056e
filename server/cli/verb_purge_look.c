/*
 * Counted by the lists: what is received in the meantime, or has pending jobs
 * when its turn comes, makes the purge differ from what was said before.
 */
#include "server/cli/verb_purge_look.h"

#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/when.h"
#include "server/cli/verb_ask.h"
#include "server/cli/verb_choice.h"
#include "store/store.h"
#include "store/store_read.h"

#define COUNT_MAX 20000

/* What was found of one list. */
struct found {
	size_t n;
	bool more; /* than n */
	char oldest[FORMAT_TIME_MAX];
	char newest[FORMAT_TIME_MAX];
};

/* Would it go? Events only: not what went before, or has pending jobs. */
static bool
would_go(const json_t *row)
{
	const json_t *purged = json_object_get(row, "purged_at");

	return ((purged == NULL || json_is_null(purged)) &&
		json_integer_value(json_object_get(row, "pending")) == 0);
}

/* A row of the list, which has the newest first. */
static void
take(struct found *f, const char *at)
{
	if (f->n++ == 0)
		(void)snprintf(f->newest, sizeof(f->newest), "%s", at);
	(void)snprintf(f->oldest, sizeof(f->oldest), "%s", at);
}

/* Go through a list, named by its path and query. Returns 0; -1, said. */
static int
count(struct verb_admin *va, const char *rows, const char *query,
    struct found *ret)
{
	const char *time = strcmp(rows, "events") == 0 ? "received_at" : "at";
	char path[2 * VERB_PATH_MAX];
	json_int_t before = 0;
	json_t *page, *row;
	size_t i;

	*ret = (struct found){ 0 };
	do {
		(void)snprintf(path, sizeof(path), "%s&limit=%d", query,
		    STORE_PAGE_MAX);
		if (before > 0)
			(void)snprintf(path + strlen(path),
			    sizeof(path) - strlen(path), "&before=%lld",
			    (long long)before);
		if ((page = verb_admin_get(va, path)) == NULL)
			return (-1);
		json_array_foreach(json_object_get(page, rows), i, row)
		{
			if (would_go(row))
				take(ret, verb_admin_text(row, time));
		}
		before = json_integer_value(json_object_get(page, "next"));
		json_decref(page);
	} while (before > 0 && ret->n < COUNT_MAX);
	ret->more = before > 0;
	return (0);
}

/* "3 events (...)" */
static void
print(const struct verb_args *args, const struct found *f, const char *what,
    char *ret_text, size_t max)
{
	char span[VERB_SPAN_MAX] = "";

	if (f->n > 0 && !f->more)
		(void)verb_span(args, f->oldest, f->newest, span);
	(void)snprintf(ret_text, max, "%s%zu %s%s%s",
	    f->more ? "more than " : "", f->n, what, f->n == 1 ? "" : "s",
	    span);
}

/* store_set_aside_fn */
static void
file_cb(const char *path, const char *what, int64_t at_ms, void *arg)
{
	size_t *n = arg;

	(void)path;
	(void)what;
	(void)at_ms;
	(*n)++;
}

/* By age: events, and rejections. */
static int
look_older(struct verb_admin *va, const struct verb_args *args, int64_t age_ms,
    char *ret_text)
{
	char until[FORMAT_TIME_MAX], words[WHEN_WORDS_MAX];
	char events[VERB_PURGE_LOOK_MAX / 3], others[VERB_PURGE_LOOK_MAX / 3];
	char path[VERB_PATH_MAX] = "/api/v1/events";
	struct found f;

	(void)format_time(clock_wall_ms() - age_ms, until);
	if (verb_path_add(path, "until", until) == -1 ||
	    count(va, "events", path, &f) == -1)
		return (-1);
	print(args, &f, "event", events, sizeof(events));
	(void)snprintf(path, sizeof(path), "/api/v1/rejections");
	if (verb_path_add(path, "until", until) == -1 ||
	    count(va, "rejections", path, &f) == -1)
		return (-1);
	print(args, &f, "rejection", others, sizeof(others));
	(void)snprintf(ret_text, VERB_PURGE_LOOK_MAX,
	    "customers' data older than %s: that of %s and %s",
	    when_words(age_ms, words), events, others);
	return (0);
}

/* Of an order: its events; which rejections name it only a purge finds out. */
static int
look_order(struct verb_admin *va, const struct verb_args *args,
    const char *order, char *ret_text)
{
	const char *scope = verb_flag(args, "scope", 0);
	char path[VERB_PATH_MAX] = "/api/v1/events";
	char events[VERB_PURGE_LOOK_MAX / 2];
	struct found f;

	if (verb_path_add(path, "order", order) == -1 ||
	    (scope != NULL && verb_path_add(path, "scope", scope) == -1)) {
		fprintf(stderr, "klikitd purge: a flag is too long\n");
		return (-1);
	}
	if (count(va, "events", path, &f) == -1)
		return (-1);
	print(args, &f, "event", events, sizeof(events));
	(void)snprintf(ret_text, VERB_PURGE_LOOK_MAX,
	    "customers' data of order %s: that of %s, and rejections that name "
	    "it or cannot be read to the end",
	    log_text(order), events);
	return (0);
}

int
verb_purge_look(struct verb_admin *va, const struct verb_args *args,
    char ret_text[VERB_PURGE_LOOK_MAX])
{
	const char *order = verb_flag(args, "order", 0);
	const char *age = verb_flag(args, "older-than", 0);
	size_t files = 0;
	int64_t ms = 0;

	if (order != NULL)
		return (look_order(va, args, order, ret_text));
	if (age != NULL) {
		(void)parse_duration(age, &ms); /* checked before */
		return (look_older(va, args, ms, ret_text));
	}
	store_set_aside(verb_admin_store(va), file_cb, &files);
	(void)snprintf(ret_text, VERB_PURGE_LOOK_MAX,
	    "%zu file%s that %s set aside", files, files == 1 ? "" : "s",
	    files == 1 ? "was" : "were");
	return (0);
}
