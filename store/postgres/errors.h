/*
 * errors.h -- private to store/postgres/: what an error of the server means.
 * Pure: knows no connection.
 */
#ifndef STORE_POSTGRES_ERRORS_H
#define STORE_POSTGRES_ERRORS_H

#include <stdbool.h>

#include "store/store.h"

/* What is to be done about it. */
enum pg_verdict {
	PG_ALONE,  /* one operation asks for what cannot be: it alone fails */
	PG_AGAIN,  /* another transaction was in the way: at once again */
	PG_BUSY,   /* it passes; the connection is good */
	PG_FULL,   /* no space on the server */
	PG_AWAY,   /* the connection, or this server, is of no use now */
	PG_FENCED, /* this receiver is not to write any more: be another */
	PG_FAILED  /* anything else: it may stay so */
};

/* Appendix A of PostgreSQL's manual; NULL or "": the connection is lost. */
enum pg_verdict pg_judge(const char *sqlstate);

/* The outcome of what met with that, if it was not alone. */
enum store_rc pg_rc(enum pg_verdict verdict);

/*
 * Can it never do, so that a start is to fail by it: of a login, or of the
 * choice of the database?
 */
bool pg_is_setting(const char *sqlstate);

/*
 * Make one line of text that came from the server, in place: no controls, valid
 * UTF-8, no full stop.
 */
void pg_clean(char *text);

/*
 * What libpq says of a connection that it did not get, in its verbose form,
 * becomes what the server said, or why there is none, in one line, in place.
 * *ret_sqlstate is "", or the server's.
 */
void pg_connect_words(char *text, char ret_sqlstate[6]);

#endif /* STORE_POSTGRES_ERRORS_H */
