/*
 * reconcile_dialect.h -- how klikit's list of orders is asked for, and where
 * things stand in its answer: two dialects, each name of which may be another.
 *
 * Pure: text in, text out. Texts are borrowed.
 */
#ifndef SERVER_RECONCILE_DIALECT_H
#define SERVER_RECONCILE_DIALECT_H

#include <stddef.h>
#include <stdint.h>

enum reconcile_paging {
	RECONCILE_BY_PAGE,  /* page 1, 2, ... of so many orders */
	RECONCILE_BY_CURSOR /* each answer names the next one */
};

/* What has a name that depends on the dialect. */
enum reconcile_name {
	/* Parameters of the question. */
	RECONCILE_FROM, /* orders created at or after */
	RECONCILE_TO,   /* and before */
	RECONCILE_PAGE,
	RECONCILE_SIZE,
	RECONCILE_CURSOR,
	/* Places in the answer: members, with dots between. */
	RECONCILE_ORDERS, /* the array */
	RECONCILE_TOTAL,  /* how many orders there are on all pages */
	RECONCILE_LENGTH, /* how long its pages are */
	RECONCILE_NEXT,   /* the cursor of the next page */
	/* A header of the answer. */
	RECONCILE_NEXT_HEADER, /* the same */
	RECONCILE_NNAMES
};

/* It has no such thing. */
#define RECONCILE_NONE "-"

struct reconcile_dialect {
	enum reconcile_paging paging;
	const char *names[RECONCILE_NNAMES]; /* NULL: there is none */
};

/*
 * The dialect of that paging, with these names where they are neither NULL nor
 * empty; RECONCILE_NONE takes one away.
 */
void reconcile_dialect_set(struct reconcile_dialect *d,
    enum reconcile_paging paging, const char *const names[RECONCILE_NNAMES]);

/* Which page is wanted. */
struct reconcile_ask {
	int64_t from_ms;
	int64_t to_ms;
	int64_t page; /* the first is 1 */
	int64_t size;
	const char *cursor; /* NULL: the first page */
};

/*
 * The target of that page: path, which may have a query, and the parameters.
 * Returns it, owned by the caller; NULL when out of memory.
 */
char *reconcile_dialect_target(const struct reconcile_dialect *d,
    const char *path, const struct reconcile_ask *ask);

#endif /* SERVER_RECONCILE_DIALECT_H */
