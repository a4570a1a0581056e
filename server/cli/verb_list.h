/*
 * verb_list.h -- private to verb_*.c: the verbs that list rows, or show one:
 * the flags that choose, the paging, and printing by the lists of fields.
 *
 * All of them ask the admin API (verb_admin.h), so that what they print is
 * what it answers.
 */
#ifndef SERVER_VERB_LIST_H
#define SERVER_VERB_LIST_H

#include <jansson.h>

#include "server/admin/entity.h"
#include "server/base/screen.h"
#include "server/cli/verb_admin.h"
#include "server/cli/verb_choice.h"

#define VERB_LIST_FLAGS                                                        \
	{ "order", "ID", "only of this order", false },                        \
	    { "scope", "WORD", "only of this scope; '' is the usual one",      \
		    false },                                                   \
	    { "brand", "ID", "only of this brand", false },                    \
	    { "branch", "ID", "only of this branch", false },                  \
	    VERB_LIST_FLAGS_COMMON

#define VERB_LIST_FLAGS_COMMON                                                 \
	{ "since", "TIME",                                                     \
		"only received at TIME or later: 2h, 2026-11-28T14:00",        \
		false },                                                       \
	    { "until", "TIME", "only received before TIME", false },           \
	    VERB_LIST_FLAGS_ALL

#define VERB_LIST_FLAGS_ALL                                                    \
	{ "limit", "N", "at most N rows (default 50)", false },                \
	    { "json", NULL, "one JSON object a line", false },                 \
	    VERB_SCREEN_FLAGS,                                                 \
	{                                                                      \
		"dev", NULL, "in the store of klikitd dev", false              \
	}

/* Of tables on a terminal. */
#define VERB_SCREEN_FLAGS                                                      \
	{ "wide", NULL, "on a terminal: every column, and ids in full",        \
		false },                                                       \
	{                                                                      \
		"utc", NULL, "times in UTC, not of this machine's zone", false \
	}

/* The standard output, with the wishes of those flags. */
struct screen verb_screen(const struct verb_args *args);

struct verb_one;
struct verb_rows;

/* What is listed. */
struct verb_list {
	const char *path; /* of the list: "/api/v1/events" */
	const char *rows; /* the array in its answer: "events" */
	const struct field *fields;
	const struct field *whole; /* of one; NULL: none is shown alone */
	bool unpaged;              /* the list takes no query */
	bool live; /* a running server knows more than the store */
	const char *const *states; /* that --state may name; or NULL */
	bool long_ids;             /* the beginning of one is enough */

	/*
	 * The flag that asks for the bytes of one alone, and how to print
	 * them: 0; -1, said on stderr. NULL: there is none.
	 */
	const char *content;
	int (*print)(const struct verb_one *one);

	/* For --follow: verb_follow(). NULL: there is no such flag. */
	enum verb_exit (
	    *follow)(struct verb_admin *va, const struct verb_rows *which);
};

/* One that was asked for. */
struct verb_one {
	struct verb_admin *va;
	const char *verb;
	const char *path;     /* its own, encoded */
	const char *query;    /* "?scope=WORD", encoded; or "" */
	const json_t *object; /* the answer, but for a document */
	const char *document; /* of an order, as it stands; NULL: none */
};

/*
 * Run such a verb: print the list that args choose, or the one that their
 * word names, in each scope that has it.
 */
enum verb_exit verb_list_run(const struct verb_args *args,
    const struct verb_list *list);

/* Which rows to go through: what the flags choose, and what is said here. */
struct verb_rows {
	const struct verb_list *list;
	const struct verb_choice *choice;
	const char *event; /* of jobs: only of this event id; NULL: of any */
	bool newest;       /* of jobs: of replays only the last */
	size_t most;       /* rows; 0: all */
};

/*
 * Call each() for the rows that the flags and which choose, newest first,
 * until it does not return 0. Returns 0, or what it returned; -1, said on
 * stderr, if one of the pages could not be had or each() returned -1, which has
 * said it then.
 */
typedef int verb_row_fn(const json_t *row, void *arg);
int verb_list_each(struct verb_admin *va, const struct verb_rows *which,
    verb_row_fn *each, void *arg);

/* Print the object on one line, and drop it; NULL is out of memory: -1. */
int verb_json_print(json_t *object);

#endif /* SERVER_VERB_LIST_H */
