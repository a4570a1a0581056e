/*
 * dial.h -- private to store/postgres/: a connection of libpq's, to whichever
 * of the URL's hosts may be written to.
 */
#ifndef STORE_POSTGRES_DIAL_H
#define STORE_POSTGRES_DIAL_H

#include "store/postgres/pipe.h"

/*
 * As pg_connect(), but for the look at the server and the session; the reason
 * does not name the server. *ret_pg is for PQfinish().
 */
enum store_rc dial(const struct pg_connect *what, PGconn **ret_pg,
    char reason[STORE_REASON_MAX]);

#endif /* STORE_POSTGRES_DIAL_H */
