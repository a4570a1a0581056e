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
#include "server/cli/verb_admin.h"

#define VERB_LIST_FLAGS                                                        \
	{ "order", "ID", "only of this order", false },                        \
	    { "scope", "WORD", "only of this scope; '' is the usual one",      \
		    false },                                                   \
	    { "brand", "ID", "only of this brand", false },                    \
	    { "branch", "ID", "only of this branch", false },                  \
	    VERB_LIST_FLAGS_COMMON

#define VERB_LIST_FLAGS_COMMON                                                 \
	{ "since", "TIME", "only received at TIME (RFC 3339) or later",        \
		false },                                                       \
	    { "until", "TIME", "only received before TIME", false },           \
	    VERB_LIST_FLAGS_ALL

#define VERB_LIST_FLAGS_ALL                                                    \
	{ "limit", "N", "at most N rows (default 50)", false },                \
	    { "json", NULL, "one JSON object a line", false },                 \
	{                                                                      \
		"dev", NULL, "in the store of klikitd dev", false              \
	}

struct verb_one;

/* What is listed. */
struct verb_list {
	const char *path; /* of the list: "/api/v1/events" */
	const char *rows; /* the array in its answer: "events" */
	const struct field *fields;
	const struct field *whole; /* of one; NULL: none is shown alone */
	bool unpaged;              /* the list takes no query */
	bool live; /* a running server knows more than the store */

	/*
	 * The flag that asks for the bytes of one alone, and how to print
	 * them: 0; -1, said on stderr. NULL: there is none.
	 */
	const char *content;
	int (*print)(const struct verb_one *one);
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

/* Which rows to go through, beside what the flags choose. */
struct verb_rows {
	const struct verb_list *list;
	const char *event; /* of jobs: only of this event id; NULL: of any */
	bool newest;       /* of jobs: of replays only the last */
	size_t most;       /* rows; 0: all */
};

/*
 * Call each() for the rows that the flags and which choose, newest first,
 * until it returns -1. Returns 0; -1, said on stderr, if one of the pages
 * could not be had or each() returned -1, which has said it then.
 */
typedef int verb_row_fn(const json_t *row, void *arg);
int verb_list_each(struct verb_admin *va, const struct verb_args *args,
    const struct verb_rows *which, verb_row_fn *each, void *arg);

/*
 * Do the values of the flags that choose make sense? Returns 0; -1, said as a
 * usage error.
 */
int verb_list_check(const struct verb_args *args);

/* Print the object on one line, and drop it; NULL is out of memory: -1. */
int verb_json_print(json_t *object);

#endif /* SERVER_VERB_LIST_H */
