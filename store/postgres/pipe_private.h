/*
 * pipe_private.h -- private to store/postgres/: what a connection is, for
 * connect.c and pipe.c; all others know it by pipe.h.
 */
#ifndef STORE_POSTGRES_PIPE_PRIVATE_H
#define STORE_POSTGRES_PIPE_PRIVATE_H

#include "store/postgres/pipe.h"

/* A step of the pipeline whose result was not received yet. */
struct pg_step {
	const struct pg_statement *s; /* NULL: it is not prepared */
	bool prepares;
};

/* A statement that the server has, or will have once its step has come. */
struct pg_prepared {
	const struct pg_statement *s;
	bool sure;
};

/* Room for the name of a server, in a reason. */
#define PG_NAME_MAX 256

/*
 *   pipeline:  CLOSED --pg_send--> OPEN --pg_receive_end--> CLOSED
 *   lost:      no step leads back; all fails at once
 */
struct pg_conn {
	PGconn *pg;
	int stop_fd; /* borrowed; -1: none */
	unsigned statement_ms;
	char name[PG_NAME_MAX];

	struct pg_prepared *prepared;
	size_t nprepared, prepared_room;

	struct pg_step *steps; /* of the open pipeline */
	size_t nsteps, steps_room, received;
	bool open;

	/* What went wrong last. */
	bool lost;   /* the connection */
	bool failed; /* the open pipeline, or the last */
	bool warned;
	enum pg_verdict verdict;
	char reason[STORE_REASON_MAX];
};

/*
 * A connection out of one of libpq's, which it takes, also on failure; name is
 * copied. NULL when out of memory.
 */
struct pg_conn *pg_conn_new(PGconn *pg, const char *name, int stop_fd);

/* One statement without values that is not prepared; its result is of texts. */
enum store_rc pg_ask(struct pg_conn *c, const char *sql, int64_t deadline_ms,
    PGresult **ret_res);

#endif /* STORE_POSTGRES_PIPE_PRIVATE_H */
