/*
 * admin_filter.h -- private to admin_*.c: the query of a list, read by a table
 * of its names, and the page that answers it.
 */
#ifndef SERVER_ADMIN_FILTER_H
#define SERVER_ADMIN_FILTER_H

#include "server/admin/admin_private.h"

enum admin_kind {
	ADMIN_TEXT,   /* const char *, in the call's memory */
	ADMIN_SCOPE,  /* the same, and may be empty */
	ADMIN_TIME,   /* int64_t, from RFC 3339 or ms */
	ADMIN_NUMBER, /* int64_t, from 1 */
	ADMIN_LIMIT,  /* size_t, 1 to STORE_PAGE_MAX; call->limit as well */
	ADMIN_BOOL,   /* bool */
	ADMIN_WORD    /* as its word() reads it */
};

/* A name that a list's query may have. */
struct admin_key {
	const char *name;
	enum admin_kind kind;
	size_t at; /* in the filter */
	/* ADMIN_WORD: set it in filter. Returns 0, or -1: a wrong word. */
	int (*word)(const char *value, void *filter);
};

#define ADMIN_LIMIT_DEFAULT 50

/*
 * Read the call's query into filter by keys, up to one without a name.
 * ADMIN_NOW: it makes no sense, the answer says why.
 */
enum admin_when admin_filter(struct admin_call *call,
    const struct admin_key *keys, void *filter);

/*
 * Read the query of something that is shown alone: the scope it is to be of,
 * in the call's memory, NULL if none is named. ADMIN_NOW as above.
 */
enum admin_when admin_one_scope(struct admin_call *call,
    const char **ret_scope);

/*
 * Answer with a page: {name: [rows], "next": before}. Between the two calls w
 * gets the rows. next: 0 if it is the last page.
 */
void admin_page_begin(struct admin_call *call, struct json_write *w,
    const char *name);
void admin_page(struct admin_call *call, struct json_write *w, int64_t next);

/*
 * The same of a list that is looked through a part at a time: {name: [rows],
 * "next": before, "scanned": n}; a page that is not full need not be the last.
 * scan is what admin_scan() gave for the filter: of the call, NULL when out of
 * memory.
 */
struct store_scan *admin_scan(struct admin_call *call);
void admin_page_of(struct admin_call *call, struct json_write *w,
    const struct store_scan *scan);

#endif /* SERVER_ADMIN_FILTER_H */
