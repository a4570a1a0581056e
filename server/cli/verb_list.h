/*
 * verb_list.h -- what the verbs that list rows of the store, or show one, have
 * in common: the flags that choose, the paging, and how a value is told.
 */
#ifndef SERVER_VERB_LIST_H
#define SERVER_VERB_LIST_H

#include <jansson.h>

#include "server/base/json.h"
#include "server/base/table.h"
#include "server/cli/verb_input.h"
#include "store/store_read.h"

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
	    { "limit", "N", "at most N rows (default 50)", false },            \
	    { "json", NULL, "one JSON object a line", false },                 \
	{                                                                      \
		"dev", NULL, "in the store of klikitd dev", false              \
	}

/* A list being gathered: as a table, or printed at once as JSON. */
struct verb_list {
	const struct verb_args *args;
	struct store_filter filter; /* of the next page */
	size_t left;                /* rows still wanted */
	size_t got;                 /* rows of the last page, or of one row */
	struct table *table;        /* NULL: JSON */
	bool content;               /* print the body or document alone */
	const char *error;          /* set by a callback that failed */
	char reason[STORE_REASON_MAX];
};

/* What is listed. */
struct verb_list_kind {
	const char *noun;    /* "event" */
	const char *content; /* the flag that asks for the bytes of one row */
	const char *const *titles; /* of the table; NULL at the end */

	/*
	 * Ask the store for the page that list->filter describes, or for one
	 * row by its id. The completion prints what it gets, sets list->got
	 * and, of a page, moves filter.before and counts list->left down.
	 * Returns 0; -1 when out of memory.
	 */
	int (*page)(struct store *st, struct verb_list *list);
	int (*get)(struct store *st, const char *id, struct verb_list *list);
};

/*
 * Run such a verb: the list, or the one row that is named by args' word. What
 * is wrong is told on stderr.
 */
enum verb_exit verb_list_run(const struct verb_args *args,
    const struct verb_list_kind *kind);

/*
 * Read the flag of that name as a time, if it was given. Returns 0; -1, told
 * as a usage error.
 */
int verb_list_time(const struct verb_args *args, const char *name,
    int64_t *ret_ms);

/* Add a cell: an id, and its scope unless that is the usual one. */
void verb_list_add_id(struct table *t, const char *id, const char *scope);

/*
 * Only the bytes of one row were asked for: is it more than one, of several
 * scopes? Then that is the failure.
 */
bool verb_list_several(struct verb_list *list, size_t n);

/* Note why a page or a row could not be had. */
void verb_list_fail(struct verb_list *list, const char *reason);

/* Print the object on one line, and drop it; NULL is out of memory: -1. */
int verb_json_print(json_t *object);

#endif /* SERVER_VERB_LIST_H */
