#include "test/store/pg_pipe_case.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

const struct pg_statement add = { "add", "SELECT $1::int8 + $2::int8" };

/* One database for all: making one takes longer than a test. */
static struct case_database *all_db;
static char all_url[256];

int
pg_pipe_setup_all(void **state)
{
	(void)state;
	all_db = case_database_new(all_url, sizeof(all_url));
	/* What a session must not be left with. */
	case_database_sql(all_db,
	    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET "
	    "synchronous_commit = off', current_database()); EXECUTE "
	    "format('ALTER DATABASE %I SET default_transaction_isolation = "
	    "serializable', current_database()); END $$");
	return (0);
}

int
pg_pipe_teardown_all(void **state)
{
	(void)state;
	case_database_free(all_db);
	return (0);
}

int
pg_pipe_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->db = all_db;
	memcpy(w->url, all_url, sizeof(all_url));
	w->proxy = pg_proxy_new(w->url);
	pg_proxy_url(w->proxy, w->through, sizeof(w->through));
	w->stop_fd = eventfd(0, EFD_CLOEXEC);
	*state = w;
	return (0);
}

int
pg_pipe_teardown(void **state)
{
	struct world *w = *state;

	pg_conn_free(w->c);
	pg_proxy_free(w->proxy);
	case_database_sql(w->db, "DROP TABLE IF EXISTS public.kept");
	arena_fini(&w->mem);
	(void)close(w->stop_fd);
	free(w);
	return (0);
}

enum store_rc
try_connect(struct world *w, const char *url, unsigned within_ms)
{
	struct pg_connect what = { .url = url,
		.deadline_ms = pg_now_ms() + within_ms,
		.statement_ms = LONG_MS,
		.idle_ms = LONG_MS,
		.stop_fd = w->stop_fd };
	struct pg_conn *c = NULL;
	enum store_rc rc;

	w->reason[0] = '\0';
	if ((rc = pg_connect(&what, &c, w->reason)) == STORE_OK) {
		pg_conn_free(w->c);
		w->c = c;
	} else
		assert_null(c);
	return (rc);
}

void
connect_through(struct world *w)
{
	if (try_connect(w, w->through, LONG_MS) != STORE_OK)
		fail_msg("%s", w->reason);
}

const struct pg_args *
two(struct world *w, struct pg_args *a, int64_t first, int64_t second)
{
	pg_args_init(a, &w->mem);
	pg_arg_int(a, first);
	pg_arg_int(a, second);
	return (a);
}

enum store_rc
ask(struct world *w)
{
	PGresult *res = NULL;
	struct pg_args a;
	enum store_rc rc;

	rc = pg_query(w->c, &add, two(w, &a, 1, 1), &res, w->reason);
	PQclear(res);
	return (rc);
}

void
assert_works(struct world *w)
{
	PGresult *res = NULL;
	struct pg_args a;

	assert_int_equal(pg_query(w->c, &add, two(w, &a, 40, 2), &res,
			     w->reason),
	    STORE_OK);
	assert_int_equal(pg_int(res, 0, 0), 42);
	PQclear(res);
}
