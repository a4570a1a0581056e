/*
 * errors.h -- private to store/postgres/: what an error of the server means.
 * Pure: knows no connection.
 */
#ifndef STORE_POSTGRES_ERRORS_H
#define STORE_POSTGRES_ERRORS_H

#include <stdbool.h>

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

#endif /* STORE_POSTGRES_ERRORS_H */
