/*
 * verb_list.h -- private to verb_events.c and verb_orders.c: the flags that
 * choose rows, and how a row is told.
 */
#ifndef SERVER_VERB_LIST_H
#define SERVER_VERB_LIST_H

#include <jansson.h>

#include "server/json.h"
#include "server/table.h"
#include "server/verb_input.h"

#define VERB_LIST_FLAGS                                                        \
	{ "order", "ID", "only of this order", false },                        \
	    { "brand", "ID", "only of this brand", false },                    \
	    { "branch", "ID", "only of this branch", false },                  \
	    { "since", "TIME", "only received at TIME (RFC 3339) or later",    \
		    false },                                                   \
	    { "until", "TIME", "only received before TIME", false },           \
	    { "limit", "N", "at most N rows (default 50)", false },            \
	    { "json", NULL, "one JSON object a line", false },                 \
	{                                                                      \
		"dev", NULL, "in the store of klikitd dev", false              \
	}

/* A list being gathered: as a table, or printed at once as JSON. */
struct verb_list {
	struct store_filter filter; /* of the next page */
	size_t left;                /* rows still wanted */
	size_t got;                 /* rows of the last page */
	struct table *table;        /* NULL: JSON */
	bool content;               /* print the body or document alone */
	const char *error;          /* set by a callback that failed */
	char reason[STORE_REASON_MAX];
};

/*
 * Fill a list from the flags; content is the flag that asks for the bytes of
 * one row. Returns 0, or -1, told on stderr, if a value is wrong or flags do
 * not go together.
 */
int verb_list_init(const struct verb_args *args, const char *content,
    struct verb_list *ret_list);

/* Note why a page or a row could not be had. */
void verb_list_fail(struct verb_list *list, const char *reason);

/* Print the object on one line, and drop it; NULL is out of memory: -1. */
int verb_json_print(json_t *object);

#endif /* SERVER_VERB_LIST_H */
